// Functions that are no ops of the conformance suite, since they run on the host, read arguments, or call other functions.
// Runs every line of golden/everyday.json and compares it with real PyTorch (tools/golden/everyday.py); then what PyTorch
// does differently.
import { js } from '@flambeau/backend-js'
import * as core from '@flambeau/core'
import { arange, compile, diag, eye, linalg, manualSeed, nn, type Tensor, tensor, useDevice } from '@flambeau/core'
import { expect, test, vi } from 'vitest'
import { asPrinted } from './lines.ts'

useDevice(js())

const wave = arange(144, { dtype: 'float64' }).cos().reshape(12, 12)
const ramp = diag(arange(12, { dtype: 'float64' }))

const double = (...rows: number[][]): Tensor => tensor(rows, { dtype: 'float64' })
asPrinted('everyday', {
  torch: core,
  L: linalg,
  r: nn.utils.rnn,
  x: null,
  y: null,
  seeded: (f: () => unknown) => {
    manualSeed(1)
    return f()
  },
  A: double([1, 2, 3], [4, 5, 6.5], [7, 8, 1]),
  Z: double([0.1, 9, 9], [4, 0.2, 9], [1, 3, 0.3]),
  S: tensor([
    [1, 2],
    [2, 4],
  ]),
  W: arange(35).square().sin().reshape(7, 5),
  H: wave.add(wave.t()).add(ramp.mul(3)),
  G: ramp.add(eye(12, { dtype: 'float64' })),
  slope: (f: (x: Tensor) => Tensor, from: Tensor) => {
    const x = from.clone().requiresGrad_()
    f(x).backward()
    return x.grad
  },
})

test('the second gradient of lobpcg is that of eigh, and wrong arguments are refused', () => {
  const from = wave.add(wave.t()).add(ramp.mul(3))
  const gradient = (f: (x: Tensor) => Tensor): Tensor => {
    const x = from.clone().requiresGrad_()
    const first = core.grad([f(x)], [x], { createGraph: true })[0]
    return core.grad([first.square().sum()], [x])[0]
  }
  const X = from.at(':, :2')
  const found = gradient((x) => {
    const [E, V] = core.lobpcg(x, { X, tol: 1e-13 })
    return E.prod().add(V.square().select(0, 3).sum())
  })
  const all = gradient((x) => {
    const [E, V] = linalg.eigh(x.add(x.t()).mul(0.5))
    return E.at('10:').prod().add(V.square().select(0, 3).at('10:').sum())
  })
  expect(found.sub(all).abs().max().item()).toBeLessThan(1e-8)
  expect(() => core.lobpcg(from, { X: X.mul(0) })).toThrow('0.0 cannot be raised to a negative power')
  expect(() => core.lobpcg(from.int(), 2)).toThrow('expected scalar type Long but found Float')
})

test('lobpcg in a compiled step searches anew at every run', () => {
  const search = (x: Tensor): Tensor => core.lobpcg(x, 2, { tol: 1e-9 })[0].sum()
  const step = compile(search)
  for (let i = 1; i < 5; i++) {
    const x = wave.add(wave.t()).add(ramp.mul(i))
    manualSeed(i)
    const eager = search(x).item()
    manualSeed(i)
    expect(step(x).item()).toBe(eager)
  }
})

test('asarray leaves the tensor that it shares memory with as it is', () => {
  const x = tensor([1, 2], { requiresGrad: true })
  expect([core.asarray(x).requiresGrad, x.requiresGrad]).toEqual([false, true])
})

test('gradients reach elements of the base through a view beyond the tensor, where PyTorch drops them', () => {
  const x = tensor([1, 2, 3, 4], { requiresGrad: true })
  x.mul(2).at('::2').asStrided([2], [1], 1).sum().backward()
  expect(Array.from(x.grad?.toArray() ?? [])).toEqual([0, 2, 2, 0])
})

test('a view beyond a leaf’s own memory is refused, since no gradient would reach it', () => {
  const leaf = tensor([1, 2, 3]).at('::2').detach().requiresGrad_()
  expect(() => leaf.asStrided([3], [1])).toThrow('no gradient flows')
  expect(() => tensor([1, 2, 3, 4]).at('1:').asStrided_([2], [1], 0)).toThrow('as_strided_')
})

test('apply_ changes nothing if its function fails, and a compiled step refuses it', () => {
  const x = tensor([1, 2])
  const failing = (value: number): number => {
    if (value === 2) throw new Error('no')
    return 9
  }
  expect(() => x.apply_(failing)).toThrow('no')
  expect(Array.from(x.toArray())).toEqual([1, 2])
  const step = compile(() => tensor([1]).apply_((value) => value))
  expect(() => [step(), step()]).toThrow('apply_()')
})

