// The messages for wrong arguments, op by op, in the words of real PyTorch (tools/golden/sentences.py): every argument
// omitted, given twice and replaced by each of some wrong values.
import { readFileSync } from 'node:fs'
import { js } from '@flambeau/backend-js'
import { eye, F, full, linspace, nn, randperm, type Tensor, tensor, useDevice } from '@flambeau/core'
import { expect, it } from 'vitest'

useDevice(js())
// biome-ignore lint/suspicious/noExplicitAny: functions are called with invalid arguments
type Any = any

const golden: Readonly<Record<string, Readonly<Record<string, string>>>> = JSON.parse(
  readFileSync(new URL('golden/sentences.json', import.meta.url), 'utf8'),
)
const T = (): Tensor =>
  tensor([
    [0.25, 0.5],
    [0.75, 0.5],
  ])
const row = (): Tensor => tensor([0.25, 0.75])
const index = (): Tensor => tensor([[0, 1]], { dtype: 'int32' })
const mask = (): Tensor => T().gt(0.5)
const wrong: Readonly<Record<string, unknown>> = {
  null: null,
  text: 'x',
  'a fraction': 0.5,
  true: true,
  'a list': [1, 'a'],
  'more than an int': 1e30,
  'a tensor': row(),
}

type Params = Readonly<Record<string, unknown>>
/** The names and valid values of each op's arguments. */
const methods: Readonly<Record<string, () => Params>> = {
  chunk: () => ({ chunks: 2, dim: 0 }),
  ...Object.fromEntries(
    ['argmax', 'argmin', 'amax', 'amin', 'logsumexp', 'sum', 'mean', 'prod'].map((name) => [
      name,
      () => ({ dim: 0, keepdim: true }),
    ]),
  ),
  topk: () => ({ k: 1, dim: 0, largest: true, sorted: true }),
  unsqueeze: () => ({ dim: 0 }),
  squeeze: () => ({ dim: 0 }),
  flatten: () => ({ startDim: 0, endDim: 1 }),
  transpose: () => ({ dim0: 0, dim1: 1 }),
  narrow: () => ({ dim: 0, start: 0, length: 1 }),
  select: () => ({ dim: 0, index: 0 }),
  diagonal: () => ({ offset: 0, dim1: 0, dim2: 1 }),
  unfold: () => ({ dimension: 0, size: 1, step: 1 }),
  mm: () => ({ mat2: T() }),
  mv: () => ({ vec: row() }),
  matmul: () => ({ other: T() }),
  addmm: () => ({ mat1: T(), mat2: T() }),
  cumsum: () => ({ dim: 0 }),
  cumprod: () => ({ dim: 0 }),
  cummax: () => ({ dim: 0 }),
  scatterReduce: () => ({ dim: 0, index: index(), src: T(), reduce: 'sum' }),
  softmax: () => ({ dim: 0 }),
  sort: () => ({ dim: 0, descending: true }),
  gather: () => ({ dim: 0, index: index() }),
  indexSelect: () => ({ dim: 0, index: index().at(0) }),
  maskedSelect: () => ({ mask: mask() }),
  maskedFill: () => ({ mask: mask(), value: 1 }),
  expandAs: () => ({ other: T() }),
  equal: () => ({ other: T() }),
  allclose: () => ({ other: T(), rtol: 0.1, atol: 0.1, equalNan: true }),
  isclose: () => ({ other: T(), rtol: 0.1, atol: 0.1, equalNan: true }),
  clamp: () => ({ min: 0, max: 1 }),
  fill_: () => ({ value: 1 }),
  copy_: () => ({ other: T() }),
  uniform_: () => ({ from: 0, to: 1 }),
  normal_: () => ({ mean: 0, std: 1 }),
  bernoulli_: () => ({ p: 0.5 }),
  requiresGrad_: () => ({ requiresGrad: true }),
}
const functions: Readonly<Record<string, readonly [fn: (...args: Any[]) => unknown, () => Params]>> = {
  linspace: [linspace as Any, () => ({ start: 0, end: 1, steps: 2 })],
  eye: [eye as Any, () => ({ n: 2, m: 2 })],
  randperm: [randperm as Any, () => ({ n: 2 })],
  full: [full as Any, () => ({ size: [2, 2], fillValue: 1 })],
  'F.mseLoss': [F.mseLoss as Any, () => ({ input: T(), target: T() })],
  'F.crossEntropy': [F.crossEntropy as Any, () => ({ input: T(), target: index().at(0) })],
  'F.dropout': [F.dropout as Any, () => ({ input: T(), p: 0.5, training: true })],
  'nn.Linear': [
    (...args) => new nn.Linear(...(args as [number, number])),
    () => ({ inFeatures: 2, outFeatures: 2, bias: true }),
  ],
  'nn.Dropout': [(...args) => new nn.Dropout(...args), () => ({ p: 0.5, inplace: true })],
  'nn.Flatten': [(...args) => new nn.Flatten(...args), () => ({ startDim: 0, endDim: 1 })],
}

