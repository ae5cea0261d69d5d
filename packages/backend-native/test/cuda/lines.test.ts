// Sorts, scans and rows of lengths at which their kernels change: threads, warps, blocks, tiles, parts. Results are those
// of the CPU; elements are small integers where sums would be rounded in another order.
import { js } from '@flambeau/backend-js'
import { F, manualSeed, randint, randn, type Tensor, tensor, useDevice, zeros } from '@flambeau/core'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { type CudaBackend, openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'

let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openCuda(0)))
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 120_000)

/** What a function gives on both devices. */
function compare(of: () => Iterable<Tensor>): void {
  const on = (use: () => void): number[][] => {
    use()
    manualSeed(2)
    return [...of()].map((x) => [...x.toArray()])
  }
  expect(on(onCuda)).toEqual(on(() => void useDevice(js())))
}
const integers = (...shape: number[]): Tensor => randint(-3, 4, shape).to('float32')

for (const n of [1, 2, 31, 33, 255, 257, 1000, 2047, 2048, 2049, 4096, 4097, 6200, 10_000])
  it(`sorts of ${n}`, () => {
    // Many are equal, so a sort that is not stable shows.
    compare(() => integers(2, n).sort(1))
    compare(() => randn(n).sort(0, true))
    compare(() => integers(n, 2).to('int32').sort(0, true))
  })
it('sorts of every dtype', () => {
  for (const dtype of ['float64', 'int32', 'uint8', 'bool'] as const)
    compare(() => integers(3, 4500).abs().to(dtype).sort(1))
  compare(() => integers(400, 9).sort(1))
})
it('a sort has NaN last, and first if it descends', () => {
  const x = (): Tensor =>
    tensor([3, Number.NaN, -0, 0, Number.NEGATIVE_INFINITY, Number.NaN, Number.POSITIVE_INFINITY, -1])
  for (const descending of [false, true]) {
    compare(() => x().sort(0, descending))
    compare(() => x().repeat(600).sort(0, descending))
  }
})

for (const n of [1, 31, 32, 33, 255, 256, 257, 2047, 2048, 2049, 4100, 70_000])
  it(`scans of ${n}`, () => {
    compare(() => [integers(n).cumsum(0), integers(n, 2).to('int32').cumsum(0)])
    compare(() => [randn(n).cummax(0)[0], integers(2, n).eq(0).cumsum(1)])
  })
it('scans of many lines, of products, of steps other than one', () => {
  compare(() => [
    integers(4096, 40).cumsum(1),
    integers(3, 300).sign().cumprod(1),
    integers(3, 300).transpose(0, 1).cumsum(0),
  ])
})
it('a scan keeps -0 and passes NaN on', () => {
  for (const n of [8, 300])
    compare(() => {
      const x = integers(n).mul(0).neg().abs().neg()
      x.narrow(0, n - 2, 1).fill_(Number.NaN)
      return [x.cumsum(0)]
    })
})

for (const n of [1, 7, 33, 129, 1000, 1025, 5000])
  it(`rows of ${n}`, () => {
    onCuda()
    const wanted = (f: () => Tensor): Tensor => {
      useDevice(js())
      manualSeed(2)
      const values = f()
      const data = values.toArray()
      onCuda()
      return tensor(data).reshape(values.shape)
    }
    for (const f of [
      () => randn(3, n).softmax(1),
      () => randn(n, 3).logSoftmax(0),
      () => randn(3, n).logsumexp(1),
      () => randn(3, n).sum(1),
      () => randn(n, 3).mean(0),
      () => randn(3, n).var(1, n > 1),
    ]) {
      const expected = wanted(f)
      manualSeed(2)
      expect(f().sub(expected).abs().max().item()).toBeLessThan(1e-4)
    }
    compare(() => [integers(3, n).argmax(1), integers(n, 3).argmin(0), randn(3, n).argmax()])
  })

