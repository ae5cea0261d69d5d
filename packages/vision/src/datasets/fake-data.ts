// Images of random noise with random labels, equal to torchvision's: to try a program without data.
import { Generator, randint, randn, signatures } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import type { Image } from '../io/image.ts'
import { toPilImage } from '../transforms/convert.ts'
import { transformParameters, VisionDataset, type VisionOptions } from './dataset.ts'

const { constructing, int, ints, optional } = signatures
const readFake = constructing(
  'FakeData',
  optional('size', int, 1000),
  optional('imageSize', ints, [3, 224, 224]),
  optional('numClasses', int, 10),
  ...transformParameters,
  optional('randomOffset', int, 0),
)

export interface FakeDataOptions<X, Y> extends VisionOptions<X, Y, Image, number> {
  /** The number of samples; 1000 by default. */
  readonly size?: number
  /** Channels, height and width; [3, 224, 224] by default. */
  readonly imageSize?: readonly [channels: number, height: number, width: number]
  /** 10 by default. */
  readonly numClasses?: number
  /** Added to the index of a sample, which is its seed. */
  readonly randomOffset?: number
}

/**
 * Random images with random labels, the same for the same index: those of torchvision.
 *
 * @example
 * const set = new datasets.FakeData({ size: 10, imageSize: [1, 8, 8] })
 * set.at(3)[0].size // [8, 8]
 */
export class FakeData<X = Image, Y = number> extends VisionDataset<X, Y> {
  readonly size: number
  readonly imageSize: readonly number[]
  readonly numClasses: number
  readonly randomOffset: number

  constructor(options?: FakeDataOptions<X, Y>)
  constructor(size: number, options?: FakeDataOptions<X, Y>)
  constructor(...args: readonly unknown[]) {
    const [size, imageSize, numClasses, transform, targetTransform, randomOffset] = readFake(args)
    super(transform, targetTransform)
    this.size = size
    this.imageSize = imageSize
    this.numClasses = numClasses
    this.randomOffset = randomOffset
  }

  get length(): number {
    return this.size
  }

  protected raw(index: number): readonly [Image, number] {
    const generator = new Generator().manualSeed(index + this.randomOffset)
    const noise = randn([...this.imageSize], { generator })
    const label = randint(0, this.numClasses, [1], { generator }).item()
    return [toPilImage(noise) as Image, label]
  }
}

nameClasses({ FakeData })
