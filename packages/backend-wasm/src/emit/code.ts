// The instructions of WebAssembly as functions from the code of their operands to the code of their result. Code is a
// nested list of bytes that leaves one value on the stack, so that expressions nest as they are written.

export type Code = number | readonly Code[]

export function bytesOf(code: Code, to: number[] = []): number[] {
  if (typeof code === 'number') to.push(code)
  else for (const part of code) bytesOf(part, to)
  return to
}

/** LEB128 of an unsigned number of up to 32 bits. */
export function unsigned(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  bytes.push(rest)
  return bytes
}

/** LEB128 of a signed number of 32 bits. */
export function signed(value: number): readonly number[] {
  const bytes: number[] = []
  let rest = value | 0
  for (; rest < -64 || rest > 63; rest >>= 7) bytes.push((rest & 127) | 128)
  bytes.push(rest & 127)
  return bytes
}

type Unary = (a: Code) => Code
type Binary = (a: Code, b: Code) => Code
type Ternary = (a: Code, b: Code, c: Code) => Code
const op1 =
  (...bytes: number[]): Unary =>
  (a) => [a, bytes]
const op2 =
  (...bytes: number[]): Binary =>
  (a, b) => [a, b, bytes]
/** An instruction of the SIMD prefix. */
const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)]
const v1 = (opcode: number): Unary => op1(...simd(opcode))
const v2 = (opcode: number): Binary => op2(...simd(opcode))
const v3 = (opcode: number): Ternary => {
  const bytes = simd(opcode)
  return (a, b, c) => [a, b, c, bytes]
}
/** A memory access: the address is i32, the offset a constant. */
const access =
  (bytes: readonly number[], align: number) =>
  (address: Code, offset = 0): Code => [address, bytes, align, unsigned(offset)]
const laneAccess =
  (opcode: number, align: number) =>
  (address: Code, vector: Code, lane: number, offset = 0): Code => [
    address,
    vector,
    simd(opcode),
    align,
    unsigned(offset),
    lane,
  ]

const floatBytes = new Float32Array(1)
const doubleBytes = new Float64Array(1)
const bytesOfFloat = (value: number): number[] => {
  floatBytes[0] = value
  return [...new Uint8Array(floatBytes.buffer)]
}
const bytesOfDouble = (value: number): number[] => {
  doubleBytes[0] = value
  return [...new Uint8Array(doubleBytes.buffer)]
}

// Whole numbers, addresses and single floats.
export const int = (value: number): Code => [0x41, signed(value)]
export const double = (value: number): Code => [0x44, bytesOfDouble(value)]
export const loadInt = access([0x28], 2)
export const loadByte = access([0x2d], 0)
export const loadDouble = access([0x2b], 3)
export const addInt = op2(0x6a)
export const subInt = op2(0x6b)
export const mulInt = op2(0x6c)
export const remainderInt = op2(0x70)
export const andInt = op2(0x71)
export const orInt = op2(0x72)
export const xorInt = op2(0x73)
export const shiftRightInt = op2(0x76)
export const lessInt = op2(0x49)
export const lessSigned = op2(0x48)
export const isZero = op1(0x45)
export const equalDouble = op2(0x61)
export const floorDouble = op1(0x9c)
export const truncDouble = op1(0x9d)
export const subDouble = op2(0xa1)
export const mulDouble = op2(0xa2)
export const demote = op1(0xb6)
export const promote = op1(0xbb)
export const wrap = op1(0xa7)
export const single = (value: number): Code => [0x43, bytesOfFloat(value)]
export const lessFloat = op2(0x5d)
export const absFloat = op1(0x8b)
/** To int64, saturating; NaN becomes 0. */
export const truncateFloat = op1(0xfc, 4)
export const truncateDouble = op1(0xfc, 6)
/** `a` if the i32 is not 0, otherwise `b`; for single numbers of any type. */
export const choose = (a: Code, b: Code, condition: Code): Code => [a, b, condition, 0x1b]
/** Copies bytes, as if all were read before any is written. */
export const copy = (to: Code, from: Code, bytes: Code): Code => [to, from, bytes, 0xfc, 10, 0, 0]
export const globalOf = (index: number): Code => [0x23, unsigned(index)]
export const setGlobal = (index: number, value: Code): Code => [value, 0x24, unsigned(index)]
export const call = (index: number, ...args: readonly Code[]): Code => [args, 0x10, unsigned(index)]
export const ifThen = (condition: Code, then: Code): Code => [condition, 0x04, 0x40, then, 0x0b]
export const ifElse = (condition: Code, then: Code, otherwise: Code): Code => [
  condition,
  0x04,
  0x40,
  then,
  0x05,
  otherwise,
  0x0b,
]
export const returned = (value: Code): Code => [value, 0x0f]
/** Ends a function without results. */
export const leave: Code = [0x0f]

