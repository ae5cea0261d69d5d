// Steps with loops for the tests of repetitions on several backends: their results and state, and how many repetitions
// of how many iterations compile finds in them.
import {
  compile,
  F,
  manualSeed,
  noGrad,
  optim,
  randint,
  randn,
  stack,
  type Tensor,
  tensor,
  zeros,
} from '@flambeau/core'

export interface Loop {
  readonly step: () => readonly Tensor[]
  readonly state?: readonly Tensor[]
}

/** `turns` of each repetition, in order; `sums`: the result depends on the order of sums, or on contractions. */
export interface LoopCase {
  readonly make: () => Loop
  readonly turns: readonly number[]
  readonly sums?: true
}

const leaf = (...sizes: number[]): Tensor =>
  randn(...sizes)
    .mul(0.3)
    .requiresGrad_()

function lstm(turns: number): Loop {
  const parameters = [leaf(3, 20), leaf(5, 20), leaf(20)]
  const [w, u, b] = parameters
  const x = randn(turns, 2, 3)
  const optimizer = new optim.SGD(parameters, { lr: 0.01, momentum: 0.9 })
  const step = () => {
    let [h, c] = [zeros(2, 5), zeros(2, 5)]
    for (let t = 0; t < turns; t++) {
      const gates = x.select(0, t).matmul(w).add(h.matmul(u)).add(b)
      const [i, f, o, z] = gates.chunk(4, 1)
      c = f.sigmoid().mul(c).add(i.sigmoid().mul(z.tanh()))
      h = o.sigmoid().mul(c.tanh())
    }
    const loss = h.square().mean()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return [loss, h.detach()]
  }
  return { step, state: parameters }
}

/** A recurrent net that stacks all its outputs, as for a sequence. */
function outputs(turns: number): Loop {
  const parameters = [leaf(3, 5), leaf(5, 5)]
  const [w, u] = parameters
  const [x, y] = [randn(turns, 2, 3), randn(turns, 2, 5)]
  const step = () => {
    let h = zeros(2, 5)
    const all: Tensor[] = []
    for (let t = 0; t < turns; t++) {
      h = x.select(0, t).matmul(w).add(h.matmul(u)).tanh()
      all.push(h)
    }
    for (const p of parameters) p.grad = null
    const loss = F.mseLoss(stack(all), y)
    loss.backward()
    return [loss, ...parameters.map(({ grad }) => grad as unknown as Tensor)]
  }
  return { step }
}

/** Consecutive training steps, each with its own counters, schedules and numbers. */
function updates(turns: number, make: (parameters: readonly Tensor[]) => optim.Optimizer): Loop {
  const parameters = [leaf(4, 3), leaf(3)]
  const [x, y] = [randn(6, 4), randn(6, 3)]
  const optimizer = make(parameters)
  const step = () => {
    let loss = zeros([])
    for (let t = 0; t < turns; t++) {
      loss = F.mseLoss(x.matmul(parameters[0]).add(parameters[1]), y)
      optimizer.zeroGrad()
      loss.backward()
      optimizer.step()
    }
    return [loss]
  }
  return { step, state: parameters }
}

/** A loop without gradients; `turn` computes the values that it hands on from those that it receives. */
function handed(turns: number, first: readonly Tensor[], turn: (xs: readonly Tensor[], t: number) => Tensor[]): Loop {
  const step = () => {
    let xs: readonly Tensor[] = first
    for (let t = 0; t < turns; t++) xs = turn(xs, t)
    return xs
  }
  return { step }
}

