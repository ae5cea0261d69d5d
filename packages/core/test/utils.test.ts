// torch.nn.utils as in real PyTorch (tools/golden/utils.py): weights that are computed from others, pruned weights,
// vectors of parameters, padded sequences, fused layers, and calls with other tensors.
import { js } from '@flambeau/backend-js'
import {
  arange,
  compile,
  deepCopy,
  eye,
  F,
  grad,
  manualSeed,
  nn,
  noGrad,
  ones,
  optim,
  rand,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import { freeing } from '../src/tensor/effects.ts'
import {
  cotangent,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())
// Small gradients are freed as large ones are.
freeing.from = 0

const { utils: U } = nn
const { parametrize, prune, rnn, stateless } = U
type Tensors = Readonly<Record<string, GoldenTensor>>
interface Called {
  readonly output: GoldenTensor
  readonly grads: Tensors
  readonly state: Tensors
  readonly text: string
}
const golden = readGolden<{
  readonly calls: Readonly<Record<string, readonly Called[]>>
  readonly errors: Readonly<Record<string, GoldenError>>
}>('utils')

class EverySecond extends prune.BasePruningMethod {
  readonly PRUNING_TYPE: 'unstructured' | 'structured' = 'unstructured'
  override computeMask(_t: Tensor, defaultMask: Tensor): Tensor {
    const places = arange(0, defaultMask.numel(), 2)
    return defaultMask.flatten().indexFill(0, places, 0).viewAs(defaultMask)
  }
}
class Unsaid extends EverySecond {
  override readonly PRUNING_TYPE = 'x' as never
}
class NoDim extends EverySecond {
  override readonly PRUNING_TYPE = 'structured'
}

class Symmetric extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.triu().add(x.triu(1).t())
  }
}
class Positive extends nn.Module {
  override forward(x: Tensor): Tensor {
    return x.exp()
  }
  rightInverse(x: Tensor): Tensor {
    return x.log()
  }
}
const linear = (): nn.Linear => new nn.Linear(2, 3)
const conv = (): nn.Conv1d => new nn.Conv1d(2, 4, 2)
const two = (): nn.Sequential => new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 2))
// biome-ignore lint/suspicious/noExplicitAny: the actions are for modules of several classes
type Action = (m: any) => unknown
const nothing: Action = () => undefined
const weights = (m: nn.Sequential): [nn.Module, string][] => [
  [m[0], 'weight'],
  [m[1], 'weight'],
]
/** By the names of the golden script: the module, the size of its input, and what is done before each call. */
const actions: Readonly<Record<string, readonly [() => nn.Module, readonly number[], ...Action[]]>> = {
  weight_norm: [linear, [4, 2], (m) => U.weightNorm(m), (m) => U.removeWeightNorm(m)],
  'weight_norm of columns': [linear, [4, 2], (m) => U.weightNorm(m, { dim: 1 } as never), nothing],
  'weight_norm of everything': [linear, [4, 2], (m) => U.weightNorm(m, 'weight', null)],
  'weight_norm of a convolution': [() => new nn.Conv1d(2, 3, 2), [1, 2, 4], (m) => U.weightNorm(m)],
  spectral_norm: [linear, [4, 2], (m) => U.spectralNorm(m), nothing, (m) => m.eval(), (m) => U.removeSpectralNorm(m)],
  'spectral_norm of a transposed convolution': [
    () => new nn.ConvTranspose1d(2, 3, 2),
    [1, 2, 4],
    (m) => U.spectralNorm(m, { nPowerIterations: 2 }),
  ],
  'prune.l1_unstructured': [
    linear,
    [4, 2],
    (m) => prune.l1Unstructured(m, 'weight', 0.5),
    (m) => prune.l1Unstructured(m, 'weight', 2),
    (m) => prune.remove(m, 'weight'),
  ],
  'prune.random_unstructured': [
    linear,
    [4, 2],
    (m) => prune.randomUnstructured(m, 'weight', 0.5),
    (m) => prune.randomUnstructured(m, 'bias', 1),
  ],
  'prune.custom_from_mask': [linear, [4, 2], (m) => prune.customFromMask(m, 'bias', tensor([1, 0, 1]))],
  'prune.global_unstructured': [
    two,
    [4, 2],
    (m) => prune.globalUnstructured(weights(m), prune.L1Unstructured, { amount: 0.3 }),
    (m) => prune.globalUnstructured(weights(m), prune.L1Unstructured, { amount: 3 }),
  ],
  'prune.global_unstructured by scores': [
    two,
    [4, 2],
    (m) =>
      prune.globalUnstructured(weights(m), prune.RandomUnstructured, {
        importanceScores: [[m[0], 'weight', m[0].weight.mul(3)]],
        amount: 5,
      }),
  ],
  'prune.identity': [
    linear,
    [4, 2],
    (m) => prune.identity(m, 'weight'),
    (m) => prune.l1Unstructured(m, 'weight', 1, { importanceScores: m.weight.exp().neg() }),
  ],
  'prune.random_structured': [
    conv,
    [2, 2, 3],
    (m) => prune.randomStructured(m, 'weight', 1, 0),
    (m) => prune.randomStructured(m, 'weight', { amount: 0.5, dim: 1 }),
    (m) => prune.randomStructured(m, 'weight', 0, -1),
  ],
  'prune.ln_structured': [
    conv,
    [2, 2, 3],
    (m) => prune.lnStructured(m, 'weight', 0.3, 2, 0),
    (m) => prune.lnStructured(m, 'weight', 1, Number.NEGATIVE_INFINITY, -1),
    (m) => prune.remove(m, 'weight'),
  ],
  'prune, one way after another': [
    conv,
    [2, 2, 3],
    (m) => prune.LnStructured.apply(m, 'weight', 1, 1, 0),
    (m) => prune.L1Unstructured.apply(m, 'weight', { amount: 0.25 }),
    (m) => prune.randomStructured(m, 'weight', 1, 1),
    (m) => prune.RandomUnstructured.apply(m, 'weight', 2),
  ],
  'a method of pruning': [
    linear,
    [4, 2],
    (m) => EverySecond.apply(m, 'weight'),
    (m) => EverySecond.apply(m, 'weight'),
    (m) => prune.L1Unstructured.apply(m, 'bias', 1, { importanceScores: tensor([3, 1, 2]) }),
  ],
  parametrize: [
    () => new nn.Linear(3, 3),
    [2, 3],
    (m) => parametrize.registerParametrization(m, 'weight', new Symmetric()),
    (m) => parametrize.registerParametrization(m, 'weight', new Positive()),
    (m) => parametrize.removeParametrizations(m, 'weight'),
  ],
  'parametrize with an inverse': [
    () => new nn.Linear(3, 3),
    [2, 3],
    (m) => {
      noGrad(() => m.weight.abs_())
      parametrize.registerParametrization(m, 'weight', new Positive())
    },
    (m) => {
      m.weight = ones(3, 3).mul(2)
    },
    (m) => parametrize.removeParametrizations(m, 'weight', false),
  ],
}

