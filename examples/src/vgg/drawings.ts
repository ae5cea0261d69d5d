// Two pictures for style transfer, drawn here so that they are free of rights (CC0): a house by the sea, and woven threads.
// Each is a function from a place to a colour, sampled nine times a pixel so that edges are smooth.
import { type Tensor, tensor } from 'flambeau'

type Colour = readonly [red: number, green: number, blue: number]
/** The colour at a place; both coordinates go from 0 to 1, y downwards. */
type Drawing = (x: number, y: number) => Colour

const mix = (a: Colour, b: Colour, share: number): Colour => [0, 1, 2].map((i) => a[i] + (b[i] - a[i]) * share) as never

const house: Drawing = (x, y) => {
  const within = (left: number, right: number, top: number, bottom: number) =>
    x > left && x < right && y > top && y < bottom
  const disc = (cx: number, cy: number, radius: number) => (x - cx) ** 2 + (y - cy) ** 2 < radius ** 2
  // From the front to the back.
  if (within(0.24, 0.31, 0.66, 0.8)) return [0.35, 0.2, 0.13]
  if (within(0.38, 0.46, 0.62, 0.7)) return [0.98, 0.9, 0.55]
  if (within(0.18, 0.5, 0.56, 0.8)) return [0.93, 0.88, 0.8]
  if (y > 0.4 && y < 0.56 && Math.abs(x - 0.34) < (y - 0.4) * 1.3) return [0.72, 0.2, 0.16]
  if (within(0.42, 0.46, 0.4, 0.5)) return [0.5, 0.25, 0.2]
  if (disc(0.76, 0.5, 0.13) || disc(0.69, 0.57, 0.09) || disc(0.83, 0.58, 0.09)) return [0.16, 0.42, 0.2]
  if (within(0.735, 0.785, 0.58, 0.83)) return [0.38, 0.25, 0.15]
  if (y > 0.76 + 0.03 * Math.sin(7 * x)) return [0.42, 0.62, 0.24]
  if (y > 0.66) return mix([0.16, 0.4, 0.62], [0.3, 0.6, 0.75], (y - 0.66) / 0.12)
  if (disc(0.82, 0.18, 0.09)) return [1, 0.85, 0.35]
  return mix([0.35, 0.6, 0.9], [0.95, 0.9, 0.8], y / 0.66)
}

const threads: Drawing = (x, y) => {
  const [u, v] = [12 * (x + 0.03 * Math.sin(9 * y)), 12 * (y + 0.03 * Math.sin(9 * x))]
  const [column, row] = [Math.floor(u), Math.floor(v)]
  const isUpright = (column + row) % 2 === 0
  const [across, along] = isUpright ? [u - column, v - row] : [v - row, u - column]
  const round = Math.sin(Math.PI * across) * (0.55 + 0.45 * Math.sin(Math.PI * along))
  const colour: Colour = isUpright ? [0.95, 0.6, 0.15] : [0.1, 0.3, 0.6]
  return mix([0.07, 0.05, 0.1], colour, round)
}

/** A drawing as a picture [3, size, size] with values from 0 to 1. */
const drawn = (drawing: Drawing, size: number): Tensor => {
  const data = new Float32Array(3 * size * size)
  for (let place = 0; place < size * size; place++) {
    const [row, column] = [Math.floor(place / size), place % size]
    for (let sample = 0; sample < 9; sample++) {
      const [dx, dy] = [((sample % 3) + 0.5) / 3, (Math.floor(sample / 3) + 0.5) / 3]
      const colour = drawing((column + dx) / size, (row + dy) / size)
      for (let i = 0; i < 3; i++) data[i * size * size + place] += colour[i] / 9
    }
  }
  return tensor(data).reshape(3, size, size)
}

/** A house by the sea, [3, size, size]. */
export const scene = (size: number): Tensor => drawn(house, size)
/** Woven threads, [3, size, size]. */
export const weave = (size: number): Tensor => drawn(threads, size)
