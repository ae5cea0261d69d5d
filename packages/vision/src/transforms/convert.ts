// Between images and tensors, between dtypes, and normalisation.
import {
  type DType,
  noGrad,
  RuntimeError,
  signatures,
  type Tensor,
  tensor as tensorOf,
  TypeError,
  ValueError,
} from '@flambeau/core'
import { type AnyImage, Image, type ImageMode } from '../io/image.ts'
import { imageOf, pixelsOf } from '../io/pixels.ts'
import { imagePicture, isFloat, numbers, tensorPicture } from './images.ts'

const { bool, dtype, nullable, optional, required, signature, str, tensor } = signatures

const readToTensor = signature('to_tensor', required('pic', imagePicture))
const scale = Float32Array.from({ length: 256 }, (_, v) => v / 255)

/**
 * An image as a float32 tensor [channels, height, width] of values from 0 to 1; in mode I an int32 tensor of its values.
 *
 * @example
 * toTensor(new io.Image(2, 1, 'L', Uint8Array.of(0, 255))) // tensor([[[0., 1.]]])
 */
export function toTensor(pic: AnyImage): Tensor {
  const [image] = readToTensor([pic])
  const { data, channels, width, height } = image
  if (image.mode === 'I') return pixelsOf(image)
  const values = new Float32Array(data.length)
  for (let c = 0, to = 0; c < channels; c++)
    for (let i = c; i < data.length; i += channels) values[to++] = scale[data[i]]
  return tensorOf(values).reshape([channels, height, width])
}

const readPilToTensor = signature('pil_to_tensor', required('pic', imagePicture))
/**
 * An image as a uint8 tensor [channels, height, width]; an int32 one in mode I, and a bool one in mode 1.
 *
 * @example
 * pilToTensor(new io.Image(2, 1, 'L', Uint8Array.of(0, 255))) // tensor([[[  0, 255]]], dtype=torch.uint8)
 */
export function pilToTensor(pic: AnyImage): Tensor {
  const [image] = readPilToTensor([pic])
  return image.mode === '1' ? pixelsOf(image).ne(0) : pixelsOf(image)
}

const readToPil = signature('to_pil_image', required('pic', tensor), optional('mode', nullable(str), null))
const modes: Readonly<Record<number, ImageMode>> = { 1: 'L', 2: 'LA', 3: 'RGB', 4: 'RGBA' }

/**
 * A tensor [channels, height, width] or [height, width] as an image: uint8 as it is, floats times 255, int32 in mode I.
 *
 * Throws a ValueError for other shapes and for a mode that does not fit, and a TypeError for other dtypes.
 *
 * @example
 * toPilImage(ones(3, 2, 4)).size // [4, 2]
 */
export function toPilImage<M extends ImageMode>(pic: Tensor, mode: M): Image<M>
export function toPilImage(pic: Tensor, mode?: ImageMode | null): AnyImage
export function toPilImage(pic: Tensor, mode?: ImageMode | null): AnyImage {
  const [x, wanted] = readToPil([pic, mode])
  if (x.dim() !== 2 && x.dim() !== 3) throw new ValueError(`pic should be 2/3 dimensional. Got ${x.dim()} dimensions.`)
  const pixels = x.dim() === 2 ? x.unsqueeze(0) : x
  const channels = pixels.shape[0]
  if (channels > 4) throw new ValueError(`pic should not have > 4 channels. Got ${channels} channels.`)
  const isInt = x.dtype === 'int32' && channels === 1
  if (!isFloat(x.dtype) && x.dtype !== 'uint8' && !isInt) throw new TypeError(`Input type ${x.dtype} is not supported`)
  const fitting = isInt ? 'I' : modes[channels]
  if (wanted !== null && wanted !== fitting) {
    throw new ValueError(
      channels === 1
        ? `Incorrect mode (${wanted}) supplied for input type ${x.dtype}. Should be ${fitting}`
        : `Only modes ['${fitting}'] are supported for ${channels}D inputs`,
    )
  }
  if (isInt) return new Image(pixels.shape[2], pixels.shape[1], 'I', pixels.toArray() as Int32Array)
  return imageOf(noGrad(() => (isFloat(x.dtype) ? pixels.mul(255).to('uint8') : pixels)))
}

const readConvert = signature(
  'convert_image_dtype',
  required('image', tensorPicture),
  optional('dtype', dtype, 'float32'),
)
const most: Readonly<Record<Tensor['dtype'], number>> = {
  bool: 1,
  uint8: 255,
  int32: 2 ** 31 - 1,
  float32: 1,
  float64: 1,
}

/**
 * A picture in another dtype, with its values scaled: 255 of uint8 is 1 of floats.
 *
 * Throws a RuntimeError from float32 to int32, which cannot hold the values exactly.
 *
 * @example
 * convertImageDtype(tensor([0, 255], { dtype: 'uint8' })) // tensor([0., 1.])
 */
export function convertImageDtype(image: Tensor, dtype: DType = 'float32'): Tensor {
  const [x, to] = readConvert([image, dtype])
  const from = x.dtype
  if (from === to) return x
  if (isFloat(from)) {
    if (isFloat(to)) return x.to(to)
    if (from === 'float32' && to === 'int32')
      throw new RuntimeError(`The cast from torch.${from} to torch.${to} cannot be performed safely.`)
    // Spreads the values over the integers evenly: times 255, only 1.0 itself would become 255.
    return x.mul(most[to] + 1 - 1e-3).to(to)
  }
  if (isFloat(to)) return x.to(to).div(most[from])
  if (most[from] > most[to]) return x.div((most[from] + 1) / (most[to] + 1), { roundingMode: 'floor' }).to(to)
  return x.to(to).mul((most[to] + 1) / (most[from] + 1))
}

const readNormalize = signature(
  'normalize',
  required('tensor', tensorPicture),
  required('mean', numbers),
  required('std', numbers),
  optional('inplace', bool, false),
)

/**
 * A float picture [..., channels, height, width], less the mean and divided by the standard deviation of each channel, or
 * those of all.
 *
 * Throws a TypeError for another dtype, a ValueError for fewer than three dimensions and for a deviation of zero, and a
 * RuntimeError for means or deviations of another number of channels.
 *
 * @example
 * normalize(ones(1, 2, 2), [0.5], [0.5]) // tensor([[[1., 1.],
 * //          [1., 1.]]])
 */
export function normalize(
  tensor: Tensor,
  mean: number | readonly number[],
  std: number | readonly number[],
  inplace: boolean | { readonly inplace?: boolean } = false,
): Tensor {
  const [x, means, deviations, isInplace] = readNormalize([tensor, mean, std, inplace])
  if (!isFloat(x.dtype)) {
    throw new TypeError(
      `Input tensor should be a float tensor. Got torch.${x.dtype}.`,
      'Use ToTensor or ConvertImageDtype before.',
    )
  }
  if (x.dim() < 3) {
    throw new ValueError(
      `Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = torch.Size([${x.shape.join(', ')}])`,
    )
  }
  const as = (values: number | readonly number[]) =>
    tensorOf([values].flat(), { dtype: x.dtype, device: x.device }).reshape([-1, 1, 1])
  if ([deviations].flat().some((s) => (x.dtype === 'float32' ? Math.fround(s) : s) === 0)) {
    throw new ValueError(
      `std evaluated to zero after conversion to torch.${x.dtype}, leading to division by zero.`,
      `The deviations are ${[deviations].flat().join(', ')}.`,
    )
  }
  // Written in place, so that several means do not make several channels of one.
  return (isInplace ? x : x.clone()).sub_(as(means)).div_(as(deviations))
}
