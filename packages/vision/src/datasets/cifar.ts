// CIFAR-10, from its binary version: records of a label and 3,072 bytes, the planes of red, green and blue.
import { RuntimeError, signatures, type Tensor, tensor } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { broken, Image } from '../io/image.ts'
import { transformParameters, VisionDataset } from './dataset.ts'
import { folderOf, type Root, rootKind } from './folder.ts'
import { checkDownload, type PartOptions } from './mnist.ts'

const { bool, constructing, optional, required } = signatures
const readCifar = constructing(
  'CIFAR10',
  required('root', rootKind),
  optional('train', bool, true),
  ...transformParameters,
  optional('download', bool, false),
)

const SIDE = 32
const PLANE = SIDE * SIDE
const RECORD = 1 + 3 * PLANE
const FOLDER = 'cifar-10-batches-bin'

/**
 * CIFAR-10's pictures of 32 x 32 in ten classes, from `root/cifar-10-batches-bin`: `data_batch_1.bin` to
 * `data_batch_5.bin`, or `test_batch.bin`. That is the binary version of the data; the Python version, which torchvision
 * reads, consists of pickles. A sample is [image, label]: an `Image` of mode RGB, and a number.
 *
 * `root` is a folder, or the files by their paths in it. Nothing is downloaded. Throws a RuntimeError that names the
 * file if it is missing or damaged.
 *
 * @example
 * // not run: there is no such folder
 * const train = new datasets.CIFAR10('data', { train: true, transform: new transforms.ToTensor() })
 */
export class CIFAR10<X = Image, Y = number> extends VisionDataset<X, Y> {
  /** The names of the classes, in the order of their labels. */
  readonly classes: readonly string[] = classes
  readonly train: boolean
  protected override readonly location: string
  /** Pixel by pixel, as images hold them. */
  readonly #pixels: Uint8Array
  readonly #labels: Uint8Array

  constructor(options: PartOptions<X, Y> & { readonly root: Root })
  constructor(root: Root, options?: PartOptions<X, Y>)
  constructor(root: Root, train: boolean, options?: PartOptions<X, Y>)
  constructor(...args: readonly unknown[]) {
    const [root, train, transform, targetTransform, download] = readCifar(args)
    super(transform, targetTransform)
    const folder = folderOf(root)
    checkDownload(download, `Put the files of the binary version into ${folder.where(FOLDER)}.`)
    const names = train ? [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`) : ['test_batch.bin']
    const files = names.map((name) => {
      const path = `${FOLDER}/${name}`
      const bytes = folder.read(path)
      if (bytes === undefined) {
        throw new RuntimeError(
          'Dataset not found or corrupted.',
          `Looked for ${folder.where(path)}, a file of the binary version. Nothing is downloaded: put the files there.`,
        )
      }
      if (bytes.length === 0 || bytes.length % RECORD !== 0) {
        throw broken(
          folder.where(path),
          `its ${bytes.length} bytes are no whole number of records of ${RECORD} bytes`,
          'The file is truncated, or not of the binary version.',
        )
      }
      for (let i = 0; i < bytes.length; i += RECORD) {
        if (bytes[i] < classes.length) continue
        throw broken(folder.where(path), `label ${i / RECORD} is ${bytes[i]}, but there are ${classes.length} classes`)
      }
      return bytes
    })
    const count = files.reduce((sum, bytes) => sum + bytes.length / RECORD, 0)
    this.train = train
    this.location = folder.name
    this.#labels = new Uint8Array(count)
    this.#pixels = new Uint8Array(count * 3 * PLANE)
    let n = 0
    for (const bytes of files) {
      for (let at = 0; at < bytes.length; at += RECORD, n++) {
        this.#labels[n] = bytes[at]
        for (let c = 0; c < 3; c++) {
          const from = at + 1 + c * PLANE
          for (let i = 0, to = n * 3 * PLANE + c; i < PLANE; i++, to += 3) this.#pixels[to] = bytes[from + i]
        }
      }
    }
  }

  get length(): number {
    return this.#labels.length
  }

  /** The labels by the names of the classes. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(classes.map((name, i) => [name, i]))
  }

  /** A copy of the images as a uint8 tensor [samples, 32, 32, 3]. */
  get data(): Tensor {
    return tensor(this.#pixels).reshape([this.length, SIDE, SIDE, 3])
  }

  /** The labels. */
  get targets(): number[] {
    return Array.from(this.#labels)
  }

  protected raw(index: number): readonly [Image, number] {
    const size = 3 * PLANE
    return [new Image(SIDE, SIDE, 'RGB', this.#pixels.slice(index * size, (index + 1) * size)), this.#labels[index]]
  }

  protected override extraRepr(): string[] {
    return [`Split: ${this.train ? 'Train' : 'Test'}`]
  }
}

const classes = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']

nameClasses({ CIFAR10 })
