// Layers, losses as modules, and initialisation: PyTorch's torch.nn.
export {
  BCELoss,
  BCEWithLogitsLoss,
  CosineEmbeddingLoss,
  CrossEntropyLoss,
  CTCLoss,
  GaussianNLLLoss,
  HingeEmbeddingLoss,
  HuberLoss,
  KLDivLoss,
  L1Loss,
  MarginRankingLoss,
  MSELoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  NLLLoss,
  PoissonNLLLoss,
  SmoothL1Loss,
  SoftMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
} from '../losses/index.ts'
export {
  LeakyReLU,
  type LeakyReLUOptions,
  LogSoftmax,
  ReLU,
  Sigmoid,
  Softmax,
  Tanh,
} from './activation.ts'
export type { InplaceOption } from './rectified.ts'
export type { BatchNormOptions } from './batch-norm.ts'
export type { InstanceNormOptions, LayerNormOptions, LocalResponseNormOptions } from './group-norm.ts'
export {
  AdaptiveLogSoftmaxWithLoss,
  type AdaptiveLogSoftmaxOptions,
  type ASMOutput,
} from './adaptive-softmax.ts'
export { Bilinear } from './bilinear.ts'
export { type CellOptions, GRUCell, LSTMCell, RNNCell, type RNNCellOptions } from './cells.ts'
export { ModuleDict, type NamedItems, ParameterDict, ParameterList } from './collections.ts'
export { ModuleList, type NamedModules, Sequential } from './container.ts'
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
} from './conv.ts'
export { deepCopy } from './copy.ts'
export {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  type DropoutLayerOptions,
  FeatureAlphaDropout,
} from './dropout.ts'
export { Embedding, EmbeddingBag, type EmbeddingBagOptions, type EmbeddingOptions } from './embedding.ts'
export { Flatten, type FlattenOptions, Unflatten } from './flatten.ts'
export { Fold, Unfold } from './fold.ts'
export { FractionalMaxPool2d, FractionalMaxPool3d } from './fractional-pool.ts'
export { MaxUnpool1d, MaxUnpool2d, MaxUnpool3d } from './unpool.ts'
export * as functional from './functional.ts'
export type { ForwardHook, ForwardPreHook, FullBackwardHook } from './hooks.ts'
export * as init from './init.ts'
export { Identity, type LayerOptions, Linear } from './linear.ts'
export {
  LazyBatchNorm1d,
  LazyBatchNorm2d,
  LazyBatchNorm3d,
  LazyConv1d,
  LazyConv2d,
  LazyConv3d,
  LazyConvTranspose1d,
  LazyConvTranspose2d,
  LazyConvTranspose3d,
  LazyInstanceNorm1d,
  LazyInstanceNorm2d,
  LazyInstanceNorm3d,
  LazyLinear,
} from './lazy.ts'
export { Module } from './module.ts'
export type { To } from './move.ts'
export {
  CELU,
  CosineSimilarity,
  ELU,
  GELU,
  GLU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LogSigmoid,
  Mish,
  PairwiseDistance,
  PReLU,
  type PReLUOptions,
  ReLU6,
  RReLU,
  SELU,
  SiLU,
  Softmax2d,
  Softmin,
  Softplus,
  Softshrink,
  Softsign,
  Tanhshrink,
  Threshold,
} from './nonlinear.ts'
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormLayerOptions,
  GroupNorm,
  type GroupNormLayerOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormLayerOptions,
  LayerNorm,
  type LayerNormLayerOptions,
  LocalResponseNorm,
} from './norm-layers.ts'
export {
  ConstantPad1d,
  ConstantPad2d,
  ConstantPad3d,
  type ConstantPadOptions,
  ReflectionPad1d,
  ReflectionPad2d,
  ReflectionPad3d,
  ReplicationPad1d,
  ReplicationPad2d,
  ReplicationPad3d,
  ZeroPad2d,
} from './padding.ts'
export { UninitializedBuffer, UninitializedParameter } from './uninitialized.ts'
export { Parameter } from './parameter.ts'
export {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool2d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  type AvgPoolNdOptions,
  type AvgPoolOptions,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  type MaxPoolLayerOptions,
} from './pool.ts'
export { RMSNorm, type RMSNormLayerOptions, type RMSNormOptions } from './rms-norm.ts'
export { IncompatibleKeys, StateDict, type StateDictLike } from './state-dict.ts'
export {
  ChannelShuffle,
  PixelShuffle,
  PixelUnshuffle,
  Upsample,
  type UpsampleOptions,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
  type UpsamplingOptions,
} from './upsample.ts'
export * as utils from './utils.ts'
