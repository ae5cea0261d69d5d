// The draws of a step. Most are made before the program runs; those that depend on elements are instructions of the host,
// because their inputs are known only then, and each of them reads what the one before wrote, so that they keep their
// order.
import type { DeviceBuffer, Instr, Output, Spec, View } from '../backend/backend.ts'
import type { Stream } from '../backend/program.ts'
import type { Produce } from '../tensor/effects.ts'
import type { UndoLog } from '../tensor/undo.ts'

const turnSpec = { sizes: [1], dtype: 'int32' } as const

export class Draws {
  /** The generators of the draws, in their order. */
  readonly streams: Stream[] = []
  /** For streams from which instructions draw, what the last of them returned besides. */
  readonly #turns = new Map<Stream, View>()
  readonly #undo: UndoLog

  constructor(undo: UndoLog) {
    this.#undo = undo
  }

  /** Takes note of a draw: undone, the stream goes on where it was. */
  from(stream: Stream): void {
    const state = stream.getState()
    this.#undo.add(() => void stream.setState(state))
    this.streams.push(stream)
  }

  /** Whether instructions draw from a stream. From the first of them on, all draws from it are instructions. */
  inProgram(stream: Stream): boolean {
    return this.#turns.has(stream)
  }

  /** The instruction of a draw, in a program that has `before` others. */
  instrOf(
    draw: { readonly out: Output; readonly inputs: readonly View[]; readonly op: string; readonly produce: Produce },
    stream: Stream,
    before: number,
    alloc: (spec: Spec) => DeviceBuffer,
  ): Instr {
    const { out, inputs, op, produce } = draw
    const last = this.#turns.get(stream)
    const waits = last === undefined ? [] : [last]
    const next = { ...turnSpec, buffer: alloc(turnSpec) }
    this.#turns.set(stream, { ...next, strides: [1], offset: 0 })
    return {
      kind: 'host',
      attrs: {
        op,
        name: op,
        // Equal attributes mean equal computations, and this one closes over the tensor.
        attrs: { turn: before },
        compute: (data) => [produce(...data.slice(waits.length)), new Int32Array(1)],
      },
      inputs: [...waits, ...inputs],
      outputs: [out, next],
      origin: { name: op },
    }
  }
}
