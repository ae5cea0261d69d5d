// What all distributions share: parameters as properties, their checks, shapes of samples, expansion and printing.
import { inspect } from '../base/inspect.ts'
import { NotImplementedError, ValueError } from '../base/errors.ts'
import { warn } from '../base/warn.ts'
import { checkSizes, frozen, type Shape } from '../base/shape.ts'
import { snakeCase, typeName } from '../base/python.ts'
import { s } from '../expr/expr.ts'
import { type Elementwise, elementwise } from '../ops/define/elementwise.ts'
import { apply } from '../tensor/apply.ts'
import { effects } from '../tensor/effects.ts'
import { enableGrad, noGrad } from '../tensor/mode.ts'
import { formatSize, formatTuple } from '../tensor/print.ts'
import {
  bool,
  int,
  ints,
  isTensor,
  type Kind,
  nullable,
  optional,
  type Parameter,
  required,
  signature,
  tensor,
} from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Constraint, dependent } from './constraints.ts'
import { nameOf, valueText } from './values.ts'

export interface ValidateOption {
  /** Whether parameters and values are checked; by default they are. */
  readonly validateArgs?: boolean | null
}
export type Validate = boolean | null | ValidateOption
export const validateParameter: Parameter<boolean | null> = optional('validateArgs', nullable(bool), null)

// ---- checks ----

const checks = new Map<string, Elementwise>()
/** An op that throws if an element is false, for steps and devices whose elements cannot be read at once. */
function checkOf(sentence: string): Elementwise {
  let op = checks.get(sentence)
  if (op === undefined) {
    const error = (): Error => new ValueError(sentence)
    op = elementwise('clone', (valid) => valid, { check: ([valid]) => ({ expr: s.not(valid), error }) })
    checks.set(sentence, op)
  }
  return op
}
/** Throws if an element is false: now, with the whole sentence, or where elements cannot be read, when the step runs. */
export function demand(valid: Tensor, sentence: () => string, short: string): void {
  if (effects.sink !== null || !valid.storage.device.backend.caps.syncRead) apply(checkOf(short), [valid], null)
  else if (valid.all().item() === 0) throw new ValueError(sentence())
}

// ---- arguments ----

const sampleShapeParameter: Parameter<readonly number[]> = optional(
  'sampleShape',
  { ...ints, hint: 'Pass a list: sample([3]).' },
  [],
)
const sampleArguments = signature('sample', sampleShapeParameter)
const sampleNArguments = signature('sample_n', required('n', int))
const rsampleArguments = signature('rsample', sampleShapeParameter)
const expandArguments = signature('expand', required('batchShape', ints))
const supportArguments = signature('enumerate_support', optional('expand', bool, true))
const switchArguments = signature('set_default_validate_args', required('value', bool))

/** A value of a distribution. */
export const valueKind: Kind<Tensor> = {
  ...tensor,
  refuse: (x) =>
    isTensor(x)
      ? undefined
      : new ValueError('The value argument to log_prob must be a Tensor', `It is ${typeName(x)}.`),
}
const logProbArguments = signature('log_prob', required('value', valueKind))
const cdfArguments = signature('cdf', required('value', valueKind))
const icdfArguments = signature('icdf', required('value', valueKind))

let validates = true

/** What a subclass passes on. */
export interface Made {
  /** Properties: the parameters, and what else the distribution consists of. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly batchShape: Shape
  readonly eventShape?: Shape
  readonly validateArgs: boolean | null
}

const isMade = (x: Made | Shape): x is Made => !Array.isArray(x)

/** Parameters that are computed from others at first use, and are not checked again. */
const derived = new Set(['probs', 'logits', 'covarianceMatrix', 'precisionMatrix', 'scaleTril'])

/**
 * The base class of distributions. A subclass calls `super(batchShape, eventShape, validateArgs)` and defines what it can of
 * `sample`, `rsample`, `logProb`, `mean` and the others; what it does not define throws a NotImplementedError.
 *
 * @example
 * const p = new distributions.Normal(0, 1)
 * p.logProb(tensor([0, 1])) // tensor([-0.9189, -1.4189])
 */
export abstract class Distribution {
  readonly #batchShape: Shape
  readonly #eventShape: Shape
  #validates: boolean

