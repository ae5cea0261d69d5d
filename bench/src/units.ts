// Figures as people read them.

/** Four digits, more where the number has more before its point. */
export const figure = (x: number): string => {
  if (!Number.isFinite(x)) return String(x)
  const size = Math.abs(x)
  return size >= 1000 ? x.toFixed(0) : size >= 100 ? x.toFixed(1) : size >= 10 ? x.toFixed(2) : x.toFixed(3)
}

const scales: readonly (readonly [unit: string, ns: number])[] = [
  ['s', 1e9],
  ['ms', 1e6],
  ['µs', 1e3],
  ['ns', 1],
]

/** Nanoseconds, in the unit that suits them: `23.70 µs`. */
export function duration(ns: number): string {
  const [unit, scale] = scales.find(([, scale]) => ns >= scale) ?? ['ns', 1]
  return `${figure(ns / scale)} ${unit}`
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
