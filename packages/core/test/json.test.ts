// Tensors, state dicts and optimizers' states through JSON, to the bit; and moving models, optimizers and data to
// another device or dtype in one call.
import { js } from '@flambeau/backend-js'
import {
  compile,
  fromJSON,
  manualSeed,
  moveTo,
  nn,
  ones,
  optim,
  randn,
  registerDevice,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bitsOf } from './golden-tensors.ts'
import { Limited } from './limited.ts'

class Variant extends Limited {
  override readonly name = 'variants'
  readonly variant: string

  constructor(variant: string) {
    super()
    this.variant = variant
  }
}

useDevice(js())
beforeAll(() => void registerDevice(new Limited()))
beforeEach(() => void useDevice(js()))

const through = <T>(x: T): T => JSON.parse(JSON.stringify(x))

describe('a tensor in JSON', () => {
  const numbers = [0, -0, 1, -1, 0.1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3e38, 1e-45]
  test.each<[string, Tensor]>([
    ...(['float32', 'float64', 'int32', 'uint8', 'bool'] as const).map((dtype): [string, Tensor] => [
      dtype,
      dtype.startsWith('float') ? tensor(numbers, { dtype }) : tensor([0, 1, 1, 0, 1], { dtype }),
    ]),
    ['a number', tensor(2)],
    ['no elements', ones(2, 0, 3)],
    [
      'a view',
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ])
        .t()
        .at('1:'),
    ],
    ['a parameter', new nn.Parameter(ones(2))],
  ])('%s', (_, x) => {
    const back = fromJSON(through(x) as never)
    expect([back.dtype, [...back.shape], bitsOf(back)]).toEqual([x.dtype, [...x.shape], bitsOf(x)])
    expect(back.requiresGrad).toBe(false)
  })

  test.each<[string, unknown, string]>([
    ['null', null, 'has the entries dtype, shape and data'],
    ['undefined', undefined, 'has the entries dtype, shape and data'],
    ['a number', 1, 'has the entries dtype, shape and data'],
    ['another dtype', { dtype: 'int64', shape: [1], data: '' }, 'has the entries dtype, shape and data'],
    [
      'too few bytes',
      { dtype: 'float32', shape: [2], data: 'AACAPw==' },
      "shape '[2]' is invalid for input of 4 bytes",
    ],
    ['invalid base64', { dtype: 'uint8', shape: [3], data: 'A-CA' }, 'are not base64'],
    ['a part of base64', { dtype: 'uint8', shape: [3], data: 'AACAP' }, 'are not base64'],
    ['a negative size', { dtype: 'uint8', shape: [-3], data: '' }, 'negative dimension'],
    ['a bool of 2', { dtype: 'bool', shape: [1], data: 'Ag==' }, 'a bool must be 0 or 1'],
  ])('%s is not a tensor', (_, json, message) => expect(() => fromJSON(json as never)).toThrow(message))

  test('cannot be written inside a compiled step', () => {
    const x = ones(1)
    expect(() => compile(() => void JSON.stringify(x))()).toThrow('toJSON() cannot be called inside a compiled step')
  })
})

function trained(seed: number): { model: nn.Sequential; optimizer: optim.Adam; x: Tensor } {
  manualSeed(seed)
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.Linear(3, 1))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.1, amsgrad: true, betas: [0.8, 0.99] })
  const x = randn(4, 2)
  model.forward(x).sum().backward()
  optimizer.step()
  return { model, optimizer, x }
}
const bits = (model: nn.Module): unknown => [...model.stateDict()].map(([key, x]) => [key, x.dtype, ...bitsOf(x)])

test('a model and its optimizer continue from JSON as if uninterrupted', () => {
  const from = trained(1)
  const to = trained(2)
  const text = JSON.stringify({ model: from.model.stateDict(), optimizer: from.optimizer.stateDict() })
  const saved = JSON.parse(text)
  expect(saved.model._metadata[1]).toEqual({ version: 2 })
  expect(String(to.model.loadStateDict(saved.model))).toBe('<All keys matched successfully>')
  to.optimizer.loadStateDict(saved.optimizer)
  expect(bits(to.model)).toEqual(bits(from.model))
  for (const { model, optimizer } of [from, to]) {
    model.zeroGrad()
    model.forward(from.x).sum().backward()
    optimizer.step()
  }
  expect(bits(to.model)).toEqual(bits(from.model))
  expect(JSON.stringify(to.optimizer.stateDict())).toBe(JSON.stringify(from.optimizer.stateDict()))
  // A state without versions is older than versions.
  const { _metadata, ...old } = saved.model
  delete old['1.num_batches_tracked']
  expect(String(trained(3).model.loadStateDict(old))).toBe('<All keys matched successfully>')
})

