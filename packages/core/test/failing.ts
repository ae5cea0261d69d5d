// Training steps that fail at a chosen point, with their complete state to the bit, and backends and checks that fail.
import { createHash } from 'node:crypto'
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
import type {
  Backend,
  Bindings,
  DeviceBuffer,
  Executable,
  Instr,
  Output,
  Plan,
  Program,
  Spec,
  TypedArray,
  View,
} from '@flambeau/core/backend'
import { describe, expect, test } from 'vitest'
import { bitsOf } from './golden-tensors.ts'

/**
 * Wraps a backend that is not certain: it throws at the chosen instruction, counted from the request, also inside a
 * program, after running what comes before.
 */
export class Failing implements Backend {
  readonly name = 'failing'
  readonly caps: Backend['caps']
  readonly compile: Backend['compile']
  readonly #inner: Backend
  failsAfter = Number.POSITIVE_INFINITY

  constructor(inner: Backend) {
    this.#inner = inner
    this.caps = { ...inner.caps, certain: false }
    this.compile = inner.compile && ((program, plan) => this.#compile(program, plan))
  }

  run(instr: Instr): void {
    if (this.failsAfter-- === 0) throw new Error('the device failed')
    this.#inner.run(instr)
  }

  #compile(program: Program, plan: Plan): Executable {
    const first = (n: number): Executable =>
      this.#inner.compile?.({ ...program, instrs: program.instrs.slice(0, n) }, plan) as Executable
    const { length } = program.instrs
    const whole = first(length)
    const run = (bindings: Bindings): void => {
      const k = this.failsAfter
      this.failsAfter -= length
      if (k < 0 || k >= length) return whole.run(bindings)
      first(k).run(bindings)
      throw new Error('the device failed')
    }
    // No repeat, because a failure inside several runs could not be located.
    const repeat = (bindings: Bindings): never => {
      run(bindings)
      throw new Error('a backend that is not certain is asked for several runs at once')
    }
    return { run, repeat }
  }

  supports = (instr: Instr): boolean => this.#inner.supports(instr)
  alloc = (spec: Spec): DeviceBuffer => this.#inner.alloc(spec)
  write = (out: Output, data: TypedArray): void => this.#inner.write(out, data)
  read = (view: View): Promise<TypedArray> => this.#inner.read(view)
  readSync = (view: View): TypedArray => this.#inner.readSync(view)
  free = (buffer: DeviceBuffer): void => this.#inner.free(buffer)
  sync = (): Promise<void> => this.#inner.sync()
  memory = () => this.#inner.memory()
  dispose(): void {}
}

export interface Training {
  /** The calls of the step, in order, each of which changes something. */
  readonly parts: Readonly<Record<string, () => void>>
  readonly step: () => Tensor
  /**
   * All state that the step changes, as text: parameters, buffers, gradients, moments, counters, rates, and generators.
   */
  state(generators?: boolean): string
  /** There are checks between all calls: the one of this number fails from this step on, counted from now. */
  fail(guard: number, after: number): void
  readonly guards: number
}

const texts = (xs: Iterable<readonly [unknown, unknown]>): unknown[] =>
  Array.from(xs, ([key, x]) => [key, x === null || typeof x !== 'object' ? x : bitsOf(x as Tensor)])

/** A training step with all kinds of state; the same for the same seed. `guarded` adds its checks. */
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
    // With a retained graph, so that a failed backward can be repeated.
    backward: () => loss.backward(undefined, { retainGraph: true }),
    adam: () => adam.step(),
    sgd: () => sgd.step(),
    rows: () => void noGrad(() => table.scatterAdd_(0, rows, hidden.detach().narrow(0, 0, 2).narrow(1, 0, 2))),
    row: () => void noGrad(() => table.at(4).copy_(table.at(1).add(1))),
    count: () => void noGrad(() => count.add_(1)),
    scheduler: () => scheduler.step(),
  }
  /** Fails after more steps than its limit: a check of elements or of an index. */
  const guard = (i: number): void => {
    limits[i] ??= tensor(1e6)
    // It depends on the results so far: a hidden layer, a gradient.
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
        generators ? createHash('sha1').update(generator.getState()).digest('hex') : null,
      ])
    },
  }
}

