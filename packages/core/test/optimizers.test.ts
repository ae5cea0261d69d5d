// Optimizers by rules: trajectories, states, texts and errors as in real PyTorch (tools/golden/optimizers.py); the same
// when recorded, and when saved and resumed.
import { js } from '@flambeau/backend-js'
import { compile, deepCopy, F, noGrad, optim, type Tensor, tensor, useDevice, zeros } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import {
  bitsOf,
  expectClose,
  expectError,
  type GoldenError,
  type GoldenTensor,
  isGolden,
  made,
  readGolden,
} from './golden-tensors.ts'

useDevice(js())

type Options = Readonly<Record<string, unknown>>
type Kind = 'Adagrad' | 'Adadelta' | 'Adamax' | 'RAdam' | 'NAdam' | 'ASGD' | 'Rprop'
interface Run {
  readonly optimizer: Kind
  readonly options: Options
  readonly groups?: readonly (Options & { readonly params: 'weight' | 'bias' })[]
  readonly changes?: Readonly<Record<number, Options>>
}
const golden = readGolden<{
  readonly trajectories: readonly (Run & {
    readonly losses: readonly number[]
    readonly weight: readonly (readonly number[])[]
    readonly bias: readonly (readonly number[])[]
  })[]
  readonly states: readonly (Run & { readonly state: { state: Record<string, Options>; paramGroups: Options[] } })[]
  readonly reprs: readonly (Run & { readonly text: string })[]
  readonly errors: readonly (Run & GoldenError)[]
}>('optimizers')
const { problem } = readGolden<{ readonly problem: Readonly<Record<'x' | 'y' | 'weight' | 'bias', GoldenTensor>> }>(
  'optim',
)
const [x, y] = [made(problem.x), made(problem.y)]

type Parts = Record<'weight' | 'bias', Tensor>
const start = (): Parts => ({ weight: made(problem.weight, true), bias: made(problem.bias, true) })
const construct = ({ optimizer, options, groups }: Run, parts: Parts): optim.Optimizer => {
  const params = groups?.map(({ params, ...own }) => ({ ...own, params: [parts[params]] })) ?? Object.values(parts)
  return new (optim[optimizer] as unknown as new (p: unknown, o: unknown) => optim.Optimizer)(params, options)
}
const train = (optimizer: optim.Optimizer, { weight, bias }: Parts, useBias = true): Tensor => {
  const loss = F.mseLoss(F.linear(x, weight, useBias ? bias : null), y)
  optimizer.zeroGrad()
  loss.backward()
  optimizer.step()
  return loss
}
const change = (optimizer: optim.Optimizer, { changes }: Run, k: number): void => {
  for (const group of optimizer.paramGroups) Object.assign(group, changes?.[k])
}
const near = (found: ArrayLike<number>, wanted: readonly number[]): void =>
  Array.from(found).forEach((value, i) => {
    if (!(Math.abs(value - wanted[i]) <= 1e-5 * Math.max(1, Math.abs(wanted[i]))))
      expect([...Array.from(found)]).toEqual(wanted)
  })
const values = (t: Tensor): number[] => Array.from(t.detach().toArray())
const title = ({ optimizer, options, groups, changes }: Run): string =>
  `${optimizer} ${JSON.stringify(options)}${groups ? ', groups' : ''}${changes ? ', changes' : ''}`

describe('ten steps of training as in PyTorch, and recorded', () => {
  for (const run of golden.trajectories)
    it(title(run), () => {
      const [parts, recorded] = [start(), start()]
      const [optimizer, other] = [construct(run, parts), construct(run, recorded)]
      const step = compile(() => train(other, recorded))
      run.losses.forEach((wanted, k) => {
        change(optimizer, run, k)
        change(other, run, k)
        near([train(optimizer, parts).item()], [wanted])
        near(values(parts.weight), run.weight[k])
        near(values(parts.bias), run.bias[k])
        step()
        expect([bitsOf(recorded.weight), bitsOf(recorded.bias)]).toEqual([bitsOf(parts.weight), bitsOf(parts.bias)])
      })
    })
})

