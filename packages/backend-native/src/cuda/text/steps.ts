// The steps of expressions in PTX: a total table, so that the compiler names a step that is missing. Short ones are
// instructions; the others are functions of the prelude, which nvcc compiles. float32 is computed in float32.
import { type Computed, type DType, isFloat } from '@flambeau/core/backend'
import { type Type, typeOf, type Value } from '../value.ts'

/** What steps are written with. */
export interface Instructions {
  /** An instruction with a result of this type. */
  op(code: string, type: Type, ...args: readonly Value[]): Value
  literal(value: number, type: Type): Value
  int(value: number): Value
  /** A call of a function of the prelude. */
  call(name: string, type: Type, args: readonly Value[]): Value
}

type Write = (w: Instructions, args: readonly Value[], type: 'f32' | 'f64') => Value
type WriteInt = (w: Instructions, args: readonly Value[]) => Value

/** A step for floats, for int32, and for uint8 and bool where these differ; never called for a missing one. */
interface Steps {
  readonly float?: Write
  readonly int?: WriteInt
  readonly bool?: WriteInt
  /** Integer results may leave the range of uint8. */
  readonly wraps?: true
}

const real =
  (code: string): Write =>
  (w, args, type) =>
    w.op(`${code}.${type}`, type, ...args)
const whole =
  (code: string): WriteInt =>
  (w, args) =>
    w.op(code, 'i32', ...args)
const rounding = (mode: string): Steps => ({
  float: (w, args, type) => w.op(`cvt.${mode}.${type}.${type}`, type, ...args),
})
const byName: Readonly<Record<'f32' | 'f64' | 'i32', string>> = { f32: 'float32', f64: 'float64', i32: 'int32' }
const functionOf =
  (name: string): Write =>
  (w, args, type) =>
    w.call(`${name}_${byName[type]}`, type, args)
const wholeFunction =
  (name: string): WriteInt =>
  (w, args) =>
    w.call(`${name}_int32`, 'i32', args)
const floating = (name: string): Steps => ({ float: functionOf(name) })

const asBool = (w: Instructions, condition: Value): Value => w.op('selp.s32', 'i32', w.int(1), w.int(0), condition)
const isTrue = (w: Instructions, x: Value): Value => w.op('setp.ne.s32', 'pred', x, w.int(0))

/** A comparison; `unordered` is its form for floats, which says what NaN gives. */
const compared = (relation: string, unordered = relation): Steps => ({
  float: (w, args, type) => asBool(w, w.op(`setp.${unordered}.${type}`, 'pred', ...args)),
  int: (w, args) => asBool(w, w.op(`setp.${relation}.s32`, 'pred', ...args)),
})

/** NaN wins, and of two zeros the positive one is larger, as `max` and `min` of PTX have it for numbers. */
const extreme = (name: 'max' | 'min'): Write => {
  return (w, args, type) => {
    const among = w.op(`${name}.${type}`, type, ...args)
    const unordered = w.op(`setp.nan.${type}`, 'pred', ...args)
    return w.op(`selp.${type}`, type, w.literal(Number.NaN, type), among, unordered)
  }
}

const signOf =
  (zero: (w: Instructions) => Value, code: (relation: string) => string, type: Type) =>
  (w: Instructions, [x]: readonly Value[], one: Value, minus: Value): Value => {
    const below = w.op(code('lt'), 'pred', x, zero(w))
    const above = w.op(code('gt'), 'pred', x, zero(w))
    const down = w.op(`selp.${type === 'i32' ? 's32' : type}`, type, minus, zero(w), below)
    return w.op(`selp.${type === 'i32' ? 's32' : type}`, type, one, down, above)
  }

const both = whole('and.b32')
const either = whole('or.b32')

