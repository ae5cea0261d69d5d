// The namespace `utils`, like `torch.utils`.
export * as checkpoint from './checkpoint.ts'
