// Opens what can be loaded as a source of bytes by range. Blobs are read where they lie, and files are (files.ts). A
// stream is kept as it arrives, in pieces, so that nothing is copied when it ends. Of a URL of which only parts are
// wanted, ranges are asked for.
import { RuntimeError, TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { openFile, pathOf } from './files.ts'
import {
  type BlobLike,
  bytesSource,
  checkRange,
  checkSignal,
  damaged,
  type OpenOptions,
  type ResponseLike,
  type SignalLike,
  type Source,
  type StreamLike,
  type UrlLike,
} from './source.ts'

/** A source over a Blob, of which only the ranges that are asked for are read. */
function blobSource(blob: BlobLike): Source {
  const source: Source = {
    name: blob.name ?? 'Blob',
    size: blob.size,
    async read(start, end) {
      checkRange(source, start, end)
      return new Uint8Array(await blob.slice(start, end).arrayBuffer())
    },
    async fill(start, target) {
      target.set(await source.read(start, start + target.length))
    },
    async close() {},
  }
  return source
}

// ---- streams ----

/** Pieces of a stream that are smaller share a block, so that a stream of single bytes costs no object each. */
const blockBytes = 65536

/** Bytes that arrive in pieces. */
class Pieces {
  readonly #pieces: Uint8Array[] = []
  readonly #starts: number[] = []
  /** The length of a last piece that has room for more, or null. */
  #open: number | null = null
  size = 0

  add(bytes: Uint8Array): void {
    if (bytes.length >= blockBytes) {
      this.#seal()
      this.#push(bytes)
    } else {
      if (this.#open === null || this.#open + bytes.length > blockBytes) {
        this.#seal()
        this.#push(new Uint8Array(blockBytes))
        this.#open = 0
      }
      this.#pieces[this.#pieces.length - 1].set(bytes, this.#open)
      this.#open += bytes.length
    }
    this.size += bytes.length
  }

  #push(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#starts.push(this.size)
  }

  #seal(): void {
    if (this.#open === null) return
    const last = this.#pieces.length - 1
    this.#pieces[last] = this.#pieces[last].slice(0, this.#open)
    this.#open = null
  }

  copy(start: number, target: Uint8Array): void {
    if (target.length === 0) return
    let [low, high] = [0, this.#starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.#starts[middle] <= start) low = middle
      else high = middle - 1
    }
    for (let at = 0; at < target.length; low++) {
      const from = start + at - this.#starts[low]
      const part = this.#pieces[low].subarray(from, Math.min(this.#pieces[low].length, from + target.length - at))
      target.set(part, at)
      at += part.length
    }
  }
}

/** Reads a stream to its end, or until it has more bytes than it may. */
async function streamSource(
  stream: StreamLike,
  name: string,
  total: number | null,
  { maxBytes, signal, onProgress }: OpenOptions,
): Promise<Source> {
  const pieces = new Pieces()
  const reader = stream.getReader()
  try {
    for (;;) {
      checkSignal(signal)
      const { done, value } = await reader.read()
      if (done) break
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(
          `load(): a stream of ${typeName(value)} is not a stream of bytes`,
          'The chunks of a stream must be Uint8Arrays.',
        )
      }
      if (pieces.size + value.length > maxBytes) throw tooLarge(name, maxBytes)
      pieces.add(value)
      onProgress?.({ loaded: pieces.size, total })
    }
  } catch (error) {
    // The error that counts is the first one.
    await reader.cancel(error).catch(() => undefined)
    throw error
  }
  const source: Source = {
    name,
    size: pieces.size,
    async read(start, end) {
      checkRange(source, start, end)
      const bytes = new Uint8Array(end - start)
      pieces.copy(start, bytes)
      return bytes
    },
    async fill(start, target) {
      checkRange(source, start, start + target.length)
      pieces.copy(start, target)
    },
    async close() {},
  }
  return source
}

/** The error for more bytes than the caller allows. */
export const tooLarge = (name: string, maxBytes: number): ValueError =>
  new ValueError(
    `${name}: has more than ${maxBytes} bytes`,
    'If you trust where it comes from, allow more: { maxBytes }.',
  )

// ---- the network ----

interface Fetching {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: SignalLike
}
type Fetch = (url: string, options: Fetching) => Promise<ResponseLike>

async function request(url: string, options: Fetching): Promise<ResponseLike> {
  const { fetch } = globalThis as { readonly fetch?: Fetch }
  if (fetch === undefined)
    throw new RuntimeError(`load(): cannot fetch ${url}`, 'There is no fetch here: pass the bytes.')
  try {
    return await fetch(url, options)
  } catch (error) {
    checkSignal(options.signal)
    const { message, cause } = error as Error & { readonly cause?: { readonly message?: string } }
    throw new RuntimeError(`load(): cannot fetch ${url}: ${cause?.message || message}`, 'Is the address right?')
  }
}

/** A number in a header; null if there is none. */
const headerNumber = (text: string | null | undefined): number | null =>
  text != null && /^\d{1,15}$/.test(text) ? Number(text) : null

