// The factors of a product as its tiles read them: rows of the first, columns of the second, in memory by steps, through
// tables of offsets, or in panels.
import type { Along } from './along.ts'
import { type Cells, type FunctionText, lastOf, type Range } from './arrays.ts'
import { isNumber, sum, times } from './indices.ts'
import type { Scope } from './scope.ts'

/** Rows of a or columns of b as a tile reads them: from `base`, with a step from one to the next and a step along k. */
export interface Factor {
  readonly cells: Cells
  readonly base: string
  /** The largest base. */
  readonly last: number
  readonly across: number
  readonly along: number
  /** The number of products along k. */
  readonly count: number
  /**
   * Present if nested loops address it. Then the base is a position along k, and `first` is the first row or column.
   */
  readonly walk?: { readonly first: string; readonly across: Along; readonly along: Along }
}

/** Rows or columns in a panel: those of a tile side by side, for one k after another. */
export const packed = (cells: Cells, k: number, range: Range, at: string): Factor => ({
  cells,
  base: times(at, k),
  last: isNumber(at) ? Number(at) * k : lastOf(range) * k,
  across: 1,
  along: range.step,
  count: k,
})

/** The loop over k, with an index per factor. A factor that begins at 0 uses the loop counter. */
export function overK(a: Factor, b: Factor, body: readonly string[]): string[] {
  const counts = ({ base, along }: Factor): boolean => base === '0' && along > 0
  const factors = { a_: a, b_: b, p_: { base: '0', along: 1 } }
  const counter = counts(a) ? 'a_' : counts(b) ? 'b_' : 'p_'
  const others = (['a_', 'b_'] as const).filter((name) => name !== counter)
  const { along } = factors[counter]
  return [
    ...others.map((name) => `let ${name} = ${factors[name].base}`),
    `for (let ${counter} = 0; ${counter} < ${(a.count - 1) * along + 1}; ${counter} += ${along}) {`,
    ...body,
    ...others.map((name) => `${name} = (${name} + ${factors[name].along}) | 0`),
    '}',
  ]
}

/** An element of the row or column at a position in the tile, at an index that `overK` declares. */
export function elementOf(fn: FunctionText, factor: Factor, index: string, position: number): string {
  const { cells, across, along, last, count, walk } = factor
  if (walk) return cells.at(fn, sum(`f${position}${index}`, `t${index}`), 0, last + 1)
  return cells.at(fn, index, position * across, last + (count - 1) * along + 1)
}

/** Declares the offsets of rows or columns that nested loops address. */
export function begin(scope: Scope, fn: FunctionText, { cells, walk }: Factor, index: string, size: number): string[] {
  if (!walk) return []
  const offset = (at: number): string => scope.offset(fn, walk.across, sum(walk.first, String(at)))
  return Array.from({ length: size }, (_, at) => `const f${at}${index} = ${sum(...cells.origin, offset(at))}`)
}

/** Declares the offset along k, which all of them share. */
export function go(scope: Scope, fn: FunctionText, { walk }: Factor, index: string): string[] {
  return walk ? [`const t${index} = ${scope.offset(fn, walk.along, index)}`] : []
}

/** Copies the rows or columns of a tile. */
export function pack(scope: Scope, fn: FunctionText, size: number, from: Factor, to: Factor): string[] {
  const copies = Array.from(
    { length: size },
    (_, at) => `${elementOf(fn, to, 'a_', at)} = ${elementOf(fn, from, 'b_', at)}`,
  )
  const step = [...go(scope, fn, from, 'b_'), ...copies]
  return ['{', ...begin(scope, fn, from, 'b_', size), ...overK(to, from, step), '}']
}
