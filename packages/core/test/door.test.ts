// Calls every public function with every argument replaced in turn by wrong values; tools/test/door.ts defines the
// allowed outcomes. The first test fails for a function without an entry.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { autograd, F, nn, optim, Tensor, tensor } from '@flambeau/core'
import { expect, it } from 'vitest'
import { at, by, type Entry, faultsOf, type Param } from '../../../tools/test/door.ts'
import { parameterFaults } from '../../../tools/test/parameters.ts'
import {
  add,
  all,
  type Any,
  both,
  covered,
  device,
  dim,
  dims,
  dtype,
  each,
  entries,
  exempt,
  generator,
  house,
  index,
  indices,
  keepdim,
  leaf,
  made,
  made_,
  mask,
  oneDim,
  op,
  parameter,
  requiresGrad,
  row,
  self,
  size,
  squared,
  T,
  whole,
} from './doors.ts'
import { verdictsOf } from './compiled-doors.ts'
import { byName } from './typed-doors.ts'
import { addDistributions } from './doors-of-distributions.ts'

each(
  'neg square abs sign sqrt rsqrt reciprocal exp expm1 log log1p sin cos tanh erf sigmoid relu floor ceil trunc round logicalNot isnan isfinite',
  self,
)
each('tan sinh cosh atan asinh exp2 lgamma', self)
for (const name of 'asin acos acosh atanh log2 log10 digamma erfinv i0'.split(' '))
  op(name, [self], { nan: 'outside of its domain' })
each('isinf isposinf isneginf signbit sgn frac deg2rad rad2deg sinc erfc frexp positive', self)
both('round', by('decimals', 'int?', 1))
both('nanToNum', at('nan', 'number?|null', 0), at('posinf', 'number?|null', 1), at('neginf', 'number?|null', -1))
both('clampMin', at('min', 'operand', 0))
both('clampMax', at('max', 'operand', 1))
op('logit', [self, at('eps', 'number?|null', 0.1)], { nan: 'outside of its domain' })
op('mvlgamma', [self, at('p', 'int', 1)], { nan: 'outside of its domain' })
op('polygamma', [at('n', 'int', 1), self])
add('x.polygamma', (...args: Any[]) => (T() as Any).polygamma(...args), [at('n', 'int', 1)])
add('x.polygamma_', (...args: Any[]) => (T() as Any).polygamma_(...args), [at('n', 'int', 1)])
for (const name of [
  ...[
    'entr',
    'erfcx',
    'ndtr',
    'ndtri',
    'logNdtr',
    'i0e',
    'i1',
    'i1e',
    'airyAi',
    'besselJ0',
    'besselJ1',
    'besselY0',
    'besselY1',
  ],
  ...['modifiedBesselK0', 'modifiedBesselK1', 'scaledModifiedBesselK0', 'scaledModifiedBesselK1', 'sphericalBesselJ0'],
])
  add(`special.${name}`, (core.special as Any)[name], [self], { nan: 'outside of its domain' })
const polynomials = ['hermitePolynomialH', 'hermitePolynomialHe', 'laguerrePolynomialL', 'legendrePolynomialP']
for (const kind of 'TUVW') polynomials.push(`chebyshevPolynomial${kind}`, `shiftedChebyshevPolynomial${kind}`)
for (const name of [...polynomials, 'zeta'])
  add(
    `special.${name}`,
    (core.special as Any)[name],
    [at('input', 'operand', T), at('other', 'operand', () => T().mul(2).add(2))],
    { nan: 'outside of its domain' },
  )
for (const name of ['igamma', 'igammac'])
  op(name, [self, at('other', 'tensor', T)], { nan: 'outside of its domain', words: /not implemented for/ })
op('bitwiseNot', [at('input', 'tensor', mask)])
each('t contiguous clone detach ravel', self)
const input = at('input', 'operand', T)
const second = at('other', 'operand', T)
each('mul maximum minimum eq ne lt le gt ge logicalAnd logicalOr logicalXor', input, second)
for (const name of ['atan2', 'hypot', 'nextafter', 'copysign', 'fmax', 'fmin', 'heaviside', 'logaddexp', 'logaddexp2'])
  op(name, [input, second])
op('xlogy', [input, second], { nan: 'outside of its domain' })
add('special.xlog1py', core.special.xlog1py, [input, second], { nan: 'outside of its domain' })
op('floatPower', [at('input', 'operand', () => T().double()), at('exponent', 'operand', T)], {
  nan: 'powers of negative numbers',
})
op('rsub', [self, second, by('alpha', 'number?', 2)])
op('lerp', [self, at('end', 'tensor', T), at('weight', 'operand', 0.5)], { nan: 'of infinities' })
for (const name of ['addcmul', 'addcdiv'])
  both(name, at('tensor1', 'tensor', T), at('tensor2', 'tensor', T), by('value', 'number?', 2))
both('ldexp', at('other', 'tensor', T))
const bits = [at('input', 'operand', mask), at('other', 'operand', mask)]
for (const name of ['bitwiseAnd', 'bitwiseOr', 'bitwiseXor']) op(name, bits, { words: /not implemented for/ })
const places = [at('input', 'operand', whole), at('other', 'operand', whole)]
for (const name of ['bitwiseLeftShift', 'bitwiseRightShift', 'gcd', 'lcm'])
  op(name, places, { words: /not implemented for/ })
op('fmod', [input, second], { nan: 'of infinities' })
for (const name of ['floorDivide', 'remainder']) op(name, [input, second], { nan: 'of infinities' })
op('add', [input, second, by('alpha', 'number?', 2)])
op('sub', [input, second, by('alpha', 'number?', 2)])
op('div', [input, second, by('roundingMode', 'text?|null', 'trunc')])
op('pow', [input, at('exponent', 'operand', T)], { nan: 'powers of negative numbers' })
both('leakyRelu', at('negativeSlope', 'number?', 0.1))
both('clamp', at('min', 'bound?|null', 0), at('max', 'bound?|null', 1))
op('where', [at('condition', 'tensor', mask), at('input', 'operand', T), second])
add('x.where', (...args: Any[]) => (T() as Any).where(...args), [at('condition', 'tensor', mask), second])
both('maskedFill', at('mask', 'tensor', mask), at('value', 'scalar|tensor', 1))
both(
  'allclose',
  at('other', 'tensor', T),
  at('rtol', 'number?', 0.1),
  at('atol', 'number?', 0.1),
  at('equalNan', 'bool?', true),
)
both(
  'isclose',
  at('other', 'tensor', T),
  at('rtol', 'number?', 0.1),
  at('atol', 'number?', 0.1),
  at('equalNan', 'bool?', true),
)
both('equal', at('other', 'tensor', T))
op('to', [self, at('other', 'tensor|text|options', 'float64'), by('copy', 'bool?', true)], { words: /to\(\)/ })
add('to with options', core.to, [self, dtype, device, by('copy', 'bool?', true)])
for (const name of 'float double int long byte bool cpu'.split(' '))
  add(`x.${name}`, (...args: Any[]) => (T() as Any)[name](...args), [])
add('x.typeAs', (...args: Any[]) => (T() as Any).typeAs(...args), [at('other', 'tensor', T)])
both('gather', dim1('dim'), index)
function dim1(name: string): Param {
  return at(name, 'int', 0)
}
const src = at('src', 'tensor|scalar', T)
both('scatter', dim1('dim'), index, src, by('reduce', 'text?', 'add'))
op('scatter_', [self, dim1('dim'), index, src, by('reduce', 'text?', 'add')])
both('scatterAdd', dim1('dim'), index, at('src', 'tensor', T))
op('scatterAdd_', [self, dim1('dim'), index, at('src', 'tensor', T)])
const reduced = [
  dim1('dim'),
  index,
  at('src', 'tensor', T),
  at('reduce', 'text', 'sum'),
  by('includeSelf', 'bool?', true),
]
both('scatterReduce', ...reduced)
op('scatterReduce_', [self, ...reduced])
op('at', [self, at('index', 'index|tensor|int', 0)], {
  words: /index|indices|range|slice|data type|infer dtype|dimensions|convert/i,
  open: true,
})
op('setAt', [self, at('index', 'index|tensor|int', 0), at('value', 'scalar|tensor', 1)], {
  words: /index|indices|range|slice|assign|data type|infer dtype|dimensions|convert/i,
})
const put = [
  self,
  at('indices', 'tensors', () => [indices()]),
  at('values', 'tensor', T),
  at('accumulate', 'bool?', true),
]
op('indexPut', put)
op('indexPut_', put)
both('addmm', at('mat1', 'tensor', T), at('mat2', 'tensor', T), by('beta', 'number?', 2), by('alpha', 'number?', 2))
const numberNaN = { nan: 'of infinities' }
for (const name of ['median', 'nanmedian', 'mode']) both(name, name === 'mode' ? dim : oneDim, keepdim)
both('kthvalue', at('k', 'int', 1), dim, keepdim)
for (const name of ['quantile', 'nanquantile'])
  op(name, [self, at('q', 'number|tensor', 0.5), oneDim, keepdim, by('interpolation', 'text?', 'lower')], {
    words: /quantile/,
  })
both('aminmax', by('dim', 'int?|null', 0), by('keepdim', 'bool?', true))
both('countNonzero', dims)
for (const name of ['nansum', 'nanmean']) both(name, dims, keepdim, dtype)
const order = (name: string): Param => at(name, 'number?|null|text', 2)
op('norm', [self, order('p'), dims, keepdim, at('dtype', 'dtype?|null', 'float64')], {
  ...numberNaN,
  words: /norm|fro/,
})
const { linalg } = core as Any
add('linalg.vectorNorm', linalg.vectorNorm, [self, at('ord', 'number?', 2), dims, keepdim, dtype], numberNaN)
add(
  'linalg.matrixNorm',
  linalg.matrixNorm,
  [self, at('ord', 'number?|text', 1), at('dim', 'ints?', () => [0, 1]), keepdim, dtype],
  { words: /norm|dim|Order/ },
)
add(
  'linalg.norm',
  linalg.norm,
  [self, at('ord', 'number?|text|null', 1), at('dim', 'dims?|null', () => [0, 1]), keepdim, dtype],
  {
    ...numberNaN,
    words: /norm|dim|Order/,
  },
)
add('linalg.cross', linalg.cross, [
  at('input', 'tensor', () => core.ones(2, 3)),
  at('other', 'tensor', () => core.ones(2, 3)),
  by('dim', 'int?', 1),
])
add('linalg.vecdot', linalg.vecdot, [self, at('y', 'tensor', T), by('dim', 'int?', 1)])
add('linalg.diagonal', linalg.diagonal, [self, by('offset', 'int?', 0), by('dim1', 'int?', 0), by('dim2', 'int?', 1)])
add('linalg.multiDot', linalg.multiDot, [at('tensors', 'tensors', () => [T(), T()])], { words: /multi_dot/ })
both('dist', at('other', 'tensor', T), at('p', 'number?', 2))
op('renorm', [self, at('p', 'number', 2), dim1('dim'), at('maxnorm', 'number', 1)], numberNaN)
both('logcumsumexp', dim1('dim'))
const flag = (name: string): Param => at(name, 'bool?', true)
both('unique', flag('sorted'), flag('returnInverse'), flag('returnCounts'), oneDim)
both('uniqueConsecutive', flag('returnInverse'), flag('returnCounts'), oneDim)
op('bincount', [at('input', 'tensor', indices), at('weights', 'tensor?|null', row), at('minlength', 'int?', 3)])
both('histc', at('bins', 'int?', 3), at('min', 'number?', 0), at('max', 'number?', 1))
both(
  'histogram',
  at('bins', 'int?|tensor', 3),
  by('range', 'numbers?|null', () => [0, 1]),
  by('weight', 'tensor?|null', T),
  by('density', 'bool?', false),
)
const searching = [by('outInt32', 'bool?', true), by('right', 'bool?', true)]
op(
  'searchsorted',
  [
    at('sortedSequence', 'tensor', row),
    at('input', 'tensor|number', T),
    ...searching,
    by('side', 'text?|null', 'right'),
    by('sorter', 'tensor?|null', indices),
  ],
  { words: /searchsorted/ },
)
op('bucketize', [at('input', 'tensor|number', T), at('boundaries', 'tensor', row), ...searching])
op('isin', [
  at('elements', 'tensor|number', T),
  at('testElements', 'tensor|number', T),
  by('assumeUnique', 'bool?', true),
  by('invert', 'bool?', true),
])
both('diff', at('n', 'int?', 1), dim, at('prepend', 'tensor?|null', T), at('append', 'tensor?|null', T))
for (const name of ['trapezoid', 'cumulativeTrapezoid'])
  op(name, [at('y', 'tensor', T), at('x', 'tensor?|null', row), by('dim', 'int?', 1)])
