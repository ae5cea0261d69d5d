// Protocol buffers, written: the few kinds of fields that event files have. A field is its bytes; those with the default
// value of proto3 are none. Reading them would be a library's work, and so would a schema of one's own; writing is this.

export type Bytes = Uint8Array<ArrayBuffer>
const none: Bytes = new Uint8Array(0)

/** Byte strings one after the other: the fields of a message, in the order of their numbers. */
export function message(...parts: readonly Uint8Array[]): Bytes {
  const result = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    result.set(part, at)
    at += part.length
  }
  return result
}

/** Seven bits a byte, the lowest first; a negative number has 64 bits. */
function varint(value: number): number[] {
  const digits: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) digits.push(Number(rest & 127n) | 128)
  return [...digits, Number(rest)]
}

const VARINT = 0
const EIGHT = 1
const LENGTH = 2
const FOUR = 5
const key = (field: number, type: number): number[] => varint(field * 8 + type)

export const int = (field: number, value: number): Bytes =>
  value === 0 ? none : Uint8Array.from([...key(field, VARINT), ...varint(value)])
/** Written even if it is false, as one of several fields of which one is set. */
export const bool = (field: number, value: boolean): Bytes => Uint8Array.from([...key(field, VARINT), +value])

/** Numbers, little-endian. */
function floats(values: ArrayLike<number>, size: 4 | 8): Bytes {
  const result = new Uint8Array(values.length * size)
  const view = new DataView(result.buffer)
  for (let i = 0; i < values.length; i++) {
    if (size === 4) view.setFloat32(4 * i, values[i], true)
    else view.setFloat64(8 * i, values[i], true)
  }
  return result
}
/** Written even if it is zero, as one of several fields of which one is set. */
export const float = (field: number, value: number): Bytes =>
  message(Uint8Array.from(key(field, FOUR)), floats([value], 4))
/** Written even if it is zero. */
export const someDouble = (field: number, value: number): Bytes =>
  message(Uint8Array.from(key(field, EIGHT)), floats([value], 8))
export const double = (field: number, value: number): Bytes => (Object.is(value, 0) ? none : someDouble(field, value))

/** Bytes, or a message in a message; written even if there are none. */
export const bytes = (field: number, value: Uint8Array): Bytes =>
  message(Uint8Array.from([...key(field, LENGTH), ...varint(value.length)]), value)
/** Written even if it is empty. */
export const someText = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value))
export const text = (field: number, value: string): Bytes => (value === '' ? none : someText(field, value))
export const packedFloats = (field: number, values: ArrayLike<number>): Bytes => bytes(field, floats(values, 4))
export const packedDoubles = (field: number, values: ArrayLike<number>): Bytes =>
  values.length === 0 ? none : bytes(field, floats(values, 8))
