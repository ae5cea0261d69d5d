// Maps in every mode against backend-js: random expressions, layouts and axes, reductions in stages, of no elements,
// and with a computation on the result, and checks.
import { type DType, type Expr, isFloat, type MapOut, numelOf, type ReduceFn, s } from '@flambeau/core/backend'
import { js, tensor, useDevice } from 'flambeau'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Gpujs, gpujs } from '../src/index.ts'
import { Dice, drawHeld, drawValue } from './drawn.ts'
import { found, glModes } from './each-mode.ts'
import { type Call, type Held, onBackend, onJs } from './running.ts'

type Build = (a: Expr, b: Expr) => Expr

/** Steps whose result on small integers and eighths is exact, or rounded once. */
const builds: { readonly [kind in 'float' | 'int' | 'any']: readonly Build[] } = {
  float: [s.div, s.mod, s.floorDiv, (a) => s.floor(a), (a) => s.ceil(a), (a) => s.trunc(a), (a) => s.rint(a)],
  int: [
    (a, b) => s.floorDiv(a, s.add(s.mul(b, b), 1)),
    (a, b) => s.mod(a, s.sub(s.neg(s.mul(b, b)), 1)),
    (a, b) => s.pow(s.sign(a), s.abs(b)),
    (a) => s.pow(s.mod(a, 5), 3),
  ],
  any: [
    s.add,
    s.sub,
    s.mul,
    s.min,
    s.max,
    (a) => s.neg(a),
    (a) => s.abs(a),
    (a) => s.sign(a),
    (a, b) => s.select(s.lt(a, b), a, b),
    (a, b) => s.select(s.and(s.ne(a, 0), s.not(s.eq(a, b))), b, 3),
    (a, b) => s.cast(s.or(s.ge(a, b), s.xor(s.gt(a, 1), s.le(b, 2))), a.dtype),
    (a, b) => s.fma(a, b, a),
  ],
}

/** The reductions that core uses: it casts bool to integers before it sums them. */
const reductions: Readonly<Record<DType, readonly ReduceFn[]>> = {
  float32: ['sum', 'prod', 'max', 'min'],
  float64: [],
  int32: ['sum', 'max', 'min'],
  uint8: ['sum', 'prod', 'max', 'min'],
  bool: ['max', 'min'],
}

const leaves: readonly DType[] = ['float32', 'int32', 'uint8', 'bool']

/** A random expression of a dtype over one input of each dtype; integers stay small. */
function drawExpr(dice: Dice, dtype: DType, depth: number): Expr {
  if (depth === 0)
    return dice.int(0, 3) === 0
      ? s.constant(dice.int(0, dtype === 'bool' ? 1 : 3), dtype)
      : s.input(leaves.indexOf(dtype), dtype)
  const from = dice.int(0, 3) === 0 ? dice.one(leaves) : dtype
  // A truncated float may have any value, so nothing computes with it.
  if (from !== dtype && !(dtype === 'int32' && from === 'float32')) {
    return s.cast(drawExpr(dice, from, depth - 1), dtype)
  }
  const [a, b] = [0, 1].map(() => drawExpr(dice, dtype, dice.int(0, depth - 1)))
  if (dtype === 'bool') return dice.one<Build>([s.and, s.or, s.xor, (x) => s.not(x), s.add, s.mul, s.max, s.min])(a, b)
  const made = dice.one([...builds.any, ...builds.any, ...builds[isFloat(dtype) ? 'float' : 'int']])(a, b)
  return dtype === 'int32' ? s.mod(made, 50) : made
}

function compare(device: Gpujs, call: Call, tolerance = 0): void {
  const wanted = onJs(call)
  onBackend(device, call).forEach((values, k) => {
    expect(values.length).toBe(wanted[k].length)
    values.forEach((value, i) => {
      const want = wanted[k][i]
      // Infinities and computations with them differ on a GPU.
      if (!Number.isFinite(want) || Math.abs(value - want) <= tolerance * Math.max(1, Math.abs(want))) return
      expect({ at: i, value, call }).toEqual({ at: i, value: want, call })
    })
  })
}

