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
  let from: { readonly time: number; readonly epoch: number } | undefined
  let said = false
  return ({ epoch, epochs }) => {
    if (said) return
    const now = performance.now()
    // The first epochs include compilation.
    if (epoch < 10) return
    from ??= { time: now, epoch }
    if (now - from.time < WATCH_MS) return
    said = true
    const whole = ((now - from.time) / (epoch - from.epoch)) * epochs
    if (whole < LONG_MS) return
    const minutes = Math.round(whole / 60_000)
    console.error(
      `# ${name}: ${epochs.toLocaleString('en')} epochs take about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'} here; --epochs N trains for N`,
    )
  }
}

interface Reporter {
  readonly print: (text: unknown) => void
  readonly onEpoch: (seen: Seen) => void
  /** Removes the bar. */
  readonly finish: () => void
}

/** Prints a lesson's lines, and is notified of its epochs. */
export const progress = (name: string): Reporter => {
  const print = (text: unknown) => console.log(String(text))
  if (!process.stdout.isTTY || !process.stderr.isTTY) return { print, onEpoch: warner(name), finish: () => {} }

  let bar: SingleBar | undefined
  /** The state at least half a second ago: earlier epochs were slower, before V8 had compiled them. */
  let before = { time: 0, epoch: 0 }
  let mark = before
  let nextLook = 0
  const hide = () => {
    bar?.stop()
    bar = undefined
  }
  const draw = (epoch: number, epochs: number, now: number) => {
    const seconds = (((now - before.time) / (epoch - before.epoch)) * (epochs - epoch)) / 1000
    // At constant width, so that only the bar moves.
    const width = String(epochs).length
    const numbers = {
      done: String(epoch).padStart(width),
      left: before.epoch > 0 ? `${Math.ceil(seconds)} s left` : '',
    }
    if (bar !== undefined) return bar.update(epoch, numbers)
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
    bar.start(epochs, epoch, numbers)
  }
  return {
    finish: hide,
    print: (text) => {
      // Redraws at once, below the line.
      if (bar !== undefined) nextLook = 0
      hide()
      print(text)
    },
    onEpoch: ({ epoch, epochs }: Seen) => {
      const now = performance.now()
      if (epoch === 1) {
        before = mark = { time: now, epoch: 0 }
        nextLook = now + LOOK_EVERY_MS
      }
      if (epoch === epochs) hide()
      else if (now >= nextLook) {
        nextLook = now + LOOK_EVERY_MS
        draw(epoch, epochs, now)
        if (now - mark.time > 500) [before, mark] = [mark, { time: now, epoch }]
      }
    },
  }
}
