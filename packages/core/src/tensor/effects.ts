// Host effects: what a training step does besides instructions (counters, schedules, random draws). They go through
// here so that a recorder in front of the backend can repeat them in order at every replay, and take them back when the
// step throws while it is recorded.
import type { DeviceBuffer, Output } from '../backend/backend.ts'
import type { Stream } from '../backend/program.ts'
import type { TypedArray } from '../base/dtype.ts'
import type { Device, Storage } from './device.ts'
import type { Tensor } from './tensor.ts'

/** Takes one run of an effect back. */
export type Undo = () => void

export interface EffectSink {
  effect(fn: () => Undo): void
  write(out: Output, produce: () => TypedArray, stream: Stream): void
  /** Something that a recording cannot hold; an error that names the calling line. */
  refuse(what: string, remedy?: string): void
  /** The `.grad` of a tensor is about to change; `replaced`: whatever it is, not depending on that. */
  gradient(x: Tensor, replaced: boolean): void
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

/**
 * Where effects go: to a recorder, if there is one. `structure` counts what `structureChanged` said, `switches` is a sum
 * over what `switched` said, `recorded` the number of storages when the last recording began or ended, `read` has the
 * memory from before it that a recording reads or writes. `scope` is the innermost scope.
 */
export const effects: {
  sink: EffectSink | null
  scope: ScopeSink | null
  structure: number
  switches: number
  recorded: number
  readonly read: WeakSet<DeviceBuffer>
} = {
  sink: null,
  scope: null,
  structure: 0,
  switches: 0,
  recorded: 0,
  read: new WeakSet(),
}

/** Says that what a step does may have changed: hooks, parameter groups, a state that was loaded. */
export const structureChanged = (): void => void effects.structure++

/** Whether a recorded step may hold this memory: it was there when one was recorded. */
export const mayBeRecorded = (storage: Storage): boolean => storage.serial < effects.recorded

let marks: WeakMap<object, number> | undefined
let marked = 0
/** A number of 40 bits that no other has, nor any sum of a few others. */
function markOf(owner: object): number {
  marks ??= new WeakMap()
  let mark = marks.get(owner)
  if (mark === undefined) {
    const high = Math.imul(++marked, 0x9e3779b1) >>> 12
    mark = high * 2 ** 20 + (Math.imul(marked ^ (marked >>> 15) ^ high, 0x85ebca6b) >>> 12)
    marks.set(owner, mark)
  }
  return mark
}

/**
 * Says that a switch which a step may look at is on or off now: training, requiresGrad. When it is thrown back, all is
 * as before: a step that is recorded for both ways is not recorded again. `back` throws it back if a step throws.
 */
export function switched(owner: object, on: boolean, back: () => void): void {
  const change = on ? markOf(owner) : -markOf(owner)
  effects.switches += change
  effects.sink?.restoring(() => {
    effects.switches -= change
    back()
  })
}

/**
 * Runs `fn` now and once at every replay, in order. It must not read tensors. What it returns takes that run back, when
 * an error ends the step.
 */
export function effect(fn: () => Undo): void {
  if (effects.sink === null) fn()
  else effects.sink.effect(fn)
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
