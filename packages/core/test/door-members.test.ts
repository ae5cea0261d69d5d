// Calls every public method of every class, and every setter, with every argument replaced in turn by wrong values;
// tools/test/door.ts defines the allowed outcomes. Return values of users' functions (hooks, custom functions, steps)
// count as arguments. The first test fails for a member without an entry.
import * as core from '@flambeau/core'
import { autograd, nn, optim, Tensor, tensor } from '@flambeau/core'
import { expect, it } from 'vitest'
import { membersOf } from '../../../tools/test/api-members.ts'
import { at, by, faultsOf, type Param } from '../../../tools/test/door.ts'
import { parameterFaults } from '../../../tools/test/parameters.ts'
import { add, type Any, entries, house, indices, leaf, on, parameter, row, self, squared, T } from './doors.ts'
import { verdictsOf } from './compiled-doors.ts'
import { addMembersOfDistributions } from './doors-of-distributions.ts'

// ---- modules ----

const model = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2))
const recurse = at('recurse', 'bool?', true)
const prefix = at('prefix', 'text?', 'a')
for (const name of ['namedParameters', 'namedBuffers']) on(`Module.${name}`, model, [prefix, recurse])
for (const name of ['parameters', 'buffers']) on(`Module.${name}`, model, [recurse])
on('Module.namedModules', model, [prefix])
const missing = { words: /has no attribute/ }
on('Module.getSubmodule', model, [at('target', 'text', '0')], missing)
on('Module.getParameter', model, [at('target', 'text', '0.weight')], missing)
on('Module.getBuffer', model, [at('target', 'text', '1.running_mean')], missing)
const part = (kind: string): { words: RegExp } => ({ words: new RegExp(`${kind} name|to ${kind}|Module subclass`) })
on(
  'Module.registerBuffer',
  model,
  [at('name', 'text', 'other'), at('tensor', 'tensor|null', row), at('persistent', 'bool?', false)],
  part('buffer'),
)
on(
  'Module.registerParameter',
  model,
  [at('name', 'text', 'other'), at('parameter', 'none|null', () => new nn.Parameter(row()))],
  part('parameter'),
)
on(
  'Module.registerModule',
  model,
  [at('name', 'text', 'other'), at('module', 'module|null', () => new nn.Identity())],
  part('module'),
)
on('Module.apply', model, [at('fn', 'fn', () => () => {})])
on('Module.train', model, [at('mode', 'bool?', true)])
on('Module.training =', model, [at('training', 'bool', true)])
on('Module.requiresGrad_', model, [at('requiresGrad', 'bool?', false)])
on('Module.zeroGrad', model, [at('setToNone', 'bool?', false)])
const target = at('target', 'text|options', 'float64')
const moved = { words: /dtype|device|\bto\b/ }
on('Module.to', model, [target], moved)
on('Module.cuda', model, [at('device', 'int?|text|null', 0)], moved)
on('Module.stateDict', model, [by('prefix', 'text?', 'a.'), by('keepVars', 'bool?', true)])
const loaded = { words: /state_dict/ }
on(
  'Module.loadStateDict',
  model,
  [at('stateDict', 'dict', () => model().stateDict()), at('strict', 'bool?', true)],
  loaded,
)
on('Module.loadStateDict of names', model, [by('0.weight', 'tensor?', T), by('0.bias', 'tensor?', row)], {
  fn: (x: Any, state) => x.loadStateDict(state, { strict: false }),
  anyOption: true,
  words: /Circular reference/,
})
const hook = at('hook', 'fn', () => () => {})
on('Module.addModule', model, [at('name', 'text', 'other'), at('module', 'module|null', () => new nn.Identity())], {
  words: /module name|to module|Module subclass/,
})
on('Module.type', model, [at('dstType', 'dtype', 'float64')], { words: /not supported|dtype|floating point/ })
for (const name of [
  'registerForwardHook',
  'registerForwardPreHook',
  'registerFullBackwardHook',
  'registerLoadStateDictPostHook',
])
  on(`Module.${name}`, model, [hook])

