// torchvision.utils: grids of pictures.
export { type GridOptions, makeGrid, saveImage } from './grid.ts'
