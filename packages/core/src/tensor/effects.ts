// Host effects: what a training step does besides instructions (counters, schedules, random draws). They go through
// here so that a recorder in front of the backend can repeat them in order at every replay.
import type { Output } from '../backend/backend.ts'
import type { TypedArray } from '../base/dtype.ts'
import type { Device } from './device.ts'

export interface EffectSink {
  effect(fn: () => void): void
  write(out: Output, produce: () => TypedArray): void
  /** Data leaves the program: refused while recording. */
  read(what: string): void
}

export const effects: { sink: EffectSink | null } = { sink: null }

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
