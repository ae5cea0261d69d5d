// Methods of pruning: each computes a mask of the weights that stay. PyTorch's BasePruningMethod and its subclasses, of
// which users write their own.
import { className } from '../base/class-name.ts'
import { AttributeError, IndexError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { onesLike, zerosLike } from '../ops/create/create.ts'
import { rand, randLike } from '../ops/random/random.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Arguments,
  constructing,
  int,
  isOptions,
  nothingMore,
  type Kind,
  nullable,
  number,
  optional,
  type Parameter as Declared,
  refused,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { compute, computedAs, moduleParameter, restore, tensorOf } from './computed.ts'
import { getProperty, setProperty } from './members.ts'
import type { Module } from './module.ts'
import { camelCase, pythonRepr } from './names.ts'
import { Parameter } from './parameter.ts'

const kind = 'pruning'

/** A number of weights, if it is whole, or a share of them. */
export type Amount = number
/** What a mask is computed from: single elements, slices along a dimension, or all of a tensor. */
export type PruningType = 'unstructured' | 'structured' | 'global'

const readApply = signature('apply', moduleParameter, required('name', str))
const readScores = signature('apply', optional('importanceScores', nullable(tensor), null))
const readMaskOf = signature('apply_mask', moduleParameter)
const readPrune = signature(
  'prune',
  required('t', tensor),
  optional('defaultMask', nullable(tensor), null),
  optional('importanceScores', nullable(tensor), null),
)
const readRemoved = signature('remove', moduleParameter)

export interface PruneOptions {
  /** The mask of earlier prunings; by default ones. */
  readonly defaultMask?: Tensor | null
  /** The importance of each element; by default the tensor itself. */
  readonly importanceScores?: Tensor | null
}

interface Scores {
  /** The importance of each weight; by default the weights themselves. */
  readonly importanceScores?: Tensor | null
}
/** Arguments of a constructor, whose options, or further ones, may have importance scores. */
type WithScores<A extends readonly unknown[]> =
  | readonly [...A, Scores]
  | { readonly [K in keyof A]: A[K] | (A[K] & Scores) }

/**
 * The base of all methods of pruning: a subclass has a `PRUNING_TYPE`, and computes a mask in `computeMask`. One with the
 * type 'structured' has a `dim`, too.
 *
 * @example
 * class EverySecond extends nn.utils.prune.BasePruningMethod {
 *   PRUNING_TYPE = 'unstructured'
 *   computeMask(t, defaultMask) {
 *     return defaultMask.flatten().indexFill(0, arange(0, t.numel(), 2), 0).viewAs(t)
 *   }
 * }
 * const layer = new nn.Linear(2, 2)
 * EverySecond.apply(layer, 'weight')
 * layer.weightMask // tensor([[0., 1.],
 *                  //         [0., 1.]])
 */
export abstract class BasePruningMethod {
  /** What `computeMask` gets in a later pruning: the elements that are left, the slices that are left, or everything. */
  abstract readonly PRUNING_TYPE: PruningType
  /** The name of the tensor that the method prunes, once it does. */
  tensorName: string | null = null

  /** Computes a mask of the shape of `t`, the importance of the weights, from the mask of earlier prunings. */
  abstract computeMask(t: Tensor, defaultMask: Tensor): Tensor

  /** The pruned tensor of a module: its own elements by its mask. */
  applyMask(...args: [module: Module]): Tensor {
    const [module] = readMaskOf(args)
    const property = camelCase(this.tensorName ?? '')
    if (methodOf(module, property) === undefined) throw new RuntimeError(`Module ${module} has to be pruned`)
    return masked(module, property)
  }

  /**
   * Prunes a parameter of a module: the class is made of the further arguments, and the result is returned. If the
   * parameter is pruned already, the result is a `PruningContainer` of all methods.
   *
   * Throws, with nothing changed, an AttributeError if there is no such parameter, and whatever `computeMask` throws.
   */
  static apply<A extends readonly unknown[]>(
    this: new (
      ...args: A
    ) => BasePruningMethod,
    module: Module,
    name: string,
    ...args: WithScores<NoInfer<A>>
  ): BasePruningMethod {
    readApply([module, name])
    const [own, scores] = withoutScores(args)
    const method = new this(...(own as unknown as A))
    if (!(method instanceof BasePruningMethod))
      throw new TypeError(`<class '${typeName(method)}'> is not a BasePruningMethod subclass`)
    return apply(method, module, name, scores)
  }

  /** The pruned form of a tensor, which itself stays as it is. */
  prune(
    ...args: Arguments<[t: Tensor, defaultMask: Tensor | null, importanceScores: Tensor | null], PruneOptions>
  ): Tensor {
    const [t, defaultMask, scores] = readPrune(args)
    if (scores !== null && !sameShape(scores.sizes, t.sizes)) {
      throw new ValueError(
        'importance_scores should have the same shape as tensor t',
        `Their shapes are ${shapeString(scores.sizes)} and ${shapeString(t.sizes)}.`,
      )
    }
    return t.mul(noGrad(() => this.computeMask((scores ?? t).detach(), defaultMask ?? onesLike(t))))
  }

  /** Makes the pruned tensor of a module a parameter again, with zeros where it was pruned. */
  remove(...args: [module: Module]): void {
    const [module] = readRemoved(args)
    const property = camelCase(this.tensorName ?? '')
    if (methodOf(module, property) === undefined)
      throw new RuntimeError(`Module ${module} has to be pruned before pruning can be removed`)
    const original = getProperty(module, `${property}Orig`) as Parameter
    original.data = noGrad(() => masked(module, property)).data
    restore(module, property, original, `${property}Orig`, `${property}Mask`)
  }
}

/** The arguments of a constructor, and the importance scores in the options that end them. */
function withoutScores(args: readonly unknown[]): readonly [readonly unknown[], Tensor | null] {
  const last = args[args.length - 1]
  if (typeof last !== 'object' || last === null || !isOptions(last) || !('importanceScores' in last))
    return [args, null]
  const { importanceScores, ...rest } = last
  const [scores] = readScores([{ importanceScores }])
  return [[...args.slice(0, -1), ...(Object.keys(rest).length === 0 ? [] : [rest])], scores]
}

/** The method by which a tensor of a module is pruned. */
export const methodOf = (module: Module, property: string): BasePruningMethod | undefined => {
  const computed = computedAs(module, property)
  return computed?.kind === kind ? (computed.by as BasePruningMethod) : undefined
}
const maskOf = (module: Module, property: string): Tensor => getProperty(module, `${property}Mask`) as Tensor
/** The present mask of a tensor of a module, of ones if it is not pruned. */
export const presentMask = (module: Module, name: string): Tensor =>
  methodOf(module, camelCase(name)) === undefined
    ? noGrad(() => onesLike(tensorOf(module, name)))
    : maskOf(module, camelCase(name)).detach()

function masked(module: Module, property: string): Tensor {
  const original = getProperty(module, `${property}Orig`) as Tensor
  return maskOf(module, property).to(original.dtype).mul(original)
}

/** Prunes a tensor of a module by a new method, which is combined with those before it. */
export function apply(
  method: BasePruningMethod,
  module: Module,
  name: string,
  given: Tensor | null,
): BasePruningMethod {
  const property = camelCase(name)
  const weight = tensorOf(module, name)
  if (given !== null && !sameShape(given.sizes, weight.sizes)) {
    throw new ValueError(
      `importance_scores should have the same shape as parameter ${name} of ${module}`,
      `Their shapes are ${shapeString(given.sizes)} and ${shapeString(weight.sizes)}.`,
    )
  }
  const before = methodOf(module, property)
  if (before === undefined && !(weight instanceof Parameter))
    throw new AttributeError(`'${className(module.constructor)}' object has no parameter '${name}'`)
  method.tensorName = name
  // A new container each time, because copies of the module share the old one.
  const all =
    before === undefined
      ? method
      : new PruningContainer(...(before instanceof PruningContainer ? before : [before]), method)
  const scores = (given ?? weight).detach()
  const mask: unknown = noGrad(() => all.computeMask(scores, presentMask(module, name)))
  if (!tensor.accepts(mask)) throw refused('compute_mask', required('mask', tensor), 0, mask)
  if (!sameShape((mask as Tensor).sizes, weight.sizes)) {
    throw new ValueError(
      `the mask of parameter ${name} should have its shape`,
      `computeMask of ${className(method.constructor)} gave ${shapeString((mask as Tensor).sizes)} for ${shapeString(weight.sizes)}.`,
    )
  }
  compute(module, property, { kind, by: all, read: (own) => masked(own, property) })
  if (before !== undefined) setProperty(module, `${property}Mask`, mask)
  else {
    setProperty(module, `${property}Orig`, weight)
    module.registerBuffer(`${property}Mask`, mask as Tensor)
  }
  return all
}

/** The methods by which one tensor is pruned, in order; the last one computes the mask of what those before it left. */
export class PruningContainer extends BasePruningMethod {
  readonly PRUNING_TYPE: PruningType = 'global'
  readonly #methods: BasePruningMethod[] = []

  constructor(...methods: readonly BasePruningMethod[]) {
    super()
    if (methods.length > 0 && methods[0] instanceof BasePruningMethod) this.tensorName = methods[0].tensorName
    for (const method of methods) this.addPruningMethod(method)
  }

  /**
   * Adds a method at the end.
   *
   * Throws a TypeError for anything else, and a ValueError for a method of another tensor.
   */
  addPruningMethod(method: BasePruningMethod): void {
    if (!(method instanceof BasePruningMethod))
      throw new TypeError(`<class '${typeName(method)}'> is not a BasePruningMethod subclass`)
    if (method.tensorName !== this.tensorName) {
      throw new ValueError(
        `Can only add pruning methods acting on the parameter named '${pythonRepr(this.tensorName)}' to PruningContainer ${className(this.constructor)}. Found '${pythonRepr(method.tensorName)}'`,
      )
    }
    this.#methods.push(method)
  }

  /** The number of methods. */
  get length(): number {
    return this.#methods.length
  }

  /** The methods, in order. */
  [Symbol.iterator](): IterableIterator<BasePruningMethod> {
    return this.#methods.values()
  }

  /** The method at an index; a negative index counts from the end. */
  at(...args: [index: number]): BasePruningMethod {
    const [index] = readAt(args)
    const found = this.#methods.at(index)
    if (found === undefined) throw new IndexError('tuple index out of range')
    return found
  }

  override computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    return combined(this.at(-1), t, defaultMask.to(t.dtype))
  }
}
const readAt = signature('__getitem__', required('index', int))

