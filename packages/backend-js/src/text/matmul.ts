// Contractions as JavaScript source, for compiled programs and for sizes that are common: a product of an m by k and a
// k by n matrix. Tiles accumulate in registers, in loops whose sizes and steps are constants. A factor whose rows,
// columns or sums are nested loops, as the windows of a convolution are, is read through tables of offsets: into panels,
// one part of its sums at a time, or, if few tiles need it, where it is. Every element adds up its products over k in
// order, in double precision, and is rounded once, so any choice of tiles, panels and parts gives the numbers of the
// `contract` kernel bit for bit.
import { roundSource } from '@flambeau/core/backend'
import type { PanelUse } from '../kernels/panels.ts'
import { type Along, isAscending, isNest, isWalked, reachOf } from './along.ts'
import { type Cells, type FunctionText, lastOf, loop, type Range } from './arrays.ts'
import { begin, elementOf, type Factor, go, overK, pack, packed } from './factors.ts'
import { isNumber, sum, times } from './indices.ts'
import { type FactorSource, type MatrixSource, Scope, type ScopeText } from './scope.ts'

export interface MatmulSource {
  readonly m: number
  readonly k: number
  readonly n: number
  readonly a: FactorSource
  readonly b: FactorSource
  readonly out: MatrixSource
  /** The sizes of the batch, outermost first. */
  readonly batch?: readonly number[]
  /**
   * The epilogue of one element: its statements and its result, given the source of the product, rounded to the
   * factors’ dtype, and of the operands’ elements. The epilogue must not use names that end in an underscore.
   */
  readonly post?: (
    product: string,
    operand: (i: number) => string,
  ) => { readonly lines: readonly string[]; readonly result: string }
  /** The operands that the epilogue reads at the position of the element, each m by n. */
  readonly operands?: readonly MatrixSource[]
  /** Variables that the epilogue reads and that exist where the product is called. */
  readonly parameters?: readonly string[]
}

/** A product of matrices of known sizes; `fresh` returns names that nothing else has. */
export function emitMatmul(x: MatmulSource, fresh: (prefix: string) => string): ScopeText {
  if (x.m * x.n === 0 || x.batch?.includes(0)) return { declarations: [], call: '' }
  const read = x.k === 0 ? unread(x) : x
  return new Emission(read.m === 1 && read.n > 1 ? flipped(read) : read, fresh).text()
}

/** Factors of empty sums may have no elements for their steps to reach. */
const unread = ({ a, b, ...x }: MatmulSource): MatmulSource => ({
  ...x,
  a: { ...a, constant: false },
  b: { ...b, constant: false },
})

/** The transposed product, which turns a single row into a single column. */
function flipped({ m, n, a, b, out, operands, ...x }: MatmulSource): MatmulSource {
  const swapped = <S>(s: MatrixSource<S>): MatrixSource<S> => ({ ...s, rowStep: s.columnStep, columnStep: s.rowStep })
  return { ...x, m: n, n: m, a: swapped(b), b: swapped(a), out: swapped(out), operands: operands?.map(swapped) }
}

// ---- sizes, as measured ----

/**
 * The most columns of a tile, and the most rows for one, two and three columns: V8 has sixteen floating-point
 * registers.
 */
const mostColumns = 3
const mostRows = [6, 4, 3]
/**
 * V8 schedules all products of a block before all additions, which takes too many registers if there are more than six
 * accumulators. A branch that is never taken cuts larger tiles into parts of at most four products.
 */
const uncut = 6
const part = 4
/**
 * Rows are written out, without tiles, if each element has at most this many products: tiles would read `a` again and
 * again, and a loop over k would cost more than it saves. `mostWritten` limits the products of a whole row.
 */
const fewProducts = 5
const mostWritten = 80
/** A panel of doubles is faster than the arrays if at least this many tiles read the same rows or columns. */
const readsOfRows = 4
const readsOfColumns = 8
/** The same for rows or columns that nested loops address. */
const readsOfWalked = 4
/** A factor is copied if its elements are read at least this often. */
const readsOfCopy = 4
/** Doubles in a panel of columns: a MiB, which the second cache holds. */
export const mostInPanel = 1 << 17
/** Products in a part of the sums, so that the panels of a tile stay in the first cache. */
export const mostProducts = 1024

/** Divides a size into steps of at most `most`, as even as possible, the larger ones first. */
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

/** The elements of a tile, by column and row. */
type Elements = (c: number, r: number) => string

/** The rows from i and the columns from j on, which are positions in ranges. */
interface Tile {
  readonly down: Range
  readonly i: string
  readonly across: Range
  readonly j: string
}

