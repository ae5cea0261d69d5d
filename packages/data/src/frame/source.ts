// Remembers where a column came from. An arquero table passes its column objects on to tables derived from it, so a
// much later error can still name the file and the line.

/** The place of a column in a file. */
export interface Source {
  readonly file: string
  readonly column: string
  /** The line of each row. */
  readonly lines: ArrayLike<number>
}

const sources = new WeakMap<object, Source>()

/** Records the origin of `column`. */
export const remember = <C extends object>(column: C, source: Source): C => {
  sources.set(column, source)
  return column
}

/** The origin of `column` if it was read from a file. */
export const sourceOf = (column: object): Source | undefined => sources.get(column)