const sentences = /between 0 and 1|out of range|out of bounds/

/** Checks fail between all calls of a step: in a recorded step, in a replay, and in repeated steps on this device. */
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

    test('keeps the effects of the complete steps of a repeat, here and on another thread', async () => {
      useDevice(device())
      const [own, other] = [training(true), training(true)]
      const step = compile(own.step)
      for (let i = 0; i < 4; i++) {
        step()
        other.step()
      }
      for (let i = 0; i < own.guards; i++) {
        // One of the checks before the count fails because of what the step before has left.
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

    test('leaves rows unwritten that are written one by one with reads in between', () => {
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

/**
 * Calls `fn` so that a device fails at its first instruction, its second, and so on until it succeeds; returns the
 * number of failures.
 */
function atEvery(failing: Failing, fn: () => unknown, afterwards: () => void): number {
  for (let k = 0; ; k++) {
    failing.failsAfter = k
    try {
      fn()
      failing.failsAfter = Number.POSITIVE_INFINITY
      return k
    } catch (error) {
      failing.failsAfter = Number.POSITIVE_INFINITY
      expect(String(error)).toContain('the device failed')
      afterwards()
    }
  }
}

/** A device throws at every instruction in turn: in an eager, a recorded, a replayed step, and in repeated ones. */
export function describeFailingDevice(name: string, inner: () => Backend): void {
  describe(`a device that throws at every instruction in turn, on ${name}`, () => {
    const failing = new Failing(inner())

    test('eager: every call of a step is done completely or not at all', () => {
      useDevice(failing)
      const own = training(false)
      for (let step = 0; step < 3; step++) {
        for (const [name, part] of Object.entries(own.parts)) {
          // The draws of a failed call are not undone, as in PyTorch.
          const before = own.state(false)
          const failed = atEvery(failing, part, () => expect(own.state(false), name).toBe(before))
          if (!['zeroGrad', 'scheduler'].includes(name)) expect(failed, name).toBeGreaterThan(0)
        }
      }
    })

    test('recorded and replayed: the step is done completely or not at all', () => {
      useDevice(failing)
      const [own, other] = [training(false), training(false)]
      const step = compile(own.step)
      for (let call = 0; call < 9; call++) {
        const before = own.state()
        // The first call, a recorded one, and a replay.
        if (![0, 1, 4].includes(call)) step()
        else expect(atEvery(failing, step, () => expect(own.state(), `call ${call}`).toBe(before))).toBeGreaterThan(20)
        other.step()
        expect(own.state()).toBe(other.state())
      }
      expect(step.explain()).toContain('adam')
      expect(step.explain()).toContain(failing.compile ? 'compiled by failing' : 'one after the other')
    })

    test('repeated: the effects are those of complete steps', () => {
      useDevice(failing)
      const [own, other] = [training(false), training(false)]
      const step = compile(own.step)
      const states = [other.state()]
      const after = (n: number): string => {
        while (states.length <= n) {
          other.step()
          states.push(other.state())
        }
        return states[n]
      }
      for (let i = 0; i < 4; i++) step()
      let done = 4
      const seen = new Set<number>()
      for (let k = 0; k < 100; k++) {
        failing.failsAfter = k
        expect(() => step.repeat(40)).toThrow('the device failed')
        failing.failsAfter = Number.POSITIVE_INFINITY
        const now = own.state()
        const more = [0, 1, 2, 3, 4, 5, 6].findIndex((n) => after(done + n) === now)
        expect(more, `at instruction ${k}`).toBeGreaterThanOrEqual(0)
        seen.add(more)
        done += more
      }
      expect(seen.size).toBeGreaterThan(1)
    })

    test('a module is loaded whole or not at all', () => {
      useDevice(failing)
      manualSeed(1)
      const [model, from] = [0, 1].map(() => new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3)))
      const state = from.stateDict()
      const text = (): string =>
        JSON.stringify([...model.stateDict()].map(([key, x]) => [key, x.version, x.toNested()]))
      const before = text()
      expect(
        atEvery(
          failing,
          () => model.loadStateDict(state),
          () => expect(text()).toBe(before),
        ),
      ).toBeGreaterThan(5)
      expect(text()).not.toBe(before)
    })
  })
}
