// Random training steps over the public API: maps, reductions, views, products, joins, index ops, writes in place and
// through views, draws, composites, changing state, gradients and an update. A step is data, so that it can shrink.
import {
  cat,
  cumsum,
  F,
  flip,
  gather,
  indexSelect,
  manualSeed,
  noGrad,
  optim,
  rand,
  randint,
  randLike,
  randn,
  scatterAdd,
  Slice,
  sort,
  stack,
  type Tensor,
  where,
  zeros,
} from '@flambeau/core'
import * as fc from 'fast-check'

/** An operation, and numbers that choose its operands, each taken modulo the number of candidates. */
type Line = readonly [what: number, a: number, b: number, c: number]

export interface DrawnStep {
  readonly rows: number
  readonly columns: number
  readonly lines: readonly Line[]
  /** The returned tensors, and the optimizer of the update. */
  readonly returned: readonly number[]
  readonly update: number
}

const choice = fc.nat({ max: 97 })
const size = fc.constantFrom(1, 2, 3, 5, 18)
export const drawnStep: fc.Arbitrary<DrawnStep> = fc.record({
  rows: size,
  columns: size,
  lines: fc.array(fc.tuple(choice, choice, choice, choice), { minLength: 1, maxLength: 12 }),
  returned: fc.array(choice, { maxLength: 3 }),
  update: choice,
})

export interface RandomStep {
  /** Parameters, and tensors that the step writes. */
  readonly state: readonly Tensor[]
  step(): readonly Tensor[]
}

interface World {
  readonly parameters: readonly Tensor[]
  readonly buffers: readonly Tensor[]
  readonly index: Tensor
  /** The tensors so far, inputs and parameters first. */
  readonly pool: Tensor[]
}

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]
const dimOf = (x: Tensor, n: number): number => n % x.shape.length
const elements = (x: Tensor): number => x.shape.reduce((a, b) => a * b, 1)

const broadcasts = (x: Tensor, y: Tensor): boolean =>
  y.shape.length <= x.shape.length &&
  y.shape.every((n, i) => n === 1 || n === x.shape[x.shape.length - y.shape.length + i])

/** A tensor of the pool that broadcasts to x. */
function partner({ pool }: World, x: Tensor, n: number): Tensor {
  const fitting = pool.filter((y) => broadcasts(x, y))
  return fitting.length === 0 ? x.mean() : pick(fitting, n)
}

const maps: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.tanh(),
  (x) => x.sigmoid(),
  (x) => x.abs().neg().exp(),
  (x) => x.relu(),
  (x) => x.square().add(1).log(),
  (x) => x.mul(0.5).add(1.5).sin(),
  (x) => x.double().mul(0.1).float(),
  (x) => x.gt(0).float(),
  (x) => x.clone(),
]
const pairs: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => y.sub(x),
  (x, y) => x.mul(y),
  (x, y) => x.maximum(y),
  (x, y) => x.div(y.abs().add(1)),
  (x, y) => where(x.gt(y), x, y),
]
const views: readonly ((x: Tensor, n: number) => Tensor)[] = [
  (x, n) => x.transpose(dimOf(x, n), dimOf(x, n + 1)),
  (x) => x.reshape(-1),
  (x, n) => x.unsqueeze(n % (x.shape.length + 1)),
  (x, n) => x.select(dimOf(x, n), x.shape[dimOf(x, n)] - 1),
  (x) => x.at(Slice(0, Math.ceil(x.shape[0] / 2))),
  (x, n) => flip(x, dimOf(x, n)),
  (x) => x.unsqueeze(0).expand(2, ...x.shape),
  (x) => x.at(Slice(null, null, 2)),
]
const composites: readonly ((x: Tensor, dim: number) => Tensor)[] = [
  (x, dim) => F.softmax(x, dim),
  (x, dim) => F.logSoftmax(x, dim),
  (x, dim) => cumsum(x, dim),
  (x, dim) => sort(x, dim).values,
  (x, dim) => x.sub(x.mean({ dim, keepdim: true })).div(x.square().mean({ dim, keepdim: true }).add(0.1).sqrt()),
  (x, dim) => x.div(x.amax({ dim, keepdim: true }).abs().add(1)),
]

