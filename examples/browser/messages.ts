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
    }
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
  /** The answer to `read`: undefined if no network reads digits now. */
  | { readonly kind: 'read'; readonly reading: Reading | undefined }
