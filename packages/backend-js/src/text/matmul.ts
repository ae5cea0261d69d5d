// Matrix products as JavaScript source for compiled programs: tiles of the result accumulate in registers, in loops over
// sizes and steps that are constants; rows whose sums are short are written out. Every element adds up its products over k in order, in double precision, and is
// rounded once, so whatever tiles are chosen give the numbers of the `matmul` kernel bit for bit.
import { roundSource } from '@flambeau/core/backend'
import { isNumber, sum, times } from './indices.ts'
import { type ArraySource, type Cells, FunctionText, lastOf, loop, moving, type Range, subarrays } from './arrays.ts'

/** Element (i, j) lies at start + i * rowStep + j * columnStep. */
export interface MatrixSource extends ArraySource {
  readonly rowStep: number
  readonly columnStep: number
  /** From one matrix to the next in each dimension of a batch. */
  readonly batch?: readonly number[]
}

export interface MatmulSource {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly a: MatrixSource
  readonly b: MatrixSource
  readonly out: MatrixSource
  /** The sizes of a batch, outermost first. */
  readonly batch?: readonly number[]
  /**
   * Statements and result of the epilogue for one element, by source of the product, rounded to the factors' dtype, and
   * of the operands' elements. Names that end in an underscore are not the epilogue's.
   */
  readonly post?: (
    product: string,
    operand: (i: number) => string,
  ) => { readonly lines: readonly string[]; readonly result: string }
  /** What the epilogue reads at an element's position, m by n each. */
  readonly operands?: readonly MatrixSource[]
  /** Variables that the epilogue reads and the place of the call has. */
  readonly parameters?: readonly string[]
}

export interface MatmulText {
  /** Constants and functions. */
  readonly declarations: readonly string[]
  /** The statement that multiplies. */
  readonly call: string
}

/** A product of matrices of known sizes; `fresh` gives names that nothing else has. */
export function emitMatmul(x: MatmulSource, fresh: (prefix: string) => string): MatmulText {
  return new Emission(x.m === 1 && x.n > 1 ? flipped(x) : x, fresh).text()
}

/** The transposed product: a single row becomes a single column. */
function flipped({ m, n, a, b, out, operands, ...x }: MatmulSource): MatmulSource {
  const swapped = (s: MatrixSource): MatrixSource => ({ ...s, rowStep: s.columnStep, columnStep: s.rowStep })
  return { ...x, m: n, n: m, a: swapped(b), b: swapped(a), out: swapped(out), operands: operands?.map(swapped) }
}

// ---- sizes, as measured ----

/** Columns of a tile at most, and rows for one, two and three columns: V8 has sixteen registers for numbers. */
const mostColumns = 3
const mostRows = [6, 4, 3]
/**
 * V8 schedules all products of a block before all additions, which is too many registers for more than six accumulators.
 * Larger tiles are cut into parts of four products at most by a branch that is never taken.
 */
const uncut = 6
const part = 4
/**
 * A row whose elements are sums of at most so many products is written out: what it reads of `a` would be read again for
 * every tile, and a loop over k would not be worth its turns. And of how many products in all.
 */
const fewProducts = 5
const mostWritten = 80
/** How many tiles must read the same rows or columns for a panel of doubles to be faster than the arrays. */
const readsOfRows = 4
const readsOfColumns = 8
/** Doubles in a panel of columns: a MiB, which the second cache holds. */
const mostInPanel = 1 << 17

/** A size in steps of at most `most`, as even as can be, the larger ones first. */
function cut(size: number, most: number): Range[] {
  if (size === 0) return []
  const count = Math.ceil(size / most)
  const step = Math.floor(size / count)
  const larger = (size - step * count) * (step + 1)
  const ranges = [
    { from: 0, to: larger, step: step + 1 },
    { from: larger, to: size, step },
  ]
  return ranges.filter(({ from, to }) => from < to)
}
const tilesIn = (ranges: readonly Range[]): number =>
  ranges.reduce((total, { from, to, step }) => total + (to - from) / step, 0)

// ---- text ----

/** Rows of a or columns of b as a tile reads them: from `base`, by steps from one to the next and along k. */
interface Factor {
  readonly cells: Cells
  readonly base: string
  /** The largest base. */
  readonly last: number
  readonly across: number
  readonly along: number
}

