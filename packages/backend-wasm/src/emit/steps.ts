// The steps of expressions on vectors of four lanes, as native/src/cpu/elementwise.inl defines them. In lanes a float32
// is itself, an int32 too, a uint8 is an int32 from 0 to 255, and a bool is all bits or none.
import { type DType, roundTo } from '@flambeau/core/backend'
import { atan2 } from './atan2.ts'
import * as w from './code.ts'
import type { Code } from './code.ts'
import type { Computed, Value } from './decode.ts'
import { copySign, fma, functions, type Maker, pow, toInt32 } from './math.ts'

/** The code of a step. Its operands may be repeated. */
type Emit = (m: Maker, a: Code, b: Code, c: Code) => Code
type Table = Readonly<Record<string, Emit>>

const binary =
  (f: (a: Code, b: Code) => Code): Emit =>
  (_, a, b) =>
    f(a, b)
const unary =
  (f: (a: Code) => Code): Emit =>
  (_, a) =>
    f(a)

const whole: Table = {
  add: binary(w.addInts),
  sub: binary(w.subInts),
  mul: binary(w.mulInts),
  min: binary(w.minInts),
  max: binary(w.maxInts),
  fma: (_, a, b, c) => w.addInts(w.mulInts(a, b), c),
  neg: unary(w.negInts),
  abs: unary(w.absInts),
  sign: (m, a) => w.subInts(w.gtInts(m.int(0), a), w.gtInts(a, m.int(0))),
  and: binary(w.and),
  or: binary(w.or),
  xor: binary(w.xor),
  not: unary(w.not),
}

const logic: Table = {
  add: binary(w.or),
  max: binary(w.or),
  or: binary(w.or),
  mul: binary(w.and),
  min: binary(w.and),
  and: binary(w.and),
  xor: binary(w.xor),
  not: unary(w.not),
  fma: (_, a, b, c) => w.or(w.and(a, b), c),
}

// Processors choose `a < b ? b : a` in one instruction; engines take eight for f32x4.max, because NaN wins there and zeros
// have an order. Two choices, one for each order of operands, differ only where these matter: if the operands are equal,
// each is one of them, and if one operand is NaN, one choice is NaN. If b is known in an outer loop, one choice is enough:
// the other operand wins where they differ, and `rest` has what b changes then.

const largest: Emit = (m, a, b, rest) => {
  if (rest !== undefined) return rest === nothing ? w.largerOf(a, b) : w.add(w.largerOf(a, b), rest)
  const [x, y] = [m.keep(w.largerOf(a, b)), m.keep(w.largerOf(b, a))]
  return w.or(w.and(x, y), w.ne(x, y))
}
/** The bits of two zeros together are those of the negative one, and the bits of NaN with any others are NaN. */
const least: Emit = (_, a, b, rest) => {
  if (rest !== undefined) return rest === nothing ? w.smallerOf(a, b) : w.or(w.smallerOf(a, b), rest)
  return w.or(w.smallerOf(a, b), w.smallerOf(b, a))
}

/** What changes nothing. */
export const nothing: Code = []
/** The part of a step that its operand b decides, and what it is if it changes nothing. */
export interface Rest {
  readonly of: (m: Maker, b: Code) => Code
  readonly neutral: number
}
/** To be added: 0 makes the negative zero positive, NaN makes all NaN, and the negative zero changes nothing. */
const restOfLargest: Rest = {
  of: (m, b) => w.select(w.or(w.eq(b, m.float(0)), w.ne(b, b)), b, m.float(-0)),
  neutral: -0,
}
/** Bits to be set: the sign, if b is the negative zero, or all, if it is NaN. */
const restOfLeast: Rest = {
  of: (m, b) => w.or(w.and(w.eqInts(b, m.float(-0)), m.float(-0)), w.ne(b, b)),
  neutral: 0,
}
const noRest: Rest = { of: () => nothing, neutral: 0 }

/** The part of a step that is computed in an outer loop, where its operand b is known; undefined if there is none. */
export function outerPart({ step, dtype }: Computed, b: Value): Rest | undefined {
  if (dtype !== 'float32' || (step !== 'max' && step !== 'min')) return undefined
  // Neither zero nor NaN.
  if (b.kind === 'constant' && Math.abs(roundTo(b.value, dtype)) > 0) return noRest
  return step === 'max' ? restOfLargest : restOfLeast
}

