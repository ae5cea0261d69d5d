// The pictures of the lecture's pages about convolution and pooling.
import { loadDigits } from '@flambeau/data'
import { F, type Tensor, tensor } from 'flambeau'
import {
  arrow,
  blue,
  box,
  type Card,
  card,
  green,
  grid,
  type Hue,
  inked,
  type Matrix,
  muted,
  orange,
  pale,
  purple,
  rect,
  sheets,
  signed,
  text,
} from './svg.ts'

const rows = (x: Tensor): Matrix => x.toNested() as number[][]
const digits = (): Tensor => loadDigits().data.float().reshape(-1, 1, 8, 8)
const vertical = [0, 1, 2].map(() => [1, 0, -1])
const horizontal = [1, 0, -1].map((value) => [value, value, value])
/** The feature map of the pictures x for a filter of 3 x 3. */
const found = (x: Tensor, filter: Matrix): Tensor => F.conv2d(x, tensor(filter).reshape(1, 1, 3, 3))

function convolution(): Card {
  const zero = digits().at(':1')
  const edges = found(zero, vertical)
  const [row, column] = [2, 1]
  const [cell, top] = [30, 50]
  const frame = { colour: orange, width: 3 }
  const small = { size: 13, colour: muted }
  return card(
    720,
    320,
    text(140, 26, 'picture', { bold: true }),
    grid(20, top, rows(zero.at(0, 0)), { cell, fill: inked(24), digits: 0 }),
    rect(20 + cell * column, top + cell * row, 3 * cell, 3 * cell, frame),
    text(287, top + 120, '·', { size: 36 }),
    text(358, 95, 'filter', { bold: true }),
    grid(313, top + 75, vertical, { cell, fill: signed(1.8), digits: 0 }),
    rect(313, top + 75, 3 * cell, 3 * cell, frame),
    text(430, top + 120, '=', { size: 24 }),
    text(570, 46, 'feature map', { bold: true }),
    grid(460, top + 20, rows(edges.at(0, 0)), { cell: 37, fill: signed(55), digits: 0 }),
    rect(460 + 37 * column, top + 20 + 37 * row, 37, 37, frame),
    text(140, 306, '8 × 8', small),
    text(358, 236, '3 × 3', small),
    text(570, 306, '6 × 6', small),
  )
}

function edges(): Card {
  const all = digits()
  const [cell, small] = [20, 80 / 3]
  return card(
    680,
    430,
    text(110, 24, 'digit', { bold: true }),
    text(330, 24, 'vertical edges', { bold: true }),
    text(560, 24, 'horizontal edges', { bold: true }),
    ...[0, 4].map((digit, k) => {
      const y = 44 + 190 * k
      const x = all.at(`${digit}:${digit + 1}`)
      const map = (left: number, filter: Matrix): string =>
        grid(left, y, rows(found(x, filter).at(0, 0)), { cell: small, fill: signed(40) })
      return [
        grid(30, y, rows(x.at(0, 0)), { cell, fill: inked(16) }),
        arrow(204, y + 80, 240, y + 80, { colour: muted }),
        map(250, vertical),
        map(480, horizontal),
      ].join('\n')
    }),
    text(330, 414, 'blue: more ink on the left', { size: 12, colour: muted }),
    text(560, 414, 'blue: more ink above', { size: 12, colour: muted }),
  )
}

function padding(): Card {
  const zero = digits().at(':1')
  const padded = F.pad(zero, [1, 1, 1, 1])
  const [cell, top] = [26, 40]
  const border = (_: number, i: number, j: number): boolean => i === 0 || j === 0 || i === 9 || j === 9
  const place = (left: number, row: number, column: number, colour: string): string =>
    rect(left + cell * column, top + cell * row, 3 * cell, 3 * cell, { colour, width: 3 })
  const colours = [orange, green, purple]
  return card(
    640,
    350,
    text(160, 22, 'padding 1, stride 1', { bold: true }),
    grid(30, top, rows(padded.at(0, 0)), {
      cell,
      digits: 0,
      fill: (value, i, j) => (border(value, i, j) ? pale[blue] : inked(24)(value)),
    }),
    rect(30 + cell, top, 3 * cell, 3 * cell, { colour: green, width: 2, dash: '5 4' }),
    place(30, 0, 0, orange),
    text(160, 324, '8 × 8 stays 8 × 8', { size: 13, colour: muted }),
    text(480, 22, 'no padding, stride 2', { bold: true }),
    grid(376, top + cell, rows(zero.at(0, 0)), { cell, digits: 0, fill: inked(24) }),
    ...colours.map((colour, i) => place(376, 1, 2 * i, colour)),
    text(480, 324, '8 × 8 becomes 3 × 3', { size: 13, colour: muted }),
  )
}

