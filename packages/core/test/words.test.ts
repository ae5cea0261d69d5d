// Words for dtypes and devices, tensors made from others, facts, and views in place. Runs every line of golden/words.json
// and compares it with real PyTorch (tools/golden/words.py).
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { asPrinted } from './lines.ts'

const { nn, ones, tensor } = core

beforeAll(() => {
  core.useDevice(js())
  vi.spyOn(console, 'warn').mockReturnValue()
})

asPrinted('words', {
  t: core,
  get P() {
    return tensor([
      [0, 1],
      [1, 0],
      [2, 0],
      [2, 2],
    ])
  },
})

describe('views in place', () => {
  test('a view taken before has no place in the graph any more, one taken after has', () => {
    const x = tensor([1, 2], { requiresGrad: true })
    const y = x.mul(2).view(2, 1).clone()
    const before = y.at(0)
    y.t_()
    expect(before.detach().toArray()).toEqual(Float32Array.of(2))
    expect(() => before.sum().backward()).toThrow('take the view after that')
    expect(() => before.mul_(2)).toThrow('take the view after that')
    const after = y.at(0).mul_(tensor([3, 5]))
    after.sum().backward()
    expect(x.grad?.toArray()).toEqual(Float32Array.of(6, 10))
  })

  test('in a compiled step they hold for tensors of the step, and are refused for others', () => {
    const x = ones(2, 3)
    const step = core.compile((w: core.Tensor) => w.mul(2).t_().unsqueeze_(0).sum(-1))
    for (let i = 0; i < 5; i++) expect(step(x).shape).toEqual([1, 3])
    const outside = core.compile(() => x.t_().sum())
    expect(() => {
      for (let i = 0; i < 5; i++) outside()
    }).toThrow('t_() cannot be called inside a compiled step')
  })
})

describe('modules', () => {
  const two = () => new nn.Sequential(new nn.Linear(1, 1), new nn.Linear(1, 1))

  test('a hook after loading may take keys away; if keys are left, nothing has changed', () => {
    const model = two()
    const state = core.deepCopy(two().stateDict())
    state.delete('1.bias')
    const old = JSON.stringify(model.stateDict())
    const seen: unknown[] = []
    const watch = model.registerLoadStateDictPostHook((module, keys) => {
      seen.push(module === model, [...keys.missingKeys], JSON.stringify(model.stateDict()) === old)
    })
    expect(() => model.loadStateDict(state)).toThrow('Missing key(s) in state_dict: "1.bias"')
    expect(seen).toEqual([true, ['1.bias'], false])
    expect(JSON.stringify(model.stateDict())).toBe(old)
    watch.remove()
    const returns = model.registerLoadStateDictPostHook((() => 3) as never)
    expect(() => model.loadStateDict(state)).toThrow('Hooks registered with ``register_load_state_dict_post_hook``')
    returns.remove()
    model.registerLoadStateDictPostHook((_, { missingKeys }) => void missingKeys.splice(0))
    expect(String(model.loadStateDict(state))).toBe('<All keys matched successfully>')
    expect(model.stateDict().get('0.weight')?.item()).toBe(state.get('0.weight')?.item())
  })

  test('type() converts all members, cpu() keeps what can be read, addModule sets', () => {
    const norm = new nn.BatchNorm1d(2)
    const { weight } = norm
    expect(norm.type('double').cpu().stateDict().get('num_batches_tracked')?.dtype).toBe('float64')
    expect(norm.weight).toBe(weight)
    expect(norm.type('torch.FloatTensor').weight?.dtype).toBe('float32')
    expect(() => two().type(core.long)).toThrow('data set to a tensor that requires gradients must be floating point')
    norm.addModule('inner', two())
    expect(norm.getSubmodule('inner.0')).toBeInstanceOf(nn.Linear)
  })
})
