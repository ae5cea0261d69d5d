// Trainings that are saved after any batch and resumed from there: the losses and the printed lines are those of a
// training that went on, bit for bit.
import { DataLoader, TensorDataset } from '@flambeau/data'
import { native } from '@flambeau/backend-native'
import { F, formatFixed, js, manualSeed, nn, noGrad, optim, type Tensor, tensor, useDevice } from 'flambeau'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { nativeMissing, testWith } from '../../tools/test/machine.ts'
import { lesson, type Options, type Seen } from '../src/lesson.ts'
import { type Checkpoint, CheckpointError } from '../src/run.ts'

afterAll(() => void useDevice(js()))
const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})
beforeEach(() => void warned.mockClear())

/**
 * Everything that has a state: dropout draws while batches are under way, batch norm keeps statistics, Adam has moments,
 * a scheduler counts, the loader shuffles, a second pass and a test pass draw seeds.
 */
const small = lesson({ epochs: 3, printInterval: 1, passes: 2 }, function* (course) {
  const { seed, printInterval, print, compile, forEachEpoch, forEachBatch } = course
  const x = tensor(Array.from({ length: 22 }, (_, i) => [Math.sin(i), Math.cos(3 * i), (i % 5) / 5]))
  const y = tensor(Int32Array.from({ length: 22 }, (_, i) => i % 3))

  manualSeed(seed)
  const loader = new DataLoader(new TensorDataset(x, y), { batchSize: 4, shuffle: true })
  const model = new nn.Sequential(new nn.Linear(3, 8), new nn.BatchNorm1d(8), new nn.Dropout(0.5), new nn.Linear(8, 3))
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
  const scheduler = new optim.lrScheduler.StepLR(optimizer, { stepSize: 1, gamma: 0.5 })

  const measure = (x: Tensor, y: Tensor) => {
    const logits = model.forward(x)
    return { loss: F.crossEntropy(logits, y), accuracy: logits.argmax({ dim: 1 }).eq(y).float().mean() }
  }
  const step = compile((x: Tensor, y: Tensor) => {
    const { loss, accuracy } = measure(x, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return { loss, accuracy }
  })
  const evaluate = compile((x: Tensor, y: Tensor) => noGrad(() => measure(x, y)))

  yield* forEachEpoch([model, optimizer, scheduler], function* (epoch) {
    model.train()
    const training = yield* forEachBatch(loader, step)
    model.eval()
    const again = yield* forEachBatch(loader, evaluate)
    scheduler.step()
    if (epoch % printInterval === 0) print(`Epoch ${epoch}: ${training.loss} ${again.loss} ${again.accuracy}`)
    return { loss: training.loss, curves: { training, again } }
  })

  const { accuracy } = yield* forEachBatch(loader, evaluate)
  print(`Accuracy: ${formatFixed(accuracy, 4)}`)
})

interface Told {
  readonly losses: number[]
  readonly lines: string[]
  /** The state after each batch and each epoch, as text. */
  readonly states: string[]
  last: Seen | undefined
}
const told = (options: Options, most = Number.POSITIVE_INFINITY): Told => {
  const all: Told = { losses: [], lines: [], states: [], last: undefined }
  for (const seen of small({ ...options, print: (text) => void all.lines.push(String(text)) })) {
    all.losses.push(typeof seen.loss === 'number' ? seen.loss : seen.loss.item())
    all.last = seen
    if (seen.checkpoint !== undefined) all.states.push(JSON.stringify(seen.checkpoint()))
    if (all.losses.length === most) break
  }
  return all
}
const resumed = (text: string, options: Options = {}): Told =>
  told({ ...options, checkpoint: JSON.parse(text) as Checkpoint })

/** Three epochs of two passes of six batches, and the end of each. */
const steps = 3 * (2 * 6 + 1)

/** Resumes after every `each`-th batch and after each epoch. */
const everywhere = (compiled: boolean, each: number) => {
  const whole = told({ compiled })
  expect(whole.states).toHaveLength(steps)
  expect(whole.losses).toHaveLength(steps + 6)
  whole.states.forEach((text, i) => {
    if (i % each > 0 && i % 13 !== 12) return
    const rest = resumed(text, { compiled })
    expect(rest.losses, `after step ${i}`).toEqual(whole.losses.slice(i + 1))
    expect(rest.lines, `after step ${i}`).toEqual(whole.lines.slice(Math.floor((i + 1) / 13)))
    expect(rest.states, `after step ${i}`).toEqual(whole.states.slice(i + 1))
    expect(rest.last?.points, `after step ${i}`).toEqual(whole.last?.points)
  })
  expect(warned).not.toHaveBeenCalled()
}

describe('a training is resumed after any batch', () => {
  it('compiled on js', () => everywhere(true, 4))
  it('eager on js', () => everywhere(false, 8))
  for (const compiled of [true, false]) {
    testWith('native', nativeMissing, `${compiled ? 'compiled' : 'eager'} on native`, async () => {
      useDevice(await native())
      try {
        everywhere(compiled, 8)
      } finally {
        useDevice(js())
      }
    })
  }

  it('and for more epochs than it had', () => {
    const [short, long] = [told({ epochs: 2 }), told({ epochs: 3 })]
    expect(short.states).toEqual(long.states.slice(0, 26))
    expect(resumed(short.states[25], { epochs: 3 }).losses).toEqual(long.losses.slice(26))
  })

  testWith('native', nativeMissing, 'on another device', async () => {
    const whole = told({})
    useDevice(await native())
    const { losses } = resumed(whole.states[8])
    useDevice(js())
    expect(losses).toHaveLength(steps + 6 - 9)
    expect(losses[0]).toBeCloseTo(whole.losses[9], 4)
  })
})

it('shows how far it is', () => {
  const done: number[] = []
  for (const seen of small({ epochs: 2, print: () => {} })) {
    done.push(seen.done)
    expect(seen.epochs).toBe(2)
  }
  expect(done).toEqual([...done].sort((a, b) => a - b))
  expect(done.slice(0, 13).map((x) => Math.round(x * 12))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12])
  expect(done.at(-1)).toBe(2)
})

it('refuses a state that does not fit, with nothing run', () => {
  const [state] = told({}, 1).states
  const checkpoint = JSON.parse(state) as Checkpoint
  for (const wrong of [
    { ...checkpoint, things: { model: checkpoint.things.model } },
    { ...checkpoint, things: { ...checkpoint.things, model: {} } },
    { ...checkpoint, pass: { ...(checkpoint.pass as NonNullable<Checkpoint['pass']>), loader: null } },
    { ...checkpoint, random: checkpoint.random.slice(1) },
  ]) {
    expect(() => told({ checkpoint: wrong })).toThrow(CheckpointError)
  }
})
