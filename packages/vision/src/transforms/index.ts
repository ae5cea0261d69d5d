// Transforms of images, by torchvision's names: re-exports only.
export {}
