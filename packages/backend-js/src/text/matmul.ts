// Contractions as JavaScript source, for compiled programs and for sizes that are common: a product of an m by k and a
// k by n matrix. Tiles accumulate in registers, in loops whose sizes and steps are constants. A factor whose rows,
// columns or sums are nested loops, as the windows of a convolution are, is copied to panels through tables of offsets,
// one part of its sums at a time, or once as it lies. Every element adds up its products over k in order, in double precision, and is
// rounded once, so any choice of tiles, panels and parts gives the numbers of the `contract` kernel bit for bit.
import { roundSource } from '@flambeau/core/backend'
import type { PanelUse } from '../kernels/panels.ts'
import { type Along, isAscending, isNest, isWalked, type Nest, reachOf } from './along.ts'
import { isNumber, sum, times } from './indices.ts'
import { type ArraySource, type Cells, FunctionText, lastOf, loop, moving, type Range, subarrays } from './arrays.ts'

/** A matrix: element (i, j) is at start + i * rowStep + j * columnStep. */
export interface MatrixSource<Step = number> extends ArraySource {
  readonly rowStep: Step
  readonly columnStep: Step
  /** The step from one matrix to the next in each dimension of the batch. */
  readonly batch?: readonly number[]
}

/** A factor, whose steps may be nested loops. */
export type FactorSource = MatrixSource<Along>

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

export interface MatmulText {
  /** Constants and functions. They call `panel` (kernels/panels.ts) and `offsets` (text/along.ts). */
  readonly declarations: readonly string[]
  /** The statement that multiplies. */
  readonly call: string
}

/** A product of matrices of known sizes; `fresh` returns names that nothing else has. */
export function emitMatmul(x: MatmulSource, fresh: (prefix: string) => string): MatmulText {
  return new Emission(x.m === 1 && x.n > 1 ? flipped(x) : x, fresh).text()
}

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

/** Rows of a or columns of b as a tile reads them: from `base`, with a step from one to the next and a step along k. */
interface Factor {
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

/** The place of something without sums. */
type Placed = Omit<Factor, 'count'>

/** Rows or columns in a panel: those of a tile side by side, for one k after another. */
const packed = (cells: Cells, k: number, range: Range, at: string): Factor => ({
  cells,
  base: times(at, k),
  last: isNumber(at) ? Number(at) * k : lastOf(range) * k,
  across: 1,
  along: range.step,
  count: k,
})

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
  /** Whether nested loops address a factor. */
  readonly #walks: boolean
  /** Whether rows are written out instead of tiles. */
  readonly #written: boolean
  /** Calls that copy factors, once for each element of the batch. */
  readonly #copies: string[] = []
  /** The tables of offsets, by the nested loops they are for. */
  readonly #tables = new Map<Nest, string>()

  constructor(x: MatmulSource, fresh: (prefix: string) => string) {
    this.#x = x
    this.#fresh = fresh
    const { m, k, n, a, b, out, operands = [], batch = [], parameters = [] } = x
    this.#parameters = [...parameters]
    this.#arguments = [...parameters]
    this.#batch = batch.map((_, d) => `t${d}_`)
    this.#a = this.#factorCells('first', a, m, k)
    this.#b = this.#factorCells('second', b, k, n)
    this.#out = this.#cells(out)
    this.#operands = operands.map((operand) => this.#cells(operand))
    this.#never = this.#constant('never', 'new Int32Array(1)')
    this.#walks = isWalked(a) || isWalked(b)
    this.#written = !this.#walks && k > 0 && k <= fewProducts && n > mostColumns && k * n <= mostWritten
  }

