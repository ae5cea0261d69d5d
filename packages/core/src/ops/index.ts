// The op table: every operation that a user can call as a function.
export { where } from './elementwise.ts'
export {
  arange, empty, emptyLike, eye, full, fullLike, linspace, logspace, ones, onesLike, tensor, zeros, zerosLike,
} from './create.ts'
export * from './table.ts'
