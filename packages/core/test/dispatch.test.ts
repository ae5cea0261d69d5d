// A limited backend: contiguous inputs, one output per instruction, no sorting and no scatter. Core must rewrite every
// instruction into that form, or run it elsewhere with a warning, and the numbers must not change.
import { js } from '@flambeau/backend-js'
import {
  cat,
  compile,
  F,
  grad,
  manualSeed,
  nn,
  noGrad,
  optim,
  randn,
  report,
  setFallback,
  setStrict,
  type Tensor,
  tensor,
  useDevice,
} from '@flambeau/core'
import { type Backend, type DType, type Instr, numelOf, type View } from '@flambeau/core/backend'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { update } from '../src/ops/write/update.ts'
import { Limited } from './limited.ts'

const limited = new Limited()

beforeAll(() => {
  useDevice(js())
  setFallback(js())
})
afterEach(() => {
  setStrict(false)
  useDevice(js())
})

const train = (): unknown => {
  manualSeed(3)
  const model = new nn.Sequential(new nn.Linear(6, 5), new nn.BatchNorm1d(5), new nn.Tanh(), new nn.Linear(5, 3))
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-2 })
  const x = randn(20, 6)
  const y = randn(20, 3).argmax(1)
  const losses: number[] = []
  for (let i = 0; i < 20; i++) {
    const logits = cat([
      (model.forward(x.t().t()) as Tensor).narrow(0, 0, 10),
      (model.forward(x) as Tensor).narrow(0, 10, 10),
    ])
    const loss = F.crossEntropy(logits, y)
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    losses.push(loss.item())
  }
  return { losses, weights: [...model.parameters()].map((p) => p.toNested()) }
}

test('training gives the same numbers, adapted and partly on the fallback, which is counted and warns once', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const expected = train()
  useDevice(limited)
  const before = limited.seen
  expect(train()).toEqual(expected)
  expect(limited.seen - before).toBeGreaterThan(500)
  const [values, indices] = tensor([3, 1, 2]).sort()
  expect([values.toNested(), indices.toNested()]).toEqual([
    [1, 2, 3],
    [1, 2, 0],
  ])
  tensor([3, 1, 2]).sort()
  expect(report()['limited sort']).toBe(2)
  expect(warn.mock.calls.filter(([text]) => String(text).includes('cannot run sort'))).toHaveLength(1)
  warn.mockRestore()
})

test('strict mode refuses the fallback, naming op and device', () => {
  useDevice(limited)
  const x = tensor([3, 1, 2])
  setStrict(true)
  expect(() => x.sort()).toThrow("device 'limited' cannot run sort (sort)")
  expect(x.add(1).toNested()).toEqual([4, 2, 3])
})

test('in-place writes through views work, too', () => {
  useDevice(limited)
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ])
  x.t().narrow(0, 1, 2).mul_(10)
  expect(x.toNested()).toEqual([
    [1, 20, 30],
    [4, 50, 60],
  ])
})

test('a kernel for a composition is used unless a gradient is needed for which it has no rule', () => {
  const kinds: string[] = []
  const inner = js()
  const backend: Backend = new Proxy(inner, {
    get(target, key) {
      if (key === 'caps') return { ...inner.caps, fused: new Set(['softmaxBackward']) }
      if (key === 'compile') return undefined
      const value: unknown = target[key as keyof Backend]
      if (key !== 'run') return typeof value === 'function' ? value.bind(target) : value
      return (instr: Instr) => {
        kinds.push(instr.kind)
        if ((instr.kind as string) !== 'softmaxBackward') return target.run(instr)
        // Twice the right result, so that its use is visible.
        const [dy, y] = (instr.inputs as View[]).map((x) => Array.from(target.readSync(x)))
        const sum = dy.reduce((total, g, i) => total + g * y[i], 0)
        const dx = Float32Array.from(dy, (g, i) => 2 * (g - sum) * y[i])
        target.write(instr.outputs[0], dx)
      }
    },
  })
  const gradients = (): number[][] => {
    const x = tensor([1, 2, 4]).requiresGrad_()
    const weights = tensor([1, 0, -1])
    const loss = () => x.softmax(0).mul(weights).sum()
    const step = compile(() => grad(loss(), x)[0])
    return [
      grad(loss(), x)[0],
      grad(loss(), x, { createGraph: true })[0].detach(),
      ...[1, 2, 3, 4].map(() => step()),
    ].map((g) => Array.from(g.toArray() as Float32Array))
  }
  const [expected] = gradients()
  useDevice(backend)
  const [first, again, ...compiled] = gradients()
  expect(again).toEqual(expected)
  for (const found of [first, ...compiled])
    for (const [i, g] of found.entries()) expect(g).toBeCloseTo(2 * expected[i], 6)
  expect(kinds.filter((kind) => kind === 'softmaxBackward').length).toBe(5)
  expect(kinds).not.toContain('softmax')
})

