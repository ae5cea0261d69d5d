// Common parts of the tests of wrong arguments: valid values of every kind, the checks' view of core, and the list of
// calls.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { nn, optim, Tensor, tensor } from '@flambeau/core'
import { registerGpus } from './gpus.ts'
import { at, by, type Entry, type House, type Param, wrongValues } from '../../../tools/test/door.ts'

core.useDevice(js())
// biome-ignore lint/suspicious/noExplicitAny: functions are called with invalid arguments
export type Any = any

/** The index, for computed names. */
export const all: Any = core

// ---- valid values ----

export const T = (): Tensor =>
  tensor([
    [0.25, 0.5],
    [0.75, 0.5],
  ])
export const row = (): Tensor => tensor([0.25, 0.75])
export const whole = (): Tensor => tensor([[0, 1]], { dtype: 'int32' })
export const indices = (): Tensor => tensor([0, 1], { dtype: 'int32' })
export const mask = (): Tensor =>
  tensor([
    [true, false],
    [false, true],
  ])
export const leaf = (): Tensor => tensor([1, 2], { requiresGrad: true })
export const squared = (): Tensor => leaf().square().sum()
export const parameter = (): Tensor => {
  const p = leaf()
  p.grad = tensor([1, 2])
  return p
}
const freed = (): Tensor => {
  const x = T()
  x.dispose()
  return x
}
const own: Any = js()
const named = (name: string | symbol): unknown =>
  name === 'name' ? 'other' : typeof own[name] === 'function' ? own[name].bind(own) : own[name]
core.registerDevice(new Proxy(own, { get: (_, name) => named(name) }))
registerGpus(1)

// ---- the package under test ----

const errors = Object.values(core).filter((x) => typeof x === 'function' && x.prototype instanceof Error) as Any[]
const stateOf = (value: unknown): string => {
  if (Array.isArray(value))
    return value
      .slice(0, 3)
      .map((x) => (x === value ? 'itself' : stateOf(x)))
      .join(' ')
  if (value instanceof nn.Module) {
    const tensors = [...value.stateDict(), ...value.namedParameters()].map(([key, x]) => `${key} ${stateOf(x)}`)
    return `${value} ${Object.keys(value)} ${value.modules().map((x) => x.training)} ${tensors}`
  }
  if (value instanceof optim.Optimizer) {
    const params = value.paramGroups.flatMap((group) => group.params)
    return `${value} ${params.map(stateOf)} ${[...value.state.values()].map((x) => Object.values(x).map(stateOf))}`
  }
  if (value instanceof optim.lrScheduler.LRScheduler || value instanceof optim.lrScheduler.ReduceLROnPlateau)
    return JSON.stringify(value.stateDict())
  if (value instanceof core.Generator) return String(value.getState())
  if (!(value instanceof Tensor) || value.storage === undefined || value.storage.freed) return ''
  const { shape, dtype, version, requiresGrad } = value
  return `${shape} ${dtype} ${version} ${requiresGrad} ${value.grad && stateOf(value.grad)} ${value.detach().toArray()}`
}
const hasNaN = (result: unknown): boolean => {
  if (result instanceof Tensor)
    return (
      !result.shape.every(Number.isSafeInteger) ||
      (result.elements < 1e6 && result.detach().toArray().some(Number.isNaN))
    )
  if (Array.isArray(result)) return result.some(hasNaN)
  return Number.isNaN(result)
}
export const house: House = {
  wrong: wrongValues({
    'a tensor that was disposed of': freed,
    'a tensor of another device': () => tensor(1, { device: 'other' }),
    'a tensor of booleans': mask,
    'a tensor of another shape': () => core.ones(3, 5),
    'an empty tensor': () => core.ones(0),
  }).concat([
    { name: 'a tensor without memory', value: () => Object.create(Tensor.prototype), fits: ['copied'] },
    { name: 'a module', value: () => new nn.Identity(), fits: ['module', 'any', 'copied', 'dict'] },
  ]),
  isOurs: (error) => errors.some((type) => error instanceof type),
  stateOf,
  hasNaN,
}

// ---- the entries ----

export const self = at('input', 'tensor', T)
export const dims = at('dim', 'dims?|null', 0)
export const dim = at('dim', 'int?', 0)
export const oneDim = at('dim', 'int?|null', 0)
export const keepdim = at('keepdim', 'bool?', true)
export const dtype = by('dtype', 'dtype?', 'float64')
export const device = by('device', 'device?', 'js')
export const requiresGrad = by('requiresGrad', 'bool?', false)
export const made = [dtype, device, requiresGrad]
export const generator = by('generator', 'generator?|null', () => new core.Generator())
export const size = at('size', 'size', () => [2, 2])
export const index = at('index', 'tensor', whole)

/** The calls, by name. */
export const entries = new Map<string, Entry>()
export const covered = new Set<unknown>()
/** Names without an entry, and why. */
export const exempt = new Map<string, string>()

export function add(name: string, fn: unknown, params: readonly Param[], rest: Partial<Entry> = {}): void {
  covered.add(fn)
  entries.set(name, { fn: fn as Any, params, ...rest })
}
/** A function of the op table: as a function, as a method, and in place where it has such a form. */
export function op(name: string, params: readonly Param[], rest: Partial<Entry> = {}): void {
  const table = core as Any
  const fn = table[name]
  if (fn !== undefined) add(name, fn, params, rest)
  const [first, ...more] = params
  if (first === undefined || first.kind === 'list') return
  for (const form of [name, `${name}_`]) {
    const own = (Tensor.prototype as Any)[form]
    if (own === undefined || (form !== name && form in table)) continue
    covered.add(own)
    const onSelf = (...args: unknown[]): unknown => (first.good() as Any)[form](...args)
    entries.set(`x.${form}`, { fn: onSelf, params: more, ...rest })
  }
}
export const each = (names: string, ...params: readonly Param[]): void => {
  for (const name of names.split(' ')) op(name, params)
}
export const both = (name: string, ...params: readonly Param[]): void => op(name, [self, ...params])
/** A method of an object, which is created for every call. */
export function on<X>(name: string, make: () => X, params: readonly Param[], rest: Partial<Entry> = {}): void {
  const key = name.slice(name.indexOf('.') + 1)
  const set = key.endsWith(' =') ? key.slice(0, -2) : undefined
  const fn = (x: Any, ...args: unknown[]): unknown => {
    if (set === undefined) return x[key](...args)
    x[set] = args[0]
    return undefined
  }
  entries.set(name, { fn: fn as Any, on: make, params, ...(set === undefined ? {} : { open: true }), ...rest })
}
/** A class: its constructor. */
export const made_ = (name: string, type: unknown, params: readonly Param[], rest: Partial<Entry> = {}): void => {
  covered.add(type)
  entries.set(`new ${name}`, { fn: (...args: unknown[]) => new (type as Any)(...args), params, ...rest })
}
