// What pages and workers do with a device, for device.test.ts: they lose its context, and compute where little is allowed.
import { js } from '@flambeau/backend-js'
import { setFallback, type Tensor, tensor, useDevice } from '@flambeau/core'
import { type Gpujs, gpujs, type Mode } from '../src/index.ts'

interface Losable {
  getExtension(name: 'WEBGL_lose_context'): { loseContext(): void } | null
}
interface Canvas {
  readonly prototype: { getContext(...args: unknown[]): Losable | null }
}

/** The contexts that were made since. */
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

/** The mode that is found, or why there is none; and that it computes. */
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

Object.assign(globalThis, { lose, compute })
const scope = globalThis as unknown as { document?: unknown; postMessage(message: unknown): void }
if (scope.document === undefined) void compute().then((result) => scope.postMessage(result))
