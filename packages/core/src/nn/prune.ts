// Pruning: weights are multiplied by a mask, so that the least important ones are 0 and stay 0 in training. PyTorch's
// torch.nn.utils.prune; the methods are classes in prune-methods.ts.
import { TypeError, ValueError } from '../base/errors.ts'
import { className } from '../base/class-name.ts'
import { sameShape, shapeString } from '../base/shape.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  type Takes,
  anything,
  type Arguments,
  int,
  isOptions,
  iterable,
  nullable,
  optional,
  required,
  signature,
  str,
  tensor,
  tooMany,
} from '../tensor/signature.ts'
import { cat } from '../ops/views/join.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { allComputed, moduleParameter, tensorOf } from './computed.ts'
import { isModule } from './members.ts'
import type { Module } from './module.ts'
import { camelCase } from './names.ts'
import {
  type Amount,
  amountParameter,
  type AmountOptions,
  apply,
  BasePruningMethod,
  combined,
  CustomFromMask,
  type DimOptions,
  Identity,
  L1Unstructured,
  LnStructured,
  methodOf,
  type NormOptions,
  type NormOrder,
  orderParameter,
  presentMask,
  RandomStructured,
  RandomUnstructured,
} from './prune-methods.ts'

export {
  type Amount,
  BasePruningMethod,
  CustomFromMask,
  Identity,
  L1Unstructured,
  LnStructured,
  PruningContainer,
  type PruneOptions,
  type PruningType,
  RandomStructured,
  RandomUnstructured,
} from './prune-methods.ts'

const name = required('name', str)
const scores = optional('importanceScores', nullable(tensor), null)
interface Scores {
  /** The importance of each weight; by default its magnitude. */
  readonly importanceScores?: Tensor | null
}

const readIdentity = signature('identity', moduleParameter, name)
/** Makes a parameter a pruned one with a mask of ones, from which nothing is pruned yet. Returns the module. */
export function identity<M extends Module>(...args: [module: M, ...Takes<[name: string], 'name'>]): M {
  const [module, name] = readIdentity(args)
  apply(new Identity(), module, name, null)
  return module as M
}

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
  ...args: [
    module: M,
    ...Takes<
      [name: string],
      'name',
      Arguments<[amount: Amount, importanceScores: Tensor | null], AmountOptions & Scores>
    >,
  ]
): M {
  const [module, name, amount, scores] = readL1(args)
  apply(new L1Unstructured(amount), module, name, scores)
  return module as M
}

const readRandom = signature('random_unstructured', moduleParameter, name, amountParameter)
/** Prunes `amount` weights of a parameter by chance, a number or a share. Returns the module. */
export function randomUnstructured<M extends Module>(
  ...args: [module: M, ...Takes<[name: string], 'name', Arguments<[amount: Amount], AmountOptions>>]
): M {
  const [module, name, amount] = readRandom(args)
  apply(new RandomUnstructured(amount), module, name, null)
  return module as M
}

const dim = required('dim', int)
const readRandomSlices = signature('random_structured', moduleParameter, name, amountParameter, dim)
/** Prunes `amount` slices of a parameter along a dimension by chance, a number or a share. Returns the module. */
export function randomStructured<M extends Module>(
  ...args: [module: M, ...Takes<[name: string], 'name', Arguments<[amount: Amount, dim: number], DimOptions>>]
): M {
  const [module, name, amount, dim] = readRandomSlices(args)
  apply(new RandomStructured(amount, dim), module, name, null)
  return module as M
}

const readNorm = signature('ln_structured', moduleParameter, name, amountParameter, orderParameter, dim, scores)
/**
 * Prunes the slices of a parameter along a dimension whose norm of order `n` is smallest: `amount` of them, a number or a
 * share. Returns the module.
 *
 * @example
 * const layer = nn.utils.prune.lnStructured(new nn.Linear(3, 2), 'weight', 1, 2, 0)
 * layer.weightMask.sum(1).sort().values // tensor([0., 3.])
 */
export function lnStructured<M extends Module>(
  ...args: [
    module: M,
    ...Takes<
      [name: string],
      'name',
      Arguments<[amount: Amount, n: NormOrder, dim: number, importanceScores: Tensor | null], NormOptions & Scores>
    >,
  ]
): M {
  const [module, name, amount, n, dim, scores] = readNorm(args)
  apply(new LnStructured(amount, n, dim), module, name, scores)
  return module as M
}

const readMask = signature('custom_from_mask', moduleParameter, name, required('mask', tensor))
/** Prunes the weights where a mask of their shape is 0. Returns the module. */
export function customFromMask<M extends Module>(
  ...args: [module: M, ...Takes<[name: string, mask: Tensor], 'name mask'>]
): M {
  const [module, name, mask] = readMask(args)
  const { sizes } = tensorOf(module, name)
  if (!sameShape(mask.sizes, sizes)) {
    throw new ValueError(
      `mask should have the same shape as parameter ${name} of ${module}`,
      `Their shapes are ${shapeString(mask.sizes)} and ${shapeString(sizes)}.`,
    )
  }
  apply(new CustomFromMask(mask), module, name, null)
  return module as M
}

