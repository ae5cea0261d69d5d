// Plans and kernels while they are written: which textures and numbers a kernel reads, and statements that planners share,
// for loops, for coordinates in a flat index and for elements at coordinates.
import { type Instr, type Loops, loopsOver, numelOf, type Output, type Shape, type View } from '@flambeau/core/backend'
import { type Flag, lengthOf, type Plan, type Source, type Step } from '../plan.ts'

/** Elements that a kernel reads: those of an input, or the result of an earlier step. */
export interface Cells {
  readonly source: Source
  /** Elements of the texture. */
  readonly length: number
  /** The first of them, where it is not at 0. */
  readonly offset?: (instr: Instr) => number
}

/** The elements of a view among the inputs. */
export function inputCells({ inputs }: Instr, position: number): Cells {
  const view = inputs[position] as View
  const cells = { source: { input: position }, length: lengthOf(view) }
  return view.offset === 0 ? cells : { ...cells, offset: (instr) => (instr.inputs[position] as View).offset }
}

/** Elements of a texture as source. */
export interface ArrayText {
  readonly name: string
  /** Source of the index of the first element; empty for 0. */
  readonly start: string
}

/** A kernel while it is written. */
export class KernelText {
  readonly #textures: Source[] = []
  readonly #lengths: number[] = []
  readonly #numbers: ((instr: Instr) => number)[] = []
  #names = 0

  /** A name that no other variable of the kernel has. */
  name(prefix: string): string {
    return `${prefix}_${this.#names++}`
  }

  array({ source, length, offset }: Cells): ArrayText {
    const name = `t${this.#textures.length}`
    this.#textures.push(source)
    this.#lengths.push(length)
    return { name, start: offset === undefined ? '' : this.number(offset) }
  }

  /** A number that is read at every call. */
  number(value: (instr: Instr) => number): string {
    this.#numbers.push(value)
    return `n${this.#numbers.length - 1}`
  }

  /** The kernel whose elements are `result` after the statements. */
  step(length: number, lines: readonly string[], result: string): Step {
    const names = [...this.#textures.map((_, i) => `t${i}`), ...this.#numbers.map((_, i) => `n${i}`)]
    return {
      kernel: {
        source: [`function (${names.join(', ')}) {`, ...lines, `return ${result};`, '}'].join('\n'),
        length,
        textures: this.#lengths,
        numbers: this.#numbers.length,
        functions: [],
      },
      textures: this.#textures,
      numbers: this.#numbers,
    }
  }
}

/** A plan while it is written. */
export class PlanText {
  readonly #steps: Step[] = []
  readonly #flags: Flag[] = []

