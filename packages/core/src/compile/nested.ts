// Nested values: the arguments and results of compiled steps are tensors in arrays and plain objects. A value is
// analysed once into slots that describe its structure; other values are compared with the slots, and results are built
// from them.
import { RuntimeError } from '../base/errors.ts'
import { isContiguous, type Layout } from '../base/layout.ts'
import { sameShape } from '../base/shape.ts'
import type { DType } from '../base/dtype.ts'
import type { Device } from '../tensor/device.ts'
import { mode } from '../tensor/mode.ts'
import { isTensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** The properties that a tensor must share to replace another. */
export interface Described extends Layout {
  readonly dtype: DType
  readonly device: Device
  /** A leaf that requires a gradient is passed itself, so its layout counts too. */
  readonly leaf: boolean
  /** The gradient hooks of such a leaf. */
  readonly hooks: unknown
}

/** A part of a nested value. A tensor that occurs twice has one number, `at`. */
export type Slot =
  | { readonly kind: 'tensor'; readonly at: number; readonly path: string; readonly like: Described }
  | { readonly kind: 'list'; readonly path: string; readonly items: readonly Slot[] }
  | {
      readonly kind: 'object'
      readonly path: string
      readonly keys: readonly string[]
      readonly items: readonly Slot[]
    }
  | { readonly kind: 'value'; readonly path: string; readonly value: unknown }

/** Handles a value that is neither a tensor nor a list or record. */
export type Other = (value: unknown, path: string) => void

export const isPlainObject = (x: unknown): x is Readonly<Record<string, unknown>> => {
  if (typeof x !== 'object' || x === null) return false
  const prototype = Object.getPrototypeOf(x)
  return prototype === Object.prototype || prototype === null
}

const hooksOf = (x: Tensor): unknown => x.accumulator?.hooks ?? null

const describe = (x: Tensor): Described => {
  const { sizes, strides, offset, dtype, storage, leafRequiresGrad: leaf } = x
  return { sizes, strides, offset, dtype, device: storage.device, leaf, hooks: hooksOf(x) }
}

/** The slots of a value nested in those `above`; its tensors are added to `tensors`, each once. */
export function slotOf(
  x: unknown,
  path: string,
  tensors: Tensor[],
  other: Other,
  above: readonly unknown[] = [],
): Slot {
  if (isTensor(x)) {
    let at = tensors.indexOf(x)
    if (at < 0) at = tensors.push(x) - 1
    return { kind: 'tensor', at, path, like: describe(x) }
  }
  const within = [...above, x]
  const part = (item: unknown, at: string): Slot => slotOf(item, path + at, tensors, other, within)
  if (above.includes(x) && typeof x === 'object' && x !== null) {
    throw new RuntimeError(
      `${path} of a compiled step contains itself`,
      'Pass tensors, and arrays and plain objects of them.',
    )
  }
  if (Array.isArray(x)) return { kind: 'list', path, items: Array.from(x, (item, i) => part(item, `[${i}]`)) }
  if (isPlainObject(x)) {
    const keys = Object.keys(x)
    return { kind: 'object', path, keys, items: keys.map((key) => part(x[key], `.${key}`)) }
  }
  other(x, path)
  return { kind: 'value', path, value: x }
}

const sameStrides = (a: Layout, b: Layout): boolean => a.offset === b.offset && sameShape(a.strides, b.strides)

/** Whether a tensor is a non-leaf that gradients flow through, which a step could not continue. */
export const isResult = (x: Tensor): boolean => mode.grad && !x.leafRequiresGrad && x.requiresGrad

function fits(like: Described, x: Tensor): boolean {
  if (like.dtype !== x.dtype || like.device !== x.storage.device || like.leaf !== x.leafRequiresGrad) return false
  if (!sameShape(like.sizes, x.sizes)) return false
  return like.leaf ? sameStrides(like, x) && like.hooks === hooksOf(x) : !isResult(x)
}

/** Whether a value has the structure of a slot; its tensors are added to `tensors`. */
export function matches(slot: Slot, x: unknown, tensors: Tensor[]): boolean {
  if (slot.kind === 'tensor') {
    if (!isTensor(x)) return false
    const known = tensors.indexOf(x)
    if (slot.at < tensors.length || known >= 0) return slot.at === known
    tensors.push(x)
    return fits(slot.like, x)
  }
  if (slot.kind === 'value') return Object.is(slot.value, x)
  const { items } = slot
  if (slot.kind === 'list') {
    if (!Array.isArray(x) || x.length !== items.length) return false
    for (let i = 0; i < items.length; i++) if (!matches(items[i], x[i], tensors)) return false
    return true
  }
  const { keys } = slot
  if (!isPlainObject(x) || Object.keys(x).length !== keys.length) return false
  for (let i = 0; i < keys.length; i++) {
    if (!Object.hasOwn(x, keys[i]) || !matches(items[i], x[keys[i]], tensors)) return false
  }
  return true
}

/** The value of a slot, with these tensors. */
export function build(slot: Slot, tensors: readonly Tensor[]): unknown {
  if (slot.kind === 'tensor') return tensors[slot.at]
  if (slot.kind === 'value') return slot.value
  const { items } = slot
  if (slot.kind === 'list') {
    const list = new Array<unknown>(items.length)
    for (let i = 0; i < items.length; i++) list[i] = build(items[i], tensors)
    return list
  }
  const record: Record<string, unknown> = {}
  for (let i = 0; i < items.length; i++) record[slot.keys[i]] = build(items[i], tensors)
  return record
}

const layoutText = (x: Described): string => (x.leaf && !isContiguous(x) ? `, strides [${x.strides.join(', ')}]` : '')

const slotText = (slot: Slot): string => {
  if (slot.kind === 'list') return `a list of ${slot.items.length}`
  if (slot.kind === 'object') return `an object of ${slot.keys.join(', ') || 'nothing'}`
  if (slot.kind === 'value') return typeof slot.value === 'string' ? JSON.stringify(slot.value) : String(slot.value)
  const { like } = slot
  return `${like.dtype}[${like.sizes.join(', ')}]${like.leaf ? ' that requires grad' : ''}${layoutText(like)}`
}

/** The first difference between two slots in words; null if they have the same structure. */
export function slotDifference(a: Slot, b: Slot): string | null {
  const differ = `${a.path} was ${slotText(a)}, then ${slotText(b)}`
  if (a.kind === 'list' || a.kind === 'object') {
    if (slotText(a) !== slotText(b)) return differ
    const others = (b as typeof a).items
    for (let i = 0; i < a.items.length; i++) {
      const found = slotDifference(a.items[i], others[i])
      if (found !== null) return found
    }
    return null
  }
  if (slotText(a) !== slotText(b)) return differ
  if (a.kind !== 'tensor' || a.at === (b as typeof a).at) return null
  return `${a.path} was once the same tensor as another, and once not`
}

/** Throws the error for a step's result that is not a tensor. */
export const noTensor: Other = (x, path) => {
  if (x === null || x === undefined) return
  const kind = typeof x === 'object' ? `a ${x.constructor?.name ?? 'object'}` : `a ${typeof x}`
  throw new RuntimeError(
    `a compiled step must return tensors, or arrays or objects of tensors, but ${path} is ${kind}`,
    x instanceof Promise
      ? 'A step is synchronous: make the function not async.'
      : 'Return the tensor itself and call item() outside.',
  )
}

/** Throws the error for an argument that a recording can neither hold nor compare. */
export const noArgument: Other = (x, path) => {
  const kind = typeof x
  if (x === null || (kind !== 'object' && kind !== 'function' && kind !== 'symbol')) return
  const what = kind === 'object' ? `a ${(x as object).constructor?.name ?? 'object'}` : `a ${kind}`
  throw new RuntimeError(
    `a compiled step takes tensors, numbers, strings, and arrays or objects of these, but ${path} is ${what}`,
    'Let the step use it from outside (captured) instead of passing it.',
  )
}
