// Optimizers and their schedules: PyTorch's torch.optim.
export { Adam, type AdamOptions, AdamW } from './adam.ts'
export { LBFGS, type LBFGSOptions } from './lbfgs.ts'
export * as lrScheduler from './lr-scheduler.ts'
export { Optimizer, type OptimizerState, type ParamGroup, type Params } from './optimizer.ts'
export { RMSprop, type RMSpropOptions } from './rmsprop.ts'
export {
  Adadelta,
  type AdadeltaOptions,
  Adagrad,
  type AdagradOptions,
  Adamax,
  type AdamaxOptions,
  ASGD,
  type ASGDOptions,
  NAdam,
  type NAdamOptions,
  RAdam,
  type RAdamOptions,
  Rprop,
  type RpropOptions,
} from './rules.ts'
export type { StateEntry } from './saved.ts'
export { SGD, type SGDOptions } from './sgd.ts'
export * as swaUtils from './swa.ts'
