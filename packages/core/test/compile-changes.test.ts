// A compiled step notices changes between two calls: the next call behaves like eager.
import { js } from '@flambeau/backend-js'
import {
  compile,
  deepCopy,
  F,
  inferenceMode,
  isGradEnabled,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  randn,
  setDetectAnomaly,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Limited } from './limited.ts'

beforeAll(() => void useDevice(js()))
beforeEach(() => void manualSeed(0))
afterEach(() => {
  useDevice(js())
  setDetectAnomaly(false)
})

const numbers = (x: Tensor): number[] => Array.from(x.detach().toArray())

interface Setup {
  readonly model: nn.Sequential
  readonly optimizer: optim.SGD
  readonly step: () => Tensor
}

function setup(through: (step: () => Tensor) => () => Tensor): Setup {
  manualSeed(4)
  const [x, y] = [randn(6, 3), randn(6, 1)]
  const model = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Dropout(0.5), new nn.Linear(4, 1))
  const optimizer = new optim.SGD([{ params: (model[0] as nn.Linear).parameters() }], { lr: 0.1, momentum: 0.9 })
  const step = through(() => {
    const loss = F.mseLoss(model.forward(x) as Tensor, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss
  })
  return { model, optimizer, step }
}

const changes: Readonly<Record<string, (setup: Setup) => void>> = {
  'eval()': ({ model }) => void model.eval(),
  'eval() and train() again': ({ model }) => void model.eval().train(),
  'eval() of a part': ({ model }) => void model[2].eval(),
  'requiresGrad_(false) of a part': ({ model }) => void model[3].requiresGrad_(false),
  'requiresGrad of a parameter': ({ model }) => void ((model[0] as nn.Linear).weight.requiresGrad = false),
  'a new parameter group': ({ model, optimizer }) =>
    optimizer.addParamGroup({ params: (model[3] as nn.Linear).parameters(), lr: 0.01 }),
  'a learning rate': ({ optimizer }) => void (optimizer.paramGroups[0].lr = 1e-3),
  'a momentum': ({ optimizer }) => void (optimizer.paramGroups[0].momentum = 0.5),
  'a hook on a tensor': ({ model }) => void (model[0] as nn.Linear).weight.registerHook((grad) => grad.mul(3)),
  'a hook on a module': ({ model }) => void model[1].registerForwardHook((_m, _x, y) => (y as Tensor).mul(2)),
  'a hook that is taken off': ({ model, step }) => {
    const handle = (model[0] as nn.Linear).weight.registerHook((grad) => grad.mul(3))
    step()
    handle.remove()
  },
  'a state of the model': ({ model }) => {
    const state = deepCopy(model.stateDict())
    noGrad(() => state.forEach((x) => void x.mul_(2)))
    model.loadStateDict(state)
  },
  'a state of the optimizer': ({ optimizer }) => {
    const state = deepCopy(optimizer.stateDict())
    optimizer.loadStateDict({ ...state, paramGroups: state.paramGroups.map((group) => ({ ...group, lr: 0.3 })) })
  },
  'another dtype': ({ model }) => {
    model.double()
    model.float()
  },
  'a module that is replaced': ({ model }) => {
    manualSeed(8)
    model[3] = new nn.Linear(4, 1)
  },
  'a parameter written to': ({ model }) => void noGrad(() => (model[0] as nn.Linear).weight.fill_(0.25)),
  'gradients cleared': ({ optimizer }) => optimizer.zeroGrad(),
  'the generator': () => void manualSeed(77),
}

describe.each(Object.entries(changes))('%s', (_, change) => {
  test.each([1, 2, 3, 6, 12])('after %i calls', (calls) => {
    const traces = [(step: () => Tensor) => step, (step: () => Tensor) => compile(step)].map((through) => {
      const made = setup(through)
      const losses: number[] = []
      for (let i = 0; i < calls; i++) losses.push(made.step().item())
      change(made)
      for (let i = 0; i < 6; i++) losses.push(made.step().item())
      return [losses, ...[...made.model.stateDict().values()].map(numbers)]
    })
    expect(traces[1]).toEqual(traces[0])
  })
})

describe('switches that are restored', () => {
  test('a loop between training and evaluation replays both', () => {
    const model = new nn.Sequential(new nn.Dropout(0.5))
    let runs = 0
    const x = ones(64)
    const step = compile(() => {
      runs++
      return (model.forward(x) as Tensor).sum()
    })
    for (let epoch = 0; epoch < 7; epoch++) {
      model.train()
      step()
      model.eval()
      expect(step().item()).toBe(64)
    }
    expect(runs).toBe(6)
  })

  test('alternately frozen and unfrozen', () => {
    const [a, b] = [tensor([2], { requiresGrad: true }), tensor([3], { requiresGrad: true })]
    let runs = 0
    const step = compile(() => {
      runs++
      a.grad = null
      b.grad = null
      const y = a.mul(b).sum()
      y.backward()
      return y
    })
    for (let i = 0; i < 7; i++) {
      a.requiresGrad = false
      step()
      expect([a.grad, numbers(b.grad as unknown as Tensor)]).toEqual([null, [2]])
      a.requiresGrad = true
      step()
      expect([numbers(a.grad as unknown as Tensor), numbers(b.grad as unknown as Tensor)]).toEqual([[3], [2]])
    }
    expect(runs).toBe(6)
  })

  test('new tensors that require gradients change nothing', () => {
    let runs = 0
    const w = tensor([1])
    const step = compile(() => {
      runs++
      return w.mul(2)
    })
    for (let i = 0; i < 7; i++) {
      step()
      tensor([1], { requiresGrad: true }).mul(2).sum().backward()
      randn(3).requiresGrad = true
    }
    expect(runs).toBe(3)
  })
})

