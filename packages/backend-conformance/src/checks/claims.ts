// Checks that no kernel accesses memory outside its tensors. For every kind, takes a valid instruction and lets one
// operand or result after the other claim elements that its tensor does not have. The backend must refuse each of
// these.
import {
  type Attributes,
  type Backend,
  type Composite,
  type CompositeKind,
  composites,
  contiguousLayout,
  type DType,
  type Extent,
  type Instr,
  isScalar,
  type Kind,
  numelOf,
  type Output,
  type PrimKind,
  type Prims,
  s,
  type Shape,
  sizesOf,
  type View,
  withOperands,
} from '@flambeau/core/backend'
import type { Cell } from '../subject.ts'

type Made = { readonly [K in PrimKind]: (of: Maker) => Pick<Instr<K>, 'attrs' | 'inputs' | 'outputs'> }

/** Creates operands and results on a backend. */
interface Maker {
  view(shape: Shape, dtype?: DType): View
  out(shape: Shape, dtype?: DType): Output
}

const add: Prims['map'] = { outs: [{ expr: s.add(s.input(0, 'float32'), s.input(1, 'float32')) }] }

/** One instruction of each of the twelve kinds, with distinct sizes. */
const instructions: Made = {
  map: ({ view, out }) => ({ attrs: add, inputs: [view([2, 3]), view([2, 3])], outputs: [out([2, 3])] }),
  argReduce: ({ view, out }) => ({
    attrs: { fn: 'max', axes: [1] },
    inputs: [view([2, 3])],
    outputs: [out([2], 'int32')],
  }),
  scan: ({ view, out }) => ({ attrs: { fn: 'sum', axis: 1 }, inputs: [view([2, 3])], outputs: [out([2, 3])] }),
  contract: ({ view, out }) => ({
    attrs: { batch: 0, sum: 1 },
    inputs: [view([2, 3]), view([3, 4])],
    outputs: [out([2, 4])],
  }),
  concat: ({ view, out }) => ({ attrs: { axis: 1 }, inputs: [view([2, 3]), view([2, 1])], outputs: [out([2, 4])] }),
  pad: ({ view, out }) => ({
    attrs: { low: [1, 0], high: [0, 2], value: 5 },
    inputs: [view([2, 3])],
    outputs: [out([3, 5])],
  }),
  fold: ({ view, out }) => ({
    attrs: { out: [5], offset: [1], axes: [[{ in: 0, step: 2 }]] },
    inputs: [view([2])],
    outputs: [out([5])],
  }),
  gather: ({ view, out }) => ({
    attrs: { axis: 0 },
    inputs: [view([4, 3]), view([2, 3], 'int32')],
    outputs: [out([2, 3])],
  }),
  scatter: ({ view, out }) => ({
    attrs: { axis: 0, fn: 'set' },
    inputs: [view([4, 3]), view([2, 3], 'int32'), view([2, 3])],
    outputs: [out([4, 3])],
  }),
  assign: ({ view, out }) => ({
    attrs: { region: { sizes: [2, 2], strides: [3, 1], offset: 4 } },
    inputs: [view([9]), view([2, 2])],
    outputs: [out([9])],
  }),
  sort: ({ view, out }) => ({
    attrs: { axis: 1, descending: false },
    inputs: [view([2, 3])],
    outputs: [out([2, 3]), out([2, 3], 'int32')],
  }),
  iota: ({ out }) => ({ attrs: { axis: 1 }, inputs: [], outputs: [out([2, 3], 'int32')] }),
}

/** Numbers for the attributes of a composition: windows of 2 x 2 over, or to, planes of these sizes. */
export function attributesOf(kind: CompositeKind, axis: number, [n, inner]: Shape): Attributes[CompositeKind] {
  const { numbers = [], pairs = [] }: Composite = composites[kind]
  const ones = pairs.map((name) => [name, [1, 1]] as const)
  const by = /Backward$/.test(kind) ? 1 : -1
  const windows = pairs.length > 0 && { kernel: [2, 2], low: [0, 0], plane: [n + by, inner + by] }
  const singles = numbers.map((name) => [name, name === 'groups' ? 1 : 2] as const)
  return { axis, ...Object.fromEntries([...ones, ...singles]), ...windows } as Attributes[CompositeKind]
}

/** One instruction for a composition, by its record, along the middle axis of [2, 3, 2]. */
function instrOf({ view, out }: Maker, kind: CompositeKind): Instr {
  const { inputs, outputs }: Composite = composites[kind]
  const attrs = attributesOf(kind, 1, [3, 2])
  const sizes = (extent: Extent): Shape => sizesOf(extent, [2, 3, 2], attrs)
  return withOperands(
    { kind, attrs, origin: { name: kind } } as Instr,
    inputs.map(([, extent]) => view(sizes(extent), extent === 'index' ? 'int32' : 'float32')),
    outputs.map(([, extent]) => out(sizes(extent))),
  )
}

