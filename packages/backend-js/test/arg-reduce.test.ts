// argmax and argmin, eager and compiled, along every axis of layouts of all kinds: the first of equal elements wins,
// and NaN wins over numbers.
import { compile, type DType, type Tensor, tensor } from 'flambeau'
import { expect, it } from 'vitest'
import { onJs } from '../../backend-gpujs/test/running.ts'

const odd = [0, -0, 1, -1, NaN, Infinity, -Infinity, 2 ** 31 - 1, -(2 ** 31)]

/** The position of the extreme, by comparing one element after another. */
function placeOf(values: readonly number[], sign: number): number {
  let place = 0
  values.forEach((x, i) => {
    const best = values[place]
    if (!Number.isNaN(best) && (Number.isNaN(x) || sign * x > sign * best)) place = i
  })
  return place
}

/** The elements of each line along an axis, or all elements for null. */
function linesOf(x: Tensor, axis: number | null): readonly (readonly number[])[] {
  if (axis === null) return [[...x.flatten().toArray()]]
  const others = [...x.shape.keys()].filter((d) => d !== axis)
  return x
    .permute(...others, axis)
    .reshape(-1, x.shape[axis])
    .tolist() as number[][]
}

function checkAll(x: Tensor): void {
  for (const axis of [null, ...x.shape.keys()]) {
    const step = (): Tensor[] => [x.argmax(axis), x.argmin(axis)]
    const compiled = compile(step)
    compiled()
    const expected = [1, -1].map((sign) => linesOf(x, axis).map((line) => placeOf(line, sign)))
    for (const found of [step(), compiled()])
      expect(found.map((places) => [...places.flatten().toArray()])).toEqual(expected)
  }
}

const shapes = [[1], [5], [40], [3, 4], [40, 3], [4, 20], [2, 3, 4], [20, 2, 10], [3, 17, 5], [2, 1, 3, 4]]

it.each(['float32', 'float64', 'int32', 'uint8'] as const)('%s', (dtype: DType) => {
  const whole = dtype === 'int32' || dtype === 'uint8'
  const oddities = odd.filter((x) => !whole || (Number.isInteger(x) && (dtype === 'int32' || (x >= 0 && x < 256))))
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  for (const shape of shapes) {
    for (const often of [0, 2, 20]) {
      const length = shape.reduce((n, size) => n * size, 1)
      const values = Array.from({ length }, () =>
        random(often) === 0 ? oddities[random(oddities.length)] : random(9) / (whole ? 1 : 8),
      )
      const x = tensor(values, { dtype }).view(...shape)
      for (const view of [x, x.transpose(0, -1), x.narrow(0, shape[0] - 1, 1).expand(...shape)]) checkAll(view)
    }
  }
})

it('axes that do not ascend: the first of equal elements along them wins', () => {
  const data = Float32Array.of(0, 5, 0, 5, 0, 0)
  const view = { sizes: [2, 3], strides: [3, 1], offset: 0, dtype: 'float32' as const }
  const [places] = onJs({
    kind: 'argReduce',
    attrs: { fn: 'max', axes: [1, 0] },
    inputs: [{ data, view }],
    outputs: [{ sizes: [], dtype: 'int32' }],
  })
  expect([...places]).toEqual([1])
})