it('rows with infinite elements and NaN', () => {
  for (const n of [5, 40, 2000]) {
    for (const [at, value] of [
      [0, Number.POSITIVE_INFINITY],
      [n - 1, Number.NaN],
      [1, Number.NEGATIVE_INFINITY],
    ]) {
      const isWhat = (f: (x: Tensor) => Tensor) => (): Tensor[] => {
        const x = zeros(2, n)
        x.narrow(1, at, 1).fill_(value)
        const y = f(x)
        return [y.isnan(), y.eq(Number.POSITIVE_INFINITY), y.eq(Number.NEGATIVE_INFINITY)]
      }
      compare(isWhat((x) => x.softmax(1)))
      compare(isWhat((x) => x.logSoftmax(1)))
    }
    compare(() => [zeros(2, n).sub(Number.POSITIVE_INFINITY).softmax(1).isnan()])
  }
})

/**
 * Rows that several blocks share: long ones along the last axis, and such of a few columns. The last part of either ends
 * where a loop over four elements does.
 */
for (const [shape, axis] of [
  [[1, 70_500], 1],
  [[603, 3], 0],
] as const)
  it(`rows of ${shape.join('x')} along axis ${axis} in steps`, () => {
    const [size, others] = [shape[axis], shape[1 - axis]]
    const all = (): (readonly [string, readonly number[]])[] => {
      manualSeed(6)
      const x = randn(...shape)
      const dy = randn(...shape)
      const target = randint(0, size, [others]).to('int32')
      target.narrow(0, 0, 1).fill_(size - 1)
      const named: [string, (x: Tensor) => Tensor][] = [
        ['softmax', (x) => x.softmax(axis).mul(dy).sum()],
        ['logSoftmax', (x) => x.logSoftmax(axis).mul(dy).sum()],
        ['crossEntropy', (x) => F.crossEntropy(axis === 1 ? x : x.t(), target)],
      ]
      return named.flatMap(([name, f]) => {
        const leaf = x.clone().requiresGrad_()
        const y = f(leaf)
        y.backward()
        const itself = name === 'softmax' ? x.softmax(axis) : x.logSoftmax(axis)
        const found: [string, Tensor][] = [
          [name, y.detach().reshape([1])],
          [`the gradient of ${name}`, leaf.grad as Tensor],
          [`${name} itself`, itself],
        ]
        return found.map(([name, values]) => [name, [...values.toArray()]] as const)
      })
    }
    onCuda()
    const found = all()
    useDevice(js())
    for (const [i, [name, wanted]] of all().entries()) {
      const largest = wanted.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
      const worst = wanted.reduce((most, x, k) => Math.max(most, Math.abs(x - found[i][1][k])), 0)
      expect(worst / largest, name).toBeLessThan(2e-5)
    }
  })

it('a scatter of long lines writes in the order of its index', () => {
  for (const [n, d] of [
    [127, 3],
    [128, 3],
    [300, 5],
    [5000, 2],
  ]) {
    const index = (): Tensor => randint(0, 7, [n]).to('int32')
    // Sums of these depend on their order.
    compare(() => [randn(9, d).indexAdd(0, index(), randn(n, d)), randn(d, 9).indexAdd(1, index(), randn(d, n))])
    compare(() => [randn(9, d).indexCopy(0, index(), randn(n, d))])
    compare(() => [zeros(9, d).scatterAdd(0, randint(0, 9, [n, d]).to('int32'), randn(n, d))])
    compare(() => [randn(d, 9).scatterReduce(1, randint(0, 9, [d, n]).to('int32'), randn(d, n), 'prod')])
  }
})
it('an index beyond a long line is an error that changes nothing', () => {
  onCuda()
  const x = zeros(9, 2)
  expect(() => x.indexAdd_(0, tensor(Array(200).fill(9), { dtype: 'int32' }), randn(200, 2)).toArray()).toThrow(/index/)
  expect(x.sum().item()).toBe(0)
})
