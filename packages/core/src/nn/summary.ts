// A table of a model's layers for an input: shapes, parameters, multiply-adds and memory, counted as torchinfo counts
// them. It runs the model once, with hooks on every module.
import { inspect } from '../base/inspect.ts'
import { defaults } from '../base/default-dtype.ts'
import { className } from '../base/class-name.ts'
import { type DTypeWord, dtypeSize } from '../base/dtype.ts'
import { ValueError } from '../base/errors.ts'
import { numelOf, type Shape } from '../base/shape.ts'
import { zeros } from '../ops/create/create.ts'
import { noGrad } from '../tensor/mode.ts'
import {
  anything,
  dtype,
  either,
  instance,
  int,
  ints,
  keyword,
  list,
  required,
  signature,
  tensor,
  type Takes,
} from '../tensor/signature.ts'
import { Tensor } from '../tensor/tensor.ts'
import { Convolution } from './conv.ts'
import { ownParameters } from './members.ts'
import { Module } from './module.ts'
import type { Parameter } from './parameter.ts'

/** One call of a module. */
export interface LayerSummary {
  /** The module's path; '' for the model. */
  readonly name: string
  /** The name of its class. */
  readonly type: string
  /** How far below the model it is, and its number among the modules of that depth. */
  readonly depth: number
  readonly index: number
  readonly module: Module
  /** The sizes of its output, of the first tensor if there are several. */
  readonly outputSize: Shape
  /** The elements of its parameters, with those of the modules in it. */
  readonly parameters: number
  /** The multiply-adds of this call, with those of the modules in it. */
  readonly multAdds: number
  /** Whether it was called before, so that its parameters are counted already. */
  readonly again: boolean
}

export interface SummaryOptions {
  /** How many levels of modules to show below the model. */
  readonly depth?: number
  /** The dtype of the input. */
  readonly dtype?: DTypeWord
}

const elements = (parameters: readonly Parameter[]): number => parameters.reduce((sum, p) => sum + p.elements, 0)
const ownElements = (module: Module): number => elements(ownParameters(module).map(([, p]) => p))
const bytes = (values: readonly unknown[]): number =>
  values.reduce<number>((sum, x) => sum + (x instanceof Tensor ? x.elements * dtypeSize[x.dtype] : 0), 0)

/** The first tensor of an output, which may be a list or an object. */
function firstTensor(output: unknown): Tensor | undefined {
  if (output instanceof Tensor) return output
  if (typeof output !== 'object' || output === null) return undefined
  return Object.values(output).find((x) => x instanceof Tensor)
}

/** Multiply-adds of a module's own parameters: every one is used for each sample, in a convolution at each position. */
function ownMultAdds(module: Module, own: number, output: Shape): number {
  if (!(module instanceof Convolution)) return own * (output[0] ?? 1)
  const rank = module.kernelSize.length
  return own * numelOf(output.slice(-rank)) * (output.length === rank + 2 ? output[0] : 1)
}

/** What a model is made of; its text is a table. */
export class Summary {
  /** The calls of modules, in the order of the calls. */
  readonly layers: readonly LayerSummary[]
  readonly totalParameters: number
  readonly trainableParameters: number
  readonly multAdds: number
  readonly inputBytes: number
  /** The outputs of the layers with parameters, twice: for their values and their gradients. */
  readonly passBytes: number
  readonly parameterBytes: number
  readonly #depth: number

  constructor(
    model: Module,
    inputs: readonly unknown[],
    layers: readonly LayerSummary[],
    passBytes: number,
    depth: number,
  ) {
    const parameters = model.parameters()
    this.layers = layers
    this.totalParameters = elements(parameters)
    this.trainableParameters = elements(parameters.filter((p) => p.requiresGrad))
    this.multAdds = layers[0]?.multAdds ?? 0
    this.inputBytes = bytes(inputs)
    this.passBytes = passBytes
    this.parameterBytes = bytes(parameters)
    this.#depth = depth
  }

  toString(): string {
    const shown = this.layers.filter(({ depth }) => depth <= this.#depth)
    const rows = shown.map((layer, i) => this.#row(layer, i, shown))
    const heading = ['Layer (type:depth-idx)', 'Output Shape', 'Param #', 'Mult-Adds']
    const widths = heading.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)) + 2)
    const line = (cells: readonly string[]): string =>
      cells
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('')
        .trimEnd()
    const rule = '='.repeat(widths.reduce((sum, width) => sum + width))
    const { totalParameters, trainableParameters, multAdds, inputBytes, passBytes, parameterBytes } = this
    return [
      rule,
      line(heading),
      rule,
      ...rows.map(line),
      rule,
      `Total params: ${grouped(totalParameters)}`,
      `Trainable params: ${grouped(trainableParameters)}`,
      `Non-trainable params: ${grouped(totalParameters - trainableParameters)}`,
      `Total mult-adds ${scaled(multAdds)}`,
      rule,
      `Input size (MB): ${megabytes(inputBytes)}`,
      `Forward/backward pass size (MB): ${megabytes(passBytes)}`,
      `Params size (MB): ${megabytes(parameterBytes)}`,
      `Estimated Total Size (MB): ${megabytes(inputBytes + passBytes + parameterBytes)}`,
      rule,
    ].join('\n')
  }
  [Symbol.for(inspect)](): string {
    return this.toString()
  }

  /** A row: what the shown rows below it count is left out of its own numbers. */
  #row(layer: LayerSummary, i: number, shown: readonly LayerSummary[]): string[] {
    const { depth, index, type, outputSize, module } = layer
    const opened = (shown[i + 1]?.depth ?? 0) > depth
    const own = opened ? ownElements(module) : layer.parameters
    const multAdds = opened ? ownMultAdds(module, own, outputSize) : layer.multAdds
    const parameters = layer.again && own > 0 ? '(recursive)' : number(own)
    return [
      tree(shown, i) + type + (depth === 0 ? '' : `: ${depth}-${index}`),
      `[${outputSize.join(', ')}]`,
      parameters,
      number(multAdds),
    ]
  }
}

