// Formats figures for readers.

/** Four digits, or more if the integer part has more. */
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

/** Nanoseconds in a suitable unit: `23.70 µs`. */
export function duration(ns: number): string {
  const [unit, scale] = scales.find(([, scale]) => ns >= scale) ?? ['ns', 1]
  return `${figure(ns / scale)} ${unit}`
}

export const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)
