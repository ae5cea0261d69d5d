// The op table: every operation that a user can call as a function.
export { where } from './where.ts'
export {
  arange,
  empty,
  emptyLike,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  ones,
  onesLike,
  tensor,
  zeros,
  zerosLike,
} from './create.ts'
export { type Index, Slice } from './indexing.ts'
export { cat, stack } from './join.ts'
export { stdMean, varMean } from './moments.ts'
export { pad } from './pad.ts'
export { ValuesAndIndices } from './pair.ts'
export { normal, rand, randint, randintLike, randLike, randn, randnLike, randperm } from './random.ts'
export { getRngState, initialSeed, manualSeed, seed, setRngState } from './seeds.ts'
export * from './table.ts'