/** The mask that is left of an earlier one, by a method that sees what that one left. */
export function combined(method: BasePruningMethod, t: Tensor, mask: Tensor): Tensor {
  const { PRUNING_TYPE: type } = method
  if (type === 'global') return method.computeMask(t, mask).to(mask.dtype)
  if (type === 'unstructured') {
    const left = mask.eq(1)
    return mask.maskedScatter(left, method.computeMask(t.maskedSelect(left), mask.maskedSelect(left)).to(mask.dtype))
  }
  if (type !== 'structured')
    throw new ValueError(
      `Unrecognized PRUNING_TYPE ${type}`,
      "Give the class PRUNING_TYPE = 'unstructured', 'structured' or 'global'.",
    )
  const { dim: given } = method as { readonly dim?: number }
  if (given === undefined)
    throw new AttributeError('Pruning methods of PRUNING_TYPE "structured" need to have the attribute `dim` defined.')
  const rank = t.dim()
  const dim = given < 0 ? given + rank : given
  if (dim < 0) throw new IndexError(`Index is out of bounds for tensor with dimensions ${rank}`)
  const others = t.sizes.map((_, d) => d).filter((d) => d !== dim)
  const left = (others.length === 0 ? mask : mask.sum(others)).ne(0).nonzero().squeeze(1)
  const partial = method.computeMask(t.indexSelect(dim, left), mask.indexSelect(dim, left))
  return mask.indexCopy(dim, left, partial.to(mask.dtype))
}