// Vectors: memory and lanes.
export const load = access(simd(0x00), 0)
export const loadSplat = access(simd(0x09), 0)
export const loadByteSplat = access(simd(0x07), 0)
/** Four bytes, then zeros. */
export const loadFour = access(simd(0x5c), 0)
export const store = (address: Code, value: Code, offset = 0): Code => [address, value, simd(0x0b), 0, unsigned(offset)]
/** Loads a 4-byte element into a lane of a vector. */
export const loadLane = laneAccess(0x56, 0)
export const loadByteLane = laneAccess(0x54, 0)
export const storeLane = laneAccess(0x5a, 0)
export const storeByteLane = laneAccess(0x58, 0)
export const splatInts = v1(0x11)
export const splatFloats = v1(0x13)
export const splatDoubles = v1(0x14)
export const intOf = (a: Code, lane: number): Code => [a, simd(0x1b), lane]
export const withFloat = (a: Code, value: Code, lane: number): Code => [a, value, simd(0x20), lane]
export const floatOf = (a: Code, lane: number): Code => [a, simd(0x1f), lane]
export const withInt = (a: Code, value: Code, lane: number): Code => [a, value, simd(0x1c), lane]
/** Lanes of four bytes: 0 to 3 are those of a, 4 to 7 those of b. */
export const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [
  a,
  b,
  simd(0x0d),
  lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
]
/** The lowest byte of each lane, side by side; the rest is of no use. */
export const lowBytes = (a: Code): Code => [a, a, simd(0x0d), [0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12, 0, 4, 8, 12]]
/** The first four bytes as lanes. */
export const fromBytes = (a: Code): Code => [a, simd(0x89), simd(0xa9)]

const bytesOfInt = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >> shift) & 255)
const four = (bytes: readonly number[]): number[] => [...bytes, ...bytes, ...bytes, ...bytes]
/** The same number in every lane. */
export const floats = (value: number): Code => [simd(0x0c), four(bytesOfFloat(value))]
export const ints = (value: number): Code => [simd(0x0c), four(bytesOfInt(value))]
export const doubles = (value: number): Code => [simd(0x0c), bytesOfDouble(value), bytesOfDouble(value)]
/** The same int64 in both lanes, from its halves. */
export const longs = (high: number, low: number): Code => {
  const bytes = [...bytesOfInt(low), ...bytesOfInt(high)]
  return [simd(0x0c), bytes, bytes]
}

// Bits.
export const not = v1(0x4d)
export const and = v2(0x4e)
/** The bits of a that are not in b. */
export const without = v2(0x4f)
export const or = v2(0x50)
export const xor = v2(0x51)
/** Bits of a where those of the mask are set, otherwise of b. */
export const select = (mask: Code, a: Code, b: Code): Code => v3(0x52)(a, b, mask)
export const anyTrue = v1(0x53)

// Lanes of int32.
export const eqInts = v2(0x37)
export const neInts = v2(0x38)
export const ltInts = v2(0x39)
export const gtInts = v2(0x3b)
export const leInts = v2(0x3d)
export const geInts = v2(0x3f)
export const absInts = v1(0xa0)
export const negInts = v1(0xa1)
export const shiftLeft = (a: Code, bits: number): Code => v2(0xab)(a, int(bits))
export const shiftRight = (a: Code, bits: number): Code => v2(0xac)(a, int(bits))
export const addInts = v2(0xae)
export const subInts = v2(0xb1)
export const mulInts = v2(0xb5)
export const minInts = v2(0xb6)
export const maxInts = v2(0xb8)

// Lanes of float32.
export const eq = v2(0x41)
export const ne = v2(0x42)
export const lt = v2(0x43)
export const gt = v2(0x44)
export const le = v2(0x45)
export const ge = v2(0x46)
export const ceil = v1(0x67)
export const floor = v1(0x68)
export const trunc = v1(0x69)
export const nearest = v1(0x6a)
export const abs = v1(0xe0)
export const neg = v1(0xe1)
export const sqrt = v1(0xe3)
export const add = v2(0xe4)
export const sub = v2(0xe5)
export const mul = v2(0xe6)
export const div = v2(0xe7)
/** NaN wins; of two zeros the negative one is smaller. */
export const min = v2(0xe8)
export const max = v2(0xe9)
/** `b` if it is larger, otherwise `a`: a NaN in `a` stays, one in `b` is lost. */
export const largerOf = v2(0xeb)
export const smallerOf = v2(0xea)
export const toInts = v1(0xf8)
export const toFloats = v1(0xfa)

// Lanes of float64: two.
export const eqDoubles = v2(0x47)
export const ltDoubles = v2(0x49)
export const gtDoubles = v2(0x4a)
export const addDoubles = v2(0xf0)
export const subDoubles = v2(0xf1)
export const mulDoubles = v2(0xf2)
export const divDoubles = v2(0xf3)
export const absDoubles = v1(0xec)
export const negDoubles = v1(0xed)
export const minDoubles = v2(0xf6)
export const maxDoubles = v2(0xf7)
/** The bits of doubles as int64. */
export const addLongs = v2(0xce)
export const subLongs = v2(0xd1)
export const shiftLeftLongs = (a: Code, bits: number): Code => v2(0xcb)(a, int(bits))
export const shiftRightLongs = (a: Code, bits: number): Code => v2(0xcc)(a, int(bits))
/** The first two int32 as doubles. */
export const doublesOf = v1(0xfe)
/** The first two floats as doubles. */
export const promoteLow = v1(0x5f)
/** Two doubles as floats, then zeros. */
export const demoteLow = v1(0x5e)
