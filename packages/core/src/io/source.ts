// What readers read from: bytes by range. Whatever can be loaded becomes such a source (open.ts, files.ts). A Blob, a
// Response or a URL is described here by what loading uses of it, because core knows neither Node nor the DOM.
import { ValueError } from '../base/errors.ts'

export const cutOff = 'The file is cut off or damaged: get it again.'

/** Bytes by range, of a known size. */
export interface Source {
  /** How messages call it: a path, a URL, or 'bytes'. */
  readonly name: string
  readonly size: number
  /** The bytes from `start` to `end`, which may be a view of the source's own memory. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Fills `target` with the bytes from `start` on. */
  fill(start: number, target: Uint8Array): Promise<void>
  close(): Promise<void>
}

/** What loading uses of a Blob or File. */
export interface BlobLike {
  readonly size: number
  readonly name?: string
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> }
}
/** What loading uses of a ReadableStream of bytes. */
export interface StreamLike {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}
/** What loading uses of a Response. */
export interface ResponseLike {
  readonly ok: boolean
  readonly status: number
  readonly statusText: string
  readonly url: string
  readonly headers: { get(name: string): string | null }
  readonly body: StreamLike | null
}
/** What loading uses of a URL. */
export interface UrlLike {
  readonly href: string
  readonly protocol: string
}
/** What loading uses of an AbortSignal. */
export interface SignalLike {
  readonly aborted: boolean
  readonly reason?: unknown
}

/** Where bytes come from: a path or URL, bytes, a Blob or File, a Response, or a stream of bytes. */
export type Loadable = string | UrlLike | Uint8Array | ArrayBuffer | BlobLike | ResponseLike | StreamLike

/** How far loading is, in bytes; `total` is null while it is unknown. */
export interface Progress {
  readonly loaded: number
  readonly total: number | null
}

/** What opening a source needs of the options of `load`. */
export interface OpenOptions {
  readonly maxBytes: number
  readonly signal?: SignalLike
  readonly onProgress?: (progress: Progress) => void
  /** Only parts will be read: a URL is asked for ranges, if its server has them. */
  readonly parts?: boolean
}

/** The error for a file that is not what it should be; what is wrong comes with its place. */
export const damaged = (source: { readonly name: string }, what: string, hint?: string): ValueError =>
  new ValueError(`${source.name}: ${what}`, hint)

/** Throws if a range is not within the source, before anything is allocated for it. */
export function checkRange(source: Source, start: number, end: number, what = 'what is read'): void {
  if (start >= 0 && start <= end && end <= source.size) return
  throw damaged(source, `${what} is at bytes ${start} to ${end}, but the file has ${source.size}`, cutOff)
}

/** Throws the reason of an aborted signal. */
export function checkSignal(signal: SignalLike | undefined): void {
  if (signal?.aborted === true) throw signal.reason
}

// ---- bytes in memory ----

/** A source over bytes in memory. */
export function bytesSource(bytes: Uint8Array, name = 'bytes'): Source {
  const source: Source = {
    name,
    size: bytes.length,
    async read(start, end) {
      checkRange(source, start, end)
      return bytes.subarray(start, end)
    },
    async fill(start, target) {
      checkRange(source, start, start + target.length)
      target.set(bytes.subarray(start, start + target.length))
    },
    async close() {},
  }
  return source
}
