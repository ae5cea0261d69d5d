// Saving and loading, in a module that programs load when they save or load for the first time: nothing of readers and
// writers is compiled when flambeau is imported.
import type { DTypeWord } from './base/dtype.ts'
import { ValueError } from './base/errors.ts'
import { effects } from './tensor/effects.ts'
import {
  constructing,
  isOptions,
  keyword,
  type Kind,
  nullable,
  number,
  optional,
  required,
  signature,
} from './tensor/signature.ts'
import type { CheckpointFile, FolderLike, LoadedCheckpoint } from './io/folder.ts'
import type { FormatName, Listing, Only } from './io/format.ts'
import type { Loadable, Progress, SignalLike } from './io/source.ts'
import type { Target } from './io/targets.ts'

export type { CheckpointFile, DirectoryHandleLike, FolderLike, LoadedCheckpoint } from './io/folder.ts'
export type { FormatName, Listed, Listing, Only } from './io/format.ts'
export type { BlobLike, Loadable, Progress, ResponseLike, SignalLike, StreamLike, UrlLike } from './io/source.ts'
export type { FileHandleLike, Target, WritableLike } from './io/targets.ts'

export interface SaveOptions {
  /** The format; otherwise the ending of the target says it, and it is safetensors where there is none. */
  readonly format?: FormatName
  /** Rounds floating-point numbers to half of their bits or fewer; otherwise every tensor keeps its dtype. */
  readonly dtype?: 'float16' | 'bfloat16'
  /** Texts for a reader of the file; only safetensors has a place for them. */
  readonly metadata?: Readonly<Record<string, string>>
}

export interface ListOptions {
  /** Is called as bytes arrive. */
  readonly onProgress?: (progress: Progress) => void
  /** Stops loading, which then throws the signal's reason. */
  readonly signal?: SignalLike
  /** The most bytes of a download, and of all tensors of a file together; 16 GiB unless told otherwise. */
  readonly maxBytes?: number
}

export interface LoadOptions extends ListOptions {
  /** The device of the tensors; the current one unless told otherwise. */
  readonly device?: string
  /** The dtype of tensors of floating-point numbers: float32 or float64; their own unless told otherwise. */
  readonly dtype?: DTypeWord
  /** Reads only some tensors: a name, names, or a function that is asked for each name. */
  readonly only?: Only
}

/**
 * Saves tensors, and trees of tensors and JSON values, and returns the bytes, or writes them to a target: a path, the URL
 * of a file, a WritableStream, or a FileSystemFileHandle. What has a `stateDict()` (modules, optimizers, schedulers) or
 * `getState()` (generators) is saved as its state.
 *
 * The format is safetensors, unless the target's ending or `format` says another. A file is replaced as a whole: the old
 * one stays until the new one is on the disk. Tensors that share memory and layout stay one tensor; other views are
 * saved as copies. Gradients and `requiresGrad` are not saved. PyTorch's files (`.pt`, `.pth`) keep all views of one
 * memory, parameters, and `requiresGrad`.
 *
 * Throws a TypeError that names the path of what cannot be saved (a function, a bigint), and a RuntimeError if the file
 * cannot be written, or if a tensor changes before the end.
 *
 * @example
 * const bytes = await save({ model: new nn.Linear(2, 1), epoch: 3 })
 * const { epoch } = (await load(bytes)) as { epoch: number }
 * epoch // 3
 */
export function save(object: unknown, target?: undefined, options?: SaveOptions): Promise<Uint8Array>
export function save(object: unknown, target: Target, options?: SaveOptions): Promise<void>
export async function save(...args: readonly unknown[]): Promise<Uint8Array | void> {
  effects.sink?.refuse('save()', 'Save after the step.')
  return (await import('./io/index.ts')).save(...args)
}

/**
 * Loads what `save` saved, or another program: a tensor, or the tree of tensors and JSON values. The source is a path, a
 * URL, bytes, a Blob or File, a Response, or a ReadableStream; the format is found by its first bytes. A file of another
 * program with names and tensors, and a choice by `only`, is a state dict (a Map).
 *
 * Of PyTorch's files weights are read, and plain values beside them: nothing in a file is run.
 *
 * Float16 and bfloat16 are read as float32, and integers of other sizes as int32. Throws a ValueError for a damaged file,
 * and for an integer that does not fit; a RuntimeError if the source cannot be read; a KeyError for a name that is not in
 * the file.
 *
 * @example
 * const model = new nn.Linear(2, 1)
 * const bytes = await save(model)
 * model.loadStateDict(await load(bytes))
 */
export async function load<T = unknown>(source: Loadable, options?: LoadOptions): Promise<T>
export async function load(...args: readonly unknown[]): Promise<unknown> {
  effects.sink?.refuse('load()', 'Load before the step.')
  return (await import('./io/index.ts')).load(...args)
}

/**
 * Lists what a file holds, without reading the elements: names, dtypes, shapes, sizes and places of its tensors, and its
 * metadata.
 *
 * @example
 * const bytes = await save(new nn.Linear(2, 1))
 * const { tensors } = await io.list(bytes)
 * tensors.map(({ name, dtype, shape }) => `${name} ${dtype} [${shape}]`) // ['weight float32 [1,2]', 'bias float32 [1]']
 */
