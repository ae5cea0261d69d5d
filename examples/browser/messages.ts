// The messages between the page and the training worker. The worker takes one order at a time, between two epochs, and
// continues when the page has shown the last news: however slow a page is, it never lags behind.
import type { BackendName, CourseName } from './catalogue.ts'

/** Orders from the page. */
export type Order =
  | {
      readonly kind: 'train'
      readonly course: CourseName
      readonly backend: BackendName
      readonly epochs: number
      readonly seed: bigint
      /** Whether it goes on from the opened file. */
      readonly isResumed: boolean
    }
  /** Asks for the file of the current or the last training. */
  | { readonly kind: 'save' }
  /** Opens a file, while nothing is trained. */
  | { readonly kind: 'open'; readonly file: File }
  | { readonly kind: 'pause' | 'resume' | 'stop' }
  /** The page has shown the last progress. */
  | { readonly kind: 'seen' }
  | { readonly kind: 'move'; readonly backend: BackendName }
  /** Reads a digit of 28 x 28 bytes with the network of the current or the last training. */
  | { readonly kind: 'read'; readonly digit: Uint8Array }

/** The maps of a convolution, one after the other. */
export interface Maps {
  readonly sizes: readonly [count: number, height: number, width: number]
  readonly values: Float32Array
}

/** What a network makes of a digit. */
export interface Reading {
  /** By digit. */
  readonly probabilities: readonly number[]
  /** Of every convolution. */
  readonly maps: readonly Maps[]
}

export type CurvePoint = readonly [epoch: number, value: number]

/** An error message and its hint. */
export interface Trouble {
  readonly sentence: string
  readonly remedy: string
}

/** News from the worker. */
export type News =
  | { readonly kind: 'ready' | 'paused' | 'resumed' | 'stopped' | 'finished' }
  /** The following epochs run on this backend; `about` describes what it found on the machine. */
  | { readonly kind: 'moved'; readonly backend: BackendName; readonly about: string }
  /** The backend is not available here; training continues where it was. */
  | { readonly kind: 'refused'; readonly backend: BackendName; readonly trouble: Trouble }
  /** The backend does not support an op, so js runs it. */
  | { readonly kind: 'elsewhere'; readonly op: string }
  | { readonly kind: 'failed'; readonly trouble: Trouble }
  | {
      readonly kind: 'progress'
      /** The epochs that are done, with the share of the current one. */
      readonly epoch: number
      /** Epochs with their losses, as many as the curve needs. */
      readonly points: readonly CurvePoint[]
      /** Epochs with their accuracies on the validation part, where a lesson has one. */
      readonly accuracies: readonly CurvePoint[]
      readonly lines: readonly string[]
    }
  | { readonly kind: 'saved'; readonly name: string; readonly bytes: Uint8Array }
  /** A file was opened: a training that can go on, or weights of a network, of no epoch. */
  | {
      readonly kind: 'opened'
      readonly course: CourseName
      readonly training: { readonly epoch: number; readonly seed: string } | undefined
    }
  | { readonly kind: 'unopened'; readonly trouble: Trouble }
  /** The answer to `read`: undefined if no network reads digits now. */
  | { readonly kind: 'read'; readonly reading: Reading | undefined }
