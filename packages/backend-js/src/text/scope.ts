// The text of one product while it is written: its constants, its functions, and the parameters that all functions have,
// because the memory of operands and the position in the batch reach every one of them.
import type { PanelUse } from '../kernels/panels.ts'
import { type Along, isAscending, isNest, type Nest } from './along.ts'
import { type ArraySource, type Cells, FunctionText, moving, subarrays } from './arrays.ts'
import { isNumber, times } from './indices.ts'

/** A matrix: element (i, j) is at start + i * rowStep + j * columnStep. */
export interface MatrixSource<Step = number> extends ArraySource {
  readonly rowStep: Step
  readonly columnStep: Step
  /** The step from one matrix to the next in each dimension of the batch. */
  readonly batch?: readonly number[]
}

/** A factor, whose steps may be nested loops. */
export type FactorSource = MatrixSource<Along>

export interface ScopeText {
  /** Constants and functions. They call `panel` (kernels/panels.ts) and `offsets` (text/along.ts). */
  readonly declarations: readonly string[]
  /** The statement that multiplies. */
  readonly call: string
}

export class Scope {
  readonly #fresh: (prefix: string) => string
  readonly #sizes: readonly number[]
  readonly #constants: string[] = []
  readonly #functions: string[] = []
  readonly #parameters: string[]
  readonly #arguments: string[]
  /** The position in each dimension of the batch. */
  readonly #batch: readonly string[]
  /** The tables of offsets, by the nested loops they are for. */
  readonly #tables = new Map<Nest, string>()

  /** `fresh` returns names that nothing else has; `parameters` exist where the product is called. */
  constructor(fresh: (prefix: string) => string, batch: readonly number[], parameters: readonly string[]) {
    this.#fresh = fresh
    this.#sizes = batch
    this.#parameters = [...parameters]
    this.#arguments = [...parameters]
    this.#batch = batch.map((_, d) => `t${d}_`)
  }

  /** The function that runs `lines` for every element of the batch, and everything it needs. */
  text(name: string, lines: readonly string[]): ScopeText {
    let body = lines
    for (let d = this.#sizes.length - 1; d >= 0; d--) {
      const t = this.#batch[d]
      body = [`for (let ${t} = 0; ${t} < ${this.#sizes[d]}; ${t}++) {`, ...body, '}']
    }
    const whole = this.#fresh(name)
    this.#functions.push(...new FunctionText().lines(whole, this.#parameters, body))
    return { declarations: [...this.#constants, ...this.#functions], call: `${whole}(${this.#arguments.join(', ')})` }
  }

  readonly constant = (prefix: string, value: string): string => {
    const name = this.#fresh(prefix)
    this.#constants.push(`const ${name} = ${value}`)
    return name
  }

  /** Declares a function whose parameters are the positions that are variables; returns its call. */
  function(prefix: string, positions: readonly string[], write: (fn: FunctionText) => readonly string[]): string {
    const fn = new FunctionText()
    const name = this.#fresh(prefix)
    const parameters = [...this.#parameters, ...this.#batch, ...positions.filter((at) => !isNumber(at))]
    const body = write(fn)
    this.#functions.push(...fn.lines(name, parameters, body))
    return `${name}(${parameters.join(', ')})`
  }

  /** The elements of a matrix, whose memory may become parameters. */
  cells(s: FactorSource): Cells {
    const { batch: steps = [], rowStep, columnStep } = s
    const origin = steps.map((step, d) => times(this.#batch[d], step))
    if (s.constant && isNumber(s.start) && [rowStep, columnStep, ...steps].every(isAscending)) {
      const span = steps.reduce((total, step, d) => total + (this.#sizes[d] - 1) * step, 0)
      return subarrays(s, origin, span, this.constant)
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
  panel(use: PanelUse, length: number): Cells {
    const array = this.constant('panel', `panel('${use}', ${length})`)
    return subarrays({ array, start: '0', dtype: 'float64', constant: true }, [], 0, this.constant)
  }

  /** The offset of a position, as source. */
  offset(fn: FunctionText, along: Along, position: string): string {
    if (!isNest(along)) return times(position, along)
    let table = this.#tables.get(along)
    if (table === undefined) {
      table = this.constant('offsets', `offsets(${JSON.stringify(along.sizes)}, ${JSON.stringify(along.steps)})`)
      this.#tables.set(along, table)
    }
    return `${fn.alias(table)}[${position}]`
  }
}
