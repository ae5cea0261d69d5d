// Host effects and reads of host state. Everything that a training step does besides instructions (counters, schedules,
// random draws) goes through here, so that a recorder in front of the backend can repeat it in order at every replay,
// and undo it if the step throws. So does state that determines the instructions (options, flags, which gradients
// exist), so that a recording is only used while all of it is unchanged. Effects pass tensors and storages on without
// knowing them: those are defined above this file.
import type { Backend, DeviceBuffer, Output, View } from '../backend/backend.ts'
import type { BoxMuller } from '../backend/host-instruction.ts'
import type { Stream } from '../backend/program.ts'
import { newArray, type TypedArray } from '../base/dtype.ts'
import { numelOf } from '../base/shape.ts'

/** Undoes one run of an effect. */
export type Undo = () => void

/** Is notified when code reads host state that the step depends on. */
export interface Looks {
  /** A property of an object. */
  noted(object: object, key: PropertyKey): void
  /** All own properties of an object, and of the lists and plain objects in it. */
  notedAll(object: object): void
  /** Options: their numbers are read at every run, so it only matters whether they are 0. */
  notedOptions(options: object): void
  /** The entry of a map for a key, and the own properties of that entry. */
  notedEntry<K extends object>(map: ReadonlyMap<K, object>, key: K): void
  /** Operands of an operation: whether they collect gradients, and their memory. */
  met(inputs: readonly object[]): void
  /** Whether a tensor existed before the step. */
  isOutside(x: object): boolean
  /** The `.grad` of a tensor is read. */
  readsGradient(x: object): void
  /** The `.grad` of a tensor is about to be replaced. */
  setsGradient(x: object): void
}

/**
 * The right of a storage that a recording made to its buffer. The recording does not list its storages, because what
 * nothing refers to must be collected while it runs; so it ends the lease of all of them at once.
 */
export interface Lease {
  readonly over: boolean
  /** Throws the error of a use after the end. */
  refuse(): never
}

/** Draws the elements of an output. */
export type Produce = (...inputs: readonly TypedArray[]) => TypedArray

export interface EffectSink {
  effect(fn: () => Undo): void
  write(out: Output, produce: () => TypedArray, stream: Stream): void
  /** The same for draws that depend on elements of the inputs, which `produce` gets in row-major order. */
  draw(out: Output, inputs: readonly View[], op: string, produce: Produce, stream: Stream): void
  /** Throws for something that a recording cannot hold; the error names the calling line. */
  refuse(what: string, remedy?: string): void
  readonly looks: Looks
  /** A storage is new, over a buffer that it holds for as long as the lease runs. */
  made(storage: object): Lease
  /** The memory of a tensor was written in place. */
  wrote(storage: object): void
  /** A tensor that outlives the step that created it: an optimizer's state. */
  holds(x: object): void
  /** State was created that outlives the step: an optimizer's. */
  creates(): void
  /** Registers a function that restores something that is not an effect, if the step throws. */
  restoring(restore: () => void): void
  /** Memory is about to be freed. */
  freeing(storage: object): void
}

/** Is notified of new storages and of tensors that outlive them: a scope. */
export interface ScopeSink {
  /** The innermost scope of the program: itself, unless it only notes what flambeau makes (temporaries.ts). */
  readonly users: ScopeSink | undefined
  made(storage: object): void
  /** The tensor got a gradient, another place in a graph, or other memory. */
  changed(x: object): void
  /** A tensor that outlives the scope that created it: an optimizer's state. */
  holds(x: object): void
}

/** The receivers of effects: a recorder, if there is one, and the innermost scope. */
export const effects: { sink: EffectSink | null; scope: ScopeSink | null } = { sink: null, scope: null }

/** Reads a property that the step depends on: a recording holds only while it is unchanged. */
export function noted<T extends object, K extends keyof T>(object: T, key: K): T[K] {
  if (effects.sink !== null) effects.sink.looks.noted(object, key)
  return object[key]
}

/**
 * Runs `fn` now and once at every replay, in order. It must not read tensors. It returns a function that undoes the run
 * if the step fails.
 */
export function effect(fn: () => Undo): void {
  if (effects.sink === null) fn()
  else effects.sink.effect(fn)
}

/** Sets a property, now and at every replay. */
export function assign<T extends object, K extends keyof T>(object: T, key: K, value: T[K]): void {
  if (effects.sink === null) object[key] = value
  else {
    effects.sink.effect(() => {
      const before = object[key]
      object[key] = value
      return () => void (object[key] = before)
    })
  }
}

/** Fills an output with the numbers that `fill` draws from a stream, now and at every replay. */
export function writeDrawn<S extends Stream>(
  { backend }: { readonly backend: Backend },
  out: Output,
  fill: (out: TypedArray, stream: S, make?: BoxMuller) => void,
  stream: S,
): void {
  const produce = (): TypedArray => {
    const data = newArray(out.dtype, numelOf(out.sizes))
    fill(data, stream)
    return data
  }
  if (effects.sink !== null) effects.sink.write(out, produce, stream)
  else if (backend.fill !== undefined) backend.fill(out, (memory, make) => fill(memory, stream, make))
  else backend.write(out, produce())
}

interface Written {
  version: number
  readonly buffer: DeviceBuffer
}

/** Adds writes to the version of a storage, and to what its memory counts. */
export function addWrites(storage: Written, writes: number): void {
  storage.version += writes
  const { buffer } = storage
  if (buffer.writes !== undefined) buffer.writes += writes
}

/** Increments a storage's version after a write. */
export function touch(storage: Written): void {
  addWrites(storage, 1)
  effects.sink?.wrote(storage)
}

/**
 * Memory that flambeau makes for itself is freed from so many elements on (temporaries.ts). The newest that a program made
 * is older than all nodes from the given one on.
 */
export const freeing = { from: 4096, node: -1 }

let nodes = 0
/** The order of a new node. */
export const nextNode = (): number => nodes++
/** The number of nodes so far: a node created later has at least this order. */
export const nodesMade = (): number => nodes
