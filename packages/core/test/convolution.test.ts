// The instructions of a convolution: one contraction for each direction, of windows that are views. The conformance
// suite compares the numbers with PyTorch's and checks the gradients.
import { js } from '@flambeau/backend-js'
import {
  cat,
  compile,
  F,
  grad,
  gradcheck,
  gradgradcheck,
  manualSeed,
  ones,
  rand,
  randn,
  type Tensor,
  useDevice,
} from '@flambeau/core'
import type { Instr } from '@flambeau/core/backend'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { windowOp } from '../src/ops/views/windows.ts'
import { apply } from '../src/tensor/apply.ts'
import { Seen } from './limited.ts'

const seen = new Seen()
beforeEach(() => void useDevice(seen))
afterEach(() => void useDevice(js()))

const kindsOf = (call: () => unknown): readonly string[] => seen.of(call).map(({ kind }) => kind)

type Options = NonNullable<Parameters<typeof F.conv2d>[2]>
const cases: readonly [
  name: string,
  input: number[],
  weight: number[],
  options: Options,
  kinds: readonly (readonly string[])[],
][] = [
  ['without padding', [2, 3, 8, 8], [4, 3, 3, 3], {}, [['contract'], ['pad', 'contract'], ['contract']]],
  [
    'with padding',
    [2, 3, 8, 8],
    [4, 3, 3, 3],
    { padding: 1 },
    [
      ['pad', 'contract'],
      ['pad', 'contract'],
      ['pad', 'contract'],
    ],
  ],
  ['with a kernel of one element', [2, 3, 8, 8], [4, 3, 1, 1], {}, [['contract'], ['contract'], ['contract']]],
  [
    'with groups and dilation',
    [2, 4, 9, 9],
    [4, 2, 3, 3],
    { groups: 2, dilation: 2 },
    [['contract'], ['pad', 'contract'], ['contract']],
  ],
  // By the input, phase by phase of the stride: the weight is padded with zeros where a phase has fewer taps, and the
  // phases are put in order.
  [
    'with a stride',
    [2, 3, 8, 8],
    [4, 3, 3, 3],
    { stride: 2, padding: 1 },
    [
      ['pad', 'contract'],
      ['pad', 'pad', 'contract', 'map'],
      ['pad', 'contract'],
    ],
  ],
  // Where phases have many sums, each is a contraction of its own, which meets no zeros.
  [
    'with a stride and many channels',
    [2, 16, 16, 16],
    [64, 16, 3, 3],
    { stride: 2, padding: 1 },
    [
      ['pad', 'contract'],
      ['pad', 'contract', 'contract', 'contract', 'contract', 'concat', 'map'],
      ['pad', 'contract'],
    ],
  ],
  // By the input, tap by tap of the first dimension: sums over all taps would mostly run over zeros.
  [
    'with a kernel almost as large as its input',
    [2, 2, 8, 8],
    [4, 2, 5, 5],
    {},
    [['contract'], ['pad', 'contract', 'fold'], ['contract']],
  ],
  // Elements that no weight belongs to stay zero.
  [
    'with a kernel of one element and a stride',
    [2, 3, 8, 8],
    [4, 3, 1, 1],
    { stride: 2 },
    [['contract'], ['contract', 'fold'], ['contract']],
  ],
]

