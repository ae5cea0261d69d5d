// Parametrizations: a tensor of a module is computed by modules of your own from another one, which is trained instead.
// PyTorch's torch.nn.utils.parametrize.
import { checkCallable } from '../base/callable.ts'
import { dtypeName } from '../base/dtype.ts'
import { KeyError, NotImplementedError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { sameShape } from '../base/shape.ts'
import { noGrad } from '../tensor/mode.ts'
import { formatSize } from '../tensor/print.ts'
import {
  type Takes,
  bool,
  isTensor,
  keyword,
  nothingMore,
  optional,
  required,
  signature,
  str,
  tensor,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { ModuleDict } from './collections.ts'
import { classOf, compute, computedAs, maybeName, moduleKind, moduleParameter, stopComputing } from './computed.ts'
import { ModuleList } from './container.ts'
import { buffersOf, getProperty, setProperty } from './members.ts'
import type { Module } from './module.ts'
import { camelCase, snakeCase } from './names.ts'
import { Parameter } from './parameter.ts'

const kind = 'parametrization'
type Parametrization = Module & { rightInverse?(value: Tensor): Tensor }

/** The modules that compute a tensor, one after the other, and the tensor that they begin with. */
export class ParametrizationList extends ModuleList {
  original: Tensor
  unsafe: boolean

  constructor(modules: readonly Module[], original: Tensor, unsafe = false) {
    super(modules)
    this.unsafe = unsafe
    this.original = original
    if (!(original instanceof Parameter)) this.registerBuffer('original', original)
  }

  override forward(): Tensor {
    const known = cache?.get(this)
    if (known !== undefined) return known
    let x: Tensor = this.original
    for (const module of this) x = module.forward(x)
    cache?.set(this, x)
    return x
  }

  /** Changes the original so that it gives a value, by the modules' own `rightInverse`. */
  rightInverse(...args: [value: Tensor]): void {
    const [value] = takesValue(args)
    const before = inverse([...this] as Parametrization[], value, true)
    this.original.data = before.data
  }
}
const takesValue = signature('right_inverse', required('value', tensor))
let cache: Map<ParametrizationList, Tensor> | undefined

/**
 * What modules begin with to give a value; those without a `rightInverse`, or unless `strict` with one that is not
 * implemented, count as the identity.
 */
function inverse(modules: readonly Parametrization[], value: Tensor, strict = false): Tensor {
  return noGrad(() => {
    let x: unknown = value
    for (const module of [...modules].reverse()) {
      if (typeof module.rightInverse !== 'function') continue
      try {
        x = module.rightInverse(x as Tensor)
      } catch (error) {
        if (strict || !(error instanceof NotImplementedError)) throw error
      }
      if (!isTensor(x)) {
        throw new ValueError(
          `'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). Got ${typeName(x)}`,
          'Several tensors are not supported.',
        )
      }
    }
    return x as Tensor
  })
}

/** Throws if a parametrization gives no tensor, or one of another dtype or shape. */
function checkSame(before: Tensor, after: unknown): void {
  if (!isTensor(after)) throw new ValueError(`A parametrization must return a tensor. Got ${kindOf(after)}.`)
  const changed = (what: string, from: string, to: string): ValueError =>
    new ValueError(
      `Registering a parametrization may not change the ${what} of the tensor, unless \`unsafe\` flag is enabled.\nunparametrized ${what}: ${from}\nparametrized ${what}: ${to}`,
    )
  if (after.dtype !== before.dtype) throw changed('dtype', `torch.${before.dtype}`, `torch.${after.dtype}`)
  if (!sameShape(after.sizes, before.sizes)) throw changed('shape', formatSize(before.sizes), formatSize(after.sizes))
}

type Lists = Module & { get(name: string): ParametrizationList | null }
const listsOf = (module: Module): Lists | undefined => getProperty(module, 'parametrizations') as Lists | undefined
const listOf = (module: Module, property: string): ParametrizationList =>
  listsOf(module)?.get(snakeCase(property)) as ParametrizationList

const tensorName = required('tensorName', str)
const readRegister = signature(
  'register_parametrization',
  moduleParameter,
  tensorName,
  required('parametrization', moduleKind),
  keyword('unsafe', bool, false),
)
/**
 * Replaces a parameter or buffer by what a module of your own computes from it; several follow each other. What is
 * trained is `module.parametrizations.weight.original`. With a method `rightInverse` in that module, the tensor can be
 * set. Returns the module.
 *
 * Throws a ValueError for a name that is none, and for another shape or dtype unless `unsafe`; nothing has changed then.
 *
 * @example
 * class Positive extends nn.Module {
 *   override forward(x: Tensor) {
 *     return x.exp()
 *   }
 * }
 * const layer = nn.utils.parametrize.registerParametrization(new nn.Linear(3, 2), 'weight', new Positive())
 * layer.weight.gt(0).all() // tensor(True)
 */
export function registerParametrization<M extends Module>(
  ...args: Takes<
    [module: M, tensorName: string, parametrization: Module],
    'module tensorName parametrization',
    [options?: { readonly unsafe?: boolean }]
  >
): M {
  const [module, name, parametrization, unsafe] = readRegister(args)
  const property = camelCase(name)
  if (computedAs(module, property)?.kind === kind) {
    const list = listOf(module, property)
    if (!unsafe) {
      const now = list.forward()
      const next: unknown = noGrad(() => parametrization.forward(now))
      checkSame(now, next)
      const { rightInverse } = parametrization as Parametrization
      if (typeof rightInverse === 'function') checkSame(now, inverse([parametrization], next as Tensor))
    }
    list.append(parametrization)
    list.unsafe ||= unsafe
    return module as M
  }
  const original = getProperty(module, property)
  const isBuffer = module[buffersOf]?.has(property) === true
  if (!(original instanceof Parameter) && !(isBuffer && isTensor(original))) {
    throw new ValueError(
      `Module '${module}' does not have a parameter, a buffer, or a parametrized element with name '${name}'`,
    )
  }
  const before = original.data
  const first = inverse([parametrization], original)
  if (first.dtype !== original.dtype) {
    throw new ValueError(
      `When \`right_inverse\` outputs one tensor, it may not change the dtype.\noriginal.dtype: ${dtypeName[original.dtype]}\nright_inverse(original).dtype: ${dtypeName[first.dtype]}`,
    )
  }
  if (!unsafe)
    checkSame(
      before,
      noGrad(() => parametrization.forward(first)),
    )
  if (first !== original) original.data = first.data
  compute(module, property, {
    kind,
    read: (own) => listOf(own, property).forward(),
    write: (own, value) => listOf(own, property).rightInverse(value),
  })
  if (listsOf(module) === undefined) setProperty(module, 'parametrizations', new ModuleDict())
  const lists = listsOf(module) as unknown as ModuleDict
  lists.set(snakeCase(property), new ParametrizationList([parametrization], original, unsafe))
  return module as M
}

interface TensorName {
  readonly tensorName?: string | null
}
const readIs = signature('is_parametrized', moduleParameter, maybeName)
/** Whether a tensor of a module, or any, is computed by parametrizations. */
export function isParametrized(...args: [module: Module, tensorName?: string | null | TensorName]): boolean {
  const [module, name] = readIs(args)
  const lists = listsOf(module)
  if (lists === undefined) return false
  return name === null || computedAs(module, camelCase(name))?.kind === kind
}

const readRemove = signature(
  'remove_parametrizations',
  moduleParameter,
  tensorName,
  optional('leaveParametrized', bool, true),
)
/**
 * Makes a parametrized tensor a parameter or buffer again: with its present elements, or with the original ones if
 * `leaveParametrized` is false. Returns the module.
 *
 * Throws a ValueError for a tensor that is not parametrized.
 */
export function removeParametrizations<M extends Module>(
  ...args: Takes<
    [module: M, tensorName: string],
    'module tensorName',
    [leaveParametrized?: boolean | { readonly leaveParametrized?: boolean }]
  >
): M {
  const [module, name, leave] = readRemove(args)
  const property = camelCase(name)
  if (computedAs(module, property)?.kind !== kind)
    throw new ValueError(`Module ${module} does not have a parametrization on ${name}`)
  const { original } = listOf(module, property)
  const value = noGrad(() => getProperty(module, property) as Tensor)
  if (leave) original.data = value.data
  stopComputing(module, property)
  const lists = listsOf(module) as unknown as ModuleDict
  lists.pop(snakeCase(property))
  if (lists.length === 0) Reflect.deleteProperty(module, 'parametrizations')
  if (original instanceof Parameter) setProperty(module, property, original)
  else module.registerBuffer(property, original)
  return module as M
}

/**
 * Calls a function in which each parametrized tensor is computed once, however often it is read.
 *
 * @example
 * nn.utils.parametrize.cached(() => model.forward(x))
 */
export function cached<T>(fn: () => T, ...none: []): T {
  checkCallable('cached', fn)
  nothingMore('cached', none)
  const before = cache
  cache ??= new Map()
  try {
    return fn()
  } finally {
    cache = before
  }
}

const readType = signature('type_before_parametrizations', moduleParameter)
/** The class of a module before a tensor of it was parametrized. */
export function typeBeforeParametrizations(...args: [module: Module]): new (...args: never) => Module {
  const [module] = readType(args)
  return classOf(module)
}

const readTransfer = signature(
  'transfer_parametrizations_and_params',
  required('fromModule', moduleKind),
  required('toModule', moduleKind),
  maybeName,
)
/**
 * Parametrizes tensors of a second module as those of the first one are, all or the named one; both share what is
 * trained. Returns the second module.
 *
 * Throws a KeyError for a tensor that is not parametrized.
 */
export function transferParametrizationsAndParams<M extends Module>(
  ...args: Takes<[fromModule: Module, toModule: M], 'fromModule toModule', [tensorName?: string | null | TensorName]>
): M {
  const [from, to, only] = readTransfer(args)
  const lists = listsOf(from)
  const names = lists === undefined ? [] : only === null ? [...(lists as unknown as ModuleDict).keys()] : [only]
  for (const name of names)
    if (!(lists as Lists).get(snakeCase(name))) throw new KeyError(`'${name}'`, 'It is not parametrized.')
  for (const name of names) {
    const property = camelCase(name)
    const list = listOf(from, property)
    if (getProperty(to, property) === undefined)
      setProperty(to, property, new Parameter((getProperty(from, property) as Tensor).detach()))
    for (const module of list) registerParametrization(to, name, module)
    listOf(to, property).original = list.original
  }
  return to as M
}
