// Finds the current line of the user's program, for errors, recordings and anomaly mode.

const V8Error = Error as { stackTraceLimit?: number }

/** The first line on the stack that is not in this package; a stack trace costs microseconds. */
export function callingLine(): string {
  const { stackTraceLimit } = V8Error
  // Layers and ops may add many frames before it.
  V8Error.stackTraceLimit = 50
  const lines = (new Error().stack ?? '').split('\n').slice(1)
  V8Error.stackTraceLimit = stackTraceLimit
  // This file is either one of many sources or, in an installed package, part of a bundle of all of core.
  const own = (/[^\s(]+(?=:\d+:\d+\)?$)/.exec(lines[0])?.[0] ?? '').replace(/tensor[\\/]line\.[jt]s$/, '')
  const user = own === '' ? undefined : lines.find((line) => !line.includes(own) && /:\d+:\d+\)?$/.test(line))
  return (user ?? lines[lines.length - 1] ?? '').trim().replace(/^at /, '')
}