  /** Appends a step; what it makes, for the next. */
  add(step: Step): Cells {
    this.#steps.push(step)
    return { source: { step: this.#steps.length - 1 }, length: step.kernel.length }
  }

  /** Checks what a step of one element has made. */
  check({ source }: Cells, error: Flag['error']): void {
    this.#flags.push({ step: (source as { step: number }).step, error })
  }

  /** The plan whose output is what `make` adds last; without elements there is nothing to make. */
  made({ shape }: Output, make: () => Cells): Plan {
    const outputs = [numelOf(shape) === 0 ? undefined : (make().source as { step: number }).step]
    return { steps: this.#steps, outputs, flags: this.#flags }
  }
}

/** A list with one entry replaced. */
export const replaced = <T>(list: readonly T[], at: number, by: T): T[] => list.map((x, i) => (i === at ? by : x))

/** Terms added up. */
export const sumOf = (terms: readonly string[]): string => terms.filter((x) => x !== '').join(' + ') || '0'

const times = (coordinate: string, step: number): string =>
  step === 0 || coordinate === '0' ? '' : step === 1 ? coordinate : `${coordinate} * ${step < 0 ? `(${step})` : step}`

/** The index of the element at coordinates. */
export const indexAt = (start: string, coordinates: readonly string[], steps: readonly number[]): string =>
  sumOf([start, ...coordinates.map((x, i) => times(x, steps[i]))])

/** Below it a quotient that is some ulp off is on the right side of a whole number when half is added first. */
const halfIsEnough = 2 ** 20

/** Statements for quotient and remainder of a whole number from 0 to below `most` by a constant, in new variables. */
export function divided(
  text: KernelText,
  x: string,
  by: number,
  most: number,
): { lines: readonly string[]; quotient: string; remainder: string } {
  const quotient = text.name('q')
  const remainder = text.name('r')
  const rest = `${x} - ${quotient} * ${by}`
  if (most <= halfIsEnough) {
    const lines = [`const ${quotient} = Math.floor((${x} + 0.5) / ${by});`, `const ${remainder} = ${rest};`]
    return { lines, quotient, remainder }
  }
  const lines = [
    `let ${quotient} = Math.floor(${x} / ${by});`,
    `let ${remainder} = ${rest};`,
    `if (${remainder} < 0) { ${quotient} -= 1; ${remainder} += ${by}; }`,
    `if (${remainder} >= ${by}) { ${quotient} += 1; ${remainder} -= ${by}; }`,
  ]
  return { lines, quotient, remainder }
}

/** Statements for the coordinates of a flat index in loops of these sizes. */
export function coordinatesOf(
  text: KernelText,
  index: string,
  sizes: readonly number[],
): { lines: readonly string[]; coordinates: readonly string[] } {
  const lines: string[] = []
  const coordinates = new Array<string>(sizes.length)
  let left = index
  let most = sizes.reduce((a, b) => a * b, 1)
  for (let d = sizes.length - 1; d > 0; d--) {
    const parts = divided(text, left, sizes[d], most)
    lines.push(...parts.lines)
    coordinates[d] = parts.remainder
    left = parts.quotient
    most /= sizes[d]
  }
  if (sizes.length > 0) coordinates[0] = left
  return { lines, coordinates }
}

/** Loops in which some axes have one of their own, whatever their size. */
export interface LoopsApart extends Loops {
  /** For each of those axes its loop. */
  readonly own: readonly number[]
}

/** Loops over operands with these rows of strides, merged where they can be, but for `apart`, axes in ascending order. */
export function loopsApart(
  shape: Shape,
  strides: readonly (readonly number[])[],
  apart: readonly number[],
): LoopsApart {
  const sizes: number[] = []
  const steps: number[][] = strides.map(() => [])
  const own: number[] = []
  const append = (loops: Loops): void => {
    sizes.push(...loops.sizes)
    loops.steps.forEach((row, k) => {
      steps[k].push(...row)
    })
  }
  let from = 0
  for (const axis of [...apart, shape.length]) {
    append(
      loopsOver(
        shape.slice(from, axis),
        strides.map((row) => row.slice(from, axis)),
      ),
    )
    if (axis < shape.length) {
      own.push(sizes.length)
      append({ sizes: [shape[axis]], steps: strides.map((row) => [row[axis]]) })
    }
    from = axis + 1
  }
  return { sizes, steps, own }
}

/** The most turns of a loop: some drivers leave longer ones early, without a word. */
export const mostTurns = 1024

/** `body` for so many turns, at most `mostTurns`. */
export function loop(text: KernelText, turns: number, body: (turn: string) => readonly string[]): readonly string[] {
  if (turns <= 1) return turns === 1 ? body('0') : []
  const turn = text.name('k')
  return [`for (let ${turn} = 0; ${turn} < ${turns}; ${turn}++) {`, ...body(turn), '}']
}

/** `body` for every whole number below `n`, in order, in as many loops inside each other as it takes. */
export function each(
  text: KernelText,
  n: number,
  body: (index: string) => readonly string[],
  start = 0,
  outer = '',
): readonly string[] {
  if (n <= mostTurns) {
    return loop(text, n, (turn) => {
      const terms = sumOf([outer, start === 0 ? '' : String(start), turn === '0' ? '' : turn])
      if (terms === turn) return body(turn)
      const index = text.name('j')
      return [`const ${index} = ${terms};`, ...body(index)]
    })
  }
  let part = mostTurns
  while (part * mostTurns < n) part *= mostTurns
  const whole = Math.floor(n / part)
  return [
    ...loop(text, whole, (turn) => each(text, part, body, start, sumOf([outer, times(turn, part)]))),
    ...each(text, n - whole * part, body, start + whole * part, outer),
  ]
}

/**
 * How many of `n` elements, of which each of so many outputs is made, one thread looks at: all where they are few, else so
 * many that the next stage has about as many left.
 */
export const perThread = (n: number, outputs: number): number =>
  n <= 256 || (n <= mostTurns && outputs >= 256) ? n : Math.min(Math.ceil(Math.sqrt(n)), mostTurns)

/** Which output, and which part of what it is made of, the thread is for. */
export function partOf(
  text: KernelText,
  parts: number,
  outputs: number,
): { lines: readonly string[]; output: string; part: string } {
  if (parts === 1) return { lines: [], output: 'this.thread.x', part: '0' }
  const { lines, quotient, remainder } = divided(text, 'this.thread.x', parts, outputs * parts)
  return { lines, output: quotient, part: remainder }
}
