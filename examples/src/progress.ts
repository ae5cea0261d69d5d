// Shows a progress bar on a terminal; elsewhere only one line if training will take long. Training is one synchronous
// loop, so the bar is drawn from inside it, and hidden while a line is printed.
import { SingleBar } from 'cli-progress'
import type { Seen } from './lesson.ts'

const LOOK_EVERY_MS = 100
/** How long to watch before estimating the total time, and the least total time worth reporting. */
const WATCH_MS = 2000
const LONG_MS = 60_000

/** Reports once, on the standard error, how long training takes if that is long. */
const warner = (name: string): ((seen: Seen) => void) => {
  let from: { readonly time: number; readonly done: number } | undefined
  let calls = 0
  let said = false
  return ({ done, epochs }) => {
    if (said) return
    const now = performance.now()
    // The first steps include compilation.
    if (++calls < 10) return
    from ??= { time: now, done }
    if (now - from.time < WATCH_MS || done === from.done) return
    said = true
    const whole = ((now - from.time) / (done - from.done)) * epochs
    if (whole < LONG_MS) return
    const minutes = Math.round(whole / 60_000)
    const take = epochs === 1 ? '1 epoch takes' : `${epochs.toLocaleString('en')} epochs take`
    console.error(
      `# ${name}: ${take} about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} here; --epochs N trains for N`,
    )
  }
}

/** How far a training was at a time. */
interface Mark {
  readonly time: number
  readonly done: number
}

interface Reporter {
  readonly print: (text: unknown) => void
  readonly onStep: (seen: Seen) => void
  /** Removes the bar. */
  readonly finish: () => void
}

/** Prints a lesson's lines, and is notified of its steps, batches or epochs. */
export const progress = (name: string): Reporter => {
  const print = (text: unknown) => console.log(String(text))
  if (!process.stdout.isTTY || !process.stderr.isTTY) return { print, onStep: warner(name), finish: () => {} }

  let bar: SingleBar | undefined
  /** The state at least half a second ago: earlier steps were slower, before V8 had compiled them. */
  let before: Mark | undefined
  let start: Mark = { time: 0, done: Number.POSITIVE_INFINITY }
  let mark = start
  let nextLook = 0
  const hide = () => {
    bar?.stop()
    bar = undefined
  }
  const draw = (done: number, epochs: number, now: number) => {
    const left = before && ((now - before.time) / (done - before.done)) * (epochs - done)
    // At constant width, so that only the bar moves.
    const width = String(epochs).length
    const numbers = {
      done: String(Math.floor(done)).padStart(width),
      left: left === undefined ? '' : `${Math.ceil(left / 1000)} s left`,
    }
    if (bar !== undefined) return bar.update(done, numbers)
    // Ctrl-C must work inside the loop, so the bar installs no handler of its own, and changes no terminal setting that
    // a handler would have to restore.
    bar = new SingleBar({
      format: `${name} {bar} {done}/{total} epochs  {left}`,
      gracefulExit: false,
      hideCursor: false,
      linewrap: true,
      barsize: Math.max(1, Math.min(40, (process.stderr.columns || 80) - name.length - 2 * width - 24)),
      clearOnComplete: true,
    })
    bar.start(epochs, done, numbers)
  }
  return {
    finish: hide,
    print: (text) => {
      // Redraws at once, below the line.
      if (bar !== undefined) nextLook = 0
      hide()
      print(text)
    },
    onStep: ({ done, epochs }: Seen) => {
      const now = performance.now()
      // Another training begins, or the first one.
      if (done < mark.done) {
        before = undefined
        mark = start = { time: now, done }
        nextLook = now + LOOK_EVERY_MS
      }
      if (done === epochs) hide()
      else if (now >= nextLook) {
        nextLook = now + LOOK_EVERY_MS
        draw(done, epochs, now)
        if (now - mark.time > 500 && done > mark.done) {
          before = mark === start ? undefined : mark
          mark = { time: now, done }
        }
      }
    },
  }
}
