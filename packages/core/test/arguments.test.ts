// Arguments by position and by name, in PyTorch's order; numbers outside a dtype's range; text that never becomes code.
import { js } from '@flambeau/backend-js'
import {
  arange,
  compile,
  F,
  full,
  grad,
  manualSeed,
  nn,
  normal,
  ones,
  optim,
  pad,
  randn,
  Slice,
  tensor,
  useDevice,
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
const same: readonly [string, () => unknown, () => unknown][] = [
  ['sum', () => x.sum(1, true), () => x.sum({ dim: 1, keepdim: true })],
  ['mean', () => x.mean([0, 1], true), () => x.mean({ dim: [0, 1], keepdim: true })],
  ['std', () => x.std(0, false, true), () => x.std({ dim: 0, unbiased: false, keepdim: true })],
  ['std of all', () => x.std(false), () => x.std({ unbiased: false })],
  ['argmax', () => x.argmax(1, true), () => x.argmax({ dim: 1, keepdim: true })],
  ['sort', () => x.sort(0, true).values, () => x.sort({ dim: 0, descending: true }).values],
  ['topk', () => x.topk(1, 0, false).values, () => x.topk(1, { dim: 0, largest: false }).values],
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
