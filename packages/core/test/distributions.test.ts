// Distributions, transforms, constraints and divergences against real PyTorch (tools/golden/distributions.py), each built
// from the description in the golden file.
import { readFileSync } from 'node:fs'
import { js } from '@flambeau/backend-js'
import {
  compile,
  type DType,
  distributions,
  eye,
  grad,
  manualSeed,
  noGrad,
  NotImplementedError,
  nn,
  ones,
  optim,
  rand,
  Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'

useDevice(js())
// biome-ignore lint/suspicious/noExplicitAny: classes are found by their names, and called with wrong arguments
type Any = any
const D: Any = distributions
const golden: Any = JSON.parse(readFileSync(new URL('./golden/distributions.json', import.meta.url), 'utf8'))

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase())
const words: Record<string, number> = { nan: Number.NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 }
const numberOf = (x: number | string): number => (typeof x === 'string' ? words[x] : x)
const nested = (x: Any): Any => (Array.isArray(x) ? x.map(nested) : x !== x ? Number.NaN : numberOf(x))

function build(spec: Any, dtype: DType, leaves?: Tensor[]): Any {
  if (Array.isArray(spec)) return spec.map((x) => build(x, dtype, leaves))
  if (typeof spec !== 'object' || spec === null) return spec
  if ('tensor' in spec) {
    const x = tensor(nested(spec.tensor), { dtype })
    leaves?.push(x.requiresGrad_())
    return x
  }
  if (spec.of.startsWith('constraints.')) return D.constraints[camel(spec.of.slice(12))]
  const args = spec.args.map((x: Any) => build(x, dtype, leaves))
  const named = Object.entries(spec.named ?? {}).map(([name, x]) => [camel(name), build(x, dtype, leaves)])
  return new D[spec.of](...args, ...(named.length > 0 ? [Object.fromEntries(named)] : []))
}

const rebuilt = ({ shape, data, dtype }: Any): Tensor => tensor(data.map(numberOf), { dtype }).reshape(shape)
const near = (found: ArrayLike<number>, wanted: readonly Any[], tolerance: number, what: string): void => {
  expect(found.length, what).toBe(wanted.length)
  for (const [i, text] of wanted.entries()) {
    const value = numberOf(text)
    if (Number.isFinite(value) && Math.abs(found[i] - value) <= tolerance * Math.max(1, Math.abs(value))) continue
    if (!Object.is(found[i] + 0, value + 0)) expect.fail(`${what}, element ${i}: ${found[i]}, not ${value}`)
  }
}
const tolerance: Record<string, number> = { float32: 2e-5, float64: 1e-10 }
const same = (found: Tensor, wanted: Any, what: string, close = tolerance[found.dtype] ?? 0): void => {
  expect([found.dtype, ...found.shape], what).toEqual([wanted.dtype, ...wanted.shape])
  near(found.detach().toArray(), wanted.data, close, what)
}
/** A result, or null where it is not implemented. */
const tried = (call: () => Tensor): Tensor | null => {
  try {
    return call()
  } catch (error) {
    if (error instanceof NotImplementedError) return null
    throw error
  }
}
const weights = (x: Tensor): Tensor =>
  tensor(
    Array.from({ length: x.elements }, (_, i) => (((7 * i + 3) % 11) - 5) / 4),
    { dtype: x.dtype },
  ).reshape(x.shape as number[])
const gradients = (y: Tensor, leaves: readonly Tensor[], wanted: Any, what: string): void => {
  if (wanted === null) return expect(leaves.length > 0 && y.requiresGrad, what).toBe(false)
  const found = grad([y.mul(weights(y)).sum()], [...leaves], { allowUnused: true, retainGraph: true })
  for (const [i, g] of found.entries()) {
    if (wanted[i] === null) expect(g === null || g.toArray().every((x) => x === 0), what).toBe(true)
    else near((g as Tensor).toArray(), wanted[i], 1e-7, `${what} ${i}`)
  }
}