  text(): MatmulText {
    const { m, k, n, batch = [] } = this.#x
    const empty = m === 0 || batch.includes(0)
    const parts = this.#walks && k > mostProducts ? cut(k, mostProducts) : [{ from: 0, to: k, step: k }]
    const blocks = empty ? [] : cut(n, Math.max(mostColumns, Math.floor(mostInPanel / Math.max(parts[0].step, 1))))
    let lines = blocks.flatMap((range) => loop('first_', range, (first) => this.#columnsFrom(range, first, parts)))
    if (!empty) lines.unshift(...this.#copies)
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

  /** Declares a function whose parameters are the positions that are variables; returns its call. */
  #function(prefix: string, positions: readonly string[], write: (fn: FunctionText) => readonly string[]): string {
    const fn = new FunctionText()
    const name = this.#fresh(prefix)
    const parameters = [...this.#parameters, ...this.#batch, ...positions.filter((at) => !isNumber(at))]
    const body = write(fn)
    this.#functions.push(...fn.lines(name, parameters, body))
    return `${name}(${parameters.join(', ')})`
  }

  /**
   * A factor, or its copy in doubles where nested loops read an element often: windows overlap. A copy is a constant whose
   * elements need no conversion.
   */
  #factorCells(use: PanelUse, s: FactorSource, rows: number, columns: number): Cells {
    const cells = this.#cells(s)
    const length = reachOf(s.rowStep, rows) + reachOf(s.columnStep, columns) + 1
    const isOften = rows * columns >= readsOfCopy * length && length <= mostInPanel
    if (!isWalked(s) || !isOften || !isAscending(s.rowStep) || !isAscending(s.columnStep)) return cells
    const copy = this.#panel(use, length)
    const copies = (fn: FunctionText): string[] =>
      loop('i_', { from: 0, to: length, step: 1 }, (i) => {
        const from = cells.at(fn, sum(...cells.origin, i), 0, length)
        return [`${copy.at(fn, i, 0, length)} = ${from}`]
      })
    this.#copies.push(this.#function('copy', [], copies))
    return copy
  }

  #cells(s: FactorSource): Cells {
    const { batch: sizes = [] } = this.#x
    const { batch: steps = [], rowStep, columnStep } = s
    const origin = steps.map((step, d) => times(this.#batch[d], step))
    if (s.constant && isNumber(s.start) && [rowStep, columnStep, ...steps].every(isAscending)) {
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

  /** Doubles that nothing else uses while the product runs. */
  #panel(use: PanelUse, length: number): Cells {
    const array = this.#constant('panel', `panel('${use}', ${length})`)
    return subarrays({ array, start: '0', dtype: 'float64', constant: true }, [], 0, this.#constant)
  }

  /** Statements for the columns from `first` on. */
  #columnsFrom(range: Range, first: string, parts: readonly Range[]): string[] {
    const whole = { range, first, products: parts[0], product: '0' }
    if (parts[0].step === this.#x.k) return this.#block(whole)
    const sums = this.#panel('sums', this.#x.m * range.step)
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
    return this.#function('finish', [block.first], (fn) =>
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
    const panelA = packsA ? this.#panel('rows', rows[0].step * k) : undefined
    const panelB = packsB ? this.#panel('columns', block.range.step * k) : undefined
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
      const pack = (fn: FunctionText, range: Range): string[] =>
        loop('j_', range, (j) => this.#pack(fn, range.step, this.#columns(block, range, j), b(range, j)))
      lines.push(this.#function('pack', [first, product], (fn) => columns.flatMap((range) => pack(fn, range))))
    }
    for (const down of rows) {
      const through = (i: string): string[] => [
        this.#function('pack', [product, i], (fn) => this.#pack(fn, down.step, this.#rows(block, down, i), a(down, i))),
        ...columns.map((across) => this.#function('tiles', [first, product, i], (fn) => tiles(fn, down, i, across))),
      ]
      const whole = (across: Range): string =>
        this.#function('tiles', [first, product], (fn) => loop('i_', down, (i) => tiles(fn, down, i, across)))
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

  /** The loop over k, with an index per factor. A factor that begins at 0 uses the loop counter. */
  #overK(a: Factor, b: Factor, body: readonly string[]): string[] {
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

  #element(fn: FunctionText, factor: Factor, index: string, position: number): string {
    const { cells, across, along, last, count, walk } = factor
    if (walk) return cells.at(fn, sum(`f${position}${index}`, `t${index}`), 0, last + 1)
    return cells.at(fn, index, position * across, last + (count - 1) * along + 1)
  }

  /** Declares the offsets of rows or columns that nested loops address. */
  #begin(fn: FunctionText, { cells, walk }: Factor, index: string, size: number): string[] {
    if (!walk) return []
    const offset = (at: number): string => this.#offset(fn, walk.across, sum(walk.first, String(at)))
    return Array.from({ length: size }, (_, at) => `const f${at}${index} = ${sum(...cells.origin, offset(at))}`)
  }

  /** Declares the offset along k, which all of them share. */
  #go(fn: FunctionText, { walk }: Factor, index: string): string[] {
    return walk ? [`const t${index} = ${this.#offset(fn, walk.along, index)}`] : []
  }

  /** Copies the rows or columns of a tile. */
  #pack(fn: FunctionText, size: number, from: Factor, to: Factor): string[] {
    const copies = Array.from(
      { length: size },
      (_, at) => `${this.#element(fn, to, 'a_', at)} = ${this.#element(fn, from, 'b_', at)}`,
    )
    const step = [...this.#go(fn, from, 'b_'), ...copies]
    return ['{', ...this.#begin(fn, from, 'b_', size), ...this.#overK(to, from, step), '}']
  }

  /** The offset of a position, as source. */
  #offset(fn: FunctionText, along: Along, position: string): string {
    if (!isNest(along)) return times(position, along)
    let table = this.#tables.get(along)
    if (table === undefined) {
      table = this.#constant('offsets', `offsets([${along.sizes}], [${along.steps}])`)
      this.#tables.set(along, table)
    }
    return `${fn.alias(table)}[${position}]`
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
    lines.push(...this.#begin(fn, a, 'a_', height), ...this.#begin(fn, b, 'b_', width))
    const step = [...this.#go(fn, a, 'a_'), ...this.#go(fn, b, 'b_')]
    step.push(...names[0].map((_, c) => `const y${c}_ = ${this.#element(fn, b, 'b_', c)}`))
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
