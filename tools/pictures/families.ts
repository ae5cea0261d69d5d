// The pictures of the lecture's pages about the families of convolutional networks. Their sizes are those of the models
// of @flambeau/vision.
import { inspect, models } from '@flambeau/vision'
import { F, nn, noGrad, ones, type Tensor, zeros } from 'flambeau'
import {
  arrow,
  blue,
  box,
  type Card,
  card,
  faint,
  green,
  grid,
  type Hue,
  line,
  type Matrix,
  muted,
  orange,
  pale,
  polyline,
  purple,
  rect,
  sheets,
  text,
} from './svg.ts'

const rows = (x: Tensor): Matrix => x.toNested() as number[][]

type Build = (options: { width?: number }) => nn.Module
interface Layer {
  readonly conv: nn.Conv2d
  /** Rows, or columns, of its maps. */
  readonly size: number
}
/** The convolutions of a network and the sizes of their maps for an image, which a narrow member computes. */
function convolutionsOf(build: Build, image: readonly number[]): Layer[] {
  const whole = nn.utils.skipInit(() => build({}))
  const narrow = build({ width: 1 / 32 }).eval()
  const maps = noGrad(() => inspect.featureMaps(narrow, zeros(image)))
  return Object.entries(maps).map(([name, { shape }]) => ({
    conv: whole.getSubmodule(name) as nn.Conv2d,
    size: shape[2],
  }))
}

function lenet5(): Card {
  const network = models.lenet5()
  const names = ['features.0', 'features.2', 'features.3', 'features.5']
  const maps = Object.values(noGrad(() => inspect.featureMaps(network, zeros(1, 1, 28, 28), names)))
  const parts = [[1, 28] as const, ...maps.map(({ shape }) => [shape[1], shape[2]] as const)]
  const hues: Hue[] = [muted, blue, green, blue, green]
  const linear = network.classifier.modules().filter((layer) => layer instanceof nn.Linear)
  const steps = ['conv 5 × 5', 'pool', 'conv 5 × 5', 'pool', '']
  const at = [16, 128, 252, 352, 468]
  return card(
    760,
    240,
    ...parts.flatMap(([count, size], i) => {
      const side = 12 + 2.4 * size
      return [
        sheets(at[i], 150 - side / 2, side, count, 4, () => hues[i]),
        text(at[i] + side / 2 + 2 * count, 212, `${count} × ${size} × ${size}`, { size: 12, colour: muted }),
        steps[i] === '' ? '' : text((at[i] + at[i + 1]) / 2 + 44, 22, steps[i], { size: 12 }),
        steps[i] === ''
          ? ''
          : arrow((at[i] + at[i + 1]) / 2 + 24, 38, (at[i] + at[i + 1]) / 2 + 64, 38, { colour: muted }),
      ]
    }),
    ...linear.map(({ outFeatures }, i) => {
      const height = 20 + outFeatures
      const x = 590 + 58 * i
      return [
        rect(x, 130 - height / 2, 22, height, { fill: pale[orange], colour: orange, round: 4 }),
        text(x + 11, 212, outFeatures, { size: 12, colour: muted }),
        i < 2 ? arrow(x + 26, 130, x + 54, 130, { colour: muted }) : '',
      ].join('')
    }),
    arrow(562, 130, 586, 130, { colour: muted }),
    text(659, 22, 'fully connected', { size: 12 }),
  )
}