/**
 * The part of the result that is computed together: the columns from `first` on, a position in `range`, and of their
 * sums the products from `product` on, a position in `products`.
 */
interface Block {
  readonly range: Range
  readonly first: string
  readonly products: Range
  readonly product: string
  /** Where partial sums are kept between parts: row-major, with the columns of the block. */
  readonly sums?: Cells
}

/** A block whose result is still partial sums. */
type KeptBlock = Block & { readonly sums: Cells }
const isKept = (block: Block): block is KeptBlock => block.sums !== undefined

/** The place of something without sums. */
type Placed = Omit<Factor, 'count'>

class Emission {
  readonly #x: MatmulSource
  readonly #scope: Scope
  readonly #a: Cells
  readonly #b: Cells
  readonly #out: Cells
  readonly #operands: readonly Cells[]
  readonly #never: string
  /** Whether nested loops address a factor. */
  readonly #walks: boolean
  /** Whether rows are written out instead of tiles. */
  readonly #written: boolean
  /** Calls that copy factors, once for each element of the batch. */
  readonly #copies: string[] = []

  constructor(x: MatmulSource, fresh: (prefix: string) => string) {
    this.#x = x
    const { m, k, n, a, b, out, operands = [], batch = [], parameters = [] } = x
    this.#scope = new Scope(fresh, batch, parameters)
    this.#a = this.#factorCells('first', a, m, k)
    this.#b = this.#factorCells('second', b, k, n)
    this.#out = this.#scope.cells(out)
    this.#operands = operands.map((operand) => this.#scope.cells(operand))
    this.#never = this.#scope.constant('never', 'new Int32Array(1)')
    this.#walks = isWalked(a) || isWalked(b)
    this.#written = !this.#walks && k > 0 && k <= fewProducts && n > mostColumns && k * n <= mostWritten
  }

