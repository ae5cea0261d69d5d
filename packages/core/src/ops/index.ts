// The op table: every operation that a user can call as a function.
export { where } from './elementwise.ts'
export {
  arange, empty, emptyLike, eye, full, fullLike, linspace, logspace, ones, onesLike, tensor, zeros, zerosLike,
} from './create.ts'
export { type Index, Slice } from './indexing.ts'
export { cat, stack } from './join.ts'
export { stdMean, varMean } from './moments.ts'
export { ValuesAndIndices } from './pair.ts'
export {
  getRngState, initialSeed, manualSeed, normal, rand, randint, randintLike, randLike, randn, randnLike, randperm, seed,
  setRngState,
} from './random.ts'
export * from './table.ts'
