// Words on their way to the host (native/src/STREAM.md): where they are written, and the parts that every instruction
// has.
import {
  type DType,
  type HostBuffer,
  hostOf,
  rankOf,
  type Scalar,
  type Slab,
  type Spec,
  type View,
} from '@flambeau/core/backend'

/** Where words are written: a batch that runs soon, or a program. */
export interface Writer {
  readonly words: Int32Array
  at: number
  /** Makes room for words, and for the rows and numbers of operands. */
  reserve(words: number, operands: number): void
  /** The row of a slab. */
  row(slab: Slab): number
  /** The reference of a number. */
  number(x: Scalar, dtype: DType): number
  /** Memory that lives until the words have run. */
  scratch(spec: Spec): HostBuffer
}

export const none: readonly number[] = []
export const one: readonly number[] = [1]

/** The element count of memory that stands for other memory in each run, whose own count is checked then. */
export const anyLength = 2 ** 31 - 1

/** Words for the place of an operand, and for its place and dtype. */
export const placeWords = 4
export const operandWords = 5

/**
 * Writes the head of an instruction and returns its start. `most` is the limit of its words, `operands` that of its
 * operands.
 */
export function begin(w: Writer, opcode: number, tag: number, most: number, operands: number): number {
  w.reserve(most, operands)
  const start = w.at
  w.words[start] = opcode
  w.words[start + 2] = tag
  w.at = start + 3
  return start
}

export function end(w: Writer, start: number): void {
  w.words[start + 1] = w.at - start
}

export function put(w: Writer, list: ArrayLike<number>): void {
  const { words } = w
  let at = w.at
  for (let i = 0; i < list.length; i++) words[at++] = list[i]
  w.at = at
}

/** An operand that is not in memory. */
export function noMemory(w: Writer, ref: number, dtype: DType): void {
  const { words, at } = w
  words[at] = ref
  words[at + 1] = 0
  words[at + 2] = 0
  words[at + 3] = 0
  words[at + 4] = rankOf(dtype)
  w.at = at + operandWords
}

export function memory(w: Writer, buffer: HostBuffer, dtype: DType, offset: number, steps: ArrayLike<number>): void {
  const { words, at } = w
  words[at] = w.row(buffer.slab)
  words[at + 1] = buffer.start
  words[at + 2] = buffer.length
  words[at + 3] = offset
  words[at + 4] = rankOf(dtype)
  w.at = at + operandWords
  put(w, steps)
}

export const view = (w: Writer, x: View, steps: ArrayLike<number>): void =>
  memory(w, hostOf(x), x.dtype, x.offset, steps)

export function numeral(w: Writer, x: Scalar, dtype: DType, depth: number): void {
  noMemory(w, w.number(x, dtype), dtype)
  for (let i = 0; i < depth; i++) w.words[w.at++] = 0
}
