#!/usr/bin/env python3
"""Writes packages/core/test/golden/distributions.json: PyTorch's distributions, transforms, constraints and divergences.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/distributions.py

A distribution is described by its class and arguments: numbers, {"tensor": nested lists}, {"of": class, "args", "named"}
and lists. The test builds it from the same description.
families     for each description and dtype: what it prints, shapes, samples after manual_seed(0) and the number drawn
             afterwards; in float64 (float32 if there are only numbers) also gradients of rsample and log_prob by the
             tensors in the description, moments, cdf, icdf, entropy, an expanded distribution; null where PyTorch
             raises NotImplementedError
divergences  by the names of two of `members`: KL(p || q), or the error
transforms   values, inverses and Jacobians
constraints  what they print and find
mistakes     class and message of errors
"""
import json
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.distributions as D  # noqa: E402
from format import data_of, dtype_name, write  # noqa: E402

warnings.simplefilter('ignore')


def T(*data):
    return {'tensor': list(data)}


def of(name, *args, **named):
    return {'of': name, 'args': list(args), **({'named': named} if named else {})}


PAIR = T(0.5, 2.0)
NORMALS = of('Normal', T(-1.0, 0.5, 3.0), T(0.5, 1.0, 2.0))
families = {
    'Normal': [of('Normal', 0.5, 2.0), of('Normal', T([0.5], [-1.0]), PAIR)],
    'Laplace': [of('Laplace', 0.5, 2.0), of('Laplace', T(0.5, -1.0), PAIR)],
    'Cauchy': [of('Cauchy', 0.5, 2.0), of('Cauchy', T(0.5, -1.0), PAIR)],
    'Uniform': [of('Uniform', -1.0, 2.0), of('Uniform', T(0.5, -1.0), T(0.75, 3.0))],
    'Exponential': [of('Exponential', 2.0), of('Exponential', PAIR)],
    'StudentT': [of('StudentT', 3.0), of('StudentT', T(0.5, 1.5, 4.0), T(0.5, -1.0, 1.0), 2.0)],
    'Gamma': [of('Gamma', 2.5, 0.5), of('Gamma', T(0.3, 1.0, 20.0), T(0.5, 2.0, 1.0))],
    'Chi2': [of('Chi2', 3.0), of('Chi2', PAIR)],
    'Beta': [of('Beta', 2.0, 0.5), of('Beta', T(0.5, 1.5, 9.0), T(0.4, 3.0, 8.0))],
    'Dirichlet': [of('Dirichlet', T(0.5, 1.5, 9.0)), of('Dirichlet', T([0.5, 0.25], [3.0, 4.0]))],
    'Bernoulli': [of('Bernoulli', 0.3), of('Bernoulli', T(0.5, 0.25)), of('Bernoulli', logits=T(0.5, -1.0))],
    'Geometric': [of('Geometric', 0.3), of('Geometric', T(0.5, 0.25)), of('Geometric', logits=T(0.5, -1.0))],
    'Binomial': [of('Binomial', 10, 0.3), of('Binomial', T(3.0, 40.0), T(0.5, 0.25)), of('Binomial', 4, logits=T(0.5, -1.0))],
    'NegativeBinomial': [of('NegativeBinomial', 3, 0.3), of('NegativeBinomial', T(3.0, 4.0), logits=T(0.5, -1.0))],
    'Poisson': [of('Poisson', 2.5), of('Poisson', T(0.5, 40.0))],
    'Categorical': [of('Categorical', T(1.0, 2.0, 5.0)), of('Categorical', logits=T([0.5, -1.0, 2.0], [0.0, 0.0, 1.0]))],
    'OneHotCategorical': [of('OneHotCategorical', T([1.0, 2.0, 5.0], [3.0, 2.0, 1.0])), of('OneHotCategorical', logits=T(0.5, -1.0))],
    'OneHotCategoricalStraightThrough': [of('OneHotCategoricalStraightThrough', T([1.0, 2.0, 5.0], [3.0, 2.0, 1.0]))],
    'Multinomial': [of('Multinomial', 5, T(1.0, 2.0, 5.0)), of('Multinomial', 3, logits=T([0.5, -1.0], [0.0, 1.0]))],
    'LogNormal': [of('LogNormal', 0.5, 0.75), of('LogNormal', T(0.5, -1.0), T(0.5, 1.0))],
    'Gumbel': [of('Gumbel', 0.5, 2.0), of('Gumbel', T(0.5, -1.0), PAIR)],
    'HalfNormal': [of('HalfNormal', 2.0), of('HalfNormal', PAIR)],
    'HalfCauchy': [of('HalfCauchy', 2.0), of('HalfCauchy', PAIR)],
    'Weibull': [of('Weibull', 2.0, 1.5), of('Weibull', PAIR, T(1.5, 3.0))],
    'Pareto': [of('Pareto', 2.0, 3.0), of('Pareto', PAIR, T(1.5, 3.0))],
    'MultivariateNormal': [
        of('MultivariateNormal', T(0.5, -1.0), T([2.0, 0.5], [0.5, 1.0])),
        of('MultivariateNormal', T([0.5, -1.0], [0.0, 2.0]), scale_tril=T([2.0, 0.0], [0.5, 1.0])),
        of('MultivariateNormal', T(0.5, -1.0), precision_matrix=T([[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.25], [0.25, 3.0]])),
    ],
    'Independent': [of('Independent', of('Normal', T([0.5, 1.0], [-1.0, 2.0]), 2.0), 1), of('Independent', of('Bernoulli', T(0.5, 0.25)), 1)],
    'MixtureSameFamily': [
        of('MixtureSameFamily', of('Categorical', T(1.0, 2.0, 5.0)), NORMALS),
        of('MixtureSameFamily', of('Categorical', logits=T(0.5, -1.0)), of('Independent', of('Normal', T([0.5, 1.0], [-1.0, 2.0]), 2.0), 1)),
    ],
    'TransformedDistribution': [
        of('TransformedDistribution', of('Normal', 0.0, 1.0), [of('AffineTransform', 1.0, -2.0), of('SigmoidTransform')]),
        of('TransformedDistribution', of('Normal', T(0.5, 1.0), T(1.0, 2.0)), [of('AffineTransform', T(1.0, 3.0), 2.0), of('ExpTransform')]),
        of('TransformedDistribution', of('Normal', T(0.5, 1.0), 1.0), [of('TanhTransform'), of('PowerTransform', 3.0)][:1]),
        of('TransformedDistribution', of('Normal', T(0.5, 1.0), 1.0), of('StickBreakingTransform')),
        of('TransformedDistribution', of('Uniform', T(0.0, 0.0), 1.0), [of('SigmoidTransform'), of('IndependentTransform', of('ExpTransform'), 1)]),
    ],
    'FisherSnedecor': [of('FisherSnedecor', 3.0, 5.0), of('FisherSnedecor', T(1.0, 2.5, 6.0), T(4.5, 3.0, 1.5))],
    'VonMises': [of('VonMises', 1.0, 4.0), of('VonMises', T(0.5, -1.0), T(0.5, 9.0))],
    'ContinuousBernoulli': [
        of('ContinuousBernoulli', 0.3),
        of('ContinuousBernoulli', T(0.5, 0.25, 0.9)),
        of('ContinuousBernoulli', logits=T(0.5, -1.0)),
        of('ContinuousBernoulli', T(0.5, 0.25), lims=[0.2, 0.6]),
    ],
    'Kumaraswamy': [of('Kumaraswamy', 2.0, 0.5), of('Kumaraswamy', T(0.5, 1.5, 3.0), T(0.4, 3.0, 1.0))],
    'LogisticNormal': [of('LogisticNormal', 0.5, 0.75), of('LogisticNormal', T([0.5, -1.0], [0.0, 2.0]), T(0.5, 1.0))],
    'LKJCholesky': [of('LKJCholesky', 3, 0.5), of('LKJCholesky', 3, T(0.5, 2.0)), of('LKJCholesky', 2)],
    'LogitRelaxedBernoulli': [of('LogitRelaxedBernoulli', T(0.5), 0.3), of('LogitRelaxedBernoulli', T(2.0), logits=T(0.5, -1.0))],
    'RelaxedBernoulli': [of('RelaxedBernoulli', T(0.5), T(0.3, 0.6)), of('RelaxedBernoulli', T(2.0), logits=T(0.5, -1.0))],
    'ExpRelaxedCategorical': [of('ExpRelaxedCategorical', T(0.5), T(1.0, 2.0, 5.0))],
    'RelaxedOneHotCategorical': [
        of('RelaxedOneHotCategorical', T(1.5), T(1.0, 2.0, 5.0)),
        of('RelaxedOneHotCategorical', T(0.75), logits=T([0.5, -1.0], [0.0, 2.0])),
    ],
    'LowRankMultivariateNormal': [
        of('LowRankMultivariateNormal', T(0.5, -1.0, 0.25), T([2.0], [0.5], [1.0]), T(0.5, 1.0, 2.0)),
        of('LowRankMultivariateNormal', T([0.5, -1.0], [0.0, 2.0]), T([2.0, 0.5], [0.5, -1.0]), T(0.5, 1.0)),
    ],
    'Wishart': [
        of('Wishart', 3.0, T([2.0, 0.5], [0.5, 1.0])),
        of('Wishart', T(2.5, 6.0), scale_tril=T([[2.0]], [[0.5]])),
        of('Wishart', T(4.5), precision_matrix=T([[2.0, 0.5], [0.5, 1.0]], [[1.0, 0.25], [0.25, 3.0]])),
    ],
}

