// Convolutions on js, which are contractions over windows of the padded images, compared with the same windows unrolled
// into memory and multiplied, and with loops written only for convolutions: every layer of LeNet-5 (64 images) and of
// ResNet-20 (32), forward, by data and by weight. The results are compared first. By hand, `node
// dist/ops/contraction-js.js lenet` runs the layers whose names start with that.
import { F, grad, manualSeed, randn, type Tensor } from 'flambeau'
import { measure, type Statistics, timed } from '../src/harness.ts'
import { report, type Row } from '../src/report.ts'

interface Layer {
  readonly name: string
  readonly images: number
  readonly channels: number
  /** Height and width. */
  readonly size: number
  readonly kernels: number
  readonly kernel: number
  readonly stride?: number
  readonly padding?: number
  readonly groups?: number
  /** The number of such layers in the network. */
  readonly count: number
  /** Whether a step needs the gradient by data; the first layer does not. */
  readonly byData: boolean
}

const lenet = { images: 64, kernel: 5, count: 1 }
const resnet = { images: 32, kernel: 3, padding: 1, byData: true }
const layers: readonly Layer[] = [
  { ...lenet, name: 'lenet conv1', channels: 1, size: 28, kernels: 6, padding: 2, byData: false },
  { ...lenet, name: 'lenet conv2', channels: 6, size: 14, kernels: 16, byData: true },
  { ...resnet, name: 'resnet 3 to 16', channels: 3, size: 32, kernels: 16, count: 1, byData: false },
  { ...resnet, name: 'resnet 16', channels: 16, size: 32, kernels: 16, count: 6 },
  { ...resnet, name: 'resnet 16 to 32, stride 2', channels: 16, size: 32, kernels: 32, stride: 2, count: 1 },
  { ...resnet, name: 'resnet 32', channels: 32, size: 16, kernels: 32, count: 5 },
  { ...resnet, name: 'resnet 32 to 64, stride 2', channels: 32, size: 16, kernels: 64, stride: 2, count: 1 },
  { ...resnet, name: 'resnet 64', channels: 64, size: 8, kernels: 64, count: 5 },
  // Not in ResNet-20: as in deeper ResNets, and in MobileNet.
  {
    ...resnet,
    name: 'one by one, stride 2',
    channels: 64,
    size: 16,
    kernels: 128,
    kernel: 1,
    padding: 0,
    stride: 2,
    count: 0,
  },
  { ...resnet, name: 'depthwise', channels: 32, size: 16, kernels: 32, groups: 32, count: 0 },
]

// ---- unrolled ----

/** The windows of [n, c, h, w] as one matrix per image: [n, c * k * k, positions]. */
function unrolled(x: Tensor, { kernel, stride = 1, padding = 0 }: Layer): Tensor {
  const around = padding === 0 ? x : F.pad(x, [padding, padding, padding, padding])
  const windows = around.unfold(2, kernel, stride).unfold(3, kernel, stride)
  const [n, c, h, w] = windows.shape
  return windows.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kernel * kernel, h * w)
}

function byProduct(x: Tensor, weight: Tensor, layer: Layer): Tensor {
  const { groups = 1, kernels } = layer
  const columns = unrolled(x, layer)
  const [n, taps, positions] = columns.shape
  const side = Math.sqrt(positions)
  const own = weight.view(groups, kernels / groups, taps / groups)
  return own.matmul(columns.view(n, groups, taps / groups, positions)).view(n, kernels, side, side)
}

// ---- loops ----

/** The arrays and sizes of a layer; the images are already padded. */
interface Arrays extends Required<Omit<Layer, 'name' | 'byData' | 'count'>> {
  readonly x: Float32Array
  readonly weight: Float32Array
  readonly dy: Float32Array
  /** The height and width of padded images and of results. */
  readonly inner: number
  readonly outer: number
}

