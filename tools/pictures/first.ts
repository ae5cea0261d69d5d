// The pictures of the lecture's pages about a neuron, a layer and autograd.
import { dot, matmul, ones, type Tensor, tensor } from 'flambeau'
import {
  arrow,
  blue,
  box,
  type Card,
  card,
  circle,
  faint,
  green,
  grid,
  inked,
  type Matrix,
  minus,
  muted,
  orange,
  pale,
  plot,
  rect,
  sampled,
  signed,
  text,
} from './svg.ts'

const rows = (x: Tensor): Matrix => x.toNested() as number[][]

function neuron(): Card {
  const [inputs, weights, bias] = [[2, 1, 3], [0.5, -1, 0.25], 0.5]
  const result = dot(tensor(inputs), tensor(weights)).add(bias).item()
  const heights = [60, 140, 220]
  const from = heights.map((y, i) => {
    const [x1, x2] = [88, 322]
    const middle = [(x1 + x2) / 2, (y + 140) / 2]
    return [
      circle(60, y, 26, { fill: pale[blue], colour: blue }),
      text(60, y, inputs[i], { size: 18 }),
      arrow(x1, y, x2, 140 + (y - 140) * 0.14, {
        colour: weights[i] < 0 ? orange : blue,
        width: 1 + 2 * Math.abs(weights[i]),
      }),
      rect(middle[0] - 34, middle[1] - 13, 68, 26, { fill: 'white', round: 4 }),
      text(middle[0], middle[1], `× ${minus(weights[i])}`, { size: 16, colour: weights[i] < 0 ? orange : blue }),
    ]
  })
  return card(
    640,
    300,
    ...from.flat(),
    text(60, 272, 'inputs', { colour: muted }),
    text(205, 272, 'weights', { colour: muted }),
    circle(360, 140, 36, { fill: pale[green], colour: green }),
    text(360, 140, '+', { size: 28 }),
    arrow(360, 42, 360, 102, { colour: muted }),
    text(360, 26, `bias ${minus(bias)}`, { size: 16 }),
    arrow(398, 140, 500, 140),
    circle(540, 140, 36, { fill: pale[orange], colour: orange }),
    text(540, 140, result, { size: 20 }),
    text(360, 272, 'sum', { colour: muted }),
    text(540, 272, 'output', { colour: muted }),
    text(
      430,
      210,
      inputs.map((x, i) => `${minus(x)} × ${weights[i] < 0 ? `(${minus(weights[i])})` : weights[i]}`).join(' + ') +
        ` + ${bias} = ${result}`,
      {
        size: 13,
        colour: muted,
      },
    ),
  )
}

function pattern(): Card {
  const looksFor = [
    [-0.5, 1, -0.5],
    [-0.5, 1, -0.5],
    [-0.5, 1, -0.5],
  ]
  const pictures = {
    'a vertical bar': [0, 1, 2].map(() => [0, 1, 0]),
    'a horizontal bar': [0, 1, 2].map((i) => [0, 1, 2].map(() => (i === 1 ? 1 : 0))),
    'all ink': rows(ones(3, 3)),
  }
  const cell = 32
  return card(
    640,
    420,
    ...Object.entries(pictures).map(([name, picture], i) => {
      const y = 34 + 126 * i
      const found = dot(tensor(picture).flatten(), tensor(looksFor).flatten()).item()
      return [
        grid(40, y, picture, { cell, fill: inked(1) }),
        text(88, y - 14, name, { size: 13, colour: muted }),
        text(190, y + 48, '·', { size: 36 }),
        grid(240, y, looksFor, { cell, fill: signed(1.6), digits: 1 }),
        text(390, y + 48, '=', { size: 24 }),
        circle(470, y + 48, 34, { fill: found > 0 ? pale[green] : 'white', colour: found > 0 ? green : muted }),
        text(470, y + 48, found, { size: 20 }),
      ].join('\n')
    }),
    text(288, 20, 'the weights', { size: 13, colour: muted }),
    text(560, 82, 'seen', { colour: green, bold: true }),
    text(560, 208, 'not seen', { colour: muted }),
    text(560, 334, 'not seen', { colour: muted }),
  )
}

