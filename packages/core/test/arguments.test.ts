// Arguments by position and by name, in PyTorch's order; numbers outside a dtype's range; text that never becomes code.
import { js } from '@flambeau/backend-js'
import {
  arange,
  compile,
  empty,
  F,
  full,
  grad,
  manualSeed,
  nn,
  normal,
  ones,
  optim,
  pad,
  rand,
  randint,
  randn,
  Slice,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { expect, it } from 'vitest'
import { numberSource } from '../src/expr/js.ts'

useDevice(js())
const x = tensor([
  [1, 2],
  [3, 4],
])
const row = tensor([[0], [1]], { dtype: 'int32' })
const leaf = tensor([1, 2], { requiresGrad: true })
const squared = leaf.square()
const seeded = (draw: () => unknown): unknown => {
  manualSeed(0)
  return draw()
}
const same: readonly [string, () => unknown, () => unknown][] = [
  ['sum', () => x.sum(1, true), () => x.sum({ dim: 1, keepdim: true })],
  ['mean', () => x.mean([0, 1], true), () => x.mean({ dim: [0, 1], keepdim: true })],
  ['std', () => x.std(0, false, true), () => x.std({ dim: 0, unbiased: false, keepdim: true })],
  ['std of all', () => x.std(false), () => x.std({ unbiased: false })],
  ['argmax', () => x.argmax(1, true), () => x.argmax({ dim: 1, keepdim: true })],
  ['sort', () => x.sort(0, true).values, () => x.sort({ dim: 0, descending: true }).values],
  ['zeros', () => zeros(2, 3, { dtype: 'int32' }), () => zeros({ size: [2, 3], dtype: 'int32' })],
  ['ones', () => ones([2]), () => ones({ size: [2] })],
  ['empty', () => empty(2).shape, () => empty({ size: [2] }).shape],
  ['rand', () => seeded(() => rand(2)), () => seeded(() => rand({ size: [2] }))],
  ['randn', () => seeded(() => randn(2)), () => seeded(() => randn({ size: [2] }))],
  ['newZeros', () => x.newZeros(2), () => x.newZeros({ size: [2] })],
  ['flip', () => x.flip(0, 1), () => x.flip({ dims: [0, 1] })],
  ['permute', () => x.permute(1, 0), () => x.permute({ dims: [1, 0] })],
  ['reshape', () => x.reshape(4, -1), () => x.reshape({ shape: [4, -1] })],
  ['view', () => x.view(4), () => x.view({ size: [4] })],
  ['expand', () => x.expand(3, -1, -1), () => x.expand({ size: [3, -1, -1] })],
  ['repeat', () => x.repeat(2, 1), () => x.repeat({ repeats: [2, 1] })],
  ['tile', () => x.tile(2), () => x.tile({ dims: [2] })],
  [
    'temperatures of gumbelSoftmax',
    () => seeded(() => F.gumbelSoftmax(x, 0.5)),
    () => seeded(() => F.gumbelSoftmax(x, { tau: tensor(0.5) })),
  ],
  ['topk', () => x.topk(1, 0, false).values, () => x.topk(1, { dim: 0, largest: false }).values],
  [
    'sizes of Linear',
    () => String(new nn.Linear(2, 1)),
    () => String(new nn.Linear({ inFeatures: 2, outFeatures: 1 })),
  ],
  ...[nn.Conv1d, nn.Conv2d, nn.Conv3d].flatMap((Layer): [string, () => unknown, () => unknown][] => {
    const named = () => String(new Layer({ inChannels: 1, outChannels: 2, kernelSize: 3, padding: 'same' }))
    return [
      [`${Layer.name} by name`, () => String(new Layer(1, 2, 3, 1, 'same')), named],
      [`the kernel of ${Layer.name}`, () => String(new Layer(1, 2, { kernelSize: 3, padding: 'same' })), named],
    ]
  }),
  [
    'ConvTranspose2d',
    () => String(new nn.ConvTranspose2d(1, 2, [3, 2])),
    () => String(new nn.ConvTranspose2d({ inChannels: 1, outChannels: 2, kernelSize: [3, 2] })),
  ],
  [
    'LazyConv2d',
    () => String(new nn.LazyConv2d(2, 3)),
    () => String(new nn.LazyConv2d({ outChannels: 2, kernelSize: 3 })),
  ],
  ['BatchNorm1d', () => String(new nn.BatchNorm1d(2)), () => String(new nn.BatchNorm1d({ numFeatures: 2 }))],
  ['InstanceNorm1d', () => String(new nn.InstanceNorm1d(2)), () => String(new nn.InstanceNorm1d({ numFeatures: 2 }))],
  ['LayerNorm', () => String(new nn.LayerNorm([2])), () => String(new nn.LayerNorm({ normalizedShape: [2] }))],
  [
    'GroupNorm',
    () => String(new nn.GroupNorm(1, 2)),
    () => String(new nn.GroupNorm({ numGroups: 1, numChannels: 2, eps: 1e-5 })),
  ],
  ...[nn.Embedding, nn.EmbeddingBag].map((Table): [string, () => unknown, () => unknown] => [
    Table.name,
    () => String(new Table(3, 2)),
    () => String(new Table({ numEmbeddings: 3, embeddingDim: 2 })),
  ]),
  ...[nn.RNNCell, nn.LSTMCell, nn.GRUCell].map((Cell): [string, () => unknown, () => unknown] => [
    Cell.name,
    () => String(new Cell(3, 2)),
    () => String(new Cell({ inputSize: 3, hiddenSize: 2 })),
  ]),
  [
    'weightNorm',
    () => String(nn.utils.weightNorm(new nn.Linear(2, 1), 'weight', 1).stateDict().get('weight_g')?.shape),
    () =>
      String(nn.utils.weightNorm(new nn.Linear(2, 1), { name: 'weight', dim: 1 }).stateDict().get('weight_g')?.shape),
  ],
  ['clipGradNorm_', () => nn.utils.clipGradNorm_([leaf], 1), () => nn.utils.clipGradNorm_([leaf], { maxNorm: 1 })],
  ['clipGradValue_', () => nn.utils.clipGradValue_([leaf], 1), () => nn.utils.clipGradValue_([leaf], { clipValue: 1 })],
  ['unsqueeze', () => x.unsqueeze(1), () => x.unsqueeze({ dim: 1 })],
  ['k of topk', () => x.topk(1).values, () => x.topk({ k: 1 }).values],
  ['chunk', () => x.chunk(2, 1)[1], () => x.chunk({ chunks: 2, dim: 1 })[1]],
  ['gather', () => x.gather(1, row), () => x.gather({ dim: 1, index: row })],
  ['the index of gather', () => x.gather(1, row), () => x.gather(1, { index: row })],
  ['arange', () => arange(1, 7, 2), () => arange({ start: 1, end: 7, step: 2 })],
  ['the step of arange', () => arange(1, 7, 2), () => arange(1, 7, { step: 2 })],
  ['the size of randint', () => randint(3, 4, [2]), () => randint(3, 4, { size: [2] })],
  ['the size of normal', () => normal(3, 0, [2]), () => normal(3, 0, { size: [2] })],
  ['the amounts of pad', () => pad(x, [1, 1]), () => pad(x, { pad: [1, 1] })],
  ['Linear', () => String(new nn.Linear(2, 1, false)), () => String(new nn.Linear(2, 1, { bias: false }))],
  ['sum by NumPy', () => x.sum({ axis: 1, keepdims: true }), () => x.sum(1, true)],
  ['softmax', () => x.softmax(1, 'float64'), () => x.softmax({ dim: 1, dtype: 'float64' })],
  ['scatter', () => x.scatter(1, row, 5), () => x.scatter(1, row, { value: 5 })],
  ['to', () => x.to('js', 'float64', false, true), () => x.to({ device: 'js', dtype: 'float64', nonBlocking: true })],
  ['SGD', () => new optim.SGD([x], 0.5, 0.9), () => new optim.SGD([x], { lr: 0.5, momentum: 0.9 })],
  [
    'grad',
    () => grad(squared, leaf, ones(2), true),
    () => grad(squared, leaf, { gradOutputs: ones(2), retainGraph: true }),
  ],
  [
    'a reduction as the first argument',
    () => F.mseLoss(x, ones(2, 2), 'sum'),
    () => F.mseLoss(x, ones(2, 2), { reduction: 'sum' }),
  ],
  ['sizeAverage', () => new nn.MSELoss(false).reduction, () => 'sum'],
  ['reduce', () => new nn.MSELoss({ reduce: false }).reduction, () => 'none'],
  ['mseLoss', () => F.mseLoss(x, ones(2, 2), null, null, 'sum'), () => F.mseLoss(x, ones(2, 2), { reduction: 'sum' })],
]
it.each(same)('%s takes the same arguments by position and by name', (_, byPlace, byName) => {
  expect(String(byPlace())).toBe(String(byName()))
})

const refused: readonly [string, () => unknown, string][] = [
  [
    'sizes by a wrong name',
    () => x.flip({ axes: [0] } as never),
    "flip() got an unexpected keyword argument 'axes'\nIt takes dims.",
  ],
  [
    'a number as sizes by name',
    () => zeros({ size: 3 } as never),
    "zeros(): argument 'size' must be tuple of ints, not int",
  ],
  [
    'axes',
    () => x.argmax({ axes: 1 } as never),
    "argmax() got an unexpected keyword argument 'axes'\nDid you mean dim?",
  ],
  ['dim and axis', () => x.argmax({ dim: 1, axis: 1 }), "argmax() got multiple values for argument 'dim'"],
  ['keepDim', () => x.mean({ dim: 1, keepDim: true } as never), 'Did you mean keepdim?'],
  ['requires_grad', () => tensor([1], { requires_grad: true } as never), 'Did you mean requiresGrad?'],
  [
    "F.mseLoss(x, y, 'max')",
    () => F.mseLoss(x, x, 'max' as never),
    "argument 'size_average' (position 2) must be bool, not str",
  ],
  ['300 as uint8', () => tensor([300], { dtype: 'uint8' }), 'value cannot be converted to type uint8 without overflow'],
  [
    '300 around uint8',
    () => F.pad(zeros(2, { dtype: 'uint8' }), [1, 1], { value: 300 }),
    'value cannot be converted to',
  ],
  ['2 ** 31 as int32', () => tensor([2 ** 31], { dtype: 'int32' }), 'value cannot be converted to type int32 without'],
  ['NaN as int32', () => tensor([Number.NaN], { dtype: 'int32' }), 'without overflow'],
  [
    'full without a value',
    () => full([2], undefined as never),
    'full() missing 1 required positional arguments: "fill_value"',
  ],
  ["fill_('x')", () => ones(2).fill_('x' as never), "argument 'value' (position 1) must be Number, not str"],
  ["std({ correction: 'x' })", () => x.std({ correction: 'x' as never }), "argument 'correction' must be int, not str"],
  ['slice(0, NaN, 2)', () => x.slice(0, Number.NaN, 2), "argument 'start' (position 2) must be int, not float"],
  ['Slice(NaN)', () => x.at(Slice(Number.NaN)), 'slice indices must be integers'],
  ['repeat(1e99)', () => x.repeat(1e99, 1), 'Overflow when unpacking long'],
  ['more than memory', () => ones(2 ** 50), "DefaultCPUAllocator: can't allocate memory"],
  [
    'a picture of more than memory',
    () => F.interpolate(ones(1, 1, 2), 2 ** 40),
    "DefaultCPUAllocator: can't allocate memory",
  ],
  [
    'text as the value of pad',
    () => pad(x, [1, 1], { value: '0); throw 1; (' as never }),
    "argument 'value' must be float",
  ],
]
it.each(refused)('refuses %s', (_, call, sentence) => expect(call).toThrow(sentence))

it('a list that contains itself is refused', () => {
  const list: unknown[] = []
  list.push(list)
  expect(() => tensor(list as never)).toThrow("too many dimensions 'list'")
  expect(() => x.at(list as never)).toThrow("too many dimensions 'list'")
})

it('-1 is the last number of uint8, as in PyTorch', () => {
  expect(tensor([-1, 2.7], { dtype: 'uint8' }).toNested()).toEqual([255, 2])
})

it('an array of sizes is copied', () => {
  const sizes = [2, 3]
  const y = ones(sizes)
  const z = arange(6).reshape(sizes)
  sizes.pop()
  expect([y.shape, z.shape]).toEqual([
    [2, 3],
    [2, 3],
  ])
})

it('text never becomes code', () => {
  expect(() => numberSource('0; throw 1' as never)).toThrow('a program holds numbers only')
  expect([-0, -1.5, 2, Number.NaN, -1 / 0].map(numberSource)).toEqual(['(-0)', '(-1.5)', '2', 'NaN', '(-Infinity)'])
  const step = compile(() => pad(x, [1, 1], { value: -2 }))
  for (let i = 0; i < 5; i++) expect(step().toNested()).toEqual(pad(x, [1, 1], { value: -2 }).toNested())
})

// PyTorch 1.13.1 computes normals of the common shape, times the deviations, plus the means.
it('a temperature that falls between compiled steps is a tensor or a function', () => {
  let falling = 1
  const tau = tensor(1)
  for (const of of [tau, () => falling]) {
    manualSeed(0)
    const step = compile(() => F.gumbelSoftmax(x, { tau: of }))
    const sharpest = Array.from({ length: 6 }, (_, i) => {
      falling = 1 / (1 + i)
      tau.fill_(falling)
      return step()
    })
    manualSeed(0)
    expect(sharpest.map(String)).toEqual(sharpest.map((_, i) => String(F.gumbelSoftmax(x, 1 / (1 + i)))))
  }
})

it('normal takes tensors for the mean, the deviation, or both', () => {
  const mean = tensor([1, 2, 3], { requiresGrad: true })
  const std = tensor([[1], [2]])
  const drawn = (fn: () => unknown): string => {
    manualSeed(0)
    return String(fn())
  }
  const plain = mean.detach()
  expect(drawn(() => normal(plain, std))).toBe(drawn(() => randn(2, 3).mul(std).add(plain)))
  expect(drawn(() => normal(plain, 2))).toBe(drawn(() => randn(3).mul(2).add(plain)))
  expect(drawn(() => normal(1, std))).toBe(drawn(() => randn(2, 1).mul(std).add(1)))
  expect(() => normal(plain, std.neg())).toThrow('normal expects all elements of std >= 0.0')
  const y = normal(mean, std)
  expect(String(y.gradFn?.name ?? y)).toContain('NormalBackward3')
  y.sum().backward()
  expect(mean.grad?.toNested()).toEqual([0, 0, 0])
})
