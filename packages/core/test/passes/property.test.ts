// Random steps: compiled with all passes, they give the bits of eager.
import { js } from '@flambeau/backend-js'
import {
  cat,
  compile,
  manualSeed,
  maximum,
  noGrad,
  rand,
  randn,
  type Tensor,
  tensor,
  useDevice,
  where,
} from '@flambeau/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

useDevice(js())

/** Makes a tensor from others; three numbers choose how. */
type Operation = (x: Tensor, y: Tensor, a: number, b: number) => Tensor

const dimOf = (x: Tensor, n: number): number => n % Math.max(1, x.dim())
const broadcasts = (x: Tensor, y: Tensor): boolean =>
  [1, 2, 3].every((i) => {
    const [m, n] = [x.shape.at(-i) ?? 1, y.shape.at(-i) ?? 1]
    return m === n || m === 1 || n === 1
  })
const pair =
  (fn: (x: Tensor, y: Tensor) => Tensor): Operation =>
  (x, y) =>
    broadcasts(x, y) ? fn(x, y) : fn(x, x.mean())
const some =
  (fn: (x: Tensor, dim: number, keepdim: boolean) => Tensor): Operation =>
  (x, _, a, b) =>
    x.dim() === 0 ? x.exp() : fn(x, dimOf(x, a), b % 2 === 0)

const operations: readonly Operation[] = [
  (x) => x.neg(),
  (x) => x.sigmoid(),
  (x) => x.mul(0.1).tanh(),
  (x) => x.relu(),
  (x, _, a) => x.mul(a - 2),
  (x) => x.abs().add(1).sqrt(),
  (x) => x.clone(),
  (x) => x.int().float().sub(x),
  pair((x, y) => x.add(y)),
  pair((x, y) => x.mul(y)),
  pair((x, y) => x.sub(y)),
  pair((x, y) => maximum(x, y)),
  pair((x, y) => where(x.gt(y), x, y.neg())),
  some((x, dim, keepdim) => x.sum({ dim, keepdim })),
  some((x, dim, keepdim) => x.mean({ dim, keepdim })),
  some((x, dim, keepdim) => x.amax({ dim, keepdim })),
  some((x, dim) => x.softmax(dim)),
  some((x, dim) => x.transpose(0, dim)),
  some((x, dim) => x.narrow(dim, x.shape[dim] - 1, 1)),
  some((x, dim) => x.flip([dim])),
  some((x, dim) => cat([x, x.neg()], dim)),
  (x) => x.sum(),
  (x) => x.reshape(-1),
  (x) => x.unsqueeze(0).expand(2, ...x.shape),
  (x) => x.reshape(1, -1),
  (x) => x.reshape(-1, 1),
  (x, y) => x.reshape(-1, 1).matmul(y.reshape(1, -1)).mul(0.1),
  (x) => (x.dim() === 2 ? x.matmul(x.t()).relu() : x),
  (x) => x.add(rand(...x.shape)),
]

const step = fc.tuple(fc.nat(operations.length - 1), fc.nat(60), fc.nat(60), fc.nat(5), fc.nat(5))
const programs = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 14 }),
  results: fc.array(fc.nat(60), { minLength: 1, maxLength: 3 }),
  learns: fc.boolean(),
})

/** Every element that four calls of a step return and leave. */
function run({ steps, results, learns }: typeof programs extends fc.Arbitrary<infer T> ? T : never, compiled: boolean) {
  manualSeed(3)
  const parameters = [randn(2, 3), randn(3), tensor(0.5), randn(2, 1, 3)].map((x) => x.requiresGrad_())
  const body = (): readonly Tensor[] => {
    const made: Tensor[] = [...parameters]
    const pick = (n: number): Tensor => made[made.length - 1 - (n % made.length)]
    for (const [op, x, y, a, b] of steps) {
      const next = operations[op](pick(x), pick(y), a, b)
      if (next.numel() <= 64) made.push(next)
    }
    const found = results.map(pick)
    if (learns) {
      for (const p of parameters) p.grad = null
      let loss = found[0].mean()
      for (const x of found) loss = loss.add(x.sum())
      loss.backward()
      noGrad(() => {
        for (const p of parameters) if (p.grad !== null) p.sub_(p.grad.mul(0.01))
      })
    }
    return found
  }
  const call = compiled ? compile(body) : body
  const seen: Tensor[] = []
  for (let i = 0; i < 4; i++) seen.push(...call())
  for (const p of parameters) seen.push(p, ...(p.grad === null ? [] : [p.grad]))
  return seen.map((x) => [x.shape, [...x.detach().toArray()]])
}

test('a compiled step of random operations equals eager bit for bit', () => {
  fc.assert(
    fc.property(programs, (program) => {
      expect(run(program, true)).toEqual(run(program, false))
    }),
    { numRuns: 300 },
  )
})
