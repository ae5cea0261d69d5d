// What a GPU of NVIDIA's should reach: the goals, and what is timed for them, products, a training step replayed, a chain of
// activations, cross entropy over a large vocabulary and a small operation. Some goals are beside cuBLAS, or beside PyTorch on
// the same GPU; where these are not installed, they are skipped.
import { spawnSync } from 'node:child_process'
import { native } from '@flambeau/backend-native'
import { compile, F, nn, optim, rand, randint, randn, scope, useDevice } from 'flambeau'
import { type Result, type Row, unheld } from './report.ts'

export interface GpuOptions {
  /** A BLAS beside the own kernels: 'cublas' or a path. */
  readonly blas?: string
  /** PyTorch's side of the comparison (bench/torch/cuda.py). */
  readonly script: string
  /** Small sizes, which only show that everything runs. */
  readonly quick: boolean
  /** How long to time each subject, in milliseconds. */
  readonly milliseconds?: number
}

/** Of the first GPU, an H100, in float32. What is beside something is a ratio of times, or of speeds. */
const goals = {
  own: { what: 'a product of 4096 x 4096 by own kernels: speed beside cuBLAS', unit: 'x', atLeast: 0.7 },
  blas: { what: 'the same by cuBLAS: time beside PyTorch', unit: 'x', atMost: 1.02 },
  eager: {
    what: 'a step of an MLP (784-256-128-10, 64 rows, Adam), replayed: time beside an eager step of PyTorch',
    unit: 'x',
    atMost: 0.1,
  },
  graph: { what: 'the same: time beside a captured graph of PyTorch', unit: 'x', atMost: 0.5 },
  activation: { what: 'tanh(1.5 x + 0.5) * sigmoid(x) of a million, sum, backward, replayed', unit: 'µs', atMost: 8 },
  crossEntropy: { what: 'cross entropy of 4096 x 32000, backward', unit: 'µs', atMost: 600 },
  operation: { what: 'an eager operation on 1,000 elements: time beside PyTorch', unit: 'x', atMost: 1 },
} as const
type Goal = keyof typeof goals

const skippedGoal = (goal: Goal, skipped: string): Row => ({ ...goals[goal], value: Number.NaN, skipped })

/** All goals where nothing can be timed, and why. */
export const skippedGoals = (why: string): Row[] => (Object.keys(goals) as Goal[]).map((goal) => skippedGoal(goal, why))

/** PyTorch's times in microseconds, or why there are none. */
type Torch = Readonly<Record<string, number>> | { readonly missing: string }

