// What the models share: options beyond torchvision's, and weights from a file or a state dict.
import { nn, RuntimeError, signatures, TypeError, ValueError } from '@flambeau/core'
import { readFileNow } from '#files'

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

/** Options of every function that builds a model. */
export interface WeightsOptions {
  /**
   * What to load: a state dict, as `await load(path)` gives it for torchvision's files and for safetensors, or the path of
   * one in JSON (Node only). Nothing is downloaded. By default null, random weights.
   */
  readonly weights?: string | nn.StateDictLike | null
  /** The older name of `weights`. */
  readonly pretrained?: string | nn.StateDictLike | null
  /** As nothing is downloaded, there is no progress to show; accepted because torchvision does. */
  readonly progress?: boolean
}

/** A function's options without those about weights. */
export type Rest<O> = Omit<O, keyof WeightsOptions>

/** Builds a model and loads the weights that its options name; the random initialisation is skipped then. */
export function build<O extends WeightsOptions, M extends nn.Module>(
  name: string,
  options: O,
  create: (options: Rest<O>) => M,
): M {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(
      `${name}() takes 0 positional arguments but 1 was given`,
      `Pass options: ${name}({ numClasses: 10 }).`,
    )
  }
  const { weights, pretrained, progress = true, ...rest } = options
  if (typeof progress !== 'boolean')
    throw new TypeError(`${name}(): argument 'progress' must be bool, not ${typeof progress}`)
  if (weights != null && pretrained != null) {
    throw new TypeError(`${name}() got both 'weights' and 'pretrained'`, 'They mean the same.')
  }
  const source = weights ?? pretrained ?? null
  if (source === null) return create(rest)
  const state = stateOf(name, source)
  const model = nn.utils.skipInit(() => create(rest))
  model.loadStateDict(state)
  return model
}

function stateOf(name: string, source: unknown): nn.StateDictLike {
  if (source instanceof Promise) {
    throw new TypeError(
      `${name}(): argument 'weights' must be a path or a state dict, not a promise of one`,
      `Wait for it: ${name}({ weights: await load(path) }).`,
    )
  }
  if (typeof source === 'object') return source as nn.StateDictLike
  if (typeof source !== 'string') {
    throw new TypeError(
      `${name}(): argument 'weights' must be a path or a state dict, not ${typeof source}`,
      'Nothing is downloaded; pass the path of a state dict that JSON.stringify(model.stateDict()) wrote.',
    )
  }
  const bytes = readFileNow(source)
  if (bytes === undefined) {
    throw new RuntimeError(
      `there is no file ${source} with weights`,
      'Nothing is downloaded: `weights` is the path of a state dict, or a state dict.',
    )
  }
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as nn.StateDictLike
  } catch {
    throw new ValueError(
      `${source} is not a state dict in JSON`,
      `Files of PyTorch and safetensors are loaded first: ${name}({ weights: await load('${source}') }).`,
    )
  }
}