/** A backend with few dtypes and few elements. */
class Narrow extends Limited {
  override readonly caps = {
    ...js().caps,
    strided: true,
    dtypes: new Set<DType>(['float32', 'int32', 'bool']),
    maxElements: 8,
    multiOutput: false,
    certain: false,
  }
  readonly ran: string[] = []

  override supports(instr: Instr): boolean {
    const [{ dtype, sizes }] = instr.outputs
    if (dtype === 'float64' || numelOf(sizes) > 8) throw new Error(`was asked about ${dtype}[${sizes}]`)
    return true
  }

  override run(instr: Instr): void {
    this.ran.push(instr.origin.name)
    js().run(instr)
  }
}

test.each([
  ['a dtype that it lacks', (x: Tensor) => x.double().sub(0.1).float(), ['toCopy', 'sub', 'toCopy'], []],
  ['more elements than it makes', (x: Tensor) => x.unsqueeze(1).mul(x).sum(1), ['mul'], ['SumBackward1']],
])('a backend is not asked about %s: it runs elsewhere, visibly, eager and compiled', (_, step, elsewhere, here) => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  const values = [1, 2, 3, 4]
  const whole = (x: Tensor): Tensor => step(x).add(1)
  const expected = whole(tensor(values)).toNested()
  const narrow = new Narrow()
  useDevice(narrow)
  const x = tensor(values)
  const before = report()
  expect(whole(x).toNested()).toEqual(expected)
  expect(narrow.ran).toEqual([...here, 'add'])
  const counts = elsewhere.map(
    (name) => [`limited ${name}`, elsewhere.filter((other) => other === name).length] as const,
  )
  for (const [name, count] of counts) expect(report()[name]).toBe((before[name] ?? 0) + count)
  const compiled = compile(whole)
  for (let i = 0; i < 4; i++) expect(compiled(x).toNested()).toEqual(expected)
  setStrict(true)
  expect(() => step(x)).toThrow("device 'limited' cannot run")
})

/** A backend without copies, which throws if it gets one. */
class WithoutCopies extends Limited {
  override supports(instr: Instr): boolean {
    return super.supports(instr) && instr.origin.name !== 'copy'
  }
}

test('an update that swaps tensors reads all of them before it writes the first, on a backend of one output too', () => {
  const rotate = update('rotate', 3, (x, y, z) => [y, z, x])
  for (const backend of [js(), limited, new WithoutCopies()]) {
    useDevice(backend)
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    const tensors = [tensor([1, 2]), tensor([3, 4]), tensor([5, 6])]
    const step = compile(() => rotate(tensors, []))
    for (const run of [() => rotate(tensors, []), ...Array.from({ length: 5 }, () => step)]) {
      const before = tensors.map((x) => x.toNested())
      run()
      expect(tensors.map((x) => x.toNested())).toEqual([before[1], before[2], before[0]])
    }
  }
})

test('a copy goes through supports like any instruction: in eager, in a step that fails, in a replay', () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {})
  const without = new WithoutCopies()
  useDevice(without)
  const m = tensor([
    [1, 2],
    [3, 4],
  ])
  expect(m.t().add(1).toNested()).toEqual([
    [2, 4],
    [3, 5],
  ])
  expect(report()['limited copy']).toBeGreaterThan(0)
  const w = tensor([1, 2])
  const fails = { now: false }
  const step = compile((x: Tensor) => {
    noGrad(() => w.mul_(2))
    if (fails.now) throw new Error('mine')
    return x.add(w)
  })
  for (let i = 0; i < 5; i++) {
    fails.now = true
    if (i < 3) expect(() => step(m.t())).toThrow('mine')
    fails.now = false
    expect(w.toNested()).toEqual([2 ** i, 2 ** (i + 1)])
    step(m.t())
  }
  expect(step.repeat(3, { stack: true, args: [m] }).shape).toEqual([3, 2, 2])
})
