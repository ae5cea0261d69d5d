// Every kind of instruction at sizes chosen for GPUs, against js. FLAMBEAU_CUDA_SIZES=all takes all sizes, and shapes that
// take the interpreter a minute.
import { type Tensor, tensor, useDevice } from '@flambeau/core'
import type { Backend } from '@flambeau/core/backend'
import { watched } from '@flambeau/backend-conformance'
import { js } from '@flambeau/backend-js'
import { expect, it } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { fused } from '../../src/cuda/plans/index.ts'
import { cudaMissing } from './driver.ts'
import { fewSizes, large, type Row, rows, sizes, tiled } from './sizes.ts'

const all = process.env.FLAMBEAU_CUDA_SIZES === 'all'

if (cudaMissing === undefined) {
  const seen = new Set<string>()
  const device = watched(await openCuda(0), true, seen)
  const reference = js()

  const on = (backend: Backend, run: () => readonly Tensor[]) => {
    useDevice(backend)
    return run().map((x) => ({ shape: x.shape, dtype: x.dtype, data: x.toArray() }))
  }
  const compare = (run: () => readonly Tensor[], what: string, tolerance = 0): void => {
    const [wanted, found] = [on(reference, run), on(device, run)]
    wanted.forEach(({ shape, dtype, data }, k) => {
      expect({ shape: found[k].shape, dtype: found[k].dtype }, what).toEqual({ shape, dtype })
      let largest = 0
      for (const x of data) largest = Math.max(largest, Math.abs(x))
      const isNear = (x: number, i: number): boolean =>
        Object.is(x, data[i]) || Math.abs(x - data[i]) <= tolerance * largest
      const wrong = found[k].data.findIndex((x: number, i: number) => !isNear(x, i))
      expect(
        wrong < 0 ? undefined : [found[k].data[wrong], data[wrong]],
        `${what}, result ${k}, element ${wrong}`,
      ).toBe(undefined)
    })
  }

  it.each(rows)('$name', ({ run, also = [], tolerance }: Row) => {
    for (const [i, n] of [...(all ? sizes : fewSizes), ...also].entries()) {
      // Every other size with a single block, so that a thread comes round again.
      if (i % 2 === 1) process.env.FAKECUDA_BLOCKS = '1'
      else delete process.env.FAKECUDA_BLOCKS
      compare(() => run(n), `size ${n}`, tolerance)
    }
  })
  it.each([...tiled, ...(all ? large : [])])('$name', ({ run, name }) => compare(run, name), 1_800_000)
  // One of each kind of kernel, and none that expects an error of its own.
  const quiet = rows.filter(({ name }) => !/fails|beyond|below/.test(name))
  it.each(quiet)('after an instruction that failed nothing runs: $name', ({ run, also = [] }) => {
    useDevice(device)
    const failed = tensor([1, 2, 3]).indexSelect(0, tensor([7], { dtype: 'int32' }))
    // The kernels of the row wait behind those of the failed instruction.
    const behind = () => [33, 1025, ...also].flatMap(run)
    expect(() => [failed, ...behind()].map((x) => x.toArray())).toThrow('index out of range in self')
  })
  it('each row runs its kind, and there is a row for every kind', () => {
    const kinds = [
      ...'map argReduce scan contract concat pad fold gather scatter assign sort iota'.split(' '),
      ...fused,
    ]
    expect([...seen].sort()).toEqual(kinds.sort())
  })
} else testWith('native', cudaMissing, 'sizes on cuda', () => {})
