// Saving and loading, in a module that programs load when they save or load for the first time: nothing of readers and
// writers is compiled when flambeau is imported.
import type { DTypeWord } from './base/dtype.ts'
import { effects } from './tensor/effects.ts'
import type { FormatName, Listing, Only } from './io/format.ts'
import type { Loadable, Progress, SignalLike } from './io/source.ts'
import type { Target } from './io/targets.ts'

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
 * model.loadStateDict((await load(bytes)) as Map<string, Tensor>)
 */
export async function load(source: Loadable, options?: LoadOptions): Promise<unknown>
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