interface Case {
  readonly dtype: DType
  readonly spec: Any
  readonly wanted: Any
}
const casesOf = (records: readonly Any[]): Case[] =>
  records.flatMap(({ of, ...byDtype }) =>
    Object.entries(byDtype).map(([dtype, wanted]) => ({ dtype: dtype as DType, spec: of, wanted })),
  )

describe.each(Object.entries<Any>(golden.families))('%s', (_, records) => {
  it.each(casesOf(records))('$wanted.text, $dtype', ({ dtype, spec, wanted }) => {
    const bits = dtype === 'float32' ? 1e-6 : 1e-13
    const leaves: Tensor[] = []
    const d = build(spec, dtype, leaves)
    expect([String(build(spec, dtype)), d.batchShape, d.eventShape]).toEqual([wanted.text, wanted.batch, wanted.event])
    manualSeed(0)
    const sample = d.sample([3])
    same(sample, wanted.sample, 'sample', bits)
    expect(sample.requiresGrad).toBe(false)
    expect(rand(1).item()).toBe(wanted.next)
    manualSeed(0)
    same(d.sampleN(3), wanted.sample, 'sampleN', bits)
    const given = rebuilt(wanted.sample)
    same(d.logProb(given), wanted.logProb, 'logProb')
    if (wanted.logProbGrads === undefined) return
    gradients(d.logProb(given), leaves, wanted.logProbGrads, 'gradient of logProb')
    expect(d.hasRsample).toBe('rsampleGrads' in wanted)
    if (d.hasRsample) {
      manualSeed(0)
      if (wanted.rsampleGrads !== 'fails') gradients(d.rsample([2]), leaves, wanted.rsampleGrads, 'gradient of rsample')
    } else expect(() => d.rsample()).toThrow('does not implement rsample')
    const results: Record<string, () => Tensor> = {
      mean: () => d.mean,
      mode: () => d.mode,
      variance: () => d.variance,
      stddev: () => d.stddev,
      entropy: () => d.entropy(),
      cdf: () => d.cdf(given),
      icdf: () => d.icdf(tensor(0.3, { dtype }).expand(d.batchShape)),
    }
    for (const [name, call] of Object.entries(results)) {
      const found = tried(call)
      expect(found === null, `${name} is defined`).toBe(wanted[name] === null)
      if (found !== null) same(found, wanted[name], name)
    }
    if (wanted.entropyGrads !== undefined) gradients(d.entropy(), leaves, wanted.entropyGrads, 'gradient of entropy')
    if (wanted.support !== null) expect(String(d.support)).toBe(wanted.support)
    if (wanted.values !== null) same(d.enumerateSupport(), wanted.values, 'values', 0)
    const wide = d.expand([2, ...d.batchShape])
    expect([String(wide), wide.batchShape]).toEqual([wanted.expanded.text, [2, ...d.batchShape]])
    manualSeed(1)
    const expanded = wide.sample()
    same(expanded, wanted.expanded.sample, 'sample of the expanded', bits)
    same(wide.logProb(expanded), wanted.expanded.logProb, 'logProb of the expanded')
  })
})

describe('klDivergence', () => {
  it.each(Object.keys(golden.members))('of %s from every other', (p) => {
    for (const q of Object.keys(golden.members)) {
      const wanted = golden.divergences[p][q]
      const pair = [p, q].map((name) => build(golden.members[name], 'float64'))
      const call = (): Tensor => distributions.klDivergence(pair[0], pair[1])
      if (typeof wanted !== 'string') {
        const found = call()
        near(found.detach().toArray(), wanted, tolerance[found.dtype], `${p} from ${q}`)
      } else {
        expect(call).toThrow(NotImplementedError)
        if (wanted !== 'NotImplementedError') expect(call).toThrow(wanted)
      }
    }
  })

  it('takes own pairs, and those of superclasses', () => {
    class Own extends distributions.Normal {}
    const [p, q] = [new Own(0, 1), new distributions.Normal(1, 1)]
    expect(distributions.klDivergence(p, q).item()).toBeCloseTo(0.5)
    distributions.registerKl(Own, distributions.Normal, () => tensor(7))
    expect(distributions.klDivergence(p, q).item()).toBe(7)
    expect(distributions.klDivergence(q, p).item()).toBeCloseTo(0.5)
  })

  it('has gradients', () => {
    const scale = tensor(2, { requiresGrad: true })
    distributions.klDivergence(new distributions.Normal(0, scale), new distributions.Normal(0, 1)).backward()
    expect((scale.grad as Tensor).item()).toBeCloseTo(1.5)
  })
})

