// Random instructions of all kinds except maps: shapes, layouts, dtypes and attributes.
import { contiguousStrides, type DType, newArray, numelOf, type Prims, s, type Shape } from '@flambeau/core/backend'
import type { Call, Held } from './running.ts'

/** Random integers in a range from a seed, so that a failure can be repeated. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  int(min: number, max: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return min + Math.floor((this.#state / 2 ** 32) * (max - min + 1))
  }

  one<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]
  }

  shape(minRank: number, maxRank: number, minSize = 0, maxSize = 4): number[] {
    return Array.from({ length: this.int(minRank, maxRank) }, () => this.int(minSize, maxSize))
  }
}

export const drawValue = (dice: Dice, dtype: DType): number =>
  dtype === 'bool'
    ? dice.int(0, 1)
    : dtype === 'uint8'
      ? dice.int(0, 255)
      : dtype === 'int32'
        ? dice.int(-9, 9)
        : dice.int(-40, 40) / 8

/** Elements of a shape in a buffer: row-major, transposed, reversed, with gaps, or repeated along a dimension. */
export function drawHeld(dice: Dice, shape: Shape, dtype: DType, element = () => drawValue(dice, dtype)): Held {
  const rank = shape.length
  const order = shape.map((_, d) => d)
  if (dice.int(0, 2) === 0) order.sort(() => dice.int(0, 1) - 0.5)
  const gap = dice.one([1, 1, 2])
  const repeated = rank > 0 && dice.int(0, 4) === 0 ? dice.int(0, rank - 1) : -1
  const strides = new Array<number>(rank).fill(0)
  let step = gap
  for (const d of [...order].reverse()) {
    if (d === repeated) continue
    strides[d] = step
    step *= Math.max(shape[d], 1)
  }
  let offset = dice.one([0, 0, 1, 3])
  const length = numelOf(shape) === 0 ? dice.int(0, 3) : offset + step + dice.int(0, 2)
  shape.forEach((size, d) => {
    if (size < 2 || dice.int(0, 5) > 0) return
    offset += (size - 1) * strides[d]
    strides[d] = -strides[d]
  })
  const data = newArray(dtype, length)
  for (let i = 0; i < length; i++) data[i] = element()
  return { data, view: { sizes: shape, strides, offset, dtype } }
}

const dtypes: readonly DType[] = ['float32', 'float32', 'float32', 'int32', 'uint8']
const insert = (list: readonly number[], at: number, by: number): number[] => list.map((x, i) => (i === at ? by : x))

/** Elements of a shape under any strides, those of windows among them: overlapping, repeated, reversed. */
function drawWindows(dice: Dice, shape: Shape, dtype: DType, element: () => number): Held {
  const rows = contiguousStrides(shape)
  const strides = shape.map((_, d) => dice.one([rows[d], rows[d], -rows[d], 0, 1, 2, 3]))
  const reach = (sign: 1 | -1): number =>
    strides.reduce((sum, step, d) => sum + Math.max(0, sign * step) * Math.max(0, shape[d] - 1), 0)
  const offset = reach(-1) + dice.int(0, 2)
  const data = newArray(dtype, offset + reach(1) + 1)
  for (let i = 0; i < data.length; i++) data[i] = element()
  return { data, view: { sizes: shape, strides, offset, dtype } }
}