/** Rows or columns in a panel: those of a tile side by side, for one k after the other. */
const packed = (cells: Cells, k: number, range: Range, at: string): Factor => ({
  cells,
  base: times(at, k),
  last: isNumber(at) ? Number(at) * k : lastOf(range) * k,
  across: 1,
  along: range.step,
})

/** Elements of a tile, by column and row. */
type Elements = (c: number, r: number) => string

/** The rows from i and the columns from j on, which are positions in ranges. */
interface Tile {
  readonly down: Range
  readonly i: string
  readonly across: Range
  readonly j: string
}

/** Columns of the result that are made together: those from `first`, which is a position in `range`. */
interface Block {
  readonly range: Range
  readonly first: string
}

class Emission {
  readonly #x: MatmulSource
  readonly #fresh: (prefix: string) => string
  readonly #constants: string[] = []
  readonly #functions: string[] = []
  readonly #parameters: string[]
  readonly #arguments: string[]
  /** The position in each dimension of the batch. */
  readonly #batch: readonly string[]
  readonly #a: Cells
  readonly #b: Cells
  readonly #out: Cells
  readonly #operands: readonly Cells[]
  readonly #never: string
  /** Rows are written out instead of tiles. */
  readonly #written: boolean

  constructor(x: MatmulSource, fresh: (prefix: string) => string) {
    this.#x = x
    this.#fresh = fresh
    const { a, b, out, operands = [], batch = [], parameters = [] } = x
    this.#parameters = [...parameters]
    this.#arguments = [...parameters]
    this.#batch = batch.map((_, d) => `t${d}_`)
    this.#a = this.#cells(a)
    this.#b = this.#cells(b)
    this.#out = this.#cells(out)
    this.#operands = operands.map((operand) => this.#cells(operand))
    this.#never = this.#constant('never', 'new Int32Array(1)')
    this.#written = x.k > 0 && x.k <= fewProducts && x.n > mostColumns && x.k * x.n <= mostWritten
  }

