// The Kullback-Leibler divergence of two distributions: a table of pairs of classes, with PyTorch's formulas. A pair of
// subclasses takes the entry of their nearest superclasses.
import { NotImplementedError, ValueError } from '../base/errors.ts'
import { sameShape } from '../base/shape.ts'
import { warn } from '../base/warn.ts'
import { where } from '../ops/indexing/positions.ts'
import { softplus } from '../ops/pointwise/nonlinear.ts'
import { type Takes, fn, type Kind, required, signature } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { matmul } from '../ops/product/matmul.ts'
import { lowerSolved } from '../ops/linalg/triangular.ts'
import { Categorical, OneHotCategorical } from './classes.ts'
import { distributionKind, Independent } from './compound.ts'
import { Exponential, Uniform } from './continuous.ts'
import { Bernoulli, Binomial, Geometric, Poisson } from './discrete.ts'
import { Distribution } from './distribution.ts'
import { bregman, ExponentialFamily } from './exponential-family.ts'
import { Beta, Dirichlet, Gamma } from './gamma.ts'
import { Cauchy, Laplace, Normal } from './location.ts'
import { distanceOf, logDetOf, LowRankMultivariateNormal, takenOf } from './low-rank.ts'
import { halfLogDet, mahalanobis, MultivariateNormal } from './multivariate-normal.ts'
import { ContinuousBernoulli } from './proportions.ts'
import { Gumbel, HalfNormal, Pareto, Transformed } from './transformed.ts'
import { areSame } from './transform.ts'
import { EULER, fullOf, nameOf, sumRightmost } from './values.ts'

/** A class by its instances, abstract or not. */
interface Class<T extends Distribution = Distribution> {
  readonly prototype: T
  readonly name: string
}
type Divergence<P = Distribution, Q = Distribution> = (p: P, q: Q) => Tensor
interface Entry {
  readonly p: Class
  readonly q: Class
  readonly fn: Divergence
}

const entries: Entry[] = []
const entry = <P extends Distribution, Q extends Distribution>(
  p: Class<P>,
  q: Class<Q>,
  fn: Divergence<P, Q>,
): Entry => ({
  p,
  q,
  fn: fn as Divergence,
})

const infinityWhere = (condition: Tensor, x: Tensor): Tensor => where(condition, fullOf(x, [], Infinity), x)
const infinityLike = (x: Tensor): Tensor => fullOf(x, x.sizes, Infinity)
const xLogX = (x: Tensor): Tensor => x.mul(x.log())
/** The logarithm of 2 pi times a variance, halved. */
const halfLogTwoPi = (variance: Tensor): Tensor => variance.mul(2).mul(Math.PI).log().mul(0.5)
/** `lgamma(concentration) - concentration log(rate)`, the logarithm of a gamma density's divisor. */
const logDivisor = ({ concentration, rate }: Gamma): Tensor => concentration.lgamma().sub(concentration.mul(rate.log()))
/** The distance of a uniform distribution's logarithm: the mean of log x, times the width. */
const meanLogWidth = (low: Tensor, high: Tensor): Tensor => xLogX(high).sub(xLogX(low)).sub(high.sub(low))

const categorical = (p: Categorical, q: Categorical): Tensor => {
  const t = p.probs.mul(p.logits.sub(q.logits))
  return where(p.probs.eq(0), fullOf(t, [], 0), infinityWhere(q.probs.eq(0), t)).sum(-1)
}
const normal = (p: Normal, q: Normal): Tensor => {
  const ratio = p.scale.div(q.scale).pow(2)
  return ratio.add(p.loc.sub(q.loc).div(q.scale).pow(2)).sub(1).sub(ratio.log()).mul(0.5)
}

/** The mean of the logarithm of a continuous Bernoulli density, for another distribution's mean. */
const continuousLog = (mean: Tensor, q: ContinuousBernoulli): Tensor =>
  mean.mul(q.logits).add(q.probs.neg().log1p()).add(q.logNorm)
