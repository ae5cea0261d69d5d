// PyTorch's files, of weights only: the zip archives that `torch.save` writes since 1.6, read and written, and the form
// before, read. A pickle describes the object (pickle.ts, torch-globals.ts); its storages are beside it, and are read only
// where a tensor that is wanted lies in them. Tensors of one storage share memory, as in PyTorch.
import { isFloat } from '../base/dtype.ts'
import { Parameter } from '../nn/parameter.ts'
import { StateDict } from '../nn/state-dict.ts'
import { Tensor } from '../tensor/tensor.ts'
import { checkMemory, chosen, type Format, type Listed, type Listing, type ReadOptions } from './format.ts'
import { Collection, typeOf, unpickle } from './pickle.ts'
import { write } from './pt-write.ts'
import { cutOff, damaged, type Source } from './source.ts'
import { encodings, readTensor } from './tensors.ts'
import { type StoredMemory, StoredTensor, torchMeaning } from './torch-globals.ts'
import { mostLevels, setOwn } from './tree.ts'
import { readZip } from './zip.ts'

/** What occurs twice counts twice: whoever walks through the result must come to an end. */
const mostParts = 2 ** 22
/** Longer names of tensors do not occur. */
const mostName = 1000
/** Pickles are short, since storages are not in them: this one would describe half a million tensors. */
const mostPickle = 2 ** 26

const saveWeights = 'Save the weights in PyTorch: torch.save(model.state_dict(), path).'

// ---- the file ----

/** Where the elements of a storage are: in a part of the file, and at which of its bytes; null if it is compressed. */
interface Place {
  readonly source: Source
  readonly start: number
  readonly offset: number | null
}
interface Contents {
  readonly object: unknown
  readonly places: ReadonlyMap<StoredMemory, Place>
  readonly metadata: ReadonlyMap<string, string>
}

const startsWith = (bytes: Uint8Array, text: string, at = 0): boolean =>
  Array.from(text).every((c, i) => bytes[at + i] === c.charCodeAt(0))

const isZip = (head: Uint8Array): boolean => startsWith(head, 'PK\x03\x04')
/** The name of the first file in an archive. */
const firstName = (head: Uint8Array): string =>
  String.fromCharCode(...head.subarray(30, Math.min(head.length, 30 + head[26] + 256 * head[27])))
const isPickle = (head: Uint8Array): boolean => head[0] === 0x80 && head[1] >= 2 && head[1] <= 5
const isTar = (head: Uint8Array): boolean => startsWith(head, 'ustar', 257)

async function opened(source: Source): Promise<Contents> {
  const head = await source.read(0, Math.min(512, source.size))
  if (isZip(head)) return openedZip(source)
  if (isPickle(head)) return openedOld(source)
  throw damaged(
    source,
    'is of the form that PyTorch 0.1 wrote',
    'Load it in PyTorch and save it again with torch.save.',
  )
}

async function openedZip(source: Source): Promise<Contents> {
  const entries = await readZip(source, { maxBytes: Number.POSITIVE_INFINITY })
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  const folder = pickles.length === 1 ? pickles[0].slice(0, -'data.pkl'.length) : ''
  if ([...entries.keys()].some((name) => /^[^/]+\/(constants\.pkl|code\/)/.test(name)))
    throw damaged(source, 'is a TorchScript archive', saveWeights)
  const pickle = entries.get(pickles[0])
  if (folder === '' || pickle === undefined)
    throw damaged(source, 'has no data.pkl: this zip archive is not from torch.save', saveWeights)
  if (pickle.size > mostPickle)
    throw damaged(source, `${pickle.name} has ${pickle.size} bytes`, `At most ${mostPickle} are read.`)
  const text = async (name: string): Promise<string | null> => {
    const entry = entries.get(folder + name)
    return entry === undefined ? null : String.fromCharCode(...(await entry.read(0, Math.min(entry.size, 16)))).trim()
  }
  const order = await text('byteorder')
  if (order !== null && order !== 'little') throw damaged(source, `its byte order is ${order}`, bigEndian)
  const memories = new Map<string, StoredMemory>()
  const { value } = unpickle(`${source.name}: ${pickle.name}`, await pickle.read(), 0, torchMeaning(memories, false))
  const places = new Map<StoredMemory, Place>()
  for (const memory of memories.values()) {
    const entry = entries.get(`${folder}data/${memory.key}`)
    const { bytes } = encodings[memory.type]
    if (entry === undefined) throw damaged(source, `has no ${folder}data/${memory.key}, a storage of its tensors`)
    if (entry.size !== memory.size * bytes) {
      throw damaged(
        source,
        `${entry.name} has ${entry.size} bytes, but the storage has ${memory.size} elements of ${bytes}`,
        'The file is damaged: get it again.',
      )
    }
    places.set(memory, { source: entry.source, start: 0, offset: entry.stored ? entry.offset : null })
  }
  return { object: value, places, metadata: new Map(Object.entries({ version: (await text('version')) ?? '' })) }
}

const bigEndian = 'Only little-endian files are read: load it in PyTorch and save it again.'
/** PyTorch's magic number, 0x1950a86a20f9469cfc6c, and the version of the form that followed. */
const magic = 0x1950a86a20f9469cfc6cn
const oldVersion = 1001

