// What the globals in PyTorch's files stand for: the allow-list of `torch.load(weights_only=True)`, as far as flambeau
// has the same thing. A storage and a tensor are only described here; nothing is read or allocated for them.
import type { ValueError } from '../base/errors.ts'
import { type EncodingName, encodings } from './tensors.ts'
import { Callable, Collection, type Fail, type Meaning, Tuple, typeOf } from './pickle.ts'

/** The classes of storages, by the encoding of their elements. */
export const storageNames = {
  F32: 'FloatStorage',
  F64: 'DoubleStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage',
} as const satisfies Readonly<Partial<Record<EncodingName, string>>>
export type ElementType = keyof typeof storageNames

class StorageType {
  readonly type: ElementType
  constructor(type: ElementType) {
    this.type = type
  }
}

/** Memory that the file holds under a key. */
export class StoredMemory {
  readonly key: string
  readonly type: ElementType
  /** In elements. */
  readonly size: number
  constructor(key: string, type: ElementType, size: number) {
    this.key = key
    this.type = type
    this.size = size
  }
}

/** A storage: memory, or in files before 0.4 a part of it. */
class StoredStorage {
  readonly memory: StoredMemory
  readonly offset: number
  readonly size: number
  constructor(memory: StoredMemory, offset: number, size: number) {
    this.memory = memory
    this.offset = offset
    this.size = size
  }
}

/** A tensor that the file describes; it lies within its memory. */
export interface Described {
  readonly memory: StoredMemory
  readonly sizes: readonly number[]
  readonly strides: readonly number[]
  readonly offset: number
  readonly elements: number
  readonly requiresGrad: boolean
  readonly isParameter: boolean
}
export class StoredTensor implements Described {
  readonly memory!: StoredMemory
  readonly sizes!: readonly number[]
  readonly strides!: readonly number[]
  readonly offset!: number
  readonly elements!: number
  readonly requiresGrad!: boolean
  readonly isParameter!: boolean
  constructor(described: Described) {
    Object.assign(this, described)
  }
}

const onlyWeights =
  'Only weights are read. In PyTorch, save those: torch.save(model.state_dict(), path), without modules, optimizers or other objects.'
/** What to do about globals that PyTorch itself writes. */
const remedies: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [
    /OneCycleLR$/,
    'The state of this scheduler holds a function of it. Leave that out in PyTorch: {k: v for k, v in scheduler.state_dict().items() if k != "anneal_func"}.',
  ],
  [/sparse/, 'Sparse tensors are not supported; save x.to_dense().'],
  [/_rebuild_q|QInt|QUInt/, 'Quantized tensors are not supported; save x.dequantize().'],
  [/Complex/, 'Complex numbers are not supported; save the real and the imaginary part as two tensors.'],
  [/^numpy\./, 'NumPy values are not read; convert them before saving: torch.from_numpy(x), x.item().'],
  [
    /Storage$/,
    'Storages of this type are not supported; save tensors of float, double, half, int, long, uint8 or bool.',
  ],
  [/^torch\.jit|^__torch__/, 'TorchScript is not read; save the weights: torch.save(module.state_dict(), path).'],
]

const isWhole = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0

function wholes(what: string, x: unknown, fail: Fail): number[] {
  if (!(x instanceof Tuple) && !Array.isArray(x)) throw fail(`the ${what} of a tensor is ${typeOf(x)}, not a tuple`)
  if (x.length > 64) throw fail(`a tensor has ${x.length} dimensions`, 'PyTorch has up to 64.')
  const bad = x.find((n) => !isWhole(n))
  if (bad !== undefined)
    throw fail(`the ${what} of a tensor has the entry ${shown(bad)}`, 'It must be a whole number of at least 0.')
  return Array.from(x as number[])
}
const shown = (x: unknown): string => (typeof x === 'number' || typeof x === 'bigint' ? String(x) : typeOf(x))

/** The arguments of a call, of which there must be from `least` to `most`. */
function counted(name: string, args: Tuple, least: number, most: number, fail: Fail): Tuple {
  if (args.length >= least && args.length <= most) return args
  throw fail(
    `${name}() takes ${least === most ? least : `${least} to ${most}`} arguments but ${args.length} were given`,
  )
}