const waves = arange(9).mul(1.3).sin().reshape(3, 3)
const assigned =
  (value: Tensor): Action =>
  (m) => {
    m.weight = value
  }
const orthogonal =
  (options: object): Action =>
  (m) =>
    U.parametrizations.orthogonal(m, options as never)
const spectral =
  (...args: readonly unknown[]): Action =>
  (m) =>
    U.parametrizations.spectralNorm(m, ...(args as []))
Object.assign(actions, {
  'orthogonal: matrix_exp': [() => new nn.Linear(3, 3), [2, 3], orthogonal({}), assigned(waves)],
  'orthogonal: cayley, wide': [
    () => new nn.Linear(3, 2),
    [2, 3],
    orthogonal({ orthogonalMap: 'cayley' }),
    assigned(waves.at('0:2')),
  ],
  'orthogonal: householder, tall': [linear, [4, 2], orthogonal({}), assigned(waves.at(':, 0:2'))],
  'orthogonal: householder of its own origin': [
    linear,
    [4, 2],
    orthogonal({ useTrivialization: false }),
    assigned(waves.at(':, 0:2')),
  ],
  'orthogonal: cayley of its own origin': [
    () => new nn.Linear(3, 3),
    [2, 3],
    orthogonal({ orthogonalMap: 'cayley', useTrivialization: false }),
  ],
  'parametrizations.spectral_norm': [linear, [4, 2], spectral(), nothing, (m: nn.Module) => m.eval()],
  'parametrizations.spectral_norm of a bias': [linear, [4, 2], spectral('bias')],
  'parametrizations.spectral_norm of a transposed convolution': [
    () => new nn.ConvTranspose1d(2, 3, 2),
    [1, 2, 4],
    spectral({ nPowerIterations: 2, eps: 1e-3 }),
  ],
  'transferred parametrizations': [
    () => new nn.Linear(3, 3),
    [2, 3],
    (m: nn.Module) => {
      const from = parametrize.registerParametrization(new nn.Linear(3, 3), 'weight', new Symmetric())
      expect(parametrize.typeBeforeParametrizations(from)).toBe(nn.Linear)
      parametrize.transferParametrizationsAndParams(from, m)
    },
  ],
})