describe('transforms', () => {
  it.each(golden.transforms as Any[])('$text.0', (wanted) => {
    const t = build(wanted.of, 'float64')
    const x = rebuilt(wanted.x)
    const y = t.forward(x)
    same(y, wanted.y, 'forward')
    same(t.inv.forward(rebuilt(wanted.y)), wanted.back, 'inverse')
    const jacobian = tried(() => t.logAbsDetJacobian(x, y))
    expect(jacobian === null).toBe(wanted.jacobian === null)
    if (jacobian !== null) {
      same(jacobian, wanted.jacobian, 'Jacobian')
      same(t.inv.logAbsDetJacobian(y, x).neg(), wanted.jacobian, 'Jacobian of the inverse')
    }
    const sign = tried(() => t.sign) as Any
    expect(sign instanceof Tensor ? sign.tolist() : sign).toEqual(wanted.sign)
    expect([t.bijective, ...[t, t.inv, t.domain, t.codomain].map(String)]).toEqual([wanted.bijective, ...wanted.text])
    expect([t.forwardShape(x.shape), t.inverseShape(y.shape)]).toEqual([wanted.forwardShape, wanted.inverseShape])
    expect([t.inv.inv === t, t.equals(t), t.equals(t.inv)]).toEqual([true, true, false])
    const cached = t.withCache()
    const kept = cached.forward(x)
    if (!(cached instanceof distributions.ComposeTransform)) expect(cached.inv.forward(kept)).toBe(x)
  })
})

describe('constraints', () => {
  it.each(golden.constraints as Any[])('$text', ({ name, args, text, x, found, discrete, eventDim }: Any) => {
    const known = D.constraints[camel(name)]
    const c = args.length > 0 ? known(...build(args, 'float64')) : known
    expect(String(c)).toBe(text)
    if (x === undefined) return expect(() => c.check(ones(1))).toThrow('Cannot determine validity')
    same(c.check(rebuilt(x)), found, 'check')
    expect([c.isDiscrete, c.eventDim]).toEqual([discrete, eventDim])
  })
})

describe('registries', () => {
  const x = tensor(
    [
      [0.5, -1, 0.25],
      [2, 0.25, 1],
      [-0.5, 0.75, 0],
    ],
    { dtype: 'float64' },
  )
  it.each(golden.registered as Any[])('$of', ({ of, ...wanted }: Any) => {
    const [name, ...args] = Array.isArray(of) ? of : [of]
    const c = args.length > 0 ? D.constraints[camel(name)](...build(args, 'float64')) : D.constraints[camel(name)]
    for (const registry of ['bijectTo', 'transformTo']) {
      if (typeof wanted[registry] === 'string') expect(() => D[registry](c)).toThrow(wanted[registry])
      else {
        const t = D[registry](c)
        expect(String(t)).toBe(wanted[registry].text)
        same(t.forward(name === 'stack' ? x.narrow(0, 0, 2) : x), wanted[registry].y, registry)
      }
    }
  })

  it('take transforms of one kind of constraints, and of users', () => {
    class Own extends distributions.constraints.Constraint {
      constructor() {
        super('Own', { test: (value) => value.gt(0) })
      }
    }
    expect(() => distributions.bijectTo(new Own())).toThrow('Cannot transform Own constraints')
    distributions.bijectTo.register(Own, () => new distributions.ExpTransform())
    expect(String(distributions.bijectTo(new Own()))).toBe('ExpTransform()')
    expect(() => distributions.transformTo(new Own())).toThrow('Cannot transform Own constraints')
    const { integerInterval } = distributions.constraints
    distributions.transformTo.register(integerInterval)(() => distributions.identityTransform)
    expect(distributions.transformTo(integerInterval(0, 3))).toBe(distributions.identityTransform)
  })
})