class Counting extends nn.Module {
  steps = 0
  weight = new nn.Parameter(tensor([1, 2]))
  override getExtraState(): unknown {
    return { steps: this.steps }
  }
  override setExtraState(state: { steps: number }): void {
    if (state.steps < 0) throw new Error('negative')
    this.steps = state.steps
  }
}

test('extra state is saved and loaded with the tensors, through JSON too, or nothing is', () => {
  const model = new nn.Sequential(new Counting(), new nn.Linear(1, 1))
  ;(model[0] as Counting).steps = 3
  const state = model.stateDict()
  expect([...state.keys()]).toEqual(['0.weight', '0._extra_state', '1.weight', '1.bias'])
  expect(String(state)).toContain(`('0._extra_state', {"steps":3})`)
  const other = new nn.Sequential(new Counting(), new nn.Linear(1, 1))
  other.loadStateDict(JSON.parse(JSON.stringify(state)))
  expect((other[0] as Counting).steps).toBe(3)
  const wrong = {
    ...Object.fromEntries(core.deepCopy(state)),
    '0.weight': tensor([7, 7]),
    '0._extra_state': { steps: -1 },
  }
  expect(() => other.loadStateDict(wrong as never)).toThrow('negative')
  expect(Array.from((other[0] as Counting).weight.detach().toArray())).toEqual([1, 2])
  state.delete('0._extra_state')
  expect(() => other.loadStateDict(state)).toThrow('Missing key(s) in state_dict: "0._extra_state". ')
  expect(() =>
    new nn.Linear(1, 1).loadStateDict(new Map([...model[1].stateDict(), ['_extra_state', tensor(1)]])),
  ).toThrow('Unexpected key(s) in state_dict: "_extra_state"')
  const sentence = /^Reached a code path in Module\.[gs]et_extra_state\(\) that should never be called\./
  expect(() => model.getExtraState()).toThrow(sentence)
  expect(() => model.setExtraState(1)).toThrow(sentence)
})

test('the parts of checkpoint', () => {
  const { checkBackwardValidity, CheckpointFunction, detachVariable } = core.utils.checkpoint
  const x = tensor([1, 2], { requiresGrad: true })
  const [y, n] = detachVariable([x.mul(2), 3] as const)
  expect([y.isLeaf, y.requiresGrad, n]).toEqual([true, true, 3])
  expect(() => detachVariable(x as never)).toThrow(
    'Only tuple of tensors is supported. Got Unsupported input type: Tensor',
  )
  CheckpointFunction.apply((z: Tensor) => z.exp(), true, x)
    .sum()
    .backward()
  expect(x.grad?.equal(x.detach().exp())).toBe(true)
  const warning = vi.spyOn(console, 'warn').mockImplementation(() => {})
  checkBackwardValidity([x])
  expect(warning).not.toHaveBeenCalled()
  checkBackwardValidity([tensor(1)])
  expect(warning.mock.calls.join()).toContain('None of the inputs have requires_grad=True. Gradients will be None')
  warning.mockRestore()
})

test('levels of dual tensors that are entered and left', () => {
  const { dualLevel, enterDualLevel, exitDualLevel, makeDual, unpackDual } = core.autograd.forwardAd
  expect(() => exitDualLevel()).toThrow('Dual level must be a positive number.')
  expect(enterDualLevel()).toBe(0)
  expect(() => enterDualLevel()).toThrow('Nested forward mode AD is not supported at the moment')
  expect(() => dualLevel(() => 1)).toThrow('Nested forward mode AD is not supported at the moment')
  const dual = makeDual(tensor([1, 2]), tensor([1, 10]))
  expect(String(unpackDual(dual.mul(2)))).toBe(
    'UnpackedDualTensor(primal=tensor([2., 4.]), tangent=tensor([ 2., 20.]))',
  )
  const [primal, tangent] = unpackDual(tensor([1]))
  expect([String(primal), tangent]).toEqual(['tensor([1.])', null])
  expect(() => exitDualLevel({ level: 3 })).toThrow('Trying to exit a forward AD level that was not the last one')
  exitDualLevel()
  expect(unpackDual(dual).tangent).toBe(null)
})

test('hooks for saved tensors are refused where they are disabled', () => {
  const { disableSavedTensorsHooks, savedTensorsHooks } = core.autograd.graph
  const same = (x: Tensor): Tensor => x
  expect(() => disableSavedTensorsHooks('not now', () => savedTensorsHooks(same, same, () => 1))).toThrow('not now')
  expect(() => savedTensorsHooks(same, same, () => disableSavedTensorsHooks('not now', () => 1))).toThrow('not now')
  expect(savedTensorsHooks(same, same, () => 1)).toBe(1)
})