/** A hook is a user's function, which may return anything. */
const hooked = (register: string) => (x: Any, returned: unknown) => {
  x[register](() => returned)
  return x.forward(leaf()).sum().backward()
}
const linear = (): nn.Linear => new nn.Linear(2, 2)
on('a forward hook returns', linear, [at('output', 'tensor?|null', row)], {
  fn: (x: Any, returned) => {
    x.registerForwardHook(() => returned)
    return new nn.Sequential(x, new nn.Linear(2, 2)).forward(row())
  },
  open: true,
  words: /input/,
})
on('a forward pre-hook returns', linear, [at('input', 'tensor?|null|list', row)], {
  fn: hooked('registerForwardPreHook') as never,
  open: true,
})
on('a backward hook returns', linear, [at('grad_input', 'tensor?|null|tensors', row)], {
  fn: hooked('registerFullBackwardHook') as never,
  open: true,
  words: /has no len|hook/,
})

for (const [name, layer] of [
  ['Linear', linear],
  ['ReLU', () => new nn.ReLU()],
  ['LeakyReLU', () => new nn.LeakyReLU()],
  ['Sigmoid', () => new nn.Sigmoid()],
  ['Tanh', () => new nn.Tanh()],
  ['Softmax', () => new nn.Softmax(0)],
  ['LogSoftmax', () => new nn.LogSoftmax(0)],
  ['Dropout', () => new nn.Dropout()],
  ['Flatten', () => new nn.Flatten()],
  ['BatchNorm1d', () => new nn.BatchNorm1d(2)],
  ['PlainConvolution', () => new nn.Conv1d(2, 2, 1)],
  ['Sequential', () => new nn.Sequential(new nn.Linear(2, 2))],
] as const)
  on(`${name}.forward`, layer, [self], { anyOption: true })
const picture = { ...self, good: () => core.ones(1, 4, 2, 2) }
const volume = { ...self, good: () => core.ones(1, 4, 2, 1, 2) }
for (const [name, layer, input] of [
  ['BatchNorm', () => new nn.BatchNorm2d(4), picture],
  ['InstanceNorm', () => new nn.InstanceNorm2d(4), picture],
  ['LayerNorm', () => new nn.LayerNorm(2), self],
  ['GroupNorm', () => new nn.GroupNorm(2, 4), picture],
  ['LocalResponseNorm', () => new nn.LocalResponseNorm(2), picture],
  ['Dropout1d', () => new nn.Dropout1d(), self],
  ['Dropout2d', () => new nn.Dropout2d(), picture],
  ['Dropout3d', () => new nn.Dropout3d(), volume],
  ['AlphaDropout', () => new nn.AlphaDropout(), self],
  ['FeatureAlphaDropout', () => new nn.FeatureAlphaDropout(), self],
  ['ConstantPad', () => new nn.ConstantPad1d(1, 2), self],
  ['ZeroPad2d', () => new nn.ZeroPad2d(1), self],
  ['ReflectionPad', () => new nn.ReflectionPad1d(1), self],
  ['ReplicationPad', () => new nn.ReplicationPad2d(1), picture],
  ['Upsample', () => new nn.Upsample({ scaleFactor: 2 }), picture],
  ['PixelShuffle', () => new nn.PixelShuffle(2), picture],
  ['PixelUnshuffle', () => new nn.PixelUnshuffle(2), picture],
  ['ChannelShuffle', () => new nn.ChannelShuffle(2), picture],
  ['ELU', () => new nn.ELU(), self],
  ['CELU', () => new nn.CELU(), self],
  ['SELU', () => new nn.SELU(), self],
  ['GELU', () => new nn.GELU(), self],
  ['SiLU', () => new nn.SiLU(), self],
  ['Mish', () => new nn.Mish(), self],
  ['Softplus', () => new nn.Softplus(), self],
  ['LogSigmoid', () => new nn.LogSigmoid(), self],
  ['Softsign', () => new nn.Softsign(), self],
  ['Tanhshrink', () => new nn.Tanhshrink(), self],
  ['Softshrink', () => new nn.Softshrink(), self],
  ['Hardshrink', () => new nn.Hardshrink(), self],
  ['Hardtanh', () => new nn.Hardtanh(), self],
  ['ReLU6', () => new nn.ReLU6(), self],
  ['Hardswish', () => new nn.Hardswish(), self],
  ['Hardsigmoid', () => new nn.Hardsigmoid(), self],
  ['Threshold', () => new nn.Threshold(0, 1), self],
  ['GLU', () => new nn.GLU(), self],
  ['PReLU', () => new nn.PReLU(), self],
  ['RReLU', () => new nn.RReLU(), self],
  ['Softmin', () => new nn.Softmin(0), self],
  ['Softmax2d', () => new nn.Softmax2d(), picture],
] as const)
  on(`${name}.forward`, layer, [input], { anyOption: true })
