// Minima and maxima of columns as maps that store: their bits do not depend on an order, so rows are combined one after the
// other with the results until then, which stay in a near cache.
import { dtypeSize } from '@flambeau/core/backend'
import { reductions } from '@flambeau/stream'
import { type Computed, countOf, type Input, type MapOf, type Out, type Value } from './decode.ts'

/** The elements of a row that is worth a loop, and of one that stays in a near cache. */
const shortestRow = 64
const longestRow = 8192

/** Whether a result is the same element in all turns of a loop. */
const isReduced = ({ to }: Out, { sizes }: MapOf, loop: number): boolean => to.strides[loop] === 0 && sizes[loop] > 1

/** Whether all results are minima or maxima of columns: of whole rows, one after the other. */
export function isOfColumns(map: MapOf): boolean {
  const { sizes, outs } = map
  const loops = sizes.map((_, loop) => isReduced(outs[0], map, loop))
  const outer = loops.indexOf(true)
  const row = countOf(sizes.filter((_, loop) => loop > outer && !loops[loop]))
  const isExtreme = (out: Out): boolean =>
    (out.reduce === reductions.min || out.reduce === reductions.max) &&
    out.to.dtype === out.from.dtype &&
    dtypeSize[out.to.dtype] === 4 &&
    out.to.strides.at(-1) === 1 &&
    loops.every((reduced, loop) => isReduced(out, map, loop) === reduced)
  return outer >= 0 && row >= shortestRow && row <= longestRow && outs.every(isExtreme)
}

/** Rows that are combined before the results until then are read. */
const rowsAtOnce = 2

/**
 * Minima or maxima of columns as maps: of the first row, then of several rows at a time and the results until then. Maxima of
 * floats are the minima of negated numbers, which take an instruction less (steps.ts), and are negated again at the end.
 */
export function* mapsOfColumns(map: MapOf): Iterable<MapOf> {
  const { sizes, outs } = map
  const reduced = sizes.flatMap((_, loop) => (isReduced(outs[0], map, loop) ? [loop] : []))
  const ofRow = sizes.map((size, loop) => (reduced.includes(loop) ? 1 : size))
  const steps: Computed[] = []
  const stepOf = (step: string, { dtype }: Value, ...args: readonly Value[]): Value => {
    const made: Computed = { kind: 'step', step, dtype, of: dtype, args }
    steps.push(made)
    return made
  }
  const isNegated = ({ reduce, to }: Out): boolean => reduce === reductions.max && to.dtype === 'float32'
  const negated = (out: Out, x: Value): Value => (isNegated(out) ? stepOf('neg', x, x) : x)
  const stored = (
    sizes: readonly number[],
    inputs: readonly Input[],
    values: MapOf['values'],
    all: readonly Out[],
  ) => ({
    ...map,
    sizes,
    inputs,
    values: [...values, ...steps.splice(0)],
    outs: all.map((out) => ({ ...out, reduce: -1 })),
  })
  const firsts = outs.map((out) => ({ ...out, from: negated(out, out.from) }))
  yield stored(ofRow, map.inputs, map.values, firsts)

  const results = outs.map(({ to }): Input => ({ kind: 'operand', dtype: to.dtype, operand: to }))
  const last = reduced.at(-1) as number
  // The first row is among the results already, but not one of each turn of another loop.
  const skipped = sizes[last] % rowsAtOnce
  const several = skipped > 0 && reduced.length > 1 ? 1 : rowsAtOnce
  const rows = Array.from({ length: several }, (_, r) => rowOf(map, last, several, several > 1 ? skipped + r : 0))
  const all = outs.map((out, k) => {
    const step = isNegated(out) || out.reduce === reductions.min ? 'min' : 'max'
    const both = (a: Value, b: Value): Value => stepOf(step, a, a, b)
    return { ...out, from: both(rows.map((row) => negated(out, row.outs[k].from)).reduce(both), results[k]) }
  })
  const turns = sizes.map((size, loop) => (loop === last ? Math.floor(size / several) : size))
  const inputs = [...rows.flatMap((row) => row.inputs), ...results]
  const values = rows.flatMap((row) => row.values)
  yield stored(turns, inputs, values, all)

  const again = outs.flatMap((out, k) => (isNegated(out) ? [{ ...out, from: negated(out, results[k]) }] : []))
  if (again.length > 0) yield stored(ofRow, results, [], again)
}

/** The map of one row in several, from the row `first` on. */
function rowOf(map: MapOf, loop: number, several: number, first: number): MapOf {
  const made = new Map<Value, Value>()
  const of = (x: Value): Value => made.get(x) ?? x
  const inputs = map.inputs.map((x): Input => {
    const { offset, strides } = x.operand
    const steps = strides.map((step, l) => (l === loop ? step * several : step))
    const it = { ...x, operand: { ...x.operand, offset: offset + first * strides[loop], strides: steps } }
    made.set(x, it)
    return it
  })
  const values = map.values.map((x) => {
    const it = x.kind === 'step' ? { ...x, args: x.args.map(of) } : x
    made.set(x, it)
    return it
  })
  return { ...map, inputs, values, outs: map.outs.map((out) => ({ ...out, from: of(out.from) })) }
}
