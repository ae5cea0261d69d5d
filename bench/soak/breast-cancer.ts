// A synchronous loop of 200,000 breast-cancer epochs: no scope, no await, the results of each step dropped. The
// process's array-buffer bytes and resident size must end within 5 % + 5 MB of what they were at step 200.
//
//   node bench/dist/soak/breast-cancer.js [--epochs 200000] [--warmup 20000]
//
// It is read twice. (a) To the letter: from step 200 of a cold process, when V8 has compiled little and its heap is
// young. (b) The same after a warm-up in the same process, so that what grows is tensors' doing.
import { parseArgs } from 'node:util'
import { breastCancer } from '../src/models.ts'
import { report, type Row } from '../src/report.ts'

const { values } = parseArgs({
  options: { epochs: { type: 'string', default: '200000' }, warmup: { type: 'string', default: '20000' } },
})
const count = (text: string): number => {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 200) return number
  console.error(`--epochs and --warmup are whole numbers over 200, not ${text}`)
  process.exit(2)
}
const epochs = count(values.epochs)
const warmup = count(values.warmup)

interface Point {
  readonly step: number
  readonly arrayBuffers: number
  readonly resident: number
  readonly heap: number
}

const look = (step: number): Point => {
  const { arrayBuffers, rss, heapTotal } = process.memoryUsage()
  return { step, arrayBuffers, resident: rss, heap: heapTotal }
}

const { epoch } = breastCancer()
const points = new Map<number, Point>()
const shown = [1, 200, 1000, 5000, 20_000, 50_000, 100_000, 150_000, epochs, warmup + 200, warmup + epochs]
const wanted = new Set(shown)
/** The most array-buffer bytes at any step that was looked at: between two collections of V8 they go up and down. */
let most = 0
const start = process.hrtime.bigint()
for (let step = 1; step <= warmup + epochs; step++) {
  epoch()
  if (step % 200 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
  if (wanted.has(step)) points.set(step, look(step))
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
const held = (what: string, from: number, to: number): Row => {
  const limit = (from * 1.05 + 5e6) / 1e6
  return { what, value: to / 1e6, unit: 'MB', note: `from ${mb(from)} MB`, atMost: Number(limit.toFixed(2)) }
}
const at = (step: number): Point => points.get(step) as Point
const between = (from: Point, to: Point, name: string): Row[] => [
  held(`array buffers, step ${from.step} to ${to.step}, ${name}`, from.arrayBuffers, to.arrayBuffers),
  held(`resident size, step ${from.step} to ${to.step}, ${name}`, from.resident, to.resident),
]
report(
  [
    ...between(at(200), at(epochs), 'cold process'),
    ...between(at(warmup + 200), at(warmup + epochs), 'V8 warm'),
    held('most array-buffer bytes at any step, against step 200', at(200).arrayBuffers, most),
  ],
  [
    `${warmup + epochs} epochs in ${seconds.toFixed(1)} s. In MB, array buffers / resident / V8's heap: ${[
      ...points.values(),
    ]
      .map((p) => `step ${p.step}: ${mb(p.arrayBuffers)} / ${mb(p.resident)} / ${mb(p.heap)}`)
      .join('; ')}.`,
  ],
)