/** Computes one result after another, two kernels at a time if there are two. */
function forward({ images, channels, kernels, kernel, stride, groups, x, weight, inner, outer }: Arrays): Float32Array {
  const y = new Float32Array(images * kernels * outer * outer)
  const own = channels / groups
  const taps = own * kernel * kernel
  const perGroup = kernels / groups
  const second = perGroup % 2 === 0 ? 1 : 0
  for (let image = 0; image < images; image++) {
    for (let o = 0; o < kernels; o += 1 + second) {
      const first = (image * channels + Math.floor(o / perGroup) * own) * inner * inner
      for (let row = 0; row < outer; row++) {
        for (let column = 0; column < outer; column++) {
          let a = 0
          let b = 0
          let p = o * taps
          for (let c = 0; c < own; c++) {
            for (let i = 0; i < kernel; i++) {
              let at = first + (c * inner + row * stride + i) * inner + column * stride
              for (let j = 0; j < kernel; j++) {
                a += x[at] * weight[p]
                b += x[at] * weight[(p + second * taps) | 0]
                at = (at + 1) | 0
                p = (p + 1) | 0
              }
            }
          }
          const to = (image * kernels + o) * outer * outer + row * outer + column
          y[to] = a
          if (second === 1) y[to + outer * outer] = b
        }
      }
    }
  }
  return y
}

/** Adds every gradient to where its elements were read. */
function byData({ images, channels, kernels, kernel, stride, groups, weight, dy, inner, outer }: Arrays): Float32Array {
  const sums = new Float64Array(images * channels * inner * inner)
  const own = channels / groups
  const perGroup = kernels / groups
  for (let image = 0; image < images; image++) {
    for (let o = 0; o < kernels; o++) {
      const first = (image * channels + Math.floor(o / perGroup) * own) * inner * inner
      for (let c = 0; c < own; c++) {
        for (let i = 0; i < kernel; i++) {
          for (let j = 0; j < kernel; j++) {
            const w = weight[((o * own + c) * kernel + i) * kernel + j]
            for (let row = 0; row < outer; row++) {
              let from = ((image * kernels + o) * outer + row) * outer
              let to = first + (c * inner + row * stride + i) * inner + j
              for (let column = 0; column < outer; column++) {
                sums[to] += dy[from] * w
                from = (from + 1) | 0
                to = (to + stride) | 0
              }
            }
          }
        }
      }
    }
  }
  return Float32Array.from(sums)
}

/** Computes one weight after another. */
function byWeight({ images, channels, kernels, kernel, stride, groups, x, dy, inner, outer }: Arrays): Float32Array {
  const own = channels / groups
  const perGroup = kernels / groups
  const dw = new Float32Array(kernels * own * kernel * kernel)
  let to = 0
  for (let o = 0; o < kernels; o++) {
    for (let c = 0; c < own; c++) {
      const channel = Math.floor(o / perGroup) * own + c
      for (let i = 0; i < kernel; i++) {
        for (let j = 0; j < kernel; j++) {
          let sum = 0
          for (let image = 0; image < images; image++) {
            for (let row = 0; row < outer; row++) {
              let at = ((image * channels + channel) * inner + row * stride + i) * inner + j
              let from = ((image * kernels + o) * outer + row) * outer
              for (let column = 0; column < outer; column++) {
                sum += x[at] * dy[from]
                at = (at + stride) | 0
                from = (from + 1) | 0
              }
            }
          }
          dw[to++] = sum
        }
      }
    }
  }
  return dw
}

// ---- measured ----

type Direction = 'forward' | 'by data' | 'by weight'
type Subject = 'contraction' | 'unrolled' | 'loops'
type Timed = Readonly<Record<Subject, Statistics>>

const array = (x: Tensor): Float32Array => x.toArray() as Float32Array

/** Throws if two results are not approximately equal. */
function compare(what: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) throw new Error(`${what}: ${a.length} elements, not ${b.length}`)
  let most = 1
  for (let i = 0; i < b.length; i++) most = Math.max(most, Math.abs(b[i]))
  for (let i = 0; i < b.length; i++) {
    if (!(Math.abs(a[i] - b[i]) < 1e-5 * most)) throw new Error(`${what}: element ${i} is ${a[i]}, not ${b[i]}`)
  }
}

/** The gradient of the padded images without the padding. */
const cropped = (x: Float32Array, inner: number, padding: number): Float32Array =>
  x.filter((_, i) => {
    const inside = (at: number): boolean => at >= padding && at < inner - padding
    return inside(i % inner) && inside(Math.floor(i / inner) % inner)
  })

