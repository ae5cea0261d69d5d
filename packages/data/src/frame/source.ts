// Where a column came from. An arquero table hands its column objects on to the tables made from it, so an error far
// from the reading of a file can still name the file and the line.

/** The place of a column in a file. */
export interface Source {
  readonly file: string
  readonly column: string
  /** The line of each row. */
  readonly lines: ArrayLike<number>
}

const sources = new WeakMap<object, Source>()

/** Notes where `column` came from. */
export const remember = <C extends object>(column: C, source: Source): C => {
  sources.set(column, source)
  return column
}

/** Where `column` came from, if it was read from a file. */
export const sourceOf = (column: object): Source | undefined => sources.get(column)