/** A tensor of a storage, checked to lie within it. */
function rebuilt(args: Tuple, fail: Fail): StoredTensor {
  const [storage, start, size, stride, requiresGrad = false] = args
  if (!(storage instanceof StoredStorage)) throw fail(`a tensor is rebuilt from ${typeOf(storage)}, not from a storage`)
  const sizes = wholes('size', size, fail)
  const strides = wholes('stride', stride, fail)
  if (sizes.length !== strides.length)
    throw fail(`mismatch in length of strides and shape: ${strides.length} and ${sizes.length}`)
  if (!isWhole(start)) throw fail(`a tensor begins at element ${shown(start)} of its storage`)
  if (typeof requiresGrad !== 'boolean') throw fail(`requires_grad is ${typeOf(requiresGrad)}, not a bool`)
  const elements = sizes.includes(0) ? 0 : sizes.reduce((n, size) => n * size, 1)
  if (!isWhole(elements))
    throw fail(`a tensor has the size [${sizes.join(', ')}]`, 'It has more elements than fit anywhere.')
  const end = elements === 0 ? 0 : sizes.reduce((at, n, i) => at + (n - 1) * strides[i], start) + 1
  const { memory } = storage
  if (end > storage.size) {
    const bytes = encodings[memory.type].bytes
    throw fail(
      `setStorage: sizes [${sizes.join(', ')}], strides [${strides.join(', ')}], storage offset ${start}, and itemsize ${bytes} requiring a storage size of ${end * bytes} are out of bounds for storage of size ${storage.size * bytes}`,
      `A tensor reaches beyond the storage '${memory.key}'.`,
    )
  }
  const isFloat = memory.type.includes('F')
  if (requiresGrad && !isFloat)
    throw fail(
      'only Tensors of floating point and complex dtype can require gradients',
      `Its storage is ${memory.type}.`,
    )
  const offset = elements === 0 ? 0 : storage.offset + start
  return new StoredTensor({ memory, sizes, strides, offset, elements, requiresGrad, isParameter: false })
}

function parameter(data: unknown, requiresGrad: unknown, fail: Fail): StoredTensor {
  if (!(data instanceof StoredTensor)) throw fail(`a Parameter is made of ${typeOf(data)}, not of a tensor`)
  if (typeof requiresGrad !== 'boolean') throw fail(`requires_grad is ${typeOf(requiresGrad)}, not a bool`)
  if (requiresGrad && !data.memory.type.includes('F'))
    throw fail('Only Tensors of floating point and complex dtype can require gradients')
  return new StoredTensor({ ...data, requiresGrad, isParameter: true })
}

/** The entries of a list of pairs, as Python 2 wrote an OrderedDict. */
function pairs(args: Tuple, fail: Fail): unknown[] | null {
  const [entries] = counted('OrderedDict', args, 0, 1, fail)
  if (entries === undefined) return null
  if (!Array.isArray(entries)) throw fail(`OrderedDict() is made of ${typeOf(entries)}, not of a list`)
  return entries.flatMap((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2) throw fail('an entry of an OrderedDict is not a pair')
    return entry
  })
}

function setOf(args: Tuple, fail: Fail): Collection {
  const [items = []] = counted('set', args, 0, 1, fail)
  if (!Array.isArray(items)) throw fail(`set() is made of ${typeOf(items)}, not of a list`)
  return new Collection('set', [...items])
}

/** Bytes: Python writes them in protocol 2 as text of as many letters. */
function encoded(args: Tuple, fail: Fail): Uint8Array {
  const [text, encoding] = counted('encode', args, 2, 2, fail)
  const bytes = typeof text === 'string' && encoding === 'latin1' ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : null
  if (bytes === null || bytes.length !== (text as string).length)
    throw fail('_codecs.encode() is called for something other than bytes')
  return bytes
}

/** The class whose static functions the state of SWALR holds; nothing else of it is known. */
const swaLrName = 'torch.optim.swa_utils.SWALR'
const swaLr = new Callable((_, fail) => {
  throw unsupported(swaLrName, fail)
})
const anneals: Readonly<Record<string, string>> = { _cosine_anneal: 'cos', _linear_anneal: 'linear' }
/** How SWALR changes its rates, which PyTorch saves as a function of that class. */
function annealing(args: Tuple, fail: Fail): string {
  const [type, name] = counted('getattr', args, 2, 2, fail)
  const strategy = typeof name === 'string' && Object.hasOwn(anneals, name) ? anneals[name] : undefined
  if (type !== swaLr || strategy === undefined) throw unsupported('__builtin__.getattr', fail)
  return strategy
}

function deviceOf(args: Tuple, fail: Fail): string {
  const [type, index] = counted('device', args, 1, 2, fail)
  if (typeof type !== 'string' || (index !== undefined && !isWhole(index))) throw fail('a device has no name')
  return index === undefined ? type : `${type}:${index}`
}