for (const name of ['CosineSimilarity', 'PairwiseDistance'] as const)
  on(`${name}.forward`, () => new nn[name](), [at('x1', 'tensor', T), at('x2', 'tensor', T)], { anyOption: true })
for (const rank of [1, 2, 3])
  for (const name of ['MaxPool', 'AvgPool', 'AdaptiveAvgPool', 'AdaptiveMaxPool']) {
    const type: new (size: number) => nn.Module = (nn as Any)[`${name}${rank}d`]
    const input = at('input', 'tensor', () => core.ones(1, 1, ...new Array(rank).fill(2)))
    on(`${name}${rank}d.forward`, () => new type(1), [input], { anyOption: true })
  }
for (const rank of [1, 2] as const) {
  const input = at('input', 'tensor', () => core.ones(1, 1, ...new Array(rank).fill(2)))
  on(`LPPool${rank}d.forward`, () => new nn[`LPPool${rank}d`](2, 1), [input], { anyOption: true })
}
const words = at('input', 'tensor', indices)
const rows = at('embeddings', 'tensor', T)
on('Embedding.fromPretrained', () => nn.Embedding, [rows, at('freeze', 'bool?', true)])
on('EmbeddingBag.fromPretrained', () => nn.EmbeddingBag, [rows, at('freeze', 'bool?', true)])
on('Embedding.forward', () => new nn.Embedding(2, 2), [words], { anyOption: true })
on('EmbeddingBag.forward', () => new nn.EmbeddingBag(2, 2), [
  words,
  at('offsets', 'tensor?|null', () => core.zeros(1, { dtype: 'int32' })),
  at('perSampleWeights', 'tensor?|null', null),
])
on('Bilinear.forward', () => new nn.Bilinear(2, 2, 2), [at('input1', 'tensor', T), at('input2', 'tensor', T)], {
  anyOption: true,
})
on('Unflatten.forward', () => new nn.Unflatten(1, [2, 1]), [self], { anyOption: true })
on('RMSNorm.forward', () => new nn.RMSNorm(2), [self], { anyOption: true })
on(
  'CTCLoss.forward',
  () => new nn.CTCLoss(),
  [
    at('logProbs', 'tensor', () => core.zeros(3, 1, 2)),
    at('targets', 'tensor', () => core.ones(1, 1, { dtype: 'int32' })),
    at('inputLengths', 'ints|tensor', () => [3]),
    at('targetLengths', 'ints|tensor', () => [1]),
  ],
  { anyOption: true },
)
const adaptive = (): nn.AdaptiveLogSoftmaxWithLoss => new nn.AdaptiveLogSoftmaxWithLoss(2, 4, [2])
const classNumbers = at('target', 'tensor', indices)
on('AdaptiveLogSoftmaxWithLoss.forward', adaptive, [self, classNumbers], { words: /argument|target|Target/ })
for (const name of ['logProb', 'predict']) on(`AdaptiveLogSoftmaxWithLoss.${name}`, adaptive, [self])
for (const name of ['RNNCell', 'GRUCell'] as const)
  on(`${name}.forward`, () => new nn[name](2, 2), [self, at('hx', 'tensor?|null', T)])
