// profile(fn) measures where the time of a function goes, kernel by kernel, on any device. A profiling backend stands
// in front of the device while the function runs; the result is a table like that of PyTorch's profiler, or a trace for
// a browser.
import { ProfiledBackend, type ProfilerEvent } from '../backend/profiled.ts'
import { RuntimeError } from '../base/errors.ts'
import { shapeString } from '../base/shape.ts'
import { currentDevice } from './device.ts'
import { fallback, setFallback } from './dispatch.ts'
import { callingLine } from './line.ts'
import { bool, fn as callable, type Kind, keyword, real, required, signature } from './signature.ts'

declare const performance: { now(): number }

export interface ProfileOptions {
  /** Record the calling line of every kernel, which costs some microseconds each. */
  readonly withStack?: boolean
  /** The number of events kept for `events` and the trace, by default 100,000; the table counts all. */
  readonly maxEvents?: number
}

export interface ProfileTableOptions {
  /** Use a row for each combination of input shapes. */
  readonly groupByInputShape?: boolean
  /** The maximum number of rows, by default 100. */
  readonly rowLimit?: number
}

/** The total of kernels with one name and with inputs of the same shapes. */
interface Total {
  readonly name: string
  readonly shapes: string
  readonly line: string
  time: number
  /** On a GPU; undefined for events of the host. */
  deviceTime: number | undefined
  calls: number
  bytes: number
}

const shapesOf = ({ inputs }: ProfilerEvent): string => `[${inputs.map(({ sizes }) => shapeString(sizes)).join(', ')}]`

function add(totals: Map<string, Total>, key: string, { time, deviceTime, calls, bytes, ...rest }: Total): void {
  const total = totals.get(key)
  if (total === undefined) totals.set(key, { ...rest, time, deviceTime, calls, bytes })
  else {
    total.time += time
    if (deviceTime !== undefined) total.deviceTime = (total.deviceTime ?? 0) + deviceTime
    total.calls += calls
    total.bytes += bytes
  }
}

const duration = (us: number): string =>
  us < 1e3 ? `${us.toFixed(3)}us` : us < 1e6 ? `${(us / 1e3).toFixed(3)}ms` : `${(us / 1e6).toFixed(3)}s`
const amount = (bytes: number): string => {
  const power = bytes < 1024 ? 0 : Math.min(3, Math.floor(Math.log2(bytes) / 10))
  return power === 0 ? `${bytes} b` : `${(bytes / 1024 ** power).toFixed(2)} ${['Kb', 'Mb', 'Gb'][power - 1]}`
}

/** Rows of cells under a head, ruled and aligned to the right. */
function ruled(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(12, ...rows.map((row) => row[column].length)))
  const rule = widths.map((width) => '-'.repeat(width)).join('  ')
  const [head, ...body] = rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join('  '))
  return [rule, head, rule, ...body, rule]
}

const tableArguments = signature('table', keyword('groupByInputShape', bool, false), keyword('rowLimit', real, 100))

/** The result of `profile`. */
export class Profile {
  /** The device's events in order, up to `maxEvents`. */
  readonly events: readonly ProfilerEvent[]
  /** The time of the function in microseconds. */
  readonly duration: number
  readonly #device: string
  readonly #totals: ReadonlyMap<string, Total>

  constructor(device: string, events: readonly ProfilerEvent[], totals: ReadonlyMap<string, Total>, duration: number) {
    this.#device = device
    this.events = events
    this.#totals = totals
    this.duration = duration
  }