async function times(layer: Layer, rounds: number): Promise<Map<Direction, Timed>> {
  const { images, channels, size, kernels, kernel, stride = 1, padding = 0, groups = 1 } = layer
  const x = randn(images, channels, size, size)
  const weight = randn(kernels, channels / groups, kernel, kernel)
  const ways = {
    contraction: (x: Tensor, weight: Tensor): Tensor => F.conv2d(x, weight, { stride, padding, groups }),
    unrolled: (x: Tensor, weight: Tensor): Tensor => byProduct(x, weight, layer),
  }
  const y = ways.contraction(x, weight)
  const dy = randn(...y.shape)
  const inner = size + 2 * padding
  const arrays: Arrays = {
    ...{ images, channels, size, kernels, kernel, stride, padding, groups, inner, outer: y.shape[2] },
    x: array(F.pad(x, [padding, padding, padding, padding])),
    weight: array(weight),
    dy: array(dy),
  }
  const gradient = (way: typeof ways.contraction, by: Direction) => {
    const [xs, weights] = by === 'by data' ? [x.clone().requiresGrad_(), weight] : [x, weight.clone().requiresGrad_()]
    const y = way(xs, weights)
    return (): Tensor => grad(y, by === 'by data' ? xs : weights, { gradOutputs: dy, retainGraph: true })[0]
  }
  const subjects = (by: Direction, loops: () => Float32Array) => ({
    contraction: gradient(ways.contraction, by),
    unrolled: gradient(ways.unrolled, by),
    loops,
  })
  const directions = {
    forward: {
      contraction: () => ways.contraction(x, weight),
      unrolled: () => ways.unrolled(x, weight),
      loops: () => forward(arrays),
    },
    'by data': subjects('by data', () => byData(arrays)),
    'by weight': subjects('by weight', () => byWeight(arrays)),
  }
  const found = new Map<Direction, Timed>()
  for (const [direction, { contraction, unrolled, loops }] of Object.entries(directions)) {
    const expected = direction === 'by data' ? cropped(loops(), inner, padding) : loops()
    compare(`${layer.name} ${direction}, contraction`, array(contraction()), expected)
    compare(`${layer.name} ${direction}, unrolled`, array(unrolled()), expected)
    const repeated = (work: () => unknown) =>
      timed((count) => {
        let last: unknown
        for (let i = 0; i < count; i++) last = work()
        return last
      })
    const subjects = { contraction: repeated(contraction), unrolled: repeated(unrolled), loops: repeated(loops) }
    const measured = await measure(subjects, { rounds, sampleMs: 10, warmupMs: 50 })
    const of = (subject: Subject): Statistics => measured.statistics(subject)
    found.set(direction as Direction, {
      contraction: of('contraction'),
      unrolled: of('unrolled'),
      loops: of('loops'),
    })
  }
  return found
}

manualSeed(0)
const [prefix = ''] = process.argv.slice(2)
const ms = (ns: number): number => ns / 1e6
const rows: Row[] = []
/** Milliseconds for the convolutions of a step, by network. */
const totals = new Map<string, Record<Subject, number>>()
for (const layer of layers.filter(({ name }) => name.startsWith(prefix))) {
  const [network] = layer.name.split(' ')
  const total = totals.get(network) ?? { contraction: 0, unrolled: 0, loops: 0 }
  for (const [direction, timed] of await times(layer, 9)) {
    const { contraction, unrolled, loops } = timed
    const beside = [unrolled, loops].map(({ median }) => ms(median).toFixed(2))
    rows.push({
      what: `${layer.name}, ${direction}`,
      value: ms(contraction.median),
      unit: 'ms',
      note: `best ${ms(contraction.min).toFixed(2)}; unrolled ${beside[0]}, loops ${beside[1]}`,
    })
    if (direction === 'by data' && !layer.byData) continue
    for (const subject of ['contraction', 'unrolled', 'loops'] as const)
      total[subject] += layer.count * ms(timed[subject].median)
  }
  if (layer.count > 0) totals.set(network, total)
}
const targets = new Map([
  ['lenet', 30],
  ['resnet', 2000],
])
for (const [network, { contraction, unrolled, loops }] of totals) {
  rows.push({
    what: `${network}, all convolutions of a step`,
    value: contraction,
    unit: 'ms',
    note: `unrolled ${unrolled.toFixed(1)}, loops ${loops.toFixed(1)}`,
    atMost: targets.get(network),
  })
}
report(rows)