function towers(): Card {
  const layers = convolutionsOf(models.alexnetTwoTower, [1, 3, 224, 224])
  const tops = [60, 190]
  const [width, gap] = [86, 22]
  const at = layers.map((_, i) => 92 + (width + gap) * i)
  const whole = at[at.length - 1] + width + gap
  return card(
    800,
    320,
    text(400, 22, 'two graphics cards', { bold: true }),
    rect(80, 40, whole - 88, 110, { colour: faint, round: 8 }),
    rect(80, 170, whole - 88, 110, { colour: faint, round: 8 }),
    box(10, 125, 56, 70, ['224²', 'photo'], muted),
    ...tops.flatMap((top, tower) => [
      arrow(66, 145 + 30 * tower, at[0] - 2, top + 36, { colour: muted }),
      ...layers.flatMap(({ conv, size }, i) => [
        box(
          at[i],
          top,
          width,
          72,
          [`${conv.outChannels / 2} maps`, `${conv.kernelSize[0]} × ${conv.kernelSize[0]}`, `${size} × ${size}`],
          i === 2 ? purple : blue,
        ),
        i === 0 ? '' : arrow(at[i] - gap + 2, top + 36, at[i] - 2, top + 36, { colour: muted }),
      ]),
      // The third convolution and the fully connected layers see both towers.
      arrow(at[1] + width + 2, top + 36, at[2] - 2, tops[1 - tower] + 36, { colour: purple }),
      ...[0, 1].map((i) =>
        arrow(at[4] + width + 2, top + 36, whole + 4, tops[tower === 0 ? i : 1 - i] + 36, {
          colour: i === 0 ? muted : purple,
        }),
      ),
      box(whole + 8, top, 64, 72, ['2048', '2048'], purple),
    ]),
    arrow(whole + 74, 96, 752, 150, { colour: muted }),
    arrow(whole + 74, 226, 752, 172, { colour: muted }),
    box(735, 134, 58, 54, ['1000', 'classes'], orange),
    text(400, 304, 'violet: sees the maps of both cards', { size: 12, colour: purple }),
  )
}

function receptiveField(): Card {
  const picture = zeros(1, 1, 7, 7, { requiresGrad: true })
  const once = F.conv2d(picture, ones(1, 1, 3, 3))
  once.retainGrad()
  const twice = F.conv2d(once, ones(1, 1, 3, 3))
  twice.retainGrad()
  twice.at(0, 0, 1, 1).backward()
  const planes = [picture, once, twice].map((plane) => rows(plane.grad!.at(0, 0)))
  const cell = 30
  const lefts = [20, 280, 480]
  const names = ['picture: 5 × 5 pixels', 'first layer: 3 × 3', 'second layer: 1']
  const seen = (value: number): string => (value === 0 ? 'white' : pale[orange])
  // From the corners of what a number sees to the corners of that number.
  const middles = [
    [1, 5],
    [1, 3],
    [1, 1],
  ]
  const y = (plane: number, row: number): number => 145 - (cell * planes[plane].length) / 2 + cell * row
  return card(
    640,
    300,
    ...planes.map((plane, k) => grid(lefts[k], y(k, 0), plane, { cell, fill: seen, lines: '#9aa5b1' })),
    ...[0, 1].flatMap((k) => {
      const right = lefts[k] + cell * (middles[k][1] + 1)
      const left = lefts[k + 1] + cell * middles[k + 1][0]
      return [
        line(right, y(k, middles[k][0]), left, y(k + 1, middles[k + 1][0]), { colour: orange }),
        line(right, y(k, middles[k][1] + 1), left, y(k + 1, middles[k + 1][1] + 1), { colour: orange }),
      ].join('')
    }),
    ...names.map((name, k) => text(lefts[k] + (cell * planes[k].length) / 2, 276, name, { size: 13, colour: muted })),
  )
}

function vgg16(): Card {
  const layers = convolutionsOf(models.vgg16, [1, 3, 224, 224])
  const sizes = [...new Set(layers.map(({ size }) => size))]
  const scale = 0.62
  let x = 14
  const parts = sizes.map((size, i) => {
    const block = layers.filter((each) => each.size === size)
    const height = 18 + size * scale
    const left = x
    x += 22 * block.length + 56
    return [
      ...block.map((_, k) =>
        rect(left + 22 * k, 178 - height, 18, height, { fill: pale[blue], colour: blue, round: 2 }),
      ),
      text(left + 11 * block.length, 196, `${size} × ${size}`, { size: 12, colour: muted }),
      text(left + 11 * block.length, 214, `${block[0].conv.outChannels} maps`, { size: 12, colour: muted }),
      arrow(left + 22 * block.length + 4, 168, left + 22 * block.length + 40, 168, { colour: green, width: 2 }),
      i === 0 ? text(left + 22 * block.length + 24, 152, 'pool', { size: 12, colour: green }) : '',
    ].join('')
  })
  const ends = nn.utils
    .skipInit(() => models.vgg16())
    .classifier.modules()
    .filter((layer) => layer instanceof nn.Linear)
  return card(
    690,
    236,
    ...parts,
    ...ends.map(({ outFeatures }, i) =>
      [
        rect(x + 22 * i, 178 - (i < 2 ? 120 : 60), 18, i < 2 ? 120 : 60, {
          fill: pale[orange],
          colour: orange,
          round: 2,
        }),
        text(x + 8 + 22 * i, 196 + 15 * i, outFeatures, { size: 11, colour: muted }),
      ].join(''),
    ),
  )
}

