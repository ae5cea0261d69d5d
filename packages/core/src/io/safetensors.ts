// safetensors: eight bytes with the length of a header, the header in JSON (names, dtypes, shapes, places), and the
// elements, https://github.com/huggingface/safetensors#format. Every program that reads the format reads all tensors;
// what else was saved is in the header's metadata, under `flambeau` (structure.ts).
import { garbage } from '../backend/garbage.ts'
import { dtypeOfArray, newArray, type TypedArray } from '../base/dtype.ts'
import { TypeError, ValueError } from '../base/errors.ts'
import { typeName } from '../base/python.ts'
import { StateDict } from '../nn/state-dict.ts'
import { isTensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkMemory, chosen, type Format, type Listed, type ReadOptions, type WriteOptions } from './format.ts'
import { type Json, parseJson } from './json.ts'
import { checkRange, damaged, type Source } from './source.ts'
import { arraysOf, flattened, restored } from './structure.ts'
import {
  elementsOf,
  type Encoding,
  encodings,
  isEncoding,
  piecesOf,
  readElements,
  readTensor,
  writtenAs,
} from './tensors.ts'
import { type Saved, setOwn } from './tree.ts'
import { fromUtf8, toUtf8 } from './utf8.ts'

/** The largest header, as in the format's own library. */
const mostHeader = 100_000_000
/** The bytes of the dtypes that the format knows and flambeau does not. */
const otherBytes: Readonly<Record<string, number>> = { F8_E5M2: 1, F8_E4M3: 1, F8_E8M0: 1, C64: 8 }

const metadataKey = '__metadata__'
const structureKey = 'flambeau'

interface Entry extends Listed {
  readonly offset: number
  readonly elements: number
}
interface Header {
  readonly entries: ReadonlyMap<string, Entry>
  readonly metadata: ReadonlyMap<string, string>
}

/** The length of the header by the first eight bytes. */
const lengthOf = (head: Uint8Array): number => {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  return view.getUint32(0, true) + 2 ** 32 * view.getUint32(4, true)
}

async function headerOf(source: Source): Promise<Header> {
  checkRange(source, 0, 8, 'the length of the header')
  const length = lengthOf(await source.read(0, 8))
  if (length > mostHeader)
    throw damaged(source, `the header has ${length} bytes, more than ${mostHeader}`, 'Is it a safetensors file?')
  checkRange(source, 8, 8 + length, 'the header')
  const bytes = await source.read(8, 8 + length)
  const text = fromUtf8(bytes)
  if (text === undefined) throw damaged(source, 'the header is not UTF-8', 'The file is damaged.')
  const refuse = (what: string, at: number): never => {
    throw damaged(source, `the header ${what}, at character ${at}`, 'The file is damaged.')
  }
  const json = parseJson(text, refuse)
  if (!(json instanceof Map)) return refuse('is not an object', 0)
  const metadata = new Map<string, string>()
  const entries = new Map<string, Entry>()
  for (const [name, value] of json as ReadonlyMap<string, Json>) {
    if (name !== metadataKey) entries.set(name, entryOf(source, name, value, 8 + length))
    else if (value instanceof Map) {
      for (const [key, x] of value) {
        if (typeof x !== 'string') throw damaged(source, `the metadata '${key}' is not a text`, 'The file is damaged.')
        metadata.set(key, x)
      }
    } else throw damaged(source, 'the metadata is not an object', 'The file is damaged.')
  }
  checkPlaces(source, entries, 8 + length)
  return { entries, metadata }
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0

/** The entry of a tensor, whose bytes are as many as its shape needs. */
function entryOf(source: Source, name: string, json: Json, start: number): Entry {
  const refuse = (what: string): never => {
    throw damaged(source, `'${name}' ${what}`, 'The file is damaged.')
  }
  if (!(json instanceof Map)) return refuse('has no description')
  const [stored, shape, offsets] = ['dtype', 'shape', 'data_offsets'].map((key) => json.get(key))
  if (typeof stored !== 'string') return refuse('has no dtype')
  if (!Array.isArray(shape)) return refuse('has no shape')
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount) || offsets[0] > offsets[1])
    return refuse('has no data_offsets')
  const elements = elementsOf(source, name, shape)
  const bytes = offsets[1] - offsets[0]
  const known: Encoding | null = isEncoding(stored) ? encodings[stored] : null
  const size = known?.bytes ?? (Object.hasOwn(otherBytes, stored) ? otherBytes[stored] : null)
  if (size !== null && bytes !== elements * size)
    refuse(`has ${bytes} bytes, but ${elements} elements of ${stored} take ${elements * size}`)
  return {
    name,
    stored,
    dtype: known?.dtype ?? null,
    shape: shape as number[],
    bytes,
    elements,
    offset: start + offsets[0],
  }
}

/** Throws unless the tensors lie one behind the other and fill the file, as the format demands. */
function checkPlaces(source: Source, entries: ReadonlyMap<string, Entry>, start: number): void {
  let at = start
  for (const { name, offset, bytes } of inFile(entries.values())) {
    if (offset !== at) {
      const hint = 'Each tensor must begin where the one before ends. The file is damaged.'
      throw damaged(source, `'${name}' begins at byte ${offset}, but the tensor before it ends at byte ${at}`, hint)
    }
    at += bytes
    checkRange(source, offset, at, `'${name}'`)
  }
  if (at !== source.size)
    throw damaged(source, `the tensors end at byte ${at}, but the file has ${source.size}`, 'The file is damaged.')
}

const inFile = (entries: Iterable<Entry>): Entry[] =>
  [...entries].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes)

