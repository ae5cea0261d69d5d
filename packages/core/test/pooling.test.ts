// Windows of few taps, against PyTorch's loop over each window: values, places and gradients, also of ties, NaN, infinities
// and padding; the programs that pooling and norms become; and gradients of norms, which have one way where nothing is
// recorded and another one where a gradient of the gradient is.
import { js } from '@flambeau/backend-js'
import { compile, F, grad, manualSeed, randn, type Tensor, tensor, useDevice } from '@flambeau/core'
import { describe, expect, it } from 'vitest'

useDevice(js())

interface Windows {
  readonly size: readonly [h: number, w: number]
  readonly kernel: readonly [h: number, w: number]
  readonly stride: readonly [h: number, w: number]
  readonly padding?: readonly [h: number, w: number]
  readonly dilation?: readonly [h: number, w: number]
  readonly ceilMode?: boolean
}
const each: Readonly<Record<string, Windows>> = {
  apart: { size: [8, 8], kernel: [2, 2], stride: [2, 2] },
  'apart, with a rest': { size: [9, 7], kernel: [2, 3], stride: [2, 3] },
  'apart, beyond the input': { size: [9, 7], kernel: [2, 3], stride: [2, 3], padding: [1, 1], ceilMode: true },
  'with gaps': { size: [11, 12], kernel: [2, 2], stride: [3, 4], padding: [1, 0] },
  overlapping: { size: [11, 12], kernel: [3, 3], stride: [2, 2], padding: [1, 1] },
  'overlapping, beyond the input': { size: [10, 12], kernel: [3, 3], stride: [2, 2], ceilMode: true },
  dilated: { size: [11, 12], kernel: [2, 3], stride: [1, 2], padding: [1, 1], dilation: [2, 2] },
  'in rows': { size: [6, 6], kernel: [1, 2], stride: [1, 2], padding: [0, 1], dilation: [1, 3] },
  'of many taps': { size: [11, 12], kernel: [4, 4], stride: [2, 2], padding: [2, 1] },
}

/** PyTorch's loop over one image. */
function loop(x: ArrayLike<number>, dy: ArrayLike<number>, output: readonly [number, number], of: Windows) {
  const { size, kernel, stride, padding = [0, 0], dilation = [1, 1] } = of
  const [values, places] = [[] as number[], [] as number[]]
  const dx = new Array<number>(size[0] * size[1]).fill(0)
  for (let i = 0; i < output[0]; i++) {
    for (let j = 0; j < output[1]; j++) {
      const start = [i, j].map((n, d) => n * stride[d] - padding[d])
      const end = start.map((n, d) => Math.min(n + (kernel[d] - 1) * dilation[d] + 1, size[d]))
      const first = start.map((n, d) => (n < 0 ? n + Math.ceil(-n / dilation[d]) * dilation[d] : n))
      let most = Number.NEGATIVE_INFINITY
      let place = first[0] * size[1] + first[1]
      for (let h = first[0]; h < end[0]; h += dilation[0]) {
        for (let w = first[1]; w < end[1]; w += dilation[1]) {
          const value = x[h * size[1] + w]
          if (!(value > most || Number.isNaN(value))) continue
          most = value
          place = h * size[1] + w
        }
      }
      dx[place] += dy[values.length]
      values.push(most)
      places.push(place)
    }
  }
  return { values, places, dx }
}

const inf = Number.POSITIVE_INFINITY
const fills: Readonly<Record<string, (i: number) => number>> = {
  'of any values': (i) => Math.sin(7 * i * i),
  'of ties and NaN': (i) => (i % 13 === 5 ? Number.NaN : (i * 7) % 4),
  'of few finite values': (i) => (i % 17 === 3 ? 1 : i % 29 === 4 ? inf : -inf),
}
const list = (x: Tensor): number[] => Array.from(x.detach().reshape(-1).toArray() as ArrayLike<number>)

