// What a format of files does: it recognizes its files by their first bytes, reads them, lists what they hold, and
// writes them in pieces. index.ts has the list of formats.
import { type DType, dtypeSize } from '../base/dtype.ts'
import { KeyError } from '../base/errors.ts'
import { numelOf } from '../base/shape.ts'
import { nearest } from '../tensor/signature.ts'
import { damaged, type Source } from './source.ts'
import type { Saved } from './tree.ts'

/** The formats, by the name that `save` takes. */
export type FormatName = 'safetensors' | 'pt' | 'npy' | 'npz'

/** Which tensors are read: names, or a function that is asked for each name. */
export type Only = string | readonly string[] | ((name: string) => boolean)

export interface ReadOptions {
  /** The device of the tensors; the current one, unless told otherwise. */
  readonly device?: string | undefined
  /** The dtype of tensors of floating-point numbers; their own, unless told otherwise. */
  readonly dtype?: DType | undefined
  readonly only?: Only | undefined
  /** The most bytes that all tensors of a file may take. */
  readonly maxBytes: number
  /** Is called with the number of bytes that will be read, once that is known. */
  readonly expect?: ((bytes: number) => void) | undefined
}

export interface WriteOptions {
  /** Floating-point numbers are rounded to half of their bits in the file. */
  readonly dtype?: 'float16' | 'bfloat16' | undefined
  /** Texts for a reader: safetensors has a place for them. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** A tensor in a file. */
export interface Listed {
  readonly name: string
  /** Its dtype once loaded; null for one that cannot be loaded. */
  readonly dtype: DType | null
  /** The file's own word for the type of its elements. */
  readonly stored: string
  readonly shape: readonly number[]
  /** Its size in the file. */
  readonly bytes: number
  /** Where its first byte is in the file; null inside of a compressed part. */
  readonly offset: number | null
}

/** What a file holds. */
export interface Listing {
  readonly format: FormatName
  /** The size of the file in bytes. */
  readonly size: number
  readonly tensors: readonly Listed[]
  readonly metadata: ReadonlyMap<string, string>
}

export interface Format {
  readonly name: FormatName
  readonly endings: readonly string[]
  /** Whether a file may be one of this format; `head` is its first 512 bytes, or fewer if it is shorter. */
  matches(head: Uint8Array, source: Source): boolean
  read(source: Source, options: ReadOptions): Promise<unknown>
  list(source: Source): Promise<Listing>
  write(object: Saved, options: WriteOptions): AsyncIterable<Uint8Array> | Iterable<Uint8Array>
}

/** The names that `only` chooses, in the order of the file; throws a KeyError for one that is not there. */
export function chosen(source: Source, names: Iterable<string>, only: Only | undefined): string[] {
  const all = [...names]
  if (only === undefined) return all
  if (typeof only === 'function') return all.filter((name) => only(name) === true)
  const wanted = new Set(typeof only === 'string' ? [only] : only)
  const known = new Set(all)
  for (const name of wanted) {
    if (known.has(name)) continue
    const near = nearest(name, all)
    const hint = near === undefined ? `It has ${all.length} tensors: await io.list(source).` : `Did you mean '${near}'?`
    throw new KeyError(`${source.name}: has no tensor '${name}'`, hint)
  }
  return all.filter((name) => wanted.has(name))
}

/** The bytes that the tensors of a file take in memory; throws if they are more than the caller allows. */
export function checkMemory(source: Source, tensors: readonly Listed[], maxBytes: number): number {
  let sum = 0
  for (const { dtype, shape } of tensors) sum += dtype === null ? 0 : numelOf(shape) * dtypeSize[dtype]
  if (sum <= maxBytes) return sum
  throw damaged(
    source,
    `its tensors take ${sum} bytes, more than ${maxBytes}`,
    'If you trust where it comes from, allow more: { maxBytes }. Or load some: { only }.',
  )
}
