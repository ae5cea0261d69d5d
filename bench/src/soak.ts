// Memory in a long synchronous loop: no scope, no await, the results of each step dropped. The process's array-buffer
// bytes and resident size must end within 5 % + 5 MB of their values at step 200. This is checked twice: literally,
// from step 200 of a cold process, when V8 has compiled little and its heap is young; and after a warm-up in the same
// process, so that growth is due to tensors. A device that looks for no garbage before its memory has reached a limit is
// compared from a later step on.
import { report, type Row } from './report.ts'

export interface Soak {
  readonly steps: number
  readonly warmup: number
  /** The name of a step. */
  readonly unit: string
  /** The step from which on memory must stay; by default 200. */
  readonly settled?: number
}

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

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)
const held = (what: string, from: number, to: number): Row => {
  const limit = (from * 1.05 + 5e6) / 1e6
  return { what, value: to / 1e6, unit: 'MB', note: `from ${mb(from)} MB`, atMost: Number(limit.toFixed(2)) }
}
const between = (from: Point, to: Point, name: string): Row[] => [
  held(`array buffers, step ${from.step} to ${to.step}, ${name}`, from.arrayBuffers, to.arrayBuffers),
  held(`resident size, step ${from.step} to ${to.step}, ${name}`, from.resident, to.resident),
]

export function soak(step: () => unknown, { steps, warmup, unit, settled = 200 }: Soak): void {
  const shown = [1, 200, 1000, 5000, 20_000, 50_000, 100_000, 150_000, settled, steps, warmup + settled, warmup + steps]
  const wanted = new Set(shown)
  const points = new Map<number, Point>()
  /** The most array-buffer bytes at any sampled step: they rise and fall between two collections of V8. */
  let most = 0
  const start = process.hrtime.bigint()
  for (let i = 1; i <= warmup + steps; i++) {
    step()
    if (i % 200 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers)
    if (wanted.has(i)) points.set(i, look(i))
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9
  const at = (step: number): Point => points.get(step) as Point
  const looks = [...points.values()].map(
    (p) => `step ${p.step}: ${mb(p.arrayBuffers)} / ${mb(p.resident)} / ${mb(p.heap)}`,
  )
  report(
    [
      ...between(at(settled), at(steps), 'cold process'),
      ...between(at(warmup + settled), at(warmup + steps), 'V8 warm'),
      held(`most array-buffer bytes at any step, against step ${settled}`, at(settled).arrayBuffers, most),
    ],
    [
      `${warmup + steps} ${unit} in ${seconds.toFixed(1)} s. In MB, array buffers / resident / V8's heap: ${looks.join('; ')}.`,
    ],
  )
}
