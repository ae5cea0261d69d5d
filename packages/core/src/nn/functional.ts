// Layers and losses as functions: PyTorch's torch.nn.functional, `F`.
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  crossEntropy,
  l1Loss,
  mseLoss,
  nllLoss,
} from '../losses/index.ts'
export { leakyRelu, relu, sigmoid, tanh } from '../ops/elementwise.ts'
export { linear } from '../ops/matmul.ts'
export { pad } from '../ops/pad.ts'
export { oneHot } from '../ops/picks.ts'
export { dropout } from '../ops/bernoulli.ts'
export { logSoftmax, softmax } from '../ops/softmax.ts'
export { batchNorm } from './batch-norm.ts'
