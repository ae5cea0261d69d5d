// Questions about tensors and dtypes, which PyTorch answers by functions and methods: nothing is computed.
import { defaults } from '../base/default-dtype.ts'
import { checkDType, type DType, type DTypeWord, dtypeName, dtypeRank, dtypeSize, isFloat } from '../base/dtype.ts'
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { canCast as fits, type Promotable, resultType as common } from '../base/promotion.ts'
import { broadcastShapes as broadcast, checkSizes, sameShape, type Shape } from '../base/shape.ts'
import { typeName } from '../base/python.ts'
import { operand } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import {
  type Takes,
  bool,
  dims,
  dtype,
  type Kind,
  method,
  nothingMore,
  optional,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { to } from './create/convert.ts'

// ---- tensors ----

/**
 * Whether a value is a tensor.
 *
 * @example
 * isTensor([1]) // false
 */
export function isTensor(obj: unknown, ...none: []): obj is Tensor {
  nothingMore('is_tensor', none)
  return tensor.accepts(obj)
}

/** A fact about one tensor, as a function and a method. */
const fact = <T>(name: string, of: (x: Tensor) => T) => {
  const read = method(name)
  return (x: Tensor, ...none: []): T => {
    read(x, none)
    return of(x)
  }
}
/** The number of elements. */
export const numel = fact('numel', (x) => x.elements)
/** Whether the dtype is float32 or float64. */
export const isFloatingPoint = fact('is_floating_point', (x) => isFloat(x.dtype))
/** Whether the tensor was created in `inferenceMode`. */
export const isInference = fact('is_inference', (x) => x.isInference())
/** Whether the dtype has negative numbers. */
export const isSigned = fact('is_signed', (x) => dtypeRank[x.dtype] >= dtypeRank.int32)
/** The number of elements: PyTorch's other name of `numel`. */
export const nelement = fact('nelement', (x) => x.elements)
/** The number of dimensions: PyTorch's other name of `dim`. */
export const ndimension = fact('ndimension', (x) => x.sizes.length)
/** The bytes of an element. */
export const elementSize = fact('element_size', (x) => dtypeSize[x.dtype])
/** Whether the only element of a tensor is not 0; throws a RuntimeError for none or several. */
export const isNonzero = fact('is_nonzero', (x) => {
  if (x.elements === 1) return x.item() !== 0
  throw new RuntimeError(
    `Boolean value of Tensor with ${x.elements === 0 ? 'no values' : 'more than one value'} is ambiguous`,
    'Use any() or all() to say what is meant.',
  )
})
const never = (name: string) => fact(name, () => false)
/** Whether numbers are complex: false. */
export const isComplex = never('is_complex')
/** Whether a conjugate is still to be computed: false, because numbers are real. */
export const isConj = never('is_conj')
/** Whether a sign is still to be changed: false. */
export const isNeg = never('is_neg')
/** Whether the tensor is spread over processes: false. */
export const isDistributed = never('is_distributed')
/** Whether other processes see the memory: false. */
export const isShared = never('is_shared')
/** Whether the memory is locked for a CUDA device: false. */
export const isPinned = never('is_pinned')
/** The index of the tensor's CUDA device: -1 on other devices. */
export const getDevice = fact('get_device', (x) => x.storage.device.own.gpu?.index ?? -1)
const setArguments = method('is_set_to', required('tensor', tensor))
/** Whether a tensor has the memory of another one, with the same sizes, strides and offset. */
export function isSetTo(x: Tensor, ...args: Takes<[tensor: Tensor], 'tensor'>): boolean {
  const [other] = setArguments(x, args)
  const { storage, offset, strides } = x
  return (
    storage.root === other.storage.root &&
    offset === other.offset &&
    sameShape(x.sizes, other.sizes) &&
    sameShape(strides, other.strides)
  )
}
const otherArguments = method('is_same_size', required('other', tensor))
/** Whether the tensor has the sizes of another one. */
export function isSameSize(x: Tensor, ...args: Takes<[other: Tensor], 'other'>): boolean {
  const [other] = otherArguments(x, args)
  return sameShape(x.sizes, other.sizes)
}

const typeWords: Readonly<Record<string, DType>> = {
  Float: 'float32',
  Double: 'float64',
  Int: 'int32',
  Long: 'int32',
  Byte: 'uint8',
  Bool: 'bool',
}
const ofType = (word: unknown): DType | undefined =>
  typeWords[/^torch\.(\w+)Tensor$/.exec(String(word))?.[1] as keyof typeof typeWords]
/** A dtype, by a word or by PyTorch's name of a tensor's type. */
export const typeKind: Kind<DType> = {
  expected: 'a type, str, or dtype object',
  accepts: (x) => typeof x === 'string' && (dtype.accepts(x) || ofType(x) !== undefined),
  read: (word) => ofType(word) ?? checkDType(word),
  refuse: (value, argument) =>
    typeof value !== 'string'
      ? new TypeError('dtype must be a type, str, or dtype object')
      : value.startsWith('torch.')
        ? new ValueError(
            `invalid type: '${value}'`,
            `Types are ${Object.keys(typeWords)
              .map((word) => `torch.${word}Tensor`)
              .join(', ')}.`,
          )
        : dtype.refuse?.(value, argument),
}
const typeArguments = method('type', optional('dtype', typeKind, undefined), optional('nonBlocking', bool, false))
/** PyTorch's name of the tensor's type, or the tensor in a dtype. */
export function type(x: Tensor, ...args: readonly unknown[]): string | Tensor {
  const [wanted] = typeArguments(x, args)
  return wanted === undefined ? `torch.${dtypeName[x.dtype]}Tensor` : to(x, wanted)
}

// Methods derived from the table have one form; this one has two.
declare module '../tensor/tensor.ts' {
  interface Tensor {
    /**
     * PyTorch's name of the tensor's type.
     *
     * @example
     * ones(2).type() // 'torch.FloatTensor'
     */
    type(): string
    /** The tensor in another dtype, given by a word or by PyTorch's name of the type, 'torch.LongTensor'. */
    type(
      ...args: Takes<
        [dtype: DTypeWord | `torch.${string}Tensor`],
        'dtype',
        [nonBlocking?: boolean | { readonly nonBlocking?: boolean }]
      >
    ): Tensor
  }
}

const shapeKind: Kind<number | readonly number[]> = {
  ...dims,
  refuse: (shape) =>
    new RuntimeError(
      `Input shapes should be of type ints, a tuple of ints, or a list of ints, got ${typeName(shape)}`,
      'Give shapes one by one: broadcastShapes([2, 1], [3]).',
    ),
}
const shapeArguments = signature('broadcast_shapes', required('shape', shapeKind))
/**
 * The shape to which some shapes broadcast; a number is a shape of one dimension.
 *
 * Throws a RuntimeError for shapes that do not.
 *
 * @example
 * broadcastShapes([2], [3, 1], [1]) // [3, 2]
 */
export function broadcastShapes(...shapes: readonly (number | readonly number[])[]): Shape {
  return shapes.reduce<Shape>((all, given) => {
    const [shape] = shapeArguments([given])
    return broadcast(all, checkSizes(typeof shape === 'number' ? [shape] : [...shape]))
  }, [])
}

// ---- dtypes ----

const castArguments = signature('can_cast', required('from', dtype), required('to', dtype))
/**
 * Whether promotion may turn one dtype into another: a category (bool, integers, floats) may rise, not fall.
 *
 * @example
 * canCast(float64, int32) // false
 */
export const canCast = (...args: Takes<[from: DTypeWord, to: DTypeWord], 'from to'>): boolean =>
  fits(...castArguments(args))

const promoteArguments = signature('promote_types', required('type1', dtype), required('type2', dtype))
/**
 * The smallest dtype that holds the numbers of both.
 *
 * @example
 * promoteTypes(uint8, float32) // 'float32'
 */
export function promoteTypes(...args: Takes<[type1: DTypeWord, type2: DTypeWord], 'type1 type2'>): DType {
  return common(promoteArguments(args).map((each) => ({ dtype: each, sizes: [1] })))
}

type Promoted = Tensor | number | boolean
const promoted: Kind<Promoted> = {
  expected: 'Tensor',
  accepts: (x) => isTensor(x) || typeof x === 'number' || typeof x === 'boolean',
}
const resultArguments = signature('result_type', required('tensor1', promoted), required('tensor2', promoted))
/**
 * The dtype in which an operation of two tensors or numbers computes.
 *
 * @example
 * resultType(tensor([1], { dtype: int32 }), 1.5) // 'float32'
 */
export function resultType(...args: Takes<[tensor1: Promoted, tensor2: Promoted], 'tensor1 tensor2'>): DType {
  return common(resultArguments(args).map((x): Promotable => (isTensor(x) ? x : operand(x))))
}

/** The limits of a floating-point dtype. */
export interface FloatInfo {
  readonly dtype: DType
  readonly bits: number
  /** The distance from 1 to the next number. */
  readonly eps: number
  readonly max: number
  readonly min: number
  /** The smallest positive number with all its digits; also `tiny`. */
  readonly smallestNormal: number
  readonly tiny: number
  /** The decimal digits that hold, as a number: 1e-6 of float32. */
  readonly resolution: number
}
const floatArguments = signature('finfo', optional('type', dtype, undefined))
/**
 * The limits of a floating-point dtype; of the default dtype without an argument.
 *
 * Throws PyTorch's TypeError for integers and bool.
 *
 * @example
 * finfo(float32).eps // 1.1920928955078125e-7
 */
export function finfo(...args: [type?: DTypeWord]): FloatInfo {
  const [of = defaults.float] = floatArguments(args)
  if (!isFloat(of)) {
    throw new TypeError(
      "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'",
      'Use iinfo(type) for integers.',
    )
  }
  const [digits, powers] = of === 'float32' ? [23, 127] : [52, 1023]
  const eps = 2 ** -digits
  const max = (2 - eps) * 2 ** powers
  const tiny = 2 ** (1 - powers)
  const resolution = of === 'float32' ? 1e-6 : 1e-15
  return { dtype: of, bits: 8 * dtypeSize[of], eps, max, min: -max, smallestNormal: tiny, tiny, resolution }
}

/** The limits of an integer dtype. */
export interface IntegerInfo {
  readonly dtype: DType
  readonly bits: number
  readonly max: number
  readonly min: number
}
const integerArguments = signature('iinfo', required('type', dtype))
/**
 * The limits of an integer dtype.
 *
 * Throws PyTorch's TypeError for floating-point dtypes and bool.
 *
 * @example
 * iinfo(uint8).max // 255
 */
export function iinfo(...args: [type: DTypeWord]): IntegerInfo {
  const [of] = integerArguments(args)
  if (of === 'bool') throw new TypeError('torch.bool is not supported by torch.iinfo')
  if (isFloat(of)) {
    throw new TypeError(
      "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'",
      'Use finfo(type) for floating-point numbers.',
    )
  }
  return of === 'uint8'
    ? { dtype: of, bits: 8, max: 255, min: 0 }
    : { dtype: of, bits: 32, max: 2 ** 31 - 1, min: -(2 ** 31) }
}

/** The dtype of floating-point numbers unless another is given: 'float32', unless `setDefaultDtype` has set another. */
export const getDefaultDtype = (): DType => defaults.float
const defaultArguments = signature('set_default_dtype', required('d', dtype))
/**
 * Sets the dtype of floating-point numbers that have no other: of new tensors and parameters, of random numbers, and of
 * results that are floating point because a number or the op is. Typed arrays keep their own dtype.
 *
 * Throws PyTorch's TypeError for dtypes that are not floating point.
 *
 * @example
 * setDefaultDtype('float64')
 * tensor([1, 2]).dtype // 'float64'
 * setDefaultDtype('float32')
 */
export function setDefaultDtype(...args: [d: DTypeWord]): void {
  const [d] = defaultArguments(args)
  if (!isFloat(d)) throw new TypeError('only floating-point types are supported as the default type')
  effects.sink?.refuse('setDefaultDtype()', 'Call it before the step.')
  defaults.float = d as typeof defaults.float
}
