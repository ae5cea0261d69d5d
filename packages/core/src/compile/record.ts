// Runs a step with a recorder in front of the device and returns the recording. A step that throws has changed nothing.
// The step's own tensors are freed at its end, unless they are returned, gradients, or an optimizer's state. Most steps
// are recorded without computing anything: then the caller undoes the run, and the recording's program does the work.
import type { Program } from '../backend/program.ts'
import { isContiguous } from '../base/layout.ts'
import { apply, contiguousCopy } from '../tensor/apply.ts'
import { type Device, type Storage, storagesMade } from '../tensor/device.ts'
import type { Stream } from '../backend/program.ts'
import { effects } from '../tensor/effects.ts'
import { detached, type Tensor } from '../tensor/tensor.ts'
import { build, noTensor, type Slot, slotOf } from './nested.ts'
import type { Note } from './notes.ts'
import { Recorder } from './recorder.ts'

/** The owner of a gradient: a tensor from before the step, or a numbered tensor argument or result. */
export type Owner =
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'argument' | 'result'; readonly at: number }

/** A gradient that the step leaves: the number of the leaving tensor that it is, or null if it was cleared. */
export interface Gradient {
  readonly owner: Owner
  readonly out: number | null
}

/** A tensor that leaves the step: a result of the program, a tensor from before the step, or an argument, by number. */
export type Out =
  | { readonly kind: 'result'; readonly at: number }
  | { readonly kind: 'tensor'; readonly tensor: Tensor }
  | { readonly kind: 'argument'; readonly at: number }

export interface Recording {
  readonly program: Program
  /** The leaves among the tensor arguments, by number: the step was recorded with them themselves, not with copies. */
  readonly leaves: readonly (Tensor | undefined)[]
  /** The structure of the result from the returned tensors. */
  readonly slot: Slot
  /** The tensors that leave the step: first the returned ones, then gradients. */
  readonly outs: readonly Out[]
  readonly returned: number
  readonly gradients: readonly Gradient[]
  /** The host state that the step read. */
  readonly notes: readonly Note[]
  /** Whether a run leaves the gradients that it reads as it found them, so that the next run can follow at once. */
  readonly steady: boolean
  readonly written: readonly (readonly [Storage, number])[]
  readonly streams: readonly Stream[]
  readonly lines: ReadonlyMap<number, string>
}

/** One run of a step by its own code: its return value, the recording, and how to undo the run. */
export interface Recorded {
  readonly value: unknown
  readonly recording: Recording
  /** Whether the step creates state that lasts, which only its own code can do. */
  readonly createsState: boolean
  restore(): void
}

export interface Call {
  readonly step: (...args: readonly unknown[]) => unknown
  readonly device: Device
  /** The structure of the arguments, and their tensors. */
  readonly slot: Slot
  readonly args: readonly Tensor[]
  /**
   * Whether this run creates lasting tensors, as an optimizer's first step does: then nothing that it leaves is freed.
   */
  readonly first: boolean
  /** Whether instructions are run as well as recorded; if not, the run must be undone. */
  readonly runs: boolean
  readonly withLines: boolean
  /** The notes known from earlier recordings. */
  readonly known: readonly Note[]
}

/** A tensor argument as row-major elements from the start of a buffer, copied if necessary. */
export const rowMajorArgument = (x: Tensor): Tensor =>
  x.offset === 0 && isContiguous(x) ? x : apply(contiguousCopy(), [detached(x)], null)

/**
 * The tensor that the step gets for an argument: a copy, so that the recorder does not mistake the same tensor,
 * captured from outside, for the argument. A leaf that collects a gradient is passed itself, because an optimizer may
 * know it.
 */
const presented = (x: Tensor): Tensor => (x.leafRequiresGrad ? x : apply(contiguousCopy(), [detached(x)], null))

