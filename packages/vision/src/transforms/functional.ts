// torchvision.transforms.functional: transforms of one picture with given parameters. Pictures are images, or tensors
// [..., channels, height, width] with values from 0 to 1 (floats) or 0 to 255 (uint8).
export {
  adjustBrightness,
  adjustContrast,
  adjustGamma,
  adjustHue,
  adjustSaturation,
  invert,
  rgbToGrayscale,
  toGrayscale,
} from './color.ts'
export { convertImageDtype, normalize, pilToTensor, toPilImage, toTensor } from './convert.ts'
export { affine, type MapOptions, rotate, type RotateOptions } from './geometry.ts'
export { resize, resizedCrop, type ResizeOptions } from './resize.ts'
export { fiveCrop, getDimensions, getImageNumChannels, getImageSize, tenCrop } from './corners.ts'
export { adjustSharpness, autocontrast, equalize, posterize, solarize } from './tones.ts'
export { gaussianBlur } from './blur.ts'
export { centerCrop, crop, erase, hflip, pad, type PaddingMode, vflip } from './crop.ts'
export { type Corners, elasticTransform, perspective, type WarpOptions } from './warps.ts'
