// Modules and parameters that a forward pass uses and nothing finds, so that they are neither trained nor saved: JavaScript
// lets nobody look into a #private field, and members are not looked for in objects of other classes. A module that may hide
// some is looked at in its first call that records gradients. What a #private field hides is refused. What another object
// hides PyTorch does not find either, so that is a warning.
import { className } from '../base/class-name.ts'
import { RuntimeError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { nodesMade } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import type { Node } from '../tensor/node.ts'
import { isTensor } from '../tensor/signature.ts'
import { edgeOf } from '../tensor/tensor.ts'
import { enter } from './held.ts'
import { contents, isModule, namedModules, ownParameters } from './members.ts'
import type { Module } from './module.ts'
import { Parameter } from './parameter.ts'

/** Modules that may hide others and have not been looked at: whether in #private fields. */
const suspects = new WeakMap<object, boolean>()
let waiting = 0
/** The modules that are called while one is looked at. */
let called: Set<object> | null = null

/** Whether a class, or one that it extends below `base`, has #private fields. */
function hasPrivate(module: object, base: object): boolean {
  for (let x: object = Object.getPrototypeOf(module); x !== base; x = Object.getPrototypeOf(x))
    if (/\.#\w/.test(String(x.constructor))) return true
  return false
}
const isOpaque = (x: unknown): boolean =>
  typeof x === 'object' && x !== null && contents(x) === null && !isModule(x) && !isTensor(x)

/** Decides at the first call of a module whether it may hide others. */
function suspect(module: object, base: object): void {
  const isPrivate = hasPrivate(module, base)
  if (!isPrivate && !Object.values(module).some(isOpaque)) return
  suspects.set(module, isPrivate)
  waiting++
}

/** The parameters that operations since a moment read for a result. */
function parametersIn(result: unknown, since: number): Set<Parameter> {
  const found = new Set<Parameter>()
  const met = new Set<Node | null>()
  const nodes = (typeof result === 'object' && result !== null && !isTensor(result) ? Object.values(result) : [result])
    .filter(isTensor)
    .map(edgeOf)
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (node === null || met.has(node)) continue
    met.add(node)
    if (node.leaf instanceof Parameter) found.add(node.leaf)
    if (node.order >= since) nodes.push(...node.edges)
  }
  return found
}

/** Throws, or warns, if a module uses something to train that is neither below it nor given to it. */
function check(module: Module, args: readonly unknown[], used: readonly object[], isPrivate: boolean): void {
  const given = args.flat()
  const owners = [module, ...given.filter(isModule)].flatMap((x) => namedModules(x, '').map(([, below]) => below))
  const parametersOf = (x: object): Parameter[] => ownParameters(x as Module).map(([, parameter]) => parameter)
  const known = new Set<unknown>([...given, ...owners, ...owners.flatMap(parametersOf)])
  const lost = used.find((x) => !known.has(x) && (isModule(x) ? parametersOf(x) : [x as Parameter]).some(isTrained))
  if (lost === undefined) return
  const [verb, whose] = isModule(lost) ? ['calls', 'its parameters'] : ['uses', 'it']
  const [name, owner] = [lost, module].map((x) => className(x.constructor))
  const sentence = `${owner} ${verb} a ${name} that is not one of its members, so ${whose} would be neither trained nor saved`
  if (!isPrivate) warn(`${sentence}. An object of another class hides it: assign it to a field of the module, too.`)
  else throw new RuntimeError(sentence, 'A #private field hides it. Use a plain field; `private` of TypeScript is one.')
}
const isTrained = ({ requiresGrad }: Parameter): boolean => requiresGrad

/** Runs the call of a module, and looks at what it uses. */
function looking(module: Module, forward: Method, args: unknown[]): unknown {
  const isPrivate = suspects.get(module) === true
  suspects.delete(module)
  waiting--
  const before = called
  const inside = new Set<object>()
  called = inside
  const since = nodesMade()
  let result: unknown
  try {
    result = forward.apply(module, args)
  } finally {
    called = before
    for (const x of inside) before?.add(x)
  }
  check(module, args, [...inside, ...parametersIn(result, since)], isPrivate)
  return result
}

type Method = (...args: unknown[]) => unknown
/** Calls the `forward` of a module. */
export function callForward(module: Module, forward: Method, args: unknown[], base: object): unknown {
  if (enter(module)) suspect(module, base)
  called?.add(module)
  return waiting > 0 && mode.grad && suspects.has(module) ? looking(module, forward, args) : forward.apply(module, args)
}
