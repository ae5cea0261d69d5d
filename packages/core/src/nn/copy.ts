// Deep copies, like Python's `copy.deepcopy`, of tensors, state dicts, modules, and arrays, maps and objects of them.
// Objects shared within the original are shared within the copy.
import { RuntimeError } from '../base/errors.ts'
import { clone } from '../ops/views/views.ts'
import { noGrad } from '../tensor/mode.ts'
import { isTensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Parameter } from './parameter.ts'
import { StateDict } from './state-dict.ts'
import { isUninitialized, uninitializedLike } from './uninitialized.ts'

/** The method by which a class defines how its instances are copied. */
export const copyWith: unique symbol = Symbol('deepCopy')
export type Memo = Map<object, unknown>

/**
 * Returns a copy that shares no memory with the original. Functions and objects of unknown classes stay shared.
 *
 * Throws a RuntimeError for a tensor with a history.
 *
 * @example
 * const best = deepCopy(model.stateDict())
 */
export const deepCopy = <T>(value: T): T => copyOf(value, new Map())

/** `deepCopy` of a member; objects in `memo` are not copied again. */
export function copyOf<T>(value: T, memo: Memo): T {
  if (typeof value !== 'object' || value === null) return value
  const known = memo.get(value)
  if (known !== undefined) return known as T
  return copyObject(value, memo) as T
}

function copyObject(value: object, memo: Memo): unknown {
  const remember = <C extends object>(copy: C): C => {
    memo.set(value, copy)
    return copy
  }
  if (isTensor(value)) return isUninitialized(value) ? remember(uninitializedLike(value)) : copyTensor(value, memo)
  if (copyWith in value) return (value[copyWith] as (memo: Memo) => unknown)(memo)
  if (Array.isArray(value)) {
    const copy = remember(new Array<unknown>(value.length))
    value.forEach((item, i) => void (copy[i] = copyOf(item, memo)))
    return copy
  }
  if (value instanceof Map) {
    const copy = remember(value instanceof StateDict ? new StateDict() : new Map())
    for (const [key, item] of value) copy.set(copyOf(key, memo), copyOf(item, memo))
    if (copy instanceof StateDict) copy.versions = (value as StateDict).versions
    return copy
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy = remember(Object.create(prototype) as Record<string, unknown>)
  for (const [key, item] of Object.entries(value)) copy[key] = copyOf(item, memo)
  return copy
}

function copyTensor(x: Tensor, memo: Memo): Tensor {
  if (!x.isLeaf) {
    throw new RuntimeError(
      'Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment',
      'Copy its elements instead: x.detach().clone().',
    )
  }
  const elements = noGrad(() => clone(x))
  const isParameter = x instanceof Parameter
  const copy = isParameter ? new Parameter(elements, x.requiresGrad) : elements.setRequiresGrad(x.requiresGrad)
  memo.set(x, copy)
  // As in PyTorch, the copy of a parameter starts without a gradient; that of another leaf keeps it.
  if (!isParameter && x.grad !== null) copy.collect(copyOf(x.grad, memo))
  return copy
}

/** A copy of an instance with the same prototype, property by property. */
export function copyInstance<T extends object>(value: T, memo: Memo): T {
  const copy = Object.create(Object.getPrototypeOf(value)) as T
  memo.set(value, copy)
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor
    if ('value' in property) property.value = copyOf(property.value, memo)
    Object.defineProperty(copy, key, property)
  }
  return copy
}