function bodyOf(response: ResponseLike): StreamLike {
  const { ok, status, statusText, url, body } = response
  if (!ok)
    throw new RuntimeError(
      `load(): ${url || 'a response'} answers ${status} ${statusText}`.trimEnd(),
      'Is the address right?',
    )
  if (body === null) throw new RuntimeError(`load(): ${url || 'a response'} has no body`, 'Was it read already?')
  return body
}

function responseSource(response: ResponseLike, options: OpenOptions): Promise<Source> {
  const body = bodyOf(response)
  // The length of a compressed body is not that of its bytes.
  const total =
    response.headers.get('content-encoding') === null ? headerNumber(response.headers.get('content-length')) : null
  return streamSource(body, response.url || 'response', total, options)
}

/** Headers of files fit in it mostly, and small tensors beside each other are read at once. */
const windowBytes = 65536

/** A URL of which ranges are asked for; of a server without ranges, all of it. */
async function rangeSource(url: string, options: OpenOptions): Promise<Source> {
  const { signal } = options
  const get = (start: number, end: number): Promise<ResponseLike> =>
    request(url, { headers: { range: `bytes=${start}-${end - 1}` }, signal })
  const first = await get(0, windowBytes)
  const size = headerNumber(/^bytes 0-\d+\/(\d+)$/.exec(first.headers.get('content-range') ?? '')?.[1])
  if (first.status !== 206 || size === null) return responseSource(first, options)
  const quiet = { maxBytes: options.maxBytes, signal }
  let window = { start: 0, bytes: await streamSource(bodyOf(first), url, null, quiet) }
  const fill = async (start: number, target: Uint8Array): Promise<void> => {
    const end = start + target.length
    if (start < window.start || end > window.start + window.bytes.size) {
      const asked = Math.min(size, Math.max(end, start + windowBytes))
      const response = await get(start, asked)
      if (response.status !== 206)
        throw new RuntimeError(`load(): ${url} does not answer with the bytes that were asked for`)
      const bytes = await streamSource(bodyOf(response), url, null, { ...quiet, maxBytes: asked - start })
      if (bytes.size !== asked - start) throw damaged(source, `ends early at byte ${start + bytes.size}`)
      window = { start, bytes }
    }
    await window.bytes.fill(start - window.start, target)
  }
  // One after the other: what the next one needs may be in the window that this one gets.
  let last: Promise<unknown> = Promise.resolve()
  const source: Source = {
    name: url,
    size,
    async read(start, end) {
      checkRange(source, start, end)
      const bytes = new Uint8Array(end - start)
      await source.fill(start, bytes)
      return bytes
    },
    async fill(start, target) {
      checkRange(source, start, start + target.length)
      const filled = last.then(() => fill(start, target))
      last = filled.catch(() => undefined)
      await filled
    },
    async close() {},
  }
  return source
}

// ---- any of them ----

const has = (x: unknown, ...names: readonly string[]): boolean =>
  typeof x === 'object' && x !== null && names.every((name) => name in x)

/** Opens what is to be loaded. The caller closes it. */
export async function openSource(given: unknown, options: OpenOptions): Promise<Source> {
  // Without the methods of a Buffer of Node, whose slice() is no copy.
  if (given instanceof Uint8Array) return bytesSource(new Uint8Array(given.buffer, given.byteOffset, given.byteLength))
  if (given instanceof ArrayBuffer) return bytesSource(new Uint8Array(given))
  if (typeof given === 'string' || has(given, 'href', 'protocol')) {
    const text = typeof given === 'string' ? given : (given as UrlLike).href
    if (/^(https?|data|blob):/i.test(text)) {
      if (options.parts === true && /^http/i.test(text)) return rangeSource(text, options)
      return responseSource(await request(text, { signal: options.signal }), options)
    }
    return openFile(pathOf('load', given as string | UrlLike))
  }
  if (has(given, 'size', 'slice') && typeof (given as BlobLike).size === 'number') return blobSource(given as BlobLike)
  if (has(given, 'headers', 'status', 'body')) return responseSource(given as ResponseLike, options)
  if (has(given, 'getReader')) return streamSource(given as StreamLike, 'stream', null, options)
  throw new TypeError(
    `load(): argument 'source' must be str, URL, Uint8Array, ArrayBuffer, Blob, Response or ReadableStream, not ${typeName(given)}`,
    'For a tensor or a model that is in memory already there is nothing to load.',
  )
}

/** The same source, which reports what was read, and stops when the signal says so. */
export function watched(source: Source, { signal, onProgress }: OpenOptions): Source & { expect(bytes: number): void } {
  let [loaded, total] = [0, source.size]
  const count = (bytes: number): void => {
    loaded += bytes
    onProgress?.({ loaded, total: Math.max(loaded, total) })
  }
  return {
    name: source.name,
    size: source.size,
    /** How many more bytes will be read, once that is known. */
    expect: (bytes) => void (total = loaded + bytes),
    async read(start, end) {
      checkSignal(signal)
      const bytes = await source.read(start, end)
      count(bytes.length)
      return bytes
    },
    async fill(start, target) {
      checkSignal(signal)
      await source.fill(start, target)
      count(target.length)
    },
    close: () => source.close(),
  }
}