export async function list(source: Loadable, options?: ListOptions): Promise<Listing>
export async function list(...args: readonly unknown[]): Promise<Listing> {
  return (await import('./io/index.ts')).listing(...args)
}

// ---- checkpoints ----

export interface CheckpointOptions {
  /** How many files are kept, the last ones; 3 by default, null for all. */
  readonly keep?: number | null
}

const folderKind: Kind<FolderLike> = {
  expected: 'str',
  accepts: (x) =>
    (typeof x === 'string' && x !== '') ||
    (typeof x === 'object' && x !== null && ('href' in x || 'getFileHandle' in x)),
  hint: 'It is the path of a folder; in a browser, await navigator.storage.getDirectory().',
}
const partsKind: Kind<Readonly<Record<string, unknown>>> = {
  expected: 'dict',
  accepts: (x) => typeof x === 'object' && x !== null && isOptions(x),
  hint: 'It names the parts of the training: { model, optimizer }.',
}
const checkpointArguments = constructing(
  'Checkpoint',
  required('folder', folderKind),
  required('parts', partsKind),
  keyword('keep', nullable(number), 3),
)
const stepKind: Kind<number> = {
  expected: 'non-negative int',
  accepts: (x) => Number.isSafeInteger(x) && (x as number) >= 0,
}
const saveArguments = signature('Checkpoint.save', required('step', stepKind))
const loadArguments = signature('Checkpoint.load', optional('step', stepKind, undefined))

/**
 * Checkpoints of a training in a folder: `save(step)` writes one as the file `checkpoint-<step>.safetensors`, and `load()`
 * puts the last one into the parts again, so that the training goes on bit for bit. The folder is a path, or in a browser
 * a FileSystemDirectoryHandle.
 *
 * `parts` names what changes in the training: what has a `stateDict()` and a `loadStateDict()` (modules, optimizers,
 * schedulers, data loaders), or a `getState()` and a `setState()` (generators), tensors, arrays and objects of these, and
 * values that JSON has. A value is read when it is saved, and `load` assigns to it, so that getters and setters may stand
 * for variables. The default generator is always saved with them.
 *
 * Throws a TypeError for arguments of other kinds, and a ValueError for a number of files to keep that is not positive,
 * and for a part named `checkpoint`, which is what the file has of its own.
 *
 * @example
 * const model = new nn.Linear(2, 1)
 * const optimizer = new optim.Adam(model.parameters())
 * const training = { model, optimizer, epoch: 0 }
 * const checkpoint = new io.Checkpoint('checkpoints', training, { keep: 2 })
 */
export class Checkpoint {
  readonly folder: FolderLike
  readonly parts: Readonly<Record<string, unknown>>
  /** How many files are kept; null for all. */
  readonly keep: number | null

  constructor(folder: FolderLike, parts: Readonly<Record<string, unknown>>, options?: CheckpointOptions)
  constructor(...args: readonly unknown[]) {
    const [folder, parts, keep] = checkpointArguments(args)
    if (keep !== null && !(Number.isSafeInteger(keep) && keep > 0))
      throw new ValueError(`keep should be a positive integer value, but got keep=${keep}`, 'Pass null to keep all.')
    if ('checkpoint' in parts)
      throw new ValueError("a part cannot be named 'checkpoint'", 'The file has an entry of its own by this name.')
    this.folder = folder
    this.parts = parts
    this.keep = keep
  }

  /**
   * Writes the state of all parts as the checkpoint of a step, replacing one that is there, then removes the first
   * checkpoints of the folder, those beyond `keep`. Whatever happens on the way, the files that were there are whole.
   * Wait for it before the training goes on. Returns the path.
   *
   * Throws a TypeError that names the part that cannot be saved, and a RuntimeError if the file cannot be written.
   */
  async save(step: number): Promise<string>
  async save(...args: readonly unknown[]): Promise<string> {
    const [step] = saveArguments(args)
    effects.sink?.refuse('save()', 'Save after the step.')
    return (await import('./io/checkpoint.ts')).saveCheckpoint(this.folder, this.parts, step, this.keep)
  }

  /**
   * Loads a checkpoint, the last one unless a step is given, into all parts; returns null if the folder has none. A file
   * that is damaged is left out, with a warning that names it, and the one before it is taken.
   *
   * Throws, with nothing changed, a KeyError if the checkpoint lacks a part, the part's own error for a state that does
   * not fit, a ValueError for a step of which there is no checkpoint or a damaged one, and a RuntimeError if all are
   * damaged.
   */
  async load(step?: number): Promise<LoadedCheckpoint | null>
  async load(...args: readonly unknown[]): Promise<LoadedCheckpoint | null> {
    const [step] = loadArguments(args)
    effects.sink?.refuse('load()', 'Load before the step.')
    return (await import('./io/checkpoint.ts')).loadCheckpoint(this.folder, this.parts, step)
  }

  /** The checkpoints of the folder, by step. */
  async list(): Promise<CheckpointFile[]> {
    return (await import('./io/checkpoint.ts')).list(this.folder)
  }

  /** The last checkpoint of the folder, whole or not; null if there is none. */
  async latest(): Promise<CheckpointFile | null> {
    return (await this.list()).at(-1) ?? null
  }
}
