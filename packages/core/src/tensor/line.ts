// Finds the current line of the user's program, for errors, recordings and anomaly mode.
import { keepFrames } from '../base/frames.ts'

/** The first line on the stack that is not in this package; a stack trace costs microseconds. */
export function callingLine(): string {
  const frames = keepFrames(50)
  const lines = (new Error().stack ?? '').split('\n').filter((line) => /:\d+:\d+\)?$/.test(line))
  keepFrames(frames)
  // This package is a folder, of sources or of the parts of its bundle; in a program's own bundle it may be a file.
  const file = /[^\s(@]+(?=:\d+:\d+\)?$)/.exec(lines[0])?.[0]
  const user = [file?.replace(/(tensor[\\/])?[^\\/]+$/, ''), file].map((own) =>
    lines.find((line) => own && !line.includes(own) && !/node:/.test(line)),
  )
  return (user[0] ?? user[1] ?? lines.at(-1) ?? '').trim().replace(/^at /, '')
}
