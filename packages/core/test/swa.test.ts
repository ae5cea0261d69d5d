// Averages of weights as in real PyTorch (tools/golden/swa.py).
import { js } from '@flambeau/backend-js'
import { arange, nn, noGrad, ones, optim, type Tensor, useDevice } from '@flambeau/core'
import { expect, it } from 'vitest'
import { expectClose, expectError, type GoldenError, type GoldenTensor, readGolden } from './golden-tensors.ts'

useDevice(js())
const { AveragedModel, SWALR, updateBn } = optim.swaUtils
type State = Readonly<Record<string, GoldenTensor>>
const golden = readGolden<{
  readonly rates: readonly { args: readonly unknown[]; rates: readonly (readonly number[])[] }[]
  readonly errors: readonly (GoldenError & { args: readonly unknown[] })[]
  readonly means: Readonly<Record<'mean' | 'ema' | 'buffers', State>>
  readonly bn: State
}>('swa')

const sgd = (): optim.SGD =>
  new optim.SGD(
    [{ params: [ones(2, { requiresGrad: true })] }, { params: [ones(3, { requiresGrad: true })], lr: 0.04 }],
    0.1,
  )
const schedule = (args: readonly unknown[], optimizer = sgd()): optim.lrScheduler.LRScheduler =>
  new (SWALR as unknown as new (...args: unknown[]) => optim.lrScheduler.LRScheduler)(optimizer, ...args)

for (const { args, rates } of golden.rates)
  it(`SWALR ${JSON.stringify(args)}`, () => {
    const scheduler = schedule(args)
    rates.forEach((wanted, k) => {
      if (k > 0) {
        scheduler.optimizer.step()
        scheduler.step()
      }
      scheduler.getLastLr().forEach((lr, i) => void expect(lr).toBeCloseTo(wanted[i], 14))
    })
    const other = schedule(args)
    other.loadStateDict(JSON.parse(JSON.stringify(scheduler.stateDict())))
    expect(other.stateDict()).toEqual(scheduler.stateDict())
  })
for (const { args, ...error } of golden.errors)
  it(`SWALR ${JSON.stringify(args)} is refused`, () => {
    const optimizer = sgd()
    expectError(() => schedule(args, optimizer), error)
    expect(optimizer.paramGroups[0]).not.toHaveProperty('swaLr')
  })

const fill = (x: Tensor, k: number, step: number): void =>
  noGrad(
    () =>
      void x.copy_(
        arange(x.numel())
          .mul(step)
          .add(k)
          .reshape([...x.shape]),
      ),
  )
const batch = (k: number): Tensor => arange(6).add(k).float().reshape(3, 2).square()
const averaged = (options: optim.swaUtils.AveragedModelOptions = {}) => {
  const model = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2))
  const average = new AveragedModel(model, options)
  for (let k = 0; k < 3; k++) {
    for (const p of model.parameters()) fill(p, 0.5 * k, 0.125)
    model.forward(batch(k))
    average.updateParameters(model)
  }
  return average
}
const expectState = (model: nn.Module, wanted: State): void => {
  const state = model.stateDict()
  expect([...state.keys()].sort()).toEqual(Object.keys(wanted).sort())
  for (const [name, x] of Object.entries(wanted)) expectClose(state.get(name), x, 1e-5, name)
}

it('AveragedModel: the mean, a moving average, and buffers', () => {
  expectState(averaged(), golden.means.mean)
  expectState(averaged({ avgFn: (a, p) => a.mul(0.75).add(p.mul(0.25)) }), golden.means.ema)
  expectState(averaged({ useBuffers: true }), golden.means.buffers)
})

it('updateBn: statistics of one pass, and the momentum as before', () => {
  const model = averaged()
  model.eval()
  const momentum = (): unknown => (model.module[1] as nn.BatchNorm1d).momentum
  updateBn([batch(0), [batch(1), 7]], model)
  expectState(model, golden.bn)
  expect([model.training, model.module[1].training, momentum()]).toEqual([false, false, 0.1])
  expect(() => updateBn([ones(1, 5)], model)).toThrow()
  expect([model.training, momentum()]).toEqual([false, 0.1])
})

it('an average that cannot be taken changes nothing', () => {
  const average = averaged()
  const before = JSON.stringify([...average.stateDict()])
  expect(() => average.updateParameters(new nn.Linear(2, 2))).toThrow('the average has parameters of [2, 2]')
  Object.assign(average, { avgFn: () => 1 })
  expect(() => average.updateParameters(average.module)).toThrow('must be Tensor')
  expect(JSON.stringify([...average.stateDict()])).toBe(before)
  expect(average.clone().nAveraged.item()).toBe(3)
})
