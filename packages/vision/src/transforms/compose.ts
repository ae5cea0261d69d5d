// Transforms of transforms: several in turn, a function as one, and some of the time.
import { nn, signatures, type Tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { applied, type Transform as AnyTransform, transformKind } from '../datasets/dataset.ts'
import { draw01, type Picture } from './images.ts'

const { constructing, finite, fn, list, optional, required } = signatures

// biome-ignore lint/suspicious/noExplicitAny: a transform may take and return anything
type Step = AnyTransform<any, any>

/** The repr of transforms with their steps on lines of their own, as torchvision prints them. */
const listed = (name: string, lines: readonly unknown[]): string =>
  `${name}(${lines.map((line) => `\n    ${typeof line === 'function' ? 'function' : String(line)}`).join('')}\n)`

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
    let result: unknown = img
    for (const transform of this.transforms) result = applied(transform as AnyTransform<unknown>, result)
    return result as B
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
    if (this.p < draw01()) return img
    let result: unknown = img
    for (const transform of this.transforms) result = applied(transform as AnyTransform<unknown>, result)
    return result as P
  }

  override toString(): string {
    return listed('RandomApply', [`p=${this.p}`, ...this.transforms])
  }
}

nameClasses({ Compose, Lambda, RandomApply })
