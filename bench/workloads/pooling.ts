// Pooling and normalisation of all shapes, with their gradients, for the table of `ops/pooling`. The name describes the
// layer completely, so every subject knows it by its name alone.
import { F, grad, manualSeed, noGrad, ones, randn, type Tensor, zeros } from 'flambeau'
import { type Inputs, input, type Workload } from './workload.ts'

export type Kind = 'max' | 'avg' | 'mean' | 'batch' | 'evaluation' | 'instance' | 'group' | 'layer'
export type Direction = 'forward' | 'training'

export interface Layer {
  readonly kind: Kind
  readonly sizes: readonly number[]
  /** The samples after which inputs repeat; by default all. */
  readonly samples?: number
  /** Of windows: size, stride, padding. */
  readonly windows?: readonly number[]
}

export const nameOf = ({ kind, sizes, windows = [] }: Layer, direction: Direction): string =>
  `pooling ${kind} ${direction} ${sizes.join(',')} ${windows.join(',')}`.trim()

/** The layer of that name; undefined for another kind of name. */
export function layerNamed(name: string): [layer: Layer, direction: Direction] | undefined {
  const [first, kind, direction, sizes, windows] = name.split(' ')
  if (first !== 'pooling') return undefined
  const numbers = (list: string | undefined): number[] | undefined => list?.split(',').map(Number)
  const layer = { kind: kind as Kind, sizes: numbers(sizes) as number[], windows: numbers(windows) }
  return [layer, direction as Direction]
}

/** The sizes of the result. */
const outputOf = ({ kind, sizes, windows }: Layer): number[] => {
  if (kind === 'mean') return [...sizes.slice(0, 2), 1, 1]
  if (windows === undefined) return [...sizes]
  const [size, stride, padding] = windows
  return sizes.map((n, d) => (d < 2 ? n : Math.floor((n + 2 * padding - size) / stride) + 1))
}

const elementsOf = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1)

/** The same layer on so many samples that its input has at least as many elements. */
export function enlarged(layer: Layer, elements: number): Layer {
  const [samples, ...sample] = layer.sizes
  const times = Math.ceil(elements / elementsOf(layer.sizes))
  return { ...layer, sizes: [samples * times, ...sample], samples }
}

/** The same layer on the least that it takes: hardly more than a call. */
export const smallest = ({ kind, windows, sizes }: Layer): Layer => {
  const side = windows?.[0] ?? 2
  return { kind, windows, sizes: [1, 2, side, side].slice(0, sizes.length) }
}

export const inputsOf = (layer: Layer) => (): Inputs => {
  manualSeed(0)
  const repeating = ([all, ...sample]: readonly number[]): Tensor => {
    const { samples = all } = layer
    return randn(samples, ...sample).repeat(all / samples, ...sample.map(() => 1))
  }
  return { x: repeating(layer.sizes), dy: repeating(outputOf(layer)) }
}

/** The layer as a function of its input, with a weight and a bias if it normalises. */
function functionOf({ kind, sizes, windows = [] }: Layer, parameters: readonly Tensor[]): (x: Tensor) => Tensor {
  const [kernelSize, stride, padding] = windows
  const [weight, bias] = parameters
  switch (kind) {
    case 'max':
      return (x) => F.maxPool2d(x, { kernelSize, stride, padding })
    case 'avg':
      return (x) => F.avgPool2d(x, { kernelSize, stride, padding })
    case 'mean':
      return (x) => F.adaptiveAvgPool2d(x, 1)
    case 'batch':
      return (x) => F.batchNorm(x, null, null, { weight, bias, training: true })
    case 'evaluation': {
      const [mean, variance] = [zeros(sizes[1]), ones(sizes[1])]
      return (x) => F.batchNorm(x, mean, variance, { weight, bias })
    }
    case 'instance':
      return (x) => F.instanceNorm(x, { weight, bias })
    case 'group':
      return (x) => F.groupNorm(x, sizes[1] / 2, { weight, bias })
    case 'layer':
      return (x) => F.layerNorm(x, sizes.slice(1), { weight, bias })
  }
}
const parametersOf = ({ kind, sizes, windows }: Layer): Tensor[] => {
  if (kind === 'mean' || windows !== undefined) return []
  const each = kind === 'layer' ? sizes.slice(1) : [sizes[1]]
  return [ones(...each).requiresGrad_(), zeros(...each).requiresGrad_()]
}

/** In training, the result and the gradients of everything are a step. */
export const programOf =
  (layer: Layer, direction: Direction): Workload['program'] =>
  (inputs) => {
    const [x, dy] = ['x', 'dy'].map((name) => input(inputs, name))
    const parameters = parametersOf(layer)
    const f = functionOf(layer, parameters)
    if (direction === 'forward') return { step: () => noGrad(() => f(x)) }
    const by = [x.requiresGrad_(), ...parameters]
    return {
      step: () => {
        const y = f(x)
        return [y, ...grad(y, by, { gradOutputs: dy })]
      },
    }
  }
