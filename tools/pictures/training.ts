// The pictures of the lecture's pages about regression, losses and shallow networks. What is learnt in them is learnt
// here, as the pages do it.
import { loadBoston, loadBreastCancer, loadIris, StandardScaler } from '@flambeau/data'
import { F, manualSeed, nn, ones, optim, rand, type Tensor, tensor } from 'flambeau'
import {
  blue,
  type Card,
  card,
  circle,
  faint,
  green,
  line,
  minus,
  muted,
  orange,
  pale,
  type Plot,
  plot,
  rect,
  sampled,
  shade,
  text,
} from './svg.ts'

/** Trains on all examples at once; returns the losses. */
export const losses = (optimizer: optim.Optimizer, steps: number, lossOf: () => Tensor): number[] =>
  Array.from({ length: steps }, () => {
    const loss = lossOf()
    optimizer.zeroGrad()
    loss.backward()
    optimizer.step()
    return loss.item()
  })

const boston = (): { x: Tensor; y: Tensor; rooms: Tensor } => {
  const { data, target } = loadBoston()
  return {
    x: new StandardScaler().fitTransform(data).float(),
    y: target.float().unsqueeze(1),
    rooms: data.at(':, 5').float(),
  }
}

function regressionLine(): Card {
  const { x, y, rooms } = boston()
  const scaled = x.at(':, 5:6')
  manualSeed(0)
  const model = new nn.Linear(1, 1)
  losses(new optim.SGD(model.parameters(), { lr: 0.1 }), 50, () => F.mseLoss(model.forward(scaled), y))
  const [xs, ys, found] = [rooms, y, model.forward(scaled)].map((each) => [...each.detach().flatten().toArray()])
  const { frame, curve, dots } = plot(
    { left: 70, top: 20, width: 540, height: 300 },
    { from: 3, to: 9, ticks: [3, 4, 5, 6, 7, 8, 9], name: 'rooms' },
    { from: -5, to: 52, ticks: [0, 10, 20, 30, 40, 50], name: 'price in 1,000 dollars' },
  )
  const order = xs.map((_, i) => i).sort((i, j) => xs[i] - xs[j])
  const ends = [order[0], order[order.length - 1]]
  const some = order.filter((_, k) => k % 23 === 5)
  return card(
    640,
    380,
    frame,
    ...some.map((i) =>
      curve(
        [
          [xs[i], ys[i]],
          [xs[i], found[i]],
        ],
        { colour: orange, width: 1.5 },
      ),
    ),
    dots(
      xs.map((at, i) => [at, ys[i]]),
      '#7ba3cf',
      3,
    ),
    dots(
      some.map((i) => [xs[i], ys[i]]),
      orange,
      3.5,
    ),
    curve(
      ends.map((i) => [xs[i], found[i]]),
      { colour: blue, width: 3 },
    ),
  )
}

function learningRates(): Card {
  const { x, y } = boston()
  const {
    frame,
    curve,
    x: px,
    y: py,
  } = plot(
    { left: 100, top: 20, width: 420, height: 280 },
    { from: 0, to: 40, ticks: [0, 10, 20, 30, 40], name: 'step' },
    { from: 10, to: 1e6, ticks: [10, 100, 1000, 1e4, 1e5, 1e6], name: 'loss (logarithmic)', log: true },
  )
  const runs = [0.01, 0.1, 0.2].map((lr, i) => {
    manualSeed(0)
    const model = new nn.Linear(13, 1)
    const run = losses(new optim.SGD(model.parameters(), { lr }), 40, () => F.mseLoss(model.forward(x), y))
    const inside = run.map((loss, step) => [step + 1, loss]).filter(([, loss]) => loss < 1e6)
    const [lastStep, lastLoss] = inside[inside.length - 1]
    const colour = [green, blue, orange][i]
    return (
      curve(inside, { colour }) +
      text(px(lastStep) + 10, py(lastLoss) + (lr === 0.2 ? 4 : 0), `lr = ${lr}`, {
        anchor: 'start',
        colour,
        bold: true,
      })
    )
  })
  return card(640, 360, frame, ...runs)
}

