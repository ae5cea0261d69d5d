// Gaussian blur: a convolution of each channel with a kernel whose weights sum to 1.
import { conv2d, RuntimeError, signatures, tensor as tensorOf, ValueError } from '@flambeau/core'
import { pad } from './crop.ts'
import { floats, imageOrTensor, numbers, onValues, type Picture, wholes } from './images.ts'

const { nullable, optional, required, signature } = signatures
const readBlur = signature(
  'gaussian_blur',
  required('img', imageOrTensor),
  required('kernelSize', wholes),
  optional('sigma', nullable(numbers), null),
)

/** The weights along one dimension. */
const weights = (size: number, sigma: number): number[] => {
  const half = (size - 1) / 2
  const density = Array.from({ length: size }, (_, i) => Math.fround(Math.exp(-0.5 * ((i - half) / sigma) ** 2)))
  const sum = density.reduce((a, b) => a + b, 0)
  return density.map((d) => Math.fround(d / sum))
}

/**
 * A picture blurred by a Gaussian kernel of odd size: one number, or [width, height]. `sigma`, one number or [x, y], is
 * 0.15 times the size plus 0.35 by default. The border is a mirror image.
 *
 * Throws a ValueError for a kernel that is not odd and positive, and for a sigma that is not positive.
 *
 * @example
 * gaussianBlur(ones(1, 3, 3), 3).shape // [1, 3, 3]
 */
export function gaussianBlur<P extends Picture>(
  img: P,
  kernelSize: number | readonly number[],
  sigma: number | readonly number[] | null = null,
): P {
  const [picture, size, deviation] = readBlur([img, kernelSize, sigma])
  const sizes = typeof size === 'number' ? [size, size] : [...size]
  if (sizes.length !== 2)
    throw new ValueError(`If kernel_size is a sequence its length should be 2. Got ${sizes.length}`)
  if (sizes.some((k) => k % 2 === 0 || k < 0))
    throw new ValueError(`kernel_size should have odd and positive integers. Got [${sizes.join(', ')}]`)
  const given = deviation ?? sizes.map((k) => k * 0.15 + 0.35)
  const sigmas = typeof given === 'number' ? [given, given] : given.length === 1 ? [given[0], given[0]] : [...given]
  if (sigmas.length !== 2) throw new ValueError(`If sigma is a sequence, its length should be 2. Got ${sigmas.length}`)
  if (!sigmas.every((s) => s > 0)) throw new ValueError(`sigma should have positive values. Got [${sigmas.join(', ')}]`)
  const [wide, high] = sizes
  return onValues(
    picture as P,
    (x) => {
      if (x.dim() < 3) throw new RuntimeError('gaussian_blur expects a picture [..., channels, height, width]')
      const { shape } = x
      const [channels, height, width] = shape.slice(-3)
      const values = floats(x)
      // First, because it refuses a kernel that is larger than the picture.
      const bordered = pad(values, [(wide - 1) / 2, (high - 1) / 2], { paddingMode: 'reflect' })
      const options = { dtype: values.dtype, device: x.device }
      const across = tensorOf(weights(wide, sigmas[0]), options).reshape([1, 1, 1, wide])
      const down = tensorOf(weights(high, sigmas[1]), options).reshape([1, 1, high, 1])
      const kernel = down.mul(across).expand([channels, 1, high, wide])
      const batch = bordered.reshape([-1, ...bordered.shape.slice(-3)])
      const blurred = conv2d(batch, kernel, { groups: channels }).reshape([
        ...shape.slice(0, -3),
        channels,
        height,
        width,
      ])
      return x.dtype === values.dtype ? blurred : blurred.round().to(x.dtype)
    },
    ['1', 'P'],
  )
}
