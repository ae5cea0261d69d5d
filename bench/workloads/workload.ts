// What a workload is: data that every subject understands (its name, what it starts from, what must come out) and the
// program on flambeau. PyTorch's is in torch/, those of other libraries are in vs/, without any library in floors/.
import type { Tensor } from 'flambeau'

/** Tensors by name: what all subjects start from. */
export type Inputs = Readonly<Record<string, Tensor>>

export type Result = Tensor | readonly Tensor[]

export interface Program {
  /** One repetition, as a user writes it; it must be fit for `compile`. */
  readonly step: () => Result
  /** What is compared between subjects after some steps; what the last step returned where it is absent. */
  readonly results?: (last: Result) => readonly Tensor[]
}

/** A bound on a subject's time: in another's where `than` names one, else in nanoseconds of one unit. */
export interface Target {
  readonly subject: string
  readonly than?: string
  readonly atMost: number
}

export interface Workload {
  readonly name: string
  /** As the measurements of other libraries call it: W1, T1-mlp, ... */
  readonly id: string
  readonly title: string
  /** What a time is the time of: an epoch, a step, a product. */
  readonly unit: string
  /** Units in one step, where that is not one. */
  readonly units?: number
  readonly inputs: () => Inputs | Promise<Inputs>
  readonly program: (inputs: Inputs) => Program
  /** The sum of the first result after so many steps, by PyTorch 1.13.1 in float32. */
  readonly expected: { readonly after: number; readonly sum: number }
  /** After how many steps a subject starts anew; it goes on for ever where this is absent. */
  readonly anew?: number
  /** How far apart results may be, relative to the largest element; 1e-4 unless told otherwise. */
  readonly tolerance?: number
  /** Floating-point operations of the products in one unit, for GFLOP/s. */
  readonly flops?: number
  /** Bytes that one unit must read and write at least, for GB/s. */
  readonly bytes?: number
  readonly targets?: readonly Target[]
}

/** An input by its name; a missing one is a mistake in the workload. */
export function input(inputs: Inputs, name: string): Tensor {
  const found = inputs[name]
  if (found === undefined) throw new Error(`no input is called ${name}; there are ${Object.keys(inputs).join(', ')}`)
  return found
}

/** What is compared between subjects. */
export const resultsOf = ({ results = (last) => [last].flat() }: Program, last: Result): readonly Tensor[] =>
  results(last).map((tensor) => tensor.detach())
