// The messages of TensorBoard's event files, with the numbers of their fields: Event, Summary and what they hold
// (tensorboard/compat/proto and plugins), as far as `SummaryWriter` writes them.
import { bool, type Bytes, bytes, double, float, int, message, packedDoubles, packedFloats } from './wire.ts'
import { someDouble, someText, text } from './wire.ts'

// ---- Event ----

/** What happened: one of the fields below. */
export const event = (wallTime: number, step: number, what: Bytes, ...more: Bytes[]): Bytes =>
  message(double(1, wallTime), int(2, step), what, ...more)

/** The first event of a file, and the program that wrote it. */
export const fileVersion = (wallTime: number): Bytes =>
  event(wallTime, 0, text(3, 'brain.Event:2'), bytes(10, text(1, 'flambeau')))
/** Events from this step on, which an earlier run wrote, are to be forgotten. */
export const purged = (wallTime: number, step: number): readonly Bytes[] => [
  event(wallTime, step, text(3, 'brain.Event:2')),
  event(wallTime, step, bytes(7, int(1, START))),
]
const START = 1
export const summary = (value: Bytes): Bytes => bytes(5, bytes(1, value))
export const graphDef = (graph: Bytes): Bytes => bytes(4, graph)
/** The device that a graph ran on, which TensorBoard wants beside it. */
export const runMetadata = (): Bytes =>
  bytes(8, message(text(1, 'step1'), bytes(2, bytes(1, bytes(1, text(1, '/device:CPU:0'))))))

// ---- Summary.Value ----

/** A plugin of TensorBoard, and what it wants to know. */
const plugin = (name: string, content?: Bytes): Bytes =>
  bytes(9, bytes(1, content === undefined ? text(1, name) : message(text(1, name), bytes(2, content))))

export const simpleValue = (tag: string, value: number): Bytes => message(text(1, tag), float(2, value))

const types = { float: 1, double: 2, string: 7 }
export const scalarTensor = (tag: string, value: number, isDouble: boolean): Bytes => {
  const tensor = isDouble
    ? message(int(1, types.double), packedDoubles(6, [value]))
    : message(int(1, types.float), packedFloats(5, [value]))
  return message(text(1, tag), bytes(8, tensor), plugin('scalars'))
}

export const textTensor = (tag: string, value: string): Bytes =>
  message(
    text(1, `${tag}/text_summary`),
    bytes(8, message(int(1, types.string), bytes(2, shape([1])), someText(8, value))),
    plugin('text'),
  )

export interface Picture {
  readonly width: number
  readonly height: number
  readonly channels: number
  /** A file of it. */
  readonly png: Uint8Array
}
export const image = (tag: string, { width, height, channels, png }: Picture): Bytes =>
  message(text(1, tag), bytes(4, message(int(1, height), int(2, width), int(3, channels), bytes(4, png))))

export interface Histogram {
  readonly min: number
  readonly max: number
  readonly num: number
  readonly sum: number
  readonly sumSquares: number
  /** The right edge of each bucket, and how many values are in it. */
  readonly limits: ArrayLike<number>
  readonly counts: ArrayLike<number>
}
export const histogram = (tag: string, { min, max, num, sum, sumSquares, limits, counts }: Histogram): Bytes => {
  const totals = [min, max, num, sum, sumSquares].map((value, i) => double(i + 1, value))
  return message(text(1, tag), bytes(5, message(...totals, packedDoubles(6, limits), packedDoubles(7, counts))))
}

// ---- hyperparameters ----

export type Hyperparameter = number | string | boolean

/** google.protobuf.Value */
const valueOf = (x: Hyperparameter): Bytes =>
  typeof x === 'number' ? someDouble(2, x) : typeof x === 'string' ? someText(3, x) : bool(4, x)
const kinds = { string: 1, boolean: 2, number: 3 } as const

/** The three messages of a run: what is varied and measured, the values of this run, and that it ended well. */
export function hyperparameters(
  values: readonly (readonly [name: string, value: Hyperparameter])[],
  domains: ReadonlyMap<string, readonly Hyperparameter[]>,
  metrics: readonly string[],
): readonly Bytes[] {
  const infos = values.map(([name, value]) => {
    const domain = domains.get(name)
    const listed = domain === undefined ? message() : bytes(5, message(...domain.map((x) => bytes(1, valueOf(x)))))
    return bytes(4, message(text(1, name), int(4, kinds[typeof value as keyof typeof kinds]), listed))
  })
  const measured = metrics.map((name) => bytes(5, bytes(1, text(2, name))))
  const entries = values.map(([name, value]) => bytes(1, message(someText(1, name), bytes(2, valueOf(value)))))
  const tagged = (name: string, content: Bytes) => message(text(1, `_hparams_/${name}`), plugin('hparams', content))
  return [
    tagged('experiment', bytes(2, message(...infos, ...measured))),
    tagged('session_start_info', bytes(3, message(...entries))),
    tagged('session_end_info', bytes(4, int(1, SUCCESS))),
  ]
}
const SUCCESS = 1

// ---- GraphDef ----

const shape = (sizes: readonly number[]): Bytes => message(...sizes.map((size) => bytes(2, int(1, size))))

export interface GraphNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly sizes: readonly number[]
  /** Attributes, to be shown as they are. */
  readonly attributes: string
}
export const graph = (nodes: readonly GraphNode[]): Bytes =>
  message(...nodes.map((node) => bytes(1, nodeDef(node))), bytes(4, int(1, PRODUCER)))
/** The version of the form that PyTorch writes. */
const PRODUCER = 22

const nodeDef = ({ name, op, inputs, sizes, attributes }: GraphNode): Bytes => {
  const attribute = (key: string, value: Bytes) => bytes(5, message(text(1, key), bytes(2, value)))
  return message(
    text(1, name),
    text(2, op),
    ...inputs.map((input) => text(3, input)),
    attribute('attr', someText(2, attributes)),
    attribute('_output_shapes', bytes(1, bytes(7, shape(sizes)))),
  )
}