on('LSTMCell.forward', () => new nn.LSTMCell(2, 2), [self, at('hx', 'tensors?|null', () => [T(), T()])])
const modules = (): nn.Module => new nn.ModuleDict({ first: new nn.Identity() })
const weights = (): nn.Module => new nn.ParameterDict({ first: T() })
for (const [name, make, good] of [
  ['Dictionary', modules, () => new nn.Identity()],
  ['ParameterDict', weights, T],
] as const) {
  for (const method of ['get', 'has', 'pop']) on(`${name}.${method}`, make, [at('key', 'text', 'first')])
  on(
    `${name}.set`,
    make,
    [at('key', 'text', 'first'), at('value', name === 'Dictionary' ? 'module|null' : 'tensor', good)],
    { words: /name|Module|parameter/ },
  )
  on(`${name}.update`, make, [at('items', 'any', () => ({ first: good() }))], { words: /iterable/ })
  for (const method of ['keys', 'values', 'items', 'clear']) on(`${name}.${method}`, make, [])
}
on('ParameterDict.setdefault', weights, [at('key', 'text', 'second'), at('default', 'tensor', T)], {
  words: /name|parameter/,
})
on('ParameterDict.fromkeys', weights, [at('keys', 'any', () => ['a']), at('default', 'tensor', T)], {
  words: /parameter/,
})
for (const method of ['popitem', 'copy']) on(`ParameterDict.${method}`, weights, [])
const listed = (): nn.ParameterList => new nn.ParameterList([T()])
on('ParameterList.at', listed, [at('index', 'int', 0)])
on('ParameterList.append', listed, [at('value', 'tensor', T)], { words: /parameter/ })
on('ParameterList.extend', listed, [at('values', 'any', () => [T()])], { words: /iterable/ })
const { prune } = nn.utils
const pruned = () => prune.l1Unstructured(new nn.Linear(2, 2), 'weight', 1)
const owner = at('module', 'module', pruned)
const pruning = { words: /attribute|has to be pruned|amount|parameter/ }
const methodOfPruning = () => prune.L1Unstructured.apply(new nn.Linear(2, 2), 'weight', 1)
add(
  'BasePruningMethod.apply',
  (...args: unknown[]) => (prune.Identity.apply as (...all: unknown[]) => unknown).apply(prune.Identity, args),
  [at('module', 'module', () => new nn.Linear(2, 2)), at('name', 'text', 'weight')],
  { ...pruning, anyOption: true },
)
on('BasePruningMethod.applyMask', methodOfPruning, [owner], pruning)
on('BasePruningMethod.remove', methodOfPruning, [owner], pruning)
on(
  'BasePruningMethod.prune',
  () => new prune.L1Unstructured(1),
  [at('t', 'tensor', T), at('defaultMask', 'tensor?|null', T), at('importanceScores', 'tensor?|null', T)],
  { words: /shape|argument/ },
)
on(
  'PruningContainer.addPruningMethod',
  () => new prune.PruningContainer(),
  [at('method', 'pruning method', () => new prune.Identity())],
  { anyOption: true, words: /BasePruningMethod/ },
)
on('PruningContainer.at', () => new prune.PruningContainer(new prune.Identity()), [at('index', 'int', 0)], {
  words: /out of range/,
})
for (const name of ['UninitializedParameter', 'UninitializedBuffer'] as const)
  on(
    `${name}.materialize`,
    () => new nn[name](),
    [at('shape', 'ints', () => [2]), at('device', 'device?', 'js'), at('dtype', 'dtype?', 'float32')],
    { nan: 'whatever there is', words: /floating point|size|dimension/ },
  )
const square = at('input', 'tensor', () => core.ones(1, 1, 2, 2))
const cube = at('input', 'tensor', () => core.ones(1, 1, 2, 2, 2))
on('FractionalMaxPool2d.forward', () => new nn.FractionalMaxPool2d(1, 1), [square], { anyOption: true })
on('FractionalMaxPool3d.forward', () => new nn.FractionalMaxPool3d(1, 1), [cube], { anyOption: true })
on('Unfold.forward', () => new nn.Unfold(1), [square], { anyOption: true })
on('Fold.forward', () => new nn.Fold(2, 1), [at('input', 'tensor', () => core.ones(1, 1, 4))], { anyOption: true })
on('MaxUnpooling.forward', () => new nn.MaxUnpool2d(1), [
  square,
  at('indices', 'tensor', () => core.zeros(1, 1, 2, 2, { dtype: 'int32' })),
  at('outputSize', 'ints?|null', () => [2, 2]),
])
on('LazyLinear.forward', () => new nn.LazyLinear(2), [self], { anyOption: true })
for (const rank of [1, 2, 3] as const) {
  const input = at('input', 'tensor', () => core.ones(2, 1, ...new Array(rank).fill(2)))
  on(`LazyConv${rank}d.forward`, () => new nn[`LazyConv${rank}d`](2, 1), [input], { anyOption: true })
  on(`LazyBatchNorm${rank}d.forward`, () => new nn[`LazyBatchNorm${rank}d`](), [input], { anyOption: true })
  on(`LazyInstanceNorm${rank}d.forward`, () => new nn[`LazyInstanceNorm${rank}d`](), [input], { anyOption: true })
  on(`LazyConvTranspose${rank}d.forward`, () => new nn[`LazyConvTranspose${rank}d`](2, 1), [
    input,
    at('outputSize', 'ints?|null', () => new Array(rank).fill(2)),
  ])
}
on('TransposedConvolution.forward', () => new nn.ConvTranspose1d(2, 2, 1), [
  self,
  at('outputSize', 'ints?|null', () => [2]),
])
for (const name of ['MSELoss', 'L1Loss', 'BCELoss', 'BCEWithLogitsLoss'] as const)
  on(`${name}.forward`, () => new nn[name](), [self, at('target', 'tensor', T)], { anyOption: true })
