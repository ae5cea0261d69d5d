// The public API of @flambeau/data/frame: all of @flambeau/data, the sets with their data frames, and functions that
// create data frames. It imports arquero, which takes longer to load than all the rest.
export { type CsvOptions, parseCsv } from '../csv/parse.ts'
export { readCsv } from '../csv/read.ts'
export * from '../index.ts'
export { fromTensor } from './make.ts'
// These replace the exports of the same names in @flambeau/data.
export { type FramedBunch, loadBoston, loadBreastCancer, loadDigits, loadIris } from './sets.ts'
