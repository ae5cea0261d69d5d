// A drawing becomes one of MNIST's digits: MNIST's own digits, enlarged anywhere on a field, become themselves.
import { datasets, type io } from '@flambeau/vision'
import { expect, it } from 'vitest'
import { digitOf, type Ink, SIDE } from '../browser/digit.ts'
import { imagesOf } from './images.ts'

const FIELD = 448
const { root } = imagesOf('MNIST', { train: 1, test: 16 })
const test = new datasets.MNIST(root, { train: false })
const digits = Array.from({ length: test.length }, (_, i) => (test.at(i)[0] as io.Image).data)

/** A digit on a field, `scale` times as large, from a place on. */
const enlarged = (digit: Uint8Array, scale: number, left: number, top: number): Ink => {
  const values = new Uint8Array(FIELD * FIELD)
  for (let y = 0; y < SIDE * scale; y++)
    for (let x = 0; x < SIDE * scale; x++)
      values[(top + y) * FIELD + left + x] = digit[Math.floor(y / scale) * SIDE + Math.floor(x / scale)]
  return { width: FIELD, height: FIELD, values }
}

/** The ink of a digit, its centre of mass, and the larger side of its box. */
const measure = (digit: ArrayLike<number>) => {
  const inked = Array.from(digit, (value, i) => [i % SIDE, Math.floor(i / SIDE), value]).filter(
    ([, , value]) => value > 0,
  )
  const mass = inked.reduce((sum, [, , value]) => sum + value, 0)
  const centre = [0, 1].map((axis) => inked.reduce((sum, at) => sum + (at[axis] + 0.5) * at[2], 0) / mass)
  const sides = [0, 1].map((axis) => {
    const places = inked.map((at) => at[axis])
    return Math.max(...places) - Math.min(...places) + 1
  })
  return { mass, centre, side: Math.max(...sides) }
}

it('has MNIST’s size, and its centre of mass in the middle', () => {
  for (const digit of digits) {
    const made = measure(digitOf(enlarged(digit, 7, 100, 30)) as Uint8Array)
    for (const at of made.centre) expect(Math.abs(at - SIDE / 2)).toBeLessThan(0.05)
    expect(made.side).toBeGreaterThanOrEqual(20)
    // Grey edges may reach into the next pixel on both sides.
    expect(made.side).toBeLessThanOrEqual(22)
  }
})

it('does not depend on where and how large one draws', () => {
  for (const digit of digits) {
    const made = digitOf(enlarged(digit, 5, 3, 200)) as Uint8Array
    for (const [scale, left, top] of [
      [16, 0, 0],
      [9, 150, 40],
    ]) {
      const other = digitOf(enlarged(digit, scale, left, top)) as Uint8Array
      expect(Math.max(...other.map((value, i) => Math.abs(value - made[i])))).toBeLessThanOrEqual(1)
    }
  }
})

it('makes MNIST’s digits of MNIST’s digits, but for a part of a pixel', () => {
  // MNIST moves by whole pixels.
  for (const digit of digits) {
    const made = digitOf(enlarged(digit, 12, 60, 60)) as Uint8Array
    const [is, was] = [measure(made), measure(digit)]
    expect(Math.max(...was.centre.map((at, i) => Math.abs(at - is.centre[i])))).toBeLessThan(1)
    if (was.side === 20) expect(Math.abs(is.mass / was.mass - 1)).toBeLessThan(0.01)
  }
  expect(digits.filter((digit) => measure(digit).side === 20).length).toBeGreaterThan(10)
})

it('keeps very uneven ink inside, and makes nothing of nothing', () => {
  const field = (at: (x: number, y: number) => boolean): Ink => ({
    width: FIELD,
    height: FIELD,
    values: Uint8Array.from({ length: FIELD * FIELD }, (_, i) => (at(i % FIELD, Math.floor(i / FIELD)) ? 255 : 0)),
  })
  // A blot at the end of a long hair.
  const uneven = field((x, y) => Math.hypot(x - 40, y - 200) < 20 || (y === 200 && x > 40 && x < 440))
  const { side, mass } = measure(digitOf(uneven) as Uint8Array)
  expect(side).toBeLessThanOrEqual(22)
  expect(mass).toBeGreaterThan(0)
  expect(digitOf(uneven)?.some((value, i) => i % SIDE === SIDE - 1 && value > 0)).toBe(true)
  expect(digitOf(field(() => false))).toBeUndefined()
  expect(measure(digitOf(field((x, y) => x === 0 && y === FIELD - 1)) as Uint8Array).side).toBe(20)
})