describe('maxima', () => {
  for (const [name, windows] of Object.entries(each)) {
    it.each(Object.keys(fills))(`${name}, %s`, (fill) => {
      const [h, w] = windows.size
      const values = Array.from({ length: h * w }, (_, i) => fills[fill](i))
      const x = tensor(values, { dtype: 'float64' }).reshape(1, 1, h, w).detach().requiresGrad_()
      const { kernel: kernelSize, size: _, ...options } = windows
      const [y, places] = F.maxPool2d(x, { ...options, kernelSize, returnIndices: true })
      const dy = Array.from({ length: y.numel() }, (_, i) => 1 + (i % 5))
      y.backward(tensor(dy, { dtype: 'float64' }).reshape(...y.sizes))
      const expected = loop(values, dy, [y.size(2), y.size(3)], windows)
      expect(list(y)).toEqual(expected.values)
      expect(list(F.maxPool2d(x.detach(), { ...options, kernelSize }))).toEqual(expected.values)
      expect(list(places)).toEqual(expected.places)
      expect(list(x.grad as Tensor)).toEqual(expected.dx)
    })
  }
})

/** The kinds of the instructions of a compiled function of x and its gradient, and the reductions among them. */
function programOf(f: (x: Tensor) => Tensor, sizes: readonly number[]): string {
  const x = randn([...sizes]).requiresGrad_()
  const dy = f(x.detach())
  const step = compile(() => grad(f(x), x, { gradOutputs: dy }))
  for (let i = 0; i < 3; i++) step()
  const text = String(step.explain())
  return text.slice(text.lastIndexOf('As it runs'))
}

describe('programs', () => {
  it('maxima of windows that are apart need no reduction, no scatter and no zeros', () => {
    const text = programOf((x) => F.maxPool2d(x, 2), [2, 3, 8, 8])
    expect(text).toContain('= map(')
    expect(text).not.toMatch(/ over \d|scatter|gather|pad\(|fill/)
  })

  it('overlapping ones are added at their places, and only those are computed', () => {
    const text = programOf((x) => F.maxPool2d(x, 3, 2), [2, 3, 9, 9])
    expect(text).not.toMatch(/ over \d|gather/)
    expect(text.match(/scatter\(/g)).toHaveLength(1)
  })

  it('means of few taps need no reduction', () => {
    expect(programOf((x) => F.avgPool2d(x, 2), [2, 3, 8, 8])).not.toMatch(/ over \d|scatter|fold/)
  })

  it('batch norm in evaluation is one product and one sum for each element', () => {
    const [mean, variance] = [randn(3), randn(3).abs()]
    const text = programOf((x) => F.batchNorm(x, mean, variance), [2, 3, 8, 8])
    const whole = text.split('\n').filter((line) => /^ *v\d+ float32\[2, 3, 8, 8\].*= map/.test(line))
    expect(whole.join('\n')).not.toMatch(/sqrt|div/)
  })
})

describe('gradients of norms are the same where they are recorded', () => {
  const ofChannels = (): Tensor[] => [1, 2].map(() => randn(4, { dtype: 'float64' }).requiresGrad_())
  const norms: Readonly<Record<string, (x: Tensor, weight: Tensor, bias: Tensor) => Tensor>> = {
    batch: (x, weight, bias) => F.batchNorm(x, null, null, { weight, bias, training: true }),
    instance: (x, weight, bias) => F.instanceNorm(x, { weight, bias }),
    group: (x, weight, bias) => F.groupNorm(x, 2, { weight, bias }),
    'group of channels of one element': (x, weight, bias) =>
      F.groupNorm(x.permute(0, 2, 3, 1).reshape(-1, 4), 2, { weight, bias }),
    layer: (x, weight, bias) => F.layerNorm(x.permute(0, 2, 3, 1), [4], { weight, bias }),
  }
  it.each(Object.keys(norms))('%s norm', (name) => {
    manualSeed(3)
    const x = randn(3, 4, 2, 3, { dtype: 'float64' }).requiresGrad_()
    const [weight, bias] = ofChannels()
    const y = norms[name](x, weight, bias)
    const dy = randn([...y.sizes], { dtype: 'float64' })
    const by = [x, weight, bias]
    const plain = grad(y, by, { gradOutputs: dy, retainGraph: true })
    const recorded = grad(y, by, { gradOutputs: dy, createGraph: true })
    for (const [i, g] of plain.entries()) {
      expect(g.requiresGrad).toBe(false)
      expect(recorded[i].requiresGrad || i === 2).toBe(true)
      const again = list(recorded[i])
      for (const [k, value] of list(g).entries()) expect(value).toBeCloseTo(again[k], 12)
    }
  })
})
