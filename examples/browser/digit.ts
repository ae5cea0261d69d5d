// A drawing as one of MNIST's digits: scaled into a box of 20 x 20 pixels, with grey edges, and placed on 28 x 28 so that
// its centre of mass is in the middle.

/** The height and width of a digit. */
export const SIDE = 28
const BOX = 20

/** Ink by pixels, row by row: 0 for none, 255 for full. */
export interface Ink {
  readonly width: number
  readonly height: number
  readonly values: ArrayLike<number>
}

/** A picture of 28 x 28, a byte for each pixel; undefined if there is no ink. */
export const digitOf = (ink: Ink): Uint8Array | undefined => {
  const { width, height, values } = ink
  let mass = 0
  /** Along x and along y: where the ink begins and ends, and its moment. */
  const [alongX, alongY] = [width, height].map((size) => ({ size, low: size, high: 0, moment: 0 }))
  const note = (axis: typeof alongX, at: number, value: number) => {
    axis.low = Math.min(axis.low, at)
    axis.high = Math.max(axis.high, at + 1)
    axis.moment += value * (at + 0.5)
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = values[y * width + x]
      if (value === 0) continue
      mass += value
      note(alongX, x, value)
      note(alongY, y, value)
    }
  }
  if (mass === 0) return undefined
  const scale = BOX / Math.max(alongX.high - alongX.low, alongY.high - alongY.low)
  const [columns, rows] = [alongX, alongY].map(({ size, low, high, moment }) => {
    // What is very uneven stays inside all the same.
    const start = Math.min(Math.max(SIDE / 2 - (moment / mass - low) * scale, 0), SIDE - (high - low) * scale)
    return sharesOf(size, low - start / scale, scale)
  })
  // Every pixel is the mean over the area that it covers: first along the rows, then along the columns.
  const across = new Float64Array(height * SIDE)
  for (let y = 0; y < height; y++)
    for (const [to, from, share] of columns) across[y * SIDE + to] += values[y * width + from] * share
  const digit = new Float64Array(SIDE * SIDE)
  for (const [to, from, share] of rows)
    for (let x = 0; x < SIDE; x++) digit[to * SIDE + x] += across[from * SIDE + x] * share
  return Uint8Array.from(digit, Math.round)
}

/** Along one axis: which share of the pixel `to` the pixel `from` of the ink covers. `origin` is where pixel 0 begins. */
const sharesOf = (
  size: number,
  origin: number,
  scale: number,
): readonly (readonly [to: number, from: number, share: number])[] => {
  const shares: [number, number, number][] = []
  for (let to = 0; to < SIDE; to++) {
    const [begin, end] = [origin + to / scale, origin + (to + 1) / scale]
    for (let from = Math.max(0, Math.floor(begin)); from < Math.min(size, end); from++) {
      const share = (Math.min(end, from + 1) - Math.max(begin, from)) * scale
      shares.push([to, from, share])
    }
  }
  return shares
}
