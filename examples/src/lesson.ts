// What every example is to the command line, to the page and to the tests: a function that prints, and trains epoch by
// epoch. Whoever takes its epochs sees what it saw, may stop for a while between two, and may send it to another device.
import type { nn, optim, Tensor } from 'flambeau'

/** What an example has seen in one epoch, from its forward pass, before its step. */
export interface Seen {
  readonly epoch: number
  /** The number of epochs that will be run. */
  readonly epochs: number
  readonly loss: Tensor | number
  /** How many rows were classified rightly. */
  readonly correct?: () => Tensor
  /** The same loss computed with one-hot labels. */
  readonly oneHotLoss?: () => Tensor | number
}

export interface Options {
  readonly epochs?: number
  readonly seed?: number | bigint
  /** Whether the training step is compiled, true unless told otherwise; the lines are the same. */
  readonly compiled?: boolean
  readonly print?: (text: unknown) => void
}

/** One turn an epoch, run by who asks for the next; asked with the name of a device, it goes on there. */
export type Training = Generator<Seen, void, string | undefined>

/** What is trained goes to a device: the model, what its optimizer has gathered, and the tensors, which are returned. */
export const move = <T extends readonly Tensor[]>(
  device: string,
  model: nn.Module,
  optimizer: optim.Optimizer,
  ...tensors: T
): { [K in keyof T]: Tensor } => {
  model.to(device)
  // Puts the state where the parameters are, as in PyTorch.
  optimizer.loadStateDict(optimizer.stateDict())
  return tensors.map((x) => x.to(device)) as { [K in keyof T]: Tensor }
}

/** Prints a tensor, a module or a line as Python's `print` does. */
export const print = (text: unknown): void => console.log(String(text))

export interface Lesson {
  readonly name: string
  readonly about: string
  /** Without epochs where nothing is trained. */
  readonly run: (options: Options) => Training | void
}
