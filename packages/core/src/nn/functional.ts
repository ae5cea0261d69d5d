// Layers and losses as functions: PyTorch's torch.nn.functional, `F`.
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cosineEmbeddingLoss,
  crossEntropy,
  ctcLoss,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  nllLoss,
  poissonNllLoss,
  smoothL1Loss,
  softMarginLoss,
  tripletMarginLoss,
  tripletMarginWithDistanceLoss,
} from '../losses/index.ts'
export { sigmoid } from '../ops/pointwise/activation.ts'
export {
  celu,
  elu,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  logsigmoid,
  mish,
  prelu,
  relu6,
  rrelu,
  selu,
  silu,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
} from '../ops/pointwise/nonlinear.ts'
export { cosineSimilarity, normalize, pairwiseDistance, pdist } from '../ops/product/distance.ts'
export { tanh } from '../ops/pointwise/elementary.ts'
export {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
} from '../ops/product/conv.ts'
export { bilinear } from '../ops/product/tensordot.ts'
export { linear } from '../ops/product/matmul.ts'
export { fold, unfold } from '../ops/pool/fold.ts'
export { fractionalMaxPool2d, fractionalMaxPool3d } from '../ops/pool/fractional.ts'
export {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  lpPool1d,
  lpPool2d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
} from '../ops/pool/pooling.ts'
export { maxUnpool1d, maxUnpool2d, maxUnpool3d } from '../ops/pool/unpool.ts'
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
} from '../ops/pool/adaptive.ts'
export { pad } from '../ops/views/pad.ts'
export { affineGrid, gridSample } from '../ops/resample/grid-sample.ts'
export { interpolate } from '../ops/resample/interpolate.ts'
export { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/views/shuffle.ts'
export { embedding, embeddingBag } from '../ops/indexing/embedding.ts'
export { oneHot } from '../ops/indexing/select.ts'
export {
  alphaDropout,
  dropout,
  dropout1d,
  dropout2d,
  dropout3d,
  featureAlphaDropout,
} from '../ops/random/dropout.ts'
export { gumbelSoftmax } from '../ops/random/gumbel.ts'
export { logSoftmaxOf as logSoftmax, softmaxOf as softmax, softmin } from '../ops/reduce/softmax.ts'
export { batchNorm } from './batch-norm.ts'
export { groupNorm, instanceNorm, layerNorm, localResponseNorm } from './group-norm.ts'
export { rmsNorm } from './rms-norm.ts'
export { leakyRelu, relu } from './rectified.ts'