  /** Kernels by name, the slowest first, in the format of PyTorch's profiler. */
  table(...args: [options?: ProfileTableOptions]): string {
    const [groupByInputShape, rowLimit] = tableArguments(args)
    const groups = new Map<string, Total>()
    for (const [key, total] of this.#totals) add(groups, groupByInputShape ? key : `${total.name} ${total.line}`, total)
    const onGpu = [...groups.values()].some(({ deviceTime }) => deviceTime !== undefined)
    const rank = ({ time, deviceTime = 0 }: Total): number => (onGpu ? deviceTime : time)
    const totals = [...groups.values()].sort((a, b) => rank(b) - rank(a) || b.time - a.time)
    const time = totals.reduce((sum, total) => sum + total.time, 0)
    const deviceTime = totals.reduce((sum, total) => sum + (total.deviceTime ?? 0), 0)
    const gpuHead = onGpu ? ['Self CUDA', 'Self CUDA %', 'CUDA time avg'] : []
    const head = ['Name', 'Self CPU %', 'Self CPU', 'CPU time avg', ...gpuHead, '# of Calls', 'Bytes']
    if (groupByInputShape) head.push('Input Shapes')
    if (totals.some(({ line }) => line !== '')) head.push('Source Location')
    const rows = totals.slice(0, rowLimit).map((total) => {
      const { name, shapes, line, calls, bytes } = total
      const share = (part: number, whole: number): string => `${((100 * part) / (whole || 1)).toFixed(2)}%`
      const { deviceTime: own = 0 } = total
      const gpu = onGpu ? [duration(own), share(own, deviceTime), duration(own / calls)] : []
      const row = [name, share(total.time, time), duration(total.time), duration(total.time / calls), ...gpu]
      row.push(String(calls), amount(bytes))
      if (groupByInputShape) row.push(shapes)
      return row.length < head.length ? [...row, line] : row
    })
    const outside = (100 * (1 - time / this.duration)).toFixed(2)
    return [
      ...ruled([head, ...rows]),
      `Self CPU time total: ${duration(time)}`,
      ...(onGpu ? [`Self CUDA time total: ${duration(deviceTime)}`] : []),
      `Time of the function: ${duration(this.duration)}, ${outside}% of it outside of kernels`,
    ].join('\n')
  }

  /** The table. */
  toString(): string {
    return this.table()
  }

  /** The events in Chrome's trace format, for chrome://tracing or ui.perfetto.dev: write the text to a file. */
  chromeTrace(): string {
    const place = { pid: 1, tid: 1 }
    const traceEvents = [
      { name: 'process_name', ph: 'M', ...place, args: { name: `flambeau on ${this.#device}` } },
      ...this.events.map(({ name, kind, start, duration, inputs, outputs, ...rest }) => {
        const [read, written] = [inputs, outputs].map((specs) =>
          specs.map(({ sizes, dtype }) => `${dtype}${shapeString(sizes)}`),
        )
        return {
          name,
          cat: kind,
          ph: 'X',
          ts: start,
          dur: duration,
          ...place,
          args: { inputs: read, outputs: written, ...rest },
        }
      }),
    ]
    return JSON.stringify({ traceEvents, displayTimeUnit: 'ms' })
  }
}

const profileArguments = signature(
  'profile',
  required('fn', callable as Kind<() => unknown>),
  keyword('withStack', bool, false),
  keyword('maxEvents', real, 100_000),
)
/**
 * Runs `fn` and times every kernel of the default device, with names, shapes and bytes. A compiled step is timed by the
 * instructions of its program, one after the other, not as the device compiled it. `fn` must be synchronous. On a
 * device that queues work, a kernel's CPU time is that of queueing it, and a read includes the time of the work queued
 * before it. On CUDA the table has the device's own times, too.
 *
 * @example
 * const seen = profile(() => model.forward(x).sum().backward())
 * seen.events.some(({ kind }) => kind === 'contract') // true
 */
export function profile(...args: [fn: () => unknown, options?: ProfileOptions]): Profile {
  const [fn, withStack, maxEvents] = profileArguments(args)
  const device = currentDevice()
  const { backend } = device
  const host = fallback()
  const events: ProfilerEvent[] = []
  const totals = new Map<string, Total>()
  const seen = (event: ProfilerEvent): void => {
    if (events.length < maxEvents) events.push(event)
    const { name, line = '', duration: time, deviceDuration: deviceTime, bytesRead, bytesWritten } = event
    const shapes = shapesOf(event)
    const bytes = bytesRead + bytesWritten
    add(totals, `${name} ${shapes} ${line}`, { name, shapes, line, time, deviceTime, calls: 1, bytes })
  }
  const inFront = (of: typeof backend): ProfiledBackend =>
    new ProfiledBackend(of, seen, withStack ? callingLine : undefined)
  const profiled = inFront(backend)
  device.backend = profiled
  // The fallback's kernels, which the device does not support, are recorded too.
  if (host !== undefined) setFallback(host === backend ? profiled : inFront(host))
  try {
    const start = performance.now()
    const result = fn()
    const took = (performance.now() - start) * 1000
    profiled.finish()
    if (result instanceof Promise) {
      throw new RuntimeError(
        'profile cannot run an async function',
        'It would end at the first await. Make the function synchronous and await outside.',
      )
    }
    return new Profile(device.name, events, totals, took)
  } finally {
    device.backend = backend
    if (host !== undefined) setFallback(host)
  }
}