members = {
    'bernoulli': of('Bernoulli', T(0.3, 0.6)),
    'bernoulli of 0 and 1': of('Bernoulli', T(0.0, 1.0)),
    'beta': of('Beta', T(2.0, 0.5), T(1.5, 3.0)),
    'beta 2': of('Beta', T(1.0, 0.75), T(2.5, 3.5)),
    'binomial': of('Binomial', T(5.0, 7.0), T(0.3, 0.6)),
    'binomial 2': of('Binomial', T(5.0, 6.0), T(0.2, 0.6)),
    'categorical': of('Categorical', T(1.0, 2.0, 0.0)),
    'categorical 2': of('Categorical', T(1.0, 2.0, 3.0)),
    'cauchy': of('Cauchy', T(0.5, -1.0), PAIR),
    'chi2': of('Chi2', T(3.0, 4.0)),
    'continuous bernoulli': of('ContinuousBernoulli', T(0.3, 0.6)),
    'continuous bernoulli 2': of('ContinuousBernoulli', T(0.5, 0.2)),
    'dirichlet': of('Dirichlet', T(0.5, 1.5)),
    'dirichlet 2': of('Dirichlet', T(2.5, 1.5)),
    'exponential': of('Exponential', PAIR),
    'gamma': of('Gamma', T(0.3, 2.0), PAIR),
    'geometric': of('Geometric', T(0.3, 0.6)),
    'gumbel': of('Gumbel', T(0.5, -1.0), PAIR),
    'half cauchy': of('HalfCauchy', PAIR),
    'half normal': of('HalfNormal', PAIR),
    'independent': of('Independent', of('Normal', T(0.5, 1.0), 2.0), 1),
    'independent 2': of('Independent', of('Normal', T(0.25, 1.5), 1.0), 1),
    'laplace': of('Laplace', T(0.5, -1.0), PAIR),
    'log normal': of('LogNormal', T(0.5, -1.0), PAIR),
    'low rank': of('LowRankMultivariateNormal', T(0.5, -1.0), T([2.0], [0.5]), T(0.5, 1.0)),
    'low rank 2': of('LowRankMultivariateNormal', T(0.0, 1.0), T([1.0], [-0.5]), T(2.0, 0.25)),
    'multivariate': of('MultivariateNormal', T(0.5, -1.0), T([2.0, 0.5], [0.5, 1.0])),
    'multivariate 2': of('MultivariateNormal', T(0.0, 1.0), T([1.0, -0.5], [-0.5, 2.0])),
    'normal': of('Normal', T(0.5, -1.0), PAIR),
    'normal 2': of('Normal', 0.25, 1.5),
    'one hot': of('OneHotCategorical', T(1.0, 2.0, 3.0)),
    'pareto': of('Pareto', PAIR, T(1.5, 3.0)),
    'pareto 2': of('Pareto', 0.75, 2.0),
    'poisson': of('Poisson', T(0.5, 3.0)),
    'student': of('StudentT', 3.0),
    'uniform': of('Uniform', T(0.25, 0.75), T(0.75, 2.0)),
    'uniform 2': of('Uniform', -1.0, 3.0),
    'uniform 3': of('Uniform', T(0.125, 0.25), T(0.75, 0.875)),
    'weibull': of('Weibull', PAIR, T(1.5, 3.0)),
    'wishart': of('Wishart', 3.0, T([2.0, 0.5], [0.5, 1.0])),
    'wishart 2': of('Wishart', 4.5, T([1.0, -0.5], [-0.5, 2.0])),
}

