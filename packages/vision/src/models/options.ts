// What the models share: options beyond torchvision's, and weights from a file or a state dict.
import { type io, load, nn, signatures, TypeError, ValueError } from '@flambeau/core'

const { finite, int, keyword } = signatures

/** Options of every model. */
export interface MemberOptions {
  /** The number of classes. */
  readonly numClasses?: number
  /**
   * A factor for the channels of every hidden layer, which torchvision lacks: 0.25 gives the same network with a quarter
   * of the channels, for small images and short runs.
   */
  readonly width?: number
  /** The channels of the images, which torchvision fixes at 3: 1 for grey ones. */
  readonly inChannels?: number
}

/** The parameters of `MemberOptions` that torchvision lacks; they are given by name. */
export const memberParameters: readonly [signatures.Parameter<number>, signatures.Parameter<number>] = [
  keyword('width', finite, 1),
  keyword('inChannels', int, 3),
]

/** The channels of a member of a family: the paper's number times the width, at least 1. */
export function scaledBy(width: number): (channels: number) => number {
  if (!(width > 0)) throw new ValueError(`width should be positive, but got ${width}`, 'The whole network has width 1.')
  return (channels) => Math.max(1, Math.round(channels * width))
}

/** Where a model's weights come from: what `load` takes (a path, a URL, a File, a Response, bytes), or a state dict. */
export type Weights = io.Loadable | nn.StateDictLike

/** Options of every function that builds a model. */
export interface WeightsOptions {
  /**
   * A file to load, of any format that `load` reads, or a state dict. The function then returns a promise of the model.
   * Nothing is downloaded. By default null, random weights.
   */
  readonly weights?: Weights | null
  /** The older name of `weights`. */
  readonly pretrained?: Weights | false | null
  /** As nothing is downloaded, there is no progress to show; accepted because torchvision does. */
  readonly progress?: boolean
}

interface Loaded extends WeightsOptions {
  readonly weights: Weights
  readonly pretrained?: false | null
}
interface LoadedByOldName extends WeightsOptions {
  readonly weights?: null
  readonly pretrained: Weights
}
interface Drawn extends WeightsOptions {
  readonly weights?: null
  readonly pretrained?: false | null
}

/**
 * A function that builds a model: with random weights at once, and with given ones as soon as they are loaded.
 *
 * The promise rejects with the error of `load` if the file cannot be read, and with that of `loadStateDict` if it holds
 * another model, for example one with another `numClasses`.
 */
export interface Builder<O, M extends nn.Module> {
  // First, so that `weights: await load(path)` has the type of weights.
  (options: O & (Loaded | LoadedByOldName)): Promise<M>
  (options?: O & Drawn): M
}

/**
 * The function that builds a model by name. `create` makes it of all options but those about weights. `prepare` changes
 * them for weights that are loaded, and `finish` changes the model that has loaded them.
 */
export function builder<O extends object, M extends nn.Module>(
  name: string,
  create: (options: O) => M,
  prepare: (options: O) => O = (options) => options,
  finish: (model: M, options: O) => void = () => {},
): Builder<O, M> {
  const build = (options: O & WeightsOptions = {} as O): M | Promise<M> => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) {
      throw new TypeError(
        `${name}() takes 0 positional arguments but 1 was given`,
        `Pass options: ${name}({ numClasses: 10 }).`,
      )
    }
    const { weights, pretrained, progress = true, ...others } = options
    if (typeof progress !== 'boolean')
      throw new TypeError(`${name}(): argument 'progress' must be bool, not ${typeof progress}`)
    const older = pretrained === false ? null : pretrained
    if (weights != null && older != null) {
      throw new TypeError(`${name}() got both 'weights' and 'pretrained'`, 'They mean the same.')
    }
    const source = weights ?? older ?? null
    const rest = others as unknown as O
    if (source === null) return create(rest)
    if (typeof source !== 'object' && typeof source !== 'string') {
      throw new TypeError(
        `${name}(): argument 'weights' must be a path, what load() takes, or a state dict, not ${typeof source}`,
        'Nothing is downloaded: get the file of the weights, and pass its path.',
      )
    }
    // Made before the file is read, so that wrong options are refused at once, and on the device of the call.
    const model = nn.utils.skipInit(() => create(prepare(rest)))
    return stateOf(source).then((state) => {
      model.loadStateDict(state)
      finish(model, rest)
      return model
    })
  }
  return build as Builder<O, M>
}

/** A state dict is a Map or a plain object; whatever else there is, is loaded. */
async function stateOf(source: Weights): Promise<nn.StateDictLike> {
  const prototype: unknown = typeof source === 'object' ? Object.getPrototypeOf(source) : undefined
  const isState = source instanceof Map || prototype === Object.prototype || prototype === null
  return isState ? (source as nn.StateDictLike) : await load<nn.StateDict>(source as io.Loadable)
}