/** Before 1.6 a file was five pickles, then each storage: its length in 8 bytes and its elements. */
async function openedOld(source: Source): Promise<Contents> {
  const bytes = await source.read(0, Math.min(source.size, mostPickle))
  const memories = new Map<string, StoredMemory>()
  const meaning = torchMeaning(memories, true)
  let at = 0
  const next = (): unknown => {
    const { value, end } = unpickle(source.name, bytes, at, meaning)
    at = end
    return value
  }
  const wrong = (what: string, hint?: string): Error => damaged(source, what, hint)
  if (next() !== magic)
    throw wrong('Invalid magic number; corrupt file?', `It is a pickle, but not from torch.save. ${saveWeights}`)
  const version = next()
  if (version !== oldVersion)
    throw wrong(`Invalid protocol version: ${typeof version === 'number' ? version : typeOf(version)}`)
  const system = next()
  const items = system instanceof Collection ? (system.items ?? []) : []
  if (items[items.indexOf('little_endian') + 1] === false) throw wrong('its byte order is big', bigEndian)
  const object = next()
  const keys = next()
  if (!Array.isArray(keys)) throw wrong(`the keys of its storages are ${typeOf(keys)}, not a list`)
  const places = new Map<StoredMemory, Place>()
  for (const key of keys) {
    const memory = typeof key === 'string' ? memories.get(key) : undefined
    if (memory === undefined || places.has(memory))
      throw wrong(`byte ${at}: a storage is there that no tensor has, or for the second time`, 'The file is damaged.')
    if (at + 8 > source.size) throw wrong(`ends at byte ${source.size}, before storage '${memory.key}'`)
    const length = await source.read(at, at + 8)
    const size = Number(new DataView(length.buffer, length.byteOffset).getBigInt64(0, true))
    const start = at + 8
    at = start + memory.size * encodings[memory.type].bytes
    if (size !== memory.size || at > source.size) {
      throw wrong(
        `byte ${start - 8}: storage '${memory.key}' has ${size} elements, of which ${memory.size} are expected and ${Math.max(0, source.size - start)} bytes are there`,
        cutOff,
      )
    }
    places.set(memory, { source, start, offset: start })
  }
  const absent = [...memories.values()].find((memory) => !places.has(memory))
  if (absent !== undefined) throw wrong(`has no storage '${absent.key}', in which a tensor lies`)
  return { object, places, metadata: new Map() }
}

// ---- the object ----

/**
 * What a pickle holds, in JavaScript's words: a list or tuple is an array, a dict with strings or with whole numbers as
 * keys an object, any other a Map, and an OrderedDict a Map, of tensors a `StateDict`. An object that occurs twice is the
 * same one in the result. `leaf` makes a tensor, and is told its name, which no other has.
 */
function converted(source: Source, object: unknown, leaf: (x: StoredTensor, name: string) => unknown): unknown {
  const done = new Map<object, readonly [made: unknown, parts: number]>()
  let parts = 0
  const above = new Set<object>()
  const names = new Set<string>()

  const visit = (x: unknown, path: string): unknown => {
    if (typeof x !== 'object' || x === null || x instanceof Uint8Array) return x
    const shown = path.length < 100 ? path || 'the object' : `${path.slice(0, 100)}…`
    const before = parts
    const again = done.get(x)
    parts += again?.[1] ?? 1
    if (parts > mostParts) throw damaged(source, `${shown} repeats itself too often: it has over ${mostParts} parts`)
    if (again !== undefined) return again[0]
    if (above.has(x)) throw damaged(source, `${shown} contains itself`, 'A tree of tensors has no place for a cycle.')
    if (above.size > mostLevels) throw damaged(source, `${shown} is more than ${mostLevels} levels deep`)
    above.add(x)
    const made = x instanceof StoredTensor ? leaf(x, nameAt(path)) : inside(x, path, shown)
    above.delete(x)
    done.set(x, [made, parts - before])
    return made
  }
  const nameAt = (path: string): string => {
    if (path.length > mostName)
      throw damaged(source, `the name of a tensor has ${path.length} characters: ${path.slice(0, 50)}…`)
    let name = path || 'tensor'
    for (let n = 2; names.has(name); n++) name = `${path}~${n}`
    names.add(name)
    return name
  }
  const below = (path: string, key: unknown): string => (path === '' ? String(key) : `${path}.${String(key)}`)

  const inside = (x: object, path: string, shown: string): unknown => {
    if (Array.isArray(x)) return Array.from(x, (item, i) => visit(item, below(path, i)))
    if (!(x instanceof Collection))
      throw damaged(source, `${shown} is neither a tensor nor made of tensors, numbers and texts`, saveWeights)
    const items = x.items ?? []
    if (x.kind === 'set') return new Set(items.map((item, i) => visit(item, below(path, i))))
    const entries = new Map<unknown, unknown>()
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i]
      if (typeof key === 'object' && key !== null)
        throw damaged(source, `${shown} has a key that is ${typeOf(key)}`, 'Keys must be strings or numbers.')
      entries.set(key, items[i + 1])
    }
    const result = emptyFor(x, entries)
    for (const [key, value] of entries) {
      const item = visit(value, below(path, key))
      if (result instanceof Map) result.set(key, item)
      else setOwn(result, String(key), item)
    }
    return result
  }
  return visit(object, '')
}

