// The pages and workers of device.test.ts: they lose their context, and compute under restrictive policies.
import { js } from '@flambeau/backend-js'
import { nn, setFallback, type Tensor, tensor, useDevice } from '@flambeau/core'
import { type Gpujs, gpujs, type Mode } from '../src/index.ts'

interface Losable {
  getExtension(name: 'WEBGL_lose_context'): { loseContext(): void } | null
}
interface Canvas {
  readonly prototype: { getContext(...args: unknown[]): Losable | null }
}

/** The contexts created from now on. */
function watched(): Losable[] {
  const made: Losable[] = []
  const { prototype } = (globalThis as unknown as { HTMLCanvasElement: Canvas }).HTMLCanvasElement
  const { getContext } = prototype
  prototype.getContext = function (...args) {
    const context = getContext.apply(this, args)
    if (context !== null) made.push(context)
    return context
  }
  return made
}

const messageOf = (work: () => unknown): string => {
  try {
    return `no error: ${work()}`
  } catch (error) {
    return (error as Error).message
  }
}

/** A few steps of w towards 1. */
function train(w: Tensor, steps: number): void {
  for (let i = 0; i < steps; i++) {
    w.sub(1).square().sum().backward()
    w.data.sub_((w.grad as Tensor).mul(0.25))
    w.grad = null
  }
}

const start = async (mode: Mode): Promise<Gpujs> => {
  setFallback(js())
  const device = await gpujs({ mode })
  useDevice(device)
  return device
}

const lose = async (mode: Mode) => {
  const contexts = watched()
  const device = await start(mode)
  const w = tensor([0, 4]).requiresGrad_()
  train(w, 2)
  const saved = w.tolist()
  for (const context of contexts) context.getExtension('WEBGL_lose_context')?.loseContext()
  const errors = [
    messageOf(() => w.tolist()),
    messageOf(() => {
      train(w, 1)
      return w.tolist()
    }),
    messageOf(() =>
      tensor([1, 2, 3])
        .mul(tensor([1, 2, 3]))
        .cos()
        .tolist(),
    ),
  ]
  device.dispose()
  const next = await start(mode)
  const again = tensor(saved as number[]).requiresGrad_()
  train(again, 2)
  return { saved, errors, other: next !== device, result: again.tolist(), kernelClass: next.report().kernelClass }
}

const rejection = (work: Promise<unknown>): Promise<string> =>
  work.then(
    (value) => `no error: ${value}`,
    (error: Error) => error.message,
  )

/** Asynchronous reads: of tensors at the time of the call, and of failed checks. */
const later = async (mode: Mode) => {
  const device = await start(mode)
  const x = tensor([1, 2, 3, 4]).mul(2)
  const half = x.slice(0, 1, 3)
  const reads = [x.toArrayAsync(), half.toArrayAsync(), x.sum().itemAsync()]
  x.mul_(100)
  const values = await Promise.all(reads)
  const target = tensor([1, 0])
  const loss = (p: number[]) => nn.functional.binaryCrossEntropy(tensor(p), target)
  const good = await loss([0.5, 0.5]).itemAsync()
  loss([2, 0.5])
  const refused = await rejection(target.toArrayAsync())
  const after = await target.toArrayAsync()
  return {
    values: values.map((v) => (typeof v === 'number' ? v : [...v])),
    good,
    refused,
    after: [...after],
    readbacks: device.report().readbacks,
  }
}

/** More than the texture limit: the least recently used textures move to the host and come back. */
const spill = async (mode: Mode) => {
  setFallback(js())
  const device = await gpujs({ mode, maxBytes: 2 ** 18 })
  useDevice(device)
  const made = Array.from({ length: 200 }, (_, i) => tensor([i, 2]).add(tensor(new Float32Array(1000)).sum()))
  const large = Array.from({ length: 40 }, (_, i) => tensor(new Float32Array(5000)).add(i))
  const { spills } = device.report()
  const right = [
    ...made.map((x, i) => `${x.tolist()}` === `${[i, 2]}`),
    ...large.map((x, i) => x.sum().item() === 5000 * i),
  ]
  return { spilt: spills > 10, wrong: right.filter((x) => !x).length }
}

/** The number of wrong elements in a product with four elements per thread, of integers, which are exact. */
const products = async (mode: Mode) => {
  const [m, k, n] = [130, 140, 132]
  const product = () => {
    const a = tensor(Float32Array.from({ length: m * k }, (_, i) => (i % 7) - 3)).reshape(m, k)
    const b = tensor(Float32Array.from({ length: k * n }, (_, i) => (i % 11) - 5)).reshape(k, n)
    return a.matmul(b).flatten().toArray()
  }
  useDevice(js())
  const wanted = product()
  const device = await start(mode)
  const made = product()
  return { wrong: made.filter((x, i) => x !== wanted[i]).length, ran: device.report().calls > 0 }
}

/** The available mode, or why there is none, and a computation in it. */
const compute = async (mode?: Mode) => {
  setFallback(js())
  try {
    const device = await gpujs({ mode })
    useDevice(device)
    return { mode: device.report().mode, sum: tensor([1, 2, 3]).mul(2).sum().item() }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

Object.assign(globalThis, { lose, later, spill, products, compute })
const scope = globalThis as unknown as { document?: unknown; postMessage(message: unknown): void }
if (scope.document === undefined) void compute().then((result) => scope.postMessage(result))