function sigmoidCurve(): Card {
  const { frame, curve, dots } = plot(
    { left: 70, top: 20, width: 540, height: 220 },
    { from: -8, to: 8, ticks: [-8, -6, -4, -2, 0, 2, 4, 6, 8], name: "the neuron's sum" },
    { from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], name: 'probability' },
  )
  const f = (z: number): number => tensor(z).sigmoid().item()
  return card(640, 300, frame, curve(sampled(-8, 8, 100, f), { colour: blue }), dots([[0, f(0)]], orange, 6))
}

/** A map of a function of two numbers: its colours in squares, of which neighbours of one colour are one piece. */
function ground({ x, y }: Plot, across: Span, up: Span, count: number, colours: (at: Tensor) => string[]): string {
  const at = ([from, to]: Span, i: number): number => from + ((to - from) * i) / count
  const squares = Array.from({ length: count * count }, (_, k) => [k % count, Math.floor(k / count)])
  const fills = colours(tensor(squares.map(([i, j]) => [at(across, i + 0.5), at(up, j + 0.5)])))
  const pieces: string[] = []
  for (let k = 0, end = 0; k < fills.length; k = end) {
    const [i, j] = squares[k]
    for (end = k + 1; end < (j + 1) * count && fills[end] === fills[k]; ) end++
    const [left, right] = [at(across, i), at(across, i + end - k)].map(x)
    const [bottom, top] = [at(up, j), at(up, j + 1)].map(y)
    // Without the overlap a viewer shows the seams.
    pieces.push(rect(left, top - 0.4, right - left + 0.4, bottom - top + 0.4, { fill: fills[k] }))
  }
  return pieces.join('')
}
type Span = readonly [from: number, to: number]

/** A probability as a ground, in steps: orange for 0, white for 0.5, blue for 1. */
const likely = (p: number): string => shade(p < 0.5 ? orange : blue, Math.round(Math.abs(p - 0.5) * 20) / 20)

function border(): Card {
  const { data, target } = loadBreastCancer()
  const x = new StandardScaler().fitTransform(data).float().at(':, :2')
  const y = target.float().unsqueeze(1)
  manualSeed(0)
  const model = new nn.Sequential(new nn.Linear(2, 1), new nn.Sigmoid())
  const crit = new nn.BCELoss()
  losses(new optim.SGD(model.parameters(), { lr: 1 }), 200, () => crit.forward(model.forward(x), y))
  const [across, up]: Span[] = [
    [-2.2, 4],
    [-2.4, 4.8],
  ]
  const drawn = plot(
    { left: 70, top: 20, width: 430, height: 340 },
    { from: across[0], to: across[1], ticks: [-2, -1, 0, 1, 2, 3, 4], name: 'radius, scaled' },
    { from: up[0], to: up[1], ticks: [-2, -1, 0, 1, 2, 3, 4], name: 'texture, scaled' },
  )
  const places = x.toNested() as number[][]
  const [w1, w2] = (model[0] as nn.Linear).weight.detach().flatten().toArray()
  const b = (model[0] as nn.Linear).bias!.item()
  const edge = up.map((v) => [-(b + w2 * v) / w1, v])
  const labels = [...y.flatten().toArray()]
  const of = (label: number): number[][] => places.filter((_, i) => labels[i] === label)
  return card(
    640,
    430,
    ground(drawn, across, up, 40, (at) => [...model.forward(at).detach().flatten().toArray()].map(likely)),
    drawn.frame,
    drawn.curve(edge, { width: 2, dash: '6 4' }),
    drawn.dots(of(1), blue),
    drawn.dots(of(0), orange),
    circle(524, 60, 6, { fill: blue }),
    text(540, 60, 'benign', { anchor: 'start' }),
    circle(524, 86, 6, { fill: orange }),
    text(540, 86, 'malignant', { anchor: 'start' }),
    line(514, 112, 534, 112, { width: 2, dash: '6 4' }),
    text(540, 112, 'probability', { anchor: 'start' }),
    text(540, 129, 'one half', { anchor: 'start' }),
  )
}

