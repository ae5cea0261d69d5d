// Where bytes are written to: a file by its path, a stream, a browser's file, or an array that is returned.
import { TypeError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { pathOf, writeFile } from './files.ts'
import type { UrlLike } from './source.ts'
import { joined } from './tensors.ts'

/** What saving uses of a WritableStream of bytes. */
export interface WritableLike {
  getWriter(): {
    readonly ready: Promise<unknown>
    write(chunk: Uint8Array): Promise<void>
    close(): Promise<void>
    abort(reason?: unknown): Promise<void>
  }
}
/** What saving uses of a FileSystemFileHandle. */
export interface FileHandleLike {
  readonly name: string
  createWritable(): Promise<WritableLike>
}
/** Where to write: a path, the URL of a file, a stream of bytes, or a file that a browser lets a page write. */
export type Target = string | UrlLike | WritableLike | FileHandleLike

const has = (x: unknown, ...names: readonly string[]): boolean =>
  typeof x === 'object' && x !== null && names.every((name) => name in x)

/** The name of a target, whose ending says the format; undefined for one that has none. */
export function nameOf(target: unknown): string | undefined {
  if (typeof target === 'string' || has(target, 'href', 'protocol')) return pathOf('save', target as string | UrlLike)
  if (has(target, 'createWritable')) return (target as FileHandleLike).name
  if (target === undefined || has(target, 'getWriter')) return undefined
  throw new TypeError(
    `save(): argument 'target' must be str, URL, WritableStream or FileSystemFileHandle, not ${typeName(target)}`,
    'Without a target, save() returns the bytes.',
  )
}

/** What is written at once; small pieces are put together. */
const gatheredBytes = 2 ** 20

async function* gathered(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  for await (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.length
    if (bytes < gatheredBytes) continue
    yield joined(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield joined(waiting)
}

async function writeStream(stream: WritableLike, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const writer = stream.getWriter()
  try {
    for await (const chunk of chunks) {
      await writer.ready
      await writer.write(chunk)
    }
    await writer.close()
  } catch (error) {
    await writer.abort(error).catch(() => undefined)
    throw error
  }
}

/** Writes pieces to a target, or returns them as one array if there is none. */
export async function writeTo(
  target: unknown,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<Uint8Array | undefined> {
  if (target === undefined) {
    const all: Uint8Array[] = []
    for await (const piece of pieces) all.push(piece)
    return joined(all)
  }
  const chunks = gathered(pieces)
  if (has(target, 'createWritable')) await writeStream(await (target as FileHandleLike).createWritable(), chunks)
  else if (has(target, 'getWriter')) await writeStream(target as WritableLike, chunks)
  else await writeFile(nameOf(target) as string, chunks)
  return undefined
}
