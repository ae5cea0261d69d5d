// Host effects: what a training step does besides instructions (counters, schedules, random draws). They go through
// here so that a recorder in front of the backend can repeat them in order at every replay.
import type { Output } from '../backend/backend.ts'
import type { TypedArray } from '../base/dtype.ts'
import type { Device, Storage } from './device.ts'
import type { Tensor } from './tensor.ts'

export interface EffectSink {
  effect(fn: () => void): void
  write(out: Output, produce: () => TypedArray): void
  /** Data leaves the program: refused while recording. */
  refuse(what: string): void
  /** A leaf collected a gradient. */
  collected(leaf: Tensor): void
  /** Memory that a tensor holds was written in place. */
  wrote(storage: Storage): void
}

/** Where effects go: to a recorder, if there is one. `structure` counts what `structureChanged` said. */
export const effects: { sink: EffectSink | null; structure: number } = { sink: null, structure: 0 }

/** Says that what a step does may have changed: train or eval, hooks, which parameters require gradients. */
export const structureChanged = (): void => void effects.structure++

/** Runs `fn` now and once at every replay, in order. It must not read tensors. */
export function effect(fn: () => void): void {
  if (effects.sink === null) fn()
  else effects.sink.effect(fn)
}

/** Fills an output with what `produce` makes, now and afresh at every replay. */
export function writeProduced(device: Device, out: Output, produce: () => TypedArray): void {
  if (effects.sink === null) device.backend.write(out, produce())
  else effects.sink.write(out, produce)
}

/** Raises a storage's version: its elements were written. */
export function touch(storage: Storage): void {
  storage.version++
  effects.sink?.wrote(storage)
}
