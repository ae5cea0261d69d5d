// Schedulers: rates, momenta, logs and errors as in real PyTorch (tools/golden/schedules.py); the same when recorded,
// saved and resumed, and undone.
import { gunzipSync } from 'node:zlib'
import { js } from '@flambeau/backend-js'
import { compile, load, ones, optim, type Tensor, tensor, useDevice } from '@flambeau/core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { expectError, type GoldenError, readGolden } from './golden-tensors.ts'

useDevice(js())
afterEach(() => void vi.restoreAllMocks())

type Kind = 'SGD' | 'Adam' | 'Adagrad'
type Word = number | 'nan' | null
interface Run {
  readonly make: readonly unknown[]
  readonly optimizer: Kind
  readonly metrics?: readonly Word[]
  readonly epochs?: readonly Word[]
  readonly rates: readonly (readonly number[])[]
  readonly momenta: readonly (readonly number[])[]
}
const golden = readGolden<{
  readonly runs: readonly Run[]
  readonly file: string
  readonly others: Readonly<Record<string, readonly unknown[]>>
  readonly verbose: readonly { make: readonly unknown[]; metrics?: readonly Word[]; lines: readonly string[] }[]
  readonly errors: readonly (GoldenError & { make: readonly unknown[]; optimizer: Kind; steps: number })[]
}>('schedules')

type Stepped = optim.lrScheduler.LRScheduler & { step(x?: number): void }
const schedulers = optim.lrScheduler as unknown as Readonly<Record<string, new (...args: unknown[]) => Stepped>>
const factors: Readonly<Record<string, (epoch: number) => number>> = {
  slow: (epoch) => 0.95 ** epoch,
  fast: (epoch) => 1 / (1 + epoch),
  half: () => 0.5,
}
const given = (x: unknown, optimizer: optim.Optimizer): unknown => {
  if (Array.isArray(x))
    return typeof x[0] === 'string' && x[0] in schedulers ? make(x, optimizer) : x.map((one) => given(one, optimizer))
  if (typeof x === 'object' && x !== null)
    return Object.fromEntries(Object.entries(x).map(([key, value]) => [key, given(value, optimizer)]))
  return typeof x === 'string' && x in factors ? factors[x] : x
}
function make([name, ...args]: readonly unknown[], optimizer: optim.Optimizer): Stepped {
  const own = name === 'ChainedScheduler' ? [] : [optimizer]
  return new schedulers[name as string](...own, ...args.map((x) => given(x, optimizer)))
}
const optimizerOf = (kind: Kind): optim.Optimizer => {
  const groups = [
    { params: [tensor([1, 2], { requiresGrad: true })] },
    { params: [ones(3, { requiresGrad: true })], lr: 0.04 },
  ]
  const made = kind === 'SGD' ? new optim.SGD(groups, { lr: 0.1, momentum: 0.9 }) : new optim[kind](groups, { lr: 0.1 })
  return made as unknown as optim.Optimizer
}
const read = (optimizer: optim.Optimizer): [rates: number[], momenta: number[]] => {
  const groups = optimizer.paramGroups as unknown as { lr: number; momentum: number; betas?: number[] }[]
  return [groups.map(({ lr }) => lr), groups.map(({ momentum, betas }) => betas?.[0] ?? momentum)]
}
const near = (found: readonly number[], wanted: readonly number[]): void =>
  found.forEach((x, i) => {
    if (!(Math.abs(x - wanted[i]) <= 1e-13 + 1e-12 * Math.abs(wanted[i]))) expect(found).toEqual(wanted)
  })
const stepsOf = ({ metrics, epochs }: Pick<Run, 'metrics' | 'epochs'>, n: number): (number | undefined)[] =>
  [...(metrics ?? epochs ?? new Array<null>(n).fill(null))].map((x) => (x === null ? undefined : Number(x)))
const title = ({ make, optimizer, epochs }: Run): string =>
  `${JSON.stringify(make)} of ${optimizer}${epochs ? `, epochs ${epochs}` : ''}`

describe('rates and momenta as in PyTorch', () => {
  it('of every scheduler', () => {
    const made = JSON.stringify(golden.runs.map((run) => run.make))
    const all = Object.keys(optim.lrScheduler).filter((name) => name !== 'LRScheduler')
    expect(all.filter((name) => !made.includes(`"${name}"`))).toEqual([])
  })

  for (const run of golden.runs)
    it(title(run), () => {
      const optimizer = optimizerOf(run.optimizer)
      const scheduler = make(run.make, optimizer)
      const look = (k: number): void => {
        const [rates, momenta] = read(optimizer)
        near(rates, run.rates[k])
        near(momenta, run.momenta[k])
        near(scheduler.getLastLr(), run.rates[k])
      }
      look(0)
      stepsOf(run, 12).forEach((x, k) => {
        optimizer.step()
        scheduler.step(x)
        look(k + 1)
      })
    })
})

