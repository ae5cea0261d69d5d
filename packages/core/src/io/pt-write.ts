// Writes PyTorch's files: the archive of a pickle and of its storages, as `torch.save` does.
import { TypeError } from '../base/errors.ts'
import { snakeCase } from '../nn/names.ts'
import { Parameter } from '../nn/parameter.ts'
import { StateDict } from '../nn/state-dict.ts'
import { Counts, isSchedulerState, schedulerInPython } from '../optim/scheduler-names.ts'
import type { Storage } from '../tensor/device.ts'
import { isTensor } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { WriteOptions } from './format.ts'
import { Pickler } from './pickler.ts'
import { encodings, piecesOf, storageOf, wholeOf, writtenAs } from './tensors.ts'
import { type ElementType, storageNames } from './torch-globals.ts'
import { isArray, isRecord, type Saved } from './tree.ts'
import { toUtf8 } from './utf8.ts'
import { writeZip } from './zip-write.ts'

/** A storage that will be written: how, and a tensor through which it is read. */
interface Written {
  readonly key: string
  readonly x: Tensor
  readonly version: number
}

type Entries = readonly (readonly [string | number, Saved])[]

/** Keys that are numbers are numbers in Python, such as an optimizer's numbers of parameters. */
function entriesOf(record: { readonly [key: string]: Saved }): Entries {
  const names = Object.keys(record)
  const areNumbers = names.length > 0 && names.every((name) => /^(0|[1-9]\d{0,14})$/.test(name))
  return names.map((name) => [areNumbers ? Number(name) : name, record[name]])
}

/** The state of an optimizer under PyTorch's names, `param_groups` and `exp_avg`, which `loadStateDict` takes, too. */
function inPython(x: Saved): Saved {
  if (Array.isArray(x)) return x.map(inPython)
  return isRecord(x)
    ? Object.fromEntries(entriesOf(x).map(([key, value]) => [snakeCase(`${key}`), inPython(value)]))
    : x
}
/** A state of training under PyTorch's names; anything else as it is. */
function named(x: object): object {
  if (isOptimizerState(x)) return inPython(x as Saved) as object
  return isSchedulerState(x) ? schedulerInPython(x as Readonly<Record<string, unknown>>) : x
}
const isOptimizerState = (x: object): boolean => Object.keys(x).sort().join() === 'paramGroups,state'

/** The pickle of an object, and the storages beside it in the order of their keys. */
function pickled(object: Saved, { dtype }: WriteOptions): readonly [Uint8Array, readonly Written[]] {
  const pickler = new Pickler()
  const storages = new Map<Storage, Written>()

  const storage = (x: Tensor): void => {
    const { key: memory, size } = storageOf(x)
    const known = storages.get(memory) ?? { key: String(storages.size), x, version: x.storage.version }
    storages.set(memory, known)
    pickler.mark()
    pickler.string('storage')
    pickler.global('torch', storageNames[writtenAs(x, dtype) as ElementType])
    pickler.freshString(known.key)
    pickler.string('cpu')
    pickler.number(size)
    pickler.tuple()
    pickler.persistent()
  }
  const noHooks = (): void => {
    pickler.global('collections', 'OrderedDict')
    pickler.tuple(0)
    pickler.reduce()
  }
  const tensor = (x: Tensor, requiresGrad: boolean, object?: object): void => {
    pickler.global('torch._utils', '_rebuild_tensor_v2')
    pickler.mark()
    storage(x)
    pickler.number(x.offset)
    pickler.numbers(x.sizes)
    pickler.numbers(x.strides)
    pickler.bool(requiresGrad)
    noHooks()
    pickler.tuple()
    pickler.reduce(object)
  }
  const parameter = (x: Parameter): void => {
    pickler.global('torch._utils', '_rebuild_parameter')
    tensor(x, false)
    pickler.bool(x.requiresGrad)
    noHooks()
    pickler.tuple(3)
    pickler.reduce(x)
  }
  const entry = ([key, value]: readonly [string | number, Saved]): void => {
    visit(key)
    visit(value)
  }
  const stateDict = (x: StateDict): void => {
    pickler.orderedDict(x, [...x], entry)
    if (x.versions === null) return
    const metadata = [['_metadata', [...x.versions]]] as const
    pickler.dict(metadata, metadata, ([name, versions]) => {
      pickler.string(name)
      pickler.orderedDict(versions, versions, ([module, version]) => entry([module, { version }]))
    })
    pickler.build()
  }
  const counts = (x: Counts): void => {
    pickler.global('collections', 'Counter')
    pickler.dict(x.counts, entriesOf(x.counts), entry)
    pickler.tuple(1)
    pickler.reduce(x)
  }
  const visit = (x: Saved): void => {
    if (x === null) return pickler.none()
    if (typeof x === 'string') return pickler.string(x)
    if (typeof x === 'number') return pickler.number(x)
    if (typeof x === 'boolean') return pickler.bool(x)
    if (pickler.recall(x)) return
    if (x instanceof Parameter) return parameter(x)
    if (isTensor(x)) return tensor(x, x.requiresGrad, x)
    if (isArray(x)) {
      if (x instanceof Uint8Array) return pickler.byteString(x)
      throw new TypeError(
        `save(): a ${x.constructor.name} cannot be saved in PyTorch's format`,
        'Make it a tensor, tensor(x), or save as safetensors.',
      )
    }
    if (Array.isArray(x)) return pickler.list(x, x as readonly Saved[], visit)
    if (x instanceof StateDict) return stateDict(x)
    if (x instanceof Map) return pickler.orderedDict(x, [...(x as ReadonlyMap<string | number, Saved>)], entry)
    if ((x as object) instanceof Counts) return counts(x as unknown as Counts)
    pickler.dict(x, entriesOf(named(x) as { readonly [key: string]: Saved }), entry)
  }
  visit(object)
  return [pickler.finish(), [...storages.values()].sort((a, b) => (a.key < b.key ? -1 : 1))]
}

/** The bytes of an archive, in pieces. */
export async function* write(object: Saved, options: WriteOptions): AsyncGenerator<Uint8Array> {
  const [pickle, storages] = pickled(object, options)
  const text = (name: string, value: string) => ({ name: `archive/${name}`, size: value.length, bytes: toUtf8(value) })
  yield* writeZip(
    [
      { name: 'archive/data.pkl', size: pickle.length, bytes: pickle },
      text('byteorder', 'little'),
      ...storages.map(({ key, x, version }) => {
        const encoding = writtenAs(x, options.dtype)
        const size = x.storage.size * encodings[encoding].bytes
        return { name: `archive/data/${key}`, size, bytes: piecesOf(x, encoding, version, wholeOf(x)) }
      }),
      text('version', '3\n'),
    ],
    { align: 64 },
  )
}