/** The lines in front of a row: to its own parent, and past it to those that come later. */
function tree(shown: readonly LayerSummary[], i: number): string {
  const { depth } = shown[i]
  if (depth === 0) return ''
  let text = ''
  for (let level = 1; level <= depth; level++) {
    const next = shown.slice(i + 1).find((layer) => layer.depth <= level)
    const goesOn = next !== undefined && next.depth === level
    text += level === depth ? (goesOn ? '├─' : '└─') : goesOn ? '│    ' : '     '
  }
  return text
}

const grouped = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, ',')
const number = (n: number): string => (n === 0 ? '--' : grouped(n))
const megabytes = (n: number): string => (n / 1e6).toFixed(2)
function scaled(n: number): string {
  const thousands = Math.min(grouped(n).split(',').length - 1, 4)
  return thousands === 0 ? `: ${n}` : `(${'kMGT'[thousands - 1]}): ${(n / 1000 ** thousands).toFixed(2)}`
}

const readArguments = signature(
  'summary',
  required('model', instance(Module, 'torch.nn.Module')),
  required('input', either(tensor, list(anything))),
  keyword('depth', int, 3),
  keyword('dtype', dtype, undefined),
)

/**
 * Runs a model on a tensor, on zeros of given sizes, or on a list of these and other arguments of `forward`. Returns its
 * layers with output shapes, parameters and multiply-adds, and its totals: printed, a table.
 *
 * The model runs in evaluation mode and without gradients; afterwards it is as before. Parameters count as in torchinfo:
 * one multiply-add for each sample, in a convolution for each position of the output.
 *
 * Throws what the model throws.
 *
 * @example
 * const table = nn.utils.summary(new nn.Sequential(new nn.Linear(13, 10), new nn.ReLU(), new nn.Linear(10, 1)), [4, 13])
 * table.totalParameters // 151
 * table.multAdds // 604
 */
export function summary(
  ...args: [model: Module, ...Takes<[input: readonly unknown[] | Tensor], 'input', [options?: SummaryOptions]>]
): Summary {
  const [model, input, depth, type] = readArguments(args)
  if (depth < 0) throw new ValueError(`depth should not be negative, but got ${depth}`)
  const options = { dtype: type ?? defaults.float, device: model.parameters()[0]?.device }
  const inputs = (input instanceof Tensor || ints.accepts(input) ? [input] : input).map((x) =>
    ints.accepts(x) ? zeros(x as number[], options) : x,
  )
  const calls: Call[] = []
  const open: Call[] = []
  const seen = new Set<Module>()
  const training = model.modules().filter((module) => module.training)
  const handles = model.namedModules().flatMap(([name, module]) => [
    module.registerForwardPreHook(() => {
      const before = { type: '', own: 0, outputSize: [], multAdds: 0 }
      const call: Call = { name, module, ...before, depth: open.length, again: seen.has(module) }
      seen.add(module)
      calls.push(call)
      open.push(call)
    }),
    module.registerForwardHook((_, __, output) => {
      const call = open.pop() as Call
      // Here, because its first call gives a lazy layer its parameters and its class.
      call.type = className(module.constructor)
      call.own = ownElements(module)
      call.outputSize = firstTensor(output)?.sizes ?? []
      call.multAdds += ownMultAdds(module, call.own, call.outputSize)
      const above = open[open.length - 1]
      if (above !== undefined) above.multAdds += call.multAdds
    }),
  ])
  try {
    model.eval()
    noGrad(() => model.forward(...inputs))
  } finally {
    for (const handle of handles) handle.remove()
    model.eval()
    for (const module of training) module.training = true
  }
  const counters: number[] = []
  const layers = calls.map(({ own, ...call }): LayerSummary => {
    counters[call.depth] = (counters[call.depth] ?? 0) + 1
    return { ...call, index: counters[call.depth], parameters: elements(call.module.parameters()) }
  })
  const outputs = calls.filter(({ own }) => own > 0).reduce((sum, call) => sum + numelOf(call.outputSize), 0)
  return new Summary(model, inputs, layers, 2 * dtypeSize.float32 * outputs, depth)
}

interface Call {
  readonly name: string
  readonly module: Module
  readonly depth: number
  readonly again: boolean
  type: string
  /** The elements of its own parameters. */
  own: number
  outputSize: Shape
  multAdds: number
}