describe('states', () => {
  for (const run of golden.runs.filter(({ optimizer }) => optimizer === 'SGD'))
    it(`${title(run)} continues from a saved state`, () => {
      const [a, b] = [optimizerOf('SGD'), optimizerOf('SGD')]
      const [straight, resumed] = [make(run.make, a), make(run.make, b)]
      const steps = stepsOf(run, 8)
      a.stepCount = b.stepCount = 1
      for (const x of steps.slice(0, 4)) straight.step(x)
      b.loadStateDict(a.stateDict())
      resumed.loadStateDict(JSON.parse(JSON.stringify(straight.stateDict())))
      expect(resumed.stateDict()).toEqual(straight.stateDict())
      for (const x of steps.slice(4)) {
        straight.step(x)
        resumed.step(x)
        expect(read(b)).toEqual(read(a))
      }
      expect(resumed.stateDict()).toEqual(straight.stateDict())
    })

  it("of PyTorch's files continue, whatever the scheduler was made of", async () => {
    const saved = (await load(gunzipSync(Buffer.from(golden.file, 'base64')))) as Readonly<
      Record<string, { optimizer: object; scheduler: object }>
    >
    const seen = Object.entries(saved).map(([number, { optimizer: ofOptimizer, scheduler: ofScheduler }]) => {
      const run = golden.runs[Number(number)]
      const [name, ...args] = run.make
      const optimizer = optimizerOf('SGD')
      // Functions are no part of a file.
      const takesFunctions = /scaleFn|annealStrategy/.test(JSON.stringify(args))
      const scheduler = make(takesFunctions ? run.make : (golden.others[name as string] ?? run.make), optimizer)
      optimizer.loadStateDict(ofOptimizer as never)
      scheduler.loadStateDict(ofScheduler as never)
      stepsOf(run, 12).forEach((x, k) => {
        if (k < 4) return
        optimizer.step()
        scheduler.step(x)
        const [rates, momenta] = read(optimizer)
        near(rates, run.rates[k + 1])
        near(momenta, run.momenta[k + 1])
      })
      return name
    })
    expect(Object.keys(optim.lrScheduler).filter((name) => !seen.includes(name))).toEqual(['LRScheduler'])
  })

  it('of functions cannot be restored', () => {
    const scheduler = make(['LambdaLR', 'slow'], optimizerOf('SGD'))
    scheduler.loadStateDict({ lr_lambdas: [null], last_epoch: 3 })
    expect(scheduler.lastEpoch).toBe(3)
    expect(() => scheduler.loadStateDict({ lr_lambdas: [{ factor: 2 }], last_epoch: 4 })).toThrow(
      /a function of the user/,
    )
    expect(scheduler.lastEpoch).toBe(3)
  })

  it('that do not fit are refused, and nothing has changed', () => {
    for (const run of golden.runs.filter(({ optimizer }) => optimizer === 'SGD')) {
      const scheduler = make(run.make, optimizerOf('SGD'))
      const before = JSON.stringify(scheduler.stateDict())
      for (const [name, value] of Object.entries(scheduler.stateDict())) {
        const wrong = typeof value === 'string' ? 1 : 'x'
        expect(() => scheduler.loadStateDict({ lastEpoch: 77, [name]: wrong }), name).toThrow(
          name === 'mode' ? /str/ : /must be|a function of the user/,
        )
      }
      expect(() => scheduler.loadStateDict({ lastEpoch: 77, other: 1 })).toThrow("'other'")
      expect(JSON.stringify(scheduler.stateDict())).toBe(before)
    }
    const optimizer = optimizerOf('SGD')
    const members = [make(['StepLR', 2], optimizer), make(['StepLR', 3], optimizer)]
    const chained = new optim.lrScheduler.ChainedScheduler(members)
    const before = JSON.stringify(chained.stateDict())
    expect(() => chained.loadStateDict({ schedulers: [{ stepSize: 7 }, { stepSize: 'x' }] })).toThrow('step_size')
    expect(JSON.stringify(chained.stateDict())).toBe(before)
    const plateau = make(['ReduceLROnPlateau'], optimizer)
    expect(() => plateau.loadStateDict({ mode: 'mean' })).toThrow('mode mean is unknown!')
  })
})