X = T([0.5, -1.0], [2.0, 0.25])
POSITIVE = T([0.5, 1.0], [2.0, 0.25])
transforms = [
    [of('ExpTransform'), X],
    [of('PowerTransform', 3.0), POSITIVE],
    [of('PowerTransform', T(0.5, 2.0)), POSITIVE],
    [of('SigmoidTransform'), X],
    [of('SigmoidTransform'), T(-200.0, 200.0)],
    [of('SoftplusTransform'), X],
    [of('TanhTransform'), X],
    [of('AbsTransform'), X],
    [of('AffineTransform', 1.0, -2.0), X],
    [of('AffineTransform', T(1.0, 2.0), T(-2.0, 3.0), 1), X],
    [of('SoftmaxTransform'), X],
    [of('StickBreakingTransform'), X],
    [of('LowerCholeskyTransform'), X],
    [of('ReshapeTransform', [2, 2], [4]), X],
    [of('ComposeTransform', [of('AffineTransform', 1.0, 2.0), of('ExpTransform')]), X],
    [of('ComposeTransform', [of('ExpTransform'), of('StickBreakingTransform')]), X],
    [of('IndependentTransform', of('TanhTransform'), 1), X],
    [of('CatTransform', [of('ExpTransform'), of('AffineTransform', 1.0, -2.0)], 1), X],
    [of('CatTransform', [of('ExpTransform'), of('TanhTransform')], -1, [2, 1]), T([0.5, -1.0, 0.25], [2.0, 0.25, 1.0])],
    [of('CatTransform', [of('IndependentTransform', of('ExpTransform'), 1), of('TanhTransform')], 0), X],
    [of('StackTransform', [of('ExpTransform'), of('AffineTransform', 1.0, -2.0)], 1), X],
    [of('StackTransform', [of('ExpTransform'), of('TanhTransform')]), X],
    [of('CorrCholeskyTransform'), T([0.5, -1.0, 0.25], [2.0, 0.25, -1.5])],
    [of('CorrCholeskyTransform'), T([0.5])],
    [of('CumulativeDistributionTransform', of('Normal', 0.5, 2.0)), X],
]
X = [of('constraints.positive'), of('constraints.unit_interval')]
# What the registries make of constraints, with the same input.
registered = [
    'real', 'real_vector', 'positive', 'nonnegative', 'unit_interval', 'simplex', 'lower_cholesky', 'corr_cholesky',
    'positive_definite', 'boolean', ['greater_than', 2.0], ['greater_than_eq', T(1.0)], ['less_than', 2.0], ['interval', 1.0, 3.0],
    ['half_open_interval', T(1.0), 3.0], ['interval', 0.0, T(3.0)], ['cat', X, -1, [2, 1]], ['stack', X, -2],
    ['independent', of('constraints.positive'), 1],
]