const eitherNormal = '(Low Rank) Multivariate Normals with                          different'
/** The sum of the squares of a matrix: the trace of its product with itself. */
const traceOf = (x: Tensor): Tensor => x.pow(2).sum([-2, -1])
const lowRank = (logDet: Tensor, trace: Tensor, distance: Tensor, p: Distribution): Tensor =>
  logDet.add(trace).add(distance).sub(p.eventShape[0]).mul(0.5)
function checkEvents(p: Distribution, q: Distribution, what: string): void {
  if (!sameShape(p.eventShape, q.eventShape))
    throw new ValueError(`KL-divergence between two ${what} event shapes cannot be computed`)
}

/** The table; made at first use. */
const table = (): Entry[] => [
  // ---- of one kind ----
  entry(Bernoulli, Bernoulli, (p, q) => {
    const term = (chance: Tensor, other: Tensor, sign: 1 | -1): Tensor => {
      const t = chance.mul(softplus(q.logits.mul(sign)).sub(softplus(p.logits.mul(sign))))
      return where(chance.eq(0), fullOf(t, [], 0), infinityWhere(other.eq(0), t))
    }
    return term(p.probs, q.probs, -1).add(term(p.probs.neg().add(1), q.probs.neg().add(1), 1))
  }),
  entry(Beta, Beta, (p, q) => {
    const [sumP, sumQ] = [p, q].map((d) => d.concentration1.add(d.concentration0))
    const t1 = q.concentration1.lgamma().add(q.concentration0.lgamma()).add(sumP.lgamma())
    const t2 = p.concentration1.lgamma().add(p.concentration0.lgamma()).add(sumQ.lgamma())
    const t3 = p.concentration1.sub(q.concentration1).mul(p.concentration1.digamma())
    const t4 = p.concentration0.sub(q.concentration0).mul(p.concentration0.digamma())
    return t1.sub(t2).add(t3).add(t4).add(sumQ.sub(sumP).mul(sumP.digamma()))
  }),
  entry(Binomial, Binomial, (p, q) => {
    if (p.totalCount.lt(q.totalCount).any().item() !== 0) {
      throw new NotImplementedError('KL between Binomials where q.total_count > p.total_count is not implemented')
    }
    const logs = p.probs.mul(p.logits.sub(q.logits)).add(p.probs.neg().log1p()).sub(q.probs.neg().log1p())
    return infinityWhere(p.totalCount.gt(q.totalCount), p.totalCount.mul(logs))
  }),
  entry(Categorical, Categorical, categorical),
  entry(OneHotCategorical, OneHotCategorical, (p, q) => categorical(p.categorical, q.categorical)),
  entry(ContinuousBernoulli, ContinuousBernoulli, (p, q) => {
    const t1 = p.mean.mul(p.logits.sub(q.logits))
    const t2 = p.logNorm.add(p.probs.neg().log1p())
    return t1.add(t2).sub(q.logNorm).sub(q.probs.neg().log1p())
  }),
  entry(Dirichlet, Dirichlet, (p, q) => {
    const [a, b] = [p.concentration, q.concentration]
    const [sumA, sumB] = [a.sum(-1), b.sum(-1)]
    const t4 = a.digamma().sub(sumA.digamma().unsqueeze(-1))
    return sumA.lgamma().sub(sumB.lgamma()).sub(a.lgamma().sub(b.lgamma()).sum(-1)).add(a.sub(b).mul(t4).sum(-1))
  }),
  entry(Exponential, Exponential, (p, q) => {
    const ratio = q.rate.div(p.rate)
    return ratio.log().neg().add(ratio).sub(1)
  }),
  entry(ExponentialFamily, ExponentialFamily, (p, q) => {
    if (p.constructor === q.constructor) return bregman(p, q)
    throw new NotImplementedError(
      'The cross KL-divergence between different exponential families cannot ' +
        '                            be computed using Bregman divergences',
      'Register it: distributions.registerKl(P, Q, (p, q) => ...).',
    )
  }),
  entry(Gamma, Gamma, (p, q) => {
    const t2 = q.concentration.lgamma().sub(p.concentration.lgamma())
    const t3 = p.concentration.sub(q.concentration).mul(p.concentration.digamma())
    const t4 = q.rate.sub(p.rate).mul(p.concentration.div(p.rate))
    return q.concentration.mul(p.rate.div(q.rate).log()).add(t2).add(t3).add(t4)
  }),
  entry(Gumbel, Gumbel, (p, q) => {
    const ct1 = p.scale.div(q.scale)
    const ct2 = q.loc.div(q.scale)
    const ct3 = p.loc.div(q.scale)
    const t1 = ct1.log().neg().sub(ct2).add(ct3)
    return t1
      .add(ct1.mul(EULER))
      .add(ct2.add(ct1.add(1).lgamma()).sub(ct3).exp())
      .sub(1 + EULER)
  }),
  entry(Geometric, Geometric, (p, q) => p.entropy().neg().sub(q.probs.neg().log1p().div(p.probs)).sub(q.logits)),
  entry(HalfNormal, HalfNormal, (p, q) => normal(p.baseDist as Normal, q.baseDist as Normal)),
  entry(Laplace, Laplace, (p, q) => {
    const ratio = p.scale.div(q.scale)
    const distance = p.loc.sub(q.loc).abs()
    const t3 = ratio.mul(distance.neg().div(p.scale).exp())
    return ratio.log().neg().add(distance.div(q.scale)).add(t3).sub(1)
  }),
  entry(LowRankMultivariateNormal, LowRankMultivariateNormal, (p, q) => {
    checkEvents(p, q, 'Low Rank Multivariate Normals with                          different')
    const [own, other] = [p.parts, q.parts]
    const taken = takenOf(other)
    const trace = own.diagonal
      .div(other.diagonal)
      .sum(-1)
      .add(traceOf(own.factor.mul(other.diagonal.rsqrt().unsqueeze(-1))))
      .sub(traceOf(taken.mul(own.diagonal.sqrt().unsqueeze(-2))))
      .sub(traceOf(matmul(taken, own.factor)))
    return lowRank(logDetOf(other).sub(logDetOf(own)), trace, distanceOf(other, q.loc.sub(p.loc)), p)
  }),
  entry(MultivariateNormal, LowRankMultivariateNormal, (p, q) => {
    checkEvents(p, q, eitherNormal)
    const other = q.parts
    const trace = traceOf(p.factor.mul(other.diagonal.rsqrt().unsqueeze(-1))).sub(
      traceOf(matmul(takenOf(other), p.factor)),
    )
    const logDet = logDetOf(other).sub(halfLogDet(p.factor).mul(2))
    return lowRank(logDet, trace, distanceOf(other, q.loc.sub(p.loc)), p)
  }),
  entry(LowRankMultivariateNormal, MultivariateNormal, (p, q) => {
    checkEvents(p, q, eitherNormal)
    const own = p.parts
    const trace = traceOf(lowerSolved(q.factor, own.factor)).add(
      traceOf(lowerSolved(q.factor, own.diagonal.sqrt().diagEmbed())),
    )
    const logDet = halfLogDet(q.factor).mul(2).sub(logDetOf(own))
    return lowRank(logDet, trace, mahalanobis(q.factor, q.loc.sub(p.loc)), p)
  }),
  entry(MultivariateNormal, MultivariateNormal, (p, q) => {
    checkEvents(p, q, 'Multivariate Normals with                          different')
    const trace = traceOf(lowerSolved(q.factor, p.factor))
    const rest = trace.add(mahalanobis(q.factor, q.loc.sub(p.loc))).sub(p.eventShape[0])
    return halfLogDet(q.factor).sub(halfLogDet(p.factor)).add(rest.mul(0.5))
  }),
  entry(Normal, Normal, normal),
  entry(Pareto, Pareto, (p, q) => {
    const ratio = q.alpha.div(p.alpha)
    const t1 = q.alpha.mul(p.scale.div(q.scale).log())
    return infinityWhere(p.scale.lt(q.scale), t1.sub(ratio.log()).add(ratio).sub(1))
  }),
  entry(Poisson, Poisson, (p, q) => p.rate.mul(p.rate.log().sub(q.rate.log())).sub(p.rate.sub(q.rate))),
  entry(Transformed, Transformed, (p, q) => {
    if (!areSame(p.transforms, q.transforms) || !sameShape(p.eventShape, q.eventShape)) {
      throw new NotImplementedError('KL divergence of distributions with different transforms is not implemented')
    }
    return klDivergence(p.baseDist, q.baseDist)
  }),
  entry(Uniform, Uniform, (p, q) =>
    infinityWhere(q.low.gt(p.low).logicalOr(q.high.lt(p.high)), q.high.sub(q.low).div(p.high.sub(p.low)).log()),
  ),
  entry(Independent, Independent, (p, q) => {
    if (p.reinterpretedBatchNdims !== q.reinterpretedBatchNdims) {
      throw new NotImplementedError('KL divergence of Independent with different dimensions is not implemented')
    }
    return sumRightmost(klDivergence(p.baseDist, q.baseDist), p.reinterpretedBatchNdims)
  }),
  entry(Cauchy, Cauchy, (p, q) => {
    const t1 = p.scale.add(q.scale).pow(2).add(p.loc.sub(q.loc).pow(2)).log()
    return t1.sub(p.scale.mul(4).mul(q.scale).log())
  }),

  // ---- of two kinds ----
  entry(Bernoulli, Poisson, (p, q) => p.entropy().neg().sub(p.probs.mul(q.rate.log()).sub(q.rate))),
  entry(Beta, ContinuousBernoulli, (p, q) => p.entropy().neg().sub(continuousLog(p.mean, q))),
  entry(Beta, Exponential, (p, q) => p.entropy().neg().sub(q.rate.log()).add(q.rate.mul(p.mean))),
  entry(Beta, Gamma, (p, q) => {
    const total = p.concentration1.add(p.concentration0)
    const t3 = q.concentration.sub(1).mul(p.concentration1.digamma().sub(total.digamma()))
    return p.entropy().neg().add(logDivisor(q)).sub(t3).add(q.rate.mul(p.concentration1).div(total))
  }),
  entry(Beta, Normal, (p, q) => {
    const variance = q.scale.pow(2)
    const { mean } = p
    const total = p.concentration1.add(p.concentration0).add(1)
    const t3 = mean.mul(mean.neg().add(1)).div(total).add(mean.pow(2)).mul(0.5)
    const rest = t3.sub(q.loc.mul(mean)).add(q.loc.pow(2).mul(0.5))
    return p.entropy().neg().add(halfLogTwoPi(variance)).add(rest.div(variance))
  }),
  entry(Beta, Uniform, (p, q) =>
    infinityWhere(q.low.gt(0).logicalOr(q.high.lt(1)), p.entropy().neg().add(q.high.sub(q.low).log())),
  ),
  entry(ContinuousBernoulli, Exponential, (p, q) => p.entropy().neg().sub(q.rate.log()).add(q.rate.mul(p.mean))),
  entry(ContinuousBernoulli, Normal, (p, q) => {
    const t2 = q.loc
      .div(q.scale)
      .square()
      .add(Math.log(2 * Math.PI))
      .mul(0.5)
      .add(q.scale.log())
    const t3 = p.variance.add(p.mean.square()).sub(q.loc.mul(2).mul(p.mean)).div(q.scale.square().mul(2))
    return p.entropy().neg().add(t2).add(t3)
  }),
  // Infinite unless all of the unit interval lies inside, as PyTorch has it.
  entry(ContinuousBernoulli, Uniform, (p, q) =>
    infinityWhere(q.low.ge(0).logicalOr(q.high.le(1)), p.entropy().neg().add(q.high.sub(q.low).log())),
  ),
  entry(Exponential, Gamma, (p, q) => {
    const ratio = q.rate.div(p.rate)
    return q.concentration
      .neg()
      .mul(ratio.log())
      .add(ratio)
      .add(q.concentration.lgamma())
      .add(q.concentration.mul(EULER))
      .sub(1 + EULER)
  }),
  entry(Exponential, Gumbel, (p, q) => {
    const pace = p.rate.mul(q.scale)
    const ratio = q.loc.div(q.scale)
    return pace
      .log()
      .sub(1)
      .sub(ratio)
      .add(ratio.exp().mul(pace).div(pace.add(1)))
      .add(pace.reciprocal())
  }),
  entry(Exponential, Normal, (p, q) => {
    const variance = q.scale.pow(2)
    const square = p.rate.pow(2)
    const rest = square.reciprocal().sub(q.loc.div(p.rate)).add(q.loc.pow(2).mul(0.5))
    return halfLogTwoPi(square.mul(variance)).sub(1).add(rest.div(variance))
  }),
  entry(Gamma, Exponential, (p, q) => p.entropy().neg().sub(q.rate.log()).add(q.rate.mul(p.concentration).div(p.rate))),
  entry(Gamma, Gumbel, (p, q) => {
    const pace = p.rate.mul(q.scale)
    const ratio = q.loc.div(q.scale)
    const { concentration } = p
    const t1 = concentration.sub(1).mul(concentration.digamma()).sub(concentration.lgamma()).sub(concentration)
    const t2 = pace.log().add(concentration.div(pace))
    const t3 = ratio.exp().mul(pace.reciprocal().add(1).pow(concentration.neg())).sub(ratio)
    return t1.add(t2).add(t3)
  }),
  entry(Gamma, Normal, (p, q) => {
    const variance = q.scale.pow(2)
    const square = p.rate.pow(2)
    const { concentration } = p
    const t1 = halfLogTwoPi(square.mul(variance)).sub(concentration).sub(concentration.lgamma())
    const t2 = concentration.pow(2).add(concentration).mul(0.5).div(square)
    const rest = t2.sub(q.loc.mul(concentration).div(p.rate)).add(q.loc.pow(2).mul(0.5))
    return t1.add(concentration.sub(1).mul(concentration.digamma())).add(rest.div(variance))
  }),
  entry(Gumbel, Normal, (p, q) => {
    const ratio = p.scale.div(q.scale)
    const t2 = ratio
      .mul(Math.PI * 0.5)
      .pow(2)
      .div(3)
    const t3 = p.loc.add(p.scale.mul(EULER)).sub(q.loc).div(q.scale).pow(2).mul(0.5)
    return ratio
      .div(Math.sqrt(2 * Math.PI))
      .log()
      .neg()
      .add(t2)
      .add(t3)
      .sub(EULER + 1)
  }),
  entry(Laplace, Normal, (p, q) => {
    const variance = q.scale.pow(2)
    const ratio = p.scale.pow(2).div(variance)
    const rest = p.loc.pow(2).mul(0.5).sub(p.loc.mul(q.loc)).add(q.loc.pow(2).mul(0.5))
    return ratio.mul(2).div(Math.PI).log().mul(-0.5).add(ratio).add(rest.div(variance)).sub(1)
  }),
  entry(Normal, Gumbel, (p, q) => {
    const mean = p.loc.div(q.scale)
    const ratio = p.scale.div(q.scale).pow(2)
    const loc = q.loc.div(q.scale)
    return ratio
      .log()
      .mul(-0.5)
      .add(mean.sub(loc))
      .add(mean.neg().add(ratio.mul(0.5)).add(loc).exp())
      .sub(0.5 * (1 + Math.log(2 * Math.PI)))
  }),
  entry(Normal, Laplace, (p, q) => {
    const distance = p.loc.sub(q.loc)
    const ratio = distance.div(p.scale)
    const t2 = p.scale.mul(Math.sqrt(2 / Math.PI)).mul(ratio.pow(2).mul(-0.5).exp())
    const t3 = distance.mul(ratio.mul(Math.SQRT1_2).erf())
    return p.scale
      .div(q.scale)
      .log()
      .neg()
      .add(t2.add(t3).div(q.scale))
      .sub(0.5 * (1 + Math.log(0.5 * Math.PI)))
  }),
  entry(Pareto, Exponential, (p, q) => {
    const pace = p.scale.mul(q.rate)
    const t3 = p.alpha.mul(pace).div(p.alpha.sub(1))
    return infinityWhere(p.alpha.le(1), p.alpha.div(pace).log().sub(p.alpha.reciprocal()).add(t3).sub(1))
  }),
  entry(Pareto, Gamma, (p, q) => {
    const common = p.scale.log().add(p.alpha.reciprocal())
    const t3 = q.concentration.neg().add(1).mul(common)
    const t4 = q.rate.mul(p.alpha).mul(p.scale).div(p.alpha.sub(1))
    return infinityWhere(p.alpha.le(1), p.alpha.log().sub(common).add(logDivisor(q)).add(t3).add(t4).sub(1))
  }),
  entry(Pareto, Normal, (p, q) => {
    const common = p.scale.div(p.alpha.sub(1))
    const t1 = q.scale
      .mul(Math.sqrt(2 * Math.PI))
      .mul(p.alpha)
      .div(p.scale)
      .log()
    const t3 = p.alpha.mul(common.pow(2)).div(p.alpha.sub(2))
    const t4 = p.alpha.mul(common).sub(q.loc).pow(2)
    const result = t1
      .sub(p.alpha.reciprocal())
      .add(t3.add(t4).div(q.scale.pow(2).mul(2)))
      .sub(1)
    return infinityWhere(p.alpha.le(2), result)
  }),
  entry(Uniform, Beta, (p, q) => {
    const width = p.high.sub(p.low)
    const t2 = q.concentration1.sub(1).mul(meanLogWidth(p.low, p.high)).div(width)
    const below = xLogX(p.high.neg().add(1))
      .sub(xLogX(p.low.neg().add(1)))
      .add(width)
    const t3 = q.concentration0.sub(1).mul(below).div(width)
    const t4 = q.concentration1
      .lgamma()
      .add(q.concentration0.lgamma())
      .sub(q.concentration1.add(q.concentration0).lgamma())
    return infinityWhere(p.high.gt(1).logicalOr(p.low.lt(0)), t3.add(t4).sub(width.log()).sub(t2))
  }),
  entry(Uniform, ContinuousBernoulli, (p, q) =>
    infinityWhere(p.high.ge(1).logicalOr(p.low.le(0)), p.entropy().neg().sub(continuousLog(p.mean, q))),
  ),
  entry(Uniform, Exponential, (p, q) => {
    const mean = q.rate.mul(p.high.add(p.low)).div(2)
    return infinityWhere(p.low.lt(0), mean.sub(p.high.sub(p.low).mul(q.rate).log()))
  }),
  entry(Uniform, Gamma, (p, q) => {
    const width = p.high.sub(p.low)
    const t3 = q.concentration.neg().add(1).mul(meanLogWidth(p.low, p.high)).div(width)
    const t4 = q.rate.mul(p.high.add(p.low)).div(2)
    return infinityWhere(p.low.lt(0), width.log().neg().add(logDivisor(q)).add(t3).add(t4))
  }),
  entry(Uniform, Gumbel, (p, q) => {
    const common = q.scale.div(p.high.sub(p.low))
    const [high, low] = [p.high, p.low].map((x) => x.sub(q.loc).div(q.scale))
    const t1 = common.log().add(high.add(low).mul(0.5))
    return t1.sub(common.mul(high.neg().exp().sub(low.neg().exp())))
  }),
  entry(Uniform, Normal, (p, q) => {
    const width = p.high.sub(p.low)
    const t1 = q.scale
      .mul(Math.sqrt(Math.PI * 2))
      .div(width)
      .log()
    const t3 = p.high.add(p.low).sub(q.loc.mul(2)).div(2).pow(2)
    return t1.add(width.pow(2).div(12).add(t3).mul(0.5).div(q.scale.pow(2)))
  }),
  entry(Uniform, Pareto, (p, q) => {
    const width = p.high.sub(p.low)
    const t1 = q.alpha.mul(q.scale.pow(q.alpha)).mul(width).log()
    const t2 = meanLogWidth(p.low, p.high).div(width)
    return infinityWhere(p.low.lt(q.scale), t2.mul(q.alpha.add(1)).sub(t1))
  }),

  // ---- of a kind with values that the other cannot have ----
  ...(
    [
      [Beta, [Pareto], (p: Beta) => p.concentration1],
      [ContinuousBernoulli, [Pareto], (p: ContinuousBernoulli) => p.probs],
      [Exponential, [Beta, ContinuousBernoulli, Pareto, Uniform], (p: Exponential) => p.rate],
      [Gamma, [Beta, ContinuousBernoulli, Pareto, Uniform], (p: Gamma) => p.concentration],
      [Gumbel, [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform], (p: Gumbel) => p.loc],
      [Laplace, [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform], (p: Laplace) => p.loc],
      [Normal, [Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform], (p: Normal) => p.loc],
      [Pareto, [Beta, ContinuousBernoulli, Uniform], (p: Pareto) => p.scale],
      [Poisson, [Bernoulli, Binomial], (p: Poisson) => p.rate],
    ] as unknown as readonly [Class, readonly Class[], (p: Distribution) => Tensor][]
  ).flatMap(([p, others, like]) => others.map((q) => entry(p, q, (x) => infinityLike(like(x))))),
]