function channels(): Card {
  const colours: Hue[] = [orange, green, blue]
  return card(
    680,
    300,
    sheets(30, 120, 120, 3, 14, (i) => colours[i]),
    text(104, 270, '3 channels of 32 × 32', { size: 13, colour: muted }),
    arrow(190, 170, 236, 170, { colour: muted }),
    ...[0, 1, 2].map((k) => sheets(256, 74 + 56 * k, 28, 3, 5, (i) => colours[i])),
    text(275, 236, '⋮', { size: 20, colour: muted }),
    text(275, 270, '16 filters of 3 × 3 × 3', { size: 13, colour: muted }),
    arrow(312, 170, 376, 170, { colour: muted }),
    sheets(396, 150, 104, 16, 8, () => purple),
    text(520, 270, '16 feature maps of 32 × 32', { size: 13, colour: muted }),
  )
}

function pooling(): Card {
  const values = tensor([
    [1, 3, 0, 0],
    [2, 8, 1, 0],
    [0, 0, 5, 4],
    [0, 4, 6, 5],
  ])
  const x = values.reshape(1, 1, 4, 4)
  const hues: Hue[] = [blue, green, orange, purple]
  const square = (i: number, j: number): string => pale[hues[2 * i + j]]
  const lines = '#9aa5b1'
  const cell = 44
  return card(
    640,
    270,
    grid(40, 50, rows(values), {
      cell,
      digits: 0,
      lines,
      fill: (_, i, j) => square(Math.floor(i / 2), Math.floor(j / 2)),
    }),
    text(128, 26, 'feature map', { bold: true }),
    arrow(236, 120, 296, 82, { colour: muted }),
    arrow(236, 156, 296, 196, { colour: muted }),
    grid(330, 36, rows(F.maxPool2d(x, 2).at(0, 0)), { cell, digits: 2, lines, fill: (_, i, j) => square(i, j) }),
    text(450, 80, 'max pooling', { anchor: 'start', bold: true }),
    text(450, 100, 'the largest of each square', { anchor: 'start', size: 12, colour: muted }),
    grid(330, 152, rows(F.avgPool2d(x, 2).at(0, 0)), { cell, digits: 2, lines, fill: (_, i, j) => square(i, j) }),
    text(450, 196, 'average pooling', { anchor: 'start', bold: true }),
    text(450, 216, 'the mean of each square', { anchor: 'start', size: 12, colour: muted }),
  )
}

function smallNetwork(): Card {
  const parts: readonly (readonly [string, number, number, Hue])[] = [
    ['1 × 8 × 8', 64, 1, muted],
    ['6 × 8 × 8', 64, 6, blue],
    ['6 × 4 × 4', 32, 6, green],
    ['12 × 4 × 4', 32, 12, blue],
    ['12 × 2 × 2', 16, 12, green],
  ]
  const steps = ['conv', 'pool', 'conv', 'pool', 'linear']
  const at = parts.map((_, i) => 24 + 118 * i)
  return card(
    700,
    210,
    ...parts.flatMap(([size, side, count, hue], i) => [
      sheets(at[i], 130 - side / 2, side, count, 4, () => hue),
      text(at[i] + side / 2 + 2 * count, 184, size, { size: 12, colour: muted }),
      text(at[i] + 100, 22, steps[i], { size: 13 }),
      arrow(at[i] + 80, 40, at[i] + 120, 40, { colour: muted }),
    ]),
    box(616, 92, 70, 60, ['10', 'classes'], orange),
  )
}

export const windows = { convolution, edges, padding, channels, pooling, 'small-network': smallNetwork }
