// What the page and the worker that trains say to each other. The worker takes one order at a time, between two epochs, and
// goes on when the page has shown what it was told: however slow a page is, it never lags behind.
import type { BackendName, CourseName } from './catalogue.ts'

/** What the page asks for. */
export type Order =
  | {
      readonly kind: 'train'
      readonly course: CourseName
      readonly backend: BackendName
      readonly epochs: number
      readonly seed: bigint
    }
  | { readonly kind: 'pause' | 'resume' | 'stop' }
  /** The last progress is shown. */
  | { readonly kind: 'seen' }
  | { readonly kind: 'move'; readonly backend: BackendName }

/** An error's sentence, and what can be done about it. */
export interface Trouble {
  readonly sentence: string
  readonly remedy: string
}

/** What the worker says. */
export type News =
  | { readonly kind: 'ready' | 'paused' | 'resumed' | 'stopped' | 'finished' }
  /** What comes next was computed on this backend; `about` is what it found of the machine. */
  | { readonly kind: 'moved'; readonly backend: BackendName; readonly about: string }
  /** The backend cannot be had here; training goes on where it was. */
  | { readonly kind: 'refused'; readonly backend: BackendName; readonly trouble: Trouble }
  /** The backend cannot run an op, and js does it instead. */
  | { readonly kind: 'elsewhere'; readonly op: string }
  | { readonly kind: 'failed'; readonly trouble: Trouble }
  | {
      readonly kind: 'progress'
      readonly epoch: number
      /** Epochs and their losses, as many as a curve needs. */
      readonly points: readonly (readonly [epoch: number, loss: number])[]
      readonly lines: readonly string[]
    }
