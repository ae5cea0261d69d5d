// Random programs of operations, views and writes in place: values compared with plain numbers in shared arrays,
// gradients with finite differences of those, second gradients with finite differences of gradients.
import { js } from '@flambeau/backend-js'
import { grad, matmul, type Tensor, tensor, useDevice } from '@flambeau/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

useDevice(js())

/** A tensor of the reference: positions in an array that views share. */
interface Plain {
  readonly data: number[]
  readonly at: readonly number[]
  readonly shape: readonly number[]
}
const count = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const read = ({ data, at }: Plain): number[] => at.map((i) => data[i])
const made = (shape: readonly number[], data: number[]): Plain => ({ data, at: data.map((_, i) => i), shape })
const write = (x: Plain, values: readonly number[]): void => x.at.forEach((i, k) => void (x.data[i] = values[k]))
/** Positions in `shape` of every element of a larger shape that it broadcasts to. */
const spread = (shape: readonly number[], to: readonly number[]): number[] =>
  indices(to).map((index) =>
    shape.reduce((at, n, d) => at * n + (n === 1 ? 0 : index[index.length - shape.length + d]), 0),
  )
const indices = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>((all, n) => all.flatMap((head) => Array.from({ length: n }, (_, i) => [...head, i])), [[]])
const broadcast = (a: readonly number[], b: readonly number[]): number[] | null => {
  const out = Array.from({ length: Math.max(a.length, b.length) }, (_, i, n = Math.max(a.length, b.length)) => {
    const [x, y] = [a[i - n + a.length] ?? 1, b[i - n + b.length] ?? 1]
    return x === y || y === 1 ? x : x === 1 ? y : -1
  })
  return out.includes(-1) ? null : out
}
/** The same elements in another shape, given by a function that lists their positions. */
const view = (x: Plain, shape: readonly number[], from: (index: number[]) => number[]): Plain => ({
  data: x.data,
  at: indices(shape).map((index) => x.at[from(index).reduce((at, i, d) => at * x.shape[d] + i, 0)]),
  shape,
})
const writable = (x: Plain): boolean => new Set(x.at).size === x.at.length
const isRowMajor = (x: Plain): boolean => x.at.every((i, k) => k === 0 || i === x.at[k - 1] + 1)

interface Step {
  readonly op: number
  readonly a: number
  readonly b: number
  readonly n: number
}
/** The effect of a step on tensors and on plain ones; null if it does not accept these operands. */
type Move = { tensor(): Tensor; plain(): Plain } | null
type Operation = (x: Tensor, y: Tensor, p: Plain, q: Plain, n: number) => Move

const each =
  (lib: (x: Tensor) => Tensor, fn: (x: number) => number): Operation =>
  (x, _, p) => ({ tensor: () => lib(x), plain: () => made(p.shape, read(p).map(fn)) })

const both =
  (lib: (x: Tensor, y: Tensor) => Tensor, fn: (x: number, y: number) => number): Operation =>
  (x, y, p, q) => {
    const shape = broadcast(p.shape, q.shape)
    if (shape === null || count(shape) > 64) return null
    const plain = (): Plain => {
      const [v, w] = [read(p), read(q)]
      const [i, j] = [spread(p.shape, shape), spread(q.shape, shape)]
      return made(
        shape,
        i.map((at, k) => fn(v[at], w[j[k]])),
      )
    }
    return { tensor: () => lib(x, y), plain }
  }

const inPlace =
  (lib: (x: Tensor, y: Tensor) => Tensor, fn: (x: number, y: number) => number): Operation =>
  (x, y, p, q) => {
    if (!writable(p) || broadcast(p.shape, q.shape)?.join() !== p.shape.join()) return null
    const plain = (): Plain => {
      const [v, w] = [read(p), read(q)]
      const j = spread(q.shape, p.shape)
      write(
        p,
        v.map((value, k) => fn(value, w[j[k]])),
      )
      return p
    }
    return { tensor: () => lib(x, y), plain }
  }

/** A result along one dimension: `fn` gets the lines of elements. */
const along =
  (lib: (x: Tensor, dim: number) => Tensor, keeps: boolean, fn: (line: number[]) => number[]): Operation =>
  (x, _, p, __, n) => {
    if (p.shape.length === 0) return null
    const dim = n % p.shape.length
    const shape = keeps ? p.shape : p.shape.filter((_, d) => d !== dim)
    const plain = (): Plain => {
      const v = read(p)
      const position = (index: readonly number[]): number => index.reduce((at, i, d) => at * p.shape[d] + i, 0)
      const out = indices(shape).map((index) => {
        const line = Array.from({ length: p.shape[dim] }, (_, i) => {
          const head = index.slice(0, dim)
          return v[position([...head, i, ...index.slice(keeps ? dim + 1 : dim)])]
        })
        return fn(line)[keeps ? index[dim] : 0]
      })
      return made(shape, out)
    }
    return { tensor: () => lib(x, dim), plain }
  }

