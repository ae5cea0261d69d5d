// The calls of distributions, transforms and constraints, for the tests of wrong arguments.
import { distributions, eye, ones, type Tensor, tensor } from '@flambeau/core'
import { at, type Param } from '../../../tools/test/door.ts'
import { add, type Any, exempt, made_, on, row, T } from './doors.ts'

const D: Any = distributions
const half = (): number => 0.5
const vector = (): Tensor => tensor([0.25, 0.75])
const parameter = (name: string, kind = 'tensor|number', good: unknown = half): Param => at(name, kind, good)
const validate = at('validateArgs', 'bool?|null', true)
const cache = at('cacheSize', 'int?', 1)
/** What PyTorch says of parameters, values and sizes. */
const words =
  /Expected parameter|Input arguments|specified|dimension|size of tensor|not defined when|disposed|device|dtype|subtract|implemented|positional|negative|result type|value argument/
const rest = { words, nan: 'of parameters that are not checked' }
const made = (name: string, ...params: readonly Param[]): void =>
  made_(`distributions.${name}`, D[name], [...params, validate], rest)

/** The constructors and functions. */
export function addDistributions(): void {
  for (const name of ['Normal', 'Laplace', 'Cauchy', 'Gumbel', 'LogNormal'])
    made(name, parameter('loc'), parameter('scale'))
  made('Uniform', parameter('low', 'tensor|number', 0), parameter('high', 'tensor|number', 1))
  for (const name of ['Exponential', 'Poisson']) made(name, parameter('rate'))
  for (const name of ['HalfNormal', 'HalfCauchy']) made(name, parameter('scale'))
  made('StudentT', parameter('df'), parameter('loc', 'tensor|number?'), parameter('scale', 'tensor|number?'))
  made('Gamma', parameter('concentration'), parameter('rate'))
  made('Chi2', parameter('df'))
  made('Beta', parameter('concentration1'), parameter('concentration0'))
  made('Dirichlet', parameter('concentration', 'tensor', row))
  made('Weibull', parameter('scale'), parameter('concentration'))
  made('Pareto', parameter('scale'), parameter('alpha'))
  made('FisherSnedecor', parameter('df1'), parameter('df2'))
  made('VonMises', parameter('loc'), parameter('concentration'))
  made('Kumaraswamy', parameter('concentration1'), parameter('concentration0'))
  made('LogisticNormal', parameter('loc'), parameter('scale'))
  made('LKJCholesky', at('dim', 'int', 3), parameter('concentration', 'tensor|number?'))
  const chances = [parameter('probs', 'tensor|number?|null'), at('logits', 'tensor|number?|null', null)]
  for (const name of ['Bernoulli', 'Geometric']) made(name, ...chances)
  made(
    'ContinuousBernoulli',
    ...chances,
    at('lims', 'numbers?', () => [0.4, 0.6]),
  )
  const temperature = parameter('temperature')
  for (const name of ['LogitRelaxedBernoulli', 'RelaxedBernoulli']) made(name, temperature, ...chances)
  const total = parameter('totalCount', 'tensor|number?', 3)
  made('Binomial', total, ...chances)
  made('NegativeBinomial', { ...total, kind: 'tensor|number' }, ...chances)
  const classes = [at('probs', 'tensor?|null', vector), at('logits', 'tensor?|null', null)]
  for (const name of ['Categorical', 'OneHotCategorical', 'OneHotCategoricalStraightThrough']) made(name, ...classes)
  made('Multinomial', at('totalCount', 'int?', 3), ...classes)
  for (const name of ['ExpRelaxedCategorical', 'RelaxedOneHotCategorical']) made(name, temperature, ...classes)
  const matrices = [
    at('covarianceMatrix', 'tensor?|null', () => eye(2)),
    at('precisionMatrix', 'tensor?|null', null),
    at('scaleTril', 'tensor?|null', null),
  ]
  made('MultivariateNormal', at('loc', 'tensor', row), ...matrices)
  made('Wishart', parameter('df', 'tensor|number', 3), ...matrices)
  made(
    'LowRankMultivariateNormal',
    at('loc', 'tensor', row),
    at('covFactor', 'tensor', () => ones(2, 1)),
    at('covDiag', 'tensor', vector),
  )
  const normals = (): unknown => new distributions.Normal(vector(), 1)
  made('Independent', at('baseDistribution', 'distribution', normals), at('reinterpretedBatchNdims', 'int', 1))
  made_(
    'distributions.MixtureSameFamily',
    D.MixtureSameFamily,
    [
      at('mixtureDistribution', 'distribution', () => new distributions.Categorical(vector())),
      at('componentDistribution', 'distribution', normals),
      validate,
    ],
    { words: /Mixture|Component/ },
  )
  const exp = (): unknown => new distributions.ExpTransform()
  made(
    'TransformedDistribution',
    at('baseDistribution', 'distribution', normals),
    at('transforms', 'transform|list', exp),
  )
  const names = 'Exp Sigmoid Softplus Tanh Abs Softmax StickBreaking LowerCholesky CorrCholesky'.split(' ')
  for (const name of names) made_(`distributions.${name}Transform`, D[`${name}Transform`], [cache], rest)
  const transform = (name: string, ...params: readonly Param[]): void =>
    made_(`distributions.${name}Transform`, D[`${name}Transform`], [...params, cache], rest)
  transform('Power', parameter('exponent'))
  transform('Affine', parameter('loc'), parameter('scale'), at('eventDim', 'int?', 0))
  transform(
    'Reshape',
    at('inShape', 'ints', () => [4]),
    at('outShape', 'ints', () => [2, 2]),
  )
  transform(
    'Compose',
    at('parts', 'list', () => [exp()]),
  )
  const pieces = at('tseq', 'list', () => [exp()])
  const along = at('dim', 'int?', 0)
  transform(
    'Cat',
    pieces,
    along,
    at('lengths', 'ints?|null', () => [1]),
  )
  transform('Stack', pieces, along)
  transform('CumulativeDistribution', at('distribution', 'distribution', normals))
  transform('Independent', at('baseTransform', 'transform', exp), at('reinterpretedBatchNdims', 'int', 1))
  const { constraints } = D
  const bounded = (name: string, ...params: readonly Param[]): void =>
    add(`distributions.constraints.${name}`, constraints[name], params, rest)
  const low = parameter('bound')
  for (const name of ['greaterThan', 'greaterThanEq', 'lessThan']) bounded(name, low)
  for (const name of ['interval', 'halfOpenInterval', 'integerInterval'])
    bounded(name, parameter('lowerBound'), parameter('upperBound'))
  bounded('multinomial', at('upperBound', 'number', 3))
  const real = at('constraint', 'constraint', constraints.real)
  bounded('isDependent', real)
  bounded('independent', { ...real, name: 'baseConstraint' }, at('reinterpretedBatchNdims', 'int', 1))
  const cseq = at('cseq', 'list', () => [constraints.real])
  bounded(
    'cat',
    cseq,
    along,
    at('lengths', 'ints?|null', () => [1]),
  )
  bounded('stack', cseq, along)
  for (const name of ['bijectTo', 'transformTo']) add(`distributions.${name}`, D[name], [real], rest)
  const pair = [at('p', 'distribution', normals), at('q', 'distribution', normals)]
  add('distributions.klDivergence', D.klDivergence, pair)
  add('distributions.registerKl', D.registerKl, [
    at('typeP', 'class', () => class extends distributions.Normal {}),
    at('typeQ', 'class', () => class extends distributions.Normal {}),
    at('fun', 'fn', () => () => ones(1)),
  ])
  for (const name of ['Distribution', 'ExponentialFamily', 'Transform', 'Constraint'])
    exempt.set(name, 'a class that users extend')
}