  text(): ScopeText {
    const { m, k, n, batch = [] } = this.#x
    const empty = m === 0 || batch.includes(0)
    const parts = this.#walks && k > mostProducts ? cut(k, mostProducts) : [{ from: 0, to: k, step: k }]
    const blocks = empty ? [] : cut(n, Math.max(mostColumns, Math.floor(mostInPanel / Math.max(parts[0].step, 1))))
    const lines = blocks.flatMap((range) => loop('first_', range, (first) => this.#columnsFrom(range, first, parts)))
    return this.#scope.text('matmul', empty ? [] : [...this.#copies, ...lines])
  }

  /**
   * The elements of a factor. If nested loops read each of them often, because windows overlap, they are copied first: the
   * copy is a constant, and its elements are doubles.
   */
  #factorCells(use: PanelUse, s: FactorSource, rows: number, columns: number): Cells {
    const cells = this.#scope.cells(s)
    const length = reachOf(s.rowStep, rows) + reachOf(s.columnStep, columns) + 1
    const isOften = rows * columns >= readsOfCopy * length && length <= mostInPanel
    if (!isWalked(s) || !isOften || !isAscending(s.rowStep) || !isAscending(s.columnStep)) return cells
    const copy = this.#scope.panel(use, length)
    const copies = (fn: FunctionText): string[] =>
      loop('i_', { from: 0, to: length, step: 1 }, (i) => {
        const from = cells.at(fn, sum(...cells.origin, i), 0, length)
        return [`${copy.at(fn, i, 0, length)} = ${from}`]
      })
    this.#copies.push(this.#scope.function('copy', [], copies))
    return copy
  }

  /** Statements for the columns from `first` on. */
  #columnsFrom(range: Range, first: string, parts: readonly Range[]): string[] {
    const whole = { range, first, products: parts[0], product: '0' }
    if (parts[0].step === this.#x.k) return this.#block(whole)
    const sums = this.#scope.panel('sums', this.#x.m * range.step)
    const part = (products: Range): string[] =>
      loop('product_', products, (product) => this.#block({ range, first, products, product, sums }))
    return [...parts.flatMap(part), this.#finish({ ...whole, sums })]
  }

  /** Computes the elements of a block from its kept sums. */
  #finish(block: KeptBlock): string {
    const down = { from: 0, to: this.#x.m, step: 1 }
    const across = { from: 0, to: block.range.step, step: 1 }
    const element = (fn: FunctionText, i: string, j: string): string[] => {
      const tile = { down, i, across, j }
      const lines: string[] = []
      const sums = this.#opened(fn, lines, 's_', this.#kept(block, tile))
      const result = this.#results(fn, lines, block, tile)
      return [...lines, ...result(0, 0, sums(0, 0))]
    }
    return this.#scope.function('finish', [block.first], (fn) =>
      loop('i_', down, (i) => loop('j_', across, (j) => element(fn, i, j))),
    )
  }

  /** Statements for all rows of a block. Large bodies become functions of their own. */
  #block(block: Block): string[] {
    const { m, n } = this.#x
    const { first, product } = block
    const k = block.products.step
    const columns = cut(block.range.step, this.#written ? n : mostColumns)
    const rows = cut(m, this.#written ? 1 : mostRows[Math.min(n, mostColumns) - 1])
    const [walkA, walkB] = [this.#x.a, this.#x.b].map(isWalked)
    const packsA = k > 0 && tilesIn(columns) >= (walkA ? readsOfWalked : readsOfRows)
    const packsB = k > 0 && n > 1 && tilesIn(rows) >= (walkB ? readsOfWalked : readsOfColumns)
    const panelA = packsA ? this.#scope.panel('rows', rows[0].step * k) : undefined
    const panelB = packsB ? this.#scope.panel('columns', block.range.step * k) : undefined
    const a = panelA
      ? (range: Range): Factor => packed(panelA, k, range, '0')
      : (range: Range, i: string): Factor => this.#rows(block, range, i)
    const b = panelB
      ? (range: Range, j: string): Factor => packed(panelB, k, range, j)
      : (range: Range, j: string): Factor => this.#columns(block, range, j)
    const tile = (fn: FunctionText, down: Range, i: string, across: Range, j: string): string[] =>
      this.#tile(fn, block, { down, i, across, j }, a(down, i), b(across, j))
    const tiles = (fn: FunctionText, down: Range, i: string, across: Range): string[] =>
      loop('j_', across, (j) => tile(fn, down, i, across, j))
    const lines: string[] = []
    if (panelB) {
      const columnsOf = (fn: FunctionText, range: Range): string[] =>
        loop('j_', range, (j) => pack(this.#scope, fn, range.step, this.#columns(block, range, j), b(range, j)))
      lines.push(
        this.#scope.function('pack', [first, product], (fn) => columns.flatMap((range) => columnsOf(fn, range))),
      )
    }
    for (const down of rows) {
      const through = (i: string): string[] => [
        this.#scope.function('pack', [product, i], (fn) =>
          pack(this.#scope, fn, down.step, this.#rows(block, down, i), a(down, i)),
        ),
        ...columns.map((across) =>
          this.#scope.function('tiles', [first, product, i], (fn) => tiles(fn, down, i, across)),
        ),
      ]
      const whole = (across: Range): string =>
        this.#scope.function('tiles', [first, product], (fn) => loop('i_', down, (i) => tiles(fn, down, i, across)))
      lines.push(...(panelA ? loop('i_', down, through) : columns.map(whole)))
    }
    return lines
  }

  #rows(block: Block, range: Range, i: string): Factor {
    const { m, a } = this.#x
    return this.#factor(block, this.#a, a.rowStep, a.columnStep, m, [i], lastOf(range))
  }

  #columns(block: Block, range: Range, j: string): Factor {
    const { n, b } = this.#x
    return this.#factor(
      block,
      this.#b,
      b.columnStep,
      b.rowStep,
      n,
      [block.first, j],
      lastOf(block.range) + lastOf(range),
    )
  }

  /** Rows of a or columns of b, `size` in total, from the sum of `first` on, which is at most `last`. */
  #factor(
    { products, product }: Block,
    cells: Cells,
    across: Along,
    along: Along,
    size: number,
    first: readonly string[],
    last: number,
  ): Factor {
    const count = products.step
    if (isNest(across) || isNest(along)) {
      const reach = reachOf(across, size) + reachOf(along, this.#x.k)
      return {
        cells,
        base: product,
        last: reach,
        across: 0,
        along: 1,
        count,
        walk: { first: sum(...first), across, along },
      }
    }
    const base = sum(...first.map((at) => times(at, across)), times(product, along), ...cells.origin)
    return { cells, base, last: last * across + lastOf(products) * along, across, along, count }
  }

  /** The kept sums of a tile. */
  #kept({ range, sums }: KeptBlock, { down, i, across, j }: Tile): Placed {
    const rowStep = range.step
    const last = lastOf(down) * rowStep + lastOf(across)
    return { cells: sums, base: sum(times(i, rowStep), j), last, across: 1, along: rowStep }
  }

  /** The elements of the result or an operand that belong to a tile. */
  #placed({ rowStep, columnStep }: MatrixSource, cells: Cells, { range, first }: Block, t: Tile): Placed {
    return {
      cells,
      base: sum(times(t.i, rowStep), times(first, columnStep), times(t.j, columnStep), ...cells.origin),
      last: lastOf(t.down) * rowStep + (lastOf(range) + lastOf(t.across)) * columnStep,
      across: columnStep,
      along: rowStep,
    }
  }

  /** Declares where a tile begins; returns its elements. */
  #opened(fn: FunctionText, lines: string[], name: string, { cells, base, last, across, along }: Placed): Elements {
    const index = isNumber(base) ? base : name
    if (index !== base) lines.push(`const ${name} = ${base}`)
    return (c, r) => cells.at(fn, index, c * across + r * along, last + 1)
  }