const total = (line: readonly number[]): number => line.reduce((a, b) => a + b, 0)
const rank =
  (r: number, operation: Operation): Operation =>
  (x, y, p, q, n) =>
    p.shape.length < r ? null : operation(x, y, p, q, n)

const operations: Record<string, Operation> = {
  sin: each((x) => x.sin(), Math.sin),
  tanh: each((x) => x.tanh(), Math.tanh),
  sigmoid: each(
    (x) => x.sigmoid(),
    (x) => 1 / (1 + Math.exp(-x)),
  ),
  expOfTanh: each(
    (x) => x.tanh().exp(),
    (x) => Math.exp(Math.tanh(x)),
  ),
  neg: each(
    (x) => x.neg(),
    (x) => -x,
  ),
  half: each(
    (x) => x.div(2),
    (x) => x / 2,
  ),
  log: each(
    (x) => x.square().add(1).log(),
    (x) => Math.log(x * x + 1),
  ),
  root: each(
    (x) => x.square().add(0.5).sqrt(),
    (x) => Math.sqrt(x * x + 0.5),
  ),
  clone: each(
    (x) => x.clone(),
    (x) => x,
  ),
  add: both(
    (x, y) => x.add(y),
    (x, y) => x + y,
  ),
  sub: both(
    (x, y) => x.sub(y, { alpha: 0.5 }),
    (x, y) => x - 0.5 * y,
  ),
  mul: both(
    (x, y) => x.mul(y),
    (x, y) => x * y,
  ),
  div: both(
    (x, y) => x.div(y.square().add(1)),
    (x, y) => x / (y * y + 1),
  ),
  t: rank(2, (x, _, p) => {
    if (p.shape.length !== 2) return null
    return { tensor: () => x.t(), plain: () => view(p, [p.shape[1], p.shape[0]], ([i, j]) => [j, i]) }
  }),
  permute: rank(1, (x, _, p) => {
    const dims = p.shape.map((_, d) => d).reverse()
    return {
      tensor: () => x.permute(dims),
      plain: () =>
        view(
          p,
          dims.map((d) => p.shape[d]),
          (index) => [...index].reverse(),
        ),
    }
  }),
  select: rank(1, (x, _, p, __, n) => {
    const dim = n % p.shape.length
    const at = (n >> 3) % p.shape[dim]
    const shape = p.shape.filter((_, d) => d !== dim)
    const plain = (): Plain => view(p, shape, (index) => [...index.slice(0, dim), at, ...index.slice(dim)])
    return { tensor: () => x.select(dim, at), plain }
  }),
  narrow: rank(1, (x, _, p, __, n) => {
    const dim = n % p.shape.length
    const start = (n >> 3) % p.shape[dim]
    const length = ((n >> 6) % (p.shape[dim] - start)) + 1
    const plain = (): Plain =>
      view(
        p,
        p.shape.map((size, d) => (d === dim ? length : size)),
        (index) => index.map((i, d) => (d === dim ? i + start : i)),
      )
    return { tensor: () => x.narrow(dim, start, length), plain }
  }),
  everySecond: rank(1, (x, _, p, __, n) => {
    const dim = n % p.shape.length
    const shape = p.shape.map((size, d) => (d === dim ? Math.ceil(size / 2) : size))
    const plain = (): Plain => view(p, shape, (index) => index.map((i, d) => (d === dim ? 2 * i : i)))
    return { tensor: () => x.slice(dim, null, null, 2), plain }
  }),
  unsqueeze: (x, _, p, __, n) => {
    if (p.shape.length > 2) return null
    const dim = n % (p.shape.length + 1)
    const shape = [...p.shape.slice(0, dim), 1, ...p.shape.slice(dim)]
    return { tensor: () => x.unsqueeze(dim), plain: () => ({ ...p, shape }) }
  },
  flatten: (x, _, p) => {
    // A copy is allowed for a tensor that is not row-major; here only certain views count.
    if (p.shape.length < 2 || !isRowMajor(p)) return null
    return { tensor: () => x.view(-1), plain: () => ({ ...p, shape: [p.at.length] }) }
  },
  expand: (x, _, p) => {
    if (p.shape.length > 2 || p.at.length > 12) return null
    const shape = [2, ...p.shape]
    return { tensor: () => x.expand(shape), plain: () => view(p, shape, (index) => index.slice(1)) }
  },
  flip: rank(1, (x, _, p, __, n) => {
    const dim = n % p.shape.length
    const flipped = (): Plain => view(p, p.shape, (index) => index.map((i, d) => (d === dim ? p.shape[d] - 1 - i : i)))
    return { tensor: () => x.flip(dim), plain: () => made(p.shape, read(flipped())) }
  }),
  sum: along(
    (x, dim) => x.sum(dim),
    false,
    (line) => [total(line)],
  ),
  mean: along(
    (x, dim) => x.mean(dim),
    false,
    (line) => [total(line) / line.length],
  ),
  logsumexp: along(
    (x, dim) => x.logsumexp(dim),
    false,
    (line) => [Math.log(total(line.map(Math.exp)))],
  ),
  softmax: along(
    (x, dim) => x.softmax(dim),
    true,
    (line) => line.map((x) => Math.exp(x) / total(line.map(Math.exp))),
  ),
  cumsum: along(
    (x, dim) => x.cumsum(dim),
    true,
    (line) => line.map((_, i) => total(line.slice(0, i + 1))),
  ),
  matmul: (x, _, p) => {
    if (p.shape.length !== 2) return null
    const [m, k] = p.shape
    const plain = (): Plain => {
      const v = read(p)
      return made(
        [m, m],
        indices([m, m]).map(([i, j]) => total(Array.from({ length: k }, (_, l) => v[i * k + l] * v[j * k + l]))),
      )
    }
    return { tensor: () => matmul(x, x.t()), plain }
  },
  add_: inPlace(
    (x, y) => x.add_(y),
    (x, y) => x + y,
  ),
  mul_: inPlace(
    (x, y) => x.mul_(y),
    (x, y) => x * y,
  ),
  copy_: inPlace(
    (x, y) => x.copy_(y),
    (_, y) => y,
  ),
  sub_: inPlace(
    (x, y) => x.sub_(y),
    (x, y) => x - y,
  ),
  sin_: inPlace((x) => x.sin_(), Math.sin),
  tanh_: inPlace((x) => x.tanh_(), Math.tanh),
  scale_: inPlace(
    (x) => x.mul_(0.7),
    (x) => x * 0.7,
  ),
  fill_: inPlace(
    (x) => x.fill_(0.3),
    () => 0.3,
  ),
}
const names = Object.keys(operations)

