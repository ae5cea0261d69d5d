// Containers of modules: Sequential runs its modules one after the other, ModuleList only holds them.
import { IndexError, TypeError } from '../base/errors.ts'
import { noted } from '../tensor/effects.ts'
import {
  anything,
  constructing,
  int,
  iterable,
  optional,
  required,
  signature,
  nothingMore,
} from '../tensor/signature.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'
import { isModule, membersOf } from './members.ts'

const modulesOf: unique symbol = Symbol('modules')
type Entry = readonly [name: string, module: Module]

const atArguments = signature('at', required('index', int))
const sliceArguments = signature('slice', optional('start', int, undefined), optional('end', int, undefined))
const listOfModules = optional('modules', iterable, [])
const ofModuleList = constructing('ModuleList', listOfModules)
const extendArguments = signature('extend', { ...listOfModules, required: true })
const insertArguments = signature('insert', required('index', int), required('module', anything))

/** The base of both containers: an ordered list of modules with names, read and written by index. */
class Container extends Module {
  [index: number]: Module
  [modulesOf]: readonly Entry[] = []

  override [membersOf](): Iterable<Entry> {
    return this[modulesOf]
  }

  /** The number of modules. */
  get length(): number {
    return noted(this, modulesOf).length
  }

  *[Symbol.iterator](): IterableIterator<Module> {
    for (const [, module] of noted(this, modulesOf)) yield module
  }

  /** The module at an index; a negative index counts from the end. */
  at(...args: [index: number]): Module {
    const [index] = atArguments(args)
    return noted(this, modulesOf)[position(index, this.length)][1]
  }

  /** Adds a module at the end. */
  append(module: Module, ...none: []): this {
    nothingMore('append', none)
    setEntries(this, [...this[modulesOf], [String(this.length), module]])
    return this
  }
}

function setEntries(container: Container, entries: readonly Entry[]): void {
  for (const [, module] of entries) {
    if (!isModule(module)) throw new TypeError(`${kindOf(module)} is not a Module subclass`)
  }
  container[modulesOf] = entries
  for (; indices < entries.length; indices++) defineIndex(indices)
}

/** `container[i]` is an accessor of the class, defined for as many indices as any container has had. */
let indices = 0
function defineIndex(i: number): void {
  Object.defineProperty(Container.prototype, i, {
    get(this: Container): Module | undefined {
      return noted(this, modulesOf)[i]?.[1]
    },
    set(this: Container, module: Module) {
      position(i, this.length)
      setEntries(
        this,
        this[modulesOf].map(([name, old], k) => [name, k === i ? module : old]),
      )
    },
  })
}

function position(index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length)
    throw new IndexError(`index ${index} is out of range`)
  return index < 0 ? index + length : index
}

const numbered = (modules: Iterable<Module>): Entry[] => [...modules].map((module, i) => [String(i), module])

/** Modules by name, in order. */
export type NamedModules = Readonly<Record<string, Module>> | ReadonlyMap<string, Module>

/**
 * Runs modules one after the other. To give them names: `new nn.Sequential({ hidden: ..., act: ... })`.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(13, 10), new nn.LeakyReLU(), new nn.Linear(10, 1))
 * model[0] // Linear(in_features=13, out_features=10, bias=True)
 */
export class Sequential extends Container {
  constructor(named: NamedModules)
  constructor(...modules: Module[])
  constructor(...modules: readonly (Module | NamedModules)[]) {
    super()
    const [first] = modules
    if (modules.length === 1 && first instanceof Map) setEntries(this, [...first])
    else if (modules.length === 1 && !isModule(first) && typeof first === 'object' && first !== null) {
      setEntries(this, Object.entries(first as Readonly<Record<string, Module>>))
    } else setEntries(this, numbered(modules as readonly Module[]))
  }

  override forward(x: Tensor): Tensor {
    const modules = this[modulesOf]
    let y = x
    for (let i = 0; i < modules.length; i++) y = modules[i][1].forward(y)
    return y
  }

  /** The modules from `start` to before `end`, with their names, as a new Sequential. */
  slice(...args: [start?: number, end?: number]): Sequential {
    const [start, end] = sliceArguments(args)
    return new Sequential(new Map(this[modulesOf].slice(start, end)))
  }
}

/**
 * Holds modules, so that their parameters are found; the owner decides how to call them.
 *
 * @example
 * this.layers = new nn.ModuleList([new nn.Linear(13, 13), new nn.Linear(13, 13)])
 * for (const layer of this.layers) x = layer.forward(x)
 */
export class ModuleList extends Container {
  constructor(...args: [modules?: Iterable<Module>]) {
    const [modules] = ofModuleList(args)
    super()
    setEntries(this, numbered(modules as Iterable<Module>))
  }

  /** Adds modules at the end. */
  extend(...args: [modules: Iterable<Module>]): this {
    const [modules] = extendArguments(args)
    setEntries(this, numbered([...this, ...(modules as Iterable<Module>)]))
    return this
  }

  /** Inserts a module before the one at an index. */
  insert(...args: [index: number, module: Module]): void {
    const [index, module] = insertArguments(args)
    const modules = [...this]
    modules.splice(index, 0, module as Module)
    setEntries(this, numbered(modules))
  }
}
