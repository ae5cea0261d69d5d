// torch.utils.tensorboard's SummaryWriter: event files that TensorBoard shows. What the bytes of an event are is in
// events.ts; here is what users call, and when it reaches the file.
import { atExit, type GrowingFile, host, openFile, processId } from '#training-files'
import { AssertionError, nn, signatures, Tensor, TypeError, ValueError } from '@flambeau/core'
import * as events from './events.ts'
import type { Hyperparameter } from './events.ts'
import { graphOf } from './graph.ts'
import { histogramOf } from './histogram.ts'
import { pictureOf } from './pictures.ts'
import { record } from './records.ts'
import { type Bytes, message } from './wire.ts'

const { bool, constructing, either, finite, instance, int, keyword, list, nullable, number, optional, required } =
  signatures
const { scalar, signature, str, tensor } = signatures

export interface SummaryWriterOptions {
  /** What the name of the default folder ends with. */
  readonly comment?: string
  /** Hides what an earlier, interrupted run wrote to the same folder for this step and later ones. */
  readonly purgeStep?: number | null
  /** How many events wait in memory until they are written. */
  readonly maxQueue?: number
  /** After how many seconds an event that is added writes those that wait. */
  readonly flushSecs?: number
  /** What the names of the files end with. */
  readonly filenameSuffix?: string
}
/** When an event happened. */
export interface EventOptions {
  readonly globalStep?: number | null
  /** Seconds since 1970; by default now. */
  readonly walltime?: number | null
}
export interface ScalarOptions extends EventOptions {
  /** Writes a tensor of one value, which TensorBoard loads faster. */
  readonly newStyle?: boolean
  /** Writes such a tensor in float64. */
  readonly doublePrecision?: boolean
}
export interface ImageOptions extends EventOptions {
  /** The order of the dimensions: `CHW`, `HWC`, `HW`, for several pictures `NCHW`, `NHWC`. */
  readonly dataformats?: string
}
export interface HistogramOptions extends EventOptions {
  /** TensorFlow's buckets, a number of equal ones, or their edges. */
  readonly bins?: 'tensorflow' | number | readonly number[]
  /** Puts neighbouring buckets together until there are about this many. */
  readonly maxBins?: number | null
}
export interface HparamsOptions {
  /** All the values that a hyperparameter may have. */
  readonly hparamDomainDiscrete?: Readonly<Record<string, readonly Hyperparameter[]>> | null
  /** The folder of this run in the writer's; by default the time. */
  readonly runName?: string | null
}

let files = 0
const now = (): number => Date.now() / 1000
const pad = (n: number): string => String(n).padStart(2, '0')
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** An event file, and the events that wait to be written to it. */
class EventFile {
  readonly #file: GrowingFile
  readonly #maxQueue: number
  readonly #flushSecs: number
  #waiting: Uint8Array[] = []
  #flushed = now()
  readonly #forget: () => void

  constructor(folder: string, maxQueue: number, flushSecs: number, suffix: string) {
    const begun = String(Math.floor(now())).padStart(10, '0')
    this.#file = openFile(`${folder}/events.out.tfevents.${begun}.${host()}.${processId()}.${files++}${suffix}`)
    this.#maxQueue = maxQueue
    this.#flushSecs = flushSecs
    this.#forget = atExit(() => this.flush())
    this.#waiting.push(record(events.fileVersion(now())))
    this.flush()
  }

