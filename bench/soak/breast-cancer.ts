// A synchronous loop of 200,000 breast-cancer epochs: no scope, no await, the results of each step dropped. The
// process's array-buffer bytes and resident size must end within 5 % + 5 MB of what they were at step 200.
//
//   node bench/dist/soak/breast-cancer.js [--epochs 200000] [--warmup 20000]
//
// It is read twice. (a) To the letter: step 200 of a cold process, when V8 has compiled little and its heap is young.
// (b) From step 200 after a warm-up of as many epochs as it takes V8 to settle, so that what grows is tensors' doing.
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
const cold: Point[] = []
let warm: Point | undefined
/** The most array-buffer bytes at any step that was looked at: between two collections of V8 they go up and down. */
let most = 0
const total = Math.max(epochs, warmup + 200 + 1)
const shown = new Set([1, 200, 1000, 5000, 20_000, 50_000, 100_000, 150_000, total])
const start = process.hrtime.bigint()
for (let step = 1; step <= total; step++) {
  epoch()
  if (step % 200 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
  if (shown.has(step)) cold.push(look(step))
  if (step === warmup + 200) warm = look(step)
}
const seconds = Number(process.hrtime.bigint() - start) / 1e9

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
const end = cold[cold.length - 1]
const held = (what: string, from: number, to: number): Row => {
  const limit = from * 1.05 + 5e6
  return { what, value: to / 1e6, unit: 'MB', note: `from ${mb(from)} MB`, atMost: Number((limit / 1e6).toFixed(2)) }
}
const rowsFrom = (point: Point, name: string): Row[] => [
  held(`array buffers at step ${end.step}, ${name}`, point.arrayBuffers, end.arrayBuffers),
  held(`resident size at step ${end.step}, ${name}`, point.resident, end.resident),
]
const at200 = cold.find(({ step }) => step === 200) as Point
report(
  [
    ...rowsFrom(at200, 'against step 200 of a cold process'),
    ...rowsFrom(warm as Point, `against step ${warmup + 200}, V8 warm`),
    held('most array-buffer bytes seen, against step 200', at200.arrayBuffers, most),
  ],
  [
    `${total} epochs in ${seconds.toFixed(1)} s. ${cold
      .map(
        (p) =>
          `step ${p.step}: array buffers ${mb(p.arrayBuffers)}, resident ${mb(p.resident)}, V8's heap ${mb(p.heap)} MB`,
      )
      .join('; ')}.`,
  ],
)