const input = (sizes: readonly number[]): Tensor => {
  const n = sizes.reduce((a, b) => a * b, 1)
  return tensor(Array.from({ length: n }, (_, i) => (((7 * i + 5) % 23) - 11) / 8)).reshape([...sizes])
}
function expectAll(found: Iterable<readonly [string, Tensor]>, wanted: Tensors, what: string): void {
  const all = new Map(found)
  expect([...all.keys()].sort(), what).toEqual(Object.keys(wanted).sort())
  for (const [key, value] of Object.entries(wanted)) expectClose(all.get(key), value, 2e-6, `${what}: ${key}`)
}

describe('weights that are computed, as in PyTorch', () => {
  for (const [name, records] of Object.entries(golden.calls)) {
    it(name, () => {
      const [make, size, ...all] = actions[name]
      manualSeed(0)
      const module = make()
      records.forEach((record, k) => {
        all[k](module)
        for (const p of module.parameters()) p.grad = null
        const y = module.forward(input(size)) as Tensor
        y.backward(cotangent(y))
        expectClose(y, record.output, 2e-6, `output ${k}`)
        expect(String(module)).toBe(record.text)
        const grads = module.namedParameters().flatMap(([key, p]) => (p.grad === null ? [] : [[key, p.grad] as const]))
        expectAll(grads, record.grads, `gradient ${k}`)
        expectAll(module.stateDict(), record.state, `state ${k}`)
      })
    })
  }

  it('copies, saved states and recorded trainings compute theirs', () => {
    for (const [name, [make, size, first]] of Object.entries(actions)) {
      const [eager, recorded] = [make(), make()]
      recorded.loadStateDict(eager.stateDict())
      for (const module of [eager, recorded]) {
        manualSeed(1)
        first(module)
      }
      const copy = deepCopy(eager)
      const [a, b] = [eager, recorded].map((m) => new optim.SGD(m.parameters(), { lr: 0.1 }))
      const train = (m: nn.Module, optimizer: optim.SGD): Tensor => {
        const loss = (m.forward(input(size)) as Tensor).square().mean()
        optimizer.zeroGrad()
        loss.backward()
        optimizer.step()
        return loss
      }
      const step = compile(() => train(recorded, b))
      for (let k = 0; k < 6; k++) expect(step().item(), `${name}: step ${k}`).toBeCloseTo(train(eager, a).item(), 6)
      copy.loadStateDict(eager.stateDict())
      copy.eval()
      eager.eval()
      expect((copy.forward(input(size)) as Tensor).tolist(), name).toEqual(
        (eager.forward(input(size)) as Tensor).tolist(),
      )
    }
  })

  it('a tensor is computed once while it is cached, and a name is enough for isParametrized and isPruned', () => {
    let calls = 0
    class Counted extends nn.Module {
      override forward(x: Tensor): Tensor {
        calls++
        return x.mul(2)
      }
    }
    const layer = parametrize.registerParametrization(linear(), 'weight', new Counted())
    calls = 0
    parametrize.cached(() => [layer.weight, layer.forward(ones(1, 2)), parametrize.cached(() => layer.weight)])
    expect([calls, layer.weight.shape]).toEqual([1, [3, 2]])
    expect(calls).toBe(2)
    expect(['weight', 'bias', null].map((name) => parametrize.isParametrized(layer, name))).toEqual([true, false, true])
    expect(parametrize.isParametrized(linear())).toBe(false)
    expect([two(), prune.l1Unstructured(linear(), 'bias', 1)].map((m) => prune.isPruned(m))).toEqual([false, true])
    const unsafe = parametrize.registerParametrization(linear(), 'weight', new Symmetric(), { unsafe: true })
    expect(() => unsafe.weight).toThrow()
  })
})

