// Writes a plan: steps one after the other, each of which may read the operands and what earlier ones made, and checks.
import { type Instr, numelOf, type Output, type View } from '@flambeau/core/backend'
import type { Flag, Plan, Step } from './plan.ts'
import type { KernelWriter } from './writer.ts'

/** A texture in a kernel: its name, and the index of the first element that is meant, if it is not the texture's. */
export interface Opened {
  readonly name: string
  readonly start: string | undefined
}

/** Elements that kernels may read. */
export type Elements = (writer: KernelWriter) => Opened

/** Those of a view among the inputs. */
export const inputElements =
  ({ inputs }: Instr, position: number): Elements =>
  (writer) => {
    const view = inputs[position] as View
    return { name: writer.input(view, position), start: writer.start(view, position) }
  }

export class PlanWriter {
  readonly #steps: Step[] = []
  readonly #flags: Flag[] = []

  /** Appends a step; what it makes, for later ones. */
  add(step: Step): Elements {
    const position = this.#steps.push(step) - 1
    return (writer) => ({ name: writer.texture({ step: position }, step.kernel.length), start: undefined })
  }

  /** Appends a step of one element, which is not 0 where the instruction is in error. */
  check(step: Step, error: Flag['error']): void {
    this.#flags.push({ step: this.#steps.push(step) - 1, error })
  }

  /** The plan whose output is made by the step that `last` gives; without elements there is nothing to make. */
  plan({ sizes }: Output, last: () => Step): Plan {
    const outputs = [numelOf(sizes) === 0 ? undefined : this.#steps.push(last()) - 1]
    return { steps: this.#steps, outputs, flags: this.#flags }
  }
}