/** The names of a slot's tensors in messages. */
export const pathsOf = (slot: Slot): string[] => {
  const paths: string[] = []
  const visit = (x: Slot): void => {
    if (x.kind === 'tensor') paths[x.at] ??= x.path
    else if (x.kind !== 'value') for (const item of x.items) visit(item)
  }
  visit(slot)
  return paths
}

export function record(call: Call): Recorded {
  const { step, device, slot, args, first, runs, withLines, known } = call
  const { backend } = device
  const serial = storagesMade()
  const given = args.map(presented)
  const paths = pathsOf(slot)
  const recorder = new Recorder(device, {
    args: given.map((x, i) => ({ given: x, passed: args[i], path: paths[i] })),
    runs,
    withLines,
    first: serial,
    known,
  })
  const stop = (): void => {
    device.backend = backend
    effects.sink = null
  }
  device.backend = recorder
  effects.sink = recorder
  try {
    const value = step(...(build(slot, given) as readonly unknown[]))
    stop()
    recorder.looks.checkOptions()
    const notes = recorder.looks.notes()
    const { recording, result } = recordingOf(recorder, given, args, value, notes)
    recorder.end(first)
    return { value: result, recording, createsState: recorder.createsState, restore: () => recorder.restore() }
  } catch (error) {
    stop()
    recorder.restore()
    throw error
  }
}

/** The recording, and the returned value without its graph. */
function recordingOf(
  recorder: Recorder,
  given: readonly Tensor[],
  args: readonly Tensor[],
  value: unknown,
  notes: readonly Note[],
): { recording: Recording; result: unknown } {
  const returned: Tensor[] = []
  const slot = slotOf(value, 'the result', returned, noTensor)
  const outside = (x: Tensor): boolean => !recorder.created(x.storage)
  const ownerOf = (x: Tensor): Owner | null => {
    const argument = given.indexOf(x)
    if (argument >= 0) return { kind: 'argument', at: argument }
    if (outside(x)) return { kind: 'tensor', tensor: x }
    const at = returned.indexOf(x)
    return at < 0 ? null : { kind: 'result', at }
  }
  const computed: Tensor[] = []
  /** The tensor that leaves, and how a replay makes it. */
  const leave = (x: Tensor): readonly [Tensor, Out] => {
    const owner = ownerOf(x)
    if (owner?.kind === 'argument') return [args[owner.at], owner]
    const tensor = x.node === null ? x : detached(x)
    if (owner?.kind === 'tensor' && !given.some(({ storage }) => storage.root === x.storage.root))
      return [tensor, { kind: 'tensor', tensor }]
    return [tensor, { kind: 'result', at: computed.push(x) - 1 }]
  }
  const results = returned.map(leave)
  const tensors = results.map(([x]) => x)
  const outs = results.map(([, out]) => out)
  const gradients: Gradient[] = []
  let steady = true
  for (const [x, { grad, read, set }] of recorder.looks.gradients) {
    const owner = ownerOf(x)
    if (owner === null || !set) continue
    if (read && owner.kind !== 'result' && x.grad !== grad) steady = false
    const left = x.grad === null ? null : leave(x.grad)
    gradients.push({ owner, out: left === null ? null : outs.push(left[1]) - 1 })
    tensorOf(owner, args, tensors).collect(left === null ? null : left[0])
    if (left !== null) recorder.lasts(left[0])
  }
  for (const x of tensors) recorder.lasts(x)
  const recording: Recording = {
    program: recorder.program(computed),
    leaves: given.map((x, i) => (x === args[i] ? x : undefined)),
    slot,
    outs,
    returned: returned.length,
    gradients,
    notes,
    steady,
    written: [...recorder.written],
    streams: recorder.draws.streams,
    lines: recorder.lines,
  }
  return { recording, result: build(slot, tensors) }
}

/** The tensor that an owner refers to in a call. */
export const tensorOf = (owner: Owner, args: readonly Tensor[], results: readonly Tensor[]): Tensor =>
  owner.kind === 'tensor' ? owner.tensor : (owner.kind === 'argument' ? args : results)[owner.at]