function matrixProduct(): Card {
  const batch = tensor([
    [2, 1, 3],
    [0, 1, 0],
    [1, 1, 1],
    [4, 0, 2],
  ])
  const turned = tensor([
    [0.5, 2],
    [-1, 0],
    [0.25, 1],
  ])
  const product = matmul(batch, turned)
  const marked = (row: number | undefined, column: number | undefined) => (_: number, i: number, j: number) =>
    (row === undefined || i === row) && (column === undefined || j === column) ? pale[orange] : 'white'
  const cell = 46
  const lines = '#9aa5b1'
  return card(
    680,
    270,
    grid(36, 40, rows(batch), { cell, fill: marked(3, undefined), digits: 2, lines }),
    text(208, 132, '×', { size: 24 }),
    grid(242, 63, rows(turned), { cell, fill: marked(undefined, 0), digits: 2, lines }),
    text(368, 132, '=', { size: 24 }),
    grid(402, 40, rows(product), { cell, fill: marked(3, 0), digits: 2, lines }),
    text(105, 246, 'batch [4, 3]', { colour: muted }),
    text(288, 246, 'weights, transposed [3, 2]', { colour: muted, size: 13 }),
    text(448, 246, 'result [4, 2]', { colour: muted }),
    text(520, 190, '4 × 0.5', { anchor: 'start', size: 13, colour: orange }),
    text(520, 208, '+ 0 × (−1) + 2 × 0.25', { anchor: 'start', size: 13, colour: orange }),
    text(20, 24, 'one row an example', { anchor: 'start', size: 12, colour: muted }),
    text(242, 47, 'one column a neuron', { anchor: 'start', size: 12, colour: muted }),
  )
}

const cubic = (x: Tensor): Tensor => x.sub(1).mul(x.sub(2)).mul(x.sub(3))

function tangent(): Card {
  const x = tensor(3.5, { requiresGrad: true })
  const y = cubic(x)
  y.backward()
  const [height, slope] = [y.item(), x.grad!.item()]
  const {
    frame,
    curve,
    dots,
    x: px,
    y: py,
  } = plot(
    { left: 70, top: 20, width: 520, height: 300 },
    { from: 0.5, to: 4, ticks: [1, 2, 3, 4], name: 'x' },
    { from: -3, to: 6, ticks: [-2, 0, 2, 4, 6], name: 'y' },
  )
  const touching = (at: number): number => height + slope * (at - 3.5)
  return card(
    640,
    380,
    frame,
    curve(
      sampled(0.62, 3.93, 120, (at) => cubic(tensor(at, { dtype: 'float64' })).item()),
      { colour: blue },
    ),
    curve(sampled(2.68, 4, 1, touching), { colour: orange, width: 2 }),
    // One step to the right on the tangent, and how much it rises.
    curve(
      [
        [2.8, touching(2.8)],
        [3.8, touching(2.8)],
        [3.8, touching(3.8)],
      ],
      { colour: muted, width: 1.5, dash: '5 4' },
    ),
    text(px(3.3), py(touching(2.8)) + 14, '1', { colour: muted }),
    text(px(3.8) + 8, py((touching(2.8) + touching(3.8)) / 2), minus(slope), {
      anchor: 'start',
      colour: orange,
      bold: true,
    }),
    dots([[3.5, height]], orange, 6),
    text(px(3.5) - 12, py(height) - 6, `x = 3.5, y = ${minus(height, 3)}`, { anchor: 'end' }),
    text(px(1.55), py(1.1), '(x − 1)(x − 2)(x − 3)', { colour: blue }),
  )
}

function chain(): Card {
  const x = tensor(2, { requiresGrad: true })
  const steps = [x, x.mul(3)]
  steps.push(steps[1].add(1))
  steps.push(steps[2].square())
  for (const step of steps) step.retainGrad()
  steps[3].backward()
  const names = ['x', 'u = 3x', 'v = u + 1', 'y = v²']
  const grads = steps.map((step) => step.grad!.item())
  const [top, width, gap] = [40, 104, 62]
  return card(
    660,
    220,
    ...steps.map((step, i) => box(20 + i * (width + gap), top, width, 60, [names[i], minus(step.item())], blue)),
    ...[0, 1, 2].flatMap((i) => {
      const left = 20 + width + i * (width + gap)
      return [
        arrow(left + 4, top + 30, left + gap - 4, top + 30),
        arrow(left + gap - 4, 150, left + 4, 150, { colour: orange }),
        text(left + gap / 2, 134, `× ${minus(grads[i] / grads[i + 1])}`, { colour: orange }),
      ]
    }),
    ...grads.map((grad, i) =>
      text(20 + width / 2 + i * (width + gap), 150, grad, { size: 18, bold: true, colour: orange }),
    ),
    text(330, 18, 'forward: values', { size: 13, colour: muted }),
    text(330, 194, 'backward: how much y grows, for each value', { size: 13, colour: muted }),
    rect(0, 116, 660, 1, { fill: faint }),
  )
}

export const first = { neuron, pattern, 'matrix-product': matrixProduct, tangent, chain }