  add(event: Bytes): void {
    this.#waiting.push(record(event))
    if (this.#waiting.length >= this.#maxQueue || now() - this.#flushed >= this.#flushSecs) this.flush()
  }

  flush(): void {
    this.#flushed = now()
    if (this.#waiting.length > 0) this.#file.write(message(...this.#waiting))
    this.#waiting = []
  }

  close(): void {
    this.#forget()
    try {
      this.flush()
    } finally {
      this.#file.close()
    }
  }
}

const readWriter = constructing(
  'SummaryWriter',
  optional('logDir', nullable(str), null),
  optional('comment', str, ''),
  optional('purgeStep', nullable(int), null),
  optional('maxQueue', int, 10),
  optional('flushSecs', finite, 120),
  optional('filenameSuffix', str, ''),
)

const stepParameters = [
  optional('globalStep', nullable(int), null),
  optional('walltime', nullable(finite), null),
] as const
const scalarValue = either(either(scalar, number), tensor)
const readScalar = signature(
  'add_scalar',
  required('tag', str),
  required('scalarValue', scalarValue),
  ...stepParameters,
  optional('newStyle', bool, false),
  optional('doublePrecision', bool, false),
)
const dictOf = <T>(element: signatures.Kind<T>): signatures.Kind<Readonly<Record<string, T>>> => ({
  expected: 'dict',
  accepts: (x) => {
    if (typeof x !== 'object' || x === null || !isPlain(x)) return false
    return Object.values(x).every((value) => element.accepts(value))
  },
  hint: `It is a plain object whose values are each a ${element.expected}.`,
})
const isPlain = (x: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(x))
const readScalars = signature(
  'add_scalars',
  required('mainTag', str),
  required('tagScalarDict', dictOf(scalarValue)),
  ...stepParameters,
)
const ofPictures = (name: string, formats: string) =>
  signature(
    name,
    required('tag', str),
    required('imgTensor', tensor),
    ...stepParameters,
    optional('dataformats', str, formats),
  )
const readImage = ofPictures('add_image', 'CHW')
const readImages = ofPictures('add_images', 'NCHW')
const numbers: signatures.Kind<ArrayLike<number> | Tensor> = {
  ...tensor,
  accepts: (x) => tensor.accepts(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView)) || list(number).accepts(x),
  hint: 'Values are a tensor, a typed array or a list of numbers.',
}
const binsKind: signatures.Kind<string | number | readonly number[]> = {
  expected: "'tensorflow', int or tuple of floats",
  accepts: (x) =>
    x === 'tensorflow' ||
    (Number.isSafeInteger(x) && (x as number) > 0) ||
    (list(finite).accepts(x) && (x as number[]).length > 1 && (x as number[]).every((v, i, all) => !(v < all[i - 1]))),
  hint: 'A number of equal buckets is positive, and edges grow.',
}
const readHistogram = signature(
  'add_histogram',
  required('tag', str),
  required('values', numbers),
  optional('globalStep', nullable(int), null),
  optional('bins', binsKind, 'tensorflow'),
  optional('walltime', nullable(finite), null),
  optional('maxBins', nullable(int), null),
)
const readText = signature('add_text', required('tag', str), required('textString', str), ...stepParameters)
const readGraph = signature(
  'add_graph',
  required('model', instance(nn.Module, 'torch.nn.Module')),
  required('inputToModel', either(tensor, list(tensor))),
  keyword('walltime', nullable(finite), null),
)
const hyperparameter: signatures.Kind<Hyperparameter> = {
  expected: 'int, float, str or bool',
  accepts: (x) => typeof x === 'string' || typeof x === 'boolean' || Number.isFinite(x),
}
const readHparams = signature(
  'add_hparams',
  required('hparamDict', dictOf(nullable(either(hyperparameter, tensor)))),
  required('metricDict', dictOf(scalarValue)),
  optional('hparamDomainDiscrete', nullable(dictOf(list(hyperparameter))), null),
  optional('runName', nullable(str), null),
)

/** The number of a scalar or of a tensor that holds one. */
const numberOf = (x: number | boolean | Tensor): number => {
  if (!(x instanceof Tensor)) return Number(x)
  if (x.elements === 1) return Number(x.detach().item())
  throw new AssertionError(
    `Tensor should contain one element (0 dimensions). Was given size: ${x.elements} and ${x.dim()} dimensions.`,
  )
}

/**
 * Writes scalars, pictures, histograms, texts, graphs and hyperparameters to an event file in a folder, which TensorBoard
 * shows: `tensorboard --logdir runs`. Its methods are those of PyTorch's `torch.utils.tensorboard.SummaryWriter`.
 *
 * The default folder is `runs/` with the time and the name of the computer. Events are written when ten wait, two
 * minutes after the last ones were, by `flush()` and `close()`, and when the program ends. Only in Node: in a browser the
 * constructor throws a RuntimeError.
 *
 * Throws a ValueError for a queue that is not positive.
 *
 * @example
 * // not run: writes files
 * const writer = new SummaryWriter('runs/first')
 * for (let step = 0; step < 100; step++) writer.addScalar('loss', 1 / (step + 1), step)
 * writer.close()
 */
export class SummaryWriter {
  /** `close()`, for `using`. */
  declare [Symbol.dispose]: () => void
  readonly logDir: string
  readonly maxQueue: number
  readonly flushSecs: number
  readonly filenameSuffix: string
  #purgeStep: number | null
  /** By folder: the writer's own, and those of `addScalars`. */
  readonly #files = new Map<string, EventFile>()

