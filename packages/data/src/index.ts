// The public API of @flambeau/data: re-exports only. None of it loads arquero, unlike @flambeau/data/frame.
export { type Batch, type Converted, defaultCollate, defaultConvert } from './collate.ts'
export {
  ChainDataset,
  ConcatDataset,
  Dataset,
  type DatasetHooks,
  IterableDataset,
  randomSplit,
  type Samples,
  Subset,
  TensorDataset,
} from './dataset.ts'
export { loadBoston } from './datasets/boston.ts'
export { loadBreastCancer } from './datasets/breast-cancer.ts'
export type { Bunch } from './datasets/bunch.ts'
export { loadDigits } from './datasets/digits.ts'
export { loadIris } from './datasets/iris.ts'
export { toTensor } from './frame/convert.ts'
export { formatFrame, printFrame } from './frame/format.ts'
export type { Column, Columns, Frame } from './frame/frame.ts'
export { DataLoader } from './loader.ts'
export type { DataLoaderOptions, SampleOptions } from './loader-options.ts'
export {
  type Average,
  accuracyScore,
  type ConfusionOptions,
  confusionMatrix,
  f1Score,
  precisionScore,
  recallScore,
  type Score,
  type ScoreOptions,
} from './metrics.ts'
export type { Label, Labels, Scores } from './metrics-inputs.ts'
export { type RocAucOptions, rocAucScore, type TopKOptions, topKAccuracyScore } from './metrics-scores.ts'
export type { LoaderState, PassState } from './pass.ts'
export {
  BatchSampler,
  RandomSampler,
  type RandomSamplerOptions,
  Sampler,
  type SamplerOptions,
  SequentialSampler,
  StratifiedBatchSampler,
  type StratifiedBatchSamplerOptions,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type WeightedRandomSamplerOptions,
} from './samplers.ts'
export { type Matrix, type Scalable, StandardScaler, type StandardScalerOptions } from './scaler.ts'
export { getWorkerInfo, type WorkerInfo } from './worker-info.ts'