op(
  'gradient',
  [self, by('spacing', 'number?|tensor|numbers|tensors', 2), by('dim', 'dims?|null', 0), by('edgeOrder', 'int?', 1)],
  { ...numberNaN, words: /gradient/ },
)
both(
  'cov',
  by('correction', 'int?', 0),
  by('fweights', 'tensor?|null', () => indices().add(1)),
  by('aweights', 'tensor?|null', row),
)
both('corrcoef')
both('trace')
op('outer', [at('input', 'tensor', row), at('vec2', 'tensor', row)])
both('inner', at('other', 'tensor', T))
both('kron', at('other', 'tensor', T))
op('cross', [
  at('input', 'tensor', () => core.ones(2, 3)),
  at('other', 'tensor', () => core.ones(2, 3)),
  oneDim3('dim'),
])
function oneDim3(name: string): Param {
  return at(name, 'int?|null', 1)
}
op('matrixPower', [self, at('n', 'int', 2)], { words: /inverse/ })
op('chainMatmul', [at('matrices', 'tensor|tensors', T), at('matrices', 'tensor?', T)], { words: /tensor|matri/i })
op(
  'cdist',
  [at('x1', 'tensor', T), at('x2', 'tensor', T), at('p', 'number?', 2), at('computeMode', 'text?|null', null)],
  {
    ...numberNaN,
    open: true,
  },
)
const scales = [by('beta', 'number?', 2), by('alpha', 'number?', 2)]
op('addmv', [at('input', 'tensor', row), at('mat', 'tensor', T), at('vec', 'tensor', row), ...scales])
both('addr', at('vec1', 'tensor', row), at('vec2', 'tensor', row), ...scales)
const matrices = (name: string): Param => at(name, 'tensor', () => core.ones(1, 2, 2))
both('addbmm', matrices('batch1'), matrices('batch2'), ...scales)
op('baddbmm', [matrices('input'), matrices('batch1'), matrices('batch2'), ...scales])
op('bmm', [at('input', 'tensor', () => core.ones(1, 2, 2)), at('mat2', 'tensor', () => core.ones(1, 2, 2))])
both('mm', at('mat2', 'tensor', T))
both('mv', at('vec', 'tensor', row))
op('dot', [at('input', 'tensor', row), at('tensor', 'tensor', row)])
both('matmul', at('other', 'tensor', T))
op('einsum', [at('equation', 'text|tensor', 'ij,jk->ik'), at('operands', 'tensor', T), at('operands', 'tensor', T)], {
  words: /element|operand|subscript|iterable/,
  open: true,
})
op('tensordot', [self, at('other', 'tensor', T), at('dims', 'int?|list', 1)], {
  words: /dims|unpack|Dimension|dimension/,
})
op('bilinear', [
  at('input1', 'tensor', T),
  at('input2', 'tensor', T),
  at('weight', 'tensor', () => core.ones(2, 2, 2)),
  at('bias', 'tensor?|null', row),
])
const kernel = at('weight', 'tensor', () => core.ones(2, 1, 1))
const signal = at('input', 'tensor', () => core.ones(1, 1, 2))
op('conv1d', [
  signal,
  kernel,
  at('bias', 'tensor?|null', row),
  at('stride', 'dims?', 1),
  at('padding', 'dims?|text', 0),
  at('dilation', 'dims?', 1),
  at('groups', 'int?', 1),
])
op('convTranspose1d', [
  signal,
  at('weight', 'tensor', () => core.ones(1, 2, 1)),
  at('bias', 'tensor?|null', row),
  at('stride', 'dims?', 1),
  at('padding', 'dims?', 0),
  at('outputPadding', 'dims?', 0),
  at('groups', 'int?', 1),
  at('dilation', 'dims?', 1),
])
for (const rank of [2, 3]) {
  const ones = (...sizes: number[]): Any => core.ones(...sizes, ...new Array(rank).fill(1))
  const both = [at('input', 'tensor', () => ones(1, 1)), at('weight', 'tensor', () => ones(1, 1))]
  op(`conv${rank}d`, both)
  op(`convTranspose${rank}d`, both)
}
const numbers = (name: string, good = 1): Param => at(name, 'dims?', good)
const [kernelSize, windowStride] = [at('kernelSize', 'dims', 1), at('stride', 'dims?|null', 1)]
const [ceilMode, returnIndices] = [at('ceilMode', 'bool?', true), at('returnIndices', 'bool?', true)]
const maxWindows = [kernelSize, windowStride, numbers('padding', 0), numbers('dilation')]
const avgWindows = [...maxWindows.slice(0, 3), ceilMode, at('countIncludePad', 'bool?', false)]
const override = at('divisorOverride', 'int?|null', 2)
const outputSize = at('outputSize', 'dims|holes', 1)
for (const rank of [1, 2, 3]) {
  const x = at('input', 'tensor', () => core.ones(1, 1, ...new Array(rank).fill(2)))
  add(`F.maxPool${rank}d`, (F as Any)[`maxPool${rank}d`], [x, ...maxWindows, ceilMode, returnIndices])
  add(`F.avgPool${rank}d`, (F as Any)[`avgPool${rank}d`], [x, ...avgWindows, ...(rank === 1 ? [] : [override])])
  add(`F.adaptiveAvgPool${rank}d`, (F as Any)[`adaptiveAvgPool${rank}d`], [x, outputSize])
  add(`F.adaptiveMaxPool${rank}d`, (F as Any)[`adaptiveMaxPool${rank}d`], [x, outputSize, returnIndices])
  const layer = (name: string, params: readonly Param[]): void =>
    made_(`nn.${name}${rank}d`, (nn as Any)[`${name}${rank}d`], params)
  layer('MaxPool', [...maxWindows, returnIndices, ceilMode])
  layer('AvgPool', [...avgWindows, ...(rank === 1 ? [] : [override])])
  layer('AdaptiveAvgPool', [outputSize])
  layer('AdaptiveMaxPool', [outputSize, returnIndices])
  const places = at('indices', 'tensor', () => core.zeros(1, 1, ...new Array(rank).fill(2), { dtype: 'int32' }))
  const unpooled = at('outputSize', 'ints?|null', () => new Array(rank).fill(2))
  add(`F.maxUnpool${rank}d`, (F as Any)[`maxUnpool${rank}d`], [x, places, ...maxWindows.slice(0, 3), unpooled])
  layer('MaxUnpool', maxWindows.slice(0, 3))
  if (rank < 3) {
    const norm = [at('normType', 'real', 2), kernelSize, windowStride, ceilMode]
    add(`F.lpPool${rank}d`, (F as Any)[`lpPool${rank}d`], [x, ...norm], { nan: 'powers of negative sums' })
    layer('LPPool', norm)
  }
  if (rank > 1) {
    const ratio = at('outputRatio', 'finite?|null|numbers', null)
    const samples = at('_randomSamples', 'tensor?|null', () => core.rand(1, 1, rank))
    const fraction = [kernelSize, at('outputSize', 'dims?|null', 1), ratio, returnIndices, samples]
    add(`F.fractionalMaxPool${rank}d`, (F as Any)[`fractionalMaxPool${rank}d`], [x, ...fraction])
    layer('FractionalMaxPool', fraction)
  }
}
const image = at('input', 'tensor', () => core.ones(1, 1, 2, 2))
const columns = at('input', 'tensor', () => core.ones(1, 1, 4))
const blocks = [kernelSize, numbers('dilation'), numbers('padding', 0), numbers('stride')]
const folded = at('outputSize', 'dims', 2)
add('F.unfold', F.unfold, [image, ...blocks])
add('F.fold', F.fold, [columns, folded, ...blocks])
made_('nn.Unfold', nn.Unfold, blocks)
made_('nn.Fold', nn.Fold, [folded, ...blocks])
both('linear', at('weight', 'tensor', T), at('bias', 'tensor?|null', row))
for (const name of ['amax', 'amin', 'any', 'all']) both(name, dims, keepdim)
for (const name of ['argmax', 'argmin']) both(name, oneDim, keepdim)
for (const name of ['max', 'min']) op(name, [self, at('dim', 'int?|null|tensor', 0), keepdim])
for (const name of ['sum', 'mean']) both(name, dims, keepdim, dtype)
both('prod', oneDim, keepdim, dtype)
for (const name of ['cumsum', 'cumprod']) both(name, dim1('dim'), dtype)
for (const name of ['cummax', 'cummin']) both(name, dim1('dim'))
for (const name of ['std', 'var', 'stdMean', 'varMean'])
  op(name, [self, at('dim', 'dims?|null|bool', 0), at('unbiased', 'bool?', true), keepdim])
for (const name of ['std', 'var', 'stdMean', 'varMean'])
  add(`${name} with a correction`, (core as Any)[name], [self, dims, by('correction', 'int?|null', 0)], {
    nan: 'nothing is left to divide by',
    words: /unbiased/,
  })
for (const name of ['softmax', 'logSoftmax']) both(name, dim1('dim'), dtype)
both('logsumexp', at('dim', 'dims', 0), keepdim)
both('argsort', dim, at('descending', 'bool?', true), by('stable', 'bool?|null', true))
both('sort', dim, at('descending', 'bool?', true), by('stable', 'bool?|null', true))
both('topk', at('k', 'int', 1), dim, at('largest', 'bool?', true), at('sorted', 'bool?', true))
const listed = at('tensors', 'tensors', () => [T(), T()])
op('cat', [{ ...listed, kind: 'list' }, dim], { words: /element|tensors|Tensors/ })
op('stack', [{ ...listed, kind: 'list' }, dim], { words: /element|tensors|Tensors/ })
both('chunk', at('chunks', 'int', 2), dim)
both('split', at('splitSizeOrSections', 'dims', 1), dim)
both(
  'splitWithSizes',
  at('splitSizes', 'ints', () => [1, 1]),
  dim,
)
both('unbind', dim)
both('squeeze', at('dim', 'int?', 0))
both('unsqueeze', dim1('dim'))
both('flatten', at('startDim', 'int?', 0), at('endDim', 'int?', 1))
both('transpose', dim1('dim0'), at('dim1', 'int', 1))
both('narrow', dim1('dim'), at('start', 'int', 0), at('length', 'int', 1))
both('select', dim1('dim'), at('index', 'int', 0))
both('slice', dim1('dim'), at('start', 'int?|null', 0), at('end', 'int?|null', 1), at('step', 'int?', 1))
both('diagonal', at('offset', 'int?', 0), at('dim1', 'int?', 0), at('dim2', 'int?', 1))
for (const name of ['tril', 'triu', 'diag']) both(name, at('diagonal', 'int?', 0))
both('diagflat', at('offset', 'int?', 0))
both('diagEmbed', at('offset', 'int?', 0), at('dim1', 'int?', 0), at('dim2', 'int?', 1))
const corner = [
  at('row', 'int', 2),
  at('col', 'int', 2),
  at('offset', 'int?', 0),
  by('dtype', 'dtype?', 'int32'),
  device,
]
for (const name of ['trilIndices', 'triuIndices'] as const)
  add(name, (core as Any)[name], corner, { words: /not implemented for/ })
for (const name of ['movedim', 'moveaxis']) both(name, at('source', 'dims', 0), at('destination', 'dims', 1))
both('swapaxes', at('axis0', 'int', 0), at('axis1', 'int', 1))
both('swapdims', dim1('dim0'), at('dim1', 'int', 1))
both(
  'unflatten',
  dim1('dim'),
  at('sizes', 'ints', () => [2, 1]),
)
both('roll', at('shifts', 'dims', 1), at('dims', 'dims?', 0))
both(
  'rot90',
  at('k', 'int?', 1),
  at('dims', 'ints?', () => [0, 1]),
)
for (const name of ['hstack', 'vstack', 'rowStack', 'dstack', 'columnStack'])
  op(name, [{ ...listed, kind: 'list' }], { words: /element|tensors|Tensors/ })
const several = { ...listed, kind: 'list|tensor' }
for (const name of ['atleast1d', 'atleast2d', 'atleast3d', 'blockDiag', 'broadcastTensors'])
  op(name, [several], { words: /element|tensors|Tensors/ })
const rows = at('tensors', 'list|tensor', () => [row(), row()])
op('meshgrid', [rows, by('indexing', 'text?', 'xy')], { words: /element|tensors|Tensors/ })
op('cartesianProd', [rows], { words: /element|tensors|Tensors|Tensor/ })
op('combinations', [at('input', 'tensor', row), at('r', 'int?', 2), at('withReplacement', 'bool?', true)])
op('vander', [at('input', 'tensor', row), at('N', 'int?|null', 2), at('increasing', 'bool?', true)])
both('tensorSplit', at('indicesOrSections', 'dims|tensor', 2), dim)
for (const name of ['hsplit', 'vsplit']) both(name, at('indicesOrSections', 'dims', 2))
op('dsplit', [at('input', 'tensor', () => core.ones(1, 1, 2)), at('indicesOrSections', 'dims', 2)])
both('unfold', dim1('dimension'), at('size', 'int', 1), at('step', 'int', 1))
both('expandAs', at('other', 'tensor', T))
const sized = (name: string, of: string, good: readonly number[]): void => op(name, [self, at(of, 'size', () => good)])
sized('expand', 'size', [2, 2])
sized('broadcastTo', 'size', [2, 2])
sized('flip', 'dims', [0])
sized('permute', 'dims', [1, 0])
sized('reshape', 'shape', [4])
sized('view', 'size', [4])
sized('repeat', 'repeats', [1, 2])
sized('tile', 'dims', [1, 2])
both('indexSelect', dim1('dim'), at('index', 'tensor', indices))
both('maskedSelect', at('mask', 'tensor', mask))
both('nonzero', by('asTuple', 'bool?', true))
const slices = [self, dim1('dim'), at('index', 'tensor', indices), at('source', 'tensor', T)]
for (const name of ['indexAdd', 'indexAdd_']) op(name, [...slices, by('alpha', 'scalar?', 2)])
for (const name of ['indexCopy', 'indexCopy_']) op(name, slices)
for (const name of ['indexFill', 'indexFill_']) op(name, [...slices.slice(0, 3), at('value', 'scalar|tensor', 1)])
for (const name of ['indexReduce', 'indexReduce_'])
  op(name, [...slices, at('reduce', 'text', 'prod'), by('includeSelf', 'bool?', true)])
