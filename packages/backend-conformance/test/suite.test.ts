// The suite's own test: a matrix that cannot turn red proves nothing. Backends that are wrong in one place are run through
// it, and the cells that must notice are named; so are some that must not.
import { js } from '@flambeau/backend-js'
import { useDevice } from '@flambeau/core'
import type { Backend, Instr } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import { cellsOf } from '../src/cells.ts'
import { mustFail } from '../src/describe.ts'

/** The js backend with its instructions changed on the way in. */
const broken = (change: (instr: Instr) => Instr, memory?: () => { bytes: number; pooled: number }): Backend => {
  const inner = js()
  const backend: Backend = Object.create(inner)
  backend.run = (instr) => inner.run(change(instr))
  if (memory) backend.memory = memory
  return backend
}

/** Names of the cells that fail, among those that fit the pattern. */
const red = async (backend: Backend, pattern: RegExp): Promise<string[]> => {
  useDevice(backend)
  const failed: string[] = []
  for (const { name, run } of cellsOf(backend, { runs: 10 })) {
    if (!pattern.test(name)) continue
    await run().catch(() => failed.push(name))
  }
  return failed
}

const swapped = { max: 'min', min: 'max', sum: 'prod', prod: 'sum' } as const

describe('a backend that is wrong', () => {
  it('in no place, has no red cell', async () => {
    expect(
      await red(
        broken((instr) => instr),
        /^(argmax|cumsum|sort|exp|index) /,
      ),
    ).toEqual([])
  })

  it('in argReduce, is noticed by argmax and max, not by exp', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'argReduce'
        ? {
            ...instr,
            attrs: { ...(instr as Instr<'argReduce'>).attrs, fn: swapped[(instr as Instr<'argReduce'>).attrs.fn] },
          }
        : instr,
    )
    const cells = await red(wrong, /^(argmax|max|exp) › (golden values|random shapes)$/)
    expect(cells).toEqual(
      expect.arrayContaining([
        'argmax › golden values',
        'argmax › random shapes',
        'max › golden values',
        'max › random shapes',
      ]),
    )
    expect(cells.filter((name) => name.startsWith('exp'))).toEqual([])
  })

  it('in scan, is noticed by cumsum', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'scan' ? { ...instr, attrs: { ...(instr as Instr<'scan'>).attrs, fn: 'max' } } : instr,
    )
    expect(await red(wrong, /^(cumsum|exp) › /)).toEqual(
      expect.arrayContaining(['cumsum › golden values', 'cumsum › gradcheck', 'cumsum › random shapes']),
    )
  })

  it('in sort, is noticed by sort, argsort and topk', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'sort'
        ? {
            ...instr,
            attrs: { ...(instr as Instr<'sort'>).attrs, descending: !(instr as Instr<'sort'>).attrs.descending },
          }
        : instr,
    )
    const cells = await red(wrong, /^(sort|argsort|topk|neg) › golden values$/)
    expect(cells).toEqual(['sort › golden values', 'argsort › golden values', 'topk › golden values'])
  })

  it('in strides, is noticed from transposed inputs only', async () => {
    const wrong = broken((instr) => {
      if (instr.kind !== 'matmul') return instr
      const straight = (strides: readonly number[]) => [...strides].sort((a, b) => b - a)
      return {
        ...instr,
        inputs: instr.inputs.map((x) => ('buffer' in x ? { ...x, strides: straight(x.strides) } : x)),
      }
    })
    expect(await red(wrong, /^mm › (golden values|transposed inputs)$/)).toEqual(['mm › transposed inputs'])
  })

  it('about memory, is noticed by the memory cells', async () => {
    let bytes = 0
    const wrong = broken(
      (instr) => {
        bytes += 65_536
        return instr
      },
      () => ({ bytes, pooled: 0 }),
    )
    expect(await red(wrong, /^exp › (memory|golden values)$/)).toEqual(['exp › memory'])
  })
})

describe('a skip', () => {
  it('of a test that fails is accepted', async () => {
    await mustFail(async () => {
      throw new Error('not yet')
    }, 'exp › memory')
  })

  it('of a test that passes fails the run', async () => {
    await expect(mustFail(async () => {}, 'exp › memory')).rejects.toThrow('take the skip out')
  })
})