ROWS = T([0.0, 1.0], [0.5, 0.5], [1.0, -1.0], [float('nan'), 2.0], [2.0, 3.0])
MATRICES = T([[1.0, 0.0], [0.5, 2.0]], [[1.0, 0.5], [0.5, 2.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [1.0, 1.0]])
SYMMETRIC = T([[1.0, 0.5], [0.5, 2.0]], [[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]])
constraints = [
    ['boolean', [], ROWS], ['dependent', [], None], ['greater_than', [0.5], ROWS], ['greater_than_eq', [0.5], ROWS],
    ['half_open_interval', [0.0, 1.0], ROWS], ['independent', [of('constraints.real'), 1], ROWS], ['integer_interval', [0, 2], ROWS],
    ['interval', [0.0, T(1.0, 0.5)], ROWS], ['less_than', [1.0], ROWS], ['lower_cholesky', [], MATRICES],
    ['lower_triangular', [], MATRICES], ['multinomial', [3], ROWS], ['nonnegative', [], ROWS], ['nonnegative_integer', [], ROWS],
    ['one_hot', [], ROWS], ['positive', [], ROWS], ['positive_definite', [], SYMMETRIC], ['positive_integer', [], ROWS],
    ['real', [], ROWS], ['real_vector', [], ROWS], ['simplex', [], ROWS], ['square', [], MATRICES], ['symmetric', [], MATRICES],
    ['unit_interval', [], ROWS], ['corr_cholesky', [], T([[1.0, 0.0], [0.6, 0.8]], [[1.0, 0.0], [0.5, 0.5]], [[1.0, 0.5], [0.6, 0.8]])],
    ['positive_semidefinite', [], SYMMETRIC], ['positive_semidefinite', [], MATRICES],
    ['cat', [[of('constraints.positive'), of('constraints.real')], 1], ROWS], ['cat', [[of('constraints.positive'), of('constraints.boolean')], -2, [2, 3]], ROWS],
    ['stack', [[of('constraints.positive'), of('constraints.unit_interval')], -1], ROWS], ['stack', [[of('constraints.real_vector')], 0], T([0.5, -1.0])],
]

ones = torch.ones(3)
nan = float('nan')
mistakes = {
    'Normal(0, -1)': lambda: D.Normal(0.0, -1.0),
    'Normal([0, 1], [1, 0])': lambda: D.Normal(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0])),
    'Normal(NaN, 1)': lambda: D.Normal(nan, 1.0),
    "Normal('a', 1)": lambda: D.Normal('a', 1.0),
    'Normal of other shapes': lambda: D.Normal(torch.zeros(2), torch.ones(3)),
    'Normal.logProb(NaN)': lambda: D.Normal(0.0, 1.0).log_prob(torch.tensor(nan)),
    'Normal.logProb(1)': lambda: D.Normal(0.0, 1.0).log_prob(1.0),
    'Normal.logProb of another shape': lambda: D.Normal(torch.zeros(2), 1.0).log_prob(ones),
    'Laplace(0, 0)': lambda: D.Laplace(0.0, 0.0),
    'Cauchy(0, -2)': lambda: D.Cauchy(0.0, -2.0),
    'Uniform(1, 0)': lambda: D.Uniform(1.0, 0.0),
    'Uniform.logProb(2)': lambda: D.Uniform(0.0, 1.0).log_prob(torch.tensor(2.0)),
    'Exponential(-1)': lambda: D.Exponential(-1.0),
    'Exponential.logProb(-1)': lambda: D.Exponential(1.0).log_prob(torch.tensor([1.0, -1.0])),
    'StudentT(-1)': lambda: D.StudentT(-1.0),
    'Gamma(1, 0)': lambda: D.Gamma(1.0, 0.0),
    'Chi2(-1)': lambda: D.Chi2(-1.0),
    'Beta(-1, 1)': lambda: D.Beta(-1.0, 1.0),
    'Beta.logProb(2)': lambda: D.Beta(1.0, 1.0).log_prob(torch.tensor(2.0)),
    'Dirichlet(-1, 1)': lambda: D.Dirichlet(torch.tensor([-1.0, 1.0])),
    'Dirichlet of a number': lambda: D.Dirichlet(torch.tensor(1.0)),
    'Dirichlet.logProb of another sum': lambda: D.Dirichlet(ones).log_prob(ones),
    'Dirichlet.logProb of another size': lambda: D.Dirichlet(ones).log_prob(torch.ones(2) / 2),
    'Bernoulli(2)': lambda: D.Bernoulli(2.0),
    'Bernoulli()': lambda: D.Bernoulli(),
    'Bernoulli of both': lambda: D.Bernoulli(0.5, 0.5),
    'Bernoulli.logProb(0.5)': lambda: D.Bernoulli(0.5).log_prob(torch.tensor(0.5)),
    'Geometric(0)': lambda: D.Geometric(torch.tensor([0.0, 0.5])),
    'Binomial(-1, 0.5)': lambda: D.Binomial(-1, 0.5),
    'Binomial.logProb(4)': lambda: D.Binomial(3, 0.5).log_prob(torch.tensor(4.0)),
    'Binomial.entropy of several counts': lambda: D.Binomial(torch.tensor([3.0, 4.0]), 0.5).entropy(),
    'NegativeBinomial(3, 1)': lambda: D.NegativeBinomial(3, 1.0),
    'Poisson(-1)': lambda: D.Poisson(-1.0),
    'Poisson.logProb(0.5)': lambda: D.Poisson(1.0).log_prob(torch.tensor(0.5)),
    'Categorical(-1, 2)': lambda: D.Categorical(torch.tensor([-1.0, 2.0])),
    'Categorical of a number': lambda: D.Categorical(torch.tensor(1.0)),
    'Categorical of NaN logits': lambda: D.Categorical(logits=torch.tensor([nan, 1.0])),
    'Categorical.logProb(3)': lambda: D.Categorical(ones).log_prob(torch.tensor(3)),
    'OneHotCategorical.logProb': lambda: D.OneHotCategorical(ones).log_prob(ones),
    'Multinomial.logProb': lambda: D.Multinomial(2, ones).log_prob(ones),
    'LogNormal(0, -1)': lambda: D.LogNormal(0.0, -1.0),
    'LogNormal.logProb(-1)': lambda: D.LogNormal(0.0, 1.0).log_prob(torch.tensor(-1.0)),
    'Gumbel(0, -1)': lambda: D.Gumbel(0.0, -1.0),
    'HalfNormal(-1)': lambda: D.HalfNormal(-1.0),
    'HalfCauchy(-1)': lambda: D.HalfCauchy(-1.0),
    'Weibull(-1, 1)': lambda: D.Weibull(-1.0, 1.0),
    'Pareto(1, -1)': lambda: D.Pareto(1.0, -1.0),
    'Pareto.logProb(0.5)': lambda: D.Pareto(1.0, 1.0).log_prob(torch.tensor(0.5)),
    'MultivariateNormal(0)': lambda: D.MultivariateNormal(torch.tensor(0.0), torch.eye(1)),
    'MultivariateNormal without a matrix': lambda: D.MultivariateNormal(ones),
    'MultivariateNormal of a vector': lambda: D.MultivariateNormal(ones, ones),
    'MultivariateNormal, not definite': lambda: D.MultivariateNormal(torch.zeros(2), torch.tensor([[1.0, 2.0], [2.0, 1.0]])),
    'FisherSnedecor(-1, 1)': lambda: D.FisherSnedecor(-1.0, 1.0),
    'VonMises(0, -1)': lambda: D.VonMises(0.0, -1.0),
    'ContinuousBernoulli()': lambda: D.ContinuousBernoulli(),
    'ContinuousBernoulli(2)': lambda: D.ContinuousBernoulli(2.0, validate_args=True),
    'ContinuousBernoulli.logProb(2)': lambda: D.ContinuousBernoulli(0.5).log_prob(torch.tensor(2.0)),
    'Kumaraswamy(1, -1)': lambda: D.Kumaraswamy(1.0, -1.0),
    'LogisticNormal(0, -1)': lambda: D.LogisticNormal(0.0, -1.0),
    'LogisticNormal.logProb': lambda: D.LogisticNormal(torch.zeros(2), 1.0).log_prob(ones),
    'LKJCholesky(1)': lambda: D.LKJCholesky(1),
    'LKJCholesky(3, -1)': lambda: D.LKJCholesky(3, -1.0),
    'LKJCholesky.logProb': lambda: D.LKJCholesky(3).log_prob(2 * torch.eye(3)),
    'RelaxedBernoulli()': lambda: D.RelaxedBernoulli(torch.tensor(1.0)),
    'RelaxedBernoulli(1, 2)': lambda: D.RelaxedBernoulli(torch.tensor(1.0), 2.0),
    'RelaxedOneHotCategorical(1, -1)': lambda: D.RelaxedOneHotCategorical(torch.tensor(1.0), torch.tensor([-1.0, 1.0])),
    'RelaxedOneHotCategorical.logProb': lambda: D.RelaxedOneHotCategorical(torch.tensor(1.0), ones).log_prob(ones),
    'LowRankMultivariateNormal(0)': lambda: D.LowRankMultivariateNormal(torch.tensor(0.0), torch.eye(1), torch.ones(1)),
    'LowRankMultivariateNormal of a vector': lambda: D.LowRankMultivariateNormal(ones, ones, ones),
    'LowRankMultivariateNormal of other rows': lambda: D.LowRankMultivariateNormal(ones, torch.ones(2, 1), ones),
    'LowRankMultivariateNormal of another diagonal': lambda: D.LowRankMultivariateNormal(ones, torch.ones(3, 1), torch.ones(2)),
    'LowRankMultivariateNormal of other batches': lambda: D.LowRankMultivariateNormal(torch.ones(2, 3), torch.ones(4, 3, 1), ones),
    'LowRankMultivariateNormal(-1)': lambda: D.LowRankMultivariateNormal(ones, torch.zeros(3, 1), -ones),
    'Wishart(1, eye(2))': lambda: D.Wishart(1, torch.eye(2)),
    'Wishart without a matrix': lambda: D.Wishart(3),
    'Wishart of a vector': lambda: D.Wishart(3, ones),
    'Wishart.logProb': lambda: D.Wishart(3, torch.eye(2)).log_prob(-torch.eye(2)),
    'bijectTo(positiveDefinite)': lambda: D.biject_to(D.constraints.positive_definite),
    'transformTo(dependent)': lambda: D.transform_to(D.constraints.dependent),
    'register(1)': lambda: D.biject_to.register(1, lambda c: D.ExpTransform()),
    'CorrCholeskyTransform of two': lambda: D.CorrCholeskyTransform()(torch.zeros(2)),
    'Independent of too many': lambda: D.Independent(D.Normal(ones, 1.0), 2),
    'MixtureSameFamily of a number': lambda: D.MixtureSameFamily(1, D.Normal(ones, 1.0)),
    'MixtureSameFamily of another number': lambda: D.MixtureSameFamily(D.Categorical(torch.ones(2)), D.Normal(ones, 1.0)),
    'TransformedDistribution of a number': lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), [1]),
    'StickBreakingTransform of a number': lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), D.StickBreakingTransform()),
    'ReshapeTransform of other sizes': lambda: D.ReshapeTransform([2, 3], [4]),
    'ExpTransform of a large cache': lambda: D.ExpTransform(cache_size=2),
}


