// No kernel leaves the elements of its own tensors, whatever it is given. For every operand of every kind a test makes
// the operand an element too short, with other memory right after it, and runs the instruction the first time, as a
// call, and in a program.
import {
  type Attributes,
  type Backend,
  type Composite,
  type CompositeKind,
  composites,
  contiguousStrides,
  type DType,
  type Extent,
  HostBuffer,
  hostOf,
  type Instr,
  type Kind,
  numelOf,
  type Output,
  type PrimKind,
  type ProgramInstr,
  s,
  type Shape,
  sizesOf,
  type View,
} from '@flambeau/core/backend'
import { describe, expect } from 'vitest'
import { nativeMissing, testWith } from '../../../tools/test/machine.ts'
import { kernels } from '@flambeau/stream'
import { native } from '../src/index.ts'

const it = (name: string, body: () => void | Promise<void>) => testWith('native', nativeMissing, name, body)

type Sketch = { readonly sizes: Shape; readonly dtype?: DType }
type Sketched = Pick<Instr, 'attrs' | 'check'> & {
  readonly inputs: readonly Sketch[]
  readonly outputs: readonly Sketch[]
}
const of = (...shape: number[]): Sketch => ({ sizes: shape })
const whole = (...shape: number[]): Sketch => ({ sizes: shape, dtype: 'int32' })
const x = s.input(0, 'float32')
const y = s.input(1, 'float32')

/** One instruction of each of the twelve kinds. */
const given: { readonly [K in PrimKind]: unknown } = {
  map: {
    attrs: { outs: [{ expr: s.add(x, y) }, { expr: s.mul(x, y), reduce: { fn: 'sum', axes: [0] } }] },
    check: { expr: s.isnan(x), error: () => new Error('a check') },
    inputs: [of(3, 4), of(3, 4)],
    outputs: [of(3, 4), of(1, 4)],
  },
  argReduce: { attrs: { fn: 'max', axes: [1] }, inputs: [of(3, 4)], outputs: [whole(3)] },
  scan: { attrs: { fn: 'sum', axis: 0 }, inputs: [of(3, 4)], outputs: [of(3, 4)] },
  contract: {
    attrs: { batch: 0, sum: 1, post: s.add(x, y) },
    inputs: [of(3, 4), of(4, 5), of(3, 5)],
    outputs: [of(3, 5)],
  },
  concat: { attrs: { axis: 0 }, inputs: [of(2, 4), of(3, 4)], outputs: [of(5, 4)] },
  pad: { attrs: { low: [1, 0], high: [0, 2], value: 7 }, inputs: [of(2, 3)], outputs: [of(3, 5)] },
  fold: {
    attrs: { out: [3, 4], offset: [0, 0], axes: [[{ in: 0, step: 1 }], [{ in: 1, step: 1 }]] },
    inputs: [of(3, 4)],
    outputs: [of(3, 4)],
  },
  gather: { attrs: { axis: 0 }, inputs: [of(1, 4), whole(3, 4)], outputs: [of(3, 4)] },
  scatter: { attrs: { axis: 0, fn: 'add' }, inputs: [of(1, 4), whole(3, 4), of(3, 4)], outputs: [of(1, 4)] },
  assign: {
    attrs: { region: { sizes: [4], strides: [1], offset: 8 } },
    inputs: [of(3, 4), of(4)],
    outputs: [of(3, 4)],
  },
  sort: { attrs: { axis: 1, descending: false }, inputs: [of(3, 4)], outputs: [of(3, 4), whole(3, 4)] },
  iota: { attrs: { axis: 0 }, inputs: [], outputs: [of(3, 4)] },
}

/** A sketch for the kernel of a composition, from its record. */
function ofRecord(kind: CompositeKind): Sketched {
  const { inputs, outputs, numbers = [], pairs = [] }: Composite = composites[kind]
  // Windows of one element.
  const windows: Readonly<Record<string, Shape>> = { plane: [4, 1], low: [0, 0] }
  const attrs = {
    axis: 1,
    ...Object.fromEntries([
      ...numbers.map((name) => [name, name === 'ignore' ? -100 : 1]),
      ...pairs.map((name) => [name, windows[name] ?? [1, 1]]),
    ]),
  }
  const sketch = ([, extent]: readonly [string, Extent]): Sketch => ({
    sizes: sizesOf(extent, [3, 4], attrs),
    dtype: extent === 'index' ? 'int32' : 'float32',
  })
  return { attrs: attrs as Attributes[CompositeKind], inputs: inputs.map(sketch), outputs: outputs.map(sketch) }
}

/** One instruction of every kind. */
const sketches = {
  ...given,
  ...Object.fromEntries(kernels.map((kind) => [kind, ofRecord(kind)])),
} as Readonly<Record<Kind, Sketched>>

/** An instruction whose operand `short` has one element too few, and the slabs of all its operands. */
function instruction(backend: Backend, kind: string, short: number): { instr: Instr; slabs: () => number[][] } {
  const { attrs, check, inputs, outputs } = sketches[kind as Kind]
  let position = 0
  const slabs: { readonly data: ArrayLike<number> }[] = []
  const memory = ({ sizes: shape, dtype = 'float32' }: Sketch): Output => {
    const buffer = backend.alloc({ sizes: shape, dtype }) as HostBuffer
    const { data, start, length, slab } = buffer
    data.fill(0, start, start + length)
    slabs.push(slab)
    const less = position++ === short ? 1 : 0
    return { sizes: shape, dtype, buffer: new HostBuffer(backend, data, start, length - less, slab) }
  }
  const view = (sketch: Sketch): View => ({ ...memory(sketch), strides: contiguousStrides(sketch.sizes), offset: 0 })
  const instr = { kind: kind as Kind, attrs, check, inputs: inputs.map(view), outputs: outputs.map(memory) }
  return {
    instr: { ...instr, origin: { name: kind } } as Instr,
    slabs: () => slabs.map(({ data }) => Array.from(data)),
  }
}