function reduced(x: Tensor, axes: number, how: number): Tensor {
  const dim = x.shape.flatMap((_, d) => ((axes >> d) & 1 ? [d] : []))
  if (dim.length === 0) return x.sum()
  const options = { dim, keepdim: how % 2 === 1 }
  return pick([() => x.sum(options), () => x.mean(options), () => x.amax(options), () => x.amin(options)], how >> 1)()
}

/** Writes into a copy of x, mostly through its views. */
function written(world: World, x: Tensor, n: number, m: number): Tensor {
  const y = x.clone()
  const part = pick([y, y.select(dimOf(y, n), 0), y.transpose(0, -1), y.at(Slice(null, null, 2))], n)
  const other = partner(world, part, m)
  pick(
    [() => part.mul_(0.5), () => part.add_(other), () => part.copy_(other), () => part.tanh_(), () => y.zero_()],
    m,
  )()
  return y
}

/** Changes memory from before the step. */
function changeState(world: World, n: number, m: number): void {
  const { buffers, pool } = world
  const [a, b] = buffers
  const row = partner(world, a.select(0, 0), m)
  const like = partner(world, a, m)
  const changes: readonly (() => unknown)[] = [
    () => a.mul_(0.9),
    () => a.copy_(like),
    () => a.select(0, n % a.shape[0]).copy_(row),
    () => a.add_(b).mul_(0.5),
    () => a.at(Slice(null, null, 2)).sub_(row),
    () => {
      const old = a.clone()
      a.copy_(b)
      b.copy_(old)
    },
    () => b.copy_(a.flip(0)),
    () => a.copy_(randLike(a)),
    () => {
      pool.push(a.clone())
      a.add_(1)
    },
  ]
  noGrad(() => void pick(changes, n)())
}

const lines: readonly ((world: World, x: Tensor, n: number, m: number) => Tensor | void)[] = [
  (_, x, n) => pick(maps, n)(x),
  (_, x, n, m) => pick(maps, m)(pick(maps, n)(x)),
  (world, x, n, m) => pick(pairs, n)(x, partner(world, x, m)),
  (_, x, n, m) => reduced(x, n, m),
  (_, x, n, m) => pick(views, n)(x, m),
  (_, x, n, m) => (n % 2 === 0 ? x.matmul(x.transpose(-1, -2)) : x.transpose(-1, -2).matmul(pick(maps, m)(x))),
  (_, x, n, m) => (n % 2 === 0 ? cat([x, pick(maps, m)(x)], dimOf(x, n)) : stack([x, x.mul(2)], dimOf(x, m))),
  ({ index }, x, n) => indexSelect(x, dimOf(x, n), index.remainder(x.shape[dimOf(x, n)])),
  (_, x, n) => gather(x, dimOf(x, n), x.argmax(dimOf(x, n), { keepdim: true })),
  (_, x, n) =>
    scatterAdd(x, dimOf(x, n), x.argmin(dimOf(x, n), { keepdim: true }), x.amax({ dim: dimOf(x, n), keepdim: true })),
  (_, x, n, m) => pick(composites, n)(x, dimOf(x, m)),
  (_, x, n) => (n % 2 === 0 ? F.dropout(x, 0.4, true) : x.mul(rand(...x.shape))),
  written,
  (world, _, n, m) => changeState(world, n, m),
  ({ buffers }, _, n) => pick(buffers, n).clone(),
]

