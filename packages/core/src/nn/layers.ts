// The layers of flambeau by what is known of their `forward`: that of those in most networks keeps nothing of what it is
// given or makes, and shows it to nobody: what one of them hands to the next, no program sees. And each takes so many
// arguments; what contains a Sequential says so itself.
import { BCELoss, BCEWithLogitsLoss } from '../losses/binary-cross-entropy.ts'
import { CrossEntropyLoss, NLLLoss } from '../losses/cross-entropy.ts'
import { CTCLoss } from '../losses/ctc.ts'
import { HuberLoss, SmoothL1Loss } from '../losses/huber.ts'
import { L1Loss } from '../losses/l1.ts'
import { GaussianNLLLoss, KLDivLoss, PoissonNLLLoss } from '../losses/likelihood.ts'
import { CosineEmbeddingLoss, HingeEmbeddingLoss, MarginRankingLoss, SoftMarginLoss } from '../losses/margin.ts'
import { MSELoss } from '../losses/mse.ts'
import { MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss } from '../losses/multi-margin.ts'
import { TripletMarginLoss, TripletMarginWithDistanceLoss } from '../losses/triplet.ts'
import { LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh } from './activation.ts'
import { Bilinear } from './bilinear.ts'
import { GRUCell, LSTMCell, RNNCell } from './cells.ts'
import { PlainConvolution, TransposedConvolution } from './conv.ts'
import { AlphaDropout, Dropout, Dropout1d, Dropout2d, Dropout3d, FeatureAlphaDropout } from './dropout.ts'
import { Embedding, EmbeddingBag } from './embedding.ts'
import { Flatten, Unflatten } from './flatten.ts'
import { Fold, Unfold } from './fold.ts'
import { type Forward, takeNoMore } from './forward.ts'
import { FractionalMaxPool2d, FractionalMaxPool3d } from './fractional-pool.ts'
import {
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
import { Identity, Linear } from './linear.ts'
import {
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
import { BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm } from './norm-layers.ts'
import { ConstantPad, ReflectionPad, ReplicationPad, ZeroPad2d } from './padding.ts'
import {
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
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
} from './pool.ts'
import { RMSNorm } from './rms-norm.ts'
import { MaxUnpooling } from './unpool.ts'
import { ChannelShuffle, PixelShuffle, PixelUnshuffle, Upsample } from './upsample.ts'

const quiet = [
  Linear,
  PlainConvolution,
  TransposedConvolution,
  BatchNorm,
  GroupNorm,
  LayerNorm,
  LocalResponseNorm,
  ReLU,
  LeakyReLU,
  ELU,
  GELU,
  SiLU,
  Sigmoid,
  Tanh,
  MaxPool1d,
  MaxPool2d,
  MaxPool3d,
  AvgPool2d,
  AdaptiveAvgPool2d,
  Dropout,
  Dropout2d,
  Upsample,
  Flatten,
  Identity,
]
const forwards = new Set<unknown>(quiet.map(({ prototype }) => prototype.forward))

/** Whether a method of a module is that of such a layer: neither a subclass nor hooks nor a program have replaced it. */
export const isOfLayer = ({ own }: Forward): boolean => forwards.has(own)

takeNoMore(quiet)
takeNoMore([
  BCELoss,
  BCEWithLogitsLoss,
  CrossEntropyLoss,
  NLLLoss,
  CTCLoss,
  HuberLoss,
  SmoothL1Loss,
  L1Loss,
  GaussianNLLLoss,
  KLDivLoss,
  PoissonNLLLoss,
  CosineEmbeddingLoss,
  HingeEmbeddingLoss,
  MarginRankingLoss,
  SoftMarginLoss,
  MSELoss,
  MultiLabelMarginLoss,
  MultiLabelSoftMarginLoss,
  MultiMarginLoss,
  TripletMarginLoss,
  TripletMarginWithDistanceLoss,
  LogSoftmax,
  Softmax,
  Bilinear,
  AlphaDropout,
  Dropout1d,
  Dropout3d,
  FeatureAlphaDropout,
  Embedding,
  Unflatten,
  Fold,
  Unfold,
  FractionalMaxPool2d,
  FractionalMaxPool3d,
  LazyBatchNorm1d,
  LazyBatchNorm2d,
  LazyBatchNorm3d,
  LazyConv1d,
  LazyConv2d,
  LazyConv3d,
  LazyInstanceNorm1d,
  LazyInstanceNorm2d,
  LazyInstanceNorm3d,
  LazyLinear,
  CELU,
  CosineSimilarity,
  GLU,
  Hardshrink,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LogSigmoid,
  Mish,
  PairwiseDistance,
  PReLU,
  ReLU6,
  RReLU,
  SELU,
  Softmax2d,
  Softmin,
  Softplus,
  Softshrink,
  Softsign,
  Tanhshrink,
  Threshold,
  InstanceNorm,
  ConstantPad,
  ReflectionPad,
  ReplicationPad,
  ZeroPad2d,
  AdaptiveAvgPool1d,
  AdaptiveAvgPool3d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AdaptiveMaxPool3d,
  AvgPool1d,
  AvgPool3d,
  LPPool1d,
  LPPool2d,
  RMSNorm,
  ChannelShuffle,
  PixelShuffle,
  PixelUnshuffle,
])
// These read their arguments themselves.
const ofTwo = [
  TransposedConvolution,
  LazyConvTranspose1d,
  LazyConvTranspose2d,
  LazyConvTranspose3d,
  GRUCell,
  LSTMCell,
  RNNCell,
]
takeNoMore(ofTwo, [1, 2])
takeNoMore([EmbeddingBag], [1, 3])
takeNoMore([MaxUnpooling], [2, 3])
