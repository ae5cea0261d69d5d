// Writes a plan: a sequence of steps, each of which may read the operands and the results of earlier steps, and checks.
import { type Instr, numelOf, type Output, type View } from '@flambeau/core/backend'
import type { Flag, Plan, Step } from './plan.ts'
import type { KernelWriter } from './writer.ts'

/** A texture in a kernel: its name, and the index of its first element if it is not 0. */
export interface Opened {
  readonly name: string
  readonly start: string | undefined
}

/** Elements that kernels may read. */
export type Elements = (writer: KernelWriter) => Opened

/** The elements of an input view. */
export const inputElements =
  ({ inputs }: Instr, position: number): Elements =>
  (writer) => {
    const view = inputs[position] as View
    return { name: writer.input(view, position), start: writer.start(view, position) }
  }

export class PlanWriter {
  readonly #steps: Step[] = []
  readonly #flags: Flag[] = []

  /** Appends a step and returns its elements for later steps. */
  add(step: Step): Elements {
    const position = this.#steps.push(step) - 1
    return (writer) => ({ name: writer.texture({ step: position }, step.kernel.length), start: undefined })
  }

  /** Appends a step with one element, which is not 0 if the instruction is in error. */
  check(step: Step, error: Flag['error']): void {
    this.#flags.push({ step: this.#steps.push(step) - 1, error })
  }

  /** The plan whose output comes from the step that `last` returns; an output without elements needs no step. */
  plan({ sizes }: Output, last: () => Step): Plan {
    const outputs = [numelOf(sizes) === 0 ? undefined : this.#steps.push(last()) - 1]
    return { steps: this.#steps, outputs, flags: this.#flags }
  }
}