for (const name of [
  'SmoothL1Loss',
  'HuberLoss',
  'KLDivLoss',
  'PoissonNLLLoss',
  'HingeEmbeddingLoss',
  'SoftMarginLoss',
] as const)
  on(`${name}.forward`, () => new nn[name](), [self, at('target', 'tensor', T)], { anyOption: true })
const third = at('target', 'tensor', T)
on('GaussianNLLLoss.forward', () => new nn.GaussianNLLLoss(), [self, third, at('var', 'tensor', T)], {
  anyOption: true,
})
on('MarginRankingLoss.forward', () => new nn.MarginRankingLoss(), [self, at('input2', 'tensor', T), third], {
  anyOption: true,
})
on(
  'CosineEmbeddingLoss.forward',
  () => new nn.CosineEmbeddingLoss(),
  [self, at('input2', 'tensor', T), at('target', 'tensor', () => core.tensor([1, -1]))],
  { anyOption: true },
)
for (const name of ['TripletMarginLoss', 'TripletMarginWithDistanceLoss'] as const)
  on(
    `${name}.forward`,
    () => new nn[name](),
    [at('anchor', 'tensor', T), at('positive', 'tensor', T), at('negative', 'tensor', T)],
    {
      anyOption: true,
    },
  )
on(
  'MultiLabelMarginLoss.forward',
  () => new nn.MultiLabelMarginLoss(),
  [self, at('target', 'tensor', () => core.zeros(2, 2, { dtype: 'int32' }))],
  { anyOption: true },
)
on('MultiLabelSoftMarginLoss.forward', () => new nn.MultiLabelSoftMarginLoss(), [self, third], { anyOption: true })
for (const name of ['NLLLoss', 'CrossEntropyLoss', 'MultiMarginLoss'] as const)
  on(`${name}.forward`, () => new nn[name](), [self, at('target', 'tensor', indices)], { anyOption: true })

const sequence = (): nn.Sequential => new nn.Sequential(new nn.Identity(), new nn.Identity())
const list = (): nn.ModuleList => new nn.ModuleList([new nn.Identity()])
const module = at('module', 'module|null', () => new nn.Identity())
const notModule = { words: /Module/ }
on('Container.at', sequence, [at('index', 'int', 0)])
on('Container.append', sequence, [module], notModule)
on('Container.0 =', sequence, [module], notModule)
on('Sequential.slice', sequence, [at('start', 'int?', 0), at('end', 'int?', 1)])
on('ModuleList.slice', list, [at('start', 'int?', 0), at('end', 'int?', 1)])
on('Container.extend', list, [at('modules', 'listed', () => [])], notModule)
on('Container.insert', list, [at('index', 'int', 0), module], notModule)
on('Container.pop', list, [at('key', 'int', 0)])

add(
  'Module.setExtraState',
  (...args: Any[]) => {
    try {
      ;(new nn.Identity().setExtraState as Any)(...args)
    } catch (error) {
      // What a class without extra state says about any.
      if (typeof args[0] === 'symbol' || !/^Reached a code path/.test((error as Error).message)) throw error
    }
  },
  [at('state', 'any|copied', 1)],
)
add(
  'CheckpointFunction.apply',
  core.utils.checkpoint.CheckpointFunction.apply,
  [at('function', 'fn|module', () => () => 1), at('preserveRngState', 'bool?', true)],
  { open: true, anyOption: true },
)

// ---- optimizers and schedulers ----

