// MNIST, Fashion-MNIST and KMNIST, from the IDX files in the folders that torchvision makes.
import { RuntimeError, signatures, type Tensor, tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { type Idx, parseIdx } from '../io/idx.ts'
import { broken, Image } from '../io/image.ts'
import { batched } from '../transforms/batched.ts'
import { transformParameters, VisionDataset, type VisionOptions } from './dataset.ts'
import { folderOf, type Root, rootKind } from './folder.ts'

const { bool, constructing, optional, required } = signatures

/** The options of data sets with a training part and a test part. */
export interface PartOptions<X, Y> extends VisionOptions<X, Y, Image, number> {
  /** The training part, which is the default, or the test part. */
  readonly train?: boolean
  /** Nothing is ever downloaded; only false is accepted. */
  readonly download?: false
}

const readMnist = constructing(
  'MNIST',
  required('root', rootKind),
  optional('train', bool, true),
  ...transformParameters,
  optional('download', bool, false),
)

/** Refuses `download: true`, with where the files must be. */
export const checkDownload = (download: boolean, hint: string): void => {
  if (download) throw new RuntimeError('download=True: data sets are not downloaded', hint)
}

/**
 * Handwritten digits, from the IDX files of `root/MNIST/raw`, packed by gzip or not: `train-images-idx3-ubyte`,
 * `train-labels-idx1-ubyte`, and `t10k-` for the test part. A sample is [image, label]: an `Image` of mode L, and a
 * number.
 *
 * `root` is the folder of torchvision's layout, or the files by their paths in it, `{ 'MNIST/raw/...': bytes }`, which
 * also works in browsers. Nothing is downloaded; the package `@flambeau/data-mnist` ships a part of the data.
 *
 * Throws a RuntimeError that names the file if it is missing, truncated, too long or something else, or if images and
 * labels do not fit.
 *
 * @example
 * // not run: there is no such folder
 * const train = new datasets.MNIST('data', { train: true, transform: new transforms.ToTensor() })
 * const [x, y] = train.at(0) // a tensor [1, 28, 28], and 5
 */
export class MNIST<X = Image, Y = number> extends VisionDataset<X, Y> {
  /** The names of the classes, in the order of their labels. */
  readonly classes: readonly string[] = digits
  readonly train: boolean
  protected override readonly location: string
  readonly #images: Idx
  readonly #labels: Uint8Array
  #data: Tensor | undefined
  #targets: Tensor | undefined

  constructor(options: PartOptions<X, Y> & { readonly root: Root })
  constructor(root: Root, options?: PartOptions<X, Y>)
  constructor(root: Root, train: boolean, options?: PartOptions<X, Y>)
  constructor(...args: readonly unknown[]) {
    const [root, train, transform, targetTransform, download] = readMnist(args)
    super(transform, targetTransform)
    const folder = folderOf(root)
    const part = train ? 'train' : 't10k'
    const raw = `${this.folderName}/raw`
    const find = (file: string): [bytes: Uint8Array, name: string] => {
      for (const ending of ['', '.gz']) {
        const path = `${raw}/${file}${ending}`
        const bytes = folder.read(path)
        if (bytes !== undefined) return [bytes, folder.where(path)]
      }
      throw new RuntimeError(
        'Dataset not found.',
        `Looked for ${folder.where(`${raw}/${file}`)} and the same with .gz. Nothing is downloaded: put the files there.`,
      )
    }
    checkDownload(download, `Put the four files into ${folder.where(raw)}.`)
    const [imageBytes, imageFile] = find(`${part}-images-idx3-ubyte`)
    const [labelBytes, labelFile] = find(`${part}-labels-idx1-ubyte`)
    const images = checkedIdx(parseIdx(imageBytes, imageFile), 3, imageFile)
    const labels = checkedIdx(parseIdx(labelBytes, labelFile), 1, labelFile)
    if (images.sizes[0] !== labels.sizes[0])
      throw broken(labelFile, `${labels.sizes[0]} labels do not fit the ${images.sizes[0]} images of ${imageFile}`)
    const wrong = labels.data.findIndex((label) => label >= 10)
    if (wrong >= 0) throw broken(labelFile, `label ${wrong} is ${labels.data[wrong]}, but there are 10 classes`)
    this.train = train
    this.location = folder.name
    this.#images = images
    this.#labels = labels.data as Uint8Array
  }

  /** The folder in `root`. */
  protected get folderName(): string {
    return 'MNIST'
  }

  get length(): number {
    return this.#labels.length
  }

  /** The labels by the names of the classes. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, i) => [name, i]))
  }

  /** A copy of the images as a uint8 tensor [samples, height, width]. */
  get data(): Tensor {
    return (this.#data ??= tensor(this.#images.data).reshape([...this.#images.sizes]))
  }

  /** The labels as an int32 tensor [samples]. */
  get targets(): Tensor {
    return (this.#targets ??= tensor(Int32Array.from(this.#labels)))
  }

  /**
   * The batch of several samples at once, for a `DataLoader`, if the transform is `ToTensor`, alone or with `Normalize`;
   * otherwise undefined.
   */
  get collated(): ((indices: readonly number[]) => [Tensor, Tensor]) | undefined {
    const isOurs = this.at === MNIST.prototype.at && this.raw === MNIST.prototype.raw
    const transform = batched(this.transform)
    if (transform === undefined || this.targetTransform !== null || !isOurs) return undefined
    return (indices) => {
      const [, height, width] = this.#images.sizes
      const size = height * width
      const pixels = new Uint8Array(indices.length * size)
      const labels = new Int32Array(indices.length)
      indices.forEach((index, k) => {
        const i = this.checked(index)
        pixels.set((this.#images.data as Uint8Array).subarray(i * size, (i + 1) * size), k * size)
        labels[k] = this.#labels[i]
      })
      return [transform(pixels, [indices.length, 1, height, width]), tensor(labels)]
    }
  }

  protected raw(index: number): readonly [Image, number] {
    const [, height, width] = this.#images.sizes
    const size = height * width
    // A copy, because transforms may write to it.
    const data = (this.#images.data as Uint8Array).slice(index * size, (index + 1) * size)
    return [new Image(width, height, 'L', data), this.#labels[index]]
  }

  protected override extraRepr(): string[] {
    return [`Split: ${this.train ? 'Train' : 'Test'}`]
  }
}

/** Bytes of the rank that images or labels have. */
const checkedIdx = (idx: Idx, rank: number, file: string): Idx => {
  if (idx.dtype !== 'uint8') throw broken(file, `x should be of dtype torch.uint8 instead of torch.${idx.dtype}`)
  if (idx.sizes.length !== rank)
    throw broken(file, `x should have ${rank} dimension${rank === 1 ? '' : 's'} instead of ${idx.sizes.length}`)
  if (idx.sizes.some((size) => size === 0)) throw broken(file, `there is nothing in it: ${idx.sizes.join(' x ')}`)
  return idx
}

const words = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']
const digits = words.map((word, digit) => `${digit} - ${word}`)
const clothes = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
]

/**
 * Zalando's pictures of clothes, from the files of `root/FashionMNIST/raw`, which are named as those of `MNIST`.
 *
 * @example
 * // not run: there is no such folder
 * const test = new datasets.FashionMNIST('data', { train: false })
 * test.classes[test.at(0)[1]] // 'Ankle boot'
 */
export class FashionMNIST<X = Image, Y = number> extends MNIST<X, Y> {
  override readonly classes: readonly string[] = clothes

  protected override get folderName(): string {
    return 'FashionMNIST'
  }
}

const characters = ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo']

/**
 * Japanese characters in cursive script, from the files of `root/KMNIST/raw`, which are named as those of `MNIST`.
 *
 * @example
 * // not run: there is no such folder
 * const test = new datasets.KMNIST('data', { train: false })
 * test.classes[test.at(0)[1]] // 'su'
 */
export class KMNIST<X = Image, Y = number> extends MNIST<X, Y> {
  override readonly classes: readonly string[] = characters

  protected override get folderName(): string {
    return 'KMNIST'
  }
}

nameClasses({ MNIST, FashionMNIST, KMNIST })