  constructor(made: Made | Shape = [], ofEvent: Shape = [], validate: boolean | null = null) {
    const own = isMade(made) ? made : { fields: {}, batchShape: made, eventShape: ofEvent, validateArgs: validate }
    const { fields, batchShape, eventShape = [], validateArgs } = own
    for (const name in fields) this.own(name, fields[name])
    this.#batchShape = batchShape
    this.#eventShape = eventShape
    this.#validates = validateArgs ?? validates
    if (this.#validates) this.#checkParameters()
  }

  /** Whether distributions check their parameters and values, unless told otherwise by `validateArgs`. */
  static setDefaultValidateArgs(...args: [value: boolean]): void {
    validates = switchArguments(args)[0]
  }

  #checkParameters(): void {
    const { argConstraints } = this
    for (const name in argConstraints) {
      const constraint = argConstraints[name]
      if (constraint === dependent || (derived.has(name) && !Object.hasOwn(this, name))) continue
      const value = this.field(name)
      // A subclass sets its own fields after this.
      if (!isTensor(value)) continue
      const snake = snakeCase(name)
      const kind = nameOf(this)
      demand(
        noGrad(() => constraint.check(value)),
        () =>
          `Expected parameter ${snake} (${typeName(value)} of shape ${formatTuple(value.sizes)}) of distribution ${this} ` +
          `to satisfy the constraint ${constraint}, but found invalid values:\n${valueText(value)}`,
        `Expected parameter ${snake} of distribution ${kind} to satisfy the constraint ${constraint}`,
      )
    }
  }