const part = at('src', 'tensor', row)
both('selectScatter', part, dim1('dim'), at('index', 'int', 0))
both(
  'sliceScatter',
  at('src', 'tensor', () => core.ones(1, 2)),
  dim,
  at('start', 'int?|null', 0),
  at('end', 'int?|null', 1),
  at('step', 'int?', 1),
)
both('diagonalScatter', part, at('offset', 'int?', 0), at('dim1', 'int?', 0), at('dim2', 'int?', 1))
const [strided, distances] = [at('size', 'ints', () => [2, 2]), at('stride', 'ints', () => [1, 1])]
const from = at('storageOffset', 'int?|null', 0)
both('asStrided', strided, distances, from)
both(
  'asStridedScatter',
  at('src', 'tensor', row),
  at('size', 'ints', () => [2]),
  at('stride', 'ints', () => [2]),
  from,
)
add('x.asStrided_', (...args: Any[]) => (T() as Any).asStrided_(...args), [strided, distances, from])
for (const name of ['fliplr', 'flipud', 'msort', 'geqrf']) both(name)
for (const name of ['unsafeChunk', 'unsafeSplit', 'unsafeSplitWithSizes']) exempt.set(name, 'an alias')
const scan = [dim1('dim'), by('dtype', 'dtype?', 'float32')]
for (const name of ['cumsum_', 'cumprod_']) add(`x.${name}`, (...args: Any[]) => (T() as Any)[name](...args), scan)
const same = at('callable', 'fn', () => (value: number) => value)
add('x.apply_', (...args: Any[]) => (T() as Any).apply_(...args), [same])
add('x.map_', (...args: Any[]) => (T() as Any).map_(...args), [at('tensor', 'tensor', T), same])
add('broadcastShapes', core.broadcastShapes, [at('shape', 'dims', () => [2])], { open: true })
add('dropout', core.dropout, [self, at('p', 'real', 0.5), at('train', 'bool', true)])
add('frobeniusNorm', core.frobeniusNorm, [self, dims, keepdim])
add('nuclearNorm', core.nuclearNorm, [self, at('dim', 'ints?|bool', () => [0, 1]), keepdim])
add(
  'asarray',
  core.asarray,
  [at('obj', 'data|tensor', 1), dtype, device, by('copy', 'bool?|null', true), requiresGrad],
  { words: /sequence|dimensions|convert|overflow|one element|data type|infer dtype/ },
)
const twice = [self, at('repeats', 'int|tensor', 2), oneDim, by('outputSize', 'int?|null', 4)]
op('repeatInterleave', twice, { words: /accept 1D vector as repeat/ })
both('take', at('index', 'tensor', indices))
for (const name of ['put', 'put_'])
  op(name, [self, at('index', 'tensor', indices), at('source', 'tensor', row), at('accumulate', 'bool?', true)])
both('takeAlongDim', at('indices', 'tensor', whole), oneDim)
for (const name of ['maskedScatter', 'maskedScatter_'])
  op(name, [self, at('mask', 'tensor', mask), at('source', 'tensor', T)])
op('oneHot', [at('input', 'tensor', indices), at('numClasses', 'int?', 2)])
both('copy_', at('other', 'scalar|tensor', T))
both('fill_', at('value', 'scalar|tensor', 1))
both('zero_')
for (const [name, params] of [
  ['detach_', []],
  ['requiresGrad_', [at('requiresGrad', 'bool?', true)]],
] as const)
  add(`x.${name}`, (...args: Any[]) => (T() as Any)[name](...args), params)

const data = at('data', 'data|text', 1)
op('tensor', [{ ...data, kind: 'data|tensor' }, dtype, device, requiresGrad], {
  words: /sequence|dimensions|convert|overflow|one element/,
})
for (const name of ['zeros', 'ones', 'empty', 'rand', 'randn'])
  op(
    name,
    [size, ...made, ...(name.startsWith('rand') ? [generator] : [])],
    name === 'empty' ? { nan: 'whatever there is' } : {},
  )
op('full', [{ ...size, kind: 'ints' }, at('fillValue', 'scalar', 1), ...made])
for (const name of ['zerosLike', 'onesLike', 'emptyLike'])
  add(name, (core as Any)[name], [self, ...made], { nan: 'empty' })
add('fullLike', core.fullLike, [self, at('fillValue', 'scalar', 1), ...made])
add('arange', core.arange, [at('end', 'number', 3), ...made])
add('arange from', core.arange, [at('start', 'number', 0), at('end', 'number?', 4), at('step', 'number?', 1), ...made])
const range = [at('start', 'number', 0), at('end', 'number', 1), at('steps', 'int', 2)]
add('linspace', core.linspace, [...range, ...made])
add('logspace', core.logspace, [...range, at('base', 'number?', 10), ...made], { nan: 'powers of negative numbers' })
add('eye', core.eye, [at('n', 'int', 2), at('m', 'int?', 2), ...made])
const shape = at('size', 'ints', () => [2, 2])
add('normal in a shape', core.normal, [at('mean', 'number', 0), at('std', 'number', 1), shape, ...made, generator])
add('normal', core.normal, [at('mean', 'tensor|number', row), at('std', 'tensor|number?', row), generator])
const [low, high] = [at('low', 'int', 0), at('high', 'int', 2)]
add('randint', core.randint, [high, shape, ...made, generator], { words: /low|high|size|from|out of bounds/ })
add('randint from', core.randint, [low, high, shape, ...made, generator], { words: /size/ })
add('randperm', core.randperm, [at('n', 'int', 2), ...made, generator])
add('randLike', core.randLike, [self, ...made, generator])
add('randnLike', core.randnLike, [self, ...made, generator])
add('randintLike', core.randintLike, [self, high, ...made, generator], { words: /low/ })
add('randintLike from', core.randintLike, [self, low, { ...high, kind: 'int?' }, ...made, generator])
both('uniform_', at('from', 'number?', 0), at('to', 'number?', 1), generator)
both('normal_', at('mean', 'number?', 0), at('std', 'number?', 1), generator)
both('random_', at('from', 'int?', 0), at('to', 'int?', 5), generator)
both('bernoulli', at('p', 'number?', 0.5), generator)
both('exponential_', at('lambd', 'number?', 1), generator)
both('geometric_', at('p', 'number', 0.5), generator)
both('cauchy_', at('median', 'number?', 0), at('sigma', 'number?', 1), generator)
both('logNormal_', at('mean', 'number?', 0), at('std', 'number?', 1), generator)
both('multinomial', at('numSamples', 'int', 2), at('replacement', 'bool?', true), generator)
const source = at('generator', 'generator?|null', () => new core.Generator())
add('poisson', core.poisson, [self, source])
add('binomial', core.binomial, [at('count', 'tensor', T), at('prob', 'tensor', T), source])
op('bernoulli_', [self, at('p', 'number|tensor?', 0.5), generator])
add('manualSeed', core.manualSeed, [at('seed', 'seed', 1)], { words: /integer|Overflow|seed/ })
add('setRngState', core.setRngState, [at('state', 'tensor', () => core.getRngState())])
add(
  'Slice',
  core.Slice,
  ['start', 'stop', 'step'].map((name) => at(name, 'int?|null', 1)),
)
for (const name of ['getRngState', 'initialSeed', 'seed']) exempt.set(name, 'takes nothing')
both(
  'pad',
  at('pad', 'ints', () => [1, 1]),
  at('mode', 'text?', 'constant'),
  at('value', 'number?|null', 1),
)

// Losses.
const target = at('target', 'tensor', T)
const reduction = by('reduction', 'reduction?', 'sum')
const old = [at('sizeAverage', 'bool?|null', null), at('reduce', 'bool?|null', null)]
const weight = at('weight', 'tensor?|null', null)
add('F.mseLoss', F.mseLoss, [self, target, ...old, reduction])
add('F.l1Loss', F.l1Loss, [self, target, ...old, reduction])
add('F.binaryCrossEntropy', F.binaryCrossEntropy, [self, target, weight, ...old, reduction])
add('F.binaryCrossEntropyWithLogits', F.binaryCrossEntropyWithLogits, [
  self,
  target,
  weight,
  ...old,
  reduction,
  by('posWeight', 'tensor?|null', row),
])
const classes = at('target', 'tensor', indices)
const ignore = at('ignoreIndex', 'int?', 5)
const nll = [weight, old[0], ignore, old[1], reduction]
const smoothing = by('labelSmoothing', 'real?', 0.1)
add('F.nllLoss', F.nllLoss, [self, classes, ...nll])
add('F.crossEntropy', F.crossEntropy, [self, classes, ...nll, smoothing])
made_('nn.MSELoss', nn.MSELoss, [...old, reduction])
made_('nn.L1Loss', nn.L1Loss, [...old, reduction])
made_('nn.BCELoss', nn.BCELoss, [weight, ...old, reduction])
made_('nn.BCEWithLogitsLoss', nn.BCEWithLogitsLoss, [weight, ...old, reduction, by('posWeight', 'tensor?|null', row)])
made_('nn.NLLLoss', nn.NLLLoss, nll)
made_('nn.CrossEntropyLoss', nn.CrossEntropyLoss, [...nll, smoothing])
const signs = at('target', 'tensor', () => core.tensor([1, -1]))
const input2 = at('input2', 'tensor', T)
const atNumber = (name: string, good: number): Param => at(name, 'real?', good)
const [margin, smoothing_, delta] = [atNumber('margin', 1), atNumber('beta', 1), atNumber('delta', 1)]
const reducing = at('reduction', 'reduction?', 'sum')
const klReduction = at('reduction', 'reduction?', 'batchmean')
const kl = [...old, klReduction, at('logTarget', 'bool?', true)]
const poisson = [
  at('logInput', 'bool?', true),
  at('full', 'bool?', true),
  old[0],
  atNumber('eps', 1),
  old[1],
  reduction,
]
const gaussian = [at('full', 'bool?', true), atNumber('eps', 1), reduction]
const ofMargin = [margin, ...old, reduction]
const triplet = [margin, atNumber('p', 2), atNumber('eps', 1e-6), at('swap', 'bool?', true), ...old, reduction]
const vectors = [at('anchor', 'tensor', T), at('positive', 'tensor', T), at('negative', 'tensor', T)]
add('F.smoothL1Loss', F.smoothL1Loss, [self, target, ...old, reducing, smoothing_])
add('F.huberLoss', F.huberLoss, [self, target, reducing, delta])
add('F.klDiv', F.klDiv, [self, target, ...kl])
add('F.poissonNllLoss', F.poissonNllLoss, [self, target, ...poisson])
add('F.gaussianNllLoss', F.gaussianNllLoss, [self, target, at('var', 'tensor', T), ...gaussian])
const input1 = at('input1', 'tensor', T)
add('F.marginRankingLoss', F.marginRankingLoss, [input1, input2, target, ...ofMargin])
add('F.hingeEmbeddingLoss', F.hingeEmbeddingLoss, [self, target, ...ofMargin])
add('F.softMarginLoss', F.softMarginLoss, [self, target, ...old, reduction])
add('F.cosineEmbeddingLoss', F.cosineEmbeddingLoss, [input1, input2, signs, ...ofMargin])
add('F.tripletMarginLoss', F.tripletMarginLoss, [...vectors, ...triplet], { nan: 'of infinities' })
made_('nn.SmoothL1Loss', nn.SmoothL1Loss, [...old, reducing, smoothing_])
made_('nn.HuberLoss', nn.HuberLoss, [reducing, delta])
made_('nn.KLDivLoss', nn.KLDivLoss, kl)
made_('nn.PoissonNLLLoss', nn.PoissonNLLLoss, poisson)
for (const name of ['MarginRankingLoss', 'HingeEmbeddingLoss', 'CosineEmbeddingLoss'] as const)
  made_(`nn.${name}`, nn[name], ofMargin)
