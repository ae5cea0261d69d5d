// Finds every value on the host beside a training step by walking the properties of modules, optimizers, schedulers,
// and their lists and maps, together with possible changes of each. New options are found automatically.
import { deepCopy, nn, noGrad, optim, type Tensor, Tensor as TensorClass } from '@flambeau/core'

/** A change of one value; worlds built alike have the same changes in the same order. */
export interface Change {
  readonly name: string
  make(): void
}

const owned = (x: object): boolean =>
  x instanceof nn.Module ||
  x instanceof optim.Optimizer ||
  x instanceof optim.lrScheduler.LRScheduler ||
  x instanceof Map ||
  Array.isArray(x) ||
  Object.getPrototypeOf(x) === Object.prototype

const altered = (x: Tensor): Tensor =>
  noGrad(() => {
    const y = x.detach().clone()
    if (y.isFloatingPoint()) y.mul_(0.5).add_(0.25)
    return x instanceof nn.Parameter ? new nn.Parameter(y) : y
  })

/** A different value of the same kind. */
function others(value: unknown): readonly (readonly [name: string, other: () => unknown])[] {
  if (typeof value === 'boolean') return [[String(!value), () => !value]]
  if (typeof value === 'number') {
    const numbers = value === 0 ? [0.125] : [0, value / 2]
    return numbers.map((x) => [String(x), () => x])
  }
  if (value === 'mean' || value === 'sum') return [['another reduction', () => (value === 'mean' ? 'sum' : 'mean')]]
  if (value === null) return [['0.25', () => 0.25]]
  if (value instanceof TensorClass) return [['another tensor', () => altered(value)]]
  if (value instanceof nn.Module) return [['another module', () => value.clone()]]
  if (value instanceof Map) return [['an empty map', () => new Map()]]
  if (Array.isArray(value)) return [['an empty list', () => []]]
  if (typeof value === 'object' && owned(value)) return [['a copy', () => ({ ...value })]]
  return []
}

/** Some changes of a tensor: different ones for each tensor, so that every change is tried on some. */
function changesOfTensor(path: string, x: Tensor, turn: number): Change[] {
  const change = (name: string, make: () => void): Change => ({ name: `${path}${name}`, make })
  if (!x.isFloatingPoint()) return []
  const all = [
    change('.requiresGrad', () => void (x.requiresGrad = !x.requiresGrad)),
    change('.grad to another', () => void (x.grad = altered(x.detach()))),
    change('.grad to none', () => void (x.grad = null)),
    change(' written', () => noGrad(() => void x.mul_(0.75))),
    change(' with a hook', () => void (x.requiresGrad && x.registerHook((dy) => dy.mul(3)))),
    change(' detached', () => void x.detach_()),
  ]
  return all.filter((_, k) => (k + turn) % 3 === 0)
}

/** All changes of values reachable from an object. */
export function changesOf(root: object): Change[] {
  const changes: Change[] = []
  const seen = new Set<unknown>()
  const visit = (path: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    if (value instanceof TensorClass) {
      changes.push(...changesOfTensor(path, value, seen.size))
      return
    }
    if (!owned(value)) return
    if (value instanceof nn.Module) {
      changes.push({ name: `${path}.eval()`, make: () => void value.eval() })
      changes.push({
        name: `${path} with a hook`,
        make: () => void value.registerForwardHook((_m, _x, y) => (y as Tensor).mul(2)),
      })
    }
    if (value instanceof Map) {
      changes.push({ name: `${path}.clear()`, make: () => value.clear() })
      for (const [at, [key, item]] of [...value].entries()) {
        visit(`${path}.get(${at})`, item)
        if (at > 0) continue
        changes.push({ name: `${path} without entry ${at}`, make: () => void value.delete(key) })
        changes.push({ name: `${path} with a copy of entry ${at}`, make: () => void value.set(key, deepCopy(item)) })
      }
      return
    }
    if (Array.isArray(value) && value.length > 0) {
      changes.push({ name: `${path}.pop()`, make: () => void value.pop() })
      changes.push({ name: `${path} with its first twice`, make: () => void value.push(value[0]) })
    }
    for (const key of Reflect.ownKeys(value)) {
      const { enumerable, get } = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor
      // The length of a list, and the places of what accessors have.
      if (!enumerable) continue
      const here = `${path}.${typeof key === 'symbol' ? key.description : key}`
      const item = Reflect.get(value, key)
      // A module refuses a number in place of a buffer.
      for (const [name, other] of item === null && get !== undefined ? [] : others(item))
        changes.push({ name: `${here} = ${name}`, make: () => void Reflect.set(value, key, other()) })
      visit(here, item)
    }
  }
  visit('', root)
  return changes
}
