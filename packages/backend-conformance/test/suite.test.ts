// Tests the suite itself, because a matrix that cannot fail proves nothing. Runs backends with one fault each, and
// names the cells that must notice it and some that must not.
import { js } from '@flambeau/backend-js'
import { useDevice } from '@flambeau/core'
import { type Backend, checkClaims, type Instr, isScalar, type PrimKind, withOperands } from '@flambeau/core/backend'
import { describe, expect, it } from 'vitest'
import { type CellOptions, cellsOf } from '../src/cells.ts'
import { mustFail } from '../src/describe.ts'
import { families, hasKernels } from '../src/samples/index.ts'
import { wrapped } from '../src/watched.ts'

/** The js backend with its incoming instructions changed or dropped. */
const broken = (change: (instr: Instr) => Instr | null, cells?: () => number): Backend => {
  const inner = js()
  return wrapped(inner, {
    name: 'broken',
    run(instr) {
      const changed = change(instr)
      if (changed !== null) inner.run(changed)
    },
    memory: () => ({ ...inner.memory(), ...(cells && { cells: cells() }) }),
  })
}

const unbroken = () => broken((instr) => instr)

/** Names of the failing cells, among those that match the pattern. */
const red = async (backend: Backend, pattern: RegExp, options: CellOptions = {}): Promise<string[]> => {
  useDevice(backend)
  const failed: string[] = []
  for (const { name, run } of cellsOf(backend, { runs: 10, ...options })) {
    if (!pattern.test(name)) continue
    await run().catch(() => failed.push(name))
  }
  return failed
}

const swapped = { max: 'min', min: 'max', sum: 'prod', prod: 'sum' } as const

describe('a backend with a fault', () => {
  it('nowhere has no failing cell', async () => {
    expect(await red(unbroken(), /^(argmax|cumsum|sort|exp) /, { ops: ['argmax', 'cumsum', 'sort', 'exp'] })).toEqual(
      [],
    )
  })

  it('in argReduce is noticed by argmax and max, not by exp', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'argReduce'
        ? {
            ...instr,
            attrs: { ...instr.attrs, fn: swapped[instr.attrs.fn] },
          }
        : instr,
    )
    const cells = await red(wrong, / › (golden values|random shapes)$/, { ops: ['argmax', 'max', 'exp'] })
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

  it('in scan is noticed by cumsum', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'scan' ? { ...instr, attrs: { ...instr.attrs, fn: 'max' } } : instr,
    )
    expect(await red(wrong, / › /, { ops: ['cumsum', 'exp'] })).toEqual(
      expect.arrayContaining(['cumsum › golden values', 'cumsum › gradcheck', 'cumsum › random shapes']),
    )
  })

  it('in sort is noticed by sort, argsort and topk', async () => {
    const wrong = broken((instr) =>
      instr.kind === 'sort'
        ? {
            ...instr,
            attrs: { ...instr.attrs, descending: !instr.attrs.descending },
          }
        : instr,
    )
    const cells = await red(wrong, / › golden values$/, { ops: ['sort', 'argsort', 'topk', 'neg'] })
    expect(cells).toEqual(['sort › golden values', 'argsort › golden values', 'topk › golden values'])
  })

  it('in strides is noticed only with transposed inputs', async () => {
    const wrong = broken((instr) => {
      if (instr.kind !== 'contract') return instr
      const straight = (strides: readonly number[]) => [...strides].sort((a, b) => b - a)
      const inputs = instr.inputs.map((x) => {
        if (isScalar(x)) return x
        const { buffer, dtype, sizes, offset } = x
        return { buffer, dtype, sizes, offset, strides: straight(x.strides) }
      })
      return withOperands(instr, inputs, instr.outputs)
    })
    expect(await red(wrong, / › (golden values|transposed inputs)$/, { ops: ['mm'] })).toEqual([
      'mm › transposed inputs',
    ])
  })

  it('that leaks cells is noticed by the memory cell', async () => {
    let live = 0
    const leaky = broken(
      (instr) => {
        live++
        return instr
      },
      () => live,
    )
    expect(await red(leaky, /^(memory|exp › golden values)$/, { ops: ['exp'] })).toEqual(['memory'])
  })

  it('that leaks V8 memory is noticed, too', async () => {
    const kept: unknown[] = []
    const leaky = broken((instr) => {
      // Enough that the collection of leftovers from earlier tests cannot hide it.
      kept.push(instr.outputs, new Float64Array(128))
      return instr
    })
    expect(await red(leaky, /^(memory|exp › golden values)$/, { ops: ['exp'] })).toEqual(['memory'])
  })

  it('that leaks memory in one op is reported with that op', async () => {
    const kept: unknown[] = []
    const leaky = broken((instr) => {
      if (instr.origin.name === 'tanh') kept.push(instr.outputs)
      return instr
    })
    useDevice(leaky)
    const memory = cellsOf(leaky, { ops: ['exp', 'neg', 'tanh', 'erf'] }).find(({ name }) => name === 'memory')
    await expect(memory?.run()).rejects.toThrow(/^1 of 1 cases\n {2}\d+ ops: tanh: [\d, then]+ bytes in use$/)
  })

  // After the memory tests, because what it leaves behind would be collected while they measure.
  it('in compiled programs is noticed by all compiled cells and by no others', async () => {
    const wrong = wrapped(unbroken(), { compile: () => ({ run() {} }) })
    expect(await red(wrong, /^exp › /, { ops: ['exp'] })).toEqual([
      'exp › compiled',
      'exp › compiled gradients',
      'exp › compiled training',
    ])
    const both = ['exp › compiled', 'exp › compiled training']
    expect(await red(wrong, /^exp › /, { ops: ['exp'], level: 'kernels' })).toEqual(both)
  })

  it('in the step of one dtype is noticed at level kernels, whose trainings take a sample of each', async () => {
    const inner = js()
    const wrong = wrapped(inner, {
      compile: (program, plan) =>
        program.values.some(({ dtype }) => dtype === 'int32') ? { run() {} } : inner.compile!(program, plan),
    })
    const ops = ['mul', 'exp', 'setAt']
    const noticed = await red(wrong, / › compiled training$/, { ops })
    expect(noticed).not.toEqual([])
    expect(await red(wrong, / › compiled training$/, { ops, level: 'kernels' })).toEqual(noticed)
  })
})

