// The form of every example for the command line, the page and the tests: a function that prints, and trains epoch by
// epoch. The caller that asks for the next epoch sees the last one's results, may pause in between, and may move
// training to another device.
import type { nn, optim, Tensor } from 'flambeau'

/** The results of one epoch, from its forward pass, before the optimizer's step. */
export interface Seen {
  readonly epoch: number
  /** The total number of epochs. */
  readonly epochs: number
  readonly loss: Tensor | number
  /** The number of rows classified correctly. */
  readonly correct?: () => Tensor
  /** The same loss computed with one-hot labels. */
  readonly oneHotLoss?: () => Tensor | number
}

export interface Options {
  readonly epochs?: number
  readonly seed?: number | bigint
  /** Whether to compile the training step; by default true. The printed lines are the same. */
  readonly compiled?: boolean
  readonly print?: (text: unknown) => void
}

/** Yields after every epoch; if the next call passes the name of a device, training continues there. */
export type Training = Generator<Seen, void, string | undefined>

/** Moves training to a device: the model, the optimizer's state, and the tensors, which are returned. */
export const move = <T extends readonly Tensor[]>(
  device: string,
  model: nn.Module,
  optimizer: optim.Optimizer,
  ...tensors: T
): { [K in keyof T]: Tensor } => {
  model.to(device)
  // Moves the state to the parameters' device, as in PyTorch.
  optimizer.loadStateDict(optimizer.stateDict())
  return tensors.map((x) => x.to(device)) as { [K in keyof T]: Tensor }
}

/** Prints a tensor, a module or a line as Python's `print` does. */
export const print = (text: unknown): void => console.log(String(text))

export interface Lesson {
  readonly name: string
  readonly about: string
  /** Returns nothing if nothing is trained. */
  readonly run: (options: Options) => Training | void
}
