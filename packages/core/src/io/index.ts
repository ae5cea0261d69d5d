// Saving and loading. This file finds the format, opens the source or the target, and leaves the rest to them. It is
// loaded when a program saves or loads for the first time (../io.ts).
import { TypeError, ValueError } from '../base/errors.ts'
import {
  anything,
  device,
  dtype,
  either,
  fn,
  isOptions,
  keyword,
  type Kind,
  list,
  number,
  optional,
  required,
  signature,
  str,
} from '../tensor/signature.ts'
import type { Format, Listing, Only, ReadOptions, WriteOptions } from './format.ts'
import { npy } from './npy.ts'
import { npz } from './npz.ts'
import { openSource, watched } from './open.ts'
import { pt } from './pt.ts'
import { safetensors } from './safetensors.ts'
import type { Progress, SignalLike, Source } from './source.ts'
import { nameOf, writeTo } from './targets.ts'
import { prepared } from './tree.ts'

/** The formats, in the order in which they are asked whether a file is theirs. */
const formats: readonly Format[] = [safetensors, npy, npz, pt]

const plain: Kind<object> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && isOptions(x),
}
const bytes: Kind<number> = {
  ...number,
  accepts: (x) => typeof x === 'number' && x >= 0,
  expected: 'a number of bytes',
}
const signal: Kind<SignalLike> = {
  expected: 'AbortSignal',
  accepts: (x) => typeof x === 'object' && x !== null && 'aborted' in x,
}

/** Much more than models that fit into memory, and few enough for a server that never stops sending. */
const defaultMaxBytes = 2 ** 34

// ---- saving ----

const saveArguments = signature(
  'save',
  required('object', anything),
  optional('target', anything, undefined),
  keyword('format', str, undefined),
  keyword('dtype', str, undefined),
  keyword('metadata', plain, undefined),
)

function formatFor(name: string | undefined, given: string | undefined): Format {
  if (given !== undefined) {
    const format = formats.find((each) => each.name === given)
    if (format !== undefined) return format
    throw new ValueError(
      `save(): unknown format '${given}'`,
      `Formats are ${formats.map((each) => `'${each.name}'`).join(', ')}.`,
    )
  }
  if (name === undefined) return safetensors
  const format = formats.find(({ endings }) => endings.some((ending) => name.toLowerCase().endsWith(ending)))
  if (format !== undefined) return format
  const known = formats.flatMap(({ endings }) => endings).join(', ')
  throw new ValueError(
    `save(): the ending of '${name}' says no format`,
    `Endings are ${known}; or name it: { format: 'safetensors' }.`,
  )
}

/** See `save` in ../io.ts. */
export async function save(...args: readonly unknown[]): Promise<Uint8Array | undefined> {
  const [object, target, given, half, metadata] = saveArguments(args)
  if (half !== undefined && half !== 'float16' && half !== 'bfloat16')
    throw new ValueError(
      `save(): dtype '${half}' is not one that numbers are rounded to in a file`,
      "Use 'float16' or 'bfloat16'; otherwise every tensor keeps its dtype.",
    )
  const format = formatFor(nameOf(target), given)
  if (metadata !== undefined && format !== safetensors)
    throw new ValueError(`save(): a file of format ${format.name} has no place for metadata`, 'Save safetensors.')
  const pieces = format.write(prepared(object), { dtype: half, metadata: metadata as WriteOptions['metadata'] })
  return await writeTo(target, pieces)
}

// ---- loading ----

const onlyKind = either(either(str, fn), list(str)) as unknown as Kind<Only>
const openParameters = [
  keyword('onProgress', fn, undefined),
  keyword('signal', signal, undefined),
  keyword('maxBytes', bytes, undefined),
] as const
const loadArguments = signature(
  'load',
  required('source', anything),
  ...openParameters,
  keyword('device', device, undefined),
  keyword('dtype', dtype, undefined),
  keyword('only', onlyKind, undefined),
)
const listArguments = signature('list', required('source', anything), ...openParameters)

const headBytes = 512

/** The format of a file by its first bytes. */
async function formatOf(source: Source): Promise<Format> {
  const head = await source.read(0, Math.min(headBytes, source.size))
  const format = formats.find((each) => each.matches(head, source))
  if (format !== undefined) return format
  const shown = Array.from(head.subarray(0, 8), (x) => x.toString(16).padStart(2, '0')).join(' ')
  throw new ValueError(
    `${source.name}: is not a file of tensors: ${source.size === 0 ? 'it is empty' : `it begins with the bytes ${shown}`}`,
    `Formats are ${formats.map((each) => each.name).join(', ')}.`,
  )
}

async function opened<T>(
  given: unknown,
  options: {
    readonly onProgress?: unknown
    readonly signal?: SignalLike
    readonly maxBytes: number
    readonly parts: boolean
  },
  use: (source: ReturnType<typeof watched>, format: Format) => Promise<T>,
): Promise<T> {
  const { signal, maxBytes, parts } = options
  const onProgress = options.onProgress as ((progress: Progress) => void) | undefined
  const source = await openSource(given, { signal, maxBytes, onProgress, parts })
  try {
    const shown = watched(source, { signal, maxBytes, onProgress })
    return await use(shown, await formatOf(shown))
  } finally {
    await source.close()
  }
}

/** See `load` in ../io.ts. */
export async function load(...args: readonly unknown[]): Promise<unknown> {
  const [given, onProgress, signal, maxBytes = defaultMaxBytes, device, dtype, only] = loadArguments(args)
  if (dtype !== undefined && dtype !== 'float32' && dtype !== 'float64')
    throw new TypeError(`load(): dtype ${dtype} is not a floating-point dtype`, "Use 'float32' or 'float64'.")
  return await opened(given, { onProgress, signal, maxBytes, parts: only !== undefined }, (source, format) => {
    const options: ReadOptions = { device, dtype, only, maxBytes, expect: source.expect }
    return format.read(source, options)
  })
}

/** See `list` in ../io.ts. */
export async function listing(...args: readonly unknown[]): Promise<Listing> {
  const [given, onProgress, signal, maxBytes = defaultMaxBytes] = listArguments(args)
  return await opened(given, { onProgress, signal, maxBytes, parts: true }, (source, format) => format.list(source))
}