/** The methods. */
export function addMembersOfDistributions(): void {
  const p = (): unknown => new distributions.Normal(vector(), 1)
  const shape = at('sampleShape', 'ints?', () => [2])
  const value = at('value', 'tensor', row)
  const bad = {
    ...rest,
    words: /value argument|broadcastable|support|right-most|device|disposed|dtype|implemented|size/,
  }
  for (const name of ['sample', 'rsample']) on(`Distribution.${name}`, p, [shape])
  on('Distribution.sampleN', p, [at('n', 'int', 2)])
  on('Distribution.expand', p, [at('batchShape', 'ints', () => [3, 2])], {
    words: /expanded|batch_shape|shape|dimension/,
  })
  on('Distribution.enumerateSupport', () => new distributions.Bernoulli(vector()), [at('expand', 'bool?', false)])
  add('Distribution.setDefaultValidateArgs', D.Distribution.setDefaultValidateArgs.bind(D.Distribution), [
    at('value', 'bool', true),
  ])
  for (const name of ['logProb', 'cdf', 'icdf']) on(`Distribution.${name}`, p, [value], bad)

  const kept = at('cacheSize', 'int?', 1)
  const sizes = at('shape', 'ints', () => [4])
  const affine = (): unknown => new distributions.AffineTransform(1, 2)
  const ofShape = { words: /shape|dimensions|size/ }
  for (const key of ['forwardShape', 'inverseShape']) on(`Transform.${key}`, affine, [sizes], ofShape)
  const x = at('x', 'tensor', row)
  const y = at('y', 'tensor', row)
  on('Transform.forward', affine, [x], bad)
  on('Transform.inverse', affine, [y], bad)
  on('Transform.logAbsDetJacobian', affine, [x, y], bad)
  on('Transform.withCache', affine, [kept], { words: /cache_size/ })
  on('Transform.equals', affine, [at('other', 'any|copied', affine)])
  add('ConstraintRegistry.register', D.bijectTo.register, [
    at('constraint', 'constraint', D.constraints.boolean),
    at('factory', 'fn?', () => () => new D.ExpTransform()),
  ])
  on('Constraint.check', () => D.constraints.positive, [at('value', 'tensor', T)], { words: /input/ })
}