const three = ones(3)
const nan = Number.NaN
const mistakes: Record<string, () => unknown> = {
  'Normal(0, -1)': () => new D.Normal(0, -1),
  'Normal([0, 1], [1, 0])': () => new D.Normal(tensor([0, 1]), tensor([1, 0])),
  'Normal(NaN, 1)': () => new D.Normal(nan, 1),
  "Normal('a', 1)": () => new D.Normal('a', 1),
  'Normal of other shapes': () => new D.Normal(zeros(2), three),
  'Normal.logProb(NaN)': () => new D.Normal(0, 1).logProb(tensor(nan)),
  'Normal.logProb(1)': () => new D.Normal(0, 1).logProb(1),
  'Normal.logProb of another shape': () => new D.Normal(zeros(2), 1).logProb(three),
  'Laplace(0, 0)': () => new D.Laplace(0, 0),
  'Cauchy(0, -2)': () => new D.Cauchy(0, -2),
  'Uniform(1, 0)': () => new D.Uniform(1, 0),
  'Uniform.logProb(2)': () => new D.Uniform(0, 1).logProb(tensor(2)),
  'Exponential(-1)': () => new D.Exponential(-1),
  'Exponential.logProb(-1)': () => new D.Exponential(1).logProb(tensor([1, -1])),
  'StudentT(-1)': () => new D.StudentT(-1),
  'Gamma(1, 0)': () => new D.Gamma(1, 0),
  'Chi2(-1)': () => new D.Chi2(-1),
  'Beta(-1, 1)': () => new D.Beta(-1, 1),
  'Beta.logProb(2)': () => new D.Beta(1, 1).logProb(tensor(2)),
  'Dirichlet(-1, 1)': () => new D.Dirichlet(tensor([-1, 1])),
  'Dirichlet of a number': () => new D.Dirichlet(tensor(1)),
  'Dirichlet.logProb of another sum': () => new D.Dirichlet(three).logProb(three),
  'Dirichlet.logProb of another size': () => new D.Dirichlet(three).logProb(ones(2).div(2)),
  'Bernoulli(2)': () => new D.Bernoulli(2),
  'Bernoulli()': () => new D.Bernoulli(),
  'Bernoulli of both': () => new D.Bernoulli(0.5, 0.5),
  'Bernoulli.logProb(0.5)': () => new D.Bernoulli(0.5).logProb(tensor(0.5)),
  'Geometric(0)': () => new D.Geometric(tensor([0, 0.5])),
  'Binomial(-1, 0.5)': () => new D.Binomial(-1, 0.5),
  'Binomial.logProb(4)': () => new D.Binomial(3, 0.5).logProb(tensor(4)),
  'Binomial.entropy of several counts': () => new D.Binomial(tensor([3, 4]), 0.5).entropy(),
  'NegativeBinomial(3, 1)': () => new D.NegativeBinomial(3, 1),
  'Poisson(-1)': () => new D.Poisson(-1),
  'Poisson.logProb(0.5)': () => new D.Poisson(1).logProb(tensor(0.5)),
  'Categorical(-1, 2)': () => new D.Categorical(tensor([-1, 2])),
  'Categorical of a number': () => new D.Categorical(tensor(1)),
  'Categorical of NaN logits': () => new D.Categorical({ logits: tensor([nan, 1]) }),
  'Categorical.logProb(3)': () => new D.Categorical(three).logProb(tensor(3, { dtype: 'int32' })),
  'OneHotCategorical.logProb': () => new D.OneHotCategorical(three).logProb(three),
  'Multinomial.logProb': () => new D.Multinomial(2, three).logProb(three),
  'LogNormal(0, -1)': () => new D.LogNormal(0, -1),
  'LogNormal.logProb(-1)': () => new D.LogNormal(0, 1).logProb(tensor(-1)),
  'Gumbel(0, -1)': () => new D.Gumbel(0, -1),
  'HalfNormal(-1)': () => new D.HalfNormal(-1),
  'HalfCauchy(-1)': () => new D.HalfCauchy(-1),
  'Weibull(-1, 1)': () => new D.Weibull(-1, 1),
  'Pareto(1, -1)': () => new D.Pareto(1, -1),
  'Pareto.logProb(0.5)': () => new D.Pareto(1, 1).logProb(tensor(0.5)),
  'MultivariateNormal(0)': () => new D.MultivariateNormal(tensor(0), eye(1)),
  'MultivariateNormal without a matrix': () => new D.MultivariateNormal(three),
  'MultivariateNormal of a vector': () => new D.MultivariateNormal(three, three),
  'MultivariateNormal, not definite': () =>
    new D.MultivariateNormal(
      zeros(2),
      tensor([
        [1, 2],
        [2, 1],
      ]),
    ),
  'FisherSnedecor(-1, 1)': () => new D.FisherSnedecor(-1, 1),
  'VonMises(0, -1)': () => new D.VonMises(0, -1),
  'ContinuousBernoulli()': () => new D.ContinuousBernoulli(),
  'ContinuousBernoulli(2)': () => new D.ContinuousBernoulli(2),
  'ContinuousBernoulli.logProb(2)': () => new D.ContinuousBernoulli(0.5).logProb(tensor(2)),
  'Kumaraswamy(1, -1)': () => new D.Kumaraswamy(1, -1),
  'LogisticNormal(0, -1)': () => new D.LogisticNormal(0, -1),
  'LogisticNormal.logProb': () => new D.LogisticNormal(zeros(2), 1).logProb(three),
  'LKJCholesky(1)': () => new D.LKJCholesky(1),
  'LKJCholesky(3, -1)': () => new D.LKJCholesky(3, -1),
  'LKJCholesky.logProb': () => new D.LKJCholesky(3).logProb(eye(3).mul(2)),
  'RelaxedBernoulli()': () => new D.RelaxedBernoulli(tensor(1)),
  'RelaxedBernoulli(1, 2)': () => new D.RelaxedBernoulli(tensor(1), 2),
  'RelaxedOneHotCategorical(1, -1)': () => new D.RelaxedOneHotCategorical(tensor(1), tensor([-1, 1])),
  'RelaxedOneHotCategorical.logProb': () => new D.RelaxedOneHotCategorical(tensor(1), three).logProb(three),
  'LowRankMultivariateNormal(0)': () => new D.LowRankMultivariateNormal(tensor(0), eye(1), ones(1)),
  'LowRankMultivariateNormal of a vector': () => new D.LowRankMultivariateNormal(three, three, three),
  'LowRankMultivariateNormal of other rows': () => new D.LowRankMultivariateNormal(three, ones(2, 1), three),
  'LowRankMultivariateNormal of another diagonal': () => new D.LowRankMultivariateNormal(three, ones(3, 1), ones(2)),
  'LowRankMultivariateNormal of other batches': () => new D.LowRankMultivariateNormal(ones(2, 3), ones(4, 3, 1), three),
  'LowRankMultivariateNormal(-1)': () => new D.LowRankMultivariateNormal(three, zeros(3, 1), three.neg()),
  'Wishart(1, eye(2))': () => new D.Wishart(1, eye(2)),
  'Wishart without a matrix': () => new D.Wishart(3),
  'Wishart of a vector': () => new D.Wishart(3, three),
  'Wishart.logProb': () => new D.Wishart(3, eye(2)).logProb(eye(2).neg()),
  'bijectTo(positiveDefinite)': () => D.bijectTo(D.constraints.positiveDefinite),
  'transformTo(dependent)': () => D.transformTo(D.constraints.dependent),
  'register(1)': () => D.bijectTo.register(1, () => new D.ExpTransform()),
  'CorrCholeskyTransform of two': () => new D.CorrCholeskyTransform().forward(zeros(2)),
  'Independent of too many': () => new D.Independent(new D.Normal(three, 1), 2),
  'MixtureSameFamily of a number': () => new D.MixtureSameFamily(1, new D.Normal(three, 1)),
  'MixtureSameFamily of another number': () =>
    new D.MixtureSameFamily(new D.Categorical(ones(2)), new D.Normal(three, 1)),
  'TransformedDistribution of a number': () => new D.TransformedDistribution(new D.Normal(0, 1), [1]),
  'StickBreakingTransform of a number': () =>
    new D.TransformedDistribution(new D.Normal(0, 1), new D.StickBreakingTransform()),
  'ReshapeTransform of other sizes': () => new D.ReshapeTransform([2, 3], [4]),
  'ExpTransform of a large cache': () => new D.ExpTransform({ cacheSize: 2 }),
}
describe('mistakes', () => {
  it('every mistake has a row', () => expect(Object.keys(mistakes)).toEqual(Object.keys(golden.mistakes)))
  it.each(Object.entries<Any>(golden.mistakes))('%s', (key, { error, message }) => {
    let caught: Any = null
    try {
      mistakes[key]()
    } catch (e) {
      caught = e
    }
    expect(caught?.name).toBe(error)
    expect(caught.message.slice(0, message.length)).toBe(message)
  })
})

