// Calls of a module with other tensors in place of its own: nn.utils.stateless.
import { className } from '../base/class-name.ts'
import { AttributeError, TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import {
  anything,
  isOptions,
  isTensor,
  type Kind,
  nullable,
  optional,
  required,
  signature,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { itemsOf } from './collections.ts'
import { moduleParameter } from './computed.ts'
import { keyOf } from './held.ts'
import type { Module } from './module.ts'
import { ownerOf } from './module-arguments.ts'
import { camelCase } from './names.ts'

type Tensors = ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>
const options: Kind<Readonly<Record<string, unknown>>> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && isOptions(x),
}
const readCall = signature(
  'functional_call',
  moduleParameter,
  required('parametersAndBuffers', anything),
  optional('args', anything, []),
  optional('kwargs', nullable(options), null),
)

/** Sets a member for a while, whatever kind of member it is; the result sets it back. */
function swapped(module: Module, path: string, value: Tensor): () => void {
  const [owner, name] = ownerOf(module, path)
  let holder = owner as unknown as Record<string, unknown>
  const [first, ...rest] = name.split('.')
  let property = first in holder ? first : camelCase(first)
  for (const next of rest) {
    holder = (Object.hasOwn(holder, property) ? holder[property] : {}) as Record<string, unknown>
    property = next
  }
  if (!(property in holder))
    throw new AttributeError(`'${className(owner.constructor)}' object has no attribute '${first}'`)
  const items = (holder as { [itemsOf]?: Readonly<Record<string, unknown>> })[itemsOf]
  if (items !== undefined) {
    Object.assign(holder, { [itemsOf]: { ...items, [property]: value } })
    return () => void Object.assign(holder, { [itemsOf]: items })
  }
  const key = keyOf(holder, property)
  const before = Object.getOwnPropertyDescriptor(holder, key)
  Object.defineProperty(holder, key, { value, writable: true, enumerable: key === property, configurable: true })
  return () =>
    before === undefined ? void Reflect.deleteProperty(holder, key) : void Object.defineProperty(holder, key, before)
}

/**
 * Calls a module with other tensors in place of its parameters and buffers, by their names in state dicts; gradients flow
 * to these tensors. `args` is one argument or a list of them; `kwargs` is passed behind them.
 *
 * Throws an AttributeError for a name that the module does not have; the module has its own tensors again afterwards.
 *
 * @example
 * const layer = new nn.Linear(1, 1)
 * nn.utils.stateless.functionalCall(layer, { weight: ones(1, 1), bias: zeros(1) }, tensor([[5]])) // tensor([[5.]])
 */
export function functionalCall<M extends Module>(
  ...args: [module: M, parametersAndBuffers: Tensors, args?: unknown, kwargs?: Readonly<Record<string, unknown>> | null]
): ReturnType<M['forward']> {
  const [module, given, inputs, kwargs] = readCall(args)
  if (typeof given !== 'object' || given === null || !(given instanceof Map || isOptions(given))) {
    throw new TypeError(
      `functional_call(): argument 'parameters_and_buffers' must be dict, not ${typeName(given)}`,
      'Pass an object or a Map of tensors by name.',
    )
  }
  const entries: [string, unknown][] = given instanceof Map ? [...given] : Object.entries(given)
  const restores: (() => void)[] = []
  try {
    for (const [path, value] of entries) {
      if (!isTensor(value)) {
        throw new TypeError(
          `functional_call(): argument 'parameters_and_buffers' must have Tensors, but '${path}' is ${kindOf(value)}`,
        )
      }
      restores.push(swapped(module, path, value))
    }
    const list = Array.isArray(inputs) ? inputs : [inputs]
    return module.forward(...list, ...(kwargs === null ? [] : [kwargs])) as ReturnType<M['forward']>
  } finally {
    for (const back of restores.reverse()) back()
  }
}
