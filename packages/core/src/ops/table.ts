// The ops that are methods too: functions whose first argument is a tensor. An op added here has its method, its
// in-place form if it has a record, and its place in the conformance suite, which asks for samples.
export * from './writable.ts'
export { gather, scatter, scatterAdd } from './gather.ts'
export { addmm, bmm, dot, linear, matmul, mm, mv } from './matmul.ts'
export { all, amax, amin, any, mean, sum } from './reduce.ts'
export {
  clone,
  contiguous,
  expand,
  expandAs,
  flatten,
  flip,
  narrow,
  permute,
  reshape,
  select,
  slice,
  squeeze,
  t,
  transpose,
  unfold,
  unsqueeze,
  view,
} from './views.ts'
