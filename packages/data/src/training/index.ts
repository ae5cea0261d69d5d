// Training help, to stand beside a loop of one's own: metrics, event files for TensorBoard, early stopping, and a log.
export * from '../metrics.ts'
export type { Label, Labels, Scores } from '../metrics-inputs.ts'
export * from '../metrics-scores.ts'
export { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.ts'
export type { Hyperparameter } from './events.ts'
export { type Entry, JsonLinesLog } from './log.ts'
export {
  type EventOptions,
  type HistogramOptions,
  type HparamsOptions,
  type ImageOptions,
  type ScalarOptions,
  SummaryWriter,
  type SummaryWriterOptions,
} from './summary-writer.ts'