const sgd = (): optim.SGD => new optim.SGD([parameter()], { lr: 0.1, momentum: 0.9 })
const stepped = (): optim.Adam => {
  const adam = new optim.Adam([parameter()], { lr: 0.1 })
  adam.step()
  return adam
}
const { parametrize } = nn.utils
on('ParametrizationList.rightInverse', () => new parametrize.ParametrizationList([new nn.Identity()], leaf()), [
  at('value', 'tensor', () => leaf().detach()),
])
on('Optimizer.zeroGrad', sgd, [at('setToNone', 'bool?', false)])
on('Optimizer.step', sgd, [at('closure', 'fn?', () => () => 1)])
on('LBFGS.step', () => new optim.LBFGS([parameter()]), [at('closure', 'fn', () => () => 1)], { words: /closure|float/ })
on('Optimizer.to', sgd, [target], moved)
const group = (): unknown => ({ params: [leaf()], lr: 1 })
const grouped = { words: /param|Tensor|leaf|dict|learning rate/ }
on('Optimizer.addParamGroup', sgd, [at('group', 'none', group)], grouped)
on(
  'Optimizer.addParamGroup with options',
  sgd,
  [by('params', 'list|tensor', () => [leaf()]), by('lr', 'real?', 1), by('nesterov', 'bool?', false)],
  { fn: (x: Any, options) => x.addParamGroup(options), anyOption: true, ...grouped },
)
const unusable = 'Circular reference|dispose'
const saved = (): Any => stepped().stateDict()
on('Optimizer.loadStateDict', stepped, [at('stateDict', 'none', saved)], {
  words: new RegExp(`param_groups|subscriptable|${unusable}`),
})
on(
  'Optimizer.loadStateDict of parts',
  stepped,
  [by('state', 'dict|options', () => saved().state), by('paramGroups', 'none', () => saved().paramGroups)],
  {
    fn: (x: Any, state) => x.loadStateDict(state),
    anyOption: true,
    words: new RegExp(`param|subscriptable|state|${unusable}`),
  },
)
const stateOfFirst = (): Any => saved().state[0]
on(
  'Optimizer.loadStateDict of a parameter',
  stepped,
  [
    by('step', 'number|tensor', () => stateOfFirst().step),
    by('expAvg', 'tensor', () => stateOfFirst().expAvg),
    by('expAvgSq', 'tensor', () => stateOfFirst().expAvgSq),
  ],
  {
    fn: (x: Any, state) => x.loadStateDict({ ...saved(), state: { 0: state } }),
    anyOption: true,
    words: new RegExp(`attribute|convert|shape|size|${unusable}`),
  },
)
const { StepLR, LRScheduler } = optim.lrScheduler
const scheduler = (): optim.lrScheduler.StepLR => new StepLR(sgd(), 2)
for (const name of ['Scheduler.loadStateDict', 'LRScheduler.loadStateDict'])
  on(name, scheduler, [at('stateDict', 'dict|options', () => scheduler().stateDict())])
on(
  'LRScheduler.loadStateDict of parts',
  scheduler,
  Object.entries(scheduler().stateDict()).map(([name, value]) =>
    by(name, Array.isArray(value) ? 'numbers' : typeof value === 'boolean' ? 'bool?' : 'number?', () => value),
  ),
  { fn: (x: Any, state) => x.loadStateDict(state), anyOption: true },
)
on('LRScheduler.step', scheduler, [at('epoch', 'number?', 3)])
on(
  'AveragedModel.updateParameters',
  () => new optim.swaUtils.AveragedModel(new nn.Linear(2, 2)),
  [at('model', 'module', () => new nn.Linear(2, 2))],
  { words: /average|model/ },
)
on('AveragedModel.forward', () => new optim.swaUtils.AveragedModel(new nn.Linear(2, 2)), [at('input', 'tensor', T)], {
  words: /linear|mat|shape|size|dtype|input/,
  // What it takes is the model's own.
  open: true,
  anyOption: true,
})
const { ReduceLROnPlateau } = optim.lrScheduler
on('ReduceLROnPlateau.step', () => new ReduceLROnPlateau(sgd()), [at('metrics', 'number|tensor', 0.5)], {
  words: /a Tensor with \d+ elements|disposed|freed/,
})
class Own extends LRScheduler {
  readonly #rates: unknown
  constructor(rates: unknown) {
    super(sgd())
    this.#rates = rates
    this.start()
  }
  protected override getLr(): number[] {
    return this.#rates as number[]
  }
}
add('a scheduler of the user’s own gives', (rates: unknown) => new Own(rates), [at('getLr', 'numbers', () => [0.1])], {
  open: true,
})

// ---- autograd ----