describe('what is refused, and nothing has changed', () => {
  const forward = (fn: (x: Tensor) => unknown): nn.Module =>
    new (class extends nn.Module {
      override forward(x: Tensor): unknown {
        return fn(x)
      }
    })()
  const register = (m: nn.Module, fn: (x: Tensor) => unknown): unknown =>
    parametrize.registerParametrization(m, 'weight', forward(fn))
  const wrong: Readonly<Record<string, (m: nn.Linear) => unknown>> = {
    'weight_norm twice': () => U.weightNorm(U.weightNorm(linear())),
    remove_weight_norm: (m) => U.removeWeightNorm(m),
    'spectral_norm twice': () => U.spectralNorm(U.spectralNorm(linear())),
    'spectral_norm without iterations': (m) => U.spectralNorm(m, { nPowerIterations: 0 }),
    remove_spectral_norm: (m) => U.removeSpectralNorm(m),
    'l1_unstructured of nothing': (m) => prune.l1Unstructured(m, 'x', 0.5),
    'l1_unstructured of 1.5': (m) => prune.l1Unstructured(m, 'weight', 1.5),
    'l1_unstructured of -1': (m) => prune.l1Unstructured(m, 'weight', -1),
    'l1_unstructured of 7': (m) => prune.l1Unstructured(m, 'weight', 7),
    'l1_unstructured of a text': (m) => prune.l1Unstructured(m, 'weight', 'x' as never),
    'structured pruning of a bias': (m) => prune.randomStructured(m, 'bias', 1, 0),
    'structured pruning of a dimension': (m) => prune.lnStructured(m, 'weight', 1, 2, 2),
    'pruning of an unknown type': (m) => Unsaid.apply(prune.identity(deepCopy(m), 'weight'), 'weight'),
    'structured pruning without a dim': (m) => NoDim.apply(prune.identity(deepCopy(m), 'weight'), 'weight'),
    'global pruning of slices': (m) => prune.globalUnstructured([[m, 'weight']], prune.RandomStructured, { amount: 1 }),
    'a container of 1': () => new prune.PruningContainer().addPruningMethod(1 as never),
    'prune.remove': (m) => prune.remove(m, 'weight'),
    'parametrize nothing': (m) => parametrize.registerParametrization(m, 'x', new Symmetric()),
    'parametrize with another dtype': (m) => register(m, (x) => x.double()),
    'parametrize with another shape': (m) => register(m, (x) => x.select(0, 0)),
    'parametrize with no tensor': (m) => register(m, () => 1),
    remove_parametrizations: (m) => parametrize.removeParametrizations(m, 'weight'),
    vector_to_parameters: () => U.vectorToParameters(ones(3), [ones(2), ones(2)]),
    'vector_to_parameters of a number': () => U.vectorToParameters(1 as never, []),
    'parameters_to_vector of nothing': () => U.parametersToVector([]),
    'fuse_conv_bn_eval in training': () => U.fuseConvBnEval(new nn.Conv1d(1, 1, 1), new nn.BatchNorm1d(1)),
    'functional_call of nothing': (m) => stateless.functionalCall(m, { 'a.weight': ones(1) }, ones(1, 2)),
    'orthogonal of a bias': (m) => U.parametrizations.orthogonal(m, 'bias'),
    'orthogonal of nothing': (m) => U.parametrizations.orthogonal(m, 'x'),
    'orthogonal by an unknown map': (m) => U.parametrizations.orthogonal(m, { orthogonalMap: 'x' as never }),
    'an orthogonal weight of another shape': () => assigned(eye(3))(U.parametrizations.orthogonal(linear())),
    'an orthogonal weight that cannot be set': () =>
      assigned(ones(3, 2))(
        U.parametrizations.orthogonal(linear(), { orthogonalMap: 'cayley', useTrivialization: false }),
      ),
    'parametrizations.spectral_norm without iterations': (m) =>
      U.parametrizations.spectralNorm(m, { nPowerIterations: 0 }),
    'parametrizations.spectral_norm of another dimension': (m) => U.parametrizations.spectralNorm(m, { dim: 3 }),
    'parametrizations.spectral_norm of nothing': (m) => U.parametrizations.spectralNorm(m, 'x'),
    'transfer of what is not parametrized': (m) =>
      parametrize.transferParametrizationsAndParams(
        parametrize.registerParametrization(linear(), 'weight', new Positive()),
        m,
        'bias',
      ),
    'pad_sequence of nothing': () => rnn.padSequence([]),
    'pad_sequence of a number': () => rnn.padSequence(1 as never),
  }
  for (const [name, error] of Object.entries(golden.errors)) {
    it(`${name}: ${error.message.split('\n')[0]}`, () => {
      const layer = linear()
      const before = JSON.stringify(layer.stateDict())
      // Python calls some classes otherwise.
      const message = name.startsWith('prune.')
        ? error.message
        : error.message.replace(/^AssertionError: |torch\.nn\.utils\.prune\./, '')
      expectError(() => wrong[name](layer), { ...error, message })
      expect([String(layer), JSON.stringify(layer.stateDict())]).toEqual([String(linear()), before])
      expect(layer.forward(ones(1, 2)).shape).toEqual([1, 3])
    })
  }
})

