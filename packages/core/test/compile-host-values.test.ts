// Changes every value on the host that a step depends on between two calls, one at a time and in random order: a
// compiled step gives the results and state of eager, to the bit.
import { js } from '@flambeau/backend-js'
import { compile, F, manualSeed, nn, noGrad, optim, randint, randn, type Tensor, useDevice } from '@flambeau/core'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { changesOf } from './host-values.ts'

/**
 * Replays programs instruction by instruction, because compiling them takes most of the time and does not matter here.
 */
const device = js()
Object.defineProperty(device, 'compile', { value: undefined })

beforeAll(() => {
  useDevice(device)
  vi.spyOn(console, 'warn').mockReturnValue()
})

type Through = (step: () => Tensor) => () => Tensor
const ways: readonly Through[] = [(step) => step, (step) => compile(step)]

interface World {
  readonly model: nn.Module
  /** The objects whose values are changed. */
  readonly host: object
  readonly step: () => Tensor
}

/** A user's module with its own values. */
class Own extends nn.Module {
  scale = 0.5
  doubled = false
  drop = 0.25
  parts = [new nn.Linear(4, 4), new nn.Linear(4, 4)]
  shift = new nn.Parameter(randn(4))
  settings = { slope: 0.25, through: true }

  override forward(x: Tensor): Tensor {
    let y = x
    for (const part of this.parts) y = part.forward(y).mul(this.scale)
    if (this.settings.through) y = F.leakyRelu(y, this.settings.slope)
    y = F.dropout(y.add(this.shift), this.drop, this.training)
    return this.doubled ? y.mul(2) : y
  }
}

const train = (
  model: nn.Module,
  x: Tensor,
  loss: (y: Tensor) => Tensor,
  optimizer: optim.Optimizer,
): (() => Tensor) => {
  return () => {
    const value = loss(model.forward(x) as Tensor)
    optimizer.zeroGrad()
    value.backward()
    optimizer.step()
    return value
  }
}

const worlds: Readonly<Record<string, (through: Through) => World>> = {
  'SGD with momentum, dropout, a schedule': (through) => {
    const [x, y] = [randn(5, 4), randn(5, 2)]
    const model = new nn.Sequential(
      new nn.Linear(4, 4),
      new nn.BatchNorm1d(4),
      new nn.Dropout(0.5),
      new nn.Linear(4, 2),
    )
    const loss = new nn.MSELoss()
    const options = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 }
    const groups = [{ params: model[0].parameters() }, { params: model[2].parameters(), lr: 0.05, nesterov: true }]
    const optimizer = new optim.SGD(groups, options)
    const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 3, gamma: 0.5 })
    const step = train(model, x, (out) => loss.forward(out, y), optimizer)
    const scheduled = through(() => {
      const value = step()
      scheduler.step()
      return value
    })
    return { model, host: { model, loss, optimizer, scheduler }, step: scheduled }
  },
  'plain SGD, frozen and clipped': (through) => {
    const [x, y] = [randn(5, 4), randint(0, 3, [5])]
    const model = new nn.Sequential(new nn.Linear(4, 4), new nn.Tanh(), new nn.Linear(4, 3))
    model[0].requiresGrad_(false)
    const loss = new nn.CrossEntropyLoss()
    const optimizer = new optim.SGD(model.parameters(), { lr: 0.1 })
    const step = through(() => {
      const value = loss.forward(model.forward(x) as Tensor, y)
      for (const p of model[2].parameters()) p.grad = null
      value.backward()
      nn.utils.clipGradNorm_(model.parameters(), 0.5)
      optimizer.step()
      return value
    })
    return { model, host: { model, loss, optimizer }, step }
  },
  "Adam, amsgrad, a user's module": (through) => {
    const x = randn(5, 4)
    const model = new Own()
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.01, amsgrad: true })
    return { model, host: { model, optimizer }, step: through(train(model, x, (y) => y.square().mean(), optimizer)) }
  },
  'AdamW, gradients that add up over two calls': (through) => {
    const x = randn(5, 4)
    const model = new nn.Sequential(new nn.Linear(4, 3), new nn.LeakyReLU(), new nn.BatchNorm1d(3, { momentum: null }))
    const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 })
    let calls = 0
    const once = through(() => {
      const value = (model.forward(x) as Tensor).sin().sum()
      value.backward()
      return value
    })
    const step = (): Tensor => {
      const value = once()
      if (++calls % 2 === 1) return value
      optimizer.step()
      optimizer.zeroGrad()
      return value
    }
    return { model, host: { model, optimizer }, step }
  },
  inference: (through) => {
    const x = randn(5, 4)
    const model = new nn.Sequential(new nn.Linear(4, 4), new nn.BatchNorm1d(4), new nn.Softmax(1), new Own())
    model.eval()
    const predict = through(() => (model.forward(x) as Tensor).square())
    return { model, host: { model }, step: () => noGrad(predict) }
  },
}

const bytes = (x: Tensor): number[] => Array.from(x.detach().toArray())

/** The results and state of a call; an error ends it, and partial work is ignored. */
function call({ model, step }: World): unknown {
  let value: Tensor
  try {
    value = step()
  } catch (error) {
    return (error as Error).message.split('\n')[0]
  }
  const parameters = model.parameters().map((p) => [bytes(p), p.grad === null ? null : bytes(p.grad)])
  return [bytes(value), parameters, model.buffers().map(bytes), model.modules().map(({ training }) => training)]
}

/** Calls, then more after each of the changes; the same for eager and compiled steps. */
function agree(make: (through: Through) => World, changes: readonly number[], before: number, after: number): void {
  const [[expected], [found, named]] = ways.map((through) => {
    manualSeed(7)
    const world = make(through)
    const seen: unknown[] = []
    const names: string[] = []
    const see = (times: number): boolean => {
      for (let i = 0; i < times; i++) {
        const trace = call(world)
        seen.push(trace)
        if (typeof trace === 'string') return false
      }
      return true
    }
    see(before)
    for (const i of changes) {
      const all = changesOf(world.host)
      const change = all[i % all.length]
      names.push(change.name)
      change.make()
      if (!see(after)) break
    }
    return [seen, names] as const
  })
  // Without expect, which takes longer than the steps.
  const differs = expected.findIndex((trace, i) => JSON.stringify(trace) !== JSON.stringify(found[i]))
  if (differs < 0 && expected.length === found.length) return
  throw new Error(
    `${named.join(', then ')}: call ${differs} is not eager's:\n${JSON.stringify(found[differs])}\n${JSON.stringify(expected[differs])}`,
  )
}

describe.each(Object.entries(worlds))('%s', (_, make) => {
  manualSeed(7)
  useDevice(device)
  const world = make((step) => step)
  for (let i = 0; i < 4; i++) world.step()
  const changes = changesOf(world.host)

  test(`each of ${changes.length} changes, of a step that is replayed`, () => {
    const failed: string[] = []
    changes.forEach((_, i) => {
      try {
        agree(make, [i], 4, 1)
      } catch (error) {
        failed.push((error as Error).message.slice(0, 600))
      }
    })
    expect(failed).toEqual([])
  })

  test('random changes, one after the other, at any time', () => {
    const rows = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 5 })), { minLength: 1, maxLength: 5 })
    void fc.assert(
      fc.property(rows, (rows) =>
        agree(
          make,
          rows.map(([i]) => i),
          1,
          rows[0][1],
        ),
      ),
      { numRuns: 20, seed: 11 },
    )
  })
})
