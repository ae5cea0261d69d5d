// Checks of a parameter's state: it must have the parameter's shape, dtype and device. They run before a step, and when
// a saved state is loaded, where dtype and device are converted.
import { AttributeError, KeyError, RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { dtypeName } from '../base/dtype.ts'
import { broadcastShapes, sameShape, shapeString } from '../base/shape.ts'
import { camelCase, snakeCase } from '../nn/names.ts'
import { to } from '../ops/create/convert.ts'
import { twoDevices } from '../tensor/device.ts'
import { isCertain } from '../tensor/dispatch.ts'
import { checkWritable } from '../tensor/in-place.ts'
import { noGrad } from '../tensor/mode.ts'
import { isTensor } from '../tensor/signature.ts'
import { checkAlive, kindOf, Tensor } from '../tensor/tensor.ts'

/** An entry of a state: a tensor like the parameter, such a tensor or null, or a count of steps. */
export type StateEntry = readonly [name: string, kind: 'tensor' | 'optional' | 'count']

export const missing = (name: string): KeyError =>
  new KeyError(`'${snakeCase(name)}'`, `The saved state has no entry ${name}.`)

export const notSubscriptable = (x: unknown): TypeError => new TypeError(`'${kindOf(x)}' object is not subscriptable`)

/** An object or a map, as an object with names in camelCase. */
export function withCamelKeys(entries: unknown): Record<string, unknown> {
  if (typeof entries !== 'object' || entries === null || entries instanceof Tensor || Array.isArray(entries))
    throw notSubscriptable(entries)
  const list: [string, unknown][] = entries instanceof Map ? [...entries] : Object.entries(entries)
  return Object.fromEntries(list.map(([key, value]) => [camelCase(String(key)), value]))
}

/** Throws the error of PyTorch's step for a state, `name`, that does not have the parameter's shape. */
function checkShape(name: string, { sizes }: Tensor, p: Tensor): void {
  if (sameShape(sizes, p.sizes)) return
  const hint = `The state ${name} has the shape ${shapeString(sizes)}, its parameter ${shapeString(p.sizes)}.`
  let broadcast = sizes
  try {
    broadcast = broadcastShapes(sizes, p.sizes)
  } catch (error) {
    throw new RuntimeError((error as Error).message.split('\n')[0], hint)
  }
  const into = sameShape(broadcast, sizes) ? p.sizes : sizes
  throw new RuntimeError(
    `output with shape ${shapeString(into)} doesn't match the broadcast shape ${shapeString(broadcast)}`,
    hint,
  )
}

const nothing: readonly never[] = []

/**
 * Throws if a step cannot update a parameter from its gradient and its state. Returns whether the device then checks
 * everything else that can fail before it writes. `owner` is the optimizer's name.
 */
export function checkParameter(
  owner: string,
  p: Tensor,
  grad: Tensor,
  state: Readonly<Record<string, unknown>> | undefined,
  entries: readonly StateEntry[],
): boolean {
  checkAlive(p)
  checkWritable(p, nothing, false)
  checkAlive(grad)
  if (grad.dtype !== p.dtype || grad.storage.device !== p.storage.device) throw elsewhere(owner, 'gradient', grad, p)
  if (!sameShape(grad.sizes, p.sizes)) checkShape('grad', grad, p)
  if (state !== undefined) {
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]
      const x = state[entry[0]]
      if (x instanceof Tensor) {
        checkAlive(x)
        if (x.dtype !== p.dtype || x.storage.device !== p.storage.device) throw elsewhere(owner, 'state', x, p)
        if (x.sizes !== p.sizes) checkShape(entry[0], x, p)
      } else checkEntry(entry[0], entry[1], x)
    }
  }
  return isCertain(p.storage.device)
}

/** Throws for an entry that must be a tensor or a count and is not. */
function checkEntry(name: string, kind: StateEntry[1], x: unknown): void {
  if (x === undefined && kind !== 'optional') throw missing(name)
  if (kind === 'count') {
    if (typeof x === 'number' && Number.isFinite(x) && x >= 0) return
    throw new ValueError(
      typeof x === 'string'
        ? `could not convert string to float: '${x}'`
        : `Invalid ${snakeCase(name)}: ${typeof x === 'number' ? x : kindOf(x)}`,
      `The state ${name} must be a number of steps.`,
    )
  }
  if (kind === 'optional' && (x === null || x === undefined)) return
  throw new AttributeError(`'${kindOf(x)}' object has no attribute 'mul_'`, `The state ${name} must be a tensor.`)
}

/** The error for a part of the optimizer that was left behind when a parameter moved. */
function elsewhere(owner: string, what: string, x: Tensor, p: Tensor): RuntimeError {
  if (x.storage.device !== p.storage.device) {
    return twoDevices(
      p.storage.device,
      x.storage.device,
      (name) =>
        `The ${what} of a parameter of ${owner} was left behind. Move it, optimizer.to('${name}'), or all at once: moveTo('${name}', model, optimizer, x, y).`,
    )
  }
  return new RuntimeError(
    `expected scalar type ${dtypeName[p.dtype]} but found ${dtypeName[x.dtype]}`,
    `A parameter of ${owner} is ${p.dtype}, its ${what} ${x.dtype}. Convert both: optimizer.to('${p.dtype}').`,
  )
}

/** A saved state, checked, with its tensors converted to the parameter's dtype and device. */
export function fittedState(saved: unknown, p: Tensor, entries: readonly StateEntry[]): Record<string, unknown> {
  const state = withCamelKeys(saved)
  for (const [name, kind] of entries) {
    const x = state[name]
    if (kind === 'count') {
      const count = isTensor(x) ? x.item() : x
      checkEntry(name, kind, count)
      state[name] = count
    } else if (isTensor(x)) checkShape(name, x, p)
    else checkEntry(name, kind, x)
  }
  const { dtype, device } = p
  for (const [name, x] of Object.entries(state)) {
    // The step counter keeps its own dtype and device.
    if (isTensor(x) && name !== 'step') state[name] = noGrad(() => to(x, { dtype, device }))
  }
  return state
}