const sentence = (fn: () => unknown): string => {
  try {
    fn()
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message.split('\n')[0]}`
  }
  return 'no error'
}

/** The arguments of the call that a key describes. */
function argumentsOf(key: string, params: Params): readonly unknown[] {
  const names = Object.keys(params)
  const good = Object.values(params)
  if (key === 'nothing') return []
  if (key === 'one more') return [...good, 7]
  if (key === 'colour') return [...good, { colour: 1 }]
  if (key === 'the first twice') return [...good, { [names[0]]: good[0] }]
  const [name, what] = key.split(' = ')
  const at = names.indexOf(name.replace(' by name', ''))
  if (what !== undefined) return good.map((value, i) => (i === at ? wrong[what] : value))
  const rest = names.slice(at).map((other, i) => [other, i === 0 ? 'x' : params[other]])
  return [...good.slice(0, at), Object.fromEntries(rest)]
}

const float = 'a number so large is a float in JavaScript'
const first = 'the tensor goes by position only'
/** Keys for which other words are right here, and why. */
const counted = 'PyTorch counts the arguments of its form for named dimensions: from 3 to 0'
const differences: Readonly<Record<string, string>> = {
  'x.fill_: value = more than an int': float,
  'x.maskedFill: value = more than an int': float,
  'x.clamp: min = more than an int': float,
  'x.clamp: max = more than an int': float,
  'linspace: start = more than an int': float,
  'linspace: end = more than an int': float,
  'full: fillValue = more than an int': float,
  'x.copy_: other = more than an int': float,
  'x.diagonal: one more': counted,
  'x.diagonal: colour': counted,
  'x.diagonal: the first twice': counted,
  'F.mseLoss: nothing': first,
  'F.mseLoss: the first twice': first,
  'F.crossEntropy: nothing': first,
  'F.crossEntropy: the first twice': first,
  'F.crossEntropy: colour': 'it has one name, that of its C++ part',
  'F.dropout: nothing': first,
  'F.dropout: the first twice': first,
  'F.dropout: input by name': first,
  'F.dropout: training by name': 'arguments have one name',
}

it.each(Object.entries(golden))('%s', (op, said) => {
  const [fn, params] = op.startsWith('x.')
    ? [(...args: unknown[]) => (T() as Any)[op.slice(2)](...args), methods[op.slice(2)]]
    : functions[op]
  for (const [key, words] of Object.entries(said)) {
    const found = sentence(() => fn(...argumentsOf(key, params())))
    // Internally, PyTorch calls ints SymInts.
    const expected = words.replace('SymInts', 'ints')
    if (`${op}: ${key}` in differences) expect(found, `${key}: no difference any more`).not.toBe(expected)
    else expect(found, key).toBe(expected)
  }
})

it('names what is known only', () => {
  const known = Object.entries(golden).flatMap(([op, said]) => Object.keys(said).map((key) => `${op}: ${key}`))
  expect(known.length).toBeGreaterThan(400)
  expect(Object.keys(differences).filter((name) => !known.includes(name))).toEqual([])
})
