// PyTorch's torch.linalg. Decompositions are missing.
export * from './norms.ts'
export * from './products.ts'
