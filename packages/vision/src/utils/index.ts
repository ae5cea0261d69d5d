// Grids of images and files of them: re-exports only.
export {}