# Classes that PyTorch does not export beside the others.
hidden = {'LogitRelaxedBernoulli': D.relaxed_bernoulli, 'ExpRelaxedCategorical': D.relaxed_categorical}


def build(spec, dtype, leaves=None):
    if isinstance(spec, dict) and 'tensor' in spec:
        x = torch.tensor(spec['tensor'], dtype=dtype)
        if leaves is not None:
            leaves.append(x.requires_grad_())
        return x
    if isinstance(spec, list):
        return [build(s, dtype, leaves) for s in spec]
    if not isinstance(spec, dict):
        return spec
    args = [build(a, dtype, leaves) for a in spec['args']]
    named = {k: build(a, dtype, leaves) for k, a in spec.get('named', {}).items()}
    name = spec['of']
    if name.startswith('constraints.'):
        return getattr(D.constraints, name[12:])
    return getattr(hidden.get(name, D), name)(*args, **named)


def text(x):
    """Python prints the class of an inverse transform as it is."""
    return repr(x)


def plain(x):
    return {'shape': list(x.shape), 'dtype': dtype_name(x), 'data': data_of(x)}


def tried(call):
    try:
        return plain(call())
    except NotImplementedError:
        return None


def weights(x):
    return torch.tensor([((7 * i + 3) % 11 - 5) / 4 for i in range(x.numel())], dtype=x.dtype).reshape(x.shape)