const isKey = (key: unknown): boolean => Number.isSafeInteger(key) && (key as number) >= 0

/** The object or map, still empty, for a dict's entries. */
function emptyFor(x: Collection, entries: ReadonlyMap<unknown, unknown>): object {
  const keys = [...entries.keys()]
  const areNames = keys.every((key) => typeof key === 'string')
  if (x.kind === 'dict') return areNames || keys.every(isKey) ? {} : new Map()
  const versions = versionsOf(x)
  const areTensors = entries.size > 0 && [...entries.values()].every((value) => value instanceof StoredTensor)
  if (!areNames || (versions === null && !areTensors)) return new Map()
  const dict = new StateDict()
  dict.versions = versions
  return dict
}

const valueOf = (x: unknown, key: string): unknown => {
  const items = x instanceof Collection ? (x.items ?? []) : []
  for (let i = items.length - 2; i >= 0; i -= 2) if (items[i] === key) return items[i + 1]
  return undefined
}

/** The versions of modules that a state dict has as its attribute; null if there are none. */
function versionsOf(x: Collection): Map<string, number> | null {
  const metadata = valueOf(x.attributes, '_metadata')
  if (!(metadata instanceof Collection)) return null
  const { items } = metadata
  const versions = new Map<string, number>()
  for (let i = 0; items !== null && i < items.length; i += 2) {
    const version = valueOf(items[i + 1], 'version')
    if (typeof items[i] === 'string' && typeof version === 'number') versions.set(items[i] as string, version)
  }
  return versions
}

// ---- reading ----

/** Every tensor of a file, with its name. */
function listed(source: Source, { object, places }: Contents): Map<string, readonly [StoredTensor, Listed]> {
  const tensors = new Map<string, readonly [StoredTensor, Listed]>()
  converted(source, object, (x, name) => {
    const { bytes, dtype } = encodings[x.memory.type]
    const start = places.get(x.memory)?.offset ?? null
    const offset = start === null ? null : start + x.offset * bytes
    const { type: stored } = x.memory
    tensors.set(name, [x, { name, dtype, stored, shape: x.sizes, bytes: x.elements * bytes, offset }])
  })
  return tensors
}

async function list(source: Source): Promise<Listing> {
  const contents = await opened(source)
  const tensors = Array.from(listed(source, contents).values(), ([, x]) => x)
  return { format: 'pt', size: source.size, tensors, metadata: contents.metadata }
}

async function read(source: Source, options: ReadOptions): Promise<unknown> {
  const contents = await opened(source)
  const { object, places } = contents
  const tensors = listed(source, contents)
  const wanted = chosen(source, tensors.keys(), options.only).map((name) => tensors.get(name)!)
  // Of an expanded tensor the elements count, of a small view its whole storage.
  checkMemory(
    source,
    Array.from(wanted, ([, x]) => x),
    options.maxBytes,
  )
  const storages = new Map<StoredMemory, Listed>()
  for (const [{ memory }, { name, dtype, stored }] of wanted) {
    if (storages.has(memory)) continue
    const bytes = memory.size * encodings[memory.type].bytes
    const offset = places.get(memory)?.offset ?? null
    storages.set(memory, { name, dtype, stored, shape: [memory.size], bytes, offset })
  }
  const inFile = [...storages].sort(([, a], [, b]) => (a.offset ?? 0) - (b.offset ?? 0))
  checkMemory(
    source,
    Array.from(inFile, ([, x]) => x),
    options.maxBytes,
  )
  options.expect?.(inFile.reduce((sum, [, { bytes }]) => sum + bytes, 0))
  const loaded = new Map<StoredMemory, Tensor>()
  for (const [memory, { name }] of inFile) {
    const place = places.get(memory)!
    loaded.set(memory, await readTensor(place.source, place.start, memory.type, [memory.size], name, options))
  }
  const made = (x: StoredTensor): Tensor => tensorIn(loaded.get(x.memory)!, x)
  if (options.only === undefined) return converted(source, object, made)
  return new StateDict(wanted.map(([x, { name }]) => [name, made(x)]))
}

/** A tensor in the memory that was loaded for it. */
function tensorIn(
  { storage, dtype }: Tensor,
  { sizes, strides, offset, requiresGrad, isParameter }: StoredTensor,
): Tensor {
  const x = new Tensor(storage, sizes, strides, offset, dtype)
  if (isParameter) return new Parameter(x, requiresGrad && isFloat(dtype))
  return requiresGrad ? x.setRequiresGrad(true) : x
}

/** PyTorch's `.pt` and `.pth`. */
export const pt: Format = {
  name: 'pt',
  endings: ['.pt', '.pth'],
  matches: (head) => (isZip(head) ? !firstName(head).endsWith('.npy') : isPickle(head) || isTar(head)),
  read,
  list,
  write,
}