describe('a level', () => {
  const names = (options: CellOptions) => cellsOf(js(), options).map(({ name }) => name)

  it('leaves out only what the earlier levels test', () => {
    const [all, backend, kernels] = (['core', 'backend', 'kernels'] as const).map((level) => names({ level }))
    expect(names({})).toEqual(all)
    expect(all).toEqual(expect.arrayContaining(backend))
    expect(backend.filter((name) => !name.startsWith('programs'))).toEqual(
      expect.arrayContaining(kernels.filter((name) => !name.startsWith('programs'))),
    )
    expect(kernels.filter((name) => name.startsWith('programs')).length).toBeGreaterThan(0)
    const bare = Object.values(families).flatMap((ops) => Object.keys(ops).filter((op) => !hasKernels(op)))
    const left = (more: string[], fewer: string[]) => {
      const kept = new Set(fewer)
      const gone = more.filter(
        (name) => !kept.has(name) && !name.startsWith('programs') && !bare.includes(name.split(' › ')[0]),
      )
      return [...new Set(gone.map((name) => name.split(' › ').at(-1)))].sort()
    }
    expect(left(all, backend)).toEqual(['compiled gradients', 'gradgradcheck', 'method'])
    const layouts = ['transposed inputs', 'sliced inputs', 'flipped inputs', 'expanded inputs']
    expect(left(backend, kernels)).toEqual(
      [
        ...['compiled', 'compiled training', 'gradcheck', 'in place', 'memory', 'random shapes', 'write through'],
        ...layouts,
      ].sort(),
    )
    // Each layout and step is still there, for other ops.
    const count = (list: string[], check: string): number => list.filter((name) => name.endsWith(check)).length
    for (const check of [...layouts, 'compiled training'])
      expect(count(kernels, check)).toBeGreaterThan(0.2 * count(backend, check))
    const familiesOf = (list: string[]) =>
      Object.keys(families).filter((family) =>
        Object.keys(families[family as keyof typeof families]).some((op) => list.includes(`${op} › compiled training`)),
      )
    expect(familiesOf(kernels)).toEqual(familiesOf(backend))
  })
})