made_('nn.SoftMarginLoss', nn.SoftMarginLoss, [...old, reduction])
made_('nn.TripletMarginLoss', nn.TripletMarginLoss, triplet)
const named = [by('margin', 'real?', 1), by('swap', 'bool?', true), reduction]
const apart = by('distanceFunction', 'fn?|module|null', () => (x: Tensor, y: Tensor) => x.sub(y).abs().sum(-1))
add('F.tripletMarginWithDistanceLoss', F.tripletMarginWithDistanceLoss, [...vectors, apart, ...named])
made_('nn.TripletMarginWithDistanceLoss', nn.TripletMarginWithDistanceLoss, [apart, ...named])
made_('nn.GaussianNLLLoss', nn.GaussianNLLLoss, [by('full', 'bool?', true), by('eps', 'real?', 1), reduction])
const multi = [atNumber('p', 2), margin, at('weight', 'tensor?|null', row), ...old, reduction]
const soft = [at('weight', 'tensor?|null', row), ...old, reduction]
add('F.multiMarginLoss', F.multiMarginLoss, [self, classes, ...multi])
add('F.multilabelMarginLoss', F.multilabelMarginLoss, [
  self,
  at('target', 'tensor', () => core.zeros(2, 2, { dtype: 'int32' })),
  ...old,
  reduction,
])
add('F.multilabelSoftMarginLoss', F.multilabelSoftMarginLoss, [self, target, ...soft])
const ctc = [at('blank', 'int?', 0), at('reduction', 'text?', 'sum'), at('zeroInfinity', 'bool?', true)]
add('F.ctcLoss', F.ctcLoss, [
  at('logProbs', 'tensor', () => core.zeros(3, 1, 2)),
  at('targets', 'tensor', () => core.ones(1, 1, { dtype: 'int32' })),
  at('inputLengths', 'ints|tensor', () => [3]),
  at('targetLengths', 'ints|tensor', () => [1]),
  ...ctc,
])
made_('nn.CTCLoss', nn.CTCLoss, ctc)
made_('nn.MultiMarginLoss', nn.MultiMarginLoss, multi)
made_('nn.MultiLabelMarginLoss', nn.MultiLabelMarginLoss, [...old, reduction])
made_('nn.MultiLabelSoftMarginLoss', nn.MultiLabelSoftMarginLoss, soft)

// Functions of layers, and layers.
for (const [name, sample] of [
  ['dropout', self],
  ['dropout1d', self],
  ['dropout2d', at('input', 'tensor', () => core.ones(1, 2, 2, 1))],
  ['dropout3d', at('input', 'tensor', () => core.ones(1, 2, 2, 1, 1))],
  ['alphaDropout', self],
  ['featureAlphaDropout', self],
] as const)
  add(`F.${name}`, F[name], [
    sample,
    at('p', 'real?', 0.5),
    at('training', 'bool?', true),
    at('inplace', 'bool?', false),
  ])
const running = (name: string): Param => at(name, 'tensor|null', row)
add(
  'F.batchNorm',
  F.batchNorm,
  [
    self,
    running('runningMean'),
    running('runningVar'),
    at('weight', 'tensor?|null', row),
    at('bias', 'tensor?|null', row),
    at('training', 'bool?', true),
    at('momentum', 'finite?', 0.1),
    at('eps', 'finite?', 1e-5),
  ],
  { nan: 'a negative eps' },
)
const inplace = at('inplace', 'bool?', false)
const layer = [by('device', 'device?', 'js'), by('dtype', 'dtype?', 'float64')]
made_('nn.Linear', nn.Linear, [
  at('inFeatures', 'int', 2),
  at('outFeatures', 'int', 2),
  at('bias', 'bool?', true),
  ...layer,
])
made_('nn.ReLU', nn.ReLU, [inplace])
made_('nn.LeakyReLU', nn.LeakyReLU, [at('negativeSlope', 'real?', 0.1), inplace])
made_('nn.Sigmoid', nn.Sigmoid, [])
made_('nn.Tanh', nn.Tanh, [])
made_('nn.Softmax', nn.Softmax, [oneDim])
made_('nn.LogSoftmax', nn.LogSoftmax, [oneDim])
for (const name of ['Dropout', 'Dropout1d', 'Dropout2d', 'Dropout3d', 'AlphaDropout', 'FeatureAlphaDropout'] as const)
  made_(`nn.${name}`, nn[name], [at('p', 'real?', 0.5), inplace])
for (const rank of [1, 2, 3] as const) {
  const amounts = at('padding', 'dims', 1)
  made_(`nn.ConstantPad${rank}d`, nn[`ConstantPad${rank}d`], [amounts, at('value', 'number', 1)])
  made_(`nn.ReflectionPad${rank}d`, nn[`ReflectionPad${rank}d`], [amounts])
  made_(`nn.ReplicationPad${rank}d`, nn[`ReplicationPad${rank}d`], [amounts])
}
made_('nn.ZeroPad2d', nn.ZeroPad2d, [at('padding', 'dims', 1)])
made_('nn.Flatten', nn.Flatten, [at('startDim', 'int?', 0), at('endDim', 'int?', 1)])
for (const name of ['UninitializedParameter', 'UninitializedBuffer'] as const)
  made_(`nn.${name}`, nn[name], [at('requiresGrad', 'bool?', true), ...layer])
made_('nn.LazyLinear', nn.LazyLinear, [at('outFeatures', 'int', 2), at('bias', 'bool?', true), ...layer])
const channels = [at('inChannels', 'int', 2), at('outChannels', 'int', 2), at('kernelSize', 'dims', 1)]
const [stride, dilation] = ['stride', 'dilation'].map((name) => at(name, 'dims?', 1))
const [groups, bias, paddingMode] = [
  at('groups', 'int?', 1),
  at('bias', 'bool?', true),
  at('paddingMode', 'text?', 'zeros'),
]
for (const rank of [1, 2, 3] as const) {
  const padding = at('padding', 'dims?|text', 0)
  made_(`nn.Conv${rank}d`, nn[`Conv${rank}d`], [
    ...[...channels, stride, padding, dilation, groups, bias, paddingMode],
    ...layer,
  ])
  const own = [stride, padding, dilation, groups, bias, paddingMode, ...layer]
  made_(`nn.LazyConv${rank}d`, nn[`LazyConv${rank}d`], [...channels.slice(1), ...own])
  const numbers = [{ ...padding, kind: 'dims?' }, at('outputPadding', 'dims?', 0)]
  const transposed = [stride, ...numbers, groups, bias, dilation, paddingMode, ...layer]
  made_(`nn.ConvTranspose${rank}d`, nn[`ConvTranspose${rank}d`], [...channels, ...transposed])
  made_(`nn.LazyConvTranspose${rank}d`, nn[`LazyConvTranspose${rank}d`], [...channels.slice(1), ...transposed])
  const learnt = [at('affine', 'bool?', true), at('trackRunningStats', 'bool?', true), ...layer]
  const normed = [at('eps', 'finite?', 1e-5), at('momentum', 'finite?|null', 0.1), ...learnt]
  made_(`nn.LazyBatchNorm${rank}d`, nn[`LazyBatchNorm${rank}d`], normed)
  made_(`nn.LazyInstanceNorm${rank}d`, nn[`LazyInstanceNorm${rank}d`], normed)
}
const eps = at('eps', 'finite?', 1e-5)
const affine = at('affine', 'bool?', true)
for (const rank of [1, 2, 3] as const) {
  const channelNorm = (momentum: string): Param[] => [
    at('numFeatures', 'int', 2),
    eps,
    at('momentum', momentum as Param['kind'], 0.1),
    affine,
    at('trackRunningStats', 'bool?', true),
    ...layer,
  ]
  made_(`nn.BatchNorm${rank}d`, nn[`BatchNorm${rank}d`], channelNorm('finite?|null'))
  made_(`nn.InstanceNorm${rank}d`, nn[`InstanceNorm${rank}d`], channelNorm('finite?'))
}
made_('nn.LayerNorm', nn.LayerNorm, [
  at('normalizedShape', 'dims', 2),
  eps,
  at('elementwiseAffine', 'bool?', true),
  ...layer,
])
made_('nn.GroupNorm', nn.GroupNorm, [at('numGroups', 'int', 1), at('numChannels', 'int', 2), eps, affine, ...layer], {
  words: /divisible/,
})
const local = [at('size', 'int', 2), at('alpha', 'finite?', 1), at('beta', 'finite?', 1), at('k', 'finite?', 1)]
made_('nn.LocalResponseNorm', nn.LocalResponseNorm, local)
const batch = at('input', 'tensor', () => core.ones(2, 2, 2))
const [gains, shifts] = [at('weight', 'tensor?|null', row), at('bias', 'tensor?|null', row)]
const negative = { nan: 'a negative eps or k' }
add('F.layerNorm', F.layerNorm, [self, at('normalizedShape', 'ints', () => [2]), gains, shifts, eps], negative)
add('F.groupNorm', F.groupNorm, [batch, at('numGroups', 'int', 1), gains, shifts, eps], negative)
add('F.localResponseNorm', F.localResponseNorm, [batch, ...local], negative)
add(
  'F.instanceNorm',
  F.instanceNorm,
  [
    batch,
    { ...running('runningMean'), kind: 'tensor?|null' },
    { ...running('runningVar'), kind: 'tensor?|null' },
    gains,
    shifts,
    at('useInputStats', 'bool?', true),
    at('momentum', 'finite?', 0.1),
    eps,
  ],
  negative,
)
const picture = at('input', 'tensor', () => core.ones(1, 4, 2, 2))
for (const [name, module, parameter] of [
  ['pixelShuffle', 'PixelShuffle', 'upscaleFactor'],
  ['pixelUnshuffle', 'PixelUnshuffle', 'downscaleFactor'],
  ['channelShuffle', 'ChannelShuffle', 'groups'],
] as const) {
  const factor = at(parameter, 'int', 2)
  add(`F.${name}`, F[name], [picture, factor])
  made_(`nn.${module}`, nn[module], [factor])
}
const resized = [at('size', 'dims?|null', undefined), at('scaleFactor', 'finite|numbers|tensors?|null', 2)]
const closed = at('alignCorners', 'bool?|null', null)
const recomputed = at('recomputeScaleFactor', 'bool?|null', true)
const [nearest, linear] = ['nearest', 'bilinear'].map((mode) => at('mode', 'text?', mode))
add('F.interpolate', F.interpolate, [picture, ...resized, nearest, closed, recomputed, at('antialias', 'bool?', false)])
made_('nn.Upsample', nn.Upsample, [...resized, nearest, closed, recomputed])
made_('nn.UpsamplingNearest2d', nn.UpsamplingNearest2d, resized)
made_('nn.UpsamplingBilinear2d', nn.UpsamplingBilinear2d, resized)
const corners = { ...closed, good: () => false }
add('F.gridSample', F.gridSample, [
  picture,
  at('grid', 'tensor', () => core.zeros(1, 2, 2, 2)),
  linear,
  at('paddingMode', 'text?', 'zeros'),
  corners,
])
const affineMap = at('theta', 'tensor', () => core.ones(1, 2, 3))
add('F.affineGrid', F.affineGrid, [affineMap, at('size', 'ints', () => [1, 1, 2, 2]), corners])
const ofNumber = (name: string, good: number): Param => at(name, 'number?', good)
for (const name of ['selu', 'silu', 'mish', 'hardswish', 'hardsigmoid', 'relu6'] as const)
  add(`F.${name}`, F[name], [self, inplace])
for (const name of ['elu', 'celu'] as const)
  add(`F.${name}`, F[name], [self, ofNumber('alpha', 2), inplace], { nan: 'of infinities' })
for (const name of ['logsigmoid', 'softsign', 'tanhshrink'] as const) add(`F.${name}`, F[name], [self])
add('F.gelu', F.gelu, [self, at('approximate', 'text?', 'tanh')])
add('F.softplus', F.softplus, [self, ofNumber('beta', 1), ofNumber('threshold', 20)], { nan: 'of infinities' })
op('hardshrink', [self, ofNumber('lambd', 0.5)])
add('F.softshrink', F.softshrink, [self, ofNumber('lambd', 0.5)])
add('F.hardtanh', F.hardtanh, [self, ofNumber('minVal', 0), ofNumber('maxVal', 1), inplace])
add('F.threshold', F.threshold, [self, at('threshold', 'number', 0), at('value', 'number', 1), inplace])
add('F.relu', F.relu, [self, inplace])
add('F.leakyRelu', F.leakyRelu, [self, ofNumber('negativeSlope', 0.1), inplace])
add('F.glu', F.glu, [self, dim])
op('prelu', [self, at('weight', 'tensor', row)])
add('F.rrelu', F.rrelu, [self, ofNumber('lower', 0), ofNumber('upper', 1), at('training', 'bool?', true), inplace])
for (const name of ['softmax', 'softmin', 'logSoftmax'] as const)
  add(`F.${name}`, F[name], [self, at('dim', 'int?|null', 0), at('dtype', 'dtype?', 'float64')])
add('F.normalize', F.normalize, [self, ofNumber('p', 2), at('dim', 'dims?', 1), ofNumber('eps', 1e-12)], {
  nan: 'of odd orders',
})
const other = at('x2', 'tensor', T)
const one = at('x1', 'tensor', T)
add('F.cosineSimilarity', F.cosineSimilarity, [one, other, dim, ofNumber('eps', 1e-8)], { nan: 'of infinities' })
add(
  'F.pairwiseDistance',
  F.pairwiseDistance,
  [one, other, ofNumber('p', 2), ofNumber('eps', 1e-6), at('keepdim', 'bool?', true)],
  { nan: 'of odd orders' },
)
for (const name of ['SELU', 'SiLU', 'Mish', 'Hardswish', 'Hardsigmoid', 'ReLU6'] as const)
  made_(`nn.${name}`, nn[name], [inplace])
