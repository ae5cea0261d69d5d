// A folder of pictures, in a folder for each class.
import { decodeAhead } from '#pool'
import { RuntimeError, signatures } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { decodePicture } from '../io/decode.ts'
import { gone, type Image } from '../io/image.ts'
import { transformParameters, VisionDataset, type VisionOptions } from './dataset.ts'
import { type Folder, folderOf, type Root, rootKind } from './folder.ts'

const { constructing, fn, nullable, optional, required } = signatures

type Loader = (bytes: Uint8Array, path: string) => Image

export interface ImageFolderOptions<X, Y> extends VisionOptions<X, Y, Image, number> {
  /** Makes a picture from the bytes of a file; by default `io.imageFrom` in mode RGB. */
  readonly loader?: Loader
  /** Which files are taken, by their paths; by default those that end with .jpg, .jpeg or .png. */
  readonly isValidFile?: ((path: string) => boolean) | null
}

/** The default loader. */
const readRgb: Loader = (bytes, path) => decodePicture(bytes, path, 'RGB')

const readFolder = constructing(
  'ImageFolder',
  required('root', rootKind),
  ...transformParameters,
  optional('loader', fn, readRgb),
  optional('isValidFile', nullable(fn), null),
)

const extensions = ['.jpg', '.jpeg', '.png']
const isPicture = (path: string): boolean => extensions.some((ending) => path.toLowerCase().endsWith(ending))
const byCode = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const folderPart = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/**
 * The pictures below the folders of `root`, each of which is a class: `root/cat/1.png`, `root/dog/a/2.jpg`. Classes and
 * files come in the order of their names. A sample is [image, label]: an `Image` of mode RGB, read when it is asked for,
 * and a number.
 *
 * `root` is a folder, or the files by their paths in it. Throws a RuntimeError without class folders, and for a class
 * without pictures; `at` throws one that names the file for a file that is no picture.
 *
 * @example
 * const picture = io.encodePng(new io.Image(4, 4, 'RGB'))
 * const set = new datasets.ImageFolder({ 'cat/1.png': picture, 'dog/2.png': picture })
 * set.classes // ['cat', 'dog']
 * set.at(1) // [<Image mode=RGB size=4x4>, 1]
 */
export class ImageFolder<X = Image, Y = number> extends VisionDataset<X, Y> {
  /** The names of the classes, in the order of their labels. */
  readonly classes: readonly string[]
  readonly classToIdx: Readonly<Record<string, number>>
  /** The files with their labels. */
  readonly samples: readonly (readonly [path: string, label: number])[]
  protected override readonly location: string
  readonly #folder: Folder
  readonly #loader: Loader
  readonly #isOnDisk: boolean

  constructor(root: Root, options?: ImageFolderOptions<X, Y>)
  constructor(...args: readonly unknown[]) {
    const [root, transform, targetTransform, loader, isValidFile] = readFolder(args)
    super(transform, targetTransform)
    const folder = folderOf(root)
    const paths = folder.list()
    const classes = [...new Set(paths.filter((path) => path.includes('/')).map((path) => path.split('/')[0]))].sort(
      byCode,
    )
    if (classes.length === 0) {
      throw new RuntimeError(
        `Couldn't find any class folder in ${folder.name}.`,
        'The pictures of each class go into a folder of their own, named as the class.',
      )
    }
    const isValid = isValidFile ?? isPicture
    const taken = paths.filter((path) => path.includes('/') && !path.endsWith('/') && isValid(path))
    this.classes = classes
    this.classToIdx = Object.fromEntries(classes.map((name, i) => [name, i]))
    this.samples = taken
      .sort((a, b) => byCode(a.split('/')[0], b.split('/')[0]) || byCode(folderPart(a), folderPart(b)) || byCode(a, b))
      .map((path) => [path, this.classToIdx[path.split('/')[0]]] as const)
    const empty = classes.filter((_, label) => !this.samples.some((sample) => sample[1] === label))
    if (empty.length > 0) {
      throw new RuntimeError(
        `Found no valid file for the classes ${empty.join(', ')}. Supported extensions are: ${extensions.join(', ')}`,
        `Looked in ${folder.name}.`,
      )
    }
    this.location = folder.name
    this.#folder = folder
    this.#loader = loader as Loader
    this.#isOnDisk = typeof root === 'string'
  }

  get length(): number {
    return this.samples.length
  }

  /** The files with their labels, by their other name. */
  get imgs(): ImageFolder['samples'] {
    return this.samples
  }

  /** The labels. */
  get targets(): number[] {
    return this.samples.map(([, label]) => label)
  }

  /**
   * Reads and decodes a picture in another thread, for a `DataLoader` with `numWorkers`; undefined for files in memory,
   * with a loader of one's own, in a class that reads otherwise, and in browsers.
   */
  get prefetch(): ((index: number, workers: number) => Promise<() => [X, Y]>) | undefined {
    const isOurs = this.at === ImageFolder.prototype.at && this.raw === ImageFolder.prototype.raw
    if (decodeAhead === undefined || !this.#isOnDisk || !isOurs || this.#loader !== readRgb) return undefined
    return async (index, workers) => {
      const [path, label] = this.samples[this.checked(index)]
      const image = await decodeAhead(this.#folder.where(path), 'RGB', workers)
      return () => this.transformed([image, label])
    }
  }

  /** The path of a picture, for the errors of a `DataLoader`. */
  fileOf(index: number): string {
    return this.#folder.where(this.samples[this.checked(index)][0])
  }

  protected raw(index: number): readonly [Image, number] {
    const [path, label] = this.samples[index]
    const file = this.#folder.where(path)
    const bytes = this.#folder.read(path)
    if (bytes === undefined) throw gone(file)
    return [this.#loader(bytes, file), label]
  }
}

nameClasses({ ImageFolder })
