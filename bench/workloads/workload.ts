// A workload: data for every subject (its name, its inputs, its expected result) and the program on flambeau. PyTorch's
// program is in torch/, those of other libraries are in vs/, those without a library in floors/.
import type { Tensor } from 'flambeau'

/** Tensors by name: the inputs of all subjects. */
export type Inputs = Readonly<Record<string, Tensor>>

export type Result = Tensor | readonly Tensor[]

export interface Program {
  /** One repetition, as a user writes it; `compile` must accept it. */
  readonly step: () => Result
  /** The tensors to compare between subjects after some steps; by default the last step's results. */
  readonly results?: (last: Result) => readonly Tensor[]
}

/** A bound on a subject's time: relative to another's if `than` names one, otherwise in nanoseconds per unit. */
export interface Target {
  readonly subject: string
  readonly than?: string
  readonly atMost: number
}

export interface Workload {
  readonly name: string
  /** Its id in the measurements of other libraries: W1, T1-mlp, ... */
  readonly id: string
  readonly title: string
  /** The unit of a time: an epoch, a step, a product. */
  readonly unit: string
  /** Units per step, if not one. */
  readonly units?: number
  readonly inputs: () => Inputs | Promise<Inputs>
  readonly program: (inputs: Inputs) => Program | Promise<Program>
  /** The sum of the first result after this many steps, by PyTorch 1.13.1 in float32. */
  readonly expected: { readonly after: number; readonly sum: number }
  /** The number of steps after which a subject restarts; by default never. */
  readonly anew?: number
  /** The tolerance of results relative to the largest element; by default 1e-4. */
  readonly tolerance?: number
  /** The most threads on which subjects that can use them are timed, too; by default one. */
  readonly threads?: number
  /** Floating-point operations of the products in one unit, for GFLOP/s. */
  readonly flops?: number
  /** The least bytes that one unit must read and write, for GB/s. */
  readonly bytes?: number
  readonly targets?: readonly Target[]
}

/** wasm is never slower than js by more than 5 %. */
export const wasmOfJs: Target = { subject: 'wasm compiled', than: 'js compiled', atMost: 1.05 }

/** The largest share of native's speed that wider vectors may leave to wasm where its four lanes are the limit. */
export const wasmOfNative: Target = { subject: 'wasm compiled', than: 'native compiled', atMost: 1 / 0.35 }

/** wasm beside TensorFlow.js on WebAssembly, jax-js, and js. */
export const wasmTargets = (ofTfjs: number, ofJax: number): readonly Target[] => [
  { subject: 'wasm compiled', than: 'tfjs-wasm', atMost: ofTfjs },
  { subject: 'wasm compiled', than: 'jax-js', atMost: ofJax },
  wasmOfJs,
]

/** An input by its name; a missing one is a mistake in the workload. */
export function input(inputs: Inputs, name: string): Tensor {
  const found = inputs[name]
  if (found === undefined) throw new Error(`no input is called ${name}; there are ${Object.keys(inputs).join(', ')}`)
  return found
}

/** The tensors to compare between subjects. */
export const resultsOf = ({ results = (last) => [last].flat() }: Program, last: Result): readonly Tensor[] =>
  results(last).map((tensor) => tensor.detach())