describe.each(Object.keys(sketches))('%s', (kind) => {
  it('keeps to its tensors', async () => {
    const backend = await native()
    const { inputs, outputs } = sketches[kind as Kind]
    // The first time its words are written in full, later it is a call.
    for (let turn = 0; turn < 4; turn++) {
      for (let short = -1; short < inputs.length + outputs.length; short++) {
        const { instr, slabs } = instruction(backend, kind, short)
        if (short < 0) {
          backend.run(instr)
          await backend.sync()
          continue
        }
        const before = slabs()
        const run = (): void => {
          backend.run(instr)
          backend.readSync(rowMajor(instr.outputs[0]))
        }
        expect(run, `operand ${short} of turn ${turn}`).toThrow(/goes beyond its tensor/)
        // Several instructions may replace one; the first of them may write to the output, but only to its own
        // elements.
        const own = new Set(instr.outputs.map((out) => hostOf(out)))
        expect(outside(slabs(), instr, own)).toEqual(outside(before, instr, own))
      }
    }
  })

  it('keeps to them in a program', async () => {
    const backend = await native()
    const { attrs, check, inputs, outputs } = sketches[kind as Kind]
    const specs = [...inputs, ...outputs].map(({ sizes, dtype = 'float32' }) => ({ sizes, dtype }))
    const uses = inputs.map(({ sizes, dtype = 'float32' }, value) => ({
      value,
      dtype,
      sizes,
      strides: contiguousStrides(sizes),
      offset: 0,
    }))
    const values = outputs.map((_, k) => inputs.length + k)
    const program = {
      values: specs,
      given: new Map(inputs.map((_, argument) => [argument, { from: 'argument', argument } as const])),
      host: [],
      instrs: [{ kind, attrs, check, inputs: uses, outputs: values, origin: { name: kind } } as ProgramInstr],
      kept: [],
      results: [],
    }
    const places = [
      ...inputs.map((_, argument) => ({ in: 'argument', argument }) as const),
      ...outputs.map((_, result) => ({ in: 'result', result }) as const),
    ]
    const executable = backend.compile?.(program, { places, results: values, bytes: 0, bodies: new Map() })
    for (let short = -1; short < specs.length; short++) {
      const { instr } = instruction(backend, kind, short)
      const run = () =>
        executable?.run({
          numbers: new Float64Array(0),
          draws: [],
          args: instr.inputs.map((input) => hostOf(input as View)),
          results: instr.outputs.map((out) => hostOf(out)),
        })
      if (short < 0) run()
      else expect(run, `operand ${short}`).toThrow('a row does not fit the program')
    }
  })
})

const rowMajor = (out: Output): View => ({ ...out, strides: contiguousStrides(out.sizes), offset: 0 })

/** The elements that do not belong to the outputs. */
function outside(slabs: number[][], { inputs, outputs }: Instr, own: ReadonlySet<HostBuffer>): number[][] {
  const operands = [...inputs, ...outputs]
  return slabs.map((slab, i) => {
    const mine = [...own].filter(({ data }) => data === hostOf(operands[i] as View).data)
    return slab.filter((_, at) => !mine.some(({ start, length }) => at >= start && at < start + length))
  })
}

describe('an operand before its tensor', () => {
  it('is refused', async () => {
    const backend = await native()
    const attrs = { outs: [{ expr: s.add(x, y) }] }
    const memory = (n: number) => hostOf({ buffer: backend.alloc({ sizes: [n], dtype: 'float32' }) })
    for (let turn = 0; turn < 3; turn++) {
      for (const [offset, strides] of [
        [-1, [1]],
        [2, [-1]],
      ] as const) {
        memory(8)
        const view = (at: number, steps: readonly number[]): View => ({
          buffer: memory(4),
          dtype: 'float32',
          sizes: [4],
          strides: steps,
          offset: at,
        })
        const outputs = [{ buffer: memory(4), dtype: 'float32' as const, sizes: [4] }]
        const instr = {
          kind: 'map',
          attrs,
          inputs: [view(offset, strides), view(0, [1])],
          outputs,
          origin: { name: 'add' },
        }
        const run = (): void => {
          backend.run(instr as Instr<'map'>)
          backend.readSync(rowMajor(outputs[0]))
        }
        expect(run).toThrow(offset < 0 ? 'a count is out of range' : 'an operand begins before its tensor')
      }
    }
  })
})

describe('an empty operand', () => {
  it('may be anywhere', async () => {
    const backend = await native()
    const attrs = { outs: [{ expr: s.add(x, y) }] }
    const view = (): View => ({
      buffer: backend.alloc({ sizes: [3, 4], dtype: 'float32' }),
      dtype: 'float32',
      sizes: [0, 0],
      strides: [4, 1],
      offset: 16,
    })
    for (let turn = 0; turn < 4; turn++) {
      const out = {
        buffer: backend.alloc({ sizes: [0, 0], dtype: 'float32' }),
        dtype: 'float32' as const,
        sizes: [0, 0],
      }
      backend.run({ kind: 'map', attrs, inputs: [view(), view()], outputs: [out], origin: { name: 'add' } })
      expect(numelOf(out.sizes)).toBe(backend.readSync(rowMajor(out)).length)
    }
  })
})