def gradients(y, leaves):
    if not leaves or not y.requires_grad:
        return None
    found = torch.autograd.grad((y * weights(y)).sum(), leaves, allow_unused=True, retain_graph=True)
    return [None if g is None else data_of(g) for g in found]


def family(spec, dtype):
    leaves = []
    d = build(spec, dtype, leaves)
    out = {'text': text(build(spec, dtype)), 'batch': list(d.batch_shape), 'event': list(d.event_shape)}
    torch.manual_seed(0)
    sample = d.sample([3])
    out['sample'] = plain(sample)
    out['next'] = torch.rand(1).item()
    log_prob = d.log_prob(sample)
    out['logProb'] = plain(log_prob)
    if dtype is torch.float32 and leaves:
        return out
    out['logProbGrads'] = gradients(log_prob, leaves)
    # PyTorch forgets to say so of one class.
    if d.has_rsample or spec['of'] == 'LogitRelaxedBernoulli':
        torch.manual_seed(0)
        # PyTorch cannot differentiate its own draws of one class.
        out['rsampleGrads'] = 'fails' if spec['of'] == 'Wishart' else gradients(d.rsample([2]), leaves)
    for name in ('mean', 'mode', 'variance', 'stddev'):
        out[name] = tried(lambda: getattr(d, name))
    out['entropy'] = tried(d.entropy)
    if out['entropy'] is not None:
        out['entropyGrads'] = gradients(d.entropy(), leaves)
    out['cdf'] = tried(lambda: d.cdf(sample))
    out['icdf'] = tried(lambda: d.icdf(torch.full(d.batch_shape, 0.3, dtype=dtype)))
    out['support'] = text(d.support) if d.event_shape == () and 'tensor' not in text(d.support) else None
    out['values'] = tried(lambda: d.enumerate_support()) if d.has_enumerate_support and 'Binomial' != spec['of'] else None
    wide = d.expand([2, *d.batch_shape])
    torch.manual_seed(1)
    sample = wide.sample()
    out['expanded'] = {'text': text(wide), 'sample': plain(sample), 'logProb': plain(wide.log_prob(sample))}
    return out


