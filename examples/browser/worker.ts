// The training worker, so that the page never waits. A lesson is a generator: the worker runs some epochs, sends their
// output and losses to the page, handles orders, and repeats.
import { report, useDevice } from 'flambeau'
import type { Options, Training } from '../src/lesson.ts'
import type { BackendName, CourseName } from './catalogue.ts'
import { load } from './load.ts'
import type { News, Order, Trouble } from './messages.ts'

/** The used part of a worker's global scope; TypeScript's types for it conflict with those of a page. */
interface Scope {
  postMessage(news: News): void
  onmessage: ((event: { readonly data: Order }) => void) | null
}

/** Lessons are loaded when they are chosen, because their data is most of the page. */
const lessons: Readonly<Record<CourseName, () => Promise<(options: Options) => Training>>> = {
  boston: async () => (await import('../src/boston/index.ts')).boston,
  breastCancer: async () => (await import('../src/breast-cancer/index.ts')).breastCancer,
  regression: async () => (await import('../src/shallow-network/regression.ts')).regression,
  binary: async () => (await import('../src/shallow-network/binary.ts')).binary,
  binarySoftmax: async () => (await import('../src/shallow-network/binary-softmax.ts')).binarySoftmax,
  iris: async () => (await import('../src/shallow-network/iris.ts')).iris,
  digits: async () => (await import('../src/shallow-network/digits.ts')).digits,
}

/** How long epochs run before the page is updated: one frame of its screen. */
const SLICE_MS = 16
/** The minimum number of slices, some seconds in total: time to watch, and to switch the backend. */
const SLICES = 300
/** The approximate number of points on a curve; every point is a number read back from the device. */
const POINTS = 1000

const page = globalThis as unknown as Scope
const orders: Order[] = []
let arrived = () => {}
page.onmessage = ({ data }) => {
  orders.push(data)
  arrived()
}

/** Waits for the next order. */
const nextOrder = async (): Promise<Order> => {
  while (orders.length === 0) await new Promise<void>((resolve) => (arrived = resolve))
  return orders.shift() as Order
}

const { port1, port2 } = new MessageChannel()
/** Waits until a time and lets messages in, even if the time has passed: a timer would wait some milliseconds more. */
const until = async (time: number): Promise<void> => {
  const left = time - performance.now()
  if (left >= 1) return void (await new Promise((resolve) => setTimeout(resolve, left)))
  await new Promise<void>((resolve) => {
    port1.onmessage = () => resolve()
    port2.postMessage(undefined)
  })
}

const troubleOf = (error: unknown): Trouble => {
  const [sentence, ...remedy] = (error instanceof Error ? error.message : String(error)).split('\n')
  return { sentence, remedy: remedy.join(' ') }
}

/** Ops that a backend left to js, each reported once, as core's warning does in the console. */
const elsewhere = new Set<string>()
const tellElsewhere = () => {
  for (const name of Object.keys(report())) {
    if (elsewhere.has(name)) continue
    elsewhere.add(name)
    page.postMessage({ kind: 'elsewhere', op: name.split(' ')[1] })
  }
}

/** Loads a backend and makes it the default; if it is not available, tells the page and returns false. */
const use = async (name: BackendName): Promise<boolean> => {
  try {
    const { backend, about } = await load[name]()
    useDevice(backend)
    page.postMessage({ kind: 'moved', backend: name, about })
    return true
  } catch (error) {
    page.postMessage({ kind: 'refused', backend: name, trouble: troubleOf(error) })
    return false
  }
}

type Outcome = 'stopped' | 'finished'

const train = async ({ course, backend, epochs, seed }: Order & { kind: 'train' }): Promise<Outcome> => {
  if (!(await use(backend))) return 'stopped'
  /** How many epochs each slice makes due; epochs that a slow backend missed are not made up. */
  const share = epochs / SLICES
  let due = 1
  const every = Math.ceil(epochs / POINTS)
  let lines: string[] = []
  let device: string | undefined
  let isPaused = false
  let epoch = 0
  const training = (await lessons[course]())({ epochs, seed, print: (text) => void lines.push(String(text)) })
  for (;;) {
    const points: [number, number][] = []
    const end = performance.now() + SLICE_MS
    let isOver = false
    due = Math.min(due, 1) + share
    while (!isOver && (due >= 1 || epoch === epochs) && performance.now() < end) {
      due--
      const { value, done } = training.next(device)
      device = undefined
      if (done || value === undefined) isOver = true
      else {
        ;({ epoch } = value)
        if (epoch === 1 || epoch % every === 0 || epoch === epochs)
          points.push([epoch, typeof value.loss === 'number' ? value.loss : value.loss.item()])
      }
    }
    page.postMessage({ kind: 'progress', epoch, points, lines })
    lines = []
    tellElsewhere()
    await until(end)
    if (isOver) return 'finished'
    // Only the last lines remain, which use the last epoch's tensors, so those stay where they are.
    if (epoch === epochs) continue
    let isSeen = false
    do {
      const order: Order | undefined = isPaused || !isSeen ? await nextOrder() : orders.shift()
      if (order?.kind === 'seen') isSeen = true
      if (order?.kind === 'stop') return 'stopped'
      if (order?.kind === 'move' && (await use(order.backend))) device = order.backend
      if (order?.kind === 'pause' || order?.kind === 'resume') {
        isPaused = order.kind === 'pause'
        page.postMessage({ kind: isPaused ? 'paused' : 'resumed' })
      }
    } while (isPaused || !isSeen)
  }
}

page.postMessage({ kind: 'ready' })
for (;;) {
  const order = await nextOrder()
  if (order.kind !== 'train') continue
  try {
    page.postMessage({ kind: await train(order) })
  } catch (error) {
    page.postMessage({ kind: 'failed', trouble: troubleOf(error) })
  }
}
