// Loops that planners share: over the dimensions of operands, over more iterations than one loop may have, and over
// work that several threads share.
import { type Loops, loopsOver, type Shape } from '@flambeau/core/backend'
import { type KernelWriter, literal } from '../writer.ts'

/** A list with one entry replaced. */
export const replaced = <T>(list: readonly T[], at: number, by: T): T[] => list.map((x, i) => (i === at ? by : x))

/** The index `by` elements further. */
export const further = (writer: KernelWriter, start: string | undefined, by: number): string | undefined =>
  by === 0 ? start : writer.address(start, [literal(by)], [1])

/** Loops in which some axes are never merged. */
export interface LoopsApart extends Loops {
  /** The loop of each of those axes. */
  readonly own: readonly number[]
}

/**
 * Loops over operands with these rows of strides, merged where possible except the axes `apart`, in ascending order.
 */
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

/** The maximum iterations of a loop: some drivers silently end longer ones early. */
export const mostTurns = 1024

/** Writes `body` for `count` iterations; a single one needs no loop. */
export function turns(writer: KernelWriter, count: number, body: (turn: string) => void): void {
  if (count > 1) writer.loop(count, body)
  else if (count === 1) body('0')
}

/** Writes `body` for every integer below `n`, in order, in as many nested loops as necessary. */
export function each(writer: KernelWriter, n: number, body: (index: string) => void, start = 0, outer?: string): void {
  if (n <= mostTurns) {
    turns(writer, n, (turn) => body(writer.address(further(writer, outer, start), [turn], [1])))
    return
  }
  let part = mostTurns
  while (part * mostTurns < n) part *= mostTurns
  const whole = Math.floor(n / part)
  turns(writer, whole, (turn) => each(writer, part, body, start, writer.address(outer, [turn], [part])))
  each(writer, n - whole * part, body, start + whole * part, outer)
}

/**
 * How many of the `n` elements that make each output one thread reads: all if they are few, otherwise enough that the
 * next stage has about as many.
 */
export const perThread = (n: number, outputs: number): number =>
  n <= 256 || (n <= mostTurns && outputs >= 256) ? n : Math.min(Math.ceil(Math.sqrt(n)), mostTurns)

/** Writes `body` for the elements of one part: `n` elements are cut into parts of at most `per`. */
export function eachOfPart(
  writer: KernelWriter,
  part: string,
  per: number,
  n: number,
  body: (index: string) => void,
): void {
  turns(writer, per, (turn) => {
    const index = writer.address(undefined, [part, turn], [per, 1])
    if (n % per === 0) body(index)
    else writer.when(`${index} < ${n}`, () => body(index))
  })
}