const shapes = [[2, 3], [3], []]
const starts = [[0.3, -0.7, 1.1, 0.9, -0.2, 0.5], [0.4, -1.2, 0.8], [0.6]]
const weight = (i: number): number => Math.cos(i + 1)

/** Runs a program on both sides, or only on the plain one. */
function perform(steps: readonly Step[], start: readonly (readonly number[])[], leaves: readonly Tensor[] | null) {
  const tensors = leaves?.map((x) => x.mul(1)) ?? []
  const plains = start.map((values, i) => made(shapes[i], [...values]))
  const trace: string[] = []
  for (const { op, a, b, n } of steps) {
    const [i, j] = [a % plains.length, b % plains.length]
    const move = operations[names[op]](tensors[i], tensors[j], plains[i], plains[j], n)
    if (move === null) continue
    trace.push(`${names[op]}(${i}, ${j}, ${n})`)
    if (leaves !== null) tensors.push(move.tensor())
    plains.push(move.plain())
  }
  return { tensors, plains, trace }
}

/** A weighted sum of every element of every tensor that the program made. */
const lossOf = (tensors: readonly Tensor[]): Tensor =>
  tensors
    .map((x) => {
      const weights = Array.from({ length: x.numel() }, (_, i) => weight(i))
      return x.mul(tensor(weights, { dtype: 'float64' }).view(x.shape as number[])).sum()
    })
    .reduce((a, b) => a.add(b))
const plainLoss = (plains: readonly Plain[]): number =>
  total(plains.map((x) => total(read(x).map((v, i) => v * weight(i)))))

const makeLeaves = (start: readonly (readonly number[])[]): Tensor[] =>
  start.map((values, i) =>
    tensor([...values], { dtype: 'float64' })
      .view(shapes[i])
      .detach()
      .requiresGrad_(),
  )

