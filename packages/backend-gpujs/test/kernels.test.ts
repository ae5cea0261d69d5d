// Plans of all kinds except maps, against backend-js: random instructions, sizes that need several stages, checks, and
// kernels shared by many plans.
import {
  type DType,
  type Expr,
  type Kind,
  numelOf,
  type Prims,
  s,
  type Spec,
  type TypedArray,
} from '@flambeau/core/backend'
import { js } from '@flambeau/backend-js'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Gpujs, gpujs } from '../src/index.ts'
import type { Planner } from '../src/plan.ts'
import { Plans } from '../src/planned.ts'
import { argReduce } from '../src/plans/arg-reduce.ts'
import { fold } from '../src/plans/fold.ts'
import { gather, scatter } from '../src/plans/gather.ts'
import * as planning from '../src/plans/index.ts'
import { contract } from '../src/plans/matmul.ts'
import { assign, concat, pad } from '../src/plans/move.ts'
import { scan } from '../src/plans/scan.ts'
import { Dice, drawHeld, drawn } from './drawn.ts'
import { found } from './each-mode.ts'
import { type Call, type Held, instrOn, isHeld, onBackend, onJs } from './running.ts'

const kinds = { argReduce, assign, concat, contract, fold, gather, pad, scan, scatter }
const plannerOf = (kind: Kind): Planner => kinds[kind as keyof typeof kinds] as unknown as Planner

/** A row-major tensor of numbers. */
const held = (values: ArrayLike<number>, shape: readonly number[], dtype: DType = 'float32'): Held => {
  const data = dtype === 'float32' ? Float32Array.from(values) : Int32Array.from(values)
  const strides = shape.map((_, d) => numelOf(shape.slice(d + 1)))
  return { data, view: { sizes: shape, strides, offset: 0, dtype } }
}
/** The largest absolute value, at least `least`. */
const largest = (values: TypedArray, least: number): number => {
  let most = least
  for (const x of values) most = Math.max(most, Math.abs(x))
  return most
}
const spec = (shape: readonly number[], dtype: DType = 'float32'): Spec => ({ sizes: shape, dtype })

