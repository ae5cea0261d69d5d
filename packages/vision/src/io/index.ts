// torchvision.io: pictures in files and in memory. `Image` is what PIL's images are in Python.
export { encodeJpeg, encodePng } from './encode.ts'
export { decodeIdx } from './idx.ts'
export { type AnyImage, type ByteMode, Image, type ImageMode, type PixelsOf, type PlainMode } from './image.ts'
export {
  type DecodeOptions,
  decodeImage,
  imageFrom,
  openImage,
  type ReadOptions,
  readImage,
  writeJpeg,
  writePng,
} from './read.ts'
