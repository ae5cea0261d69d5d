// The checked backend: for every kind of fault that it detects, a faulty call beside a valid one.
import { js } from '@flambeau/backend-js'
import { compile, empty, ones, optim, tensor, useDevice, zeros } from '@flambeau/core'
import {
  type Backend,
  CheckedBackend,
  type Composite,
  type CompositeKind,
  composites,
  contiguousLayout,
  type DType,
  type Extent,
  type Instr,
  newArray,
  numelOf,
  type Output,
  type Plan,
  type Prims,
  type Program,
  s,
  type Shape,
  sizesOf,
  type View,
} from '@flambeau/core/backend'
import { afterEach, describe, expect, it } from 'vitest'

afterEach(() => void useDevice(js()))

const checked = () => new CheckedBackend(js())
/** The js backend with some methods replaced. */
const jsBut = (change: Partial<Backend>): Backend =>
  new Proxy(js(), {
    get(target, key: keyof Backend) {
      const member = key in change ? change[key] : target[key]
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
const rows = (out: Output): View => ({ ...out, ...contiguousLayout(out.sizes) })
const add: Prims['map'] = { outs: [{ expr: s.add(s.input(0, 'float32'), s.input(1, 'float32')) }] }

/** Memory of a backend, and initialized memory. */
const on = (backend: Backend) => {
  const fresh = (shape: Shape = [2, 2], dtype: DType = 'float32'): Output => ({
    sizes: shape,
    dtype,
    buffer: backend.alloc({ sizes: shape, dtype }),
  })
  const full = (shape?: Shape, dtype?: DType): Output => {
    const out = fresh(shape, dtype)
    backend.write(out, newArray(out.dtype, numelOf(out.sizes)).fill(1))
    return out
  }
  const run = (instr: Pick<Instr, 'kind' | 'attrs' | 'inputs' | 'outputs' | 'donate'>): void =>
    backend.run({ ...instr, origin: { name: 'op' } } as Instr)
  const map = (inputs: View[], outputs: Output[], rest: { attrs?: Prims['map']; donate?: number[] } = {}): void =>
    run({ kind: 'map', attrs: add, inputs, outputs, ...rest })
  return { fresh, full, run, map }
}
type On = ReturnType<typeof on>

/** Each fault, and the words of its message. */
const faults: Readonly<Record<string, readonly [what: (on: On, backend: CheckedBackend) => unknown, words: RegExp]>> = {
  'memory of another backend': [
    ({ fresh, full, map }) => map([rows(full()), rows(on(js()).full())], [fresh()]),
    /operand 1: its memory is not this backend’s/,
  ],
  'elements that nobody wrote': [
    ({ fresh, full, map }) => map([rows(full()), rows(fresh())], [fresh()]),
    /operand 1: it was never written to/,
  ],
  'a read of what nobody wrote': [({ fresh }, x) => x.readSync(rows(fresh())), /read: it was never written to/],
  'memory that was freed': [
    ({ fresh, full, map }, x) => {
      const freed = full()
      x.free(freed.buffer)
      map([rows(full()), rows(freed)], [fresh()])
    },
    /operand 1: its memory was freed/,
  ],
  'memory that was freed twice': [
    ({ full }, x) => {
      const { buffer } = full()
      x.free(buffer)
      x.free(buffer)
    },
    /free: its memory was freed/,
  ],
  'memory that was donated': [
    ({ fresh, full, map }) => {
      const given = rows(full())
      map([given, rows(full())], [fresh()], { donate: [0] })
      map([given, rows(full())], [fresh()])
    },
    /operand 0: its memory was donated/,
  ],
  'a result over what was not donated': [
    ({ full, map }) => {
      const x = full()
      map([rows(x), rows(full())], [x])
    },
    /result 0 overwrites operand 0, which was not donated/,
  ],
  'a result over what is read elsewhere': [
    ({ full, map }) => {
      const x = full()
      map([rows(x), { ...rows(x), strides: [1, 2] }], [x], { donate: [0] })
    },
    /result 0 overwrites operand 1 while it is read/,
  ],
  'a product over a factor': [
    ({ full, run }) => {
      const x = full()
      run({ kind: 'contract', attrs: { batch: 0, sum: 1 }, inputs: [rows(x), rows(full())], outputs: [x], donate: [0] })
    },
    /result 0 overwrites operand 0 while it is read/,
  ],
  'two results in one place': [
    ({ fresh, full, map }) => {
      const x = fresh()
      map([rows(full()), rows(full())], [x, x], { attrs: { outs: [add.outs[0], add.outs[0]] } })
    },
    /two of its results are one tensor/,
  ],
  'an operand of another dtype than the expression says': [
    ({ fresh, full, map }) => map([rows(full()), rows(full([2, 2], 'int32'))], [fresh()]),
    /reads operand 1 as float32, which is int32/,
  ],
  'an operand that is not there': [({ fresh, full, map }) => map([rows(full())], [fresh()]), /reads operand 1 of 1/],
  'a result of another dtype': [
    ({ fresh, full, map }) => map([rows(full()), rows(full())], [fresh([2, 2], 'int32')]),
    /its results are int32 and should be float32/,
  ],
  'a view of another dtype than the memory': [
    ({ fresh, full, map }) => map([rows(full()), { ...rows(full([2, 2], 'int32')), dtype: 'float32' }], [fresh()]),
    /operand 1: int32 is read as float32/,
  ],
  'an index that is no int32': [
    ({ fresh, full, run }) =>
      run({ kind: 'gather', attrs: { axis: 0 }, inputs: [rows(full()), rows(full())], outputs: [fresh()] }),
    /its index is float32/,
  ],
  'a product of bool': [
    ({ fresh, full, run }) => {
      const [a, b] = [full([2, 2], 'bool'), full([2, 2], 'bool')]
      run({
        kind: 'contract',
        attrs: { batch: 0, sum: 1 },
        inputs: [rows(a), rows(b)],
        outputs: [fresh([2, 2], 'bool')],
      })
    },
    /multiplies bools/,
  ],
  'a result that fills a part': [
    ({ fresh, full, map }) => map([rows(full([2])), rows(full([2]))], [{ ...fresh([3]), sizes: [2] }]),
    /\[2\] is written to 3 elements/,
  ],
  'elements outside': [
    ({ fresh, full, map }) => map([rows(full()), { ...rows(full()), offset: 1 }], [fresh()]),
    /out of bounds for storage of 4 elements/,
  ],
}

describe('a checked backend', () => {
  it('finds no fault in valid steps, eager, compiled and repeated', () => {
    const step = () => {
      const p = ones(2, 3, { requiresGrad: true })
      const optimizer = new optim.Adam([p], { lr: 0.1 })
      const train = () => {
        optimizer.zeroGrad()
        const loss = p.at(0).mul(2).add(p.at(1).mul(1).relu_()).sum().add(p.t().matmul(p).max())
        loss.backward()
        optimizer.step()
        return loss
      }
      const compiled = compile(train)
      return [train(), ...Array.from({ length: 6 }, () => compiled()), compiled.repeat(5)].map((x) => x.item())
    }
    useDevice(js())
    expect(() => step()).not.toThrow()
    const plain = step()
    const backend = checked()
    useDevice(backend)
    expect(step()).toEqual(plain)
    expect(backend.found).toEqual([])
  })

  for (const [name, [what, words]] of Object.entries(faults)) {
    it(`finds ${name}`, () => {
      const backend = checked()
      expect(() => what(on(backend), backend)).toThrow(words)
      expect(backend.found).toHaveLength(1)
      expect(backend.found[0]).toMatch(words)
    })
  }

  describe.each(Object.keys(composites) as CompositeKind[])('of %s', (kind) => {
    const { inputs, outputs, numbers = [], pairs = [] }: Composite = composites[kind]
    const named = [...numbers.map((name) => [name, 1]), ...pairs.map((name) => [name, [2, 2]])]
    const attrs = { axis: 1, ...Object.fromEntries(named) }
    interface Made {
      readonly inputs: readonly View[]
      readonly outputs: readonly Output[]
    }
    /** Runs a record's instruction with a modification, on a backend that has the kernel. */
    const running = (change: (made: Made, of: On) => object, caps: object = { fused: new Set([kind]) }) => {
      const backend = new CheckedBackend(jsBut({ caps: { ...js().caps, ...caps }, run() {} }))
      const of = on(backend)
      const sizes = (extent: Extent): Shape => sizesOf(extent, [3, 5, 4], attrs)
      const made = {
        inputs: inputs.map(([, extent]) => rows(of.full(sizes(extent), extent === 'index' ? 'int32' : 'float32'))),
        outputs: outputs.map(([, extent]) => of.fresh(sizes(extent))),
      }
      const instr = { kind, attrs, ...made, ...change(made, of), origin: { name: 'op' } } as unknown as Instr
      return () => backend.run(instr)
    }
    const at = <T>(list: readonly T[], i: number, x: T): T[] => list.map((y, k) => (k === i ? x : y))

    it('accepts the instruction of its record', () => {
      expect(running(() => ({}))).not.toThrow()
      expect(running(() => ({}), {})).toThrow('the backend has no kernel of this composition')
    })

    it('refuses other sizes and axes', () => {
      const unfit = 'is not made of'
      for (const [i, [name, extent]] of inputs.entries()) {
        const sizes = extent === 'one' ? [2, 1, 1] : sizesOf(extent, [4, 6, 5], attrs)
        const other = (x: View): View => ({ ...x, sizes, strides: sizes.map(() => 0) })
        expect(
          running((made) => ({ inputs: at(made.inputs, i, other(made.inputs[i])) })),
          name,
        ).toThrow(unfit)
      }
      for (const [k, [name, extent]] of outputs.entries()) {
        const sizes = extent === 'planes' ? [3] : sizesOf(extent, [2, 4, 3], attrs)
        const other = (x: Output): Output => ({ ...x, sizes })
        expect(
          running((made) => ({ outputs: at(made.outputs, k, other(made.outputs[k])) })),
          name,
        ).toThrow(unfit)
      }
      expect(running((made) => ({ inputs: made.inputs.slice(1) }))).toThrow(unfit)
      expect(running((made) => ({ outputs: [...made.outputs, made.outputs[0]] }))).toThrow(unfit)
      for (const axis of [-1, 3, 0.5]) expect(running(() => ({ attrs: { ...attrs, axis } }))).toThrow(unfit)
    })

    it('refuses other dtypes', () => {
      for (const [i, [name, extent]] of inputs.entries()) {
        const dtype = extent === 'index' ? 'float32' : 'int32'
        const words = i === 0 ? 'its dtype is int32, not a float' : `its ${name} is ${dtype} and should be`
        expect(
          running((made, { full }) => ({ inputs: at(made.inputs, i, rows(full(made.inputs[i].sizes, dtype))) })),
        ).toThrow(words)
      }
      for (const [k, [name]] of outputs.entries()) {
        const words = `its ${name} is float64 and should be float32`
        expect(
          running((made, { fresh }) => ({ outputs: at(made.outputs, k, fresh(made.outputs[k].sizes, 'float64')) })),
        ).toThrow(words)
      }
    })
  })

  it('reports a read of an uninitialized tensor', () => {
    useDevice(checked())
    expect(() => empty(2).add(1)).toThrow('add (map), operand 0: it was never written to')
    expect(String(zeros(2).add(1))).toBe('tensor([1., 1.])')
  })

  it('shows elements that a backend did not write', () => {
    useDevice(new CheckedBackend(jsBut({ run() {} })))
    expect(String(tensor([1, 2]).add(1))).toBe('tensor([nan, nan])')
    expect(() => tensor([1, 2]).gt(1).toArray()).toThrow('a bool is 165')
  })

  it('requires a call of supports first', () => {
    const backend = new CheckedBackend(jsBut({ supports: ({ kind }) => kind !== 'map' }))
    const { fresh, full, map } = on(backend)
    expect(() => map([rows(full()), rows(full())], [fresh()])).toThrow('the backend said that it cannot run this')
  })

  it('enforces the promises of a backend’s caps', () => {
    const backend = new CheckedBackend(jsBut({ caps: { ...js().caps, multiOutput: false, strided: false } }))
    const { fresh, full, map } = on(backend)
    const attrs = { outs: [add.outs[0], add.outs[0]] }
    expect(() => map([rows(full()), rows(full())], [fresh(), fresh()], { attrs })).toThrow('no maps of several outputs')
    expect(() => map([rows(full()), { ...rows(full()), strides: [1, 2] }], [fresh()])).toThrow('reads no strides')
  })
})

describe('a program', () => {
  const spec = { sizes: [2], dtype: 'float32' as const }
  const use = (value: number) => ({ value, dtype: spec.dtype, ...contiguousLayout(spec.sizes) })
  const sum = (inputs: number[], output: number): Program['instrs'][number] => ({
    kind: 'map',
    attrs: add,
    inputs: inputs.map(use),
    outputs: [output],
    origin: { name: 'add' },
  })
  /** v0 is given, v1 = v0 + v0, v2 = v1 + v0 leaves. */
  const made = (backend: Backend, change: Partial<Program> = {}): Program => {
    const { buffer } = on(backend).full([2])
    return {
      values: [spec, spec, spec],
      given: new Map([[0, { from: 'buffer', buffer }]]),
      host: [],
      instrs: [sum([0, 0], 1), sum([1, 0], 2)],
      kept: [],
      results: [use(2)],
      ...change,
    }
  }
  const planOf = ({ given }: Program, change: Partial<Plan> = {}): Plan => {
    const { buffer } = given.get(0) as { buffer: View['buffer'] }
    return {
      bodies: new Map(),
      places: [
        { in: 'buffer', buffer },
        { in: 'arena', at: 0 },
        { in: 'result', result: 0 },
      ],
      results: [2],
      bytes: 64,
      ...change,
    }
  }

  it('runs if it is valid', () => {
    const backend = checked()
    const program = made(backend)
    const result = on(backend).fresh([2])
    const executable = backend.compile?.(program, planOf(program))
    executable?.run({ numbers: new Float64Array(), draws: [], args: [], results: [result.buffer] })
    expect(Array.from(backend.readSync(rows(result)))).toEqual([3, 3])
  })

  const wrong: Readonly<Record<string, readonly [Partial<Program>, Partial<Plan>, RegExp]>> = {
    'reads a value that is never computed': [{ instrs: [sum([1, 0], 2)] }, {}, /v1 is read before it is computed/],
    'computes a value twice': [
      { instrs: [sum([0, 0], 1), sum([0, 0], 1), sum([1, 0], 2)] },
      {},
      /v1 was computed before/,
    ],
    'reads beyond a value': [
      { values: [spec, { ...spec, sizes: [1] }, spec] },
      {},
      /a result of shape \[1\] is not made of \[2\], \[2\]/,
    ],
    'has an arena that is too small': [{}, { bytes: 4 }, /v1 is outside of the arena/],
  }
  for (const [name, [program, plan, words]] of Object.entries(wrong)) {
    it(`that ${name} is refused`, () => {
      const backend = checked()
      const broken = made(backend, program)
      expect(() => backend.compile?.(broken, planOf(broken, plan))).toThrow(words)
    })
  }

  it('is replayed if the backend does not support an instruction', () => {
    const backend = new CheckedBackend(jsBut({ supports: ({ kind }) => kind !== 'map' }))
    const program = made(backend)
    expect(() => backend.compile?.(program, planOf(program))).toThrow(
      'program, 0: add (map): the backend said that it cannot run this',
    )
  })

  it('is refused with memory that is too small, freed or of another dtype', () => {
    const backend = checked()
    const program = made(backend)
    const executable = backend.compile?.(program, planOf(program))
    const run = (result: Output) => () =>
      executable?.run({ numbers: new Float64Array(), draws: [], args: [], results: [result.buffer] })
    const { fresh } = on(backend)
    expect(run(fresh([1]))).toThrow('[2] is written to 1 elements')
    expect(run(fresh([2], 'int32'))).toThrow('float32 is written to int32')
    backend.free((program.given.get(0) as { buffer: View['buffer'] }).buffer)
    expect(run(fresh([2]))).toThrow('v0: its memory was freed')
  })
})