  text(): MatmulText {
    const { m, k, n, batch = [] } = this.#x
    const empty = m === 0 || batch.includes(0)
    const blocks = empty ? [] : cut(n, Math.max(mostColumns, Math.floor(mostInPanel / Math.max(k, 1))))
    let lines = blocks.flatMap((range) => loop('first_', range, (first) => this.#block({ range, first })))
    for (let d = batch.length - 1; d >= 0; d--) {
      const t = this.#batch[d]
      lines = [`for (let ${t} = 0; ${t} < ${batch[d]}; ${t}++) {`, ...lines, '}']
    }
    const name = this.#fresh('matmul')
    this.#functions.push(...new FunctionText().lines(name, this.#parameters, lines))
    return { declarations: [...this.#constants, ...this.#functions], call: `${name}(${this.#arguments.join(', ')})` }
  }

  readonly #constant = (prefix: string, value: string): string => {
    const name = this.#fresh(prefix)
    this.#constants.push(`const ${name} = ${value}`)
    return name
  }

  /** Declares a function of the positions that are variables; its call. */
  #function(prefix: string, positions: readonly string[], write: (fn: FunctionText) => readonly string[]): string {
    const fn = new FunctionText()
    const name = this.#fresh(prefix)
    const parameters = [...this.#parameters, ...this.#batch, ...positions.filter((at) => !isNumber(at))]
    const body = write(fn)
    this.#functions.push(...fn.lines(name, parameters, body))
    return `${name}(${parameters.join(', ')})`
  }

  #cells(s: MatrixSource): Cells {
    const { batch: sizes = [] } = this.#x
    const { batch: steps = [], rowStep, columnStep } = s
    const origin = steps.map((step, d) => times(this.#batch[d], step))
    if (s.constant && isNumber(s.start) && [rowStep, columnStep, ...steps].every((step) => step >= 0)) {
      const span = steps.reduce((total, step, d) => total + (sizes[d] - 1) * step, 0)
      return subarrays(s, origin, span, this.#constant)
    }
    const array = this.#fresh('x')
    this.#parameters.push(array)
    this.#arguments.push(s.array)
    if (isNumber(s.start)) return moving(array, [s.start, ...origin])
    const start = this.#fresh('at')
    this.#parameters.push(start)
    this.#arguments.push(s.start)
    return moving(array, [start, ...origin])
  }

  #panel(length: number): Cells {
    // A view of a buffer, because V8 keeps the elements of small arrays in its heap, where they have no fixed address.
    const array = this.#constant('panel', `new Float64Array(new ArrayBuffer(${8 * length}))`)
    return subarrays({ array, start: '0', dtype: 'float64', constant: true }, [], 0, this.#constant)
  }

  /** Statements for all rows of a block; large ones go to functions of their own. */
  #block(block: Block): string[] {
    const { m, k, n } = this.#x
    const columns = cut(block.range.step, this.#written ? n : mostColumns)
    const rows = cut(m, this.#written ? 1 : mostRows[Math.min(n, mostColumns) - 1])
    const panelA = k > 0 && tilesIn(columns) >= readsOfRows ? this.#panel(rows[0].step * k) : undefined
    const panelB = k > 0 && n > 1 && tilesIn(rows) >= readsOfColumns ? this.#panel(block.range.step * k) : undefined
    const a = panelA ? (range: Range): Factor => packed(panelA, k, range, '0') : this.#rows
    const b = panelB
      ? (range: Range, j: string): Factor => packed(panelB, k, range, j)
      : (range: Range, j: string): Factor => this.#columns(block, range, j)
    const tile = (fn: FunctionText, down: Range, i: string, across: Range, j: string): string[] =>
      this.#tile(fn, block, { down, i, across, j }, a(down, i), b(across, j))
    const tiles = (fn: FunctionText, down: Range, i: string, across: Range): string[] =>
      loop('j_', across, (j) => tile(fn, down, i, across, j))
    const lines: string[] = []
    if (panelB) {
      const pack = (fn: FunctionText, range: Range): string[] =>
        loop('j_', range, (j) => this.#pack(fn, range.step, this.#columns(block, range, j), b(range, j)))
      lines.push(this.#function('pack', [block.first], (fn) => columns.flatMap((range) => pack(fn, range))))
    }
    for (const down of rows) {
      const through = (i: string): string[] => [
        this.#function('pack', [i], (fn) => this.#pack(fn, down.step, this.#rows(down, i), a(down, i))),
        ...columns.map((across) => this.#function('tiles', [block.first, i], (fn) => tiles(fn, down, i, across))),
      ]
      const whole = (across: Range): string =>
        this.#function('tiles', [block.first], (fn) => loop('i_', down, (i) => tiles(fn, down, i, across)))
      lines.push(...(panelA ? loop('i_', down, through) : columns.map(whole)))
    }
    return lines
  }

  readonly #rows = (range: Range, i: string): Factor => {
    const { rowStep, columnStep } = this.#x.a
    const base = sum(times(i, rowStep), ...this.#a.origin)
    return { cells: this.#a, base, last: lastOf(range) * rowStep, across: rowStep, along: columnStep }
  }

  #columns({ range: { from, to, step }, first }: Block, range: Range, j: string): Factor {
    const { rowStep, columnStep } = this.#x.b
    const base = sum(times(first, columnStep), times(j, columnStep), ...this.#b.origin)
    const last = (lastOf({ from, to, step }) + lastOf(range)) * columnStep
    return { cells: this.#b, base, last, across: columnStep, along: rowStep }
  }

  /** The loop over k with an index for each factor; one that begins at 0 counts. */
  #overK(a: Factor, b: Factor, body: readonly string[]): string[] {
    const { k } = this.#x
    const counts = ({ base, along }: Factor): boolean => base === '0' && along > 0
    const factors = { a_: a, b_: b, p_: { base: '0', along: 1 } }
    const counter = counts(a) ? 'a_' : counts(b) ? 'b_' : 'p_'
    const others = (['a_', 'b_'] as const).filter((name) => name !== counter)
    const { along } = factors[counter]
    return [
      ...others.map((name) => `let ${name} = ${factors[name].base}`),
      `for (let ${counter} = 0; ${counter} < ${(k - 1) * along + 1}; ${counter} += ${along}) {`,
      ...body,
      ...others.map((name) => `${name} = (${name} + ${factors[name].along}) | 0`),
      '}',
    ]
  }

  #element(fn: FunctionText, { cells, across, along, last }: Factor, index: string, position: number): string {
    return cells.at(fn, index, position * across, last + (this.#x.k - 1) * along + 1)
  }

  /** Copies the rows or columns of a tile. */
  #pack(fn: FunctionText, count: number, from: Factor, to: Factor): string[] {
    const copy = (at: number): string => `${this.#element(fn, to, 'a_', at)} = ${this.#element(fn, from, 'b_', at)}`
    return [
      '{',
      ...this.#overK(
        to,
        from,
        Array.from({ length: count }, (_, at) => copy(at)),
      ),
      '}',
    ]
  }

  /** The result or an operand as a tile has it. */
  #placed({ rowStep, columnStep }: MatrixSource, cells: Cells, { range, first }: Block, t: Tile): Factor {
    return {
      cells,
      base: sum(times(t.i, rowStep), times(first, columnStep), times(t.j, columnStep), ...cells.origin),
      last: lastOf(t.down) * rowStep + (lastOf(range) + lastOf(t.across)) * columnStep,
      across: columnStep,
      along: rowStep,
    }
  }

  /** Declares where a tile begins; its elements. */
  #opened(fn: FunctionText, lines: string[], name: string, { cells, base, last, across, along }: Factor): Elements {
    const index = isNumber(base) ? base : name
    if (index !== base) lines.push(`const ${name} = ${base}`)
    return (c, r) => cells.at(fn, index, c * across + r * along, last + 1)
  }

  /** A tile of the result: its products, then what its elements become. */
  #tile(fn: FunctionText, block: Block, t: Tile, a: Factor, b: Factor): string[] {
    const { out, operands = [] } = this.#x
    const [height, width] = [t.down.step, t.across.step]
    const lines = this.#written ? [] : this.#products(fn, height, width, a, b)
    const to = this.#opened(fn, lines, 'o_', this.#placed(out, this.#out, block, t))
    const read = operands.map((operand, i) =>
      this.#opened(fn, lines, `o${i}_`, this.#placed(operand, this.#operands[i], block, t)),
    )
    const result = (c: number, r: number): string[] =>
      this.#result(to(c, r), `c${r}${c}_`, (operand) => read[operand](c, r))
    if (this.#written) lines.push(...this.#row(fn, width, a, b, result))
    else for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) lines.push(...result(c, r))
    return lines
  }

  /** A row of the result with its products written out: what it reads of `a` is in variables for all columns. */
  #row(fn: FunctionText, width: number, a: Factor, b: Factor, result: (c: number, r: number) => string[]): string[] {
    const { k } = this.#x
    const lines: string[] = []
    const x = this.#opened(fn, lines, 'a_', a)
    const y = this.#opened(fn, lines, 'b_', b)
    for (let p = 0; p < k; p++) lines.push(`const x${p}_ = ${x(0, p)}`)
    for (let c = 0; c < width; c++) {
      const products = Array.from({ length: k }, (_, p) => `x${p}_ * ${y(c, p)}`)
      lines.push(`const c0${c}_ = ${['0', ...products].join(' + ')}`, ...result(c, 0))
    }
    return lines
  }

  /** The accumulators of a tile, with the sums of its products. */
  #products(fn: FunctionText, height: number, width: number, a: Factor, b: Factor): string[] {
    const names = Array.from({ length: height }, (_, r) => Array.from({ length: width }, (_, c) => `c${r}${c}_`))
    const lines = names.flatMap((row) => `let ${row.map((name) => `${name} = 0`).join(', ')}`)
    if (this.#x.k === 0) return lines
    if (height * width > uncut) lines.push(`const never_ = ${this.#never}[0]`)
    const step = names[0].map((_, c) => `const y${c}_ = ${this.#element(fn, b, 'b_', c)}`)
    let open: string[] = []
    names.forEach((row, r) => {
      step.push(`const x${r}_ = ${this.#element(fn, a, 'a_', r)}`)
      step.push(...row.map((name, c) => `${name} += x${r}_ * y${c}_`))
      open.push(...row)
      if (height * width <= uncut || open.length + width <= part || r === height - 1) return
      step.push(`if (never_ !== 0) ${open.join(' = ')} = 0`)
      open = []
    })
    return [...lines, ...this.#overK(a, b, step)]
  }

  /** Writes an accumulator to an element of the result. */
  #result(to: string, sum: string, operand: (i: number) => string): string[] {
    const { post, a } = this.#x
    if (post === undefined) return [`${to} = ${sum}`]
    const { lines, result } = post('product_', operand)
    return ['{', `const product_ = ${roundSource[a.dtype](sum)}`, ...lines, `${to} = ${result}`, '}']
  }
}
