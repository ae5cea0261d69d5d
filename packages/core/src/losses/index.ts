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
export { L1Loss, l1Loss } from './l1.ts'
export { MSELoss, mseLoss } from './mse.ts'
export type { Reduction, ReductionOption } from './reduction.ts'