function crossEntropyCurves(): Card {
  const { frame, curve, x, y } = plot(
    { left: 70, top: 20, width: 540, height: 260 },
    { from: 0, to: 1, ticks: [0, 0.25, 0.5, 0.75, 1], name: 'predicted probability of yes' },
    { from: 0, to: 5, ticks: [0, 1, 2, 3, 4, 5], name: 'loss' },
  )
  const lossIf = (answer: number) => (p: number) => F.binaryCrossEntropy(tensor(p), tensor(answer)).item()
  return card(
    640,
    340,
    frame,
    curve(sampled(0.007, 0.999, 200, lossIf(1)), { colour: blue }),
    curve(sampled(0.001, 0.993, 200, lossIf(0)), { colour: orange }),
    text(x(0.12), y(3.4), 'the answer is yes', { colour: blue, anchor: 'start' }),
    text(x(0.88), y(3.4), 'the answer is no', { colour: orange, anchor: 'end' }),
  )
}

function twoSlopes(): Card {
  const slopes = (loss: (p: Tensor, y: Tensor) => Tensor): number[][] => {
    const at = sampled(-10, 6, 160, (z) => z).map(([z]) => z)
    const z = tensor(at, { requiresGrad: true })
    loss(z.sigmoid(), ones(at.length)).backward()
    return at.map((each, i) => [each, z.grad!.toArray()[i]])
  }
  const { frame, curve, x, y } = plot(
    { left: 70, top: 20, width: 540, height: 220 },
    { from: -10, to: 6, ticks: [-10, -8, -6, -4, -2, 0, 2, 4, 6], name: "the neuron's sum; the answer is yes" },
    { from: -1, to: 0, ticks: [-1, -0.75, -0.5, -0.25, 0], name: 'slope of the loss' },
  )
  return card(
    640,
    300,
    frame,
    curve(
      slopes((p, yes) => F.mseLoss(p, yes, { reduction: 'sum' })),
      { colour: orange },
    ),
    curve(
      slopes((p, yes) => F.binaryCrossEntropy(p, yes, { reduction: 'sum' })),
      { colour: blue },
    ),
    text(x(-7), y(-0.1), 'squared error', { colour: orange }),
    text(x(-6.6), y(-0.9), 'cross entropy', { colour: blue }),
  )
}

function softmaxBars(): Card {
  const logits = tensor([2, 1, -1])
  const values = [logits, logits.exp(), F.softmax(logits, { dim: 0 })].map((each) => [...each.toArray()])
  const [names, tops, units] = [
    ['logits', 'exponentials', 'divided by their sum'],
    [2.2, 8, 1],
    [0, 2, 2],
  ]
  const colours = [blue, green, orange]
  const zero = 150
  return card(
    640,
    240,
    ...values.map((bars, k) => {
      const left = 40 + 205 * k
      return [
        text(left + 75, 22, names[k], { bold: true }),
        ...bars.map((value, i) => {
          const height = (100 * Math.abs(value)) / tops[k]
          const x = left + 52 * i
          return [
            rect(x, value < 0 ? zero : zero - height, 40, height, { fill: colours[i], round: 2 }),
            text(x + 20, value < 0 ? zero + height + 12 : zero - height - 11, minus(value, units[k])),
          ].join('')
        }),
        line(left - 8, zero, left + 152, zero, { colour: muted, width: 1 }),
        k < 2 ? text(left + 178, 110, '→', { size: 22, colour: muted }) : '',
      ].join('')
    }),
    ...colours.map((colour, i) => circle(250 + 70 * i, 226, 5, { fill: colour })),
    ...colours.map((_, i) => text(260 + 70 * i, 226, `class ${i}`, { anchor: 'start', size: 12, colour: muted })),
  )
}