describe('recorded', () => {
  const train = (run: Run, recorded: boolean): unknown[] => {
    const optimizer = optimizerOf(run.optimizer)
    const scheduler = make(run.make, optimizer)
    const params = optimizer.paramGroups.flatMap((group) => group.params)
    const step = (): Tensor => {
      const loss = params.map((p) => p.square().sum()).reduce((a, b) => a.add(b))
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
      scheduler.step()
      return loss
    }
    const next = recorded ? compile(step) : step
    return Array.from({ length: 12 }, () => [next().item(), ...read(optimizer)])
  }
  // Adam's betas are a list, which only OneCycleLR changes.
  const unnamed = golden.runs.filter(
    ({ make, optimizer, metrics, epochs }) => !metrics && !epochs && (optimizer === 'SGD' || make[0] === 'OneCycleLR'),
  )
  for (const run of unnamed) it(`${title(run)} equals eager`, () => expect(train(run, true)).toEqual(train(run, false)))

  it('refuses steps by values of the host', () => {
    for (const [spec, value] of [
      [['ReduceLROnPlateau'], 1],
      [['StepLR', 2], 3],
    ] as const) {
      const scheduler = make(spec, optimizerOf('SGD'))
      const step = compile((x: Tensor) => {
        scheduler.step(value)
        return x.add(1)
      })
      expect(() => Array.from({ length: 3 }, () => step(ones(1)))).toThrow('outside')
    }
  })

  it('is undone if the step fails', () => {
    for (const run of unnamed) {
      const optimizer = optimizerOf(run.optimizer)
      const scheduler = make(run.make, optimizer)
      let fail = false
      const step = compile(() => {
        scheduler.step()
        if (fail) throw new Error('no')
        return ones(1)
      })
      optimizer.step()
      step()
      const before = JSON.stringify([scheduler.stateDict(), read(optimizer)])
      fail = true
      expect(() => step()).toThrow('no')
      expect(JSON.stringify([scheduler.stateDict(), read(optimizer)])).toBe(before)
    }
  })
})

describe('logs and errors', () => {
  for (const { make: spec, metrics, lines } of golden.verbose)
    it(`${spec[0]} logs what it changes`, () => {
      const log = vi.spyOn(console, 'log').mockImplementation(() => {})
      const scheduler = make(spec, optimizerOf('SGD'))
      for (const x of stepsOf({ metrics }, 3)) scheduler.step(x)
      expect(log.mock.calls.map(([line]) => line)).toEqual(lines)
    })

  for (const { make: spec, optimizer: kind, steps, ...error } of golden.errors)
    it(`${JSON.stringify(spec)} of ${kind}`, () => {
      const optimizer = optimizerOf(kind)
      const groups = JSON.stringify(optimizer.stateDict().paramGroups)
      if (steps === 0) {
        expectError(() => make(spec, optimizer), error)
        // The members of a SequentialLR have made their first steps.
        if (spec[0] !== 'SequentialLR') expect(JSON.stringify(optimizer.stateDict().paramGroups)).toBe(groups)
        return
      }
      const scheduler = make(spec, optimizer)
      for (let k = 0; k < steps; k++) scheduler.step()
      const before = JSON.stringify([scheduler.stateDict(), read(optimizer)])
      expectError(() => scheduler.step(), error)
      expect(JSON.stringify([scheduler.stateDict(), read(optimizer)])).toBe(before)
    })

  it('names members of another optimizer', () => {
    const [a, b] = [optimizerOf('SGD'), optimizerOf('SGD')]
    const members = [make(['StepLR', 2], a), make(['StepLR', 2], b)]
    expect(() => new optim.lrScheduler.SequentialLR(a, members, [1])).toThrow(
      'got schedulers at index 1 to be different',
    )
    expect(() => new optim.lrScheduler.ChainedScheduler(members)).toThrow('at index 0 and 1 to be different')
  })

  it('leaves the groups as they were if a function fails or gives no number', () => {
    for (const wrong of [
      () => Number.NaN,
      () => 'x',
      () => {
        throw new Error('mine')
      },
    ]) {
      // biome-ignore format: short
      const optimizer = optimizerOf('SGD')
      const before = JSON.stringify(optimizer.stateDict().paramGroups)
      expect(() => new optim.lrScheduler.LambdaLR(optimizer, wrong as never)).toThrow(/mine|NaN/)
      expect(() => new optim.lrScheduler.CyclicLR(optimizer, 0.1, 0.2, { scaleFn: wrong as never })).toThrow(/mine|NaN/)
      expect(JSON.stringify(optimizer.stateDict().paramGroups)).toBe(before)
    }
  })
})