const real: Table = {
  add: binary(w.add),
  sub: binary(w.sub),
  mul: binary(w.mul),
  div: binary(w.div),
  min: least,
  max: largest,
  fma,
  // Engines take three instructions for these, but one for bits beside a vector that a loop keeps.
  neg: (m, a) => w.xor(a, m.float(-0)),
  abs: (m, a) => w.without(a, m.float(-0)),
  sign: (m, a) => {
    const one = m.float(1)
    return w.or(w.and(w.gt(a, m.float(0)), one), w.and(w.lt(a, m.float(0)), m.float(-1)))
  },
  floor: unary(w.floor),
  ceil: unary(w.ceil),
  trunc: unary(w.trunc),
  rint: unary(w.nearest),
  sqrt: unary(w.sqrt),
  copysign: (m, a, b) => copySign(m, a, b),
  atan2,
  ...functions,
}

const wholeComparisons: Table = {
  eq: binary(w.eqInts),
  ne: binary(w.neInts),
  lt: binary(w.ltInts),
  le: binary(w.leInts),
  gt: binary(w.gtInts),
  ge: binary(w.geInts),
  isnan: (m) => m.int(0),
  isfinite: (m) => m.int(-1),
}
const realComparisons: Table = {
  eq: binary(w.eq),
  ne: binary(w.ne),
  lt: binary(w.lt),
  le: binary(w.le),
  gt: binary(w.gt),
  ge: binary(w.ge),
  isnan: (_, a) => w.ne(a, a),
  isfinite: (m, a) => w.eq(w.sub(a, a), m.float(0)),
}
/** Bools are compared as the numbers 0 and 1, which their masks are the negatives of. */
const logicComparisons: Table = {
  ...wholeComparisons,
  lt: binary(w.gtInts),
  le: binary(w.geInts),
  gt: binary(w.ltInts),
  ge: binary(w.leInts),
}

/** By the dtype of the result. */
const arithmetic: Readonly<Partial<Record<DType, Table>>> = { float32: real, int32: whole, uint8: whole, bool: logic }
/** By the dtype of the operands. */
const comparisons: Readonly<Partial<Record<DType, Table>>> = {
  float32: realComparisons,
  int32: wholeComparisons,
  uint8: wholeComparisons,
  bool: logicComparisons,
}

const byte = (m: Maker, x: Code): Code => w.and(x, m.int(255))

const casts: Readonly<Partial<Record<DType, Readonly<Partial<Record<DType, Emit>>>>>> = {
  float32: {
    float32: unary((a) => a),
    int32: toInt32,
    uint8: (m, a) => byte(m, toInt32(m, a)),
    bool: (m, a) => w.ne(a, m.float(0)),
  },
  int32: {
    float32: unary(w.toFloats),
    int32: unary((a) => a),
    uint8: byte,
    bool: (m, a) => w.neInts(a, m.int(0)),
  },
  uint8: {
    float32: unary(w.toFloats),
    int32: unary((a) => a),
    uint8: unary((a) => a),
    bool: (m, a) => w.neInts(a, m.int(0)),
  },
  bool: {
    float32: (m, a) => w.and(a, m.float(1)),
    int32: (m, a) => w.and(a, m.int(1)),
    uint8: (m, a) => w.and(a, m.int(1)),
    bool: unary((a) => a),
  },
}

/** A step as the stream has it: its result, and the dtype of what it is computed from. */
export type TypedStep = Pick<Computed, 'step' | 'dtype' | 'of'> & Partial<Pick<Computed, 'args'>>

/** The interpreter squares if the exponent is one number for all elements, and that number is 2. */
function power(exponent: Value | undefined): Emit | undefined {
  if (exponent?.kind === 'constant') return roundTo(exponent.value, 'float32') === 2 ? (_, a) => w.mul(a, a) : pow
  if (exponent?.kind !== 'operand' || exponent.operand.ref >= 0) return undefined
  return (m, a, p) => w.select(w.eq(p, m.float(2)), w.mul(a, a), pow(m, a, p))
}

/** The code of a step; undefined if it is left to the interpreter. */
export function emitOf({ step, dtype, of, args }: TypedStep): Emit | undefined {
  if (step === 'cast') return casts[of]?.[dtype]
  if (step === 'select') return arithmetic[dtype] === undefined ? undefined : (_, a, b, c) => w.select(a, b, c)
  if (step === 'pow') return dtype === 'float32' ? power(args?.[1]) : undefined
  const comparison = comparisons[of]?.[step]
  if (comparison !== undefined) return comparison
  const emit = arithmetic[dtype]?.[step]
  if (emit === undefined || dtype !== 'uint8') return emit
  return (m, a, b, c) => byte(m, emit(m, a, b, c))
}