/** How far above a class another one is: 0 for the class itself, or undefined. */
function heightOf(type: object, above: Class): number | undefined {
  let height = 0
  for (let at: object | null = type; at !== null; at = Object.getPrototypeOf(at), height++)
    if (at === above) return height
  return undefined
}

function divergenceOf(p: Distribution, q: Distribution): Divergence {
  if (entries.length === 0) entries.push(...table())
  let left: Entry | undefined
  let right: Entry | undefined
  let [byLeft, byRight] = [Infinity, Infinity]
  for (const candidate of entries) {
    const [up, down] = [heightOf(p.constructor, candidate.p), heightOf(q.constructor, candidate.q)]
    if (up === undefined || down === undefined) continue
    // Classes have few ancestors. A later entry for the same pair replaces an earlier one.
    if (up * 100 + down <= byLeft) [left, byLeft] = [candidate, up * 100 + down]
    if (down * 100 + up <= byRight) [right, byRight] = [candidate, down * 100 + up]
  }
  const names = [p, q].map(nameOf)
  if (left === undefined || right === undefined) {
    throw new NotImplementedError(
      `No KL(p || q) is implemented for p type ${names[0]} and q type ${names[1]}`,
      'Register it: distributions.registerKl(P, Q, (p, q) => ...).',
    )
  }
  if (left !== right) {
    const [a, b] = [left.p, right.q].map((x) => x.name)
    warn(`Ambiguous kl_divergence(${names.join(', ')}). Please register_kl(${a}, ${b})`)
  }
  return left.fn
}

