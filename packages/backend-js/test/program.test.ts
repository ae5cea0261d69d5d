// Programs compiled to one function, compared with the same programs replayed by kernels, through the public API.
import { memoryUsage } from 'node:process'
import { serialize } from 'node:v8'
import {
  arange,
  cat,
  compile,
  F,
  getRngState,
  grad,
  manualSeed,
  nn,
  ones,
  optim,
  rand,
  randint,
  randn,
  setRngState,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { js } from '../src/index.ts'
import { partsOf } from '../src/program/memory.ts'

const backend = js()
beforeAll(() => void useDevice(backend))

const own = backend.compile as NonNullable<typeof backend.compile>
const put = (compiler: typeof own | undefined): void => {
  Object.defineProperty(backend, 'compile', { value: compiler, configurable: true })
}
afterEach(() => put(own))

/** The results and the state of `step` in six calls, all but the first by a program, as bytes. */
function calls(
  make: () => { step: () => readonly Tensor[]; state?: () => readonly Tensor[] },
  replays: boolean,
): unknown {
  put(replays ? undefined : own)
  manualSeed(3)
  const { step, state } = make()
  const compiled = compile(step)
  const seen = []
  for (let i = 0; i < 6; i++) seen.push(compiled().map((x) => [...x.detach().toArray()]))
  return { seen, state: state?.().map((x) => [...x.detach().toArray()]), generator: [...getRngState().toArray()] }
}

const cases: Record<string, Parameters<typeof calls>[0]> = {
  'numbers alone': () => {
    const [x, y] = [tensor(0.7), tensor(-1.3)]
    return { step: () => [x.mul(y).add(x).exp(), x.div(y).sub(2)], state: () => [x] }
  },
  'a few elements, reduced and broadcast': () => {
    const [x, y] = [randn(3, 4), randn(4)]
    return { step: () => [x.mul(y).sum(1), x.add(y).amax([0, 1]), x.t().sub(x.sum()).contiguous()] }
  },
  'writes in place, to a part too': () => {
    const x = randn(40, 7)
    return { step: () => [x.mul_(0.5).add(1), x.select(1, 2).add_(x.sum()), x.sum(0)], state: () => [x] }
  },
  'draws and noise without arguments': () => {
    const x = randn(50, 30)
    return { step: () => [F.dropout(x, 0.3).sum(1), rand(3), randn(400).mul(x.sum())] }
  },
  'iterations whose equal steps read memory that stays and memory that moves': () => {
    const [first, rows] = [randn(6, 50), randn(12, 6, 50)]
    const iteration = (h: Tensor, row: Tensor): Tensor => h.sigmoid().cumsum(0).sub(row.sigmoid().cumsum(1)).sin()
    const scan = (): Tensor[] => {
      const made = [first]
      for (let t = 0; t < 12; t++) made.push(iteration(made[t], rows.select(0, t)))
      return made.slice(1)
    }
    return { step: scan }
  },
  'cat, indexSelect, pad, flip and unfold': () => {
    const [x, index] = [randn(6, 5), randint(0, 6, [9])]
    return {
      step: () => {
        const both = cat([x, x.mul(2)], 0)
        return [
          both.indexSelect(0, index),
          F.pad(both, [1, 2], { value: 3 }),
          both.flip(0),
          both.unfold(0, 3, 2).mul(2),
        ]
      },
    }
  },
  'classes: gather, scatter, sort, scan': () => {
    const [x, y] = [randn(8, 6), randint(0, 6, [8])]
    return {
      step: () => {
        const picked = x.gather(1, y.unsqueeze(1))
        return [
          picked,
          x.scatterAdd(1, y.unsqueeze(1), picked),
          x.sort(1).values,
          x.cumsum(1),
          x.argmax({ dim: 1 }),
          arange(5).mul(2),
        ]
      },
    }
  },
  'scatters that combine, of every dtype': () => {
    const index = tensor([0, 2, 2, 1, 2], { dtype: 'int32' })
    const pairs = (['float32', 'float64', 'int32', 'uint8', 'bool'] as const).map((dtype) => {
      const x = dtype === 'int32' ? randint(60_000, 90_000, [5]) : randint(0, 200, [5])
      return [x.slice(0, 0, 3).to(dtype), x.to(dtype)]
    })
    return {
      step: () =>
        (['add', 'multiply'] as const).flatMap((reduce) =>
          pairs.map(([x, y]) => x.scatter(0, index, y, { reduce }).clone()),
        ),
    }
  },
  'cross entropy with Adam': () => {
    const [x, y] = [randn(20, 12), randint(0, 5, [20])]
    const model = new nn.Sequential(new nn.Linear(12, 9), new nn.Tanh(), new nn.Linear(9, 5))
    const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
    return {
      step: () => {
        const loss = F.crossEntropy(model.forward(x) as Tensor, y)
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        return [loss]
      },
      state: () => [...model.parameters()],
    }
  },
  'equal layers, Adam, and gradients that are kept': () => deep(),
  'gradients of equal layers, clipped in place': () => deep((model) => nn.utils.clipGradNorm_(model, 0.1)),
}

/** Six equal layers. Their products, epilogues, sums and updates each share a function. */
function deep(clip?: (parameters: readonly Tensor[]) => Tensor): ReturnType<Parameters<typeof calls>[0]> {
  const [x, y] = [randn(4, 8), randn(4, 8)]
  const model = new nn.Sequential(...Array.from({ length: 6 }, () => [new nn.Linear(8, 8), new nn.Tanh()]).flat())
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
  return {
    step: () => {
      const loss = F.mseLoss(model.forward(x) as Tensor, y)
      optimizer.zeroGrad()
      loss.backward()
      const norm = clip?.(model.parameters()) ?? loss
      optimizer.step()
      return [loss, norm]
    },
    state: () => [...model.parameters()].flatMap((w) => [w, w.grad as Tensor]),
  }
}

/** The text that the compiler makes of a step. */
function sourceOf(step: () => readonly Tensor[]): string {
  let source = ''
  put((program, plan) => {
    const executable = own(program, plan)
    source = executable.source as string
    return executable
  })
  const compiled = compile(step)
  for (let i = 0; i < 4; i++) compiled()
  return source
}

describe('compiled equals replayed', () => {
  test.each(Object.keys(cases))('%s', (name) => {
    expect(calls(cases[name], false)).toStrictEqual(calls(cases[name], true))
  })
})

describe('steps that are alike', () => {
  /** The number of functions, and of calls of them. */
  const counts = (step: () => readonly Tensor[]): readonly number[] => {
    const source = sourceOf(step)
    return [/^const step/gm, /^ {2}step\d+\(/gm].map((pattern) => source.match(pattern)?.length ?? 0)
  }

  test('share a function: products, and maps whose last one alone writes a result', () => {
    const [x, weights] = [randn(3, 7), Array.from({ length: 6 }, () => randn(7, 7))]
    expect(counts(() => [weights.reduce((h, w) => h.matmul(w).tanh(), x)])).toStrictEqual([4, 12])
  })

  /** The counts of that many equal steps, each of inputs of its own. */
  const equal = (count: number, inputs: () => readonly Tensor[], f: (...inputs: Tensor[]) => Tensor) => {
    const all = Array.from({ length: count }, inputs)
    return counts(() => all.map((of) => f(...of)))
  }

  test.each([300, 3000])('share a function if they are maps of %i elements, unless there is only one', (size) => {
    for (const count of [1, 2, 5])
      expect(
        equal(
          count,
          () => [randn(size)],
          (x) => x.exp(),
        ),
      ).toStrictEqual([1, count])
  })

  test('have their own functions if they are large products', () => {
    const products = (size: number) =>
      equal(
        3,
        () => [randn(size, size), randn(size, size)],
        (a, b) => a.matmul(b),
      )
    expect(products(16)).toStrictEqual([1, 3])
    expect(products(17)).toStrictEqual([3, 3])
  })

  test('share a function if they are convolutions', () => {
    const inputs = () => [randn(2, 8, 16, 16), randn(8, 8, 3, 3)]
    expect(equal(3, inputs, (x, w) => F.conv2d(x, w))).toStrictEqual([1, 3])
  })

  test('read their own memory if it begins elsewhere than that of the first', () => {
    const arguments_ = randn(5, 300).unbind()
    const step = (x: Tensor): Tensor[] => [rand(300).exp(), x.exp()]
    const compiled = compile(step)
    for (const x of arguments_) {
      const before = getRngState()
      const expected = step(x).map((y) => [...y.toArray()])
      setRngState(before)
      expect(compiled(x).map((y) => [...y.toArray()])).toStrictEqual(expected)
    }
  })
})

test('a text takes a byte for a character, even if V8 knows the name of element -1', () => {
  expect([7, -1].join()).toBe('7,-1')
  expect(([] as unknown[])[-1]).toBe(undefined)
  const [x, w] = [randn(2, 8, 16, 16), randn(8, 8, 3, 3).requiresGrad_()]
  const source = sourceOf(() => grad(F.conv2d(F.conv2d(x, w), w).sum(), [w]))
  expect(source).toMatch(/offsets\(.*-1/)
  expect(serialize(source).length).toBeLessThan(1.5 * source.length)
})

function thrownBy(f: () => unknown): unknown {
  try {
    f()
  } catch (error) {
    return error
  }
  return undefined
}

describe('what a run checks', () => {
  test('an index out of bounds is an error of that call, and nothing is written', () => {
    const [x, index, there] = [zeros(3), tensor([0, 1, 2], { dtype: 'int32' }), zeros(3)]
    const step = compile(() => [there.copy_(there.add(1).gather(0, index)), x.scatterAdd_(0, index, there)])
    for (let i = 0; i < 5; i++) step()
    const before = [...there.toArray(), ...x.toArray()]
    index.copy_(tensor([0, 7, 1], { dtype: 'int32' }))
    expect(() => step()).toThrow('index 7 is out of bounds for dimension 0 with size 3')
    expect([...there.toArray(), ...x.toArray()]).toStrictEqual(before)
    index.copy_(tensor([2, 2, 2], { dtype: 'int32' }))
    expect([...step()[0].toArray()]).toStrictEqual([6, 6, 6])
  })

  const byIndex: Record<string, (x: Tensor, index: Tensor) => Tensor> = {
    'a gather that is a result': (x, index) => x.gather(1, index),
    'a gather inside the program': (x, index) => x.gather(1, index).sum(),
    'a scatter': (x, index) => zeros(2, 5).scatterAdd(1, index, x),
  }
  test.each(Object.keys(byIndex))('%s reports the same index as eager', (name) => {
    const step = byIndex[name]
    const [x, index] = [rand(2, 5), zeros(2, 2, { dtype: 'int32' })]
    const run = compile(() => step(x, index))
    for (let i = 0; i < 4; i++) run()
    for (const wrong of [5, -1]) {
      index.select(0, 0).select(0, 1).fill_(wrong)
      // Compares the error itself, because toThrow accepts a thrown undefined for any message.
      const [thrown, eager] = [run, () => step(x, index)].map(thrownBy)
      expect(thrown).toStrictEqual(eager)
      expect(thrown).toHaveProperty('message', `index ${wrong} is out of bounds for dimension 1 with size 5`)
    }
  })

  test.each([3, 300])('a target of binary cross entropy beyond 0 and 1, %i elements', (n) => {
    const [x, y] = [rand(n), ones(n)]
    const step = compile(() => F.binaryCrossEntropy(x, y))
    for (let i = 0; i < 4; i++) step()
    x.mul_(0).add_(1.5)
    expect(() => step()).toThrow('all elements of input should be between 0 and 1')
  })

  test.each([3, 300])('such a target, before a visible write, %i elements', (n) => {
    const [x, y, there] = [rand(n), ones(n), zeros(n)]
    const step = compile(() => there.copy_(F.binaryCrossEntropy(x, y, { reduction: 'none' })))
    for (let i = 0; i < 4; i++) step()
    const before = [...there.toArray()]
    x.mul_(0.5)
      .select(0, n - 1)
      .fill_(1.5)
    expect(() => step()).toThrow('all elements of input should be between 0 and 1')
    expect([...there.toArray()]).toStrictEqual(before)
  })
})

test('the source of a step: a linear layer, its squared error, gradients and SGD', async () => {
  manualSeed(0)
  const [x, y] = [randn(6, 2), randn(6, 1)]
  const model = new nn.Linear(2, 1)
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
  const source = sourceOf(() => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return [loss]
  })
  // The offsets of earlier buffers depend on what was allocated before.
  await expect(source.replace(/buffers\[[1-9]\d*\], \d+/g, 'buffers[1], at')).toMatchFileSnapshot(
    '__snapshots__/step.js.snap',
  )
})

test('replays keep nothing', { timeout: 60_000 }, () => {
  const [x, y] = [randn(64, 13), randn(64, 1)]
  const model = new nn.Linear(13, 1)
  const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
  const step = compile(() => {
    const loss = F.mseLoss(model.forward(x), y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
  /** The fewest bytes seen in a stretch: array-buffer bytes grow until V8 collects. */
  const least = (steps: number): number => {
    let bytes = Number.POSITIVE_INFINITY
    for (let i = 0; i < steps; i++) {
      step()
      if (i % 50 === 0) bytes = Math.min(bytes, memoryUsage().arrayBuffers)
    }
    return bytes
  }
  const before = least(5000)
  expect(least(10_000)).toBeLessThan(before * 1.05 + 1e6)
})

test('an arena is cut into parts of at least 2 MiB where no value crosses', () => {
  const mebibyte = 2 ** 20
  const value = (mebibytes: number) => ({ sizes: [mebibytes, mebibyte / 4], dtype: 'float32' as const })
  const arena = (mebibytes: number) => ({ in: 'arena' as const, at: mebibytes * mebibyte })
  // Two that follow each other in one place, one beside them, one over the end of that, a small one, a large one, one that is not there.
  const values = [3, 2, 2, 3, 1, 6, 9].map(value)
  const places = [arena(0), arena(0), arena(3), arena(4), arena(7), arena(8), { in: 'result' as const, result: 0 }]
  const program = { values, given: new Map(), host: [], instrs: [], kept: [], results: [] }
  const parts = partsOf(program, { places, results: [6], bytes: 14 * mebibyte, bodies: new Map() })
  expect(parts.map((at) => at / mebibyte)).toEqual([0, 3, 7, 14])
})

test('a step whose arena has several parts', () => {
  const x = randn(2 ** 19)
  const calculate = () => {
    const parts = [1, 2, 3, 4, 5, 6].map((n) => x.cumsum(0).mul(n))
    return parts.reduceRight((sum, part) => sum.mul(0.5).add(part.cumsum(0)))
  }
  const [expected, step] = [calculate(), compile(calculate)]
  for (let call = 0; call < 4; call++) expect(step().equal(expected)).toBe(true)
  const [, bytes] = /an arena of ([\d,]+) bytes/.exec(step.explain()) as RegExpExecArray
  expect(Number(bytes.replaceAll(',', ''))).toBeGreaterThan(2 * 2 ** 22)
})