function inception(): Card {
  const [maps, reduced3, three, reduced5, five, pooled] = [64, 96, 128, 16, 32, 32]
  const module = new models.Inception(192, maps, reduced3, three, reduced5, five, pooled)
  const [, joined, height] = noGrad(() => module.eval().forward(zeros(1, 192, 28, 28))).shape
  const ways: readonly (readonly [first: string[], second?: string[]])[] = [
    [['1 × 1', `${maps} maps`]],
    [
      ['1 × 1', `${reduced3} maps`],
      ['3 × 3', `${three} maps`],
    ],
    [
      ['1 × 1', `${reduced5} maps`],
      ['5 × 5', `${five} maps`],
    ],
    [
      ['max pool 3 × 3', '192 maps'],
      ['1 × 1', `${pooled} maps`],
    ],
  ]
  const [left, width, gap] = [20, 132, 24]
  const hues: Hue[] = [blue, green, purple, muted]
  return card(
    660,
    370,
    box(230, 16, 200, 46, ['input', `192 maps of ${height} × ${height}`], muted),
    ...ways.flatMap(([first, second], i) => {
      const x = left + (width + gap) * i
      const middle = x + width / 2
      return [
        polyline(
          [
            [330, 62],
            [330, 84],
            [middle, 84],
          ],
          { colour: muted },
        ),
        arrow(middle, 84, middle, 106, { colour: muted }),
        box(x, 108, width, 50, first, hues[i]),
        second === undefined ? '' : box(x, 198, width, 50, second, hues[i]),
        second === undefined
          ? line(middle, 158, middle, 272, { colour: muted })
          : arrow(middle, 158, middle, 196, { colour: muted }) + line(middle, 248, middle, 272, { colour: muted }),
        line(middle, 272, 330, 272, { colour: muted }),
      ]
    }),
    arrow(330, 272, 330, 300, { colour: muted }),
    box(230, 302, 200, 50, ['joined', `${joined} maps of ${height} × ${height}`], orange),
  )
}

function residualBlock(): Card {
  const words = [
    ['3 × 3', 'batch norm, ReLU'],
    ['3 × 3', 'batch norm'],
  ]
  return card(
    460,
    370,
    text(190, 22, 'x', { size: 18, bold: true }),
    arrow(190, 36, 190, 78),
    box(110, 80, 160, 54, words[0], blue),
    arrow(190, 134, 190, 164),
    box(110, 166, 160, 54, words[1], blue),
    arrow(190, 220, 190, 258),
    rect(174, 260, 32, 32, { fill: pale[green], colour: green, round: 16 }),
    text(190, 276, '+', { size: 22 }),
    polyline(
      [
        [190, 54],
        [330, 54],
        [330, 276],
      ],
      { colour: green, width: 2.5 },
    ),
    arrow(330, 276, 208, 276, { colour: green, width: 2.5 }),
    text(342, 166, 'shortcut', { anchor: 'start', colour: green, bold: true }),
    text(90, 150, 'f(x)', { anchor: 'end', size: 16, colour: blue }),
    arrow(190, 292, 190, 336),
    text(202, 314, 'ReLU', { anchor: 'start', size: 13 }),
    text(190, 352, 'x + f(x)', { size: 16, bold: true }),
  )
}

export const families = {
  lenet5,
  towers,
  'receptive-field': receptiveField,
  vgg16,
  inception,
  'residual-block': residualBlock,
}