const steps = fc.array(fc.record({ op: fc.nat(names.length - 1), a: fc.nat(999), b: fc.nat(999), n: fc.nat(999) }), {
  minLength: 5,
  maxLength: 30,
})
const elements = (x: Tensor): number[] => Array.from(x.detach().toArray())
const refused = (error: unknown): boolean => (error as Error).message.includes('modified by an inplace operation')
const moved = (by: number, which: number, at: number): number[][] =>
  starts.map((values, i) => values.map((v, k) => (i === which && k === at ? v + by : v)))
const moderate = (values: readonly number[]): boolean => values.every((x) => Math.abs(x) < 1e4)
const near = (actual: number, expected: number, scale: number): boolean =>
  Math.abs(actual - expected) <= 1e-6 * Math.max(1, scale) + 1e-4 * Math.abs(expected)

describe('random programs', () => {
  it('give the values of plain numbers in shared arrays, and gradients that agree with finite differences', () => {
    let compared = 0
    let runs = 0
    fc.assert(
      fc.property(steps, (program) => {
        runs++
        const leaves = makeLeaves(starts)
        const { tensors, plains, trace } = perform(program, starts, leaves)
        const text = trace.join(', ')
        if (!moderate(plains.flatMap(read))) return
        tensors.forEach((x, i) => {
          const wanted = read(plains[i])
          expect([...x.shape], text).toEqual([...plains[i].shape])
          elements(x).forEach((v, k) => void expect(near(v, wanted[k], 1), `${text}: value ${k} of ${i}`).toBe(true))
        })
        try {
          lossOf(tensors).backward()
        } catch (error) {
          // A value that a rule needed was overwritten, which PyTorch refuses, too.
          expect(refused(error), String(error)).toBe(true)
          return
        }
        const h = 1e-5
        leaves.forEach((leaf, which) => {
          const found = leaf.grad === null ? starts[which].map(() => 0) : elements(leaf.grad)
          found.forEach((g, at) => {
            const [high, low] = [h, -h].map((by) => plainLoss(perform(program, moved(by, which, at), null).plains))
            const slope = (high - low) / (2 * h)
            const scale = Math.max(Math.abs(high), Math.abs(slope))
            expect(near(g, slope, scale * 10), `${text}: gradient ${at} of leaf ${which}, ${g} but ${slope}`).toBe(true)
          })
        })
        compared++
      }),
      { numRuns: 250, seed: 1 },
    )
    // Most programs obey the rules of in-place writes, so that this test compares something.
    expect(compared / runs).toBeGreaterThan(0.4)
  })

  it('give second gradients that agree with finite differences', () => {
    let compared = 0
    const direction = starts.map((values, i) => values.map((_, k) => Math.sin(3 * i + k + 1)))
    const gradients = (program: readonly Step[], by: number): { leaves: Tensor[]; found: Tensor[] } => {
      const start = starts.map((values, i) => values.map((v, k) => v + by * direction[i][k]))
      const leaves = makeLeaves(start)
      const loss = lossOf(perform(program, start, leaves).tensors)
      return { leaves, found: grad(loss, leaves, { createGraph: true }) }
    }
    fc.assert(
      fc.property(steps, (program) => {
        let result: { leaves: Tensor[]; found: Tensor[] }
        let second: (Tensor | null)[]
        try {
          result = gradients(program, 0)
          const along = result.found
            .map((g, i) => g.mul(tensor(direction[i], { dtype: 'float64' }).view(shapes[i])).sum())
            .reduce((a, b) => a.add(b))
          second = along.requiresGrad ? grad(along, result.leaves, { allowUnused: true }) : shapes.map(() => null)
        } catch (error) {
          expect(refused(error), String(error)).toBe(true)
          return
        }
        const h = 1e-5
        const [high, low] = [h, -h].map((by) => gradients(program, by).found.map(elements))
        if (!moderate(high.flat())) return
        second.forEach((g, i) => {
          const values = g === null ? starts[i].map(() => 0) : elements(g)
          values.forEach((v, k) => {
            const slope = (high[i][k] - low[i][k]) / (2 * h)
            const scale = Math.max(Math.abs(high[i][k]), Math.abs(slope)) * 10
            expect(near(v, slope, scale), `${JSON.stringify(program)}: ${v} but ${slope}`).toBe(true)
          })
        })
        compared++
      }),
      { numRuns: 60, seed: 2 },
    )
    expect(compared).toBeGreaterThan(20)
  })
})
