// The frame around a lesson, so that the lesson itself reads like its Python, line by line. The caller asks for the epochs
// one by one: the command line draws a bar, the page pauses between two of them, the tests compare losses, and each may
// move the training to another device.
import { compile, moveTo, type nn, type optim, Tensor } from 'flambeau'

/** The results of one epoch, from its forward pass, before the optimizer's step. */
export interface Shown {
  readonly loss: Tensor | number
  /** The number of rows classified correctly. */
  readonly correct?: () => Tensor
  /** The same loss computed with one-hot labels. */
  readonly oneHotLoss?: () => Tensor | number
}

export interface Seen extends Shown {
  readonly epoch: number
  /** The total number of epochs. */
  readonly epochs: number
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

/** What a lesson uses besides flambeau. */
export interface Course {
  readonly seed: number | bigint
  /** The number of epochs from one printed line to the next. */
  readonly printInterval: number
  readonly print: (text: unknown) => void
  /** flambeau's `compile`; with `--no-compile` it returns the step as it is. */
  readonly compile: <A extends readonly unknown[], R>(step: (...args: A) => R) => (...args: A) => R
  /**
   * Calls `body` for every epoch, from 1, and returns the results of the last one. `things` are the model, its optimizer
   * and the tensors that training uses: they move along when it continues on another device.
   */
  readonly forEachEpoch: <T extends Shown>(
    things: readonly (nn.Module | optim.Optimizer | Tensor)[],
    body: (epoch: number) => T,
  ) => Generator<Seen, T, string | undefined>
}

/** Prints a tensor, a module or a line as Python's `print` does. */
export const print = (text: unknown): void => console.log(String(text))

/** Moves training to a device. Tensors stay the same objects, so that a lesson's variables are constants. */
function move(device: string, things: readonly (nn.Module | optim.Optimizer | Tensor)[]): void {
  const moved = moveTo(device, ...things)
  things.forEach((thing, i) => {
    if (thing instanceof Tensor) thing.data = moved[i] as Tensor
  })
}

/** A lesson of a full length, with `text` as its program. */
export const lesson = (
  length: { readonly epochs: number; readonly printInterval: number },
  text: (course: Course) => Training,
): ((options?: Options) => Training) =>
  function* ({ epochs = length.epochs, seed = 0, compiled = true, print: own = print } = {}) {
    yield* text({
      seed,
      printInterval: Math.min(length.printInterval, epochs),
      print: own,
      compile: compiled ? (compile as Course['compile']) : (step) => step,
      *forEachEpoch(things, body) {
        for (let epoch = 1; ; epoch++) {
          const shown = body(epoch)
          const device = yield { epoch, epochs, ...shown }
          if (device !== undefined) move(device, things)
          if (epoch >= epochs) return shown
        }
      },
    })
  }

export interface Lesson {
  readonly name: string
  readonly about: string
  /** Returns nothing if nothing is trained. */
  readonly run: (options: Options) => Training | void
}