  constructor(
    logDir?: string | null | SummaryWriterOptions,
    comment?: string | SummaryWriterOptions,
    options?: SummaryWriterOptions,
  )
  constructor(...args: readonly unknown[]) {
    const [logDir, comment, purgeStep, maxQueue, flushSecs, suffix] = readWriter(args)
    if (maxQueue < 1) throw new ValueError(`max_queue should be positive, but got ${maxQueue}`)
    this.logDir = logDir === null || logDir === '' ? defaultFolder(comment) : logDir
    this.maxQueue = maxQueue
    this.flushSecs = flushSecs
    this.filenameSuffix = suffix
    this.#purgeStep = purgeStep
    this.#file()
  }

  /** The folder that the files are in. */
  getLogdir(): string {
    return this.logDir
  }

  /**
   * Adds a point to the curve `tag`. Throws an AssertionError for a tensor of several elements.
   *
   * @example
   * // not run: writes files
   * writer.addScalar('loss/train', loss, step)
   */
  addScalar(
    tag: string,
    scalarValue: number | boolean | Tensor,
    globalStep?: number | null | ScalarOptions,
    walltime?: number | null | ScalarOptions,
    options?: ScalarOptions,
  ): void
  addScalar(...args: readonly unknown[]): void {
    const [tag, value, step, time, newStyle, isDouble] = readScalar(args)
    const x = numberOf(value)
    this.#add(newStyle ? events.scalarTensor(tag, x, isDouble) : events.simpleValue(tag, x), step, time)
  }

  /**
   * Adds a point to each of several curves that are shown in one picture; each is a run of its own, in a folder of the
   * writer's.
   *
   * @example
   * // not run: writes files
   * writer.addScalars('loss', { train: 0.2, test: 0.3 }, step)
   */
  addScalars(
    mainTag: string,
    tagScalarDict: Readonly<Record<string, number | boolean | Tensor>>,
    globalStep?: number | null | EventOptions,
    walltime?: number | null | EventOptions,
    options?: EventOptions,
  ): void
  addScalars(...args: readonly unknown[]): void {
    const [mainTag, values, step, time] = readScalars(args)
    const at = time ?? now()
    // All are numbers before any is written.
    const points = Object.entries(values).map(([tag, value]) => [tag, numberOf(value)] as const)
    for (const [tag, value] of points)
      this.#add(events.simpleValue(mainTag, value), step, at, `${this.logDir}/${mainTag.replaceAll('/', '_')}_${tag}`)
  }

  /**
   * Adds a picture: a tensor [channels, height, width] of 1, 3 or 4 channels, or in the order that `dataformats` says;
   * uint8, or from 0 to 1. Throws an AssertionError for another number of dimensions, and a ValueError for other channels.
   *
   * @example
   * // not run: writes files
   * writer.addImage('digit', images.select(0, 0), step)
   */
  addImage(
    tag: string,
    imgTensor: Tensor,
    globalStep?: number | null | ImageOptions,
    walltime?: number | null | ImageOptions,
    dataformats?: string | ImageOptions,
  ): void
  addImage(...args: readonly unknown[]): void {
    const [tag, x, step, time, formats] = readImage(args)
    this.#add(events.image(tag, pictureOf(x, formats)), step, time)
  }

  /**
   * Adds the pictures of a batch [n, channels, height, width] side by side, eight in a row; otherwise as `addImage`.
   *
   * @example
   * // not run: writes files
   * writer.addImages('digits', images, step)
   */
  addImages(
    tag: string,
    imgTensor: Tensor,
    globalStep?: number | null | ImageOptions,
    walltime?: number | null | ImageOptions,
    dataformats?: string | ImageOptions,
  ): void
  addImages(...args: readonly unknown[]): void {
    const [tag, x, step, time, formats] = readImages(args)
    this.#add(events.image(tag, pictureOf(x, formats)), step, time)
  }

  /**
   * Adds how values are distributed: a tensor of any shape, or a list. Throws a ValueError without values, for one that
   * is not finite, and if no value is between the edges.
   *
   * @example
   * // not run: writes files
   * for (const [name, p] of model.namedParameters()) writer.addHistogram(name, p, step)
   */
  addHistogram(
    tag: string,
    values: Tensor | ArrayLike<number>,
    globalStep?: number | null | HistogramOptions,
    bins?: HistogramOptions['bins'] | HistogramOptions,
    options?: HistogramOptions,
  ): void
  addHistogram(...args: readonly unknown[]): void {
    const [tag, values, step, bins, time, maxBins] = readHistogram(args)
    if (maxBins !== null && maxBins < 1) throw new ValueError(`max_bins should be positive, but got ${maxBins}`)
    const numbers = values instanceof Tensor ? values.detach().toArray() : values
    this.#add(events.histogram(tag, histogramOf(numbers, bins, maxBins)), step, time)
  }

