// The pictures of the lecture's pages on ZFNet and ResNet that need trained networks.
import { loadDigits } from '@flambeau/data'
import { inspect } from '@flambeau/vision'
import { F, manualSeed, nn, noGrad, optim, type Tensor } from 'flambeau'
import {
  blue,
  type Card,
  card,
  faint,
  grid,
  inked,
  line,
  type Matrix,
  minus,
  muted,
  orange,
  plot,
  rect,
  signed,
  text,
} from './svg.ts'
import { losses } from './training.ts'

const rows = (x: Tensor): Matrix => x.toNested() as number[][]

/** The network of the page on pooling, trained as there. */
function smallNetwork(): { model: nn.Sequential; x: Tensor } {
  const { data, target } = loadDigits()
  const x = data.float().reshape(-1, 1, 8, 8).div(16).at(':300')
  manualSeed(0)
  const model = new nn.Sequential(
    new nn.Conv2d(1, 6, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Conv2d(6, 12, 3, { padding: 1 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(12 * 2 * 2, 10),
  )
  const label = target.at(':300')
  losses(new optim.Adam(model.parameters(), { lr: 0.03 }), 30, () => F.crossEntropy(model.forward(x), label))
  return { model: model.eval(), x }
}

function inside(): Card {
  const { model, x } = smallNetwork()
  const layers = model.slice(0, 5)
  const maps = noGrad(() => layers.forward(x))
  const found = Array.from({ length: 12 }, (_, channel) => ({
    channel,
    best: inspect.strongest(maps, channel, { count: 3 }),
  }))
  const six = found.sort((a, b) => b.best[2].value - a.best[2].value).slice(0, 6)
  const cell = 7
  const side = 8 * cell
  return card(
    780,
    300,
    ...six.flatMap(({ channel, best }, k) => {
      const [left, top] = [20 + 384 * (k % 2), 34 + 92 * Math.floor(k / 2)]
      return [
        text(left, top - 12, `neuron ${channel}`, { size: 12, colour: muted, anchor: 'start' }),
        ...best.flatMap(({ image }, i) => {
          const digit = x.at(`${image}:${image + 1}`)
          const seen = inspect.deconvnet(layers, digit, { channel })
          const fill = signed(seen.abs().max().item())
          const at = left + (2 * side + 10) * i
          return [
            grid(at, top, rows(digit.at(0, 0)), { cell, fill: inked(1), lines: null }),
            grid(at + side, top, rows(seen.at(0, 0)), { cell, fill, lines: null }),
            rect(at, top, 2 * side, side, { colour: faint, width: 1 }),
          ]
        }),
      ]
    }),
  )
}

/** The network of the page on ResNet. */
class Deep extends nn.Module {
  residual: boolean
  first = new nn.Linear(64, 16)
  layers: nn.ModuleList
  last: nn.Linear

  constructor(depth: number, residual: boolean) {
    super()
    this.residual = residual
    this.layers = new nn.ModuleList(Array.from({ length: depth - 2 }, () => new nn.Linear(16, 16)))
    this.last = new nn.Linear(16, 10)
  }

  override forward(input: Tensor): Tensor {
    let x = this.first.forward(input)
    for (const layer of this.layers) {
      const change = (layer as nn.Linear).forward(F.relu(x))
      x = this.residual ? x.add(change) : change
    }
    return this.last.forward(x)
  }
}

function depth(): Card {
  const { data, target } = loadDigits()
  const [pixels, label] = [data.at(':300').float().div(16), target.at(':300')]
  const { frame, curve, x, y } = plot(
    { left: 70, top: 20, width: 400, height: 260 },
    { from: 0, to: 60, ticks: [0, 10, 20, 30, 40, 50, 60], name: 'step' },
    { from: 0, to: 4, ticks: [0, 1, 2, 3, 4], name: 'loss' },
  )
  const runs = [
    { layers: 4, residual: false, colour: orange, dash: '6 4' },
    { layers: 30, residual: false, colour: orange, dash: undefined },
    { layers: 4, residual: true, colour: blue, dash: '6 4' },
    { layers: 30, residual: true, colour: blue, dash: undefined },
  ]
  return card(
    640,
    340,
    frame,
    ...runs.map(({ layers, residual, colour, dash }, i) => {
      manualSeed(0)
      const model = new Deep(layers, residual)
      const optimizer = new optim.Adam(model.parameters(), { lr: 0.003 })
      const run = losses(optimizer, 60, () => F.crossEntropy(model.forward(pixels), label))
      const height = 60 + 28 * i
      return [
        curve(
          run.map((loss, step) => [step + 1, loss]),
          { colour, dash },
        ),
        line(484, height, 512, height, { colour, width: 2.5, dash }),
        text(520, height, `${residual ? 'residual' : 'plain'}, ${layers}`, { anchor: 'start', size: 13 }),
      ].join('\n')
    }),
    text(x(30), y(2.55), `log 10 = ${minus(Math.log(10))}: a guess`, { size: 12, colour: muted }),
  )
}

export const deep = { inside, depth }