/** Prunes nothing: the parameter gets a mask of ones. */
export class Identity extends BasePruningMethod {
  readonly PRUNING_TYPE: PruningType = 'unstructured'

  constructor(...none: []) {
    super()
    nothingMore('Identity.__init__', none)
  }

  override computeMask(_t: Tensor, defaultMask: Tensor): Tensor {
    return defaultMask
  }
}

// ---- by an amount ----

const amountKind: Kind<Amount> = {
  ...number,
  refuse: (x) =>
    new TypeError(`Invalid type for amount: ${typeof x === 'string' ? x : kindOf(x)}. Must be int or float.`),
}
export const amountParameter: Declared<Amount> = required('amount', amountKind)

function checkAmount(amount: Amount): void {
  if (!(amount >= 0) || (!Number.isInteger(amount) && amount > 1)) {
    throw new ValueError(
      `amount=${pythonRepr(amount)} should either be a float in the range [0, 1] or a non-negative integer`,
    )
  }
}

/** Python's round: halves go to the even neighbour. */
const rounded = (x: number): number => {
  const low = Math.floor(x)
  return x - low < 0.5 || (x - low === 0.5 && low % 2 === 0) ? low : low + 1
}

/** How many of `size` to prune. */
function countOf(amount: Amount, size: number): number {
  if (!Number.isInteger(amount)) return rounded(amount * size)
  if (amount <= size) return amount
  throw new ValueError(`amount=${amount} should be smaller than the number of parameters to prune=${size}`)
}

export interface AmountOptions {
  /** A number of weights, if it is whole, or a share of them. */
  readonly amount?: Amount
}
export interface DimOptions extends AmountOptions {
  /** The dimension whose slices are pruned; by default the last one. */
  readonly dim?: number
}
export interface NormOptions extends DimOptions {
  /** The order of the norm by which slices are compared. */
  readonly n?: NormOrder
}
export type NormOrder = number | 'fro' | 'nuc'

/** Prunes single weights: those with the smallest ranks. */
abstract class Unstructured extends BasePruningMethod {
  readonly PRUNING_TYPE: PruningType = 'unstructured'
  readonly amount: Amount

