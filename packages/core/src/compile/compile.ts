// compile(step): a function that runs a training step, records it, and replays the recording once two in a row agree.
import { RuntimeError } from '../base/errors.ts'
import { currentDevice, Storage } from '../tensor/device.ts'
import { effects, touch } from '../tensor/effects.ts'
import { mode } from '../tensor/mode.ts'
import { Tensor } from '../tensor/tensor.ts'
import type { Program } from '../backend/program.ts'
import { numelOf } from '../base/shape.ts'
import { difference } from './difference.ts'
import { executableOn, Host, prepare } from './prepare.ts'
import { Recorder } from './recorder.ts'

type Results = Tensor | null | undefined | readonly Results[] | { readonly [key: string]: Results }

/** At most this many recordings may disagree with the one before. */
const patience = 5

function tensorsIn(x: unknown, path = 'the step'): Tensor[] {
  if (x === null || x === undefined) return []
  if (x instanceof Tensor) return [x]
  const plain = typeof x === 'object' && (Array.isArray(x) || Object.getPrototypeOf(x) === Object.prototype)
  if (!plain) {
    throw new RuntimeError(
      `a compiled step must return tensors, or arrays or objects of tensors, but ${path} returned ${typeof x}`,
      'Return the tensor itself and call item() outside.',
    )
  }
  return Object.entries(x).flatMap(([key, value]) => tensorsIn(value, `${path}.${key}`))
}

function rebuilt<R>(x: R, next: () => Tensor): R {
  if (x instanceof Tensor) return next() as R
  if (x === null || typeof x !== 'object') return x
  if (Array.isArray(x)) return x.map((item) => rebuilt(item, next)) as R
  return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, rebuilt(value, next)])) as R
}

interface Recording<R> {
  readonly program: Program
  readonly value: R
  readonly returned: readonly Tensor[]
  /** Leaves whose gradients the step collected, and whether they are set at its end. */
  readonly leaves: readonly { readonly leaf: Tensor; readonly set: boolean }[]
  readonly written: ReadonlySet<Storage>
}

function record<R>(step: () => R): Recording<R> {
  const device = currentDevice()
  const { backend } = device
  const recorder = new Recorder(backend)
  device.backend = recorder
  effects.sink = recorder
  try {
    const value = step()
    const returned = tensorsIn(value)
    const leaves = [...recorder.leaves].map((leaf) => ({ leaf, set: leaf.grad !== null }))
    const gradients = leaves.flatMap(({ leaf }) => (leaf.grad === null ? [] : [leaf.grad]))
    return {
      program: recorder.program([...returned, ...gradients]),
      value,
      returned,
      leaves,
      written: recorder.written,
    }
  } finally {
    device.backend = backend
    effects.sink = null
  }
}

/**
 * A function that does what `step` does, faster: the first call runs it, the next are recorded until two agree, then the
 * recorded instructions are replayed. The step may draw random numbers and step optimizers; it must not read elements
 * (`item()`), and what it returns must be tensors. Numbers that change between calls must reach ops as functions, as
 * optimizers' learning rates do.
 *
 * @example
 * const step = compile(() => {
 *   const loss = F.mseLoss(model.forward(x), y)
 *   optimizer.zeroGrad()
 *   loss.backward()
 *   optimizer.step()
 *   return loss
 * })
 * for (let epoch = 0; epoch < 100; epoch++) step()
 */
export function compile<R extends Results | void>(step: () => R): () => R {
  let calls = 0
  let last: Recording<R> | null = null
  let run: (() => R) | null = null
  let disagreements = 0
  let seen = -1

  const forget = (): void => {
    last = null
    run = null
    disagreements = 0
    calls = 0
  }

  const prepared = (recording: Recording<R>): (() => R) => {
    const device = currentDevice()
    const ready = prepare(recording.program, device.own)
    const { program, plan } = ready
    const host = new Host(program)
    const { returned, leaves, written, value } = recording
    const specs = plan.results.map((result) => program.values[result])
    return () => {
      host.run()
      const fresh = specs.map((spec) => device.backend.alloc(spec))
      executableOn(ready, device).run({ numbers: host.numbers, draws: host.draws, args: [], results: fresh })
      const storages = new Map<number, Storage>()
      let at = 0
      const next = (like: Tensor): Tensor => {
        const use = program.results[at++]
        const place = plan.places[use.value]
        if (place?.in !== 'result') return like
        const storage =
          storages.get(use.value) ?? new Storage(device, fresh[place.result], numelOf(program.values[use.value].shape))
        storages.set(use.value, storage)
        return new Tensor(storage, use.shape, use.strides, use.offset, use.dtype)
      }
      const results = returned.map(next)
      for (const { leaf, set } of leaves) leaf.grad = set ? next(leaf.grad ?? leaf) : null
      for (const storage of written) touch(storage)
      let k = 0
      return rebuilt(value, () => results[k++])
    }
  }

  const call = (): R => {
    if (effects.sink !== null) return step()
    const key = effects.structure * 2 + Number(mode.grad)
    if (key !== seen) {
      forget()
      seen = key
    }
    calls++
    if (calls === 1) return step()
    // A branch that comes later is found by recording again, at calls 8, 16, 32, ...
    const again = calls >= 8 && (calls & (calls - 1)) === 0
    if (run !== null && !again) return run()
    const recording = record(step)
    if (last !== null) {
      const found = difference(last.program, recording.program)
      if (found === null) run ??= prepared(recording)
      else {
        run = null
        if (++disagreements > patience) {
          throw new RuntimeError(
            `the compiled step differs from call to call: ${found}`,
            'Numbers that change must be functions (() => lr) or tensors; branches must not depend on the call.',
          )
        }
      }
    }
    last = recording
    return recording.value
  }
  return call
}