const within = (use: (ctx: Any, x: Tensor, ...values: unknown[]) => void) => {
  return (...values: unknown[]): unknown => {
    class Custom extends autograd.Function {
      static override forward(ctx: autograd.FunctionCtx, x: Tensor): Tensor {
        use(ctx, x, ...values)
        return x.mul(2)
      }
      static override backward(_: autograd.FunctionCtx, dy: Tensor): Tensor {
        return dy.mul(2)
      }
    }
    const x = leaf()
    return (Custom.apply as Any)(x).sum().backward()
  }
}
add(
  'FunctionCtx.saveForBackward',
  within((ctx, _, value) => ctx.saveForBackward(value)),
  [at('argument', 'tensor|null', row)],
  { open: true },
)
const output = { open: true, words: /only accept|argument|dirty/ }
add(
  'FunctionCtx.markDirty',
  within((ctx, _, value) => ctx.markDirty(...(value === undefined ? [] : [value]))),
  [at('argument', 'tensor?', undefined)],
  output,
)
add(
  'FunctionCtx.markNonDifferentiable',
  within((ctx, _, value) => ctx.markNonDifferentiable(value)),
  [at('argument', 'tensor', row)],
  output,
)
add(
  'FunctionCtx.setMaterializeGrads',
  within((ctx, _, value) => ctx.setMaterializeGrads(value)),
  [at('value', 'bool', true)],
  { open: true, words: /materialize_grads/ },
)
const custom = (forward: (ctx: Any, x: Tensor) => Any, backward: (ctx: Any, dy: Tensor) => Any): unknown => {
  class Custom extends autograd.Function {
    static override forward(ctx: autograd.FunctionCtx, x: Tensor): Any {
      return forward(ctx, x)
    }
    static override backward(ctx: autograd.FunctionCtx, dy: Tensor): Any {
      return backward(ctx, dy)
    }
  }
  const x = leaf()
  const y = (Custom.apply as Any)(x)
  if (y instanceof Tensor && y.requiresGrad) y.sum().backward()
  return x.grad
}
add(
  'backward of a custom function returns',
  (dx: unknown) =>
    custom(
      (_, x) => x.mul(2),
      () => dx,
    ),
  [at('gradient', 'tensor?|null|tensors|holes', row)],
  {
    open: true,
    words: /gradient|Variable|type/,
  },
)
add(
  'AutogradFunction.apply',
  (x: unknown) => {
    class Custom extends autograd.Function {
      static override forward(_: autograd.FunctionCtx, x: Any): Any {
        return x
      }
    }
    return (Custom.apply as Any)(x)
  },
  [at('x', 'any|copied', leaf)],
  { open: true },
)

on('x.grad =', parameter, [at('grad', 'tensor?|null', row)])
on('x.data =', T, [at('data', 'tensor', T)])
on('x.requiresGrad =', T, [at('requires_grad', 'bool', true)], { words: /require/ })
on('a hook on a tensor returns', squared, [at('grad', 'tensor?|null', () => tensor(1))], {
  fn: (x: Any, returned) => {
    x.registerHook(() => returned)
    x.backward()
  },
  open: true,
  words: /hook/,
})

// ---- the rest ----

on('Generator.manualSeed', () => new core.Generator(), [at('seed', 'seed', 1)], { words: /seed|long/, anyOption: true })
on('Generator.setState', () => new core.Generator(), [at('state', 'none', () => new core.Generator().getState())], {
  words: /state/,
  anyOption: true,
})
on('Generator.become', () => new core.Generator(), [at('other', 'none', () => new core.Generator())], {
  anyOption: true,
})

const step = core.compile((..._: unknown[]) => core.ones(1))
const repeated: readonly Param[] = [at('n', 'int', 1), by('stack', 'bool?', true), by('args', 'listed?|list', () => [])]
add('CompiledStep.repeat', step.repeat, repeated, { words: /times|argument/ })
add('CompiledStep.()', (x: unknown) => (step as Any)(x), [at('argument', 'tensor?|any', row)], { open: true })
add(
  'CompiledStep returns',
  (x: unknown) => {
    const step = core.compile(() => x as Any)
    for (let i = 0; i < 4; i++) step()
  },
  [at('result', 'tensor?|null|tensors|dict|holes', () => [])],
  { open: true, words: /return|step/ },
)
on('Profile.table', () => core.profile(() => T().sum()), [
  by('groupByInputShape', 'bool?', true),
  by('rowLimit', 'real?', 10),
])

// ---- the tests ----

