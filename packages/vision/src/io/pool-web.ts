// Browsers decode pictures in the page: their files are in memory already.
import type { Image } from './image.ts'

export const decodeAhead: ((path: string, mode: 'RGB', workers: number) => Promise<Image>) | undefined = undefined
