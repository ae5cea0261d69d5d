// Transforms without chance, as modules: each calls its function of `functional`.
import { type DType, nn, signatures, type Tensor, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import type { AnyImage, ImageMode } from '../io/image.ts'
import { rgbToGrayscale } from './color.ts'
import { convertImageDtype, normalize, pilToTensor, toPilImage, toTensor } from './convert.ts'
import { centerCrop, checkPadding, pad, type PaddingMode } from './crop.ts'
import { numbers, type Picture, python, pythonFloats, sizeOf, tensorPicture, wholes } from './images.ts'
import { type Interpolation, resize, type ResizeOptions, resizeParameters } from './resize.ts'

const { bool, constructing, dtype, finite, int, nullable, optional, required, str, tensor } = signatures

/**
 * An image as a float32 tensor [channels, height, width] of values from 0 to 1.
 *
 * @example
 * new ToTensor().forward(new io.Image(2, 1, 'L', Uint8Array.of(0, 255))) // tensor([[[0., 1.]]])
 */
export class ToTensor extends nn.Module {
  override forward(pic: AnyImage): Tensor {
    return toTensor(pic)
  }
}

/**
 * An image as a uint8 tensor [channels, height, width].
 *
 * @example
 * new PILToTensor().forward(new io.Image(1, 1, 'RGB')).shape // [3, 1, 1]
 */
export class PILToTensor extends nn.Module {
  override forward(pic: AnyImage): Tensor {
    return pilToTensor(pic)
  }
}

const readToPil = constructing('ToPILImage', optional('mode', nullable(str), null))
/**
 * A tensor [channels, height, width] or [height, width] as an image: uint8 as it is, floats times 255.
 *
 * @example
 * new ToPILImage().forward(ones(3, 2, 4)) // <Image mode=RGB size=4x2>
 */
export class ToPILImage extends nn.Module {
  readonly mode: ImageMode | null

  constructor(mode?: ImageMode | null | { readonly mode?: ImageMode | null }) {
    super()
    this.mode = readToPil([mode])[0] as ImageMode | null
  }

  override forward(pic: Tensor): AnyImage {
    return toPilImage(pic, this.mode)
  }

  override extraRepr(): string {
    return this.mode === null ? '' : `mode=${this.mode}`
  }
}

const readDtype = constructing('ConvertImageDtype', required('dtype', dtype))
/**
 * A picture in another dtype, with its values scaled: 255 of uint8 is 1 of floats.
 *
 * @example
 * new ConvertImageDtype('float32').forward(tensor([0, 255], { dtype: 'uint8' })) // tensor([0., 1.])
 */
export class ConvertImageDtype extends nn.Module {
  readonly dtype: DType

  constructor(dtype: DType) {
    super()
    this.dtype = readDtype([dtype])[0]
  }

  override forward(image: Tensor): Tensor {
    return convertImageDtype(image, this.dtype)
  }
}

const readNormalize = constructing(
  'Normalize',
  required('mean', numbers),
  required('std', numbers),
  optional('inplace', bool, false),
)
/**
 * A float picture [..., channels, height, width], less the mean and divided by the standard deviation of each channel, or
 * those of all.
 *
 * @example
 * new Normalize([0.5], [0.25]).forward(ones(1, 1, 1)) // tensor([[[2.]]])
 */
export class Normalize extends nn.Module {
  readonly mean: number | readonly number[]
  readonly std: number | readonly number[]
  readonly inplace: boolean

  constructor(
    mean: number | readonly number[],
    std: number | readonly number[],
    inplace?: boolean | { readonly inplace?: boolean },
  ) {
    super()
    const [means, deviations, isInplace] = readNormalize([mean, std, inplace])
    this.mean = means
    this.std = deviations
    this.inplace = isInplace
  }

  override forward(tensor: Tensor): Tensor {
    return normalize(tensor, this.mean, this.std, this.inplace)
  }

  override extraRepr(): string {
    return `mean=${python(this.mean)}, std=${python(this.std)}`
  }
}

const readCenter = constructing('CenterCrop', required('size', wholes))
export const sizeMessage = 'Please provide only two dimensions (h, w) for size.'
/**
 * The middle of a picture, of a size or of [height, width]. A picture that is smaller gets a border of 0.
 *
 * @example
 * new CenterCrop(2).forward(ones(3, 4, 6)).shape // [3, 2, 2]
 */
export class CenterCrop extends nn.Module {
  readonly size: readonly [height: number, width: number]

  constructor(size: number | readonly number[]) {
    super()
    this.size = sizeOf(readCenter([size])[0], sizeMessage)
  }

  override forward<P extends Picture>(img: P): P {
    return centerCrop(img, this.size)
  }

  override extraRepr(): string {
    return `size=${python(this.size)}`
  }
}

const readResize = constructing('Resize', ...resizeParameters)
/**
 * A picture in another size: [height, width], or the length of its shorter side.
 *
 * Throws a ValueError for another number of sizes.
 *
 * @example
 * new Resize(2).forward(ones(3, 4, 8)).shape // [3, 2, 4]
 */
export class Resize extends nn.Module {
  readonly size: number | readonly number[]
  readonly interpolation: Interpolation
  readonly maxSize: number | null
  readonly antialias: boolean | null

  constructor(size: number | readonly number[], options?: ResizeOptions) {
    super()
    const [wanted, interpolation, maxSize, antialias] = readResize([size, options])
    if (typeof wanted !== 'number' && wanted.length !== 1 && wanted.length !== 2)
      throw new ValueError('If size is a sequence, it should have 1 or 2 values')
    this.size = wanted
    this.interpolation = interpolation
    this.maxSize = maxSize
    this.antialias = antialias
  }

  override forward<P extends Picture>(img: P): P {
    const { size, interpolation, maxSize, antialias } = this
    return resize(img, size, { interpolation, maxSize, antialias })
  }

  override extraRepr(): string {
    const { size, interpolation, maxSize, antialias } = this
    return `size=${python(size)}, interpolation=${interpolation}, max_size=${python(maxSize)}, antialias=${python(antialias)}`
  }
}

const readPad = constructing(
  'Pad',
  required('padding', wholes),
  optional('fill', finite, 0),
  optional('paddingMode', str, 'constant'),
)
/**
 * A picture with a border: `padding` pixels on all sides, [left and right, top and bottom], or [left, top, right,
 * bottom].
 *
 * @example
 * new Pad(1, { fill: 9 }).forward(ones(1, 1, 1)).shape // [1, 3, 3]
 */
export class Pad extends nn.Module {
  readonly padding: number | readonly number[]
  readonly fill: number
  readonly paddingMode: PaddingMode

  constructor(
    padding: number | readonly number[],
    fill?: number | { readonly fill?: number; readonly paddingMode?: PaddingMode },
    paddingMode?: PaddingMode,
  ) {
    super()
    const [sides, value, mode] = readPad([padding, fill, paddingMode])
    checkPadding(sides, mode)
    this.padding = sides
    this.fill = value
    this.paddingMode = mode
  }

  override forward<P extends Picture>(img: P): P {
    return pad(img, this.padding, this.fill, this.paddingMode)
  }

  override extraRepr(): string {
    return `padding=${python(this.padding)}, fill=${this.fill}, padding_mode=${this.paddingMode}`
  }
}

const readGrey = constructing('Grayscale', optional('numOutputChannels', int, 1))
/**
 * A picture in grey, with 1 or 3 equal channels.
 *
 * @example
 * new Grayscale().forward(ones(3, 2, 2)).shape // [1, 2, 2]
 */
export class Grayscale extends nn.Module {
  readonly numOutputChannels: number

  constructor(numOutputChannels?: number | { readonly numOutputChannels?: number }) {
    super()
    this.numOutputChannels = readGrey([numOutputChannels])[0]
  }

  override forward<P extends Picture>(img: P): P {
    return rgbToGrayscale(img, this.numOutputChannels)
  }

  override extraRepr(): string {
    return `num_output_channels=${this.numOutputChannels}`
  }
}

const readLinear = constructing(
  'LinearTransformation',
  required('transformationMatrix', tensor),
  required('meanVector', tensor),
)
/**
 * A tensor [..., channels, height, width] flattened, less `meanVector` [d], times `transformationMatrix` [d, d], in its old
 * shape, where d is channels x height x width; for whitening.
 *
 * Throws a ValueError for a matrix that is not square and for another length of the vector, and `forward` for pictures of
 * another size.
 *
 * @example
 * new LinearTransformation(eye(2).mul(3), ones(2)).forward(tensor([[[1, 2]]])) // tensor([[[0., 3.]]])
 */
export class LinearTransformation extends nn.Module {
  readonly transformationMatrix: Tensor
  readonly meanVector: Tensor

  constructor(transformationMatrix: Tensor, meanVector: Tensor) {
    super()
    const [matrix, mean] = readLinear([transformationMatrix, meanVector])
    const sizes = python(matrix.shape)
    if (matrix.dim() !== 2 || matrix.shape[0] !== matrix.shape[1])
      throw new ValueError(`transformation_matrix should be square. Got ${sizes} rectangular matrix.`)
    if (mean.dim() !== 1 || mean.shape[0] !== matrix.shape[0]) {
      throw new ValueError(
        `mean_vector should have the same length ${mean.length} as any one of the dimensions of the transformation_matrix [${sizes}]`,
      )
    }
    this.transformationMatrix = matrix
    this.meanVector = mean
  }

  override forward(tensor: Tensor): Tensor {
    const sizes = tensorPicture.accepts(tensor) ? tensor.shape.slice(-3) : []
    const wanted = this.meanVector.shape[0]
    const count = sizes.reduce((a, b) => a * b, 1)
    if (sizes.length < 3 || count !== wanted) {
      throw new ValueError(
        `Input tensor and transformation matrix have incompatible shape.[${sizes.join(' x ')}] != ${wanted}`,
      )
    }
    return tensor.reshape([-1, count]).sub(this.meanVector).matmul(this.transformationMatrix).reshape(tensor.shape)
  }

  override extraRepr(): string {
    const rows = this.transformationMatrix.tolist() as number[][]
    return `transformation_matrix=[${rows.map((row) => pythonFloats(row)).join(', ')}], mean_vector=${pythonFloats(this.meanVector.tolist() as number[])}`
  }
}

nameClasses({
  LinearTransformation,
  ToTensor,
  PILToTensor,
  ToPILImage,
  ConvertImageDtype,
  Normalize,
  CenterCrop,
  Resize,
  Pad,
  Grayscale,
})