def dtypes_of(spec):
    return ('float32', 'float64') if 'tensor' in json.dumps(spec) else ('float32',)


def divergence(p, q):
    try:
        return data_of(D.kl_divergence(build(members[p], torch.float64), build(members[q], torch.float64)))
    except NotImplementedError as e:
        return str(e) or 'NotImplementedError'


def transform(spec, x):
    t = build(spec, torch.float64)
    x = build(x, torch.float64)
    y = t(x)
    jacobian = tried(lambda: t.log_abs_det_jacobian(x, y))
    try:
        sign = t.sign
        sign = data_of(sign) if isinstance(sign, torch.Tensor) else sign
    except NotImplementedError:
        sign = None
    return {
        'of': spec, 'x': plain(x), 'y': plain(y), 'back': plain(t.inv(y)), 'jacobian': jacobian, 'sign': sign,
        'bijective': t.bijective, 'text': [text(t), text(t.inv), text(t.domain), text(t.codomain)],
        'forwardShape': list(t.forward_shape(tuple(x.shape))), 'inverseShape': list(t.inverse_shape(tuple(y.shape))),
    }


def registry(known, named):
    name, *args = named if isinstance(named, list) else [named]
    c = getattr(D.constraints, name)
    if args:
        c = c(*[build(a, torch.float64) for a in args])
    try:
        t = known(c)
    except NotImplementedError as e:
        return str(e)
    y = t(torch.tensor([[0.5, -1.0, 0.25], [2.0, 0.25, 1.0], [-0.5, 0.75, 0.0]], dtype=torch.float64)[: 2 if name == 'stack' else 3])
    return {'text': text(t), 'y': plain(y)}


