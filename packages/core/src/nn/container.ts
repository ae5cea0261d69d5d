// Containers of modules: Sequential runs its modules one after the other, ModuleList only holds them.
import { named } from '../base/class-name.ts'
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
import { unseen } from '../tensor/temporaries.ts'
import { kindOf, type Tensor } from '../tensor/tensor.ts'
import { checkMember, hold, isSlot, release } from './held.ts'
import { isOfLayer } from './layers.ts'
import { Module } from './module.ts'
import { getProperty, isModule, membersOf, setModule } from './members.ts'
import { checkFree, checkName } from './module-arguments.ts'

const modulesOf: unique symbol = Symbol('modules')
type Entry = readonly [name: string, module: Module | null]

const atArguments = signature('at', required('index', int))
const popArguments = signature('pop', required('key', int))
const sliceArguments = signature('slice', optional('start', int, undefined), optional('end', int, undefined))
const listOfModules = optional('modules', iterable, [])
const ofModuleList = constructing('ModuleList', listOfModules)
const extendArguments = signature('extend', { ...listOfModules, required: true })
const insertArguments = signature('insert', required('index', int), required('module', anything))

type Indexed<M extends readonly Module[]> = { -readonly [K in keyof M as K extends `${number}` ? K : never]: M[K] } & {
  '-1': M extends readonly [...unknown[], infer L] ? L : M[number]
}
/** Modules by index, each with its own type; -1 is the last one. */
export type ByIndex<M extends readonly Module[]> = Indexed<M> & {
  at<I extends number>(index: I): `${I}` extends keyof Indexed<M> ? Indexed<M>[`${I}`] : M[number]
}

/** The base of both containers: an ordered list of modules with names, read and written by index. */
class Container<T extends Module = Module> extends Module {
  [index: number]: T
  [modulesOf]: readonly Entry[] = []

  override *[membersOf](): Iterable<readonly [property: string, value: unknown, key?: string]> {
    yield* this[modulesOf]
    yield* super[membersOf]()
  }

  override [setModule](name: string, module: Module | null): void {
    const entries = entriesOf(this)
    const at = entries.findIndex(([own]) => own === name)
    if (at >= 0) replace(this, at, module)
    else setEntries(this, [...entries, [name, module]])
  }

  /** The number of modules. */
  get length(): number {
    noted(this, modulesOf)
    return withAssigned(this).length
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (const [, module] of entriesOf(this)) yield module as T
  }

  /** The module at an index; a negative index counts from the end. */
  at(...args: [index: number]): T {
    const [index] = atArguments(args)
    return entriesOf(this)[position(index, this.length)][1] as T
  }

  /** Adds a module at the end. */
  append(module: Module, ...none: []): this {
    nothingMore('append', none)
    return this.extend([module])
  }

  /** Adds modules at the end. */
  extend(...args: [modules: Iterable<Module>]): this {
    const [modules] = extendArguments(args)
    setEntries(this, [...new Map([...entriesOf(this), ...numbered(modules as Iterable<Module>, this.length)])])
    return this
  }

  /** Inserts a module before the one at an index. */
  insert(...args: [index: number, module: Module]): void {
    const [index, module] = insertArguments(args)
    const modules: unknown[] = [...this]
    modules.splice(index, 0, module)
    renumber(this, modules)
  }

  /** Removes the module at an index, which it returns; those that remain are numbered anew. */
  pop(...args: [key: number]): T {
    const [key] = popArguments(args)
    const modules: unknown[] = [...this]
    const [module] = modules.splice(position(key, modules.length), 1)
    renumber(this, modules)
    return module as T
  }
}

/** Replaces all modules by numbered ones; names become free. */
function renumber(container: Container, modules: readonly unknown[]): void {
  const entries = numbered(modules)
  checkEntries(entries)
  for (const [name] of entriesOf(container)) release(container, name)
  setEntries(container, entries)
}

function checkEntries(entries: readonly Entry[]): void {
  for (const [, module] of entries)
    if (module !== null && !isModule(module)) throw new TypeError(`${kindOf(module)} is not a Module subclass`)
}

/** The modules with their names. A recorded step notices one that is assigned later by the length. */
function entriesOf(container: Container): readonly Entry[] {
  noted(container, 'length')
  return withAssigned(container)
}

/** The list, then the modules that were assigned to properties since. */
function withAssigned(container: Container): readonly Entry[] {
  let entries = container[modulesOf]
  for (const name of Object.keys(container)) {
    const value = getProperty(container, name) as Module | null
    if (isModule(value) || (value === null && isSlot(container, name))) entries = [...entries, [name, value]]
  }
  return entries
}

/** Replaces the list; modules with names are properties that read it. */
function setEntries(container: Container, entries: readonly Entry[]): void {
  checkEntries(entries)
  for (const [name, module] of entries) defineName(container, name, module)
  container[modulesOf] = entries
  for (; indices <= entries.length; indices++) defineIndex(indices)
}

function replace(container: Container, at: number, module: Module | null): void {
  const [name] = entriesOf(container)[at]
  checkMember('child module', name, module)
  const own = container[modulesOf]
  if (at < own.length)
    setEntries(
      container,
      own.map((entry, i) => (i === at ? [name, module] : entry)),
    )
  else hold(container, name, 'child module', module)
}

/**
 * `container[i]` is an accessor of the class, from both ends, defined for as many indices as any container has had and
 * one more.
 */