function updateOf(parameters: readonly Tensor[], n: number): () => void {
  const optimizers = [
    new optim.SGD(parameters, { lr: 0.1, momentum: 0.9 }),
    new optim.Adam(parameters, { lr: 0.01 }),
    new optim.SGD(parameters, { lr: 0.1, weightDecay: 0.01 }),
  ]
  const optimizer = optimizers[n % 4]
  if (optimizer !== undefined) return () => void optimizer.step()
  return () =>
    noGrad(() => {
      for (const p of parameters) if (p.grad !== null) p.sub_(p.grad.mul(0.1))
    })
}

/** Operations on at least two dimensions and at most a few hundred elements. */
const usable = (x: Tensor): boolean => x.shape.length > 1 && x.shape.length < 5 && elements(x) < 700 && elements(x) > 0

/**
 * The same generated lines as an iteration that is repeated: it reads the values that the previous iteration handed on
 * and the next row of a sequence, and later code reads the results of all iterations again, forwards and backwards.
 */
export function randomLoop({ rows, columns, lines: drawn, returned, update }: DrawnStep, turns: number): RandomStep {
  manualSeed(11)
  const parameters = [randn(rows, columns), randn(columns)].map((p) => p.requiresGrad_())
  const buffers = [randn(rows, columns), zeros(rows, columns)]
  const [first, sequence] = [randn(rows, columns), randn(turns, rows, columns)]
  const index = randint(0, 100, [4])
  const updateParameters = updateOf(parameters, update)
  const step = (): readonly Tensor[] => {
    for (const p of parameters) p.grad = null
    const handed = [first]
    for (let t = 0; t < turns; t++) {
      const h = handed[t]
      const world: World = { parameters, buffers, index, pool: [h, sequence.select(0, t), ...parameters] }
      for (const [what, a, n, m] of drawn.slice(0, 4)) {
        const made = pick(lines, what)(world, pick(world.pool.filter(usable), a), n, m)
        if (made !== undefined) world.pool.push(made)
      }
      const last = world.pool[world.pool.length - 1]
      const kept = h.mul(0.5).add(parameters[1])
      handed.push(broadcasts(h, last) ? kept.add(last.tanh()) : kept.sub(last.mean()).tanh())
    }
    let back = handed[turns]
    for (let t = turns - 1; t > 0; t--) back = back.mul(0.5).add(handed[t])
    const loss = back.square().mean()
    loss.backward()
    updateParameters()
    const gradients = parameters.flatMap(({ grad }) => (grad === null ? [] : [grad]))
    return [loss.detach(), ...gradients, ...returned.map((n) => pick(handed, n).detach())]
  }
  return { state: [...parameters, ...buffers], step }
}

/** A new world for a generated step, with the step in it. */
export function randomStep({ rows, columns, lines: drawn, returned, update }: DrawnStep): RandomStep {
  manualSeed(11)
  const parameters = [randn(rows, columns), randn(columns)].map((p) => p.requiresGrad_())
  const buffers = [randn(rows, columns), zeros(rows, columns)]
  const inputs = [randn(rows, columns), randn(rows, 1)]
  const index = randint(0, 100, [4])
  const updateParameters = updateOf(parameters, update)
  const step = (): readonly Tensor[] => {
    const world: World = { parameters, buffers, index, pool: [...inputs, ...parameters] }
    const { pool } = world
    for (const p of parameters) p.grad = null
    for (const [what, a, n, m] of drawn) {
      const made = pick(lines, what)(world, pick(pool.filter(usable), a), n, m)
      if (made !== undefined) pool.push(made)
    }
    const loss = pool
      .slice(3)
      .map((x) => x.mean())
      .reduce((x, y) => x.add(y))
    const old = parameters[0].clone()
    loss.backward()
    updateParameters()
    const gradients = parameters.flatMap(({ grad }) => (grad === null ? [] : [grad]))
    const all = [...pool, ...buffers, old, ...parameters.map((p) => p.detach())]
    return [loss.detach(), ...gradients, ...returned.map((n) => pick(all, n).detach())]
  }
  return { state: [...parameters, ...buffers], step }
}
