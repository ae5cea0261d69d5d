// Pruning: weights are multiplied by a mask, so that the least important ones are 0 and stay 0 in training. PyTorch's
// torch.nn.utils.prune.
import { AttributeError, TypeError, ValueError } from '../base/errors.ts'
import { className } from '../base/class-name.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { fromArray } from '../ops/create/create.ts'
import { rand } from '../ops/random/random.ts'
import { mul } from '../ops/pointwise/arithmetic.ts'
import { noGrad } from '../tensor/mode.ts'
import { pythonRepr } from './names.ts'
import {
  anything,
  constructing,
  iterable,
  keyword,
  nullable,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { compute, computedAs, moduleParameter, restore, tensorOf } from './computed.ts'
import { getProperty, isModule, setProperty } from './members.ts'
import type { Module } from './module.ts'
import { camelCase } from './names.ts'
import { Parameter } from './parameter.ts'

const kind = 'pruning'

/** A number of weights, if it is whole, or a share of them. */
export type Amount = number
/** Python's round: halves go to the even neighbour. */
const rounded = (x: number): number => {
  const low = Math.floor(x)
  return x - low < 0.5 || (x - low === 0.5 && low % 2 === 0) ? low : low + 1
}

const amountParameter = required('amount', anything)
const ofMethod = constructing('PruningMethod', amountParameter)
const ranksOf: unique symbol = Symbol('ranks')
/** Which weights to prune: by their importance, or by chance. */
export abstract class PruningMethod {
  readonly amount: Amount

  constructor(...args: [amount: Amount]) {
    const [amount] = ofMethod(args)
    if (typeof amount !== 'number')
      throw new TypeError(
        `Invalid type for amount: ${typeof amount === 'string' ? amount : kindOf(amount)}. Must be int or float.`,
      )
    if (!(amount >= 0) || (!Number.isInteger(amount) && amount > 1)) {
      throw new ValueError(
        `amount=${pythonRepr(amount)} should either be a float in the range [0, 1] or a non-negative integer`,
      )
    }
    this.amount = amount as Amount
  }

  /** The least important of some weights get the smallest numbers. */
  abstract [ranksOf](values: readonly number[]): readonly number[]
}
/** Prunes the weights nearest to 0. */
export class L1Unstructured extends PruningMethod {
  override [ranksOf](values: readonly number[]): readonly number[] {
    return values.map(Math.abs)
  }
}

/** Prunes weights by chance. */
export class RandomUnstructured extends PruningMethod {
  override [ranksOf](values: readonly number[]): readonly number[] {
    return Array.from(noGrad(() => rand(values.length)).toArray(), (x) => -x)
  }
}

/** The mask without the least important of the weights that it has. */
function lowered(method: PruningMethod, values: ArrayLike<number>, before: ArrayLike<number>): Float64Array {
  const kept = Array.from(before, (_, i) => i).filter((i) => before[i] === 1)
  const { amount } = method
  if (Number.isInteger(amount) && amount > kept.length) {
    throw new ValueError(`amount=${amount} should be smaller than the number of parameters to prune=${kept.length}`)
  }
  const ranks = method[ranksOf](kept.map((i) => values[i]))
  const order = ranks.map((_, k) => k).sort((a, b) => ranks[a] - ranks[b])
  const mask = Float64Array.from(before)
  const count = Number.isInteger(amount) ? amount : rounded(amount * kept.length)
  for (const k of order.slice(0, count)) mask[kept[k]] = 0
  return mask
}

const valuesOf = (x: Tensor): number[] => Array.from(x.detach().toArray())
const maskOf = (module: Module, property: string): Tensor | undefined =>
  computedAs(module, property)?.kind === kind ? (getProperty(module, `${property}Mask`) as Tensor) : undefined
const masked = (module: Module, property: string, like: Tensor): readonly number[] => {
  const mask = maskOf(module, property)
  return mask === undefined ? new Array<number>(like.elements).fill(1) : valuesOf(mask)
}

/** Multiplies a parameter by a mask, from now on. */
function setMask(module: Module, name: string, values: ArrayLike<number>): void {
  const property = camelCase(name)
  const weight = tensorOf(module, name)
  const { sizes, dtype, device } = weight
  const mask = fromArray(Float32Array.from(values), sizes, { dtype, device })
  if (maskOf(module, property) !== undefined) return setProperty(module, `${property}Mask`, mask)
  if (!(weight instanceof Parameter))
    throw new AttributeError(`'${className(module.constructor)}' object has no parameter '${name}'`)
  compute(module, property, {
    kind,
    read: (own) => mul(getProperty(own, `${property}Mask`) as Tensor, getProperty(own, `${property}Orig`) as Tensor),
  })
  setProperty(module, `${property}Orig`, weight)
  module.registerBuffer(`${property}Mask`, mask)
}

function pruned(module: Module, name: string, method: PruningMethod, scores: Tensor | null): void {
  const weight = tensorOf(module, name)
  if (scores !== null && !sameShape(scores.sizes, weight.sizes)) {
    throw new ValueError(
      `importance_scores should have the same shape as parameter ${name} of ${module}`,
      `Their shapes are ${shapeString(scores.sizes)} and ${shapeString(weight.sizes)}.`,
    )
  }
  setMask(module, name, lowered(method, valuesOf(scores ?? weight), masked(module, camelCase(name), weight)))
}

const name = required('name', str)
const scores = optional('importanceScores', nullable(tensor), null)
const readL1 = signature('l1_unstructured', moduleParameter, name, amountParameter, scores)
/**
 * Prunes the weights of a parameter that are nearest to 0: `amount` of them, a number or a share. The parameter becomes
 * `weightOrig`, with the buffer `weightMask`. Returns the module.
 *
 * @example
 * const layer = nn.utils.prune.l1Unstructured(new nn.Linear(3, 2), 'weight', 0.5)
 * layer.weight.eq(0).sum() // tensor(3)
 */
export function l1Unstructured<M extends Module>(
  ...args: [module: M, name: string, amount: Amount, importanceScores?: Tensor | null]
): M {
  const [module, name, amount, scores] = readL1(args)
  pruned(module, name, new L1Unstructured(amount as Amount), scores)
  return module as M
}

const readRandom = signature('random_unstructured', moduleParameter, name, amountParameter)
/** Prunes `amount` weights of a parameter by chance, a number or a share. Returns the module. */
export function randomUnstructured<M extends Module>(...args: [module: M, name: string, amount: Amount]): M {
  const [module, name, amount] = readRandom(args)
  pruned(module, name, new RandomUnstructured(amount as Amount), null)
  return module as M
}

const readMask = signature('custom_from_mask', moduleParameter, name, required('mask', tensor))
/** Prunes the weights where a mask of their shape is 0. Returns the module. */
export function customFromMask<M extends Module>(...args: [module: M, name: string, mask: Tensor]): M {
  const [module, name, mask] = readMask(args)
  const weight = tensorOf(module, name)
  if (!sameShape(mask.sizes, weight.sizes)) {
    throw new ValueError(
      `mask should have the same shape as parameter ${name} of ${module}`,
      `Their shapes are ${shapeString(mask.sizes)} and ${shapeString(weight.sizes)}.`,
    )
  }
  const before = masked(module, camelCase(name), weight)
  setMask(
    module,
    name,
    valuesOf(mask).map((x, i) => x * before[i]),
  )
  return module as M
}

type Method = new (amount: Amount) => PruningMethod
const readGlobal = signature(
  'global_unstructured',
  required('parameters', iterable),
  required('pruningMethod', anything),
  keyword('amount', anything, undefined),
)
/**
 * Prunes the least important weights of several parameters together: `amount` of all, a number or a share.
 *
 * @example
 * const [a, b] = [new nn.Linear(3, 2), new nn.Linear(2, 1)]
 * const { globalUnstructured, L1Unstructured } = nn.utils.prune
 * globalUnstructured([[a, 'weight'], [b, 'weight']], L1Unstructured, { amount: 4 })
 */
export function globalUnstructured(
  ...args: [
    parameters: Iterable<readonly [module: Module, name: string]>,
    pruningMethod: Method,
    options: { readonly amount: Amount },
  ]
): void {
  const [given, type, amount] = readGlobal(args)
  const parameters = Array.from(given, (pair) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !isModule(pair[0]) || typeof pair[1] !== 'string')
      throw new TypeError('global_unstructured(): parameters must be pairs of a Module and a name')
    return pair as [Module, string]
  })
  if (typeof type !== 'function' || !(type.prototype instanceof PruningMethod)) {
    throw new TypeError(
      'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`.',
      'Pass prune.L1Unstructured or prune.RandomUnstructured.',
    )
  }
  const method = new (type as Method)(amount as Amount)
  const weights = parameters.map(([module, name]) => tensorOf(module, name))
  const before = parameters.flatMap(([module, name], i) => masked(module, camelCase(name), weights[i]))
  const mask = lowered(method, weights.flatMap(valuesOf), before)
  let at = 0
  parameters.forEach(([module, name], i) => {
    setMask(module, name, mask.subarray(at, at + weights[i].elements))
    at += weights[i].elements
  })
}

const readRemove = signature('remove', moduleParameter, name)
/**
 * Makes a pruned tensor a parameter again, with zeros where it was pruned. Returns the module.
 *
 * Throws a ValueError for a tensor that is not pruned.
 */
export function remove<M extends Module>(...args: [module: M, name: string]): M {
  const [module, name] = readRemove(args)
  const property = camelCase(name)
  if (maskOf(module, property) === undefined) {
    throw new ValueError(`Parameter '${name}' of module ${module} has to be pruned before pruning can be removed`)
  }
  const original = getProperty(module, `${property}Orig`) as Parameter
  original.data = noGrad(() => getProperty(module, property) as Tensor).data
  restore(module, property, original, `${property}Orig`, `${property}Mask`)
  return module as M
}

const readIs = signature('is_pruned', moduleParameter)
/** Whether a tensor of a module, or of one in it, is pruned. */
export function isPruned(...args: [module: Module]): boolean {
  const [module] = readIs(args)
  return module
    .modules()
    .some((one) =>
      one
        .namedBuffers('', false)
        .some(([key]) => key.endsWith('_mask') && maskOf(one, camelCase(key.slice(0, -5))) !== undefined),
    )
}
