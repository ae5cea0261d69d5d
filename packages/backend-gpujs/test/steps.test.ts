// The cost of a training step in counts that don't depend on the machine: kernels called, kernels compiled, textures
// written and read. A change that adds one fails here.
import { compile, F, js, manualSeed, nn, optim, report, type Tensor, tensor, useDevice } from 'flambeau'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Gpujs, gpujs } from '../src/index.ts'
import { found, glModes } from './each-mode.ts'

interface Course {
  readonly begin: () => {
    readonly model: nn.Module
    readonly optimizer: optim.Optimizer
    readonly loss: (x: Tensor, y: Tensor) => Tensor
  }
  /** The shapes of a batch of inputs and of one of targets. */
  readonly shapes: readonly [x: readonly number[], y: readonly number[]]
  /** The kernels that a step calls, and its checks: on a GPU, folding each result takes another call. */
  readonly calls: { readonly eager: number; readonly compiled: number }
  readonly checks: number
}

const courses: Readonly<Record<string, Course>> = {
  'linear regression, SGD': {
    begin() {
      const model = new nn.Linear(13, 1)
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-3 })
      return { model, optimizer, loss: (x, y) => F.mseLoss(model.forward(x), y) }
    },
    shapes: [
      [8, 13],
      [8, 1],
    ],
    calls: { eager: 9, compiled: 7 },
    checks: 0,
  },
  'logistic regression, SGD': {
    begin() {
      const model = new nn.Sequential(new nn.Linear(30, 1), new nn.Sigmoid())
      const optimizer = new optim.SGD(model.parameters(), { lr: 1e-2 })
      return { model, optimizer, loss: (x, y) => F.binaryCrossEntropy(model.forward(x), y) }
    },
    shapes: [
      [8, 30],
      [8, 1],
    ],
    calls: { eager: 12, compiled: 8 },
    checks: 1,
  },
  'a hidden layer, Adam with a learning rate that falls': {
    begin() {
      const model = new nn.Sequential(new nn.Linear(4, 10), new nn.ReLU(), new nn.Linear(10, 3))
      const optimizer = new optim.Adam(model.parameters(), { lr: 1e-2 })
      const scheduler = new optim.lrScheduler.ExponentialLR(optimizer, 0.9)
      const loss = (x: Tensor, y: Tensor) => {
        scheduler.step()
        return F.mseLoss(model.forward(x), y)
      }
      return { model, optimizer, loss }
    },
    shapes: [
      [8, 4],
      [8, 3],
    ],
    calls: { eager: 37, compiled: 21 },
    checks: 0,
  },
}

/** Batches with different numbers, created on the host. */
const batch = (shape: readonly number[], turn: number): Tensor => {
  const n = shape.reduce((a, b) => a * b, 1)
  return tensor(Array.from({ length: n }, (_, i) => ((i * 7 + turn * 5) % 11) / 11)).view(...shape)
}

const steps = 10

describe.each(found)('%s', (mode) => {
  let device: Gpujs
  beforeAll(async () => {
    device = await gpujs({ mode })
    useDevice(device)
  })
  afterAll(() => useDevice(js()))
  const onGpu = (glModes as readonly string[]).includes(mode)

  for (const [name, { begin, shapes, calls, checks }] of Object.entries(courses)) {
    for (const way of ['eager', 'compiled'] as const) {
      it(`${name}, ${way}`, () => {
        manualSeed(0)
        const { optimizer, loss } = begin()
        const train = (x: Tensor, y: Tensor): Tensor => {
          const value = loss(x, y)
          optimizer.zeroGrad()
          value.backward()
          optimizer.step()
          return value
        }
        const step = way === 'compiled' ? compile(train) : train
        let turn = 0
        const run = (): Tensor => step(batch(shapes[0], turn), batch(shapes[1], turn++))
        // Until the step is compiled and no longer recorded.
        while (turn < 20) run()
        const before = device.report()
        const elsewhere = report()
        for (let i = 0; i < steps; i++) run()
        const after = device.report()
        // Nothing ran on js. Strict mode would throw then, but in strict mode steps keep copies for undo.
        expect(report()).toEqual(elsewhere)
        const counted = (what: 'calls' | 'compilations' | 'uploads' | 'readbacks' | 'spills') =>
          after[what] - before[what]
        expect({
          calls: counted('calls') / steps,
          compilations: counted('compilations'),
          uploads: counted('uploads') / steps,
          readbacks: counted('readbacks'),
          spills: counted('spills'),
        }).toEqual({
          calls: calls[way] + (onGpu ? checks : 0),
          compilations: 0,
          uploads: onGpu ? shapes.length : 0,
          readbacks: 0,
          spills: 0,
        })
        expect(Number.isFinite(run().item())).toBe(true)
      })
    }
  }
})