it('users extend Distribution and TransformedDistribution', () => {
  class Coin extends distributions.Distribution {
    readonly chance: Tensor
    constructor(chance: Tensor) {
      super(chance.shape)
      this.chance = chance
    }
    override get mean(): Tensor {
      return this.chance
    }
    override sample(shape: readonly number[] = []): Tensor {
      return rand([...shape, ...this.batchShape])
        .lt(this.chance)
        .float()
    }
    override logProb(value: Tensor): Tensor {
      return value.mul(this.chance.log()).add(value.neg().add(1).mul(this.chance.neg().add(1).log()))
    }
  }
  const coin = new Coin(tensor([0.25, 0.5]))
  expect([coin.sample([4]).shape, coin.mean.tolist(), String(coin)]).toEqual([[4, 2], [0.25, 0.5], 'Coin()'])
  expect(coin.logProb(ones(2)).exp().tolist()).toEqual([0.25, 0.5])
  expect(() => coin.entropy()).toThrow('Coin does not implement entropy')
  class LogitNormal extends distributions.TransformedDistribution {
    constructor(loc: number) {
      super(new distributions.Normal(loc, 1), [new distributions.SigmoidTransform()])
    }
  }
  const p = new LogitNormal(0)
  expect(p.cdf(tensor(0.5)).item()).toBeCloseTo(0.5)
  expect(p.expand([3]).sample().shape).toEqual([3])
})

