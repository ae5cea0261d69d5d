// The shipped parts of MNIST and Fashion-MNIST: data sets of @flambeau/vision whose files come with this package. Each
// file is a module of base64, which is imported only when its data set is asked for.
import type { io } from '@flambeau/vision'
import { FashionMNIST, MNIST, type PartOptions } from '@flambeau/vision/datasets'

/** The text of a file. */
type File = () => Promise<{ readonly default: string }>

/** The files of each data set, by their names in torchvision's layout. */
const files: Readonly<Record<'MNIST' | 'FashionMNIST', Readonly<Record<string, File>>>> = {
  MNIST: {
    'train-images-idx3-ubyte': () => import('./sets/mnist-train-images.gz.ts'),
    'train-labels-idx1-ubyte': () => import('./sets/mnist-train-labels.gz.ts'),
    't10k-images-idx3-ubyte': () => import('./sets/mnist-test-images.gz.ts'),
    't10k-labels-idx1-ubyte': () => import('./sets/mnist-test-labels.gz.ts'),
  },
  FashionMNIST: {
    'train-images-idx3-ubyte': () => import('./sets/fashion-train-images.gz.ts'),
    'train-labels-idx1-ubyte': () => import('./sets/fashion-train-labels.gz.ts'),
    't10k-images-idx3-ubyte': () => import('./sets/fashion-test-images.gz.ts'),
    't10k-labels-idx1-ubyte': () => import('./sets/fashion-test-labels.gz.ts'),
  },
}

const decode = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))

/**
 * The shipped files of `MNIST` or `FashionMNIST` by their paths in torchvision's layout: the `root` of the data set's
 * class. Both parts, or with `train` one of them.
 *
 * @example
 * const root = await filesOf('MNIST', { train: false }) // for new datasets.MNIST(root, { train: false })
 * 'MNIST/raw/t10k-labels-idx1-ubyte.gz' in root // true
 */
export const filesOf = async (
  name: 'MNIST' | 'FashionMNIST',
  { train }: { readonly train?: boolean } = {},
): Promise<Record<string, Uint8Array>> => {
  const wanted = Object.entries(files[name]).filter(
    ([file]) => train === undefined || file.startsWith('train') === train,
  )
  const read = wanted.map(async ([file, load]) => [`${name}/raw/${file}.gz`, decode((await load()).default)] as const)
  return Object.fromEntries(await Promise.all(read))
}

/**
 * Handwritten digits, 28 x 28 pixels: 8,000 for training, or 2,000 for testing with `{ train: false }`. It is a part of
 * MNIST, so published accuracies do not apply. The options and the result are those of `datasets.MNIST`.
 *
 * @example
 * const test = await mnist({ train: false })
 * test.length // 2000
 * test.at(0) // [<Image mode=L size=28x28>, 3]
 */
export const mnist = async <X = io.Image, Y = number>(options: PartOptions<X, Y> = {}): Promise<MNIST<X, Y>> =>
  new MNIST(await filesOf('MNIST', { train: options.train !== false }), options)

/**
 * Zalando's pictures of clothes, 28 x 28 pixels: the first 10,000 for training, or the first 5,000 for testing with
 * `{ train: false }`. The options and the result are those of `datasets.FashionMNIST`.
 *
 * @example
 * const test = await fashionMnist({ train: false })
 * test.classes[test.at(0)[1]] // 'Ankle boot'
 */
export const fashionMnist = async <X = io.Image, Y = number>(
  options: PartOptions<X, Y> = {},
): Promise<FashionMNIST<X, Y>> =>
  new FashionMNIST(await filesOf('FashionMNIST', { train: options.train !== false }), options)