for (const name of ['LogSigmoid', 'Softsign', 'Tanhshrink', 'Softmax2d'] as const) made_(`nn.${name}`, nn[name], [])
const [alpha, bound] = [at('alpha', 'real?', 1), at('lambd', 'real?', 0.5)]
for (const name of ['ELU', 'CELU'] as const) made_(`nn.${name}`, nn[name], [alpha, inplace])
for (const name of ['Softshrink', 'Hardshrink'] as const) made_(`nn.${name}`, nn[name], [bound])
made_('nn.GELU', nn.GELU, [at('approximate', 'text?', 'none')])
made_('nn.Softplus', nn.Softplus, [at('beta', 'real?', 1), at('threshold', 'real?', 20)])
made_('nn.Hardtanh', nn.Hardtanh, [at('minVal', 'real?', 0), at('maxVal', 'real?', 1), inplace], { words: /maxVal/ })
made_('nn.Threshold', nn.Threshold, [at('threshold', 'real', 0), at('value', 'real', 1), inplace])
made_('nn.GLU', nn.GLU, [dim])
made_('nn.PReLU', nn.PReLU, [at('numParameters', 'int?', 1), at('init', 'real?', 0.25), ...layer])
made_('nn.RReLU', nn.RReLU, [at('lower', 'real?', 0), at('upper', 'real?', 1), inplace])
made_('nn.Softmin', nn.Softmin, [oneDim])
made_('nn.CosineSimilarity', nn.CosineSimilarity, [dim, at('eps', 'real?', 1e-8)])
made_('nn.PairwiseDistance', nn.PairwiseDistance, [
  at('p', 'real?', 2),
  at('eps', 'real?', 1e-6),
  at('keepdim', 'bool?', true),
])
// Tables of vectors, cells, and collections.
const table = at('weight', 'tensor', T)
const paddingIdx = at('paddingIdx', 'int?|null', 0)
const renormed = [at('maxNorm', 'real?|null', 1), at('normType', 'real?', 2), at('scaleGradByFreq', 'bool?', false)]
const dense = at('sparse', 'bool?', false)
const bagged = [...renormed, at('mode', 'text?', 'sum'), dense]
const withLast = at('includeLastOffset', 'bool?', false)
const ofRows = { words: /padding_idx|Padding_idx|weight|embedding/, nan: 'of odd orders', writes: 'renormalised' }
add('F.embedding', F.embedding, [{ ...self, good: indices }, table, paddingIdx, ...renormed, dense], ofRows)
add(
  'F.embeddingBag',
  F.embeddingBag,
  [
    { ...self, good: indices },
    table,
    at('offsets', 'tensor?|null', () => core.zeros(1, { dtype: 'int32' })),
    ...bagged,
    at('perSampleWeights', 'tensor?|null', row),
    withLast,
    paddingIdx,
  ],
  ofRows,
)
const sizes = [at('numEmbeddings', 'int', 2), at('embeddingDim', 'int', 2)]
const own = at('_weight', 'tensor?|null', T)
made_('nn.Embedding', nn.Embedding, [...sizes, paddingIdx, ...renormed, dense, own, ...layer], ofRows)
made_('nn.EmbeddingBag', nn.EmbeddingBag, [...sizes, ...bagged, own, withLast, paddingIdx, ...layer], ofRows)
const pretrained = [at('embeddings', 'tensor', T), at('freeze', 'bool?', true)]
add(
  'nn.Embedding.fromPretrained',
  (...args: Any[]) => (nn.Embedding as Any).fromPretrained(...args),
  [...pretrained, paddingIdx, ...renormed, dense],
  { words: /adding_idx/ },
)
add(
  'nn.EmbeddingBag.fromPretrained',
  (...args: Any[]) => (nn.EmbeddingBag as Any).fromPretrained(...args),
  [...pretrained, ...bagged, withLast, paddingIdx],
  { words: /adding_idx/ },
)
const cell = [at('inputSize', 'int', 2), at('hiddenSize', 'int', 2), at('bias', 'bool?', true)]
made_('nn.RNNCell', nn.RNNCell, [...cell, at('nonlinearity', 'text?', 'relu'), ...layer])
made_('nn.LSTMCell', nn.LSTMCell, [...cell, ...layer])
made_('nn.GRUCell', nn.GRUCell, [...cell, ...layer])
const features = ['in1Features', 'in2Features', 'outFeatures'].map((name) => at(name, 'int', 2))
made_('nn.Bilinear', nn.Bilinear, [...features, at('bias', 'bool?', true), ...layer])
made_('nn.Unflatten', nn.Unflatten, [at('dim', 'int', 1), at('unflattenedSize', 'ints', () => [2, 1])])
const ownEps = at('eps', 'finite?|null', 1e-5)
add('F.rmsNorm', F.rmsNorm, [self, at('normalizedShape', 'ints', () => [2]), gains, ownEps], negative)
made_('nn.RMSNorm', nn.RMSNorm, [
  at('normalizedShape', 'dims', 2),
  ownEps,
  at('elementwiseAffine', 'bool?', true),
  ...layer,
])
add('F.pdist', F.pdist, [self, ofNumber('p', 2)], { nan: 'of odd orders' })
add(
  'F.gumbelSoftmax',
  F.gumbelSoftmax,
  [at('logits', 'tensor', T), at('tau', 'operand?', 1), at('hard', 'bool?', true), ofNumber('eps', 1), dim],
  { nan: 'a temperature of 0' },
)
made_(
  'nn.AdaptiveLogSoftmaxWithLoss',
  nn.AdaptiveLogSoftmaxWithLoss,
  [
    at('inFeatures', 'int', 2),
    at('nClasses', 'int', 4),
    at('cutoffs', 'ints', () => [2]),
    at('divValue', 'number?', 2),
    at('headBias', 'bool?', true),
    ...layer,
  ],
  { words: /cutoffs|size/ },
)
const named_ = (good: () => unknown): Param => at('items', 'any?', good)
for (const [name, good] of [
  ['ModuleDict', () => ({ first: new nn.Identity() })],
  ['ParameterDict', () => ({ first: T() })],
  ['ParameterList', () => [T()]],
] as const)
  made_(`nn.${name}`, nn[name], [named_(good)], { words: /iterable/ })

made_('nn.Parameter', nn.Parameter, [at('data', 'tensor', T), at('requiresGrad', 'bool?', true)])
const module = at('module', 'module|null', () => new nn.Identity())
made_('nn.Sequential', nn.Sequential, [module, at('module', 'module|null', () => new nn.Identity())], {
  words: /Module/,
  open: true,
})
made_('nn.ModuleList', nn.ModuleList, [at('modules', 'listed?', () => [new nn.Identity()])], { words: /Module/ })
// Initialisation and clipping.
const { init, utils } = nn
add('init.uniform_', init.uniform_, [self, at('a', 'number?', 0), at('b', 'number?', 1), generator], {
  words: /from|to/,
})
add('init.normal_', init.normal_, [self, at('mean', 'number?', 0), at('std', 'number?', 1), generator])
add(
  'init.truncNormal_',
  init.truncNormal_,
  [self, at('mean', 'number?', 0), at('std', 'number?', 1), at('a', 'number?', -2), at('b', 'number?', 2)],
  { words: /from|to|overflow/ },
)
add('init.orthogonal_', init.orthogonal_, [self, at('gain', 'finite?', 1)])
add('init.sparse_', init.sparse_, [self, at('sparsity', 'finite', 0.5), at('std', 'number?', 0.01)], { words: /std/ })
add('init.dirac_', init.dirac_, [at('input', 'tensor', () => core.ones(2, 2, 3)), at('groups', 'int?', 1)])
add('init.constant_', init.constant_, [self, at('val', 'scalar', 1)])
for (const name of ['ones_', 'zeros_', 'eye_'] as const) add(`init.${name}`, init[name], [self])
const gain = at('gain', 'finite?', 1)
add('init.xavierUniform_', init.xavierUniform_, [self, gain], { words: /from|to/ })
add('init.xavierNormal_', init.xavierNormal_, [self, gain], { words: /std/ })
const kaiming = [at('a', 'real?', 0), at('mode', 'text?', 'fan_in'), at('nonlinearity', 'text?', 'relu')]
add('init.kaimingUniform_', init.kaimingUniform_, [self, ...kaiming])
add('init.kaimingNormal_', init.kaimingNormal_, [self, ...kaiming])
add('init.calculateGain', init.calculateGain, [at('nonlinearity', 'text', 'leaky_relu'), at('param', 'real?|null', 1)])
add('init.fansOf', init.fansOf, [at('shape', 'ints', () => [2, 3])])
add(
  'utils.summary',
  utils.summary,
  [
    at('model', 'module', () => new nn.Linear(2, 3)),
    at('input', 'ints|tensor', () => [1, 2]),
    by('depth', 'count?', 3),
    by('dtype', 'dtype?', 'float32'),
  ],
  { words: /size|shape|dtype|dimension/ },
)
add('utils.skipInit', utils.skipInit, [at('module_cls', 'fn', () => () => new nn.Identity())], {
  open: true,
  anyOption: true,
})
const parameters = at('parameters', 'iterable|tensor', () => [parameter()])
add('utils.clipGradNorm_', utils.clipGradNorm_, [
  parameters,
  at('maxNorm', 'real', 1),
  at('normType', 'real?', 2),
  at('errorIfNonfinite', 'bool?', true),
])
add('utils.clipGradValue_', utils.clipGradValue_, [parameters, at('clipValue', 'real', 1)])