it('classes print their names, whatever a bundler calls them', () => {
  const bases = ['Distribution', 'ExponentialFamily', 'Transform']
  const classes = Object.entries(D).filter(
    ([name, x]: Any) => bases.some((base) => x.prototype instanceof D[base]) && !bases.includes(name),
  )
  expect(classes.length).toBeGreaterThan(40)
  for (const [name, { prototype }] of classes as [string, Any][])
    expect(Object.getOwnPropertyDescriptor(prototype, 'title')?.get?.call(prototype), name).toBe(name)
  class Own extends distributions.Normal {}
  expect(String(new Own(0, 1))).toBe('Own(loc: 0.0, scale: 1.0)')
})

it('an exponential family has its entropy and divergences by its normalizer', () => {
  const { ExponentialFamily, klDivergence, Gamma, Wishart } = distributions
  // The gamma distribution again, by what defines a family.
  class Own extends ExponentialFamily {
    readonly a: Tensor
    readonly b: Tensor
    constructor(a: Tensor, b: Tensor) {
      super(a.shape)
      this.a = a
      this.b = b
    }
    protected override get naturalParams(): Tensor[] {
      return [this.a.sub(1), this.b.neg()]
    }
    protected override logNormalizer(x: Tensor, y: Tensor): Tensor {
      return x.add(1).lgamma().add(x.add(1).mul(y.neg().reciprocal().log()))
    }
    protected override get meanCarrierMeasure(): number {
      return 0
    }
  }
  const f64 = (...x: number[]): Tensor => tensor(x, { dtype: 'float64' })
  const [a, b, c, d] = [f64(0.3, 2), f64(0.5, 2), f64(1, 4), f64(2, 0.25)]
  near(new Own(a, b).entropy().detach().toArray(), new Gamma(a, b).entropy().tolist() as number[], 1e-12, 'entropy')
  const wanted = klDivergence(new Gamma(a, b), new Gamma(c, d)).tolist() as number[]
  near(klDivergence(new Own(a, b), new Own(c, d)).detach().toArray(), wanted, 1e-12, 'divergence')
  expect(() => klDivergence(new Own(a, b), new Gamma(c, d))).toThrow('different exponential families')
  const scales = eye(2).expand(3, 2, 2)
  expect(klDivergence(new Wishart(3, scales), new Wishart(4, scales)).shape).toEqual([3])
})

