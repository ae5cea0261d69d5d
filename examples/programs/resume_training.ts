// A training that resumes: states of model, optimizer, schedule and generator, and what a wrong state says.
import { DataLoader, TensorDataset } from '@flambeau/data'
import { deepCopy, F, getRngState, manualSeed, nn, optim, randn, setRngState, type Tensor, zeros } from 'flambeau'
import type { Print } from './setting.ts'

const show = (x: unknown): string =>
  Array.isArray(x)
    ? `[${x.map(show).join(', ')}]`
    : x === true
      ? 'True'
      : x === false
        ? 'False'
        : x === null
          ? 'None'
          : `${x}`

class EarlyStop extends Error {}

function make() {
  const model = new nn.Sequential(new nn.Linear(4, 8), new nn.Dropout(0.3), new nn.PReLU(8), new nn.Linear(8, 1))
  const rest = model
    .namedParameters()
    .filter(([n]) => !n.startsWith('0.'))
    .map(([, p]) => p)
  const opt = new optim.AdamW([{ params: model[0].parameters(), lr: 0.02 }, { params: rest }], {
    lr: 0.01,
    weightDecay: 0.05,
  })
  const sched = new optim.lrScheduler.MultiStepLR(opt, { milestones: [2, 4], gamma: 0.5 })
  return { model, opt, sched }
}

function epoch(model: nn.Module, opt: optim.Optimizer, loader: DataLoader<[Tensor, Tensor]>) {
  model.train()
  const losses: number[] = []
  for (const [x, y] of loader) {
    const loss = F.mseLoss(model.forward(x), y)
    opt.zeroGrad()
    loss.backward()
    opt.step()
    losses.push(loss.item())
  }
  return losses.reduce((a, b) => a + b) / losses.length
}

export function main(seed: number, print: Print): void {
  manualSeed(seed)
  const x = randn(20, 4)
  const data = new TensorDataset(x, x.pow(2).sum(1, { keepdim: true }))
  const loader = new DataLoader(data, { batchSize: 6, shuffle: true })
  let { model, opt, sched } = make()
  const history: number[] = []
  const snapshot = (epoch: number) => ({
    epoch,
    model: deepCopy(model.stateDict()),
    opt: deepCopy(opt.stateDict()),
    sched: deepCopy(sched.stateDict()),
    rng: getRngState(),
  })
  let saved!: ReturnType<typeof snapshot>
  for (let e = 0; e < 6; e++) {
    history.push(epoch(model, opt, loader))
    sched.step()
    if (e === 2) saved = snapshot(e)
  }
  print(history.map((v) => v.toFixed(4)).join(' '))
  print(show([...saved.model.keys()].map((key) => `'${key}'`)), 'torch.uint8', `${saved.rng.size()}`)
  const groups = saved.opt.paramGroups
  print(`[${groups.map((g) => `(${g.lr}, ${g.initialLr}, ${g.weightDecay}, ${show(g.params)})`).join(', ')}]`)
  print(Object.keys(saved.opt.state[0]).length, `${saved.opt.state[4].step}`)
  print(saved.sched.gamma as number, saved.sched.lastEpoch as number)
  manualSeed(99)
  ;({ model, opt, sched } = make())
  print(`${model.loadStateDict(saved.model)}`)
  opt.loadStateDict(saved.opt)
  sched.loadStateDict(saved.sched)
  setRngState(saved.rng)
  const again: number[] = []
  for (let e = saved.epoch + 1; e < 6; e++) {
    again.push(epoch(model, opt, loader))
    sched.step()
  }
  print(show(again.join() === history.slice(3).join()), show(sched.getLastLr()))
  try {
    for (let e = 0; e < 10; e++) if (e === 3) throw new EarlyStop(`stopped at ${e}`)
  } catch (stop) {
    if (!(stop instanceof EarlyStop)) throw stop
    print(stop.message)
  }
  const broken = new Map(saved.model)
  broken.set('3.weight', zeros(2, 8))
  broken.delete('2.weight')
  broken.set('extra', zeros(1))
  try {
    model.loadStateDict(broken)
  } catch (error) {
    print((error as Error).message)
  }
  broken.delete('3.weight')
  print(`${model.loadStateDict(broken, { strict: false })}`)
  print(`${opt}`)
}
