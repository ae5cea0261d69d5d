// Moves modules, optimizers and tensors to another device or dtype: everything is moved before the first of them
// changes.
import { checkDType, type DType, type DTypeWord, isDTypeWord, isFloat } from '../base/dtype.ts'
import { TypeError } from '../base/errors.ts'
import { notFloat } from '../base/remedies.ts'
import { to } from '../ops/create/convert.ts'
import { empty } from '../ops/create/create.ts'
import { effects } from '../tensor/effects.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  device as deviceKind,
  dtype as dtypeKind,
  isOptions,
  isTensor,
  keyword,
  refused,
  required,
  signature,
  str,
} from '../tensor/signature.ts'
import { checkAlive, kindOf, type Tensor } from '../tensor/tensor.ts'
import { isUninitialized, uninitializedLike } from './uninitialized.ts'

/** The target of a move: a dtype, a device, or both. */
export interface To {
  readonly dtype?: DTypeWord
  readonly device?: string
}

/** Returns the moved tensor, the same one for the same argument. */
export type Move = (x: Tensor) => Tensor

/** The method by which modules and optimizers move their tensors, and return a function that stores them. */
export const movedBy: unique symbol = Symbol('movedBy')

const toOptions = signature('to', keyword('dtype', dtypeKind, undefined), keyword('device', deviceKind, undefined))
function readTarget(target: unknown, what: string): ReturnType<typeof toOptions> {
  if (typeof target === 'string') return isDTypeWord(target) ? [checkDType(target), undefined] : [undefined, target]
  if (typeof target === 'object' && target !== null && isOptions(target)) return toOptions([target])
  throw refused(what, required('target', { ...str, hint: 'Pass a dtype, a device, or { dtype, device }.' }), 1, target)
}

/** A function that moves tensors to a target; integer tensors keep their dtype. `what` names the call in errors. */
export function moverTo(target: DTypeWord | string | To, what: string): Move {
  const [dtype, device] = readTarget(target, what)
  if (dtype !== undefined && !isFloat(dtype)) {
    throw new TypeError(`${what} only accepts floating point or complex dtypes, but got desired dtype=torch.${dtype}`)
  }
  return moverBy((x) =>
    to(x, { dtype: dtype !== undefined && isFloat(x.dtype) ? dtype : x.dtype, device: device ?? x.device }),
  )
}

/** A function that moves tensors as `move` does, each once. */
export function moverBy(move: Move): Move {
  const moved = new Map<Tensor, Tensor>()
  return (x) => {
    const known = moved.get(x)
    if (known !== undefined) return known
    const isLazy = isUninitialized(x)
    const { dtype, device } = x
    if (!isLazy) checkAlive(x)
    // A parameter without sizes goes where an empty tensor of its kind goes.
    const there = noGrad(() => (isLazy ? uninitializedLike(x, move(empty([0], { dtype, device }))) : move(x)))
    moved.set(x, there)
    return there
  }
}

/** A module's tensor in another dtype, which parameters with gradients may not leave floating point for. */
export function typed(x: Tensor, dtype: DType): Tensor {
  if (isFloat(dtype) || !x.requiresGrad) return to(x, dtype)
  throw notFloat('Freeze the module first: module.requiresGrad_(false).')
}

/**
 * Gives a tensor the memory of another of the same shape, like PyTorch's `p.data = other`: the tensor stays the same
 * object, so an optimizer that holds it goes on using it.
 */
export function rebind(x: Tensor, to: Tensor): void {
  if (x === to) return
  const { storage, strides, offset, dtype } = to
  effects.scope?.changed(x)
  // The fields are read-only elsewhere, because a tensor must never change its memory without autograd.
  Object.assign(x, { storage, strides, offset, dtype, accumulator: null, viewOf: null })
}

/** Moves a leaf and its gradient; returns a function that stores them. */
export function moving(x: Tensor, move: Move): () => void {
  const { grad } = x
  const moved = move(x)
  const movedGrad = grad === null ? null : move(grad)
  return () => {
    rebind(x, moved)
    if (movedGrad !== grad) x.collect(movedGrad)
  }
}

/** The arguments of `moveTo`: modules, optimizers and tensors. */
export type Movable = Tensor | { [movedBy](move: Move): () => void }

/**
 * Moves models, optimizers and data in one call: to a device, or those of floating point to a dtype. Modules and
 * optimizers stay the same objects; tensors are new. Returns the arguments, moved, in order.
 *
 * Throws, with nothing moved, for an argument that cannot be moved, and for a device that is not loaded.
 *
 * @example
 * const [, , x] = moveTo('float64', model, optimizer, ones(2, 3))
 * x.dtype // 'float64'
 */
export function moveTo<T extends readonly Movable[]>(target: DTypeWord | string | To, ...things: T): T {
  const move = moverTo(target, 'moveTo')
  const changes: (() => void)[] = []
  const moved = things.map((thing, i): Movable => {
    if (isTensor(thing)) return move(thing)
    if (typeof thing !== 'object' || thing === null || !(movedBy in thing)) {
      throw new TypeError(`moveTo(): argument ${i + 2} must be Module, Optimizer or Tensor, not ${kindOf(thing)}`)
    }
    changes.push(thing[movedBy](move))
    return thing
  })
  for (const change of changes) change()
  return moved as unknown as T
}
