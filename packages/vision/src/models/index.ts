// The models by torchvision's names: re-exports only.
export {}