export const loopCases: Readonly<Record<string, LoopCase>> = {
  'a recurrent cell with 100 iterations, gradients, momentum': { make: () => lstm(100), turns: [100, 98], sums: true },
  'stacked outputs': { make: () => outputs(30), turns: [30, 28], sums: true },
  'SGD with momentum': {
    make: () => updates(12, (p) => new optim.SGD(p, { lr: 0.1, momentum: 0.9 })),
    turns: [11],
    sums: true,
  },
  'Adam, whose numbers differ in every iteration': {
    make: () => updates(10, (p) => new optim.Adam(p, { lr: 0.01 })),
    turns: [9],
    sums: true,
  },
  'numbers alone': {
    make: () => handed(500, [tensor(0.3)], ([x]) => [x.mul(x).mul(-0.7).add(0.4)]),
    turns: [22],
  },
  'a long chain of maps': { make: () => handed(300, [randn(40)], ([x]) => [x.mul(0.9).add(0.1).tanh()]), turns: [13] },
  'two values that swap places': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      return handed(40, [randn(3, 4), randn(3, 4)], ([a, b]) => [b.matmul(w), a.add(b.sum(1, { keepdim: true }))])
    },
    turns: [40],
    sums: true,
  },
  'a value from two iterations before': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      return handed(40, [randn(3, 4), randn(3, 4)], ([a, b]) => [b, a.matmul(w).add(b).tanh()])
    },
    turns: [],
    sums: true,
  },
  'columns, backwards': {
    make: () => {
      const [x, w] = [randn(6, 30), randn(6, 6).mul(0.4)]
      return handed(30, [zeros(6)], ([h], t) => [
        x
          .select(1, 29 - t)
          .add(h.unsqueeze(0).matmul(w).squeeze(0))
          .tanh(),
      ])
    },
    turns: [30],
    sums: true,
  },
  'one different iteration': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      return handed(80, [randn(3, 4)], ([h], t) => [(t === 40 ? h.relu() : h.tanh()).matmul(w)])
    },
    turns: [40, 39],
    sums: true,
  },
  'few iterations, which are not a loop': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      return handed(5, [randn(3, 4)], ([h]) => [h.tanh().matmul(w)])
    },
    turns: [],
    sums: true,
  },
  'loops inside iterations': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      return handed(8, [randn(3, 4)], ([h]) => {
        let x = h
        for (let i = 0; i < 9; i++) x = x.matmul(w).tanh()
        return [x.sub(x.mean())]
      })
    },
    turns: [8],
    sums: true,
  },
  'all results of all iterations, some of them twice': {
    make: () => {
      const w = randn(4, 4).mul(0.4)
      const x = randn(3, 4)
      const step = () => {
        const all = [x]
        for (let t = 0; t < 30; t++) all.push(all[t].matmul(w).sin())
        return [...all.slice(1), all[7], all[30], all[3].add(all[29])]
      }
      return { step }
    },
    turns: [30],
    sums: true,
  },
  'memory that every iteration writes': {
    make: () => {
      const [there, w] = [zeros(3, 4), randn(4, 4).mul(0.4)]
      const step = () =>
        noGrad(() => {
          for (let t = 0; t < 30; t++) {
            there.add_(there.matmul(w).add(0.5).tanh())
            there.select(0, 1).mul_(0.9)
          }
          return [there.mean()]
        })
      return { step, state: [there] }
    },
    turns: [30],
    sums: true,
  },
  'memory of which every iteration writes another part, which is not a loop': {
    make: () => {
      const [rows, w] = [zeros(30, 4), randn(4, 4).mul(0.4)]
      const step = () =>
        noGrad(() => {
          let h = zeros(4).add(1)
          for (let t = 0; t < 30; t++) {
            h = w.matmul(h).sin()
            rows.select(0, t).copy_(h)
          }
          return [h]
        })
      return { step, state: [rows] }
    },
    turns: [],
    sums: true,
  },
  'gather and scatter by an index': {
    make: () => {
      const [index, table, counts] = [randint(0, 9, [40, 5]), randn(9, 3), zeros(9)]
      const ones = zeros(5).add(1)
      const step = () =>
        noGrad(() => {
          let h = zeros(5, 3)
          for (let t = 0; t < 40; t++) {
            const at = index.select(0, t)
            h = h
              .mul(0.5)
              .add(table.gather(0, at.unsqueeze(1).expand(5, 3)))
              .sub(h.mean(0))
            counts.scatterAdd_(0, at, ones)
          }
          return [h]
        })
      return { step, state: [counts] }
    },
    turns: [40],
    sums: true,
  },
  'draws, which are not a loop': {
    make: () => handed(20, [randn(30)], ([h]) => [F.dropout(h, 0.3, true).sub(h.mean()).tanh()]),
    turns: [],
    sums: true,
  },
}

/** The results and the state of a step in some calls, as numbers. */
export function trace({ step, state = [] }: Loop, calls: number): number[][] {
  return Array.from({ length: calls }, () => [...step(), ...state].flatMap((x) => [...x.detach().toArray()]))
}

/** The same for a fresh compiled case, with the text of `explain()`. */
export function compiled({ make }: LoopCase, calls: number): { readonly seen: number[][]; readonly text: string } {
  manualSeed(3)
  const { step, state } = make()
  const fast = compile(step)
  const seen = trace({ step: fast, state }, calls)
  return { seen, text: fast.explain() }
}

export function eager({ make }: LoopCase, calls: number): number[][] {
  manualSeed(3)
  return trace(make(), calls)
}

/** The number of iterations of each repetition in the text of a program. */
export const turnsIn = (text: string): number[] =>
  [...(text.split('As it runs')[1] ?? '').matchAll(/ = repeat (\d+) times/g)].map(([, turns]) => Number(turns))