let indices = 0
function defineIndex(i: number): void {
  for (const index of [i, -1 - i]) {
    Object.defineProperty(Container.prototype, index, {
      get(this: Container): Module | null | undefined {
        return entriesOf(this).at(index)?.[1]
      },
      set(this: Container, module: Module | null) {
        replace(this, position(index, this.length), module)
      },
    })
  }
}

/** Makes a module of a container a property by its name, unless that is a number. */
function defineName(container: Container, name: string, module: Module | null): void {
  if (/^\d+$/.test(name) || container[modulesOf].some(([own]) => own === name)) return
  checkName('module', name)
  checkFree(container, name, module)
  const place = (c: Container): number => noted(c, modulesOf).findIndex(([own]) => own === name)
  Object.defineProperty(container, name, {
    get(this: Container): Module | null {
      return this[modulesOf][place(this)][1]
    },
    set(this: Container, to: Module | null) {
      replace(this, place(this), to)
    },
    enumerable: false,
    configurable: true,
  })
}

function position(index: number, length: number): number {
  if (!Number.isInteger(index) || index < -length || index >= length)
    throw new IndexError(`index ${index} is out of range`)
  return index < 0 ? index + length : index
}

const numbered = (modules: Iterable<unknown>, from = 0): Entry[] =>
  Array.from(modules, (module, i) => [String(from + i), module as Module | null])

/** Modules by name, in order. */
export type NamedModules = Readonly<Record<string, Module>> | ReadonlyMap<string, Module>

class SequentialModule<T extends Module = Module> extends Container<T> {
  constructor(...modules: readonly (Module | NamedModules)[]) {
    super()
    const [first] = modules
    const isNamed = modules.length === 1 && !isModule(first) && typeof first === 'object' && first !== null
    if (!isNamed) {
      setEntries(this, numbered(modules as readonly Module[]))
      return
    }
    const named = first instanceof Map ? [...first] : Object.entries(first as Readonly<Record<string, Module>>)
    setEntries(this, named as readonly Entry[])
  }

  override forward(x: Tensor): Tensor {
    const modules = entriesOf(this)
    let y = x
    /** What only layers of flambeau have seen. */
    let inner: Tensor | null = null
    for (let i = 0; i < modules.length; i++) {
      const [name, module] = modules[i]
      if (module === null) throw new TypeError("'NoneType' object is not callable", `Module ${name} was taken away.`)
      const { forward } = module
      const given = y
      y = module.forward(given)
      if (!isOfLayer(forward)) inner = null
      // Not a view, and not several tensors.
      else if (y.storage?.root !== given.storage?.root) {
        if (inner !== null) unseen(inner)
        inner = y
      }
    }
    return y
  }

  /** The modules from `start` to before `end`, with their names, as a new Sequential. */
  slice(...args: [start?: number, end?: number]): Sequential {
    const [start, end] = sliceArguments(args)
    return new SequentialModule(new Map(entriesOf(this).slice(start, end)) as NamedModules) as Sequential
  }
}

class ModuleListModule<T extends Module = Module> extends Container<T> {
  constructor(...args: [modules?: Iterable<Module>]) {
    const [modules] = ofModuleList(args)
    super()
    setEntries(this, numbered(modules as Iterable<Module>))
  }

  /** The modules from `start` to before `end`, as a new list. */
  slice(...args: [start?: number, end?: number]): ModuleList<T> {
    return new ModuleListModule([...this].slice(...sliceArguments(args))) as ModuleList<T>
  }
}

// ---- the classes, typed by their members ----

interface SequentialClass {
  new <const M extends readonly Module[] = readonly Module[]>(...modules: M): Sequential<M>
  new <N extends NamedModules>(named: N): Sequential & (N extends ReadonlyMap<string, Module> ? unknown : N)
  readonly prototype: Sequential
}
/**
 * Runs modules one after the other. To give them names: `new nn.Sequential({ hidden: ..., act: ... })`; then they are
 * properties, too.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(13, 10), new nn.LeakyReLU(), new nn.Linear(10, 1))
 * model[0] // Linear(in_features=13, out_features=10, bias=True)
 * model[-1].weight.shape // [1, 10]
 */
export const Sequential: SequentialClass = /* @__PURE__ */ named(
  'Sequential',
  SequentialModule,
) as unknown as SequentialClass
export type Sequential<M extends readonly Module[] = readonly Module[]> = ByIndex<M> & SequentialModule<M[number]>

/** The members by place, from their list or from the class of all of them. */
type Listed<M> = M extends readonly Module[] ? M : M extends Module ? readonly M[] : never
interface ModuleListClass {
  new <const M extends readonly Module[] = readonly Module[]>(modules: M): ModuleList<M>
  new <T extends Module = Module>(modules?: Iterable<T>): ModuleList<T>
  readonly prototype: ModuleList
}
/**
 * Holds modules, so that their parameters are found; the owner decides how to call them. A property of a class that holds
 * blocks has the type `nn.ModuleList<Block>`, or `nn.ModuleList<[Block, nn.Linear]>` if each has a type of its own.
 *
 * @example
 * this.layers = new nn.ModuleList([new nn.Linear(13, 13), new nn.Linear(13, 13)])
 * for (const layer of this.layers) x = layer.forward(x)
 */
export const ModuleList: ModuleListClass = /* @__PURE__ */ named(
  'ModuleList',
  ModuleListModule,
) as unknown as ModuleListClass
export type ModuleList<M extends Module | readonly Module[] = Module> = ByIndex<Listed<M>> &
  ModuleListModule<Listed<M>[number]>