function irises(): Card {
  const { data, target, targetNames } = loadIris()
  const measured = data.at(':, 2:').float()
  manualSeed(0)
  const model = new nn.Linear(2, 3)
  const scaler = new StandardScaler().fit(measured)
  const x = scaler.transform(measured).float()
  losses(new optim.SGD(model.parameters(), { lr: 0.5 }), 500, () => F.crossEntropy(model.forward(x), target))
  const [across, up]: Span[] = [
    [0.5, 7.4],
    [-0.1, 2.9],
  ]
  const drawn = plot(
    { left: 70, top: 20, width: 430, height: 300 },
    { from: across[0], to: across[1], ticks: [1, 2, 3, 4, 5, 6, 7], name: 'petal length in cm' },
    { from: up[0], to: up[1], ticks: [0, 0.5, 1, 1.5, 2, 2.5], name: 'petal width in cm' },
  )
  const colours = [blue, green, orange]
  const labels = [...target.toArray()]
  const places = measured.toNested() as number[][]
  const classes = (at: Tensor): number[] => [
    ...model.forward(scaler.transform(at).float()).argmax({ dim: 1 }).toArray(),
  ]
  return card(
    640,
    380,
    ground(drawn, across, up, 100, (at) => classes(at).map((label) => shade(colours[label], 0.25))),
    drawn.frame,
    ...colours.flatMap((colour, label) => [
      drawn.dots(
        places.filter((_, i) => labels[i] === label),
        colour,
        3.5,
      ),
      circle(524, 60 + 26 * label, 6, { fill: colour }),
      text(540, 60 + 26 * label, targetNames[label], { anchor: 'start' }),
    ]),
  )
}

function xor(): Card {
  manualSeed(0)
  const x = rand(200, 2).mul(2).sub(1)
  const y = x.at(':, 0').mul(x.at(':, 1')).gt(0).float().unsqueeze(1)
  const places = x.toNested() as number[][]
  const labels = [...y.flatten().toArray()]
  manualSeed(0)
  const line = new nn.Linear(2, 1)
  manualSeed(1)
  const network = new nn.Sequential(new nn.Linear(2, 8), new nn.Tanh(), new nn.Linear(8, 1))
  const side: Span = [-1, 1]
  return card(
    700,
    380,
    ...[line, network].map((model, k) => {
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 })
      losses(optimizer, 300, () => F.binaryCrossEntropyWithLogits(model.forward(x), y))
      const right = model.forward(x).gt(0).eq(y).sum().item()
      const drawn = plot(
        { left: 60 + 330 * k, top: 40, width: 270, height: 270 },
        { from: -1, to: 1, ticks: [-1, -0.5, 0, 0.5, 1], name: `${right} of 200 are right` },
        { from: -1, to: 1, ticks: [-1, -0.5, 0, 0.5, 1], name: '' },
      )
      const probabilities = (at: Tensor): number[] => [...model.forward(at).sigmoid().detach().flatten().toArray()]
      return [
        text(195 + 330 * k, 20, k === 0 ? 'a single neuron' : 'eight hidden neurons', { bold: true }),
        ground(drawn, side, side, 60, (at) => probabilities(at).map((p) => shade(p < 0.5 ? orange : blue, 0.3))),
        drawn.frame,
        drawn.dots(
          places.filter((_, i) => labels[i] === 1),
          blue,
          3.5,
        ),
        drawn.dots(
          places.filter((_, i) => labels[i] === 0),
          orange,
          3.5,
        ),
      ].join('\n')
    }),
  )
}

function hiddenLayer(): Card {
  const [inputs, hidden] = [[120, 220], Array.from({ length: 8 }, (_, i) => 34 + 39 * i)]
  return card(
    640,
    370,
    ...inputs.flatMap((from) => hidden.map((to) => line(82, from, 288, to, { colour: faint }))),
    ...hidden.map((from) => line(332, from, 520, 170, { colour: faint })),
    ...inputs.map((y, i) => circle(60, y, 22, { fill: pale[blue], colour: blue }) + text(60, y, i === 0 ? 'x₁' : 'x₂')),
    ...hidden.map((y) => circle(310, y, 16, { fill: pale[green], colour: green }) + text(310, y, 'tanh', { size: 10 })),
    circle(545, 170, 25, { fill: pale[orange], colour: orange }),
    text(545, 170, 'z'),
    text(60, 352, 'inputs', { colour: muted }),
    text(310, 352, 'hidden layer', { colour: muted }),
    text(545, 352, 'output', { colour: muted }),
  )
}

export const training = {
  line: regressionLine,
  'learning-rates': learningRates,
  sigmoid: sigmoidCurve,
  border,
  'cross-entropy': crossEntropyCurves,
  'two-slopes': twoSlopes,
  softmax: softmaxBars,
  irises,
  xor,
  'hidden-layer': hiddenLayer,
}