/** js with a softmax kernel that returns `share` of the right result. */
function withSoftmax(share: number): Backend {
  const inner = js()
  const softmax = ({ attrs, inputs: [x], outputs: [y] }: Instr<'softmax'>): void => {
    const values = inner.readSync(x)
    const n = x.sizes[attrs.axis] ?? 1
    const apart = x.sizes.slice(attrs.axis + 1).reduce((a, b) => a * b, 1)
    const starts = Array.from(values.keys()).filter((i) => Math.floor(i / apart) % n === 0)
    for (const start of starts) {
      const row = Array.from({ length: n }, (_, i) => values[start + i * apart])
      const most = row.reduce((a, b) => (a > b || Number.isNaN(a) ? a : b))
      const exps = row.map((e) => Math.exp(e - most))
      const sum = exps.reduce((a, b) => a + b)
      exps.forEach((e, i) => void (values[start + i * apart] = (share * e) / sum))
    }
    inner.write(y, values)
  }
  const run = (instr: Instr): void => {
    checkClaims(instr)
    if (instr.kind === 'softmax') softmax(instr)
    else inner.run(instr)
  }
  return wrapped(inner, { name: 'broken', caps: { ...inner.caps, fused: new Set(['softmax']) }, run })
}

describe('a kernel of a composition', () => {
  const cells = /^composites|^backend › softmax/

  it('that is right has no failing cell', async () => {
    expect(cellsOf(withSoftmax(1)).filter(({ name }) => cells.test(name))).toHaveLength(2)
    expect(await red(withSoftmax(1), cells)).toEqual([])
  })

  it('that is a little wrong is noticed', async () => {
    expect(await red(withSoftmax(1.0001), cells)).toEqual(['composites › softmax'])
  })

  it('that computes nothing is noticed', async () => {
    const wrong = withSoftmax(1)
    const named = wrapped(wrong, { caps: { ...wrong.caps, fused: new Set(['softmax', 'moments']) } })
    expect(await red(named, /^composites/)).toEqual(['composites › moments'])
  })
})

/** For each kind an op whose values or gradients need it. */
const needed: Readonly<Record<PrimKind, string>> = {
  map: 'exp',
  argReduce: 'argmax',
  scan: 'cumsum',
  contract: 'mm',
  concat: 'cat',
  pad: 'pad',
  fold: 'unfold',
  gather: 'gather',
  scatter: 'scatter',
  assign: 'setAt',
  sort: 'sort',
  iota: 'tril',
}

describe('a backend that drops', () => {
  for (const [kind, op] of Object.entries(needed)) {
    it(`every ${kind} is noticed by ${op}`, async () => {
      const wrong = broken((instr) => (instr.kind === kind ? null : instr))
      expect(await red(wrong, / › golden /, { ops: [op] })).not.toEqual([])
    })
  }

  it('the copies that undo a step is noticed', async () => {
    const wrong = broken((instr) => (instr.origin.name === 'copy' ? null : instr))
    expect(await red(wrong, /^backend › (a step|read)/)).toEqual(['backend › a step that fails is undone'])
  })

  it('the signs of zeros is noticed', async () => {
    const inner = js()
    const unsigned = wrapped(unbroken(), {
      readSync: (view) => inner.readSync(view).map((x) => x + 0),
      read: async (view) => (await inner.read(view)).map((x) => x + 0),
    })
    expect(await red(unsigned, / › special values$/, { ops: ['neg', 'exp'] })).toEqual(['neg › special values'])
  })

  it('the errors of excessive claims is noticed', async () => {
    const inner = js()
    const deaf = wrapped(unbroken(), {
      run(instr) {
        try {
          inner.run(instr)
        } catch {}
      },
    })
    const cells = await red(deaf, /stays within its tensors$/)
    expect(cells).toHaveLength(Object.keys(needed).length)
  })
})

describe('a skip', () => {
  it('of a test that fails is accepted', async () => {
    await mustFail(async () => {
      throw new Error('not yet')
    }, 'exp › memory')
  })

  it('of a test that passes fails the run', async () => {
    await expect(mustFail(async () => {}, 'exp › memory')).rejects.toThrow('remove the skip')
  })
})
