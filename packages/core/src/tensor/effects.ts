// Host effects and what the host looks at. What a training step does besides instructions (counters, schedules, random
// draws) goes through here, so that a recorder in front of the backend can repeat it in order at every replay, and take it
// back when the step throws; and so does what chooses the instructions (options, flags, which gradient is there), so that
// a recording is used for as long as all of it is as it was.
import type { Output } from '../backend/backend.ts'
import type { Stream } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'
import type { Device, Storage } from './device.ts'
import type { Input } from './op.ts'
import type { Tensor } from './tensor.ts'

/** Takes one run of an effect back. */
export type Undo = () => void

/** Who is told what the host looks at: what a step does depends on it. */
export interface Looks {
  /** A property of an object. */
  noted(object: object, key: PropertyKey): void
  /** All that an object has of its own, and of the lists and plain objects in it. */
  notedAll(object: object): void
  /** Options: their numbers are read anew at every run, so that it matters whether they are 0. */
  notedOptions(options: object): void
  /** What a map has for a key, and of what that has. */
  notedEntry<K extends object>(map: ReadonlyMap<K, object>, key: K): void
  /** Operands of an operation: whether they collect gradients, and where they lie. */
  met(inputs: readonly Input[]): void
  /** Whether a tensor was there before the step. */
  isOutside(x: Tensor): boolean
  /** The `.grad` of a tensor is looked at. */
  readsGradient(x: Tensor): void
  /** The `.grad` of a tensor is about to be replaced. */
  setsGradient(x: Tensor): void
}

export interface EffectSink {
  effect(fn: () => Undo): void
  write(out: Output, produce: () => TypedArray, stream: Stream): void
  /** Something that a recording cannot hold; an error that names the calling line. */
  refuse(what: string, remedy?: string): void
  readonly looks: Looks
  made(storage: Storage): void
  /** Memory that a tensor holds was written in place. */
  wrote(storage: Storage): void
  /** A tensor that lasts though the step made it: an optimizer's state. */
  holds(x: Tensor): void
  /** What puts back something that no effect says, if the step throws. */
  restoring(restore: () => void): void
  /** Memory is about to be freed. */
  freeing(storage: Storage): void
}

/** Who is told what is made and what outlives it: a scope. */
export interface ScopeSink {
  made(storage: Storage): void
  /** The tensor got a gradient, another place in a graph, or other memory. */
  changed(x: Tensor): void
  /** A tensor that lasts though the scope made it: an optimizer's state. */
  holds(x: Tensor): void
}

/** Where effects go: to a recorder, if there is one. `scope` is the innermost scope. */
export const effects: { sink: EffectSink | null; scope: ScopeSink | null } = { sink: null, scope: null }

/** A property that what a step does depends on: a recording holds for as long as it is what it was. */
export function noted<T extends object, K extends keyof T>(object: T, key: K): T[K] {
  if (effects.sink !== null) effects.sink.looks.noted(object, key)
  return object[key]
}

/**
 * Runs `fn` now and once at every replay, in order. It must not read tensors. What it returns takes that run back, when
 * an error ends the step.
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

/** Fills an output with what `produce` draws from a stream, now and afresh at every replay. */
export function writeProduced(device: Device, out: Output, produce: () => TypedArray, stream: Stream): void {
  if (effects.sink === null) device.backend.write(out, produce())
  else effects.sink.write(out, produce, stream)
}

/** Raises a storage's version: its elements were written. */
export function touch(storage: Storage): void {
  storage.version++
  effects.sink?.wrote(storage)
}