it('parameters become a vector, and a vector parameters', () => {
  const model = two()
  const vector = U.parametersToVector(model.parameters())
  expect([vector.shape, vector.requiresGrad]).toEqual([[17], true])
  const other = two()
  const [first] = other.parameters()
  U.vectorToParameters(vector.detach(), other.parameters())
  expect(U.parametersToVector(other.parameters()).tolist()).toEqual(vector.tolist())
  expect([first === other.parameters()[0], first.requiresGrad]).toEqual([true, true])
})

it('sequences are padded and cut again', () => {
  const sequences = [rand(2, 3), rand(4, 3), rand(0, 3)]
  expect(rnn.padSequence(sequences).shape).toEqual([4, 3, 3])
  const padded = rnn.padSequence(sequences, { batchFirst: true, paddingValue: -1 })
  expect(padded.select(0, 0).tolist()).toEqual([...(sequences[0].tolist() as number[][]), [-1, -1, -1], [-1, -1, -1]])
  for (const [all, first] of [
    [padded, true],
    [rnn.padSequence(sequences), false],
  ] as const)
    expect(rnn.unpadSequence(all, [2, 4, 0], first).map((x) => x.tolist())).toEqual(sequences.map((x) => x.tolist()))
  expect(() => rnn.unpadSequence(padded, [1, 2], true)).toThrow('lengths must be of size batch_size')
})