describe.each(found)('%s', (mode) => {
  let device: Gpujs
  beforeAll(async () => {
    device = await gpujs({ mode })
  })
  const onGpu = mode === 'webgl2' || mode === 'headlessgl'

  /** Runs a call both ways; `tolerance` is relative to the largest element. */
  function compare(call: Call, tolerance = 1e-6): void {
    const expected = onJs(call)
    const made = onBackend(device, call)
    expect(made.map((x) => x.length)).toEqual(expected.map((x) => x.length))
    made.forEach((values, k) => {
      const wanted = expected[k]
      const close = tolerance * largest(wanted, 1)
      const at = values.findIndex((x, i) => !Object.is(x, wanted[i]) && !(Math.abs(x - wanted[i]) <= close))
      if (at < 0) return
      const views = call.inputs.map((x) => (isHeld(x) ? x.view : x))
      expect({ at, value: values[at] }, JSON.stringify({ ...call, inputs: views })).toEqual({ at, value: wanted[at] })
    })
  }

  // All modes have the same plans; software GL compiles a shader for nearly every run.
  const runs = onGpu ? 12 : 150
  it.each(Object.keys(drawn))('%s in random instructions', (kind) => {
    for (let seed = 1; seed <= runs; seed++) compare(drawn[kind](new Dice(seed * 7919)))
  })

  const dice = new Dice(5)
  const random = (...shape: number[]): Held => drawHeld(dice, shape, 'float32')
  const product = (a: Held, b: Held, post: Partial<Prims['contract']> = {}, others: Call['inputs'] = []): Call => {
    const shape = [...a.view.sizes.slice(0, -1), b.view.sizes.at(-1) as number]
    const attrs: Prims['contract'] = { batch: shape.length - 2, sum: 1, ...post }
    return { kind: 'contract', attrs, inputs: [a, b, ...others], outputs: [spec(shape, a.view.dtype)] }
  }

  it.each([
    [1, 5000, 1],
    [3, 1025, 2],
    [2, 140_000, 1],
    [3, 700, 5],
    [70, 129, 80],
    [65, 1500, 64],
    [160, 129, 128],
  ])('products of %d by %d by %d', (m, k, n) => {
    compare(product(random(m, k), random(k, n)), 2e-6)
  })

  it('products with four elements per thread', () => {
    const x = s.input(0, 'float32')
    const post = s.sub(s.mul(x, s.input(1, 'float32')), s.input(2, 'float32'))
    const number = { value: 0.5, dtype: 'float32' } as const
    for (const [batch, m, k, n] of [
      [[], 1, 20, 16_384],
      [[3], 100, 20, 64],
      [[2, 40], 20, 40, 12],
    ] as const) {
      const call = product(random(...batch, m, k), random(...batch, k, n))
      compare(call)
      compare({
        ...call,
        attrs: { ...call.attrs, post } as Prims['contract'],
        inputs: [...call.inputs, random(...batch, m, n), number],
      })
    }
  })

  it('windows, four elements a thread', () => {
    const [n, channels, made, size] = [2, 3, 16, 34]
    const [image, weight] = [random(n, channels, size, size), random(made, channels, 3, 3)]
    const out = [n, made, size - 2, size - 2]
    const [sN, sC, sH, sW] = image.view.strides
    const windows = { sizes: [n, channels, 3, 3, size - 2, size - 2], strides: [sN, sC, sH, sW, sH, sW] }
    const weights = { sizes: [n, made, channels, 3, 3], strides: [0, ...weight.view.strides] }
    compare({
      kind: 'contract',
      attrs: { batch: 1, sum: 3, post: s.mul(s.add(s.input(0, 'float32'), s.input(1, 'float32')), 0.5) },
      inputs: [
        { ...weight, view: { ...weight.view, ...weights } },
        { ...image, view: { ...image.view, ...windows } },
        random(...out),
      ],
      outputs: [spec(out)],
    })
  })

  it('products of bytes wrap around', () => {
    const bytes = (...shape: number[]): Held => drawHeld(dice, shape, 'uint8')
    for (const k of [100, 700, 5000]) compare(product(bytes(3, k), bytes(k, 2)), 0)
    compare(product(bytes(70, 600), bytes(600, 60)), 0)
  })

  it('products with an epilogue', () => {
    const x = s.input(0, 'float32')
    const relu = s.max(s.add(x, s.input(1, 'float32')), 0)
    compare(product(random(4, 3), random(3, 5), { post: relu }, [random(4, 5)]))
    compare(product(random(2, 4, 3), random(2, 3, 5), { post: relu }, [{ value: 2.5, dtype: 'float32' }]))
    compare(product(random(4, 0), random(0, 5), { post: relu }, [random(4, 5)]))
    compare(product(random(2, 3000), random(3000, 3), { post: relu }, [random(2, 3)]))
    const chosen = s.select(s.gt(s.input(2, 'bool'), 0), s.mul(x, s.input(1, 'float32')), s.neg(x))
    compare(product(random(4, 3), random(3, 5), { post: chosen }, [random(4, 5), drawHeld(dice, [4, 5], 'bool')]))
    const whole: Expr = s.add(s.mul(s.input(0, 'int32'), 3), s.input(1, 'int32'))
    const ints = (...shape: number[]): Held => drawHeld(dice, shape, 'int32')
    compare(product(ints(4, 3), ints(3, 5), { post: whole }, [ints(4, 5)]), 0)
  })

  it('one kernel for epilogues whose numbers change', () => {
    const post = s.mul(s.input(0, 'float32'), s.input(1, 'float32'))
    const [a, b] = [random(4, 3), random(3, 5)]
    compare(product(a, b, { post }, [{ value: 0.1, dtype: 'float32' }]))
    const before = device.report().compilations
    for (const value of [3, -2.5, 1e-3]) compare(product(a, b, { post }, [{ value, dtype: 'float32' }]))
    expect(device.report().compilations).toBe(before)
  })

  it.each([9, 64, 65, 100])('concat of %d parts', (count) => {
    const inputs = Array.from({ length: count }, (_, i) => random(2, i % 3, 2))
    const size = inputs.reduce((sum, x) => sum + x.view.sizes[1], 0)
    compare({ kind: 'concat', attrs: { axis: 1 }, inputs, outputs: [spec([2, size, 2])] }, 0)
  })

  it('windows that overlap', () => {
    // Seven windows of three with step 2, of rows of four.
    const windows: Prims['fold'] = {
      out: [15, 4],
      offset: [0, 0],
      axes: [
        [
          { in: 0, step: 2 },
          { in: 1, step: 1 },
        ],
        [{ in: 2, step: 1 }],
      ],
    }
    compare({ kind: 'fold', attrs: windows, inputs: [random(7, 3, 4)], outputs: [spec([15, 4])] })
    const both = [
      { in: 0, step: 1 },
      { in: 1, step: 1 },
    ]
    const many: Prims['fold'] = { out: [2599], offset: [0], axes: [both] }
    compare({ kind: 'fold', attrs: many, inputs: [random(1300, 1300)], outputs: [spec([2599])] }, 2e-6)
  })

  it('one plan and one kernel for views of every offset', () => {
    const plans = new Plans(planning, 2 ** 24)
    const assigned = (offset: number): Call => {
      const region = { sizes: [3], strides: [5], offset }
      return {
        kind: 'assign',
        attrs: { region },
        inputs: [held(new Float32Array(20), [20]), held([1, 2, 3], [3])],
        outputs: [spec([20])],
      }
    }
    const folded = (offset: number): Call => {
      const attrs: Prims['fold'] = { out: [20], offset: [offset], axes: [[{ in: 0, step: 5 }]] }
      return { kind: 'fold', attrs, inputs: [held([1, 2, 3], [3])], outputs: [spec([20])] }
    }
    for (const make of [assigned, folded]) {
      compare(make(0))
      const before = device.report().compilations
      for (const offset of [1, 4, 9]) {
        compare(make(offset), 0)
        expect(plans.find(instrOn(device, make(offset)))).toBe(plans.find(instrOn(device, make(1))))
      }
      expect(device.report().compilations).toBe(before)
    }
  })

  it.each(['set', 'add', 'max'] as const)('scatter, %s, along thousands of indices', (fn) => {
    const index = Array.from({ length: 3000 }, () => dice.int(0, 9))
    const inputs = [held(new Float32Array(10).fill(-50), [10]), held(index, [3000], 'int32'), random(3000)]
    compare({ kind: 'scatter', attrs: { axis: 0, fn }, inputs, outputs: [spec([10])] })
  })

  const indexed = (size: number, index: readonly number[]): readonly Call[] => {
    const at = held(index, [index.length], 'int32')
    const source = held(new Float32Array(size), [size])
    const values = held(new Float32Array(index.length), [index.length])
    return [
      { kind: 'gather', attrs: { axis: 0 }, inputs: [source, at], outputs: [spec([index.length])] },
      { kind: 'scatter', attrs: { axis: 0, fn: 'add' }, inputs: [source, at, values], outputs: [spec([size])] },
    ]
  }

  it('the first index out of bounds is an error, as on js', () => {
    for (const count of [1, 3, 256, 257, 70_000]) {
      for (const wrong of [3, -1, 1_000_000]) {
        const index = Array.from({ length: count }, (_, i) => i % 3)
        index[count >> 1] = wrong
        index[count - 1] = wrong === 3 ? 3 : 8
        // Searching this many indices for each element is slow.
        for (const call of count > 1000 ? indexed(3, index).slice(0, 1) : indexed(3, index)) {
          let message = ''
          try {
            onJs(call)
          } catch (error) {
            message = (error as Error).message
          }
          expect(message).toMatch(/out of bounds/)
          expect(() => onBackend(device, call)).toThrow(message)
        }
      }
    }
    for (const call of indexed(0, [0])) {
      expect(() => onBackend(device, call)).toThrow('index 0 is out of bounds for dimension 0 with size 0')
    }
  })

  const extreme = (fn: 'max' | 'min', x: Held, axes: readonly number[]): Call => {
    const shape = x.view.sizes.filter((_, d) => !axes.includes(d))
    return { kind: 'argReduce', attrs: { fn, axes }, inputs: [x], outputs: [spec(shape, 'int32')] }
  }

  it.each([
    [[257], [0]],
    [[70_000], [0]],
    [[3, 1000, 2], [1]],
    [[300, 600], [1]],
    [
      [60, 3, 50],
      [2, 0],
    ],
  ])('places of extremes of %j along %j', (shape, axes) => {
    const x = drawHeld(dice, shape, 'float32', () => dice.int(-1_000_000, 1_000_000))
    for (const fn of ['max', 'min'] as const) compare(extreme(fn, x, axes), 0)
  })

  it('places of extremes keep to their rows', () => {
    const ascending = held(
      Array.from({ length: 2000 }, (_, i) => i),
      [2, 1000],
    )
    compare(extreme('max', ascending, [1]), 0)
  })

  const lost = onGpu ? ' (skipped: GL may lose NaN, as the guide says)' : ''
  it.skipIf(onGpu)(`NaN is an extreme, and infinities are${lost}`, () => {
    const values = Array.from({ length: 600 }, (_, i) => (i === 400 ? Infinity : i === 333 ? -Infinity : i % 7))
    for (const fn of ['max', 'min'] as const) {
      compare(extreme(fn, held(values, [600]), [0]), 0)
      const odd = values.map((x, i) => (i === 555 || i === 577 ? NaN : x))
      compare(extreme(fn, held(odd, [600]), [0]), 0)
      compare(extreme(fn, held(new Float32Array(10).fill(-Infinity), [10]), [0]), 0)
    }
  })

  it.each([32, 33, 1000, 1025, 40_000])('scans of %d', (n) => {
    for (const fn of ['sum', 'max'] as const) {
      const x = drawHeld(dice, n < 10_000 ? [2, n, 3] : [n], 'float32')
      compare(
        { kind: 'scan', attrs: { axis: n < 10_000 ? 1 : 0, fn }, inputs: [x], outputs: [spec(x.view.sizes)] },
        1e-5,
      )
    }
    const ones = held(new Int32Array(n).fill(1), [n], 'int32')
    compare({ kind: 'scan', attrs: { axis: 0, fn: 'sum' }, inputs: [ones], outputs: [spec([n], 'int32')] }, 0)
  })
})

it('whole numbers stay within the bound of an instruction', () => {
  for (const kind of Object.keys(drawn)) {
    for (let seed = 1; seed <= 200; seed++) {
      const call = drawn[kind](new Dice(seed * 104_729))
      if (call.outputs[0].dtype !== 'int32') continue
      const bounds = call.inputs.map((x) => (isHeld(x) ? largest(x.data, 0) : 0))
      const bound = plannerOf(call.kind).bound(instrOn(js(), call), bounds)
      for (const value of onJs(call)[0]) expect(Math.abs(value)).toBeLessThanOrEqual(bound)
    }
  }
})