/** Everything that may be called. Python 2's names of modules are what protocol 2 writes. */
const callables: Readonly<Record<string, Callable['call']>> = {
  'collections.OrderedDict': (args, fail) => new Collection('OrderedDict', pairs(args, fail)),
  // A count of values: the milestones of MultiStepLR.
  'collections.Counter': (args, fail) => {
    const [counts = new Collection('dict')] = counted('Counter', args, 0, 1, fail)
    if (counts instanceof Collection && counts.kind === 'dict') return counts
    throw fail(`Counter() is made of ${typeOf(counts)}, not of a dict`)
  },
  '__builtin__.getattr': annealing,
  'builtins.getattr': annealing,
  '__builtin__.set': setOf,
  'builtins.set': setOf,
  '_codecs.encode': encoded,
  'torch.Size': (args, fail) => Tuple.from(wholes('size', counted('Size', args, 1, 1, fail)[0], fail)),
  'torch.device': deviceOf,
  'torch._utils._rebuild_tensor': (args, fail) => rebuilt(counted('_rebuild_tensor', args, 4, 4, fail), fail),
  // Hooks are dropped. Newer versions add what a tensor is beside its elements, if it is anything.
  'torch._utils._rebuild_tensor_v2': (args, fail) => {
    const metadata = counted('_rebuild_tensor_v2', args, 6, 7, fail)[6] ?? null
    if (metadata !== null && !(metadata instanceof Collection && metadata.items === null))
      throw fail('a tensor is negated or conjugated when it is read', 'Save x.resolve_neg().resolve_conj().')
    return rebuilt(args, fail)
  },
  'torch._utils._rebuild_parameter': (args, fail) => {
    const [data, requiresGrad] = counted('_rebuild_parameter', args, 3, 3, fail)
    return parameter(data, requiresGrad, fail)
  },
  'torch.nn.parameter.Parameter': (args, fail) => {
    const [data, requiresGrad = true] = counted('Parameter', args, 1, 2, fail)
    return parameter(data, requiresGrad, fail)
  },
}

/** Dtypes as values; those that flambeau lacks keep PyTorch's name, since they do no harm in a list of options. */
const dtypeNames =
  /^torch\.(float64|float32|float16|bfloat16|int64|int32|int16|int8|uint8|bool|complex64|complex128|complex32)$/

/** The names of all that the allow-list has, for the guide and the tests. */
export const allowedGlobals = (): readonly string[] => [
  ...Object.keys(callables),
  ...Object.values(storageNames).map((name) => `torch.${name}`),
]

/** The error for a global that is not on the list. */
function unsupported(name: string, fail: Fail): ValueError {
  const short = name.length > 200 ? `${name.slice(0, 200)}…` : name
  const hint = remedies.find(([pattern]) => pattern.test(name))?.[1]
  return fail(`Unsupported class ${short}`, hint ?? onlyWeights)
}

/**
 * The meaning of one file's globals. `memories` collects its storages by their keys; `isOld` says that it is of the form
 * before 1.6, where a storage may be a part of another.
 */
export function torchMeaning(memories: Map<string, StoredMemory>, isOld: boolean): Meaning {
  const known = new Map<string, unknown>()
  return {
    global(name, fail) {
      const found = known.get(name) ?? constantOf(name)
      if (found === undefined) throw unsupported(name, fail)
      known.set(name, found)
      return found
    },
    persistent(id, fail) {
      if (!(id instanceof Tuple) || id[0] !== 'storage')
        throw fail(`Only persistent_load of storage is allowed, but got ${shownId(id)}`, onlyWeights)
      counted('persistent_load', id, isOld ? 6 : 5, isOld ? 6 : 5, fail)
      const [, type, key, , size, part] = id
      if (!(type instanceof StorageType)) throw fail(`a storage has the type ${typeOf(type)}`)
      if (typeof key !== 'string' || !/^[\w.-]{1,64}$/.test(key)) throw fail('the key of a storage is not a name')
      if (!isWhole(size)) throw fail(`storage '${key}' has ${shown(size)} elements`)
      const memory = memories.get(key) ?? new StoredMemory(key, type.type, size)
      if (memory.type !== type.type || memory.size !== size) {
        throw fail(
          `storage '${key}' has ${size} elements of ${type.type}, and ${memory.size} of ${memory.type} before`,
          'Cannot load multiple tensors that view the same data as different types.',
        )
      }
      memories.set(key, memory)
      if (part === undefined || part === null) return new StoredStorage(memory, 0, size)
      const [, from, length] = part instanceof Tuple ? counted('view', part, 3, 3, fail) : []
      if (!isWhole(from) || !isWhole(length) || from + length > size)
        throw fail(`a part of storage '${key}' lies outside of it`)
      return new StoredStorage(memory, from, length)
    },
  }
}

const shownId = (id: unknown): string =>
  id instanceof Tuple && typeof id[0] === 'string' ? id[0].slice(0, 40) : typeOf(id)

function constantOf(name: string): unknown {
  if (Object.hasOwn(callables, name)) return new Callable(callables[name])
  for (const [type, storage] of Object.entries(storageNames))
    if (name === `torch.${storage}`) return new StorageType(type as ElementType)
  return name === swaLrName ? swaLr : dtypeNames.exec(name)?.[1]
}
