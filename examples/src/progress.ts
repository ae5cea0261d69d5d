// A progress bar on a terminal, nothing anywhere else. Training is one synchronous loop, so the bar is drawn from inside
// it, and taken away while a line is printed.
import { SingleBar } from 'cli-progress'
import type { Options, Seen } from './lesson.ts'

const LOOK_EVERY_MS = 100

/** Print and onEpoch for a lesson; `finish` takes away what is left of the bar. */
export const progress = (name: string): Required<Pick<Options, 'print' | 'onEpoch'>> & { finish: () => void } => {
  const print = (text: unknown) => console.log(String(text))
  if (!process.stdout.isTTY || !process.stderr.isTTY) return { print, onEpoch: () => {}, finish: () => {} }

  let bar: SingleBar | undefined
  let begun = 0
  let nextLook = 0
  const hide = () => {
    bar?.stop()
    bar = undefined
  }
  const draw = (epoch: number, epochs: number, now: number) => {
    const seconds = (((now - begun) / epoch) * (epochs - epoch)) / 1000
    const left = { left: `${Math.ceil(seconds)} s` }
    if (bar !== undefined) return bar.update(epoch, left)
    // Ctrl-C has to work inside the loop, so no handler of the bar's own.
    bar = new SingleBar({
      format: `${name} {bar} {value}/{total} epochs, {left} left`,
      gracefulExit: false,
      hideCursor: false,
      clearOnComplete: true,
    })
    bar.start(epochs, epoch, left)
  }
  return {
    finish: hide,
    print: (text) => {
      hide()
      print(text)
    },
    onEpoch: ({ epoch, epochs }: Seen) => {
      const now = performance.now()
      if (epoch === 1) {
        begun = now
        nextLook = now + LOOK_EVERY_MS
      }
      if (epoch === epochs) hide()
      else if (now >= nextLook) {
        nextLook = now + LOOK_EVERY_MS
        draw(epoch, epochs, now)
      }
    },
  }
}
