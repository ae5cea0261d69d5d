// Data frames as this package accepts them: arquero's tables, recognized by their methods so that code which only takes
// frames need not load arquero, or plain columns by name. The entry point `@flambeau/data/frame` creates frames.
import { type signatures, ValueError } from '@flambeau/core'

/** A column of a table: an array, a typed array or arquero's own. */
export interface Column {
  readonly length: number
  at(row: number): unknown
}

/** A data frame: the methods of an arquero table that this package calls. */
export interface Frame {
  columnNames(): string[]
  numRows(): number
  /** The visible rows of the columns, in order. */
  indices(): Uint32Array
  column(name: string): Column | undefined
  /** Creates a table of the same kind from arquero's options. */
  create(options?: object): Frame
}

/** Columns by name. */
export type Columns = Readonly<Record<string, ArrayLike<unknown>>>

const methods = ['columnNames', 'numRows', 'indices', 'column', 'create'] as const

export const isFrame = (x: unknown): x is Frame =>
  typeof x === 'object' && x !== null && methods.every((name) => typeof (x as Frame)[name] === 'function')

export const isColumns = (x: unknown): x is Columns => {
  if (typeof x !== 'object' || x === null || Object.getPrototypeOf(x) !== Object.prototype) return false
  const columns = Object.values(x)
  return (
    columns.length > 0 && columns.every((c) => Array.isArray(c) || (ArrayBuffer.isView(c) && !(c instanceof DataView)))
  )
}

/** The kind of argument that accepts a frame or columns. */
export const frame: signatures.Kind<Frame | Columns> = {
  expected: 'DataFrame',
  accepts: (x) => isFrame(x) || isColumns(x),
  hint: "It is an arquero table, or an object of arrays by their names: { a: [1, 2], b: ['x', 'y'] }.",
}

/** The part of a frame that is read. */
export type View = Pick<Frame, 'columnNames' | 'numRows' | 'indices' | 'column'>

/** Wraps columns as a frame. Throws a ValueError if their lengths differ. */
export const viewOf = (x: Frame | Columns): View => {
  if (isFrame(x)) return x
  const names = Object.keys(x)
  const rows = x[names[0]].length
  if (names.some((name) => x[name].length !== rows)) {
    throw new ValueError(
      'All arrays must be of the same length',
      `They have ${names.map((name) => `'${name}' ${x[name].length}`).join(', ')} rows.`,
    )
  }
  return {
    columnNames: () => names,
    numRows: () => rows,
    indices: () => Uint32Array.from({ length: rows }, (_, row) => row),
    column: (name) => (Object.hasOwn(x, name) ? (x[name] as unknown as Column) : undefined),
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

/** The columns of these names. Throws a ValueError for a column that the frame lacks. */
export const columnsOf = (from: View, names: readonly string[]): Column[] => {
  const known = new Set(from.columnNames())
  const absent = names.find((name) => !known.has(name))
  if (absent !== undefined)
    throw new ValueError(`no column named '${absent}'`, `The data frame has the columns ${quoted([...known])}.`)
  return names.map((name) => from.column(name) as Column)
}

/** Throws a ValueError for names that a frame cannot have. The message begins with `where`. */
export const checkNames = (names: readonly string[], where = ''): void => {
  const places = new Map<string, number>()
  for (const [place, name] of names.entries()) {
    if (name === '__proto__') {
      throw new ValueError(
        `${where}a column cannot be called '__proto__'`,
        'Every JavaScript object has a property of that name; rename the column.',
      )
    }
    const before = places.get(name)
    if (before !== undefined) {
      throw new ValueError(
        `${where}the column name '${name}' occurs twice (columns ${before + 1} and ${place + 1})`,
        'Give every column a different name, or read with { header: false }.',
      )
    }
    places.set(name, place)
  }
}
