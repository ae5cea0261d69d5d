// Probability distributions: PyTorch's torch.distributions.
export * as constraints from './constraints.ts'
export { Categorical, Multinomial, OneHotCategorical, OneHotCategoricalStraightThrough } from './classes.ts'
export { Independent, MixtureSameFamily } from './compound.ts'
export { VonMises } from './circular.ts'
export * as constraintRegistry from './constraint-registry.ts'
export { bijectTo, transformTo } from './constraint-registry.ts'
export { Exponential, FisherSnedecor, StudentT, Uniform } from './continuous.ts'
export { LKJCholesky } from './correlation.ts'
export { Bernoulli, Binomial, Geometric, NegativeBinomial, Poisson } from './discrete.ts'
export { Distribution } from './distribution.ts'
export { ExponentialFamily } from './exponential-family.ts'
export { Beta, Chi2, Dirichlet, Gamma } from './gamma.ts'
export { klDivergence, registerKl } from './kl.ts'
export { Cauchy, Laplace, Normal } from './location.ts'
export { LowRankMultivariateNormal } from './low-rank.ts'
export { MultivariateNormal } from './multivariate-normal.ts'
export { ContinuousBernoulli, Kumaraswamy, LogisticNormal } from './proportions.ts'
export {
  ExpRelaxedCategorical,
  LogitRelaxedBernoulli,
  RelaxedBernoulli,
  RelaxedOneHotCategorical,
} from './relaxed.ts'
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
  CatTransform,
  ComposeTransform,
  CorrCholeskyTransform,
  CumulativeDistributionTransform,
  ExpTransform,
  identityTransform,
  IndependentTransform,
  LowerCholeskyTransform,
  PowerTransform,
  ReshapeTransform,
  SigmoidTransform,
  SoftmaxTransform,
  SoftplusTransform,
  StackTransform,
  StickBreakingTransform,
  TanhTransform,
  Transform,
} from './transforms.ts'
export * as transforms from './transforms.ts'
export { Wishart } from './wishart.ts'
