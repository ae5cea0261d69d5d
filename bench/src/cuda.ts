// What a GPU of NVIDIA's should reach, beside PyTorch on the same GPU where it is installed: products by own kernels and by
// cuBLAS, a training step replayed, a chain of activations, cross entropy over a large vocabulary, a small operation.
import { spawnSync } from 'node:child_process'
import { native } from '@flambeau/backend-native'
import { compile, F, nn, optim, rand, randint, randn, scope, useDevice } from 'flambeau'
import type { Result, Row } from './report.ts'

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
  const beside = (name: string): number | undefined =>
    'missing' in torch ? undefined : (torch as Record<string, number>)[name]
  const rows: Row[] = []
  const add = (what: string, value: number, atMost: number | undefined, name?: string, note?: string): void => {
    const other = name === undefined ? undefined : beside(name)
    const said = [note, other && `PyTorch ${other.toFixed(1)} µs`].filter(Boolean).join(', ')
    rows.push({ what, value, unit: 'µs', ...(atMost && { atMost }), ...(said && { note: said }) })
  }
  const remarks: string[] = []
  if ('missing' in torch) remarks.push(`No times of PyTorch: ${torch.missing}.`)

  const side = quick ? 16 : 4096
  const [a, b] = [randn(side, side), randn(side, side)]
  const own = time(() => a.matmul(b))
  add(
    `a product of ${side} x ${side}, own kernels`,
    own,
    undefined,
    'product',
    `${((2 * side ** 3) / own / 1e6).toFixed(2)} TFLOP/s`,
  )
  if (blas !== undefined) {
    try {
      useDevice(await native({ device: 'cuda', blas }))
      const theirs = time(() => a.matmul(b))
      const limit = beside('product')
      add(`a product of ${side} x ${side}, cuBLAS`, theirs, limit && 1.02 * limit, 'product')
      rows.push({ what: 'own kernels in terms of cuBLAS', value: theirs / own, unit: 'x', atLeast: 0.7 })
    } catch (error) {
      remarks.push(`No cuBLAS: ${(error as Error).message.split('\n')[0]}.`)
    }
  } else remarks.push('No cuBLAS: it was not asked for.')

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
  const bounds = [0.1 * (beside('mlpEager') ?? Number.NaN), 0.5 * (beside('mlpGraph') ?? Number.NaN)].filter(
    (n) => n > 0,
  )
  add(
    'a step of an MLP (784-256-128-10, 64 rows, Adam), replayed',
    replayed,
    bounds.length > 0 ? Math.min(...bounds) : undefined,
    'mlpEager',
  )

  const chain = randn(quick ? 1000 : 1_000_000, { requiresGrad: true })
  const activation = compile(() => {
    chain.grad = null
    const z = chain.mul(1.5).add(0.5).tanh().mul(chain.sigmoid()).sum()
    z.backward()
    return z
  })
  for (let i = 0; i < 4; i++) activation()
  const repeats = quick ? 2 : 50
  add(
    'tanh(1.5 x + 0.5) * sigmoid(x) of a million, sum, backward',
    time(() => activation.repeat(repeats)) / repeats,
    8,
    'activation',
  )

  const [rowsOf, classes] = quick ? [8, 64] : [4096, 32_000]
  // A row again and again: numbers are drawn by the host.
  const logits = randn(classes).expand(rowsOf, classes).contiguous().requiresGrad_()
  const labels = randint(0, classes, [rowsOf])
  add(
    `cross entropy of ${rowsOf} x ${classes}, backward`,
    time(() => {
      logits.grad = null
      F.crossEntropy(logits, labels).backward()
    }),
    600,
    'crossEntropy',
  )
  logits.grad = null

  const small = randn(1000)
  add(
    'an eager operation on 1,000 elements',
    time(() => small.add(small)),
    beside('operation'),
    'operation',
  )
  return { rows: quick ? rows.map(({ atMost: _, atLeast: __, ...row }) => row) : rows, remarks }
}