def constraint(name, args, x):
    c = getattr(D.constraints, name)
    if args:
        c = c(*[build(a, torch.float64) for a in args])
    out = {'name': name, 'args': args, 'text': text(c)}
    if x is not None:
        out.update(x=plain(build(x, torch.float64)), found=plain(c.check(build(x, torch.float64))), discrete=c.is_discrete, eventDim=c.event_dim)
    return out


def error(call):
    try:
        call()
    except Exception as e:  # noqa: BLE001
        return {'error': type(e).__name__, 'message': str(e)}
    return {'error': 'none', 'message': ''}


if __name__ == '__main__':
    out = {
        'families': {
            name: [{'of': spec, **{t: family(spec, getattr(torch, t)) for t in dtypes_of(spec)}} for spec in specs]
            for name, specs in families.items()
        },
        'members': members,
        'divergences': {p: {q: divergence(p, q) for q in members} for p in members},
        'transforms': [transform(*case) for case in transforms],
        'constraints': [constraint(*case) for case in constraints],
        'registered': [{'of': c, 'bijectTo': registry(D.biject_to, c), 'transformTo': registry(D.transform_to, c)} for c in registered],
        'mistakes': {key: error(call) for key, call in mistakes.items()},
    }
    write('packages/core/test/golden/distributions.json', out, depth=2)