  /** A tile of the result: its products, then its finished elements or partial sums. */
  #tile(fn: FunctionText, block: Block, t: Tile, a: Factor, b: Factor): string[] {
    const [height, width] = [t.down.step, t.across.step]
    const lines: string[] = []
    const each = (element: (c: number, r: number) => readonly string[]): void => {
      for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) lines.push(...element(c, r))
    }
    if (isKept(block)) {
      const sums = this.#opened(fn, lines, 's_', this.#kept(block, t))
      lines.push(...this.#products(fn, height, width, a, b, this.#more(block, height, width, sums)))
      each((c, r) => [`${sums(c, r)} = c${r}${c}_`])
      return lines
    }
    if (!this.#written) lines.push(...this.#products(fn, height, width, a, b))
    const results = this.#results(fn, lines, block, t)
    const result = (c: number, r: number): string[] => results(c, r, `c${r}${c}_`)
    if (this.#written) lines.push(...this.#row(fn, width, a, b, result))
    else each(result)
    return lines
  }

  /** Declares where a tile’s results and operands are; returns the statements that finish an element from its sum. */
  #results(fn: FunctionText, lines: string[], block: Block, t: Tile): (c: number, r: number, sum: string) => string[] {
    const { out, operands = [] } = this.#x
    const to = this.#opened(fn, lines, 'o_', this.#placed(out, this.#out, block, t))
    const read = operands.map((operand, i) =>
      this.#opened(fn, lines, `o${i}_`, this.#placed(operand, this.#operands[i], block, t)),
    )
    return (c, r, sum) => this.#result(to(c, r), sum, (operand) => read[operand](c, r))
  }

  /** A row of the result with its products written out. The elements of `a` are in variables for all columns. */
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

  /**
   * Continues the accumulators from the kept sums, except in the first part. V8 keeps them in registers only if they
   * may also be 0, so the condition is there even where its value is known.
   */
  #more({ product }: KeptBlock, height: number, width: number, sums: Elements): string[] {
    if (product === '0') return []
    const lines = [`if (${isNumber(product) ? `${this.#never}[0] === 0` : `${product} !== 0`}) {`]
    for (let r = 0; r < height; r++) for (let c = 0; c < width; c++) lines.push(`c${r}${c}_ = ${sums(c, r)}`)
    return [...lines, '}']
  }

  /** Declares the accumulators of a tile and adds up their products. */
  #products(fn: FunctionText, height: number, width: number, a: Factor, b: Factor, more: string[] = []): string[] {
    const names = Array.from({ length: height }, (_, r) => Array.from({ length: width }, (_, c) => `c${r}${c}_`))
    const lines = names.map((row) => `let ${row.map((name) => `${name} = 0`).join(', ')}`)
    lines.push(...more)
    if (this.#x.k === 0) return lines
    if (height * width > uncut) lines.push(`const never_ = ${this.#never}[0]`)
    lines.push(...begin(this.#scope, fn, a, 'a_', height), ...begin(this.#scope, fn, b, 'b_', width))
    const step = [...go(this.#scope, fn, a, 'a_'), ...go(this.#scope, fn, b, 'b_')]
    step.push(...names[0].map((_, c) => `const y${c}_ = ${elementOf(fn, b, 'b_', c)}`))
    let open: string[] = []
    names.forEach((row, r) => {
      step.push(`const x${r}_ = ${elementOf(fn, a, 'a_', r)}`)
      step.push(...row.map((name, c) => `${name} += x${r}_ * y${c}_`))
      open.push(...row)
      if (height * width <= uncut || open.length + width <= part || r === height - 1) return
      step.push(`if (never_ !== 0) ${open.join(' = ')} = 0`)
      open = []
    })
    return [...lines, ...overK(a, b, step)]
  }

  /** Writes an accumulator to an element of the result. */
  #result(to: string, sum: string, operand: (i: number) => string): string[] {
    const { post, a } = this.#x
    if (post === undefined) return [`${to} = ${sum}`]
    const { lines, result } = post('product_', operand)
    return ['{', `const product_ = ${roundSource[a.dtype](sum)}`, ...lines, `${to} = ${result}`, '}']
  }
}