/** Attributes that claim elements outside the result. */
const attributes: { readonly [K in PrimKind]?: readonly Prims[K][] } = {
  fold: [
    { out: [5], offset: [3], axes: [[{ in: 0, step: 2 }]] },
    { out: [5], offset: [-1], axes: [[{ in: 0, step: 2 }]] },
    { out: [5], offset: [1], axes: [[{ in: 0, step: -2 }]] },
  ],
  assign: [
    { region: { sizes: [2, 2], strides: [3, 1], offset: 5 } },
    { region: { sizes: [2, 2], strides: [3, 1], offset: -1 } },
  ],
}

/** Variants of the instruction with an invalid claim, each with a name. */
function* overreaching({ out }: Maker, instr: Instr): Generator<[string, Instr]> {
  const { inputs, outputs, kind } = instr
  for (let i = 0; i < inputs.length; i++) {
    const x = inputs[i]
    if (isScalar(x)) continue
    const withInput = (change: Partial<View>): Instr =>
      withOperands(
        instr,
        inputs.map((y, k) => (k === i ? { ...x, ...change } : y)),
        outputs,
      )
    yield [`operand ${i} of a smaller tensor`, withInput({ buffer: out([numelOf(x.sizes) - 1], x.dtype).buffer })]
    yield [`operand ${i} from one element further`, withInput({ offset: 1 })]
    yield [`operand ${i} from before its tensor`, withInput({ offset: -1 })]
    // A single element has no backwards.
    if (numelOf(x.sizes) > 1) yield [`operand ${i} backwards`, withInput({ strides: x.strides.map((step) => -step) })]
  }
  for (let k = 0; k < outputs.length; k++) {
    const { sizes, dtype } = outputs[k]
    const { buffer } = out([numelOf(sizes) - 1], dtype)
    const smaller = outputs.map((y, j) => (j === k ? { sizes, dtype, buffer } : y))
    yield [`result ${k} in a smaller tensor`, withOperands(instr, inputs, smaller)]
  }
  for (const attrs of attributes[kind as PrimKind] ?? [])
    yield [`with ${JSON.stringify(attrs)}`, { ...instr, attrs } as Instr]
}

/** Whether the work throws one of flambeau's errors, at once or, if it is queued, when it is done. */
const refuses = async (backend: Backend, work: () => unknown): Promise<boolean> => {
  try {
    work()
    await backend.sync()
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) return true
    throw error
  }
  return false
}

const makerOf = (backend: Backend): Maker => {
  const out: Maker['out'] = (shape, dtype = 'float32') => {
    const output = { sizes: shape, dtype, buffer: backend.alloc({ sizes: shape, dtype }) }
    const Data = {
      float32: Float32Array,
      float64: Float64Array,
      int32: Int32Array,
      uint8: Uint8Array,
      bool: Uint8Array,
    }
    backend.write(output, new Data[dtype](numelOf(shape)))
    return output
  }
  return { out, view: (shape, dtype) => ({ ...out(shape, dtype), ...contiguousLayout(shape) }) }
}

export const claimCells = (backend: Backend): Cell[] => {
  const maker = makerOf(backend)
  const made: readonly (readonly [kind: Kind, make: () => Instr])[] = [
    ...(Object.keys(instructions) as PrimKind[]).map(
      (kind) => [kind, () => ({ kind, ...instructions[kind](maker), origin: { name: kind } }) as Instr] as const,
    ),
    ...Array.from(backend.caps.fused ?? [], (kind) => [kind, () => instrOf(maker, kind)] as const),
  ]
  return [
    ...made.map(([kind, make]) => ({
      name: `backend › ${kind} stays within its tensors`,
      async run() {
        const instr = make()
        if (!backend.supports(instr)) return
        backend.run(instr)
        const taken: string[] = []
        for (const [what, wrong] of overreaching(maker, instr))
          if (!(await refuses(backend, () => backend.run(wrong)))) taken.push(what)
        if (taken.length > 0) throw new Error(`it was run: ${taken.join('; ')}`)
      },
    })),
    {
      name: 'backend › reads and writes stay within their tensors',
      async run() {
        const x = maker.view([2, 3])
        const data = new Float32Array(6)
        const works = {
          'a read of too many elements': () => backend.readSync({ ...x, sizes: [2, 4] }),
          'a read from before the tensor': () => backend.readSync({ ...x, offset: -1 }),
          'a write of too many elements': () => backend.write({ ...x, sizes: [2, 4] }, new Float32Array(8)),
          'a write of more elements than claimed': () => backend.write(x, new Float32Array(8)),
          'a write of fewer elements than claimed': () => backend.write(x, data.subarray(1)),
        }
        const taken: string[] = []
        for (const [what, work] of Object.entries(works)) if (!(await refuses(backend, work))) taken.push(what)
        if (taken.length > 0) throw new Error(`it was done: ${taken.join('; ')}`)
      },
    },
  ]
}