/** Classes and interfaces without members to call, and why. */
const exempt: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['AdamBase', 'AlongDim', 'AvgPooling', 'DropoutLayer', 'Inplace', 'NormPooling', 'Pad', 'Shrink'].map((name) => [
      name,
      'made by its subclasses',
    ]),
  ),
  Loss: 'made by its subclasses',
  WeightedLoss: 'made by its subclasses',
  Backend: 'a backend’s: tests of claims call it',
  Clock: 'a backend’s',
  Gpu: 'a backend’s',
  Executable: 'a backend’s',
  Stream: 'for backends',
  BlobLike: 'what browsers bring',
  DirectoryHandleLike: 'what browsers bring',
  Checkpoint: 'it returns promises: io/door.test.ts tries it',
  Device: 'behind tensors',
  Storage: 'behind tensors',
  Node: 'behind tensors',
  Num: 'behind tensors',
  JsStep: 'of steps: special.test.ts tries them all',
  OpDef: 'of ops',
  Vjp: 'of ops',
  Overloaded: 'functions of the op table',
  Extreme: 'functions of the op table',
  MaxPoolFunction: 'its functions are tried with the others',
  AdaptiveMaxPoolFunction: 'its functions are tried with the others',
  FractionalMaxPoolFunction: 'its functions are tried with the others',
  FunctionClass: 'what users write',
  Median: 'its functions are tried with the others',
  Mt19937: 'behind generators',
  Range: 'Slice makes it',
  Tensor: 'its methods are tried with the functions',
  TensorError: 'what is thrown',
  TypeError: 'what is thrown',
  IncompatibleKeys: 'what is returned',
  Profile: 'made by profile',
  ValuesAndIndices: 'what is returned',
}

/** Members without an entry, and why. */
const others: Readonly<Record<string, string>> = {
  'AutogradFunction.forward': 'what users write; what it returns is tried',
  'AutogradFunction.backward': 'what users write; what it returns is tried',
  'ConstraintRegistry.()': 'bijectTo and transformTo are tried with the functions',
  'CompiledStep.repeatAsync': 'it rejects: below',
  'Identity.forward': 'it gives what it gets',
  'Module.forward': 'what users write',
  ...Object.fromEntries(
    [
      'BasePruningMethod',
      'CustomFromMask',
      'Identity',
      'L1Unstructured',
      'PruningContainer',
      'RandomUnstructured',
      'Structured',
    ].map((name) => [`${name}.computeMask`, 'what users write, and the library calls']),
  ),
}

addMembersOfDistributions()

it('every method has an entry', () => {
  const members = membersOf(new URL('../etc/core.api.md', import.meta.url))
  const has = ({ owner, name, takes }: (typeof members)[number]): boolean => {
    if (name === 'constructor' || name.startsWith('[')) return true
    if (owner === 'Tensor' && name.endsWith('=')) return entries.has(`x.${name}`)
    // The classes of containers are typed by their members; below them is a class of another name.
    const container = owner.replace(/^(Sequential|ModuleList)Module$/, '$1').replace(/^Parameters$/, 'ParameterDict')
    const entry = `${container}.${name}`
    return !takes || owner in exempt || entry in others || entries.has(entry)
  }
  expect(members.length).toBeGreaterThan(200)
  expect(members.filter((x) => !has(x)).map(({ owner, name }) => `${owner}.${name}`)).toEqual([])
  const known = new Set(members.flatMap(({ owner, name }) => [owner, `${owner}.${name}`]))
  expect(Object.keys({ ...exempt, ...others }).filter((name) => !known.has(name))).toEqual([])
})

it.each([...entries])('%s refuses wrong arguments', (_, entry) => {
  expect(faultsOf(entry, house)).toEqual([])
})

it('repeatAsync refuses the same arguments as repeat', async () => {
  for (const wrong of [undefined, null, 0, -1, 0.5, '1', Number.NaN, {}, [2]])
    await expect(step.repeatAsync(wrong as never)).rejects.toThrow(/argument 'n'|"n"|whole number of times/)
  await expect(step.repeatAsync(1, { stak: true } as never)).rejects.toThrow("unexpected keyword argument 'stak'")
})

it('takes what PyTorch takes, by position in its order and by name', () => {
  const members = new Map([...entries].filter(([name]) => name.includes('.')))
  expect(parameterFaults(members)).toEqual([])
})

it('a compiled step records every call or refuses it, and replays none as a constant', () => {
  const { recorded, refused, 'not called': _, ...faults } = Object.fromEntries(verdictsOf(entries))
  expect(faults).toEqual({})
  expect(recorded.length).toBeGreaterThan(100)
  expect(refused).toContain('LBFGS.step')
})