function torchTimes(script: string, quick: boolean): Torch {
  const python = process.env.PYTHON ?? 'python3'
  const { status, stdout } = spawnSync(python, [script, ...(quick ? ['--quick'] : [])], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  if (status !== 0) return { missing: `${python} has no PyTorch` }
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as Torch
}

/** Times on the GPU `cuda:0`. */
export async function gpuRows({ blas, script, quick, milliseconds = 500 }: GpuOptions): Promise<Result> {
  const cuda = await native({ device: 'cuda' })
  useDevice(cuda)
  const wait = (): void => cuda.gpu?.wait()
  /** Microseconds of one call among many, the best of three rounds. */
  const time = (work: () => unknown): number => {
    const round = (n: number): number => {
      const start = performance.now()
      for (let i = 0; i < n; i++) scope(() => void work())
      wait()
      return (1000 * (performance.now() - start)) / n
    }
    round(3)
    if (quick) return round(2)
    const n = Math.max(5, Math.ceil((1000 * milliseconds) / 3 / Math.max(1, round(5))))
    return Math.min(round(n), round(n), round(n))
  }
  const torch = torchTimes(script, quick)
  const rows: Row[] = []
  /** A figure, beside PyTorch's time of that name. */
  const add = (row: Omit<Row, 'value'>, value: number, name?: string): void => {
    const other = name === undefined || 'missing' in torch ? undefined : `PyTorch ${torch[name].toFixed(1)} µs`
    const note = [row.note, other].filter(Boolean).join(', ')
    rows.push({ ...row, value, ...(note && { note }) })
  }
  /** A goal beside one of PyTorch's times. */
  const beside = (goal: Goal, value: number, name: string): void => {
    if ('missing' in torch) rows.push(skippedGoal(goal, `no times of PyTorch: ${torch.missing}`))
    else add(goals[goal], value / torch[name])
  }

  const side = quick ? 16 : 4096
  const [a, b] = [randn(side, side), randn(side, side)]
  const own = time(() => a.matmul(b))
  const unit = 'µs'
  const note = `${((2 * side ** 3) / own / 1e6).toFixed(2)} TFLOP/s`
  add({ what: 'a product of 4096 x 4096, own kernels', unit, note }, own, 'product')
  try {
    if (blas === undefined) throw new Error('it was not asked for')
    useDevice(await native({ device: 'cuda', blas }))
    const theirs = time(() => a.matmul(b))
    add({ what: 'a product of 4096 x 4096, cuBLAS', unit }, theirs, 'product')
    add(goals.own, theirs / own)
    beside('blas', theirs, 'product')
  } catch (error) {
    const why = `no cuBLAS: ${(error as Error).message.split('\n')[0]}`
    rows.push(skippedGoal('own', why), skippedGoal('blas', why))
  }
  // The rest is by own kernels, as users have it.
  await native({ device: 'cuda', blas: '' })

  const [wide, hidden, narrow] = quick ? [12, 8, 4] : [784, 256, 128]
  const model = new nn.Sequential(
    new nn.Linear(wide, hidden),
    new nn.ReLU(),
    new nn.Linear(hidden, narrow),
    new nn.ReLU(),
    new nn.Linear(narrow, 10),
  )
  const optimizer = new optim.Adam(model.parameters(), { lr: 1e-3 })
  const [x, y] = [rand(64, wide), randint(0, 10, [64])]
  const step = compile(() => {
    optimizer.zeroGrad()
    const loss = F.crossEntropy(model.forward(x), y)
    loss.backward()
    optimizer.step()
    return loss
  })
  for (let i = 0; i < 4; i++) step()
  const replayed = time(() => step.repeat(quick ? 2 : 100)) / (quick ? 2 : 100)
  add({ what: 'a step of the MLP, replayed', unit }, replayed, 'mlpGraph')
  beside('eager', replayed, 'mlpEager')
  beside('graph', replayed, 'mlpGraph')

  const chain = randn(quick ? 1000 : 1_000_000, { requiresGrad: true })
  const activation = compile(() => {
    chain.grad = null
    const z = chain.mul(1.5).add(0.5).tanh().mul(chain.sigmoid()).sum()
    z.backward()
    return z
  })
  for (let i = 0; i < 4; i++) activation()
  const repeats = quick ? 2 : 50
  add(goals.activation, time(() => activation.repeat(repeats)) / repeats, 'activation')

  const [rowsOf, classes] = quick ? [8, 64] : [4096, 32_000]
  // A row again and again: numbers are drawn by the host.
  const logits = randn(classes).expand(rowsOf, classes).contiguous().requiresGrad_()
  const labels = randint(0, classes, [rowsOf])
  const entropy = time(() => {
    logits.grad = null
    F.crossEntropy(logits, labels).backward()
  })
  add(goals.crossEntropy, entropy, 'crossEntropy')
  logits.grad = null

  const small = randn(1000)
  const operation = time(() => small.add(small))
  add({ what: 'an eager operation on 1,000 elements', unit }, operation, 'operation')
  beside('operation', operation, 'operation')
  if (!quick) return { rows, remarks: [] }
  return { rows: rows.map(unheld), remarks: ['Sizes are small: figures mean nothing, and no target is judged.'] }
}
