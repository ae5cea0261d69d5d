// The op table: every operation that users call as a function.
export { celu, rrelu, selu, threshold } from './pointwise/nonlinear.ts'
export { rsub } from './pointwise/plain.ts'
export { polygamma } from './pointwise/special.ts'
export { cosineSimilarity, pairwiseDistance, pdist } from './product/distance.ts'
export { bucketize, isin, searchsorted } from './order/counting.ts'
export { histogramdd } from './order/histogram.ts'
export { cdist, chainMatmul } from './product/products.ts'
export { cumulativeTrapezoid, gradient, trapezoid } from './reduce/differences.ts'
export { where } from './indexing/positions.ts'
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
} from './create/create.ts'
export { type Index, Slice } from './indexing/indexing.ts'
export { cat, stack } from './views/join.ts'
export { stdMean, varMean } from './reduce/moments.ts'
export { pad } from './views/pad.ts'
export { broadcastTensors, cartesianProd, combinations, meshgrid, vander } from './views/grids.ts'
export {
  atleast1d,
  atleast2d,
  atleast3d,
  blockDiag,
  columnStack,
  dstack,
  hstack,
  rowStack,
  vstack,
} from './views/stacks.ts'
export { trilIndices, triuIndices } from './views/triangles.ts'
export { channelShuffle, pixelShuffle, pixelUnshuffle } from './views/shuffle.ts'
export { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d, convTranspose3d } from './product/conv.ts'
export { einsum } from './product/einsum.ts'
export { bilinear, tensordot } from './product/tensordot.ts'
export { ValuesAndIndices } from './order/values-and-indices.ts'
export { binomial, poisson } from './random/families.ts'
export { normal, rand, randint, randintLike, randLike, randn, randnLike, randperm } from './random/random.ts'
export { getRngState, initialSeed, manualSeed, seed, setRngState } from './random/seeds.ts'
export * from './table.ts'
