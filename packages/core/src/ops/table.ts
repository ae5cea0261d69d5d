// The ops that are methods too: functions whose first argument is a tensor. An op added here has its method, its
// in-place form if it has a record, and its place in the conformance suite, which asks for samples.
export * from './writable.ts'
export { gather, scatter, scatterAdd } from './gather.ts'
export { addmm, bmm, dot, linear, matmul, mm, mv } from './matmul.ts'
export { amax, amin, argmax, argmin, max, min } from './extremes.ts'
export { chunk, pad, repeat, split, tile, unbind } from './join.ts'
export { std, variance as var } from './moments.ts'
export { all, any, cumsum, mean, prod, sum } from './reduce.ts'
export { bernoulli, bernoulli_, normal_, random_, uniform_ } from './random.ts'
export { logSoftmax, logsumexp, softmax } from './softmax.ts'
export { argsort, sort, topk } from './sort.ts'
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
