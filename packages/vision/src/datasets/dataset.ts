// What all data sets of images share: the transforms of their samples, and their repr.
import { IndexError, signatures, TypeError } from '@flambeau/core'
import { className, nameClasses } from '@flambeau/core/backend'

/** A transform: a function, or an object with `forward`, such as those of `transforms` and modules. */
export type Transform<A = never, B = unknown> = ((x: A) => B) | { forward(x: A): B }

export interface VisionOptions<X, Y, A, B> {
  /** Applied to the image of a sample; by default the sample holds the image itself. */
  readonly transform?: Transform<A, X> | null
  /** Applied to the target of a sample. */
  readonly targetTransform?: Transform<B, Y> | null
}

const { nullable, optional } = signatures
const isClass = (x: unknown): x is { readonly name: string } =>
  typeof x === 'function' && /^class\b/.test(Function.prototype.toString.call(x))
const isTransform = (x: unknown): boolean =>
  (typeof x === 'function' && !isClass(x)) ||
  (typeof x === 'object' && x !== null && typeof (x as { forward?: unknown }).forward === 'function')
export const transformKind: signatures.Kind<Transform> = {
  expected: 'transform',
  accepts: isTransform,
  refuse: (x) =>
    isClass(x)
      ? new TypeError(
          `'${className(x)}' is a class, not a transform`,
          `Make a transform of it: new ${className(x)}(...).`,
        )
      : undefined,
  hint: 'A transform is a function, or an object with forward(x).',
}
/** The parameters that all data sets end with. */
export const transformParameters = [
  optional('transform', nullable(transformKind), null),
  optional('targetTransform', nullable(transformKind), null),
] as const

/** Applies a transform. */
export const applied = <A, B>(transform: Transform<A, B>, x: A): B =>
  typeof transform === 'function' ? transform(x) : transform.forward(x)

const readIndex = signatures.signature('at', signatures.required('index', signatures.int))

/** The base of the data sets: sample i is [image, target], each transformed. */
export abstract class VisionDataset<X, Y> {
  readonly transform: Transform<never, X> | null
  readonly targetTransform: Transform<never, Y> | null
  /** The number of samples. */
  abstract readonly length: number
  /** Where the files are, if there are any. */
  protected readonly location: string | undefined = undefined

  constructor(transform: Transform | null, targetTransform: Transform | null) {
    this.transform = transform as Transform<never, X> | null
    this.targetTransform = targetTransform as Transform<never, Y> | null
  }

  /** The image and the target of sample `index`, before the transforms. */
  protected abstract raw(index: number): readonly [image: unknown, target: number]

  /** One sample; a negative index counts from the end. Throws an IndexError for an index out of range. */
  at(index: number): [X, Y] {
    return this.transformed(this.raw(this.checked(index)))
  }

  /** Whether a loader collates plain numbers in samples, the labels, to int32. */
  get integers(): boolean {
    return true
  }

  protected checked(index: number): number {
    const [read] = readIndex([index])
    const at = read < 0 ? read + this.length : read
    if (at >= 0 && at < this.length) return at
    throw new IndexError(`index ${index} is out of range for a dataset of ${this.length} samples`)
  }

  protected transformed([image, target]: readonly [image: unknown, target: number]): [X, Y] {
    const { transform, targetTransform } = this
    const x = transform === null ? image : applied(transform as Transform<unknown, unknown>, image)
    const y = targetTransform === null ? target : applied(targetTransform as Transform<unknown, unknown>, target)
    return [x, y] as [X, Y]
  }

  /** More lines of the repr. */
  protected extraRepr(): string[] {
    return []
  }

  /** As torchvision prints it. */
  toString(): string {
    const { transform, targetTransform, location } = this
    const lines = [`Number of datapoints: ${this.length}`]
    if (location !== undefined) lines.push(`Root location: ${location}`)
    lines.push(...this.extraRepr())
    const indented = (name: string, x: unknown) =>
      `${name}${String(x)
        .split('\n')
        .join(`\n${' '.repeat(name.length)}`)}`
    if (transform !== null || targetTransform !== null) lines.push('StandardTransform')
    const own = [
      transform === null ? [] : [indented('Transform: ', transform)],
      targetTransform === null ? [] : [indented('Target transform: ', targetTransform)],
    ].flat()
    // torchvision's lines, the transforms of which are not indented.
    return [`Dataset ${className(this.constructor)}`, ...lines.map((line) => `    ${line}`), ...own].join('\n')
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }
}

nameClasses({ VisionDataset })
