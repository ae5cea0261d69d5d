// A progress bar on a terminal, nothing anywhere else. Training is one synchronous loop, so the bar is drawn from inside
// it, and taken away while a line is printed.
import { SingleBar } from 'cli-progress'
import type { Options, Seen } from './lesson.ts'

const LOOK_EVERY_MS = 100

/** Print and onEpoch for a lesson; `finish` takes away what is left of the bar. */
export const progress = (name: string): Required<Pick<Options, 'print' | 'onEpoch'>> & { finish: () => void } => {
  if (!process.stdout.isTTY || !process.stderr.isTTY) {
    return { print: (text) => console.log(String(text)), onEpoch: () => {}, finish: () => {} }
  }
  const clearLine = () => process.stderr.write('\r\x1b[K')
  let bar: SingleBar | undefined
  let nextLook = 0
  const finish = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    finish,
    print: (text) => {
      if (bar !== undefined) clearLine()
      console.log(String(text))
    },
    onEpoch: ({ epoch, epochs }: Seen) => {
      if (epoch === 1) {
        finish()
        // Ctrl-C has to work inside the loop, so no handler of the bar's own.
        bar = new SingleBar({
          format: `${name} {bar} {value}/{total} epochs, {eta_formatted} left`,
          gracefulExit: false,
          hideCursor: false,
          clearOnComplete: true,
        })
        bar.start(epochs, 0)
      }
      const now = performance.now()
      if (now < nextLook && epoch !== epochs) return
      nextLook = now + LOOK_EVERY_MS
      bar?.update(epoch)
      if (epoch === epochs) finish()
    },
  }
}