const steps: Readonly<Record<Exclude<Computed, 'cast' | 'select'>, Steps>> = {
  add: { float: real('add.rn'), int: whole('add.s32'), bool: either, wraps: true },
  sub: { float: real('sub.rn'), int: whole('sub.s32'), wraps: true },
  mul: { float: real('mul.rn'), int: whole('mul.lo.s32'), bool: both, wraps: true },
  div: { float: real('div.rn'), int: wholeFunction('div') },
  fma: {
    // Doubles round twice, as in JavaScript.
    float: (w, args, type) =>
      type === 'f32'
        ? w.op('fma.rn.f32', 'f32', ...args)
        : w.op('add.rn.f64', 'f64', w.op('mul.rn.f64', 'f64', args[0], args[1]), args[2]),
    int: whole('mad.lo.s32'),
    bool: (w, [a, b, c]) => either(w, [both(w, [a, b]), c]),
    wraps: true,
  },
  mod: { float: functionOf('mod'), int: wholeFunction('mod') },
  fmod: { float: functionOf('fmod'), int: wholeFunction('fmod') },
  floorDiv: { float: functionOf('floorDiv'), int: wholeFunction('floorDiv') },
  pow: { float: functionOf('pow'), int: wholeFunction('pow'), wraps: true },
  min: { float: extreme('min'), int: whole('min.s32') },
  max: { float: extreme('max'), int: whole('max.s32') },
  neg: { float: real('neg'), int: whole('neg.s32'), wraps: true },
  abs: { float: real('abs'), int: whole('abs.s32') },
  sign: {
    float: (w, args, type) =>
      signOf(
        () => w.literal(0, type),
        (relation) => `setp.${relation}.${type}`,
        type,
      )(w, args, w.literal(1, type), w.literal(-1, type)),
    int: (w, args) =>
      signOf(
        () => w.int(0),
        (relation) => `setp.${relation}.s32`,
        'i32',
      )(w, args, w.int(1), w.int(-1)),
  },
  floor: rounding('rmi'),
  ceil: rounding('rpi'),
  trunc: rounding('rzi'),
  rint: rounding('rni'),
  sqrt: { float: real('sqrt.rn') },
  // PTX takes the sign from the first operand.
  copysign: { float: (w, [a, b], type) => w.op(`copysign.${type}`, type, b, a) },
  nextafter: floating('nextafter'),
  exp: floating('exp'),
  expm1: floating('expm1'),
  log: floating('log'),
  log1p: floating('log1p'),
  sin: floating('sin'),
  cos: floating('cos'),
  tanh: floating('tanh'),
  erf: floating('erf'),
  tan: floating('tan'),
  sinh: floating('sinh'),
  cosh: floating('cosh'),
  asin: floating('asin'),
  acos: floating('acos'),
  atan: floating('atan'),
  asinh: floating('asinh'),
  acosh: floating('acosh'),
  atanh: floating('atanh'),
  atan2: floating('atan2'),
  hypot: floating('hypot'),
  exp2: floating('exp2'),
  log2: floating('log2'),
  log10: floating('log10'),
  lgamma: floating('lgamma'),
  digamma: floating('digamma'),
  polygamma: floating('polygamma'),
  erfinv: floating('erfinv'),
  i0: floating('i0'),
  i1: floating('i1'),
  eq: compared('eq'),
  ne: compared('ne', 'neu'),
  lt: compared('lt'),
  le: compared('le'),
  gt: compared('gt'),
  ge: compared('ge'),
  isnan: {
    float: (w, [x], type) => asBool(w, w.op(`setp.nan.${type}`, 'pred', x, x)),
    int: (w) => w.int(0),
  },
  isfinite: {
    float: (w, [x], type) =>
      asBool(
        w,
        w.op(`setp.lt.${type}`, 'pred', w.op(`abs.${type}`, type, x), w.literal(Number.POSITIVE_INFINITY, type)),
      ),
    int: (w) => w.int(1),
  },
  and: { int: both },
  or: { int: either },
  xor: { int: whole('xor.b32') },
  not: { int: whole('not.b32'), bool: (w, [x]) => w.op('xor.b32', 'i32', x, w.int(1)), wraps: true },
  // Shifts by 32 bits and more, also by negative numbers, shift all bits out.
  shiftLeft: { int: whole('shl.b32'), wraps: true },
  shiftRight: { int: whole('shr.s32') },
}

function cast(w: Instructions, [x]: readonly Value[], to: DType, from: DType): Value {
  if (to === from) return x
  const type = typeOf[to]
  if (type !== 'i32') {
    if (x.type === type) return x
    if (x.type === 'i32') return w.op(`cvt.rn.${type}.s32`, type, x)
    return type === 'f64' ? w.op('cvt.f64.f32', 'f64', x) : w.op('cvt.rn.f32.f64', 'f32', x)
  }
  if (to === 'bool') {
    if (from === 'uint8' || from === 'int32') return asBool(w, isTrue(w, x))
    return asBool(w, w.op(`setp.neu.${x.type}`, 'pred', x, w.literal(0, x.type)))
  }
  const int = x.type === 'i32' ? x : w.call(`wrap_${byName[x.type as 'f32' | 'f64']}`, 'i32', [x])
  return to === 'uint8' && from !== 'bool' ? w.op('and.b32', 'i32', int, w.int(255)) : int
}

/** Writes a step; `of` is the dtype of its operands (of a select, of its branches). */
export function writeStep(w: Instructions, step: Computed, dtype: DType, of: DType, args: readonly Value[]): Value {
  if (step === 'cast') return cast(w, args, dtype, of)
  if (step === 'select') {
    const type = typeOf[dtype]
    return w.op(`selp.${type === 'i32' ? 's32' : type}`, type, args[1], args[2], isTrue(w, args[0]))
  }
  const { float, int, bool = int, wraps } = steps[step]
  if (isFloat(of)) return (float as Write)(w, args, typeOf[of] as 'f32' | 'f64')
  const made = (of === 'bool' ? bool : int) as WriteInt
  const result = made(w, args)
  if (dtype === 'uint8' && wraps) return w.op('and.b32', 'i32', result, w.int(255))
  return result
}