describe('a convolution', () => {
  it.each(cases)(
    '%s is one contraction, and each of its gradients',
    (_, input, weight, options, [forward, byInput, byWeight]) => {
      const call = (requiresGrad: readonly boolean[]): [Tensor, Tensor, Tensor] => {
        const [x, w] = [input, weight].map((sizes, i) => ones(...sizes, { requiresGrad: requiresGrad[i] }))
        return [x, w, F.conv2d(x, w, options as never)]
      }
      const [x, w] = call([false, false])
      expect(kindsOf(() => F.conv2d(x, w, options as never))).toEqual(forward)
      const backward = (i: 0 | 1): readonly string[] => {
        const made = call([i === 0, i === 1])
        const dy = ones(...made[2].sizes)
        return kindsOf(() => grad(made[2], made[i], { gradOutputs: dy }))
      }
      expect(backward(0)).toEqual(byInput)
      expect(backward(1)).toEqual(byWeight)
    },
  )

  it('reads windows, not copies of them', () => {
    const instrs = seen.of(() => F.conv2d(ones(2, 3, 8, 8), ones(4, 3, 3, 3)))
    const instr = instrs.find(({ kind }) => kind === 'contract') as Instr<'contract'>
    const [weight, windows] = instr.inputs
    expect([weight.sizes, weight.strides]).toEqual([
      [2, 4, 3, 3, 3],
      [0, 27, 9, 3, 1],
    ])
    expect([windows.sizes, windows.strides]).toEqual([
      [2, 3, 3, 3, 6, 6],
      [192, 64, 8, 1, 8, 1],
    ])
    expect(windows.buffer.length).toBe(2 * 3 * 8 * 8)
  })

  it('adds its bias before the sum is stored, and a compiled step also applies what follows', () => {
    const [x, w, bias] = [ones(2, 3, 8, 8), ones(4, 3, 3, 3), ones(4)]
    expect(kindsOf(() => F.conv2d(x, w, bias))).toEqual(['contract'])
    useDevice(js())
    const [image, weight, added] = [randn(2, 3, 8, 8), randn(4, 3, 3, 3), randn(4)]
    const step = compile(() => F.conv2d(image, weight, added).relu())
    const eager = F.conv2d(image, weight, added).relu().toNested()
    for (let i = 0; i < 4; i++) expect(step().toNested()).toEqual(eager)
    const text = step.explain()
    const last = text.slice(text.indexOf('As it runs:'))
    expect(last).toMatch(/As it runs: 1 instruction/)
    expect(last).toMatch(/contract\(.*# convolution\+relu/)
  })

  it('is named as PyTorch names it', () => {
    const [x, w] = [ones(2, 3, 8, 8, { requiresGrad: true }), ones(4, 3, 3, 3)]
    expect(F.conv2d(x, w).gradFn?.name).toBe('ConvolutionBackward0')
    expect(F.conv2d(x.select(0, 0), w).gradFn?.name).toBe('SqueezeBackward1')
    expect(F.convTranspose2d(x, ones(3, 2, 3, 3)).gradFn?.name).toBe('ConvolutionBackward0')
    expect(F.convTranspose2d(x, ones(3, 2, 3, 3), ones(2)).gradFn?.name).toBe('ConvolutionBackward0')
    expect(F.conv2d(x, w).isContiguous()).toBe(true)
  })
})

const tall: readonly [input: number[], weight: number[], options: { groups?: number; dilation?: number }][] = [
  [[2, 6, 14, 14], [16, 6, 5, 5], {}],
  [[3, 4, 9], [16, 2, 4], { groups: 2, dilation: 2 }],
  [[1, 4, 9, 7, 3], [6, 2, 5, 3, 2], { groups: 2 }],
]

test.each(tall)('by the input, tap by tap: %j by %j, %j', (input, weight, options) => {
  manualSeed(1)
  const [groups, dilation] = [options.groups ?? 1, options.dilation ?? 1]
  const [rows, channels, ...kernel] = weight
  const convolve = [F.conv1d, F.conv2d, F.conv3d][kernel.length - 1] as typeof F.conv2d
  const made = (): [x: Tensor, w: Tensor, y: Tensor, dy: Tensor] => {
    const [x, w] = [input, weight].map((sizes) => randn(sizes, { dtype: 'float64', requiresGrad: true }))
    const y = convolve(x, w, options as never)
    return [x, w, y, randn(y.sizes, { dtype: 'float64' })]
  }
  const [seenX, , seenY, seenDy] = made()
  expect(kindsOf(() => grad(seenY, seenX, { gradOutputs: seenDy }))).toContain('fold')
  useDevice(js())
  const [x, w, y, dy] = made()
  const [dx] = grad(y, x, { gradOutputs: dy })
  // The same by the forward pass: the padded gradient by the reversed kernel.
  const turned = w
    .detach()
    .reshape(groups, rows / groups, channels, ...kernel)
    .transpose(1, 2)
    .reshape(groups * channels, rows / groups, ...kernel)
    .flip(...kernel.map((_, i) => i + 2))
  const around = [...kernel].reverse().flatMap((k) => [dilation * (k - 1), dilation * (k - 1)])
  const expected = convolve(F.pad(dy, around), turned, options as never)
  expect(dx.abs().max().item()).toBeGreaterThan(1)
  expect(dx.sub(expected).abs().max().item()).toBeLessThan(1e-12)
})

const wide: readonly [input: number[], weight: number[], options: Options][] = [
  [[1, 16, 37, 38], [16, 16, 3, 3], { stride: 2, padding: 1 }],
  [[2, 16, 44, 28], [16, 16, 5, 3], { stride: [3, 2], padding: [0, 1] }],
  [[1, 32, 38, 55], [32, 16, 3, 4], { stride: [1, 3], padding: [1, 3], groups: 2 }],
  [[1, 16, 40, 57], [24, 16, 3, 3], { stride: 2, dilation: [1, 2] }],
]

test.each(wide)('by the input, phase by phase: %j by %j, %j', (input, weight, options) => {
  useDevice(js())
  manualSeed(3)
  // Small integers, so that sums are exact in any order.
  const small = (sizes: readonly number[]): Tensor => rand(sizes).mul(7).floor().sub(3)
  const [x, w] = [small(input).requiresGrad_(), small(weight)]
  const y = F.conv2d(x, w, options)
  const dy = small(y.sizes)
  const [dx] = grad(y, x, { gradOutputs: dy })
  // Half of the channels: few enough for the phases to be rows of one contraction.
  const groups = (options as { groups?: number }).groups ?? 1
  const [n, , ...image] = input
  const halves = x.detach().view(n, groups, 2, 8, ...image)
  const parts = [0, 1].map((half) => {
    const some = halves
      .select(2, half)
      .reshape(n, groups * 8, ...image)
      .requiresGrad_()
    const of = F.conv2d(some, w.narrow(1, 8 * half, 8), options)
    return grad(of, some, { gradOutputs: dy })[0].view(n, groups, 1, 8, ...image)
  })
  expect(dx.equal(cat(parts, 2).view(input))).toBe(true)
  useDevice(seen)
  const kinds = (channels: number): readonly string[] => {
    const [some, of] = [
      ones(n, channels * groups, ...image, { requiresGrad: true }),
      ones(weight[0], channels, ...weight.slice(2)),
    ]
    const z = F.conv2d(some, of, options)
    return kindsOf(() => grad(z, some, { gradOutputs: ones(z.sizes) }))
  }
  expect(kinds(16)).toContain('concat')
  expect(kinds(8)).not.toContain('concat')
})

test('the gradient of a window adds up what was read from each element', () => {
  useDevice(js())
  manualSeed(2)
  const x = rand(2, 7, { dtype: 'float64', requiresGrad: true })
  const taken = (t: Tensor): Tensor =>
    apply(windowOp, [t], {
      axes: [
        { size: 3, dim: -1, step: 0 },
        { size: 2, dim: 0, step: 1 },
        { size: 3, dim: 1, step: -1 },
        { size: 3, dim: 1, step: 2 },
      ],
      start: [0, 2],
    }).square()
  expect(gradcheck(taken, [x])).toBe(true)
  expect(gradgradcheck(taken, [x])).toBe(true)
})
