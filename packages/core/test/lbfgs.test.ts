// L-BFGS as in real PyTorch (tools/golden/lbfgs.py): losses, parameters, calls of the closure and states; what it refuses;
// and that it changes nothing where the closure fails.
import { js } from '@flambeau/backend-js'
import { compile, deepCopy, F, optim, scope, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'
import {
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
interface Run {
  readonly problem: 'line' | 'valley'
  readonly options: Options
}
const golden = readGolden<{
  readonly runs: readonly (Run & {
    readonly losses: readonly number[]
    readonly params: readonly (readonly number[])[]
    readonly evals: readonly number[]
    readonly state?: Options
  })[]
  readonly repr: string
  readonly errors: Readonly<Record<string, GoldenError>>
}>('lbfgs')
const { problem: line } = readGolden<{
  readonly problem: Readonly<Record<'x' | 'y' | 'weight' | 'bias', GoldenTensor>>
}>('optim')
const [x, y] = [made(line.x), made(line.y)]

interface Start {
  readonly params: Tensor[]
  readonly loss: () => Tensor
}
function start(problem: Run['problem']): Start {
  if (problem === 'line') {
    const params = [made(line.weight, true), made(line.bias, true)]
    return { params, loss: () => F.mseLoss(F.linear(x, params[0], params[1]), y) }
  }
  const params = [-1.5, 2].map((v) => tensor(v, { dtype: 'float64', requiresGrad: true }))
  const [a, b] = params
  return { params, loss: () => a.neg().add(1).square().add(b.sub(a.square()).square().mul(100)) }
}

interface Training {
  readonly optimizer: optim.LBFGS
  readonly params: Tensor[]
  readonly step: () => number
  calls: number
}
function training({ problem, options }: Run): Training {
  const { params, loss } = start(problem)
  const optimizer = new optim.LBFGS(params, options)
  const own: Training = {
    optimizer,
    params,
    calls: 0,
    step: () =>
      optimizer
        .step(() => {
          own.calls++
          optimizer.zeroGrad()
          const value = loss()
          value.backward()
          return value
        })
        .item(),
  }
  return own
}
const values = (params: readonly Tensor[]): number[] => params.flatMap((p) => Array.from(p.detach().toArray()))
const near = (found: readonly number[], wanted: readonly number[]): void =>
  wanted.forEach((value, i) => {
    if (!(Math.abs(found[i] - value) <= 1e-3 * Math.max(1, Math.abs(value)))) expect(found).toEqual(wanted)
  })
const names: Readonly<Record<string, string>> = { H_diag: 'HDiag' }
const camel = (key: string): string => names[key] ?? key.replace(/_(.)/g, (_, c: string) => c.toUpperCase())

describe('four steps as in PyTorch', () => {
  for (const { losses, params, evals, state, ...run } of golden.runs)
    it(`${run.problem} ${JSON.stringify(run.options)}`, () => {
      const own = training(run)
      losses.forEach((loss, k) => {
        near([own.step()], [loss])
        near(values(own.params), params[k])
        expect(own.calls).toBe(evals[k])
        if (k !== 1 || state === undefined) return
        const saved = own.optimizer.stateDict().state[0]
        expect(Object.keys(saved).sort()).toEqual(Object.keys(state).map(camel).sort())
        for (const [key, wanted] of Object.entries(state)) {
          const [found, all] = [saved[camel(key)], wanted]
          if (isGolden(all)) expectClose(found as Tensor, all, 1e-3, key)
          else if (typeof all === 'number') near([found as number], [all])
          else
            (all as (GoldenTensor | number)[]).forEach((one, i) => {
              const own = (found as (Tensor | number)[])[i]
              if (isGolden(one)) expectClose(own as Tensor, one, 1e-3, key)
              else near([own as number], [one])
            })
        }
      })
    })
})

it('continues from its own state, from PyTorch’s, and in another dtype', () => {
  for (const run of golden.runs.filter(({ state }) => state !== undefined)) {
    const made_ = (value: unknown): unknown =>
      isGolden(value) ? made(value) : Array.isArray(value) ? value.map(made_) : value
    const first = training(run)
    for (let k = 0; k < 2; k++) first.step()
    const saved = deepCopy(first.optimizer.stateDict())
    const theirs = Object.fromEntries(Object.entries(run.state as Options).map(([key, value]) => [key, made_(value)]))
    for (const state of [saved, { state: { 0: theirs }, param_groups: saved.paramGroups }]) {
      const other = training(run)
      other.params.forEach((p, i) => void (p.data = first.params[i].detach().clone()))
      other.optimizer.loadStateDict(state)
      other.optimizer.to('float64')
      if (run.problem === 'line') continue
      for (let k = 2; k < 4; k++) near([other.step()], [run.losses[k]])
      near(values(other.params), run.params[3])
    }
  }
})

it('prints as in PyTorch, and refuses what it cannot do', () => {
  const { params } = start('line')
  const optimizer = new optim.LBFGS(params)
  expect(String(optimizer)).toBe(golden.repr)
  expectError(() => new optim.LBFGS(params.map((p) => ({ params: p }))), golden.errors['several groups'])
  expectError(() => optimizer.step(), golden.errors['no closure'])
  expectError(() => optimizer.step(() => null), golden.errors['no loss'])
  expect(() => new optim.LBFGS(params, { lineSearchFn: 'wolfe' as never })).toThrow("only 'strong_wolfe' is supported")
  expect(() => new optim.LBFGS(params, { historySize: 0 })).toThrow('Invalid history_size: 0')
  const own = training({ problem: 'line', options: {} })
  expect(() => compile(() => void own.step())()).toThrow(/^LBFGS\.step\(\), which reads the loss, .*compile/s)
})

it('leaves parameters and state as they were where the closure fails, and a state that does not fit', () => {
  const run: Run = { problem: 'valley', options: { lineSearchFn: 'strong_wolfe', maxIter: 4 } }
  const own = training(run)
  own.step()
  const before = [values(own.params), JSON.stringify(own.optimizer.stateDict())]
  let calls = 0
  const failing = (): number => {
    if (++calls === 3) throw new Error('mine')
    own.params.forEach((p) => void (p.grad = tensor(1, { dtype: 'float64' })))
    return 1 - calls
  }
  expect(() => own.optimizer.step(failing)).toThrow('mine')
  const saved = own.optimizer.stateDict()
  for (const [name, wrong] of [
    ['d', tensor([1, 2, 3])],
    ['d', 1],
    ['oldDirs', tensor([1])],
    ['oldStps', [1]],
    ['ro', ['x']],
    ['t', 'x'],
    ['prevFlatGrad', undefined],
    ['prevLoss', undefined],
    ['nIter', null],
  ] as const) {
    const state = { 0: { ...saved.state[0], [name]: wrong } }
    expect(() => own.optimizer.loadStateDict({ ...saved, state }), name).toThrow()
  }
  expect([values(own.params), JSON.stringify(own.optimizer.stateDict())]).toEqual(before)
})

it('its state outlives a scope', () => {
  const [inside, outside] = [0, 1].map(() => training({ problem: 'line', options: { maxIter: 3 } }))
  for (let k = 0; k < 3; k++) expect(scope(() => inside.step())).toBe(outside.step())
})