  /**
   * Adds a text, which may be Markdown.
   *
   * @example
   * // not run: writes files
   * writer.addText('notes', 'with **dropout**', step)
   */
  addText(
    tag: string,
    textString: string,
    globalStep?: number | null | EventOptions,
    walltime?: number | null | EventOptions,
    options?: EventOptions,
  ): void
  addText(...args: readonly unknown[]): void {
    const [tag, text, step, time] = readText(args)
    this.#add(events.textTensor(tag, text), step, time)
  }

  /**
   * Adds the graph of a model: its operations, as autograd records them for `inputToModel`, an input or a list of them, in
   * boxes for its modules. The model runs once in evaluation mode; afterwards it is as before.
   *
   * Throws what the model throws, and a RuntimeError if no output has a gradient.
   *
   * @example
   * // not run: writes files
   * writer.addGraph(model, zeros(1, 1, 28, 28))
   */
  addGraph(model: nn.Module, inputToModel: Tensor | readonly Tensor[], options?: Pick<EventOptions, 'walltime'>): void
  addGraph(...args: readonly unknown[]): void {
    const [model, inputs, time] = readGraph(args)
    const graph = graphOf(model, inputs instanceof Tensor ? [inputs] : inputs)
    const at = time ?? now()
    this.#file().add(events.event(at, 0, events.graphDef(graph)))
    this.#file().add(events.event(at, 0, events.runMetadata()))
  }

  /**
   * Adds a run with its hyperparameters, numbers, texts or booleans (null leaves one out), and with what came of them, for TensorBoard's table of
   * runs. It is written to a folder of its own.
   *
   * Throws a TypeError for values of other kinds, and for a domain whose values are not of the parameter's kind.
   *
   * @example
   * // not run: writes files
   * writer.addHparams({ lr: 0.1, batch: 64 }, { 'hparam/accuracy': 0.97 }, { runName: 'first' })
   */
  addHparams(
    hparamDict: Readonly<Record<string, Hyperparameter | Tensor | null>>,
    metricDict: Readonly<Record<string, number | boolean | Tensor>>,
    options?: HparamsOptions,
  ): void
  addHparams(...args: readonly unknown[]): void {
    const [hparams, metrics, domains, runName] = readHparams(args)
    const values = Object.entries(hparams).flatMap(([name, x]) =>
      x === null ? [] : [[name, x instanceof Tensor ? numberOf(x) : x] as const],
    )
    for (const [name, domain] of Object.entries(domains ?? {})) {
      const kind = typeof hparams[name]
      if (Object.hasOwn(hparams, name) && domain.every((value) => typeof value === kind)) continue
      throw new TypeError(
        `parameter: hparam_domain_discrete[${name}] should be a list of same type as hparam_dict[${name}].`,
      )
    }
    const results = Object.entries(metrics).map(([name, value]) => [name, numberOf(value)] as const)
    const listed = new Map(Object.entries((domains ?? {}) as Record<string, readonly Hyperparameter[]>))
    const messages = events.hyperparameters(
      values,
      listed,
      results.map(([name]) => name),
    )
    const run = new SummaryWriter(`${this.logDir}/${runName ?? now()}`)
    for (const value of messages) run.#add(value, null, null)
    for (const [name, value] of results) run.addScalar(name, value)
    run.close()
  }

  /** Writes the events that wait. */
  flush(): void {
    for (const file of this.#files.values()) file.flush()
  }

  /** Writes the events that wait, and closes the files. An event that is added later goes to a new file. */
  close(): void {
    for (const file of this.#files.values()) file.close()
    this.#files.clear()
  }

  #add(value: Bytes, step: number | null, time: number | null, folder = this.logDir): void {
    this.#file(folder).add(events.event(time ?? now(), step ?? 0, events.summary(value)))
  }

  #file(folder = this.logDir): EventFile {
    const known = this.#files.get(folder)
    if (known !== undefined) return known
    const file = new EventFile(folder, this.maxQueue, this.flushSecs, this.filenameSuffix)
    this.#files.set(folder, file)
    if (this.#purgeStep !== null && folder === this.logDir) {
      for (const event of events.purged(now(), this.#purgeStep)) file.add(event)
      this.#purgeStep = null
    }
    return file
  }
}

// Not every engine has it.
if (Symbol.dispose !== undefined)
  Object.defineProperty(SummaryWriter.prototype, Symbol.dispose, { value: SummaryWriter.prototype.close })

const defaultFolder = (comment: string): string => {
  const t = new Date()
  const time = `${months[t.getMonth()]}${pad(t.getDate())}_${pad(t.getHours())}-${pad(t.getMinutes())}-${pad(t.getSeconds())}`
  return `runs/${time}_${host()}${comment}`
}
