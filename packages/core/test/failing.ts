// Training steps that fail where a test wants: what all of their state is, to the bit, and backends and checks that fail.
import {
  compile,
  F,
  Generator,
  manualSeed,
  nn,
  noGrad,
  optim,
  rand,
  randn,
  randperm,
  type Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import type { Backend, Instr } from '@flambeau/core/backend'
import { describe, expect, test } from 'vitest'
import { bitsOf } from './golden-tensors.ts'
import { Limited } from './limited.ts'

/** A backend that is not certain: it throws at the instruction that it is told to, counted from then. */
export class Failing extends Limited {
  override readonly name = 'failing'
  failsAfter = Number.POSITIVE_INFINITY

  override run(instr: Instr): void {
    if (this.failsAfter-- === 0) throw new Error('the device failed')
    super.run(instr)
  }
}

export interface Training {
  /** Parts of the step, in order, each a call of the library that changes something. */
  readonly parts: Readonly<Record<string, () => void>>
  readonly step: () => Tensor
  /** All that the step changes, as text: parameters, buffers, gradients, moments, counters, rates, and what it draws from. */
  state(generators?: boolean): string
  /** Checks stand between all parts: the one of this number fails from this step on, if it is counted from now. */
  fail(guard: number, after: number): void
  readonly guards: number
}

const texts = (xs: Iterable<readonly [unknown, unknown]>): unknown[] =>
  Array.from(xs, ([key, x]) => [key, x === null || typeof x !== 'object' ? x : bitsOf(x as Tensor)])

/** A training step with all that changes from step to step; the same for the same seed. `guarded`: with its checks. */
export function training(guarded: boolean): Training {
  manualSeed(1)
  const generator = new Generator().manualSeed(5)
  const [x, y] = [randn(6, 3), randn(6, 1)]
  const [first, norm, last] = [new nn.Linear(3, 4), new nn.BatchNorm1d(4), new nn.Linear(4, 1)]
  const model = new nn.Sequential(first, norm, last)
  const adam = new optim.Adam([...first.parameters(), ...last.parameters()], { lr: 0.1, amsgrad: true })
  const sgd = new optim.SGD(norm.parameters(), { lr: 0.1, momentum: 0.9 })
  const scheduler = new optim.lrScheduler.StepLR(adam, 2, { gamma: 0.5 })
  const [table, rows, count] = [
    zeros(5, 2),
    tensor(
      [
        [1, 3],
        [2, 1],
      ],
      { dtype: 'int32' },
    ),
    tensor(0),
  ]
  const limits: Tensor[] = []
  let [hidden, loss] = [x, x]

  const parts = {
    forward() {
      hidden = norm.forward(first.forward(x.indexSelect(0, randperm(6, { generator }))))
    },
    loss() {
      loss = F.mseLoss(last.forward(hidden.mul(rand([6, 4], { generator }).gt(0.2))), y)
    },
    zeroGrad: () => model.zeroGrad(),
    // Of a graph that is kept, so that a backward that failed can be made again.
    backward: () => loss.backward(undefined, { retainGraph: true }),
    adam: () => adam.step(),
    sgd: () => sgd.step(),
    rows: () => void noGrad(() => table.scatterAdd_(0, rows, hidden.detach().narrow(0, 0, 2).narrow(1, 0, 2))),
    row: () => void noGrad(() => table.at(4).copy_(table.at(1).add(1))),
    count: () => void noGrad(() => count.add_(1)),
    scheduler: () => scheduler.step(),
  }
  /** Fails when more steps were made than its limit says: a check of elements or of an index. */
  const guard = (i: number): void => {
    limits[i] ??= tensor(1e6)
    // It waits for what was computed so far: a hidden layer, a gradient.
    const seen = i === 0 ? x : ((i > names.indexOf('backward') ? last.weight.grad : null) ?? hidden)
    const over = count.add(seen.detach().sum().mul(0)).gt(limits[i])
    if (i % 2 === 0) F.binaryCrossEntropy(over.float().mul(2).reshape(1), zeros(1))
    else table.indexSelect(0, over.int().mul(5).reshape(1))
  }
  const names = Object.keys(parts) as (keyof typeof parts)[]
  return {
    parts,
    guards: names.length + 1,
    step() {
      names.forEach((name, i) => {
        if (guarded) guard(i)
        parts[name]()
      })
      if (guarded) guard(names.length)
      return loss
    },
    fail(i, after) {
      limits[i]?.fill_(count.item() + after)
    },
    state(generators = true) {
      const optimizers = [adam, sgd].map((optimizer) => [
        optimizer.stepCount,
        optimizer.paramGroups.map(({ params: _, ...options }) => options),
        Object.entries(optimizer.stateDict().state).map(([i, own]) => [i, texts(Object.entries(own))]),
      ])
      const parameters = model.parameters()
      return JSON.stringify([
        texts(model.stateDict()),
        texts(parameters.map(({ grad }, i) => [i, grad])),
        parameters.map(({ version }) => version),
        optimizers,
        scheduler.stateDict(),
        bitsOf(table),
        bitsOf(count),
        generators ? [...generator.getState()].join() : null,
      ])
    },
  }
}

const sentences = /between 0 and 1|out of range|out of bounds/

/** Checks fail between all calls of a step: what a device makes of a recorded step, a replay, and steps that are repeated. */
export function describeFailingChecks(name: string, device: () => Backend): void {
  describe(`a check that fails between the calls of a step on ${name}`, () => {
    test('changes nothing in a recorded step and in a replay', () => {
      useDevice(device())
      const [own, other] = [training(true), training(true)]
      const step = compile(own.step)
      for (let call = 0; call < 9; call++) {
        for (let i = 0; [1, 4].includes(call) && i < own.guards; i++) {
          own.fail(i, -1)
          const before = own.state()
          expect(() => step()).toThrow(sentences)
          expect(own.state(), `check ${i} at call ${call}`).toBe(before)
          own.fail(i, 1e6)
        }
        step()
        other.step()
        expect(own.state(), `call ${call}`).toBe(other.state())
      }
    })

    test('leaves what the complete steps did, when they are repeated, here and on another thread', async () => {
      useDevice(device())
      const [own, other] = [training(true), training(true)]
      const step = compile(own.step)
      for (let i = 0; i < 4; i++) {
        step()
        other.step()
      }
      for (let i = 0; i < own.guards; i++) {
        // One of the checks before the count sees what the step before has left.
        own.fail(i, 2)
        if (i % 3 === 0) await expect(step.repeatAsync(5)).rejects.toThrow(sentences)
        else expect(() => step.repeat(5)).toThrow(sentences)
        const now = own.state()
        let steps = 0
        while (other.state() !== now && steps < 5) {
          other.step()
          steps++
        }
        expect(other.state(), `check ${i}`).toBe(now)
        expect(steps).toBeGreaterThan(1)
        own.fail(i, 1e6)
      }
    })

    test('and rows that are written one after the other, with a look at them in between, are not written', () => {
      useDevice(device())
      const [table, x, index] = [zeros(3, 2), tensor([1, 2]), tensor([0, 1], { dtype: 'int32' })]
      const step = compile(() =>
        noGrad(() => {
          table.at(0).add_(x)
          const seen = table.indexSelect(0, index)
          table.at(1).copy_(x.mul(2))
          return seen.sum()
        }),
      )
      for (let i = 0; i < 5; i++) step()
      const before = table.toNested()
      index.add_(2)
      expect(() => step()).toThrow(sentences)
      expect(table.toNested()).toEqual(before)
      index.sub_(2)
      step()
      expect(table.toNested()).toEqual([
        [6, 12],
        [2, 4],
        [0, 0],
      ])
    })
  })
}