/** The structure of what was saved, if flambeau wrote the file. */
function structureOf(source: Source, { metadata }: Header): Json | undefined {
  const text = metadata.get(structureKey)
  if (text === undefined) return undefined
  const json = parseJson(text, (what, at) => {
    throw damaged(source, `the metadata '${structureKey}' ${what}, at character ${at}`, damagedStructure)
  })
  const version = json instanceof Map ? json.get('version') : undefined
  const value = json instanceof Map ? json.get('value') : undefined
  if (version === 1 && value !== undefined) return value
  throw damaged(source, `the metadata '${structureKey}' has the version ${String(version)}`, damagedStructure)
}

const damagedStructure =
  'A newer flambeau may read it; load(source, { only: () => true }) reads the tensors without their structure.'

async function read(source: Source, options: ReadOptions): Promise<unknown> {
  const header = await headerOf(source)
  const { entries } = header
  const structure = options.only === undefined ? structureOf(source, header) : undefined
  const names = chosen(source, entries.keys(), options.only)
  const wanted = names.map((name) => entries.get(name) as Entry)
  for (const { name, stored, dtype } of wanted) {
    if (dtype === null)
      throw damaged(source, `'${name}' is ${stored}, which is not supported`, 'Leave it out: load(source, { only }).')
  }
  const bytes = checkMemory(source, wanted, options.maxBytes)
  options.expect?.(wanted.reduce((sum, { bytes }) => sum + bytes, 0))
  const arrays = structure === undefined ? new Set<string>() : arraysOf(structure)
  const found = new Map<string, Tensor | TypedArray>()
  const one = async ({ name, stored, dtype, shape, offset, elements }: Entry): Promise<void> => {
    if (!isEncoding(stored) || dtype === null) return
    if (arrays.has(name)) {
      const array = newArray(dtype, elements)
      await readElements(source, offset, stored, array, name)
      found.set(name, array)
    } else found.set(name, await readTensor(source, offset, stored, shape, name, options))
  }
  garbage.keeps(bytes)
  try {
    await inTurns(inFile(wanted), one)
  } finally {
    garbage.keeps(0)
  }
  if (structure !== undefined) {
    return restored(structure, found, (what) => {
      throw damaged(source, `the metadata '${structureKey}' ${what}`, damagedStructure)
    })
  }
  return new StateDict(names.map((name) => [name, found.get(name) as Tensor]))
}

/** How many tensors are read at once: while one waits for the system, another is copied. */
const turns = 4

/** Works through a list, some at once, in its order; the first error ends it, when nothing is under way any more. */
async function inTurns<T>(list: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = list.values()
  let failed: { readonly error: unknown } | null = null
  const turn = async (): Promise<void> => {
    for (const item of queue) {
      if (failed !== null) return
      try {
        await work(item)
      } catch (error) {
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: turns }, turn))
  if (failed !== null) throw (failed as { readonly error: unknown }).error
}

async function* write(object: Saved, { dtype, metadata = {} }: WriteOptions): AsyncGenerator<Uint8Array> {
  const { structure, tensors } = flattened(object, [metadataKey])
  const texts: Record<string, string> = { format: 'pt' }
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string')
      throw new TypeError(`save(): metadata.${key} must be str, not ${typeName(value)}`, 'JSON.stringify(x) is a text.')
    if (key === structureKey) throw new ValueError(`save(): metadata.${key} is flambeau's own`, 'Use another name.')
    setOwn(texts, key, value)
  }
  texts[structureKey] = JSON.stringify({ version: 1, value: structure })
  const entries = Array.from(tensors, ([name, x]) => {
    const stored = isTensor(x) ? writtenAs(x, dtype) : writtenAs({ dtype: dtypeOfArray(x) })
    const shape = isTensor(x) ? x.sizes : [x.length]
    const size: number = encodings[stored].bytes
    const elements = isTensor(x) ? x.elements : x.length
    return { name, x, stored, shape, size, bytes: size * elements, offset: 0, version: isTensor(x) ? x.version : 0 }
  })
  // The largest elements come first, so that all are aligned.
  const placed = [...entries].sort((a, b) => b.size - a.size)
  let at = 0
  for (const entry of placed) {
    entry.offset = at
    at += entry.bytes
  }
  const members = entries.map(({ name, stored, shape, offset, bytes }) => {
    const value = { dtype: stored, shape, data_offsets: [offset, offset + bytes] }
    return `${JSON.stringify(name)}:${JSON.stringify(value)}`
  })
  const json = toUtf8(`{${[`"${metadataKey}":${JSON.stringify(texts)}`, ...members].join(',')}}`)
  const padded = Math.ceil(json.length / 8) * 8
  if (padded > mostHeader)
    throw new ValueError(
      `save(): the header would have ${padded} bytes, more than ${mostHeader}`,
      'Save fewer values that are not tensors.',
    )
  const head = new Uint8Array(8 + padded).fill(0x20)
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true)
  head.set(json, 8)
  yield head
  for (const { x, stored, version } of placed) {
    if (isTensor(x)) yield* piecesOf(x, stored, version)
    else yield new Uint8Array(x.buffer, x.byteOffset, x.byteLength).slice()
  }
}

const listed = ({ elements, ...rest }: Entry): Listed => rest

/** The format `safetensors`. */
export const safetensors: Format = {
  name: 'safetensors',
  endings: ['.safetensors'],
  matches: (head) => head.length > 8 && head[8] === 0x7b && lengthOf(head) <= mostHeader,
  read,
  async list(source) {
    const { entries, metadata } = await headerOf(source)
    return { format: 'safetensors', size: source.size, tensors: Array.from(entries.values(), listed), metadata }
  },
  write,
}
