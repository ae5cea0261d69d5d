// The losses as functions and as modules.
export {
  BCELoss,
  BCEWithLogitsLoss,
  binaryCrossEntropy,
  type BinaryCrossEntropyOptions,
  binaryCrossEntropyWithLogits,
  type BinaryCrossEntropyWithLogitsOptions,
} from './binary-cross-entropy.ts'
export {
  CrossEntropyLoss,
  crossEntropy,
  type CrossEntropyOptions,
  NLLLoss,
  nllLoss,
  type NllLossOptions,
} from './cross-entropy.ts'
export { CTCLoss, ctcLoss, type CTCLossOptions } from './ctc.ts'
export {
  HuberLoss,
  huberLoss,
  type HuberLossOptions,
  SmoothL1Loss,
  smoothL1Loss,
  type SmoothL1LossOptions,
} from './huber.ts'
export { L1Loss, l1Loss } from './l1.ts'
export {
  GaussianNLLLoss,
  gaussianNllLoss,
  type GaussianNllLossOptions,
  KLDivLoss,
  klDiv,
  type KlDivOptions,
  type KlDivReduction,
  PoissonNLLLoss,
  poissonNllLoss,
  type PoissonNllLossOptions,
} from './likelihood.ts'
export {
  CosineEmbeddingLoss,
  cosineEmbeddingLoss,
  HingeEmbeddingLoss,
  hingeEmbeddingLoss,
  type MarginOptions,
  MarginRankingLoss,
  marginRankingLoss,
  SoftMarginLoss,
  softMarginLoss,
} from './margin.ts'
export { MSELoss, mseLoss } from './mse.ts'
export {
  MultiLabelMarginLoss,
  multilabelMarginLoss,
  MultiLabelSoftMarginLoss,
  multilabelSoftMarginLoss,
  type MultilabelSoftMarginLossOptions,
  MultiMarginLoss,
  multiMarginLoss,
  type MultiMarginLossOptions,
} from './multi-margin.ts'
export type { Reduction, ReductionOption } from './reduction.ts'
export {
  type Distance,
  TripletMarginLoss,
  tripletMarginLoss,
  type TripletMarginLossOptions,
  TripletMarginWithDistanceLoss,
  tripletMarginWithDistanceLoss,
  type TripletMarginWithDistanceLossOptions,
} from './triplet.ts'