add('utils.parametersToVector', utils.parametersToVector, [at('parameters', 'listed', () => [leaf()])], {
  words: /Tensor/,
})
add(
  'utils.vectorToParameters',
  utils.vectorToParameters,
  [at('vec', 'tensor', row), at('parameters', 'listed', () => [leaf()])],
  { words: /torch.Tensor|Tensor|invalid for input/, writes: 'an empty vector fits no parameters' },
)
const anyLayer = at('module', 'module', () => new nn.Linear(2, 2))
const weightName = at('name', 'text?', 'weight')
const attribute = { words: /attribute|not found|does not have|pruned/ }
add('utils.weightNorm', utils.weightNorm, [anyLayer, weightName, oneDim], attribute)
add(
  'utils.removeWeightNorm',
  utils.removeWeightNorm,
  [at('module', 'module', () => utils.weightNorm(new nn.Linear(2, 2))), weightName],
  attribute,
)
add(
  'utils.spectralNorm',
  utils.spectralNorm,
  [anyLayer, weightName, at('nPowerIterations', 'int?', 1), at('eps', 'number?', 1e-12), oneDim],
  { words: /attribute|n_power_iterations/ },
)
add(
  'utils.removeSpectralNorm',
  utils.removeSpectralNorm,
  [at('module', 'module', () => utils.spectralNorm(new nn.Linear(2, 2))), weightName],
  attribute,
)
const batchNormed = at('bn', 'bn', () => new nn.BatchNorm1d(2).eval())
add('utils.fuseConvBnEval', utils.fuseConvBnEval, [
  at('conv', 'conv', () => new nn.Conv1d(2, 2, 1).eval()),
  batchNormed,
  at('transpose', 'bool?', false),
])
add('utils.fuseLinearBnEval', utils.fuseLinearBnEval, [
  at('linear', 'linear', () => new nn.Linear(2, 2).eval()),
  batchNormed,
])
const channel = (name: string): Param => at(name, 'tensor', row)
const maybeChannel = (name: string): Param => at(name, 'tensor|null', row)
add(
  'utils.fuseConvBnWeights',
  utils.fuseConvBnWeights,
  [
    at('convW', 'tensor', T),
    maybeChannel('convB'),
    channel('bnRm'),
    channel('bnRv'),
    at('bnEps', 'number', 1e-5),
    maybeChannel('bnW'),
    maybeChannel('bnB'),
    at('transpose', 'bool?', false),
  ],
  { nan: 'a negative eps', words: /broadcast|size|shape|argument/ },
)
const { parametrizations, parametrize, prune, rnn, stateless } = utils
const map = at('orthogonalMap', 'text?|null', 'cayley')
add(
  'parametrizations.orthogonal',
  parametrizations.orthogonal,
  [anyLayer, at('name', 'text?', 'weight'), map, by('useTrivialization', 'bool?', true)],
  { words: /no parameter or buffer|orthogonal_map/ },
)
add(
  'parametrizations.spectralNorm',
  parametrizations.spectralNorm,
  [
    anyLayer,
    at('name', 'text?', 'weight'),
    at('nPowerIterations', 'int?', 1),
    at('eps', 'number?', 1e-12),
    at('dim', 'int?|null', 0),
  ],
  { words: /no parameter or buffer|n_power_iterations|Dimension out of range/, nan: 'an infinite eps' },
)
const tensorName = at('tensorName', 'text', 'weight')
const parametrized = at('module', 'module', () =>
  parametrize.registerParametrization(new nn.Linear(2, 2), 'weight', new nn.Identity()),
)
add(
  'parametrize.registerParametrization',
  parametrize.registerParametrization,
  [anyLayer, tensorName, at('parametrization', 'module', () => new nn.Identity()), by('unsafe', 'bool?', true)],
  attribute,
)
add('parametrize.isParametrized', parametrize.isParametrized, [parametrized, { ...tensorName, kind: 'text?|null' }])
add(
  'parametrize.removeParametrizations',
  parametrize.removeParametrizations,
  [parametrized, tensorName, at('leaveParametrized', 'bool?', true)],
  { words: /parametrization/ },
)
add('parametrize.typeBeforeParametrizations', parametrize.typeBeforeParametrizations, [anyLayer])
add(
  'parametrize.transferParametrizationsAndParams',
  parametrize.transferParametrizationsAndParams,
  [
    { ...parametrized, name: 'fromModule' },
    at('toModule', 'module', () => new nn.Linear(2, 2)),
    { ...tensorName, kind: 'text?|null' },
  ],
  { words: /^.?x|^'|parameter/ },
)
add('parametrize.cached', parametrize.cached, [at('fn', 'fn', () => () => 1)])
exempt.set('ParametrizationList', 'made by registerParametrization')
const share = at('amount', 'number', 0.5)
const amounts = { words: /amount|attribute/ }
exempt.set('BasePruningMethod', 'the base of the others').set('PruningContainer', 'tested in utils.test.ts')
const which = at('name', 'text', 'weight')
const along = at('dim', 'int', 0)
const normOrder = at('n', 'number', 2)
const importance = at('importanceScores', 'tensor?|null', T)
const slicing = { words: /amount|attribute|importance_scores|Invalid index|out of range|order|norm/ }
for (const name of ['L1Unstructured', 'RandomUnstructured'] as const)
  made_(`prune.${name}`, prune[name], [share], amounts)
made_('prune.RandomStructured', prune.RandomStructured, [share, { ...along, kind: 'int?' }], slicing)
made_('prune.LnStructured', prune.LnStructured, [share, normOrder, { ...along, kind: 'int?' }], slicing)
made_('prune.CustomFromMask', prune.CustomFromMask, [at('mask', 'tensor', T)])
made_('prune.Identity', prune.Identity, [])
add('prune.identity', prune.identity, [anyLayer, which], amounts)
add('prune.l1Unstructured', prune.l1Unstructured, [anyLayer, which, share, importance], slicing)
add('prune.randomUnstructured', prune.randomUnstructured, [anyLayer, which, share], amounts)
add('prune.randomStructured', prune.randomStructured, [anyLayer, which, share, along], slicing)
add('prune.lnStructured', prune.lnStructured, [anyLayer, which, share, normOrder, along, importance], slicing)
add('prune.customFromMask', prune.customFromMask, [anyLayer, which, at('mask', 'tensor', T)], attribute)
add(
  'prune.remove',
  prune.remove,
  [at('module', 'module', () => prune.l1Unstructured(new nn.Linear(2, 2), 'weight', 1)), which],
  attribute,
)
add('prune.isPruned', prune.isPruned, [anyLayer])
add(
  'prune.globalUnstructured',
  prune.globalUnstructured,
  [
    at('parameters', 'listed', () => [[new nn.Linear(2, 2), 'weight']]),
    at('pruningMethod', 'class', () => prune.L1Unstructured),
    { ...share, named: true },
  ],
  { words: /parameters|pruning_method|amount/ },
)
const packed = (): unknown => rnn.packSequence([row()])
const packing = { words: /len\(lengths\)|all samples|sequences|Tensor|sorted|exceeds|total_length|argument/ }
add(
  'rnn.packSequence',
  rnn.packSequence,
  [at('sequences', 'tensors', () => [row()]), at('enforceSorted', 'bool?', true)],
  packing,
)
add(
  'rnn.packPaddedSequence',
  rnn.packPaddedSequence,
  [
    at('input', 'tensor', T),
    at('lengths', 'ints|tensor', () => [2, 1]),
    at('batchFirst', 'bool?', true),
    at('enforceSorted', 'bool?', false),
  ],
  packing,
)
add(
  'rnn.padPackedSequence',
  rnn.padPackedSequence,
  [
    at('sequence', 'none', packed),
    at('batchFirst', 'bool?', true),
    at('paddingValue', 'number?', 0),
    at('totalLength', 'int?|null', 3),
  ],
  packing,
)
add('rnn.unpackSequence', rnn.unpackSequence, [at('packedSequences', 'none', packed)])
add('rnn.invertPermutation', rnn.invertPermutation, [at('permutation', 'tensor|null', indices)])
exempt.set('PackedSequence', 'made by packSequence')
add(
  'rnn.padSequence',
  rnn.padSequence,
  [at('sequences', 'listed|tensor', () => [row()]), at('batchFirst', 'bool?', true), at('paddingValue', 'number?', 1)],
  { words: /sequences|Tensor/ },
)
add('rnn.unpadSequence', rnn.unpadSequence, [
  at('paddedSequences', 'tensor', T),
  at('lengths', 'ints|tensor', () => [1, 2]),
  at('batchFirst', 'bool?', true),
])
add(
  'stateless.functionalCall',
  stateless.functionalCall,
  [anyLayer, at('parametersAndBuffers', 'dict', () => ({})), at('args', 'any?', T), at('kwargs', 'any?|null', null)],
  { words: /linear|parameters_and_buffers|input/, open: true },
)

// Optimizers and schedulers.
const parametersOf = at('params', 'list', () => [leaf()])
const common = [
  by('lr', 'real?', 0.1),
  by('weightDecay', 'real?', 0),
  by('maximize', 'bool?', false),
  by('foreach', 'bool?|null', null),
]
made_(
  'optim.SGD',
  optim.SGD,
  [
    parametersOf,
    ...common,
    by('momentum', 'real?', 0.9),
    by('dampening', 'number?', 0),
    by('nesterov', 'bool?', false),
  ],
  { words: /param|Tensor|learning rate|weight_decay|leaf/ },
)
made_(
  'optim.RMSprop',
  optim.RMSprop,
  [
    parametersOf,
    ...common,
    by('momentum', 'real?', 0.9),
    by('alpha', 'real?', 0.9),
    by('eps', 'real?', 1e-8),
    by('centered', 'bool?', true),
  ],
  { words: /param|Tensor|learning rate|weight_decay|leaf/ },
)
for (const name of ['Adam', 'AdamW'] as const)
  made_(
    `optim.${name}`,
    optim[name],
    [
      parametersOf,
      ...common,
      by('betas', 'pair?', () => [0.9, 0.99]),
      by('eps', 'real?', 1e-8),
      by('amsgrad', 'bool?', true),
    ],
    { words: /param|Tensor|learning rate|weight_decay|leaf/ },
  )
const rates = [by('lr', 'real?', 0.1), by('foreach', 'bool?|null', null)]
const decay = by('weightDecay', 'real?', 0)
const maximize = by('maximize', 'bool?', false)
const moments = [...rates, decay, by('betas', 'pair?', () => [0.9, 0.99]), by('eps', 'real?', 1e-8)]
const byRule: Record<string, readonly Param[]> = {
  Adagrad: [
    ...common,
    by('lrDecay', 'real?', 0.1),
    by('initialAccumulatorValue', 'real?', 0.1),
    by('eps', 'real?', 0.1),
  ],
  Adadelta: [...common, by('rho', 'real?', 0.9), by('eps', 'real?', 0.1)],
  Adamax: [...moments, maximize],
  RAdam: moments,
  NAdam: [...moments, by('momentumDecay', 'real?', 0.1)],
  ASGD: [...common, by('lambd', 'number?', 0.1), by('alpha', 'number?', 0.75), by('t0', 'number?', 10)],
  Rprop: [...rates, maximize, by('etas', 'pair?', () => [0.5, 1.2]), by('stepSizes', 'pair?', () => [1e-6, 50])],
}
for (const [name, options] of Object.entries(byRule))
  made_(`optim.${name}`, all.optim[name], [parametersOf, ...options], {
    words: /param|Tensor|learning rate|weight_decay|leaf|epsilon|rho|eta/,
  })
made_(
  'optim.LBFGS',
  optim.LBFGS,
  [
    parametersOf,
    at('lr', 'number?', 1),
    at('maxIter', 'int?', 2),
    at('maxEval', 'int?|null', 3),
    at('toleranceGrad', 'number?', 1e-7),
    at('toleranceChange', 'number?', 1e-9),
    at('historySize', 'int?', 10),
    at('lineSearchFn', 'text?|null', 'strong_wolfe'),
  ],
  { words: /param|Tensor|leaf|history_size|strong_wolfe/ },
)
const sgd = (): optim.SGD => new optim.SGD([parameter()], { lr: 0.1 })
const optimizer = at('optimizer', 'optimizer', sgd)
const scheduled = (name: string, params: readonly Param[], words = /Optimizer/): void =>
  made_(`lrScheduler.${name}`, all.optim.lrScheduler[name], params, { words })
const tail = [at('lastEpoch', 'int?', -1), at('verbose', 'bool?', false)]
const gamma = at('gamma', 'number?', 0.1)
const iters = at('totalIters', 'int?', 5)
const etaMin = at('etaMin', 'number?', 0)
scheduled('LRScheduler', [optimizer, ...tail])
scheduled('StepLR', [optimizer, at('stepSize', 'int', 1), gamma, ...tail])
scheduled('MultiStepLR', [optimizer, at('milestones', 'ints', () => [2]), gamma, ...tail])
scheduled('ExponentialLR', [optimizer, at('gamma', 'number', 0.1), ...tail])
for (const name of ['LambdaLR', 'MultiplicativeLR'])
  scheduled(name, [optimizer, at('lrLambda', 'fn', () => () => 1), ...tail], /Optimizer|lr_lambdas/)
scheduled('ConstantLR', [optimizer, at('factor', 'number?', 0.5), iters, ...tail], /Optimizer|factor/)
scheduled(
  'LinearLR',
  [optimizer, at('startFactor', 'number?', 0.5), at('endFactor', 'number?', 1), iters, ...tail],
  /Optimizer|factor/,
)
scheduled('PolynomialLR', [optimizer, iters, at('power', 'number?', 1), ...tail])
scheduled('CosineAnnealingLR', [optimizer, at('TMax', 'int', 5), etaMin, ...tail], /Optimizer|getLr/)
scheduled(
  'CosineAnnealingWarmRestarts',
  [optimizer, at('T0', 'int', 5), at('TMult', 'int?', 2), etaMin, ...tail],
  /Optimizer|T_0|T_mult|getLr/,
)
const momenta = [
  at('cycleMomentum', 'bool?', true),
  at('baseMomentum', 'number?|numbers', 0.8),
  at('maxMomentum', 'number?|numbers', 0.9),
]
scheduled(
  'CyclicLR',
  [
    optimizer,
    at('baseLr', 'number|numbers', 0.1),
    at('maxLr', 'number|numbers', 0.2),
    at('stepSizeUp', 'number?', 5),
    at('stepSizeDown', 'number?|null', 5),
    at('mode', 'text?', 'triangular'),
    at('gamma', 'number?', 1),
    at('scaleFn', 'fn?|null', null),
    at('scaleMode', 'text?', 'cycle'),
    ...momenta,
    ...tail,
  ],
  /Optimizer|mode|by zero|getLr|values for/,
)
scheduled(
  'OneCycleLR',
  [
    optimizer,
    at('maxLr', 'number|numbers', 0.1),
    at('totalSteps', 'number?|null', 10),
    at('epochs', 'number?|null', null),
    at('stepsPerEpoch', 'number?|null', null),
    at('pctStart', 'number?', 0.3),
    at('annealStrategy', 'text?', 'cos'),
    ...momenta,
    at('divFactor', 'number?', 25),
    at('finalDivFactor', 'number?', 1e4),
    at('threePhase', 'bool?', false),
    ...tail,
  ],
  /Optimizer|total_steps|steps_per_epoch|epochs|getLr|anneal_strategy|values for/,
)
const shared = sgd()
const member = (): optim.lrScheduler.StepLR => new optim.lrScheduler.StepLR(shared, 2)
scheduled(
  'SequentialLR',
  [
    at('optimizer', 'optimizer', () => shared),
    at('schedulers', 'list', () => [member(), member()]),
    at('milestones', 'ints', () => [2]),
    ...tail,
  ],
  /Optimizer|schedulers/,
)
scheduled('ChainedScheduler', [at('schedulers', 'list', () => [member()])], /scheduler/)
scheduled(
  'ReduceLROnPlateau',
  [
    optimizer,
    at('mode', 'text?', 'min'),
    at('factor', 'number?', 0.1),
    at('patience', 'int?', 10),
    at('threshold', 'number?', 1e-4),
    at('thresholdMode', 'text?', 'rel'),
    at('cooldown', 'int?', 0),
    at('minLr', 'number?|numbers', 0),
    at('eps', 'number?', 1e-8),
    at('verbose', 'bool?', false),
  ],
  /Optimizer|mode|Factor|min_lrs/,
)
made_(
  'swaUtils.SWALR',
  optim.swaUtils.SWALR,
  [
    optimizer,
    at('swaLr', 'number|numbers', 0.1),
    at('annealEpochs', 'int?', 3),
    at('annealStrategy', 'text?', 'cos'),
    at('lastEpoch', 'int?', -1),
  ],
  { words: /Optimizer|anneal_|swa_lr|getLr/ },
)
const averagedLayer = at('model', 'module', () => new nn.Linear(2, 2))
made_('swaUtils.AveragedModel', optim.swaUtils.AveragedModel, [
  averagedLayer,
  at('device', 'device?|null', 'js'),
  at('avgFn', 'fn?|null', null),
  at('useBuffers', 'bool?', false),
])
const normed = at('model', 'module', () => new nn.BatchNorm1d(2))
add(
  'swaUtils.updateBn',
  optim.swaUtils.updateBn,
  [at('loader', 'iterable', () => [T()]), normed, at('device', 'device?|null', 'js')],
  {
    words: /loader|iterable|batch_norm|input|model/,
  },
)
made_('optim.Optimizer', optim.Optimizer, [parametersOf, at('defaults', 'dict|options', () => ({ lr: 0.1 }))], {
  words: /param|Tensor|leaf/,
  anyOption: true,
})
// Autograd.
const x = leaf()
const graph = (): Tensor => x.square().sum()
add('backward', autograd.backward, [
  at('outputs', 'tensor|tensors', squared),
  at('gradTensors', 'tensor?|null|tensors', null),
  by('createGraph', 'bool?', false),
  by('retainGraph', 'bool?|null', true),
  by('inputs', 'tensor?|null|tensors', undefined),
])
add('grad', autograd.grad, [
  at('outputs', 'tensor|tensors', graph),
  at('inputs', 'tensor|tensors', () => x),
  by('gradOutputs', 'tensor?|null|tensors', null),
  by('createGraph', 'bool?', false),
  by('retainGraph', 'bool?|null', true),
  by('allowUnused', 'bool?', true),
])
add('x.backward', (...args: Any[]) => (squared() as Any).backward(...args), [
  at('gradient', 'tensor?|null', null),
  at('retainGraph', 'bool?|null', true),
  at('createGraph', 'bool?', false),
  by('inputs', 'tensor?|null|tensors', undefined),
])
add('x.registerHook', (...args: Any[]) => (squared() as Any).registerHook(...args), [at('fn', 'fn', () => () => {})], {
  anyOption: true,
})
add('x.retainGrad', (...args: Any[]) => (squared() as Any).retainGrad(...args), [])
const double = (): Tensor => tensor([1, 2], { dtype: 'float64', requiresGrad: true })
const checking = [
  by('eps', 'real?', 1e-6),
  by('atol', 'real?', 1e-5),
  by('rtol', 'real?', 1e-3),
  by('raiseException', 'bool?', true),
  by('nondetTol', 'real?', 0),
  by('fastMode', 'bool?', false),
]
// The test's own function, which accepts anything.
const squares = at('fn', 'fn', () => (x: unknown) => (x instanceof Tensor ? x : double()).square())
const sought = at('inputs', 'tensor|listed', () => [double()])
const writes = { writes: 'it moves its inputs and puts them back', words: /input|type float/ }
add('gradcheck', autograd.gradcheck, [squares, sought, ...checking], writes)
add(
  'gradgradcheck',
  autograd.gradgradcheck,
  [squares, sought, at('gradOutputs', 'tensor?|null|tensors', null), ...checking],
  writes,
)
const createGraph = by('createGraph', 'bool?', true)
const strict = by('strict', 'bool?', false)
const derived = (fn: (x: Tensor) => Tensor): readonly Param[] => [
  at('fn', 'fn', () => (x?: Tensor) => fn(x ?? leaf())),
  at('inputs', 'tensor|tensors', leaf),
]
const v = by('v', 'tensor|tensors|null?', leaf)
const { functional, forwardAd } = autograd
const modes = { words: /-mode/ }
add(
  'jacobian',
  functional.jacobian,
  [
    ...derived((x) => x.square()),
    createGraph,
    strict,
    by('vectorize', 'bool?', true),
    by('strategy', 'text?', 'reverse-mode'),
  ],
  modes,
)
add(
  'hessian',
  functional.hessian,
  [
    ...derived((x) => x.square().sum()),
    createGraph,
    strict,
    by('vectorize', 'bool?', true),
    by('outerJacobianStrategy', 'text?', 'reverse-mode'),
  ],
  modes,
)
for (const name of ['vjp', 'jvp'] as const)
  add(name, functional[name], [...derived((x) => x.square()), v, createGraph, strict], {
    words: /v |createGraph|strict|function|inputs|argument/,
  })
for (const name of ['vhp', 'hvp'] as const)
  add(name, functional[name], [...derived((x) => x.square().sum()), v, createGraph, strict], {
    words: /v |createGraph|strict|function|inputs|argument/,
  })
add('dualLevel', forwardAd.dualLevel, [at('fn', 'fn', () => () => 1)], { anyOption: true })
add(
  'makeDual',
  (...args: Any[]) => forwardAd.dualLevel(() => (forwardAd.makeDual as Any)(...args)),
  [at('tensor', 'tensor', row), at('tangent', 'tensor', row)],
  { anyOption: true, words: /primal|tangent|forward gradient|argument/ },
)
exempt.set('makeDual', 'called inside a level, above')
exempt.set('enterDualLevel', 'takes nothing')
add(
  'exitDualLevel',
  (...args: Any[]) => {
    forwardAd.enterDualLevel()
    try {
      ;(forwardAd.exitDualLevel as Any)(...args)
    } catch (error) {
      forwardAd.exitDualLevel()
      throw error
    }
  },
  [by('level', 'int?|null', 0)],
  { words: /level/ },
)
exempt.set('exitDualLevel', 'called inside a level, above')
add('unpackDual', forwardAd.unpackDual, [at('tensor', 'tensor', row)], { anyOption: true })
add(
  'savedTensorsHooks',
  autograd.graph.savedTensorsHooks,
  [
    at('pack_hook', 'fn', () => (x: Tensor) => x),
    at('unpack_hook', 'fn', () => (x: Tensor) => x),
    at('fn', 'fn', () => () => 1),
  ],
  { anyOption: true },
)
add('saveOnCpu', autograd.graph.saveOnCpu, [at('fn', 'fn', () => () => 1)], { anyOption: true })
add(
  'disableSavedTensorsHooks',
  autograd.graph.disableSavedTensorsHooks,
  [at('errorMessage', 'text', 'no'), at('fn', 'fn', () => () => 1)],
  { anyOption: true },
)
for (const name of ['detachVariable', 'checkBackwardValidity'] as const)
  add(`checkpoint.${name}`, core.utils.checkpoint[name], [at('inputs', 'list', () => [leaf()])], {
    words: /input type/,
  })
exempt.set('CheckpointFunction', 'its apply is checkpoint')
exempt.set('UnpackedDualTensor', 'what is returned')
add('checkpoint', core.utils.checkpoint.checkpoint, [at('function', 'fn|module', () => () => 1)], {
  open: true,
  anyOption: true,
})
add('checkpointSequential', core.utils.checkpoint.checkpointSequential, [
  at('functions', 'any', () => [(x: Tensor) => x]),
  at('segments', 'int', 1),
  at('input', 'tensor', row),
  by('preserveRngState', 'bool?', true),
  by('useReentrant', 'bool?', true),
])
for (const name of ['noGrad', 'enableGrad', 'inferenceMode', 'scope'] as const)
  add(name, all[name], [at('fn', 'fn', () => () => 1)])
add('setGradEnabled', core.setGradEnabled, [at('enabled', 'bool', true), at('fn', 'fn?', () => () => 1)])
add('detectAnomaly', core.detectAnomaly, [at('fn', 'fn', () => () => 1), at('checkNan', 'bool?', false)])
add('setDetectAnomaly', core.setDetectAnomaly, [at('mode', 'bool', false), at('checkNan', 'bool?', true)])
add('random.forkRng', core.random.forkRng, [at('fn', 'fn', () => () => 1)])
for (const name of ['isAnomalyEnabled', 'isGradEnabled', 'isInferenceModeEnabled', 'isUniformFused'])
  exempt.set(name, 'takes nothing')

// ---- linear algebra ----

const definite = (): Tensor =>
  tensor([
    [2, 0.5],
    [0.5, 1],
  ])
const square = at('A', 'tensor', definite)
const factored = at('input', 'tensor', definite)
const singular = { words: /singular|positive-definite|float|dimensions|argument/ }
const [upper, some] = [at('upper', 'bool?', false), at('some', 'bool?', true)]
const tolerant = [at('hermitian', 'bool?', false), by('atol', 'real?|null', 0), by('rtol', 'real?|null', 0)]
const side = at('UPLO', 'text?', 'L')
for (const name of ['det', 'inv', 'slogdet', 'svdvals', 'matrixExp'] as const)
  add(`linalg.${name}`, linalg[name], [square], singular)
/** A function of the index that is a method, too. */
const older = (name: string, params: readonly Param[], rest: Partial<Entry>): void => {
  add(name, all[name], params, rest)
  op(name, params, rest)
}
for (const name of ['det', 'inverse', 'slogdet', 'logdet', 'matrixExp']) older(name, [factored], singular)
add('linalg.cholesky', linalg.cholesky, [square, by('upper', 'bool?', false)], singular)
add(
  'linalg.choleskyEx',
  linalg.choleskyEx,
  [square, by('upper', 'bool?', false), by('checkErrors', 'bool?', false)],
  singular,
)
add('linalg.invEx', linalg.invEx, [square, by('checkErrors', 'bool?', false)], singular)
add('linalg.qr', linalg.qr, [square, at('mode', 'text?', 'reduced')], { words: /mode|float|dimensions|argument/ })
for (const name of ['eigh', 'eigvalsh'] as const)
  add(`linalg.${name}`, linalg[name], [square, side], { words: /UPLO|float|dimensions|argument/ })
add('linalg.svd', linalg.svd, [square, at('fullMatrices', 'bool?', true)], singular)
for (const name of ['lu', 'luFactor'] as const)
  add(`linalg.${name}`, linalg[name], [square, by('pivot', 'bool?', true)], singular)
add(
  'linalg.luSolve',
  linalg.luSolve,
  [square, at('pivots', 'tensor', () => tensor([1, 2], { dtype: 'int32' })), at('B', 'tensor', T)],
  {
    words: /pivots|sizes|shape|float|dimensions|argument|expand/,
  },
)
add('linalg.solve', linalg.solve, [square, at('B', 'tensor', row), by('left', 'bool?', true)], {
  words: /singular|shapes|dtype|float|dimensions|argument/,
})
add(
  'linalg.solveTriangular',
  linalg.solveTriangular,
  [
    square,
    at('B', 'tensor', T),
    by('upper', 'bool', true),
    by('left', 'bool?', true),
    by('unitriangular', 'bool?', false),
  ],
  { words: /shapes|dtype|float|dimensions|argument/ },
)
add('linalg.pinv', linalg.pinv, [square, at('rcond', 'real?|null', 0.1), ...tolerant], { words: /float|argument/ })
add('linalg.matrixRank', linalg.matrixRank, [square, at('tol', 'real?|null', 0.1), ...tolerant], {
  words: /float|dimensions|argument/,
})
add('linalg.cond', linalg.cond, [square, at('p', 'real?|text|null', 'fro')], {
  words: /norm type|float|dimensions|argument|square/,
})
add(
  'linalg.lstsq',
  linalg.lstsq,
  [square, at('b', 'tensor', row), at('rcond', 'real?|null', 0.1), by('driver', 'text?|null', 'gelsd')],
  { words: /driver|match|dtype|float|dimension|argument/ },
)
add(
  'linalg.tensorinv',
  linalg.tensorinv,
  [at('A', 'tensor', () => core.eye(4).reshape(2, 2, 4)), at('ind', 'int?', 2)],
  {
    words: /ind|self.shape|float|dimensions|argument/,
  },
)
add(
  'linalg.tensorsolve',
  linalg.tensorsolve,
  [at('A', 'tensor', () => core.eye(4).reshape(2, 2, 4)), at('B', 'tensor', T), at('dims', 'dims?|null', null)],
  {
    words: /self.shape|dtype|float|dim|argument|permute/,
  },
)
for (const [name, params] of [
  ['luFactorEx', [by('pivot', 'bool?', true), by('checkErrors', 'bool?', false)]],
  ['ldlFactor', [by('hermitian', 'bool?', true)]],
  ['ldlFactorEx', [by('hermitian', 'bool?', true), by('checkErrors', 'bool?', false)]],
] as const)
  add(`linalg.${name}`, linalg[name], [square, ...params], singular)
const pivots = at('pivots', 'tensor', () => tensor([1, 2], { dtype: 'int32' }))
add('linalg.ldlSolve', linalg.ldlSolve, [square, pivots, at('B', 'tensor', T), by('hermitian', 'bool?', false)], {
  words: /pivots|sizes|dtype|float|dimensions|argument/,
})
add(
  'linalg.solveEx',
  linalg.solveEx,
  [square, at('B', 'tensor', row), by('left', 'bool?', true), by('checkErrors', 'bool?', false)],
  { words: /singular|shapes|dtype|float|dimensions|argument/ },
)
add('linalg.vander', linalg.vander, [at('x', 'tensor', row), by('N', 'int?|null', 3)], { words: /vander|N must/ })
const reflections = { words: /tau|input|shape|dtype|not implemented|argument/ }
add('linalg.householderProduct', linalg.householderProduct, [self, at('tau', 'tensor', row)], reflections)
const tau = at('tau', 'tensor', row)
older('orgqr', [self, tau], reflections)
older(
  'ormqr',
  [self, tau, at('other', 'tensor', T), at('left', 'bool?', true), at('transpose', 'bool?', true)],
  reflections,
)
add('geqrf', core.geqrf, [self])
const unpacks = [at('unpackData', 'bool?', true), at('unpackPivots', 'bool?', true)]
add('luUnpack', core.luUnpack, [self, { ...pivots, name: 'LUPivots' }, ...unpacks], {
  words: /LU_pivots|pivots|tensor with 2/,
})
const iterations = at('niter', 'int?', 1)
const lowRank = { words: /q\(|niter|unpack|Size|size|argument|float|broadcast/ }
add('svdLowrank', core.svdLowrank, [self, at('q', 'int?|null', 1), iterations, at('M', 'tensor?|null', T)], lowRank)
add('pcaLowrank', core.pcaLowrank, [self, at('q', 'int?|null', 1), at('center', 'bool?', true), iterations], lowRank)
add(
  'lobpcg',
  core.lobpcg,
  [
    at('input', 'tensor', () => core.diag(core.arange(1, 10).float())),
    at('k', 'int?|null', 1),
    at('B', 'tensor?|null', () => core.eye(9)),
    at('X', 'tensor?|null', () => core.eye(9).narrow(1, 0, 1)),
    at('n', 'int?|null', 1),
    at('iK', 'tensor?|null', () => core.eye(9)),
    at('niter', 'int?|null', 2),
    at('tol', 'number?|null', 0.1),
    at('largest', 'bool?|null', true),
    at('method', 'str?|null', 'basic'),
  ],
  { words: /q\(|scalar type|unpack|Size|size|rows|power|positive|tuple|negative/ },
)
older('cholesky', [factored, upper], singular)
older('choleskyInverse', [factored, upper], singular)
older('choleskySolve', [at('input', 'tensor', T), at('L', 'tensor', definite), upper], {
  words: /shapes|square|dtype|float|dimensions|argument/,
})
older('qr', [factored, some], singular)
older('svd', [factored, some, at('computeUv', 'bool?', true)], singular)
older('pinverse', [factored, at('rcond', 'real?|null', 0.1), ...tolerant], { words: /float|argument/ })

// The rest of the index.
exempt.set('sampleDirichlet', 'for vision alone, which checks what it draws for')
add('compile', core.compile, [at('step', 'fn', () => () => undefined)])
add('profile', core.profile, [
  at('fn', 'fn', () => () => 1),
  by('withStack', 'bool?', false),
  by('maxEvents', 'real?', 10),
])
add('moveTo', core.moveTo, [at('target', 'text|options', 'float64'), at('things', 'module|tensor', T)], {
  words: /dtype|device|move|thing|Module/,
  open: true,
})
const json = (): unknown => JSON.parse(JSON.stringify(T()))
add('fromJSON', core.fromJSON, [at('json', 'json', json)], { words: /JSON|json/, anyOption: true })
add('deepCopy', core.deepCopy, [at('value', 'copied?|any', 1)], { anyOption: true })
add('setUniformFused', core.setUniformFused, [at('on', 'bool', true)], { anyOption: true })
add('setStrict', core.setStrict, [at('on', 'bool', false)], { anyOption: true })
for (const name of ['setFallback', 'useDevice', 'registerDevice'] as const)
  add(name, all[name], [at('backend', 'backend', js)], { anyOption: true, words: /backend/ })
add('formatFixed', core.formatFixed, [at('x', 'number', 1), at('digits', 'int', 2)], {
  anyOption: true,
  nan: 'it prints',
})
add('formatExponent', core.formatExponent, [at('x', 'number', 1), at('digits', 'int', 2)], {
  anyOption: true,
  nan: 'it prints',
})
add('setPrintOptions', core.setPrintOptions, [
  by('precision', 'count?', 4),
  by('threshold', 'number?', 1000),
  by('edgeitems', 'count?', 3),
  by('linewidth', 'number?', 80),
  by('sciMode', 'bool?', undefined),
  by('profile', 'profile?', 'default'),
])
for (const name of ['report', 'currentDevice', 'getPrintOptions']) exempt.set(name, 'takes nothing')

// Words, facts, and tensors made from others.
const word = (name: string): Param => at(name, 'dtype', 'float64')
add('canCast', core.canCast, [word('from'), word('to')], { words: /not supported/ })
add('promoteTypes', core.promoteTypes, [word('type1'), word('type2')], { words: /not supported/ })
add('resultType', core.resultType, [at('tensor1', 'scalar|tensor', T), at('tensor2', 'scalar|tensor', T)])
add('finfo', core.finfo, [at('type', 'dtype?', 'float64')], { words: /not supported|floating point/ })
add('iinfo', core.iinfo, [at('type', 'dtype', 'uint8')], { words: /not supported|integer/ })
add('setDefaultDtype', core.setDefaultDtype, [at('d', 'dtype', 'float32')], { words: /not supported|floating-point/ })
add('device', core.device, [at('type', 'text', 'cpu')])
add('isTensor', core.isTensor, [at('obj', 'any|copied', T)])
for (const name of [
  'numel',
  'isFloatingPoint',
  'isSigned',
  'isInference',
  'isNonzero',
  'isComplex',
  'isConj',
  'isNeg',
  'isDistributed',
] as const)
  add(name, all[name], [name === 'isNonzero' ? at('input', 'tensor', () => tensor(1)) : self], { words: /Boolean/ })
add('isSameSize', core.isSameSize, [self, at('other', 'tensor', T)])
add('asTensor', core.asTensor, [at('data', 'data|tensor', T), dtype, device], {
  words: /sequence|dimensions|convert|overflow|one element|data type|infer dtype/,
})
add('fromNumpy', core.fromNumpy, [at('ndarray', 'data', () => new Float32Array(2))])
add('scalarTensor', core.scalarTensor, [at('s', 'scalar', 1), ...made])
add('Variable', core.Variable, [at('data', 'tensor', T), at('requiresGrad', 'bool?', true)], { words: /Variable/ })
add('range to its end', core.range, [
  at('start', 'number', 0),
  at('end', 'number', 3),
  at('step', 'number?', 1),
  ...made,
])
covered.add(core.range)
add('fill', core.fill, [self, at('value', 'scalar|tensor', 1)])
add('cuda.manualSeed', core.cuda.manualSeed, [at('seed', 'seed', 1)])
for (const name of 'getDeviceName getDeviceCapability synchronize memoryAllocated memoryReserved maxMemoryAllocated maxMemoryReserved memGetInfo resetPeakMemoryStats'.split(
  ' ',
))
  add(`cuda.${name}`, (core.cuda as Any)[name], [at('device', 'int?|text', 0)])
add('cuda.getDeviceProperties', core.cuda.getDeviceProperties, [at('device', 'int|text', 0)])
covered.add(core.cuda.setDevice)
for (const name of 'isAvailable deviceCount currentDevice emptyCache getDefaultDtype'.split(' '))
  exempt.set(name, 'takes nothing')
// Methods of Tensor that are not in the table.
const method = (name: string, params: readonly Param[], rest: Partial<Entry> = {}): void =>
  add(`x.${name}`, (...args: Any[]) => (T() as Any)[name](...args), params, rest)
method('size', [at('dim', 'int?', 0)], { anyOption: true, words: /Dimension/ })
for (const name of ['newZeros', 'newOnes', 'newEmpty'])
  method(name, [size, ...made], name === 'newEmpty' ? { nan: 'whatever there is' } : {})
method('newFull', [at('size', 'ints', () => [2]), at('fillValue', 'scalar', 1), ...made])
method('newTensor', [at('data', 'data|tensor', 1), ...made], {
  words: /sequence|dimensions|convert|overflow|one element|data type|infer dtype/,
})
method('type', [at('dtype', 'dtype?', 'float64'), at('nonBlocking', 'bool?', false)], { words: /not supported/ })
method('cuda', [at('device', 'int?|text|null', 0), at('nonBlocking', 'bool?', false)], { words: /device/ })
method('isSameSize', [at('other', 'tensor', T)])
add(
  'histogramdd',
  core.histogramdd,
  [
    self,
    at('bins', 'int|ints|tensors', 2),
    at('range', 'any?|null', () => [0, 1, 0, 1]),
    at('weight', 'tensor?|null', () => core.ones(2)),
    at('density', 'bool?', true),
  ],
  { words: /histogram|argument|range/, nan: 'a density of nothing' },
)
method('isSetTo', [at('tensor', 'tensor', T)])
for (const name of ['viewAs', 'reshapeAs']) method(name, [at('other', 'tensor', T)])
method('sumToSize', [at('size', 'size', () => [2, 2])])
method('fillDiagonal_', [at('fillValue', 'scalar|tensor', 1), at('wrap', 'bool?', true)], {
  words: /converted to Scalar/,
})
method('unsqueeze_', [at('dim', 'int', 0)])
method('squeeze_', [at('dim', 'int?', 0)])
method('transpose_', [at('dim0', 'int', 0), at('dim1', 'int', 1)])
method('swapdims_', [at('dim0', 'int', 0), at('dim1', 'int', 1)])
method('swapaxes_', [at('axis0', 'int', 0), at('axis1', 'int', 1)])
method('stride', [at('dim', 'int?', 0)], { anyOption: true, words: /Dimension/ })
method('setRequiresGrad', [at('requires_grad', 'bool', true)], { anyOption: true })
for (const name of 'isComplex isConj isNeg isDistributed isShared isPinned getDevice nelement ndimension elementSize isSigned isNonzero numpy t_ dim numel isContiguous isFloatingPoint isInference toArray toArrayAsync item itemAsync toNested tolist toString toJSON dispose'.split(
  ' ',
))
  exempt.set(`x.${name}`, 'takes nothing')
for (const name of ['rebase', 'collect']) exempt.set(`x.${name}`, 'for autograd')

// Classes that only the library creates, or that users extend.
for (const name of [
  'AutogradFunction',
  'Function',
  'FunctionCtx',
  'Generator',
  'Profile',
  'Tensor',
  'ValuesAndIndices',
  'IncompatibleKeys',
  'StateDict',
  'Module',
  'Identity',
])
  exempt.set(name, 'a class without arguments to check')

// Asynchronous: io/door.test.ts.
for (const name of ['save', 'load', 'io.list', 'io.Checkpoint']) exempt.set(name, 'returns a promise')

addDistributions()

// ---- the tests ----

/** All functions that the index exports, by name. */
function reached(): Map<string, unknown> {
  const found = new Map<string, unknown>()
  const visit = (space: object, path: string): void => {
    for (const [name, value] of Object.entries(space)) {
      if (typeof value === 'function') {
        if (!(value.prototype instanceof Error)) found.set(path + name, value)
      } else if (
        typeof value === 'object' &&
        value !== null &&
        Object.prototype.toString.call(value) === '[object Module]'
      )
        visit(value, `${path}${name}.`)
    }
  }
  visit(core, '')
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(Tensor.prototype)))
    if (typeof value === 'function' && name !== 'constructor') found.set(`x.${name}`, value)
  return found
}

it('every function has an entry', () => {
  const missing = [...reached()].filter(
    ([path, fn]) =>
      !path.startsWith('signatures.') &&
      !covered.has(fn) &&
      !entries.has(path) &&
      !exempt.has(path) &&
      !exempt.has(path.slice(path.lastIndexOf('.') + 1)),
  )
  expect(missing.map(([path]) => path)).toEqual([])
})

it.each([...entries])('%s refuses wrong arguments', (_, entry) => {
  expect(faultsOf(entry, house)).toEqual([])
})

it('takes what PyTorch takes, by position in its order and by name', () => {
  expect(parameterFaults(entries)).toEqual([])
})

/** Functions that take more by name than their types say. */
const byPositionInTypes = [
  // Python's `slice` takes no names.
  'Slice',
  // Infers its members from a list; an object of names would be a module dict's.
  'new nn.ModuleList',
]
it('the types take by name what a function takes by name', () => {
  const { both, compiles, runs } = byName(entries)
  expect(both).toBeGreaterThan(1900)
  // Every name is a key of theirs.
  expect(compiles).toEqual(['new nn.ModuleDict', 'new nn.ParameterDict'])
  expect(runs).toEqual(byPositionInTypes)
})

it('a compiled step records every call or refuses it, and replays none as a constant', () => {
  const { recorded, refused, 'not called': _, ...faults } = Object.fromEntries(verdictsOf(entries))
  expect(faults).toEqual({})
  expect(recorded.length).toBeGreaterThan(800)
  expect(refused).toContain('nonzero')
})

it('a call that is replayed as a constant is found', () => {
  let count = 0
  const counter = { fn: () => count++, params: [] }
  expect([...verdictsOf(new Map([['a counter', counter]])).keys()]).toEqual([expect.stringContaining('a constant')])
})
