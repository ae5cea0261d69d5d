// The training worker, so that the page never waits. A lesson is a generator: the worker runs some epochs, sends their
// output and losses to the page, handles orders, and repeats.
import { load as loadFile, type nn, report, save, useDevice } from 'flambeau'
import type { Images, Options, Training } from '../src/lesson.ts'
import type { Checkpoint } from '../src/run.ts'
import { type Owner, trainingIn, treeOf } from '../src/saved.ts'
import { type BackendName, type CourseName, lessonOf } from './catalogue.ts'
import { load } from './load.ts'
import type { CurvePoint, News, Order, Reading, Trouble } from './messages.ts'

/** The used part of a worker's global scope; TypeScript's types for it conflict with those of a page. */
interface Scope {
  postMessage(news: News): void
  onmessage: ((event: { readonly data: Order }) => void) | null
}

interface Loaded {
  readonly run: (options: Options) => Training
  readonly images?: Images
  /** Makes the network that reads digits, for weights from a file. */
  readonly make?: () => nn.Module
  /** Reads a digit. */
  readonly look?: (model: nn.Module, digit: Uint8Array) => Reading
}

/** Lessons are loaded when they are chosen, because their data is most of the page. */
const lessons: Readonly<Record<CourseName, () => Promise<Loaded>>> = {
  boston: async () => ({ run: (await import('../src/boston/index.ts')).boston }),
  breastCancer: async () => ({ run: (await import('../src/breast-cancer/index.ts')).breastCancer }),
  regression: async () => ({ run: (await import('../src/shallow-network/regression.ts')).regression }),
  binary: async () => ({ run: (await import('../src/shallow-network/binary.ts')).binary }),
  binarySoftmax: async () => ({ run: (await import('../src/shallow-network/binary-softmax.ts')).binarySoftmax }),
  iris: async () => ({ run: (await import('../src/shallow-network/iris.ts')).iris }),
  digits: async () => ({ run: (await import('../src/shallow-network/digits.ts')).digits }),
  lenet5: () => import('./lenet5.ts').then(({ load }) => load()),
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

/** The network of the current or last training reads a digit, if it is one that can. */
let read: ((digit: Uint8Array) => Reading) | undefined

/** The current or last training, or the one in the opened file. */
let last: { readonly owner: Owner; readonly checkpoint: () => Checkpoint } | undefined
/** The training in the opened file. */
let opened: Checkpoint | undefined

const saveTraining = async (): Promise<void> => {
  if (last === undefined) return
  const bytes = await save(treeOf(last.owner, last.checkpoint()))
  page.postMessage({ kind: 'saved', name: `${last.owner.lesson}.safetensors`, bytes })
}

/** Opens a training of a lesson, or weights of LeNet-5. */
const open = async (file: File): Promise<void> => {
  try {
    const loaded = await loadFile(file)
    const training = trainingIn(loaded)
    const lesson = training?.lesson ?? 'lenet5'
    const course = (Object.keys(lessons) as CourseName[]).find((name) => lessonOf(name) === lesson)
    if (course === undefined) throw new Error(`${file.name}: is a training of ${lesson}\nThis page lacks the lesson.`)
    const { make, look } = await lessons[course]()
    if (make !== undefined) {
      const model = make()
      const holder = loaded as { readonly model?: unknown }
      model.loadStateDict((loaded instanceof Map ? loaded : (holder.model ?? loaded)) as never)
      read = (digit) => (look as NonNullable<typeof look>)(model, digit)
    }
    opened = training
    last = training && { owner: training, checkpoint: () => training }
    page.postMessage({
      kind: 'opened',
      course,
      training: training && { epoch: training.epoch - 1, seed: training.seed },
    })
  } catch (error) {
    page.postMessage({ kind: 'unopened', trouble: troubleOf(error) })
  }
}

type Outcome = 'stopped' | 'finished'

const train = async ({ course, backend, epochs, seed, isResumed }: Order & { kind: 'train' }): Promise<Outcome> => {
  read = undefined
  // The page opens on wasm, which a browser may lack; js is everywhere.
  if (!(await use(backend)) && !(backend === 'wasm' && (await use('js')))) return 'stopped'
  const { run, images, look } = await lessons[course]()
  const owner = { lesson: lessonOf(course), data: images === undefined ? null : 'MNIST', seed: String(seed) }
  const checkpoint = isResumed ? opened : undefined
  /** The epochs that are done, with the share of the current one. */
  let epoch = checkpoint === undefined ? 0 : checkpoint.epoch - 1
  /** How many epochs each slice makes due; epochs that a slow backend missed are not made up. */
  const share = (epochs - epoch) / SLICES
  let due = 0
  let lines: string[] = []
  let device: string | undefined
  let isPaused = false
  let nextPoint = 0
  const training = run({ epochs, seed, images, checkpoint, print: (text) => void lines.push(String(text)) })
  for (;;) {
    const points: CurvePoint[] = []
    const accuracies: CurvePoint[] = []
    const end = performance.now() + SLICE_MS
    let isOver = false
    due = Math.min(due, 0) + share
    while (!isOver && (due > 0 || epoch === epochs) && performance.now() < end) {
      const { value, done } = training.next(device)
      device = undefined
      if (done || value === undefined) {
        isOver = true
        break
      }
      const { model } = value
      if (value.checkpoint !== undefined) last = { owner, checkpoint: value.checkpoint }
      if (look !== undefined && model !== undefined) read ??= (digit) => look(model, digit)
      const accuracy = value.curves?.validation.accuracy
      if (accuracy !== undefined) accuracies.push([value.epoch, accuracy])
      // Training goes further; the end of an epoch in batches, and the batches of other passes, do not.
      if (value.done > epoch && (value.done >= nextPoint || value.done === epochs)) {
        points.push([value.done, typeof value.loss === 'number' ? value.loss : value.loss.item()])
        nextPoint = value.done + epochs / POINTS
      }
      due -= value.done - epoch
      epoch = value.done
    }
    page.postMessage({ kind: 'progress', epoch, points, accuracies, lines })
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
      if (order?.kind === 'read') answer(order.digit)
      if (order?.kind === 'save') await saveTraining()
      if (order?.kind === 'move' && (await use(order.backend))) device = order.backend
      if (order?.kind === 'pause' || order?.kind === 'resume') {
        isPaused = order.kind === 'pause'
        page.postMessage({ kind: isPaused ? 'paused' : 'resumed' })
      }
    } while (isPaused || !isSeen)
  }
}

const answer = (digit: Uint8Array) => page.postMessage({ kind: 'read', reading: read?.(digit) })

page.postMessage({ kind: 'ready' })
for (;;) {
  const order = await nextOrder()
  try {
    if (order.kind === 'read') answer(order.digit)
    if (order.kind === 'save') await saveTraining()
    if (order.kind === 'open') await open(order.file)
    if (order.kind === 'train') page.postMessage({ kind: await train(order) })
  } catch (error) {
    page.postMessage({ kind: 'failed', trouble: troubleOf(error) })
  }
}
