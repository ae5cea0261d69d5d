// Probability distributions: PyTorch's torch.distributions.
export * as constraints from './constraints.ts'
export { Categorical, Multinomial, OneHotCategorical, OneHotCategoricalStraightThrough } from './classes.ts'
export { Independent, MixtureSameFamily } from './compound.ts'
export { Exponential, StudentT, Uniform } from './continuous.ts'
export { Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson } from './discrete.ts'
export { Distribution } from './distribution.ts'
export { Beta, Chi2, Dirichlet, Gamma } from './gamma.ts'
export { klDivergence, registerKl } from './kl.ts'
export { Cauchy, Laplace, Normal } from './location.ts'
export { MultivariateNormal } from './multivariate-normal.ts'
export {
  Gumbel,
  HalfCauchy,
  HalfNormal,
  LogNormal,
  Pareto,
  TransformedDistribution,
  Weibull,
} from './transformed.ts'
export {
  AbsTransform,
  AffineTransform,
  ComposeTransform,
  ExpTransform,
  IndependentTransform,
  LowerCholeskyTransform,
  PowerTransform,
  ReshapeTransform,
  SigmoidTransform,
  SoftmaxTransform,
  SoftplusTransform,
  StickBreakingTransform,
  TanhTransform,
  Transform,
} from './transforms.ts'
export * as transforms from './transforms.ts'