  constructor(amount: Amount) {
    super()
    checkAmount(amount)
    this.amount = amount
  }

  /** A mask without the elements at the places of the largest or smallest ranks. */
  protected without(ranks: () => Tensor, largest: boolean, mask: Tensor): Tensor {
    const count = countOf(this.amount, mask.numel())
    if (count === 0) return mask
    const { indices } = ranks().flatten().topk(count, { largest })
    return mask.flatten().indexFill(0, indices, 0).viewAs(mask)
  }
}

const ofL1 = constructing('L1Unstructured', amountParameter)
/** Prunes the weights nearest to 0. */
export class L1Unstructured extends Unstructured {
  constructor(...args: Arguments<[amount: Amount], AmountOptions>) {
    super(ofL1(args)[0])
  }

  override computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    return this.without(() => t.abs(), false, defaultMask)
  }
}

const ofRandom = constructing('RandomUnstructured', amountParameter)
/** Prunes weights by chance. */
export class RandomUnstructured extends Unstructured {
  constructor(...args: Arguments<[amount: Amount], AmountOptions>) {
    super(ofRandom(args)[0])
  }

  override computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    return this.without(() => randLike(t), true, defaultMask)
  }
}

/** Prunes whole slices along a dimension. */
abstract class Structured extends BasePruningMethod {
  readonly PRUNING_TYPE: PruningType = 'structured'
  readonly amount: Amount
  readonly dim: number

  constructor(amount: Amount, dim: number) {
    super()
    checkAmount(amount)
    this.amount = amount
    this.dim = dim
  }

  /** Which slices stay, as numbers of them. */
  protected abstract kept(t: Tensor, dim: number, count: number): Tensor

  override computeMask(t: Tensor, defaultMask: Tensor): Tensor {
    const rank = t.dim()
    if (rank <= 1) {
      throw new ValueError(
        `Structured pruning can only be applied to multidimensional tensors. Found tensor of shape torch.Size(${shapeString(t.sizes)}) with ${rank} dims`,
      )
    }
    if (this.dim >= rank || this.dim < -rank)
      throw new IndexError(`Invalid index ${this.dim} for tensor of size torch.Size(${shapeString(t.sizes)})`)
    const dim = this.dim < 0 ? this.dim + rank : this.dim
    const count = countOf(this.amount, t.sizes[dim])
    if (count === 0) return defaultMask
    return zerosLike(t)
      .indexFill(dim, this.kept(t, dim, count), 1)
      .mul(defaultMask.to(t.dtype))
  }
}

const dimParameter = optional('dim', int, -1)
const ofRandomSlices = constructing('RandomStructured', amountParameter, dimParameter)
/** Prunes slices along a dimension by chance. */
export class RandomStructured extends Structured {
  constructor(...args: Arguments<[amount: Amount, dim: number], DimOptions>) {
    const [amount, dim] = ofRandomSlices(args)
    super(amount, dim)
  }

  protected override kept(t: Tensor, dim: number, count: number): Tensor {
    const chances = rand(t.sizes[dim], { device: t.device })
    return chances.gt(chances.kthvalue(count).values).nonzero().squeeze(1)
  }
}

const orderKind: Kind<NormOrder> = {
  ...(number as Kind<NormOrder>),
  accepts: (x) => number.accepts(x) || x === 'fro' || x === 'nuc',
}
export const orderParameter: Declared<NormOrder> = required('n', orderKind)
const ofNorm = constructing('LnStructured', amountParameter, orderParameter, dimParameter)
/** Prunes the slices along a dimension whose norm of order `n` is smallest. */
export class LnStructured extends Structured {
  readonly n: NormOrder

  constructor(...args: Arguments<[amount: Amount, n: NormOrder, dim: number], NormOptions>) {
    const [amount, n, dim] = ofNorm(args)
    super(amount, dim)
    this.n = n
  }

  protected override kept(t: Tensor, dim: number, count: number): Tensor {
    const others = t.sizes.map((_, d) => d).filter((d) => d !== dim)
    return t.norm(this.n, others).topk(t.sizes[dim] - count).indices
  }
}

const ofMask = constructing('CustomFromMask', required('mask', tensor))
/** Prunes the weights where a given mask is 0. */
export class CustomFromMask extends BasePruningMethod {
  readonly PRUNING_TYPE: PruningType = 'global'
  readonly mask: Tensor

  constructor(...args: Arguments<[mask: Tensor], { readonly mask?: Tensor }>) {
    super()
    this.mask = ofMask(args)[0]
  }

  override computeMask(_t: Tensor, defaultMask: Tensor): Tensor {
    return defaultMask.mul(this.mask.to({ dtype: defaultMask.dtype, device: defaultMask.device }))
  }
}
