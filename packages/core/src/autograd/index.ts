// The namespace `autograd`, like `torch.autograd`.
export { detectAnomaly, isAnomalyEnabled, setDetectAnomaly } from './anomaly.ts'
export {
  enableGrad,
  inferenceMode,
  isGradEnabled,
  noGrad,
  setGradEnabled,
} from '../tensor/mode.ts'
export * as forwardAd from './forward-ad.ts'
export { Variable } from '../ops/create/anew.ts'
export * as functional from './functional.ts'
export { AutogradFunction as Function, FunctionCtx } from './function.ts'
export { type BackwardOptions, backward, type GradOptions, grad } from './grad.ts'
export * as graph from './saved.ts'
export { GradcheckError } from '../base/errors.ts'
export { type GradcheckOptions, gradcheck, gradgradcheck } from './gradcheck.ts'
export type { RemovableHandle } from './hooks.ts'