/** A parameter of a module, by its name. */
export type NamedParameter = readonly [module: Module, name: string]
export interface GlobalOptions {
  /** The importance of some parameters' weights; by default the weights themselves. */
  readonly importanceScores?: Iterable<readonly [...parameter: NamedParameter, scores: Tensor]> | null
  /** What the method's class is made of, such as `amount`. */
  readonly [argument: string]: unknown
}
type Method = new (options: never) => BasePruningMethod
const readGlobal = signature(
  'global_unstructured',
  required('parameters', iterable),
  required('pruningMethod', anything),
)
const unstructured = 'Pass prune.L1Unstructured or prune.RandomUnstructured.'
const readGlobalScores = signature('global_unstructured', optional('importanceScores', nullable(iterable), null))

function named(entry: unknown, what: string, length: number): readonly [Module, string, ...unknown[]] {
  if (!Array.isArray(entry) || entry.length !== length || !isModule(entry[0]) || typeof entry[1] !== 'string')
    throw new TypeError(`global_unstructured(): ${what}`)
  return entry as unknown as readonly [Module, string]
}

/**
 * Prunes the least important weights of several parameters together. The further options are those of the method's class:
 * `amount` of all weights, a number or a share.
 *
 * @example
 * const [a, b] = [new nn.Linear(3, 2), new nn.Linear(2, 1)]
 * const { globalUnstructured, L1Unstructured } = nn.utils.prune
 * globalUnstructured([[a, 'weight'], [b, 'weight']], L1Unstructured, { amount: 4 })
 */
export function globalUnstructured(
  ...args: [parameters: Iterable<NamedParameter>, pruningMethod: Method, options?: GlobalOptions]
): void {
  const [first, second, options = {}, ...more] = args as [unknown, unknown, unknown?, ...unknown[]]
  const [given, type] = readGlobal([first, second])
  if (more.length > 0 || typeof options !== 'object' || options === null || !isOptions(options))
    throw tooMany('global_unstructured', more.length > 0 ? more[0] : options)
  const parameters = Array.from(given, (pair) => named(pair, 'parameters must be pairs of a Module and a name', 2))
  if (parameters.length === 0)
    throw new TypeError('global_unstructured(): parameters must be pairs of a Module and a name, and there is none')
  if (typeof type !== 'function' || !(type.prototype instanceof BasePruningMethod))
    throw new TypeError(
      "global_unstructured(): argument 'pruning_method' must be a subclass of BasePruningMethod",
      unstructured,
    )
  const { importanceScores, ...own } = options
  const [givenScores] = readGlobalScores([{ importanceScores }])
  const method = new (type as Method)(own as never)
  if (method.PRUNING_TYPE !== 'unstructured') {
    throw new TypeError(
      `Only "unstructured" PRUNING_TYPE supported for the \`pruning_method\`. Found method <class '${className(type)}'> of type ${method.PRUNING_TYPE}`,
      unstructured,
    )
  }
  const known = Array.from(givenScores ?? [], (entry) =>
    named(entry, 'importance_scores must be lists of a Module, a name and a Tensor', 3),
  )
  const weights = parameters.map(([module, name]) => tensorOf(module, name).detach())
  const scores = weights.map((weight, i) => {
    const [module, name] = parameters[i]
    const own = known.find(([m, n]) => m === module && n === name)?.[2] ?? weight
    if (tensor.accepts(own) && sameShape((own as Tensor).sizes, weight.sizes)) return (own as Tensor).detach()
    throw new ValueError(
      `importance_scores should have the same shape as parameter ${name} of ${module}`,
      `They are ${kindOf(own)}.`,
    )
  })
  const flat = (all: readonly Tensor[]): Tensor => cat(all.map((x) => x.flatten()))
  const mask = noGrad(() =>
    combined(method, flat(scores), flat(parameters.map(([module, name]) => presentMask(module, name)))),
  )
  let at = 0
  parameters.forEach(([module, name], i) => {
    const { elements } = weights[i]
    apply(new CustomFromMask(mask.narrow(0, at, elements).viewAs(weights[i])), module, name, null)
    at += elements
  })
}

const readRemove = signature('remove', moduleParameter, name)
/**
 * Makes a pruned tensor a parameter again, with zeros where it was pruned. Returns the module.
 *
 * Throws a ValueError for a tensor that is not pruned.
 */
export function remove<M extends Module>(...args: [module: M, ...Takes<[name: string], 'name'>]): M {
  const [module, name] = readRemove(args)
  const method = methodOf(module, camelCase(name))
  if (method === undefined)
    throw new ValueError(`Parameter '${name}' of module ${module} has to be pruned before pruning can be removed`)
  method.remove(module)
  return module as M
}

const readIs = signature('is_pruned', moduleParameter)
/** Whether a tensor of a module, or of one in it, is pruned. */
export function isPruned(...args: [module: Module]): boolean {
  const [module] = readIs(args)
  return module.modules().some((one) => Array.from(allComputed(one)).some(([property]) => methodOf(one, property)))
}
