// The conformance suite: the tests that every backend must pass.
export { type CellOptions, cellsOf, checks, type Level } from './cells.ts'
export { type BackendOptions, describeBackend, type Skip } from './describe.ts'
export { decode, readGolden } from './golden.ts'
export type { Cell, Variant } from './subject.ts'
export { watched, wrapped } from './watched.ts'
export { type Worst, worstOf } from './worst.ts'
