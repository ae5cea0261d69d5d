// Products on the GPU: every tile, every way to read its factors, sums in parts, edges. Factors are small integers, so
// results are exact, and must be those of the CPU; with other factors they have the same bits for every layout.
import { js } from '@flambeau/backend-js'
import { conv2d, full, manualSeed, matmul, randint, randn, type Tensor, useDevice } from '@flambeau/core'
import type { DType } from '@flambeau/core/backend'
import { expect } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { type CudaBackend, openCuda } from '../../src/cuda/index.ts'
import { shapeOf } from '../../src/cuda/plans/contract.ts'
import { cudaMissing } from './driver.ts'

let cuda: CudaBackend | undefined
const onCuda = (): void => void useDevice((cuda ??= openCuda(0)))
const it = (name: string, body: () => void): void => testWith('native', cudaMissing, name, body, 120_000)

const integers = (shape: number[], dtype: DType): Tensor => randint(-4, 5, shape).to(dtype)

/** A matrix in memory as its layout says: whole or with a part of a wider one, by rows or by columns. */
type Layout = 'rows' | 'columns' | 'part' | 'part of columns'
const layouts: readonly Layout[] = ['rows', 'columns', 'part', 'part of columns']
function laid(x: Tensor, layout: Layout): Tensor {
  const rank = x.dim()
  const turned = (y: Tensor): Tensor => y.transpose(rank - 2, rank - 1)
  if (layout === 'columns') return turned(turned(x).contiguous())
  if (layout === 'part of columns') return turned(laid(turned(x), 'part'))
  if (layout === 'rows') return x.contiguous()
  // An odd first element and odd rows: no vector is aligned. What lies around it spoils every sum.
  const wide = full([...x.shape.slice(0, -1), x.shape[rank - 1] + 3], Number.NaN).to(x.dtype)
  const part = wide.narrow(-1, 1, x.shape[rank - 1])
  part.copy_(x)
  return part
}

/** The product of the same factors on a device. */
function product(use: () => void, of: (integer: (shape: number[]) => Tensor) => Tensor, dtype: DType): number[] {
  use()
  manualSeed(1)
  return [...of((shape) => integers(shape, dtype)).toArray()]
}
const compare = (of: (integer: (shape: number[]) => Tensor) => Tensor, dtype: DType): void =>
  expect(product(onCuda, of, dtype)).toEqual(product(() => void useDevice(js()), of, dtype))

/** Shapes by the kernel that they choose: whole tiles, and such with edges and terms beyond the last step. */
const shapes: readonly [dtype: DType, batches: number, m: number, k: number, n: number, side: number][] = [
  ['float32', 128, 128, 16, 128, 128],
  ['float32', 129, 69, 9, 127, 128],
  ['float32', 33, 96, 32, 128, 64],
  ['float32', 43, 65, 17, 130, 64],
  ['float32', 2, 64, 96, 64, 32],
  ['float32', 3, 33, 45, 67, 32],
  ['float64', 32, 128, 16, 128, 64],
  ['float64', 43, 65, 19, 130, 64],
  ['float64', 3, 33, 45, 67, 32],
  ['int32', 32, 128, 32, 128, 64],
  ['int32', 43, 65, 17, 130, 64],
  ['int32', 3, 33, 45, 67, 32],
]
for (const [dtype, batches, m, k, n, side] of shapes)
  it(`${batches} products of ${m}x${k} and ${k}x${n}, ${dtype}, tiles of ${side}`, () => {
    expect(shapeOf(dtype, batches, m, n, k).side).toBe(side)
    compare((integer) => matmul(integer([batches, m, k]), integer([batches, k, n])), dtype)
  })

for (const dtype of ['float32', 'float64', 'int32', 'uint8'] as const) {
  for (const left of layouts)
    it(`a factor by ${left}, ${dtype}`, () => {
      for (const right of layouts)
        for (const [m, k, n] of [
          [68, 36, 40],
          [67, 37, 41],
        ])
          compare((integer) => matmul(laid(integer([m, k]), left), laid(integer([k, n]), right)), dtype)
    })
  it(`a batch that is broadcast, ${dtype}`, () =>
    compare((integer) => matmul(integer([3, 1, 37, 40]), integer([1, 2, 40, 36])), dtype))
  it(`a sum in parts, ${dtype}`, () => compare((integer) => matmul(integer([33, 1043]), integer([1043, 34])), dtype))
  it(`a column, ${dtype}`, () => compare((integer) => matmul(integer([700, 70]), integer([70, 1])), dtype))
  it(`an element for each thread, ${dtype}`, () => {
    compare((integer) => matmul(integer([7, 30]), integer([30, 9])), dtype)
    compare((integer) => matmul(integer([2, 1, 3, 5]), integer([4, 5, 2])), dtype)
    compare((integer) => matmul(integer([3, 1043]), integer([1043, 4])), dtype)
  })
}

it('convolutions', () => {
  compare((integer) => conv2d(integer([2, 6, 17, 18]), integer([10, 6, 3, 3]), null, { padding: 1 }), 'float32')
  compare(
    (integer) => conv2d(integer([2, 4, 16, 16]), integer([8, 2, 3, 3]), null, { stride: 2, groups: 2 }),
    'float64',
  )
})

it('the bits of a product follow from its shape, not from its layout', () => {
  onCuda()
  for (const [m, k, n] of [
    [5, 30, 6],
    [68, 600, 40],
    [70, 45, 36],
  ]) {
    const [a, b] = [randn([m, k]), randn([k, n])]
    const wanted = matmul(a, b).toArray()
    for (const left of layouts)
      for (const right of layouts) expect(matmul(laid(a, left), laid(b, right)).toArray()).toEqual(wanted)
  }
})