describe('states', () => {
  const same = (found: unknown, wanted: unknown): void => {
    if (isGolden(wanted)) expectClose(found as Tensor, wanted, 2e-6)
    else if (Array.isArray(wanted) || wanted === null || typeof wanted !== 'object') expect(found).toEqual(wanted)
    else {
      expect(Object.keys(found as object).sort()).toEqual(Object.keys(wanted).sort())
      for (const [key, value] of Object.entries(wanted)) same((found as Options)[key], value)
    }
  }
  for (const run of golden.states) {
    it(`${run.optimizer} after three steps in which one parameter has a gradient`, () => {
      const parts = start()
      const optimizer = construct(run, parts)
      for (let k = 0; k < 3; k++) train(optimizer, parts, false)
      same(optimizer.stateDict().state, run.state.state)
      optimizer.stateDict().paramGroups.forEach((group, i) => void same(group, run.state.paramGroups[i]))
    })

    it(`${run.optimizer} continues from its own state and from PyTorch's`, () => {
      const parts = start()
      const optimizer = construct(run, parts)
      for (let k = 0; k < 3; k++) train(optimizer, parts, false)
      const [own, theirs] = [0, 1].map(() => ({ weight: deepCopy(parts.weight), bias: deepCopy(parts.bias) }))
      const [a, b] = [own, theirs].map((copy) => construct({ ...run, options: { lr: 5 } }, copy))
      a.loadStateDict(deepCopy(optimizer.stateDict()))
      const snake = (key: string): string => key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
      const renamed = (entries: Options): Options =>
        Object.fromEntries(Object.entries(entries).map(([k, v]) => [snake(k), isGolden(v) ? made(v) : v]))
      b.loadStateDict({
        state: Object.fromEntries(Object.entries(run.state.state).map(([n, entries]) => [n, renamed(entries)])),
        param_groups: run.state.paramGroups.map(renamed),
      })
      for (let k = 0; k < 3; k++) {
        train(optimizer, parts)
        train(a, own)
        train(b, theirs)
      }
      expect([bitsOf(own.weight), bitsOf(own.bias)]).toEqual([bitsOf(parts.weight), bitsOf(parts.bias)])
      near(values(theirs.weight), values(parts.weight))
      near(values(theirs.bias), values(parts.bias))
    })

    it(`${run.optimizer}: a state that does not fit is refused, and nothing has changed`, () => {
      const parts = start()
      const optimizer = construct(run, parts)
      train(optimizer, parts)
      const before = JSON.stringify(optimizer.stateDict())
      const saved = optimizer.stateDict()
      for (const name of Object.keys(saved.state[0])) {
        const { [name]: _, ...rest } = saved.state[0]
        expect(() => optimizer.loadStateDict({ ...saved, state: { ...saved.state, 0: rest } })).toThrow(
          name.split(/[A-Z]/)[0],
        )
        const wrong = { ...rest, [name]: zeros(7, 5) }
        expect(() => optimizer.loadStateDict({ ...saved, state: { ...saved.state, 0: wrong } }), name).toThrow()
      }
      expect(JSON.stringify(optimizer.stateDict())).toBe(before)
    })
  }
})

describe('texts, errors and options', () => {
  for (const run of golden.reprs)
    it(`prints ${run.optimizer}`, () => expect(String(construct(run, start()))).toBe(run.text))

  for (const { error, message, ...run } of golden.errors)
    it(`${title(run)} is refused, in a group and in a saved state, too`, () => {
      const parts = start()
      expectError(() => construct(run, parts), { error, message })
      expectError(() => construct({ ...run, options: {} }, parts).addParamGroup({ params: zeros(1), ...run.options }), {
        error,
        message,
      })
      const optimizer = construct({ ...run, options: {} }, parts)
      const saved = optimizer.stateDict()
      const groups = saved.paramGroups.map((group) => ({ ...group, ...run.options }))
      expectError(() => optimizer.loadStateDict({ ...saved, paramGroups: groups }), { error, message })
      expect(JSON.stringify(optimizer.stateDict())).toBe(JSON.stringify(saved))
    })

  it('in float64, and on an element whose gradient is zero', () => {
    for (const { optimizer: kind } of golden.reprs) {
      const p = tensor([1, -2, 3], { dtype: 'float64', requiresGrad: true })
      const options = kind === 'ASGD' ? { lr: 0.1, lambd: 0 } : { lr: 0.1 }
      const optimizer = construct({ optimizer: kind, options }, { weight: p } as Parts)
      for (let k = 0; k < 8; k++) {
        p.grad = noGrad(() => p.mul(tensor([1, 0, 1], { dtype: 'float64' })))
        optimizer.step()
      }
      expect([p.dtype, values(p)[1], values(p).every(Number.isFinite)]).toEqual(['float64', -2, true])
      expect(Math.abs(values(p)[2])).toBeLessThan(3)
    }
  })
})