const divergenceArguments = signature('kl_divergence', required('p', distributionKind), required('q', distributionKind))
/**
 * The Kullback-Leibler divergence KL(p || q), for each distribution of the batch.
 *
 * Throws a NotImplementedError for a pair without a formula.
 *
 * @example
 * const { klDivergence, Normal } = distributions
 * klDivergence(new Normal(0, 1), new Normal(1, 1)) // tensor(0.5000)
 */
export function klDivergence(...args: Takes<[p: Distribution, q: Distribution], 'p q'>): Tensor {
  const [p, q] = divergenceArguments(args)
  return divergenceOf(p, q)(p, q)
}

const distributionClass: Kind<Class> = {
  expected: 'Distribution subclass',
  accepts: (x) => typeof x === 'function' && x.prototype instanceof Distribution,
}
const registerArguments = signature(
  'register_kl',
  required('typeP', distributionClass),
  required('typeQ', distributionClass),
  required('fun', fn),
)
/**
 * Adds the divergence of a pair of classes, or replaces it.
 *
 * @example
 * class Own extends distributions.Normal {}
 * distributions.registerKl(Own, Own, () => zeros(1))
 */
export function registerKl<P extends Distribution, Q extends Distribution>(
  ...args: Takes<[typeP: Class<P>, typeQ: Class<Q>, fun: (p: P, q: Q) => Tensor], 'typeP typeQ fun'>
): void {
  const [p, q, fun] = registerArguments(args)
  if (entries.length === 0) entries.push(...table())
  entries.push({ p, q, fn: fun as unknown as Divergence })
}
