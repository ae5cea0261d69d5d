// A single instruction as a compiled program, for tests that compare it with its kernel.
import {
  type Backend,
  contiguousLayout,
  type Instr,
  isScalar,
  numelOf,
  type Place,
  type Prims,
  type Program,
  type ProgramInstr,
  type ProgramOperand,
  s,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'

/** Where the program finds its operands, and whether its results are in its arena and then copied out. */
export interface Placing {
  readonly inputs?: 'buffer' | 'argument'
  readonly arena?: boolean
}

/** The elements of the instruction's outputs. */
export function compiled(
  backend: Backend,
  { kind, attrs, inputs, outputs }: Instr,
  { inputs: from = 'buffer', arena = false }: Placing = {},
): TypedArray[] {
  const given = new Map()
  const uses = inputs.map((x, value): ProgramOperand => {
    if (isScalar(x)) return x as ProgramOperand
    given.set(value, from === 'buffer' ? { from, buffer: x.buffer } : { from, argument: value })
    return { ...x, value }
  })
  const values = [...inputs.map((x) => ({ sizes: isScalar(x) ? [] : x.sizes, dtype: x.dtype })), ...outputs]
  const made = outputs.map((_, k) => inputs.length + k)
  const places = inputs.map(
    (x, argument): Place => (from === 'buffer' ? { in: from, buffer: (x as View).buffer } : { in: from, argument }),
  )
  const instrs: ProgramInstr[] = [{ kind, attrs, inputs: uses, outputs: made, origin: { name: kind } } as ProgramInstr]
  let bytes = 0
  const results = made.map((value, k) => {
    const { sizes, dtype } = outputs[k]
    if (!arena) {
      places[value] = { in: 'result', result: k }
      return value
    }
    places[value] = { in: 'arena', at: bytes }
    bytes += Math.ceil((numelOf(sizes) * 8) / 64) * 64
    const copy = values.push({ sizes, dtype }) - 1
    places[copy] = { in: 'result', result: k }
    const copies: Prims['map'] = { outs: [{ expr: s.input(0, dtype) }] }
    const use = { value, dtype, ...contiguousLayout(sizes) }
    instrs.push({ kind: 'map', attrs: copies, inputs: [use], outputs: [copy], origin: { name: 'copy' } })
    return copy
  })
  const program: Program = {
    values,
    given,
    host: [],
    instrs,
    kept: [],
    results: results.map((value) => ({ value, dtype: values[value].dtype, ...contiguousLayout(values[value].sizes) })),
  }
  const run = backend.compile?.(program, { places, results, bytes, bodies: new Map() })
  const bound = outputs.map((output) => backend.alloc(output))
  const args = from === 'argument' ? inputs.map((x) => (x as View).buffer) : []
  run?.run({ numbers: new Float64Array(0), draws: [], args, results: bound })
  return outputs.map(({ sizes, dtype }, k) => backend.readSync({ ...contiguousLayout(sizes), dtype, buffer: bound[k] }))
}
