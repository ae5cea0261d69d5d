// Transforms of transforms: several in turn or in random order, one of several, a function as one, and some of the time.
import { multinomial, nn, randperm, signatures, type Tensor, tensor as tensorOf, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { applied, type Transform as AnyTransform, transformKind } from '../datasets/dataset.ts'
import { draw01, type Picture, pythonFloats } from './images.ts'

const { constructing, finite, fn, list, nullable, optional, required } = signatures

// biome-ignore lint/suspicious/noExplicitAny: a transform may take and return anything
type Step = AnyTransform<any, any>

/** The repr of transforms with their steps on lines of their own, as torchvision prints them. */
const listed = (name: string, lines: readonly unknown[]): string =>
  `${name}(${lines.map((line) => `\n    ${typeof line === 'function' ? 'function' : String(line)}`).join('')}\n)`

/** What several transforms make of a picture, in turn. */
const inTurn = (transforms: Iterable<Step>, img: unknown): unknown => {
  let result = img
  for (const transform of transforms) result = applied(transform as AnyTransform<unknown>, result)
  return result
}

const readCompose = constructing('Compose', required('transforms', list(transformKind)))
/**
 * Applies transforms in turn; each is a function, or an object with `forward`. Its types say that a tensor comes out:
 * where something else does, write `new Compose<io.Image, io.Image>([...])`.
 *
 * @example
 * const transform = new Compose([new ToTensor(), new Normalize([0.5], [0.5])])
 * transform.forward(new io.Image(1, 1, 'L', Uint8Array.of(255))) // tensor([[[1.]]])
 */
export class Compose<A = Picture, B = Tensor> extends nn.Module {
  readonly transforms: readonly Step[]

  constructor(transforms: readonly Step[]) {
    super()
    this.transforms = readCompose([transforms])[0] as readonly Step[]
  }

  override forward(img: A): B {
    return inTurn(this.transforms, img) as B
  }

  override toString(): string {
    return listed('Compose', this.transforms)
  }
}

const readLambda = constructing('Lambda', required('lambd', fn))
/**
 * A function as a transform.
 *
 * @example
 * new Lambda((x: Tensor) => x.mul(2)).forward(tensor([1])) // tensor([2.])
 */
export class Lambda<A, B> extends nn.Module {
  readonly lambd: (x: A) => B

  constructor(lambd: (x: A) => B) {
    super()
    this.lambd = readLambda([lambd])[0] as unknown as (x: A) => B
  }

  override forward(img: A): B {
    return this.lambd(img)
  }
}

const readApply = constructing('RandomApply', required('transforms', list(transformKind)), optional('p', finite, 0.5))
/**
 * Applies transforms in turn with probability `p`, 0.5 by default; otherwise returns the picture as it is.
 *
 * @example
 * new RandomApply([new Grayscale()], { p: 0 }).forward(ones(3, 2, 2)).shape // [3, 2, 2]
 */
export class RandomApply<A extends Picture = Picture> extends nn.Module {
  readonly transforms: readonly Step[]
  readonly p: number

  constructor(transforms: readonly Step[], p?: number | { readonly p?: number }) {
    super()
    const [read, probability] = readApply([transforms, p])
    this.transforms = read as readonly Step[]
    this.p = probability
  }

  override forward<P extends A>(img: P): P {
    return this.p < draw01() ? img : (inTurn(this.transforms, img) as P)
  }

  override toString(): string {
    return listed('RandomApply', [`p=${this.p}`, ...this.transforms])
  }
}

const readOrder = constructing('RandomOrder', required('transforms', list(transformKind)))
/**
 * Applies transforms in random order. torchvision draws it from Python's generator, and this from `manualSeed`'s.
 *
 * @example
 * new RandomOrder([new Grayscale(3), new CenterCrop(2)]).forward(ones(3, 4, 4)).shape // [3, 2, 2]
 */
export class RandomOrder<A = Picture, B = A> extends nn.Module {
  readonly transforms: readonly Step[]

  constructor(transforms: readonly Step[]) {
    super()
    this.transforms = readOrder([transforms])[0] as readonly Step[]
  }

  override forward(img: A): B {
    const order = Array.from(randperm(this.transforms.length).toArray(), (k) => this.transforms[k])
    return inTurn(order, img) as B
  }

  override toString(): string {
    return listed('RandomOrder', this.transforms)
  }
}

const readChoice = constructing(
  'RandomChoice',
  required('transforms', list(transformKind)),
  optional('p', nullable(list(finite)), null),
)
/**
 * Applies one of several transforms at random; `p` are weights, alike by default. torchvision draws it from Python's
 * generator, and this from `manualSeed`'s.
 *
 * Throws a ValueError for another number of weights, for negative ones, and for no transforms.
 *
 * @example
 * new RandomChoice([new CenterCrop(2), new CenterCrop(3)], { p: [0, 1] }).forward(ones(3, 4, 4)).shape // [3, 3, 3]
 */
export class RandomChoice<A = Picture, B = A> extends nn.Module {
  readonly transforms: readonly Step[]
  readonly p: readonly number[] | null

  constructor(transforms: readonly Step[], p?: readonly number[] | null | { readonly p?: readonly number[] | null }) {
    super()
    const [read, weights] = readChoice([transforms, p])
    if (read.length === 0) throw new ValueError('RandomChoice needs at least one transform')
    if (weights !== null && weights.length !== read.length)
      throw new ValueError('The number of weights does not match the population', `${read.length} are wanted.`)
    if (weights !== null && !(weights.every((w) => w >= 0) && weights.some((w) => w > 0)))
      throw new ValueError('Total of weights must be greater than zero', 'Weights are not negative.')
    this.transforms = read as readonly Step[]
    this.p = weights
  }

  override forward(img: A): B {
    const weights = this.p ?? this.transforms.map(() => 1)
    const k = multinomial(tensorOf([...weights]), 1).item()
    return inTurn([this.transforms[k]], img) as B
  }

  override toString(): string {
    return `${listed('RandomChoice', this.transforms)}(p=${this.p === null ? 'None' : pythonFloats(this.p)})`
  }
}

nameClasses({ Compose, Lambda, RandomApply, RandomOrder, RandomChoice })