test('gradients that accumulate over calls and are cleared outside', () => {
  const traces = [(step: () => Tensor) => step, (step: () => Tensor) => compile(step)].map((through) => {
    manualSeed(1)
    const x = randn(4, 2)
    const model = new nn.Linear(2, 1)
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    const step = through(() => {
      const loss = model.forward(x).square().mean()
      loss.backward()
      return loss
    })
    const seen: number[][] = []
    for (let i = 0; i < 40; i++) {
      seen.push([step().item()], ...model.parameters().map((p) => numbers(p.grad as Tensor)))
      if (i % 4 !== 3) continue
      optimizer.step()
      optimizer.zeroGrad()
    }
    return seen
  })
  expect(traces[1]).toEqual(traces[0])
})

describe('modes', () => {
  test('alternately inside and outside noGrad', () => {
    const w = tensor([1], { requiresGrad: true })
    const seen: boolean[] = []
    const step = compile(() => {
      seen.push(isGradEnabled())
      return w.mul(2)
    })
    for (let i = 0; i < 6; i++) {
      step()
      noGrad(() => step())
    }
    expect(seen).toEqual([true, false, true, false, true, false])
  })

  test('a model for inference, inside noGrad, follows its parameters', () => {
    const model = new nn.Linear(2, 1)
    const predict = compile((x: Tensor) => model.forward(x))
    for (let i = 0; i < 6; i++) {
      const x = randn(3, 2)
      expect(numbers(noGrad(() => predict(x)))).toEqual(numbers(model.forward(x)))
      noGrad(() => model.weight.add_(1))
    }
  })

  test('inferenceMode', () => {
    const x = ones(2)
    const step = compile(() => x.mul(2))
    for (let i = 0; i < 5; i++) {
      expect(inferenceMode(() => step()).isInference()).toBe(true)
      expect(step().isInference()).toBe(false)
    }
  })

  test('anomaly mode runs the step as it is', () => {
    const w = tensor([1], { requiresGrad: true })
    const step = compile(() => {
      w.grad = null
      const y = w.sub(1).sqrt().sum()
      y.backward()
      return y
    })
    for (let i = 0; i < 5; i++) step()
    setDetectAnomaly(true)
    const nan = compile(() => w.mul(0).div(0).sum().backward())
    expect(() => nan()).toThrow('returned nan values')
    expect(step().item()).toBe(0)
  })
})

describe('where a step runs', () => {
  test('another default device has its own recordings', () => {
    const results = (): number[] => {
      const step = compile(() => zeros(2).add(3))
      const devices: number[] = []
      for (let i = 0; i < 10; i++) {
        useDevice(i % 2 === 0 ? js() : limited)
        const y = step()
        expect(y.device).toBe(i % 2 === 0 ? 'js' : 'limited')
        devices.push(...numbers(y))
      }
      return devices
    }
    const limited = new Limited()
    expect(results()).toEqual(new Array(20).fill(3))
  })

  test('a device that is disposed of between two calls throws its error, and counters are unchanged', () => {
    let disposed = false
    const device = new Limited()
    device.run = (instr) => {
      if (disposed) throw new Error('the device is disposed')
      js().run(instr)
    }
    useDevice(device)
    const w = tensor([1], { requiresGrad: true })
    const optimizer = new optim.Adam([w], { lr: 0.1 })
    const step = compile(() => {
      const loss = w.square().sum()
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      return loss
    })
    for (let i = 0; i < 5; i++) step()
    disposed = true
    const before = numbers(w)
    expect(() => step()).toThrow('the device is disposed')
    expect(optimizer.state.get(w)?.step).toBe(5)
    expect(optimizer.stepCount).toBe(5)
    disposed = false
    expect(numbers(w)).toEqual(before)
    step()
    expect(optimizer.state.get(w)?.step).toBe(6)
  })

  test('a compiled step inside another becomes part of it, with its gradient', () => {
    const w = tensor([2], { requiresGrad: true })
    const inner = compile((x: Tensor) => w.mul(x).sum())
    let runs = 0
    const outer = compile((x: Tensor) => {
      runs++
      w.grad = null
      const y = inner(x).mul(10)
      y.backward()
      return y
    })
    for (let i = 1; i < 8; i++) {
      expect(outer(tensor([i])).item()).toBe(20 * i)
      expect(w.grad?.toNested()).toEqual([10 * i])
      expect(inner(tensor([i])).item()).toBe(2 * i)
    }
    expect(runs).toBe(3)
  })

  test('two steps over one model see each other', () => {
    const w = tensor([1])
    const [double, add] = [
      compile(() => noGrad(() => w.mul_(2)).clone()),
      compile(() => noGrad(() => w.add_(1)).clone()),
    ]
    let expected = 1
    for (let i = 0; i < 8; i++) {
      expected *= 2
      expect(double().item()).toBe(expected)
      expected += 1
      expect(add().item()).toBe(expected)
    }
  })

  test('before it is compiled there is nothing to explain', () => {
    const step = compile(() => ones(1))
    expect(() => step.explain()).toThrow('the step is not compiled yet')
    for (let i = 0; i < 3; i++) step()
    expect(step.explain()).toContain('As recorded')
    expect(step.graph()).toContain('flowchart TD')
  })
})
