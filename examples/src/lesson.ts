// The frame around a lesson, so that the lesson itself reads like its Python, line by line. The caller asks for the epochs
// one by one, or for the batches within them: the command line draws a bar, the page pauses between two of them, the
// tests compare losses, and each may move the training to another device.
import type { datasets } from '@flambeau/vision'
import { compile, type nn, type optim, type Tensor } from 'flambeau'
import type { Picture } from './pictures.ts'
import { type Checkpoint, type Means, type Point, Run } from './run.ts'

/** The results of one epoch, from its forward pass, before the optimizer's step. */
export interface Shown {
  readonly loss: Tensor | number
  /** The number of rows classified correctly. */
  readonly correct?: () => Tensor
  /** The same loss computed with one-hot labels. */
  readonly oneHotLoss?: () => Tensor | number
  /** A point of each curve that the lesson draws: means over the samples, by the name of the curve. */
  readonly curves?: Readonly<Record<string, Score>>
}

/** How well a model does on some samples. */
export interface Score {
  readonly loss: number
  /** The share of the samples that are classified correctly. */
  readonly accuracy: number
}

export interface Seen extends Shown {
  readonly epoch: number
  /** The total number of epochs. */
  readonly epochs: number
  /** The number of epochs that are done, with the share of the current one. */
  readonly done: number
  /** Within an epoch: the number of batches done in the current pass; undefined at the end of the epoch. */
  readonly batch: number | undefined
  /** All points of the curves so far. */
  readonly points: readonly Point[]
  /** The model, as it is after the last step. */
  readonly model: nn.Module | undefined
  /**
   * The state of the training; it shares the memory of the model, so write it before the training goes on. Undefined in
   * passes behind the last epoch, which begin again.
   */
  readonly checkpoint: (() => Checkpoint) | undefined
}

export interface Options {
  readonly epochs?: number
  readonly seed?: number | bigint
  /** Whether to compile the training step; by default true. The printed lines are the same. */
  readonly compiled?: boolean
  readonly print?: (text: unknown) => void
  /** The images of a lesson about images. */
  readonly images?: Images
  /** Takes the pictures that the lesson draws; without it, none are drawn. The printed lines are the same. */
  readonly draw?: (name: string, picture: Picture) => void
  /** Continues a training, bit for bit, from where `Seen.checkpoint` was called. */
  readonly checkpoint?: Checkpoint
}

/** The data sets of images that lessons train on. */
export type ImageSet = 'MNIST' | 'FashionMNIST'
/** A data set of images: its class, and the files that are its root. */
export interface Images {
  readonly dataset: typeof datasets.MNIST
  readonly root: Readonly<Record<string, Uint8Array>>
}

/** Yields after every epoch and every batch; if the next call passes the name of a device, training continues there. */
export type Training = Generator<Seen, void, string | undefined>
/** A part of a training, with a result. */
export type Steps<T> = Generator<Seen, T, string | undefined>

/** What training changes. */
export type Trained = nn.Module | optim.Optimizer | optim.lrScheduler.LRScheduler | Tensor

/** What a lesson uses besides flambeau. */
export interface Course {
  readonly seed: number | bigint
  readonly images: Images
  /** The number of epochs from one printed line to the next. */
  readonly printInterval: number
  readonly print: (text: unknown) => void
  /** Shows the picture that `make` returns under a name, which is not called if nobody looks. */
  readonly draw: (name: string, make: () => Picture) => void
  /** flambeau's `compile`; with `--no-compile` it returns the step as it is. */
  readonly compile: <A extends readonly unknown[], R>(step: (...args: A) => R) => (...args: A) => R
  /**
   * Calls `body` for every epoch, from 1, and returns the results of the last one. `things` are the model, its optimizer
   * and the tensors that training uses: they move along when it continues on another device.
   *
   * With a generator for `body`, which passes on the batches of `forEachBatch` by `yield*`, a training can be saved and
   * resumed at any batch. Then `things` must be all that it changes. An epoch that is resumed runs again from its
   * beginning, but for the batches that are done; so it prints after its last pass.
   */
  readonly forEachEpoch: {
    <T extends Shown>(things: readonly Trained[], body: (epoch: number) => T): Steps<T>
    (things: readonly Trained[], body: (epoch: number) => Steps<Shown>): Steps<void>
  }
  /**
   * One pass over a loader: calls `step` with every batch, and returns the means over the samples of what it returns,
   * which are means over a batch, `loss` among them.
   */
  readonly forEachBatch: <K extends string>(
    loader: Batches,
    step: (x: Tensor, y: Tensor) => Readonly<Record<K | 'loss', Tensor>>,
  ) => Steps<Means<K | 'loss'>>
}

/** A loader of images and labels, which knows its place. */
export interface Batches extends Iterable<readonly Tensor[]> {
  readonly length: number
  stateDict(): unknown
  loadStateDict(state: never): void
}

/** Prints a tensor, a module or a line as Python's `print` does. */
export const print = (text: unknown): void => console.log(String(text))

/** A lesson of a full length, with `text` as its program. */
export const lesson = (
  length: {
    readonly epochs: number
    readonly printInterval: number
    /** How many passes over a loader an epoch has, those that take little time not counted; by default 1. */
    readonly passes?: number
  },
  text: (course: Course) => Training,
): ((options?: Options) => Training) =>
  function* ({ epochs = length.epochs, seed = 0, compiled = true, print: own = print, draw, images, checkpoint } = {}) {
    const run = new Run(epochs, length.passes ?? 1, checkpoint)
    yield* text({
      seed,
      get images() {
        if (images === undefined) throw new TypeError('this lesson needs images: pass { images }')
        return images
      },
      printInterval: Math.min(length.printInterval, epochs),
      print: own,
      draw: (name, make) => draw?.(name, make()),
      compile: compiled ? (compile as Course['compile']) : (step) => step,
      forEachEpoch: run.forEachEpoch.bind(run) as Course['forEachEpoch'],
      forEachBatch: run.forEachBatch.bind(run) as Course['forEachBatch'],
    })
  }

/** The text of a lesson. It returns nothing if nothing is trained. */
export type Text = (options: Options) => Training | void

export interface Lesson {
  readonly name: string
  readonly about: string
  readonly load: () => Promise<Text>
  /** Whether it is one training, which can be saved and resumed. */
  readonly isTraining: boolean
  /** The data sets of a lesson about images, the default one first. */
  readonly sets?: readonly ImageSet[]
}