const held = (data: Held['data'], shape: readonly number[], strides: readonly number[], offset = 0): Held => ({
  data,
  view: { sizes: shape, strides, offset, dtype: data instanceof Int32Array ? 'int32' : 'float32' },
})

/** A map of one output. */
const mapOf = (out: MapOut, inputs: Call['inputs'], shape: readonly number[], check?: Call['check']): Call => ({
  kind: 'map',
  attrs: { outs: [out] },
  inputs,
  outputs: [{ sizes: shape, dtype: out.expr.dtype }],
  check,
})

const floats = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => ((i * 7919) % 23) - 11)
const x = s.input(0, 'float32')

describe.each(found)('maps on %s', (mode) => {
  let device: Gpujs
  beforeAll(async () => {
    device = await gpujs({ mode })
  })
  const runs = (glModes as readonly string[]).includes(mode) ? 30 : 200

  it('random expressions of every dtype', () => {
    for (let seed = 1; seed <= runs; seed++) {
      const dice = new Dice(seed * 104729)
      const dtype = dice.one(leaves)
      const shape = dice.shape(0, 3, 0, 4)
      const expr = drawExpr(dice, dtype, 4)
      const inputs = leaves.map((leaf) => {
        const scalar = { value: drawValue(dice, leaf), dtype: leaf }
        return dice.int(0, 4) === 0 ? scalar : drawHeld(dice, shape, leaf)
      })
      // At least one view must give the shape.
      if (!inputs.some((input) => 'data' in input)) inputs[0] = drawHeld(dice, shape, 'float32')
      // Quotients are rounded twice here, and once on js.
      compare(device, mapOf({ expr }, inputs, shape), isFloat(dtype) ? 1e-6 : 0)
    }
  })

  it('random reductions over random axes', () => {
    for (let seed = 1; seed <= runs; seed++) {
      const dice = new Dice(seed * 15485863)
      const dtype = dice.one(leaves)
      const shape = dice.shape(1, 4, 0, 5)
      const axes = shape.map((_, axis) => axis).filter(() => dice.int(0, 1) === 0)
      const fn = dice.one(reductions[dtype])
      const expr = s.max(s.input(0, dtype), s.input(1, dtype))
      const post = isFloat(dtype) && dice.int(0, 1) === 0 ? s.mul(s.input(0, dtype), 0.25) : undefined
      const kept = shape.filter((_, axis) => !axes.includes(axis))
      const inputs = [drawHeld(dice, shape, dtype), drawHeld(dice, shape, dtype)]
      if (axes.length === 0 || (dtype === 'int32' && fn !== 'sum' && numelOf(shape) === 0)) continue
      compare(device, mapOf({ expr, reduce: { fn, axes, post } }, inputs, kept), 1e-5)
    }
  })

  const sizes: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[1024], [0]],
    [[1025], [0]],
    [[3, 5000], [1]],
    [[5000, 3], [0]],
    [
      [40, 3, 60],
      [0, 2],
    ],
    [
      [1500, 2, 4],
      [0, 2],
    ],
    [[1100000], [0]],
  ]
  it.each(sizes)('reduces %j over %j in stages', (shape, axes) => {
    const kept = shape.filter((_, axis) => !axes.includes(axis))
    const strides = shape.map((_, axis) => numelOf(shape.slice(axis + 1)))
    const input = held(floats(numelOf(shape)), shape, strides)
    for (const fn of ['sum', 'max', 'min'] as const) {
      const post = s.add(x, 1)
      compare(device, mapOf({ expr: s.add(x, 0.5), reduce: { fn, axes, post } }, [input], kept), 0)
    }
  })

  it('sums with a small error', () => {
    const data = Float32Array.from({ length: 200000 }, (_, i) => 1 / (1 + (i % 1000)))
    const call = mapOf({ expr: x, reduce: { fn: 'sum', axes: [0] } }, [held(data, [data.length], [1])], [])
    compare(device, call, 2e-7)
  })

  it('returns the identity for reductions of no elements', () => {
    const nothing = held(new Float32Array(0), [0, 2], [2, 1])
    const expected = { sum: 0, prod: 1, max: -Infinity, min: Infinity } as const
    for (const fn of ['sum', 'prod', 'max', 'min'] as const) {
      const [got] = onBackend(device, mapOf({ expr: x, reduce: { fn, axes: [0] } }, [nothing], [2]))
      expect([...got], fn).toEqual([expected[fn], expected[fn]])
    }
    const [empty] = onBackend(device, mapOf({ expr: x, reduce: { fn: 'sum', axes: [1] } }, [nothing], [0]))
    expect(empty.length).toBe(0)
  })

  it('distinguishes indices up to 2^24', () => {
    const n = 2 ** 24
    // The last element of a row shows the row's position: rows of 3 elements, and one more element.
    const row = held(new Float32Array([0, 0, 1]), [(n - 1) / 3, 3], [0, 1])
    const call = mapOf({ expr: x, reduce: { fn: 'sum', axes: [0] } }, [row], [3])
    expect([...onBackend(device, call)[0]]).toEqual([0, 0, (n - 1) / 3])
  })

  it('throws the error of a failed map check at the next read', async () => {
    const error = (): Error => new RangeError('a zero')
    const check = { expr: s.eq(x, 0), error }
    const call = (data: readonly number[]) =>
      mapOf({ expr: s.div(1, x) }, [held(new Float32Array(data), [data.length], [1])], [data.length], check)
    expect([...onBackend(device, call([1, 2, 4]))[0]]).toEqual([1, 0.5, 0.25])
    expect(() => onBackend(device, call([1, 0, 4]))).toThrow('a zero')
    expect(onBackend(device, call([]))[0].length).toBe(0)
    await device.sync()
  })

  it('truncates floats, and computes with the results once their bound is measured', () => {
    const cut = { expr: s.cast(x, 'int32') }
    const data = new Float32Array([2.7, -2.7, 3e9, -5e9, Number.NaN, Number.POSITIVE_INFINITY, 1e7 + 1])
    compare(device, mapOf(cut, [held(data, [data.length], [1])], [data.length]))
    useDevice(device)
    const whole = tensor([1.5, -2.5, 1e6]).to('int32')
    const { readbacks } = device.report()
    expect(whole.mul(2).add(whole).tolist()).toEqual([3, -6, 3e6])
    if (device.report().renderer !== 'the host') expect(device.report().readbacks - readbacks).toBe(2)
    expect(tensor([3e9, 2]).to('int32').add(1).tolist()).toEqual([-1294967295, 3])
    useDevice(js())
  })

  it('detects NaN and infinities', () => {
    const data = new Float32Array([0, -1, 3e38, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const expr of [s.isnan(x), s.isfinite(x)]) compare(device, mapOf({ expr }, [held(data, [6], [1])], [6]))
  })

  it('does not support steps in float64', () => {
    const expr = s.cast(s.exp(s.cast(x, 'float64')), 'float32')
    expect(() => onBackend(device, mapOf({ expr }, [held(floats(2), [2], [1])], [2]))).toThrow('does not run this map')
  })

  it('counts along an axis', () => {
    for (const [shape, axis] of [
      [[5], 0],
      [[3, 4, 2], 0],
      [[3, 4, 2], 1],
      [[3, 4, 2], 2],
      [[3, 1], 1],
      [[0, 2], 1],
    ] as const) {
      compare(device, { kind: 'iota', attrs: { axis }, inputs: [], outputs: [{ sizes: shape, dtype: 'int32' }] })
    }
  })

  it('does not write numbers into kernel texts', () => {
    const call = (value: number, offset: number): Call =>
      mapOf(
        { expr: s.mul(x, s.input(1, 'float32')) },
        [held(floats(9), [2, 2], [4, 2], offset), { value, dtype: 'float32' }],
        [2, 2],
      )
    compare(device, call(2, 1))
    const { compilations } = device.report()
    compare(device, call(0.1, 2))
    compare(device, call(Number.NaN, 1))
    expect(device.report().compilations).toBe(compilations)
  })
})
