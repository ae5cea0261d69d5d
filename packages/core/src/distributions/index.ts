// Probability distributions: PyTorch's torch.distributions.
export * as constraints from './constraints.ts'
export { Cauchy, Exponential, Laplace, Normal, StudentT, Uniform } from './continuous.ts'
export {
  Bernoulli,
  Binomial,
  Categorical,
  Geometric,
  Multinomial,
  NegativeBinomial,
  OneHotCategorical,
  OneHotCategoricalStraightThrough,
  Poisson,
} from './discrete.ts'
export { Distribution } from './distribution.ts'
export { Beta, Chi2, Dirichlet, Gamma } from './gamma.ts'
export { klDivergence, registerKl } from './kl.ts'
export { MultivariateNormal } from './multivariate-normal.ts'
export {
  Gumbel,
  HalfCauchy,
  HalfNormal,
  Independent,
  LogNormal,
  MixtureSameFamily,
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
  identityTransform,
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
