// The ops that are also methods: functions whose first argument is a tensor. Each op listed here gets its method, and
// its cells in the conformance suite, which needs samples for it; all exports of the files of elementwise ops are
// listed.
export * from './pointwise/activation.ts'
export * from './pointwise/arithmetic.ts'
export * from './pointwise/choice.ts'
export * from './pointwise/combined.ts'
export * from './pointwise/comparison.ts'
export * from './pointwise/elementary.ts'
export * from './pointwise/functions.ts'
export { hardshrink, prelu } from './pointwise/nonlinear.ts'
export * from './pointwise/parts.ts'
export { frexp, positive } from './pointwise/plain.ts'
export { erfc, logaddexp, logaddexp2, logit, mvlgamma, sinc, xlogy } from './pointwise/special.ts'
export { igamma, igammac } from './special/incomplete.ts'
export { addbmm, addmv, addr, baddbmm } from './product/added.ts'
export { allclose, detach, equal, isclose, to } from './create/convert.ts'
export { gather, scatter, scatter_, scatterAdd, scatterAdd_ } from './indexing/gather.ts'
export {
  indexAdd,
  indexAdd_,
  indexCopy,
  indexCopy_,
  indexFill,
  indexFill_,
  indexReduce,
  indexReduce_,
  repeatInterleave,
} from './indexing/along.ts'
export { maskedScatter, maskedScatter_, put, put_, take, takeAlongDim } from './indexing/positions.ts'
export { at, indexPut, indexPut_, setAt } from './indexing/indexing.ts'
export { addmm, bmm, dot, linear, matmul, mm, mv } from './product/matmul.ts'
export { amax, amin, aminmax, argmax, argmin, max, min } from './order/extremes.ts'
export { bincount } from './order/counting.ts'
export { histc, histogram } from './order/histogram.ts'
export { kthvalue, median, mode, nanmedian, nanquantile, quantile } from './order/quantiles.ts'
export { unique, uniqueConsecutive } from './order/unique.ts'
export { cross, inner, kron, matrixPower, outer, trace } from './product/products.ts'
export { corrcoef, cov, diff } from './reduce/differences.ts'
export { countNonzero, nanmean, nansum } from './reduce/nan.ts'
export { dist, norm, renorm } from './reduce/norm.ts'
export {
  broadcastTo,
  fliplr,
  flipud,
  moveaxis,
  movedim,
  roll,
  rot90,
  swapaxes,
  swapdims,
  unflatten,
} from './views/arrange.ts'
export { diagonalScatter, selectScatter, sliceScatter } from './views/embed.ts'
export { asStrided, asStridedScatter } from './views/strided.ts'
export { chunk, repeat, split, splitWithSizes, tile, unbind } from './views/join.ts'
export { dsplit, hsplit, tensorSplit, vsplit } from './views/stacks.ts'
export { diag, diagEmbed, diagflat, tril, triu } from './views/triangles.ts'
export {
  std,
  /** The variance of all elements or over `dim`, unbiased unless `{ unbiased: false }`. Float only. */
  variance as var,
} from './reduce/moments.ts'
export { indexSelect, maskedFill, maskedSelect, nonzero, oneHot } from './indexing/select.ts'
export { all, any, mean, prod, sum } from './reduce/reduce.ts'
export { cummax, cummin, cumprod, cumsum, logcumsumexp } from './reduce/scans.ts'
export { scatterReduce, scatterReduce_ } from './indexing/scatter-reduce.ts'
export { bernoulli, bernoulli_ } from './random/bernoulli.ts'
export { cauchy_, exponential_, geometric_, logNormal_, multinomial } from './random/families.ts'
export { normal_, random_, uniform_ } from './random/random.ts'
export { logSoftmax, logsumexp, softmax } from './reduce/softmax.ts'
export { argsort, msort, sort, topk } from './order/sort.ts'
export {
  clone,
  contiguous,
  diagonal,
  expand,
  expandAs,
  flatten,
  flip,
  narrow,
  permute,
  ravel,
  reshape,
  select,
  slice,
  squeeze,
  t,
  transpose,
  unfold,
  unsqueeze,
  view,
} from './views/views.ts'
export { copy_, fill_, zero_ } from './write/write.ts'
