// Pictures that lessons draw.
import { utils } from '@flambeau/vision'
import { F, type Tensor } from 'flambeau'

/** How often each class was taken for which: row i, column j counts the samples of class i that were taken for j. */
export interface Confusion {
  readonly classes: readonly string[]
  readonly matrix: readonly (readonly number[])[]
}

/** A picture [channels, height, width] with values from 0 to 1, or a confusion matrix. */
export type Picture = Tensor | Confusion

/**
 * Small pictures [n, channels, height, width] as one, `nrow` in a row, each of their pixels as a square of `size` pixels.
 * The values are scaled to 0 to 1, unless `normalize` is false.
 */
export const grid = (x: Tensor, size: number, options: utils.GridOptions = {}): Tensor =>
  utils.makeGrid(F.interpolate(x.detach(), { scaleFactor: size, mode: 'nearest' }), {
    normalize: true,
    padValue: 1,
    ...options,
  })
