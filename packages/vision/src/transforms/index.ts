// torchvision.transforms: modules whose `forward` takes an `Image` or a tensor [..., channels, height, width].
export {
  AugMix,
  type AugMixOptions,
  type AugmentOptions,
  AutoAugment,
  AutoAugmentPolicy,
  RandAugment,
  type RandAugmentOptions,
  TrivialAugmentWide,
} from './auto-augment.ts'
export {
  CenterCrop,
  ConvertImageDtype,
  Grayscale,
  LinearTransformation,
  Normalize,
  Pad,
  PILToTensor,
  Resize,
  ToPILImage,
  ToTensor,
} from './classes.ts'
export { Compose, Lambda, RandomApply, RandomChoice, RandomOrder } from './compose.ts'
export { FiveCrop, TenCrop } from './corners.ts'
export type { PaddingMode } from './crop.ts'
export * as functional from './functional.ts'
export type { Picture } from './images.ts'
export {
  RandomAffine,
  type RandomAffineOptions,
  RandomResizedCrop,
  type RandomResizedCropOptions,
  RandomRotation,
} from './random-geometry.ts'
export { type Interpolation, InterpolationMode, type ResizeOptions } from './resize.ts'
export {
  ColorJitter,
  type ColorJitterOptions,
  GaussianBlur,
  RandomCrop,
  type RandomCropOptions,
  RandomErasing,
  type RandomErasingOptions,
  RandomGrayscale,
  RandomHorizontalFlip,
  RandomVerticalFlip,
} from './random.ts'
export {
  RandomAdjustSharpness,
  RandomAutocontrast,
  RandomEqualize,
  RandomInvert,
  RandomPosterize,
  RandomSolarize,
} from './tones.ts'
export {
  type Corners,
  ElasticTransform,
  type ElasticTransformOptions,
  RandomPerspective,
  type RandomPerspectiveOptions,
  type WarpOptions,
} from './warps.ts'
