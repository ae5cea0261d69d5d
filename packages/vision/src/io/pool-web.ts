// Browsers decode pictures in the page: their files are in memory already.
import type { Image, ImageMode } from './image.ts'

export const decodeAhead: ((path: string, mode: ImageMode, workers: number) => Promise<Image>) | undefined = undefined