it('draws of the Wishart distribution have the gradients of differences', () => {
  const drawn = (scale: Tensor): Tensor => {
    manualSeed(2)
    return new distributions.Wishart(tensor([4, 5], { dtype: 'float64' }), { scaleTril: scale }).rsample([3])
  }
  const scale = tensor(
    [
      [1, 0],
      [0.5, 2],
    ],
    { dtype: 'float64', requiresGrad: true },
  )
  const y = drawn(scale)
  const [found] = grad([y.mul(weights(y)).sum()], [scale]) as Tensor[]
  for (const [i, j] of [
    [0, 0],
    [1, 0],
    [1, 1],
  ]) {
    const at = (h: number): number => {
      const moved = scale.detach().clone()
      moved.select(0, i).select(0, j).add_(h)
      return drawn(moved).mul(weights(y)).sum().item()
    }
    expect(found.select(0, i).select(0, j).item()).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5)
  }
})

it('what has no samples by rejection is NaN, and does not wait for ever', () => {
  const angles = new distributions.VonMises(tensor([0, nan, 0, 0]), tensor([1, 1, Infinity, 1e-6]), false).sample([4])
  expect(angles.isnan().sum(0).tolist()).toEqual([0, 4, 4, 0])
})

describe('checks', () => {
  it('can be turned off, for one and for all', () => {
    expect(new D.Normal(0, -1, false).scale.item()).toBe(-1)
    expect(new D.Normal({ loc: 0, scale: -1, validateArgs: false }).scale.item()).toBe(-1)
    D.Distribution.setDefaultValidateArgs(false)
    try {
      expect(new D.Poisson(1).logProb(tensor(0.5)).item()).toBeLessThan(0)
      expect(() => new D.Normal(0, -1, true)).toThrow('scale')
    } finally {
      D.Distribution.setDefaultValidateArgs(true)
    }
  })

  it('a compiled step draws, differentiates and checks at every run', () => {
    const train = (step: (fn: () => Tensor) => () => Tensor): number[] => {
      manualSeed(3)
      const loc = new nn.Parameter(zeros(2))
      const optimizer = new optim.SGD([loc], { lr: 0.1 })
      const run = step(() => {
        const q = new distributions.Normal(loc, tensor([1, 2]))
        const p = new distributions.Normal(0, 1)
        const loss = distributions
          .klDivergence(q, p)
          .sum()
          .sub(p.logProb(q.rsample().sub(3)).sum())
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        return loss
      })
      return Array.from({ length: 12 }, () => run().item())
    }
    expect(train((fn) => compile(fn) as () => Tensor)).toEqual(train((fn) => fn))
    const scale = ones(1)
    const checked = compile(() => new distributions.Normal(0, scale).entropy())
    for (let i = 0; i < 10; i++) checked()
    noGrad(() => scale.mul_(-1))
    expect(() => checked()).toThrow(
      'Expected parameter scale of distribution Normal to satisfy the constraint GreaterThan(lower_bound=0.0)',
    )
  })
})