export const drawn: { readonly [kind: string]: (dice: Dice, most?: number) => Call } = {
  contract: (dice, most = 5) => {
    const dtype = dice.one(dtypes)
    const batch = dice.shape(0, 2, 0, 3)
    const [m, k, n] = [dice.int(0, most), dice.int(0, most), dice.int(0, most)]
    const small = () => (dtype === 'uint8' ? dice.int(0, 9) : drawValue(dice, dtype))
    return {
      kind: 'contract',
      attrs: { batch: batch.length, sum: 1 },
      inputs: [drawHeld(dice, [...batch, m, k], dtype, small), drawHeld(dice, [...batch, k, n], dtype, small)],
      outputs: [{ sizes: [...batch, m, n], dtype }],
    }
  },
  /** Several axes a class, none among them, under any strides. */
  contractions: (dice) => {
    const dtype = dice.one(dtypes)
    const [batch, rows, sum, columns] = [0, 1, 2, 3].map(() => dice.shape(0, 3, 0, 3))
    const small = () => (dtype === 'uint8' ? dice.int(0, 9) : drawValue(dice, dtype))
    const sizes = [...batch, ...rows, ...columns]
    const x = s.input(0, dtype)
    const post = dice.int(0, 1) === 0 ? undefined : s.sub(s.input(1, dtype), x)
    return {
      kind: 'contract',
      attrs: { batch: batch.length, sum: sum.length, ...(post && { post }) },
      inputs: [
        drawWindows(dice, [...batch, ...rows, ...sum], dtype, small),
        drawWindows(dice, [...batch, ...sum, ...columns], dtype, small),
        ...(post === undefined ? [] : [drawWindows(dice, sizes, dtype, small)]),
      ],
      outputs: [{ sizes, dtype }],
    }
  },
  concat: (dice, most = 20) => {
    const dtype = dice.one(dtypes)
    const shape = dice.shape(1, 3, 0, 3)
    const axis = dice.int(0, shape.length - 1)
    const inputs = Array.from({ length: dice.int(1, most) }, () =>
      drawHeld(dice, insert(shape, axis, dice.int(0, 3)), dtype),
    )
    const size = inputs.reduce((sum, x) => sum + x.view.sizes[axis], 0)
    return { kind: 'concat', attrs: { axis }, inputs, outputs: [{ sizes: insert(shape, axis, size), dtype }] }
  },
  pad: (dice) => {
    const dtype = dice.one(dtypes)
    const shape = dice.shape(0, 4)
    const amounts = () => shape.map(() => dice.one([0, 0, 1, 3]))
    const attrs = { low: amounts(), high: amounts(), value: drawValue(dice, dtype) }
    return {
      kind: 'pad',
      attrs,
      inputs: [drawHeld(dice, shape, dtype)],
      outputs: [{ sizes: shape.map((n, d) => attrs.low[d] + n + attrs.high[d]), dtype }],
    }
  },
  assign: (dice) => {
    const dtype = dice.one(dtypes)
    const shape = dice.shape(0, 3)
    // A box of the base, with some dimensions strided, reversed, or permuted.
    const strides = contiguousStrides(shape)
    let offset = 0
    let dims = shape.map((size, d) => {
      const step = dice.one([1, 1, 2])
      const start = dice.int(0, Math.max(size - 1, 0))
      const count = Math.min(dice.int(0, 3), Math.ceil((size - start) / step))
      const back = dice.int(0, 3) === 0
      offset += (start + (back ? Math.max(count - 1, 0) * step : 0)) * strides[d]
      return { size: count, stride: strides[d] * step * (back ? -1 : 1) }
    })
    if (dice.int(0, 1) === 0) dims = dims.reverse()
    if (shape.length === 2 && dice.int(0, 3) === 0) {
      dims = [{ size: Math.min(shape[0], shape[1]), stride: strides[0] + strides[1] }]
      offset = 0
    }
    const region = { sizes: dims.map((x) => x.size), strides: dims.map((x) => x.stride), offset }
    return {
      kind: 'assign',
      attrs: { region },
      inputs: [drawHeld(dice, shape, dtype), drawHeld(dice, region.sizes, dtype)],
      outputs: [{ sizes: shape, dtype }],
    }
  },
  fold: (dice) => {
    // Windows, repetitions and gaps: any strides whose positions lie in the output.
    const shape = dice.shape(0, 4)
    const out = dice.shape(1, 2, 1, 3)
    const axes = out.map(() => [] as { in: number; step: number }[])
    const extent = out.map(() => 1)
    const offset = out.map(() => 0)
    shape.forEach((size, d) => {
      const axis = dice.int(0, out.length - 1)
      const step = dice.one([0, 1, 1, 2, 3, -1, -2])
      axes[axis].push({ in: d, step })
      extent[axis] += Math.max(size - 1, 0) * Math.abs(step)
      if (step < 0) offset[axis] += Math.max(size - 1, 0) * -step
    })
    out.forEach((extra, axis) => {
      offset[axis] += extra - 1
      out[axis] = extent[axis] + offset[axis] + extra
    })
    return {
      kind: 'fold',
      attrs: { out, offset, axes },
      inputs: [drawHeld(dice, shape, 'float32')],
      outputs: [{ sizes: out, dtype: 'float32' }],
    }
  },
  gather: (dice) => {
    const dtype = dice.one(dtypes)
    const shape = dice.shape(1, 3, 0, 4)
    const axis = dice.int(0, shape.length - 1)
    const out = insert(shape, axis, shape[axis] === 0 ? 0 : dice.int(0, 5))
    const source = drawHeld(dice, shape, dtype)
    const index = drawHeld(dice, out, 'int32', () => dice.int(0, Math.max(shape[axis] - 1, 0)))
    return { kind: 'gather', attrs: { axis }, inputs: [source, index], outputs: [{ sizes: out, dtype }] }
  },
  scatter: (dice) => {
    const fn = dice.one<Prims['scatter']['fn']>(['set', 'add', 'prod', 'max', 'min'])
    const dtype = dice.one(dtypes)
    const shape = dice.shape(1, 3, 0, 4)
    const axis = dice.int(0, shape.length - 1)
    const smaller = shape.map((n) => dice.int(Math.max(n - 1, 0), n))
    const out = insert(smaller, axis, shape[axis] === 0 ? 0 : dice.int(0, 5))
    const index = drawHeld(dice, out, 'int32', () => dice.int(0, Math.max(shape[axis] - 1, 0)))
    const element = fn === 'prod' && dtype === 'int32' ? () => dice.int(-3, 3) : undefined
    return {
      kind: 'scatter',
      attrs: { axis, fn },
      inputs: [drawHeld(dice, shape, dtype, element), index, drawHeld(dice, out, dtype, element)],
      outputs: [{ sizes: shape, dtype }],
    }
  },
  argReduce: (dice, most = 4) => {
    const dtype = dice.one(dtypes)
    const shape = dice.shape(0, 4, 1, most)
    const axes = shape.map((_, d) => d).filter(() => dice.int(0, 1) === 0)
    if (dice.int(0, 1) === 0) axes.reverse()
    const attrs = { fn: dice.one(['max', 'min'] as const), axes }
    const out = shape.filter((_, d) => !axes.includes(d))
    return {
      kind: 'argReduce',
      attrs,
      inputs: [drawHeld(dice, shape, dtype)],
      outputs: [{ sizes: out, dtype: 'int32' }],
    }
  },
  scan: (dice, most = 5) => {
    const dtype = dice.one<DType>(['float32', 'float32', 'int32'])
    const shape = dice.shape(0, 3, 0, 3)
    const axis = dice.int(0, Math.max(shape.length - 1, 0))
    if (shape.length > 0) shape[axis] = dice.int(0, most)
    const fn = dice.one(['sum', 'prod', 'max', 'min'] as const)
    const small = () =>
      fn === 'prod' ? dice.one(dtype === 'int32' ? [1, 1, -1] : [0.5, 1, 1, 2, -1]) : drawValue(dice, dtype)
    return {
      kind: 'scan',
      attrs: { axis, fn },
      inputs: [drawHeld(dice, shape, dtype, small)],
      outputs: [{ sizes: shape, dtype }],
    }
  },
}
