// Tensors of a module that are computed from others: weight normalisation, pruning and parametrizations. They are
// accessors of an object between the instance and its class, so they are no members, a copy has them too, and whoever
// reads `module.weight` gets the present value.
import { className } from '../base/class-name.ts'
import { AttributeError, ValueError } from '../base/errors.ts'
import { nullable, type Parameter as Declared, optional, required, str, tensor } from '../tensor/signature.ts'
import { instance, type Kind } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { release } from './held.ts'
import { getProperty, setProperty } from './members.ts'
import { Module } from './module.ts'
import { camelCase } from './names.ts'
import { Parameter } from './parameter.ts'

/** How one tensor is computed; of one kind there is at most one a name. */
export interface Computed {
  readonly kind: string
  /** What decides how, if that is an object of the user's. */
  readonly by?: object
  readonly read: (module: Module) => Tensor
  readonly write?: (module: Module, value: Tensor) => void
}

const computedOf: unique symbol = Symbol('computed')
type Layer = object & { readonly [computedOf]: ReadonlyMap<string, Computed> }
const none: ReadonlyMap<string, Computed> = new Map()

const layerOf = (module: Module): Layer | null => {
  const prototype: object = Object.getPrototypeOf(module)
  return Object.hasOwn(prototype, computedOf) ? (prototype as Layer) : null
}
/** All that is computed of a module, by property. */
export const allComputed = (module: Module): ReadonlyMap<string, Computed> => layerOf(module)?.[computedOf] ?? none

/** The class of a module, whatever of it is computed. */
export const classOf = (module: Module): (new (...args: never) => Module) =>
  (Object.getPrototypeOf(layerOf(module) ?? module) as Module).constructor as new (
    ...args: never[]
  ) => Module

/** How a property is computed; undefined if it is not. */
export const computedAs = (module: Module, property: string): Computed | undefined => allComputed(module).get(property)

/** Gives a module a new layer of accessors, because copies of the module share the old one. */
function setAll(module: Module, computed: ReadonlyMap<string, Computed>): void {
  const old = layerOf(module)
  const base: object = Object.getPrototypeOf(old ?? module)
  if (computed.size === 0) return void Object.setPrototypeOf(module, base)
  const layer = Object.create(base, { [computedOf]: { value: computed } }) as object
  for (const [property, { read, write }] of computed) {
    Object.defineProperty(layer, property, {
      get(this: Module) {
        return read(this)
      },
      set(this: Module, value: Tensor) {
        if (write === undefined) throw new AttributeError(`can't set attribute '${property}'`, 'It is computed.')
        write(this, value)
      },
    })
  }
  if ([...computed.values()].some(({ write }) => write !== undefined)) {
    const own = (base as Module).constructor
    const named = () => {}
    Object.defineProperty(named, 'name', { value: `Parametrized${className(own)}` })
    Object.defineProperty(layer, 'constructor', { value: named })
  }
  Object.setPrototypeOf(module, layer)
}

/** Replaces a tensor of a module by one that is computed. */
export function compute(module: Module, property: string, computed: Computed): void {
  release(module, property)
  setAll(module, new Map([...allComputed(module), [property, computed]]))
}

/** Stops computing a tensor; the caller sets it again. */
export function stopComputing(module: Module, property: string): void {
  setAll(module, new Map([...allComputed(module)].filter(([other]) => other !== property)))
}

/** The module's tensor of that name, or PyTorch's error. */
export function tensorOf(module: Module, name: string): Tensor {
  const found = getProperty(module, camelCase(name))
  if (tensor.accepts(found)) return found as Tensor
  throw new AttributeError(`'${className(module.constructor)}' object has no attribute '${name}'`)
}

export const moduleKind: Kind<Module> = instance(Module, 'Module')
export const moduleParameter: Declared<Module> = required('module', moduleKind)
export const nameParameter: Declared<string> = optional('name', str, 'weight')
export const maybeName: Declared<string | null> = optional('tensorName', nullable(str), null)

/** Makes a computed tensor a parameter again, with its present or with the given elements. */
export function restore(module: Module, property: string, value: Tensor, ...parts: readonly string[]): void {
  stopComputing(module, property)
  for (const part of parts) release(module, part)
  setProperty(module, property, value instanceof Parameter ? value : new Parameter(value))
}

/** PyTorch's error if a tensor is not computed in that way. */
export function checkComputed(module: Module, name: string, kind: string): void {
  if (computedAs(module, camelCase(name))?.kind !== kind)
    throw new ValueError(`${kind} of '${name}' not found in ${module}`)
}