test('what holds tensors loses none in JSON', () => {
  const { model, optimizer } = trained(1)
  const scheduler = new optim.lrScheduler.StepLR(optimizer, 2)
  const things = { model, optimizer, scheduler }
  const states = { model: model.stateDict(), optimizer: optimizer.stateDict(), scheduler: scheduler.stateDict() }
  expect(JSON.stringify(things)).toBe(JSON.stringify(states))
  const to = trained(2)
  to.model.loadStateDict(through(model) as never)
  expect(bits(to.model)).toEqual(bits(model))
})

describe('on another device', () => {
  test('model, optimizer and data move in one call, and continue training', () => {
    const { model, optimizer, x } = trained(1)
    const other = trained(1)
    const parameters = model.parameters()
    const [sameModel, sameOptimizer, moved] = moveTo('limited', model, optimizer, x)
    expect(sameModel === model && sameOptimizer === optimizer).toBe(true)
    expect(model.parameters().every((p, i) => p === parameters[i])).toBe(true)
    const state = [...optimizer.state.values()].flatMap(({ expAvg, expAvgSq, maxExpAvgSq }) => [
      expAvg,
      expAvgSq,
      maxExpAvgSq,
    ])
    const all = [moved, ...model.stateDict().values(), ...parameters.map(({ grad }) => grad), ...state]
    expect(new Set(all.map((x) => x?.device))).toEqual(new Set(['limited']))
    for (const [m, o, data] of [
      [model, optimizer, moved],
      [other.model, other.optimizer, other.x],
    ] as const) {
      m.zeroGrad()
      m.forward(data).sum().backward()
      o.step()
    }
    expect(bits(model)).toEqual(bits(other.model))
  })

  test('an optimizer left behind is named in the error, and can follow', () => {
    const { model, optimizer, x } = trained(1)
    model.to('limited')
    model.forward(x.to('limited')).sum().backward()
    const before = bits(model)
    expect(() => optimizer.step()).toThrow(
      /at least two devices, limited and js!\nThe state of a parameter of Adam was left behind.*optimizer\.to\('limited'\).*moveTo\('limited', model/,
    )
    expect(bits(model)).toEqual(before)
    optimizer.to('limited').step()
    expect(bits(model)).not.toEqual(before)
    model.double()
    model.zeroGrad()
    model
      .forward(x.to({ device: 'limited', dtype: 'float64' }))
      .sum()
      .backward()
    expect(() => optimizer.step()).toThrow('expected scalar type Double but found Float')
    optimizer.to('float64').step()
  })

  test('nothing has moved if one of the things cannot', () => {
    const { model, optimizer, x } = trained(1)
    const before = bits(model)
    expect(() => moveTo('nowhere', model, optimizer, x)).toThrow("device 'nowhere' is not loaded")
    expect(() => moveTo('float64', model, optimizer, 5 as never)).toThrow(
      'argument 4 must be Module, Optimizer or Tensor',
    )
    expect(() => moveTo('int32', model)).toThrow('moveTo only accepts floating point')
    const gone = ones(1)
    gone.dispose()
    expect(() => moveTo('float64', model, gone)).toThrow('after dispose()')
    optimizer.state.get(model.parameters()[3])?.expAvg.dispose()
    expect(() => moveTo('float64', model, optimizer)).toThrow('after dispose()')
    expect(bits(model)).toEqual(before)
  })

  test('two devices with one name are distinguished', () => {
    const [a, b] = [new Variant('cpu'), new Variant('gpu')].map((backend) => {
      useDevice(backend)
      return ones(2)
    })
    expect(() => a.add(b)).toThrow('at least two devices, variants:cpu and variants:gpu!')
    expect(a.add(b.to('variants:cpu')).toNested()).toEqual([2, 2])
    expect(a.device).toBe('variants')
  })
})