it('fused layers compute what they were made of, and are trained no more', () => {
  const trained = <N extends nn.Module>(norm: N, x: Tensor): N => {
    for (let k = 0; k < 3; k++) norm.forward(x)
    return norm.eval()
  }
  const close = (a: Tensor, b: Tensor): void => expect(a.sub(b).abs().max().item()).toBeLessThan(1e-5)
  const x = rand(2, 3, 6)
  for (const affine of [true, false]) {
    const conv = new nn.Conv1d(3, 4, 2, { bias: affine }).eval()
    const norm = trained(new nn.BatchNorm1d(4, { affine }), conv.forward(x))
    close(U.fuseConvBnEval(conv, norm).forward(x), norm.forward(conv.forward(x)))
    const turned = new nn.ConvTranspose1d(3, 4, 2).eval()
    close(U.fuseConvBnEval(turned, norm, true).forward(x), norm.forward(turned.forward(x)))
    const layer = new nn.Linear(3, 4).eval()
    const rows = rand(5, 3)
    close(U.fuseLinearBnEval(layer, norm).forward(rows), norm.forward(layer.forward(rows)))
  }
})

describe('calls with other tensors', () => {
  it('give gradients to them, in every place a member can be, and leave the module as it was', () => {
    class Model extends nn.Module {
      layer = new nn.Linear(2, 2)
      list = [new nn.Parameter(ones(2))]
      more = new nn.ParameterList([ones(2)])
      normed = U.weightNorm(new nn.Linear(2, 2))
      constructor() {
        super()
        this.registerBuffer('shift', zeros(2))
      }
      override forward(x: Tensor, options?: { scale: number }): Tensor {
        const y = this.normed.forward(this.layer.forward(x)).mul(this.list[0])
        for (const p of this.more) y.mul_(p)
        return y.add((this as unknown as { shift: Tensor }).shift).mul(options?.scale ?? 1)
      }
    }
    const [model, other] = [new Model(), new Model()]
    const state = new Map([...model.stateDict()].map(([key, x]) => [key, rand(x.shape, { requiresGrad: true })]))
    other.loadStateDict(state)
    const x = rand(3, 2)
    const before = JSON.stringify(model.stateDict())
    const y = stateless.functionalCall(model, state, x)
    expect(y.tolist()).toEqual(other.forward(x).tolist())
    const grads = grad(y.sum(), [...state.values()])
    other.forward(x).sum().backward()
    const own = new Map(other.namedParameters())
    ;[...state.keys()].forEach((key, i) => {
      if (own.has(key))
        expect(
          grads[i]
            .sub(own.get(key)?.grad as Tensor)
            .abs()
            .max()
            .item(),
          key,
        ).toBeLessThan(1e-5)
    })
    expect(stateless.functionalCall(model, state, [x], { scale: 0 }).sum().item()).toBe(0)
    expect(() => stateless.functionalCall(model, { 'layer.weight': ones(1), nothing: ones(1) }, x)).toThrow(
      "'Model' object has no attribute 'nothing'",
    )
    expect(() => stateless.functionalCall(model, { 'layer.bias': 1 as never }, x)).toThrow("'layer.bias' is int")
    expect(() => stateless.functionalCall(model, { 'layer.weight': ones(7) }, x)).toThrow()
    expect(JSON.stringify(model.stateDict())).toBe(before)
  })

  it('learn to learn in a recorded step', () => {
    const [x, y] = [rand(4, 2), rand(4, 3)]
    const learning = (model: nn.Linear): (() => Tensor) => {
      const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
      const loss = (params: Record<string, Tensor>): Tensor => F.mseLoss(stateless.functionalCall(model, params, x), y)
      return () => {
        optimizer.zeroGrad()
        const params = Object.fromEntries(model.namedParameters())
        const grads = grad(loss(params), Object.values(params), { createGraph: true })
        const next = Object.entries(params).map(([key, p], i) => [key, p.sub(grads[i].mul(0.1))] as const)
        const adapted = loss(Object.fromEntries(next))
        adapted.backward()
        optimizer.step()
        return adapted
      }
    }
    const model = linear()
    const [eager, step] = [learning(deepCopy(model)), compile(learning(model))]
    for (let k = 0; k < 8; k++) expect(step().item()).toBe(eager().item())
  })
})
