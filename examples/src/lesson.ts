// What every example is to the command line and to the tests: a function that trains and prints, and says after every
// epoch what it saw.
import type { Tensor } from 'flambeau'

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
  readonly onEpoch?: (seen: Seen) => void
}

/** Prints a tensor, a module or a line as Python's `print` does. */
export const print = (text: unknown): void => console.log(String(text))

export interface Lesson {
  readonly name: string
  readonly about: string
  readonly run: (options: Options) => void
}