  /** Throws a ValueError if an element is false, unless checks are off. */
  protected demand(valid: () => Tensor, short: string, sentence: () => string = () => short): void {
    if (this.#validates) demand(noGrad(valid), sentence, short)
  }

  /** A property by its name. */
  protected field(name: string): unknown {
    return (this as unknown as Record<string, unknown>)[name]
  }

  /** Sets a property, also in place of a getter of the class. */
  protected own(name: string, value: unknown): void {
    Object.defineProperty(this, name, { value, enumerable: true, configurable: true, writable: true })
  }

  /** A parameter computed from the others at first use, which is then printed like the others. */
  protected lazy(name: string, make: () => Tensor): Tensor {
    const value = enableGrad(make)
    this.own(name, value)
    return value
  }

  /** The name that is printed. */
  protected get title(): string {
    return nameOf(this)
  }

  /** The shape of the parameters: each element of it is a distribution of its own. */
  get batchShape(): readonly number[] {
    return frozen(this.#batchShape)
  }

  /** The shape of one event. */
  get eventShape(): readonly number[] {
    return frozen(this.#eventShape)
  }

  /** The shape of samples: `sampleShape`, then those of the batch and of the event. */
  protected extended(sampleShape: Shape): Shape {
    return [...sampleShape, ...this.#batchShape, ...this.#eventShape]
  }

  /** The constraints of the parameters, by name. */
  get argConstraints(): Readonly<Record<string, Constraint>> {
    return {}
  }

  /** The region in which values must lie. */
  get support(): Constraint {
    throw new NotImplementedError(`${nameOf(this)} does not implement support`)
  }

  /** Whether `rsample` is defined. */
  get hasRsample(): boolean {
    return false
  }

  /** Whether `enumerateSupport` is defined. */
  get hasEnumerateSupport(): boolean {
    return false
  }

  get mean(): Tensor {
    return this.lacks('mean')
  }

  /** The most likely value. */
  get mode(): Tensor {
    return this.lacks('mode')
  }

  get variance(): Tensor {
    return this.lacks('variance')
  }

  get stddev(): Tensor {
    return this.variance.sqrt()
  }

  protected lacks(what: string): never {
    throw new NotImplementedError(`${nameOf(this)} does not implement ${what}`)
  }

  /** Draws samples of the extended shape, in the graph of the parameters if `reparametrized`. */
  protected drawn(_sampleShape: Shape, reparametrized: boolean): Tensor {
    return this.lacks(reparametrized ? 'rsample' : 'sample')
  }

  /**
   * Samples without a gradient, of shape [...sampleShape, ...batchShape, ...eventShape].
   *
   * @example
   * new distributions.Uniform(0, 1).sample([3]).shape // [3]
   */
  sample(...args: [sampleShape?: readonly number[] | { readonly sampleShape?: readonly number[] }]): Tensor {
    const shape = checkSizes([...sampleArguments(args)[0]])
    return noGrad(() => this.drawn(shape, false))
  }

  /** Deprecated in PyTorch: `sample([n])`. */
  sampleN(...args: [n: number]): Tensor {
    const [n] = sampleNArguments(args)
    warn('sample_n will be deprecated. Use .sample((n,)) instead')
    return this.sample([n])
  }

  /**
   * Samples through which gradients reach the parameters.
   *
   * Throws a NotImplementedError if the distribution has none, such as a discrete one.
   */
  rsample(...args: [sampleShape?: readonly number[] | { readonly sampleShape?: readonly number[] }]): Tensor {
    const shape = checkSizes([...rsampleArguments(args)[0]])
    if (!this.hasRsample) this.lacks('rsample')
    return this.drawn(shape, true)
  }

  /** The logarithm of the density or of the probability of `value`. */
  logProb(...args: [value: Tensor]): Tensor {
    const [value] = logProbArguments(args)
    this.checkSample(value)
    return this.logDensity(value)
  }

  protected logDensity(_value: Tensor): Tensor {
    return this.lacks('log_prob')
  }

  /** The probability of at most `value`. */
  cdf(...args: [value: Tensor]): Tensor {
    return this.cumulative(cdfArguments(args)[0])
  }

  protected cumulative(_value: Tensor): Tensor {
    return this.lacks('cdf')
  }

  /** The value up to which the probability is `value`. */
  icdf(...args: [value: Tensor]): Tensor {
    return this.quantile(icdfArguments(args)[0])
  }

  protected quantile(_value: Tensor): Tensor {
    return this.lacks('icdf')
  }

  /** The entropy of each distribution of the batch. */
  entropy(): Tensor {
    return this.lacks('entropy')
  }

  /** The exponential of the entropy. */
  perplexity(): Tensor {
    return this.entropy().exp()
  }

  /** All values, along a new first dimension; with `expand` for each distribution of the batch. */
  enumerateSupport(...args: [expand?: boolean | { readonly expand?: boolean }]): Tensor {
    const [expand] = supportArguments(args)
    const values = this.enumerated()
    const shape = [values.sizes[0], ...this.#batchShape.map(() => 1), ...this.#eventShape]
    const spread = values.reshape(shape)
    return expand ? spread.expand([values.sizes[0], ...this.#batchShape, ...this.#eventShape]) : spread
  }

  /** All values along one dimension, each of the event's shape. */
  protected enumerated(): Tensor {
    return this.lacks('enumerate_support')
  }

  /**
   * The same distributions with a batch of a larger shape, as `x.expand` repeats elements; nothing is copied.
   *
   * @example
   * new distributions.Normal(0, 1).expand([2, 3]).batchShape // [2, 3]
   */
  expand(...args: [batchShape: readonly number[]]): this {
    return this.expanded(checkSizes([...expandArguments(args)[0]]))
  }

  protected expanded(batchShape: Shape): this {
    return this.like(this.expandedParameters(batchShape), batchShape)
  }

  /** The parameters of `argConstraints` that are fields, with a batch of another shape. */
  protected expandedParameters(batchShape: Shape): Record<string, Tensor> {
    const fields: Record<string, Tensor> = {}
    for (const [name, { eventDim }] of Object.entries(this.argConstraints)) {
      if (!Object.hasOwn(this, name)) continue
      const value = this.field(name) as Tensor
      fields[name] = value.expand([...batchShape, ...value.sizes.slice(value.dim() - eventDim)])
    }
    return fields
  }

  /** A distribution of the same class with other fields, which are not checked. */
  protected like(fields: Readonly<Record<string, unknown>>, batchShape: Shape): this {
    const made: Made = { fields, batchShape, eventShape: this.#eventShape, validateArgs: false }
    // The constructor of the subclass reads the arguments of users.
    const copy: this = Reflect.construct(Distribution, [made], this.constructor as new () => unknown)
    copy.#validates = this.#validates
    return copy
  }

  /** Throws unless a value has the right shape and lies in the support. */
  protected checkSample(value: Tensor): void {
    if (!this.#validates) return
    const { sizes } = value
    const event = this.#eventShape
    const own = sizes.slice(Math.max(sizes.length - event.length, 0))
    if (own.length !== event.length || own.some((n, i) => n !== event[i])) {
      throw new ValueError(
        `The right-most size of value must match event_shape: ${formatSize(sizes)} vs ${formatSize(event)}.`,
      )
    }
    const expected = this.extended([])
    for (let i = 1; i <= Math.min(sizes.length, expected.length); i++) {
      const [m, n] = [sizes[sizes.length - i], expected[expected.length - i]]
      if (m === 1 || n === 1 || m === n) continue
      throw new ValueError(
        `Value is not broadcastable with batch_shape+event_shape: ${formatSize(sizes)} vs ${formatSize(expected)}.`,
      )
    }
    const { support } = this
    const kind = nameOf(this)
    demand(
      noGrad(() => support.check(value)),
      () =>
        `Expected value argument (${typeName(value)} of shape ${formatTuple(sizes)}) to be within the support (${support}) ` +
        `of the distribution ${this}, but found invalid values:\n${valueText(value)}`,
      `Expected value argument to be within the support of the distribution ${kind}`,
    )
  }

  toString(): string {
    const names = Object.keys(this.argConstraints).filter((name) => Object.hasOwn(this, name))
    const texts = names.map((name) => {
      const value = this.field(name) as Tensor
      return `${snakeCase(name)}: ${value.numel() === 1 ? valueText(value) : formatSize(value.sizes)}`
    })
    return `${nameOf(this)}(${texts.join(', ')})`
  }

  [Symbol.for(inspect)](): string {
    return this.toString()
  }
}
