// Every step of expressions, and random expressions of them, against core: the device returns every step, and each is
// compared with core's value for what the device had computed before it, so no error grows. FLAMBEAU_CUDA_RANDOM says how
// many expressions there are.
import {
  type Computed,
  type DType,
  type Expr,
  type Instr,
  interpret,
  isFloat,
  numelOf,
  type ReduceFn,
  roundTo,
  s,
  stepDef,
  type TypedArray,
} from '@flambeau/core/backend'
import { expect, it } from 'vitest'
import { testWith } from '../../../../tools/test/machine.ts'
import { Dice, drawn } from '../../../backend-gpujs/test/drawn.ts'
import { type Call, isHeld, onBackend, onJs } from '../../../backend-gpujs/test/running.ts'
import { openCuda } from '../../src/cuda/index.ts'
import { cudaMissing } from './driver.ts'
import { drawMap, drawReduced, laidOut, steps } from './random.ts'

/** Milliseconds: on a busy machine some for each. */
const patience = 3_600_000
const count = Number(process.env.FLAMBEAU_CUDA_RANDOM ?? 200)

/** Steps that round once everywhere, and therefore to the same bits; fma rounds twice in JavaScript. */
const exact: ReadonlySet<Computed> = new Set(['div', 'mod', 'fmod', 'floorDiv', 'sqrt', 'copysign', 'nextafter'])
/** Steps whose error near their zeros is that of larger terms. */
const cancelling: ReadonlySet<Computed> = new Set(['lgamma', 'digamma', 'polygamma'])

/** The error that a step may have, relative to its value, and beside that. */
function allowed(step: Computed, dtype: DType): readonly [relative: number, absolute: number] {
  const { rule } = stepDef(step)
  const isApproximate = rule === 'floating' || step === 'pow' || step === 'fma'
  if (!isFloat(dtype) || exact.has(step) || !isApproximate) return [0, 0]
  const [relative, smallest] = dtype === 'float32' ? [5e-7, 2 ** -147] : [2e-15, 2 ** -1072]
  return [relative, cancelling.has(step) ? relative : smallest]
}

/** The elements of an input in row-major order. */
function elementsOf(input: Call['inputs'][number], count: number): ArrayLike<number> {
  if (!isHeld(input)) return new Float64Array(count).fill(roundTo(input.value as number, input.dtype))
  const { data, view } = input
  return Float64Array.from({ length: count }, (_, n) => {
    let [at, rest] = [view.offset, n]
    for (let d = view.sizes.length - 1; d >= 0; d--) {
      at += (rest % view.sizes[d]) * view.strides[d]
      rest = Math.floor(rest / view.sizes[d])
    }
    return data[at]
  })
}

/** The first element at which a step is not what core computes from the device's own values; undefined if none. */
function wrongStep(call: Call, results: readonly TypedArray[]): string | undefined {
  const { outs } = call.attrs as { outs: readonly { expr: Expr }[] }
  const count = numelOf(call.outputs[0].sizes)
  const values = new Map<Expr, ArrayLike<number>>(outs.map(({ expr }, k) => [expr, results[k]]))
  const inputs = call.inputs.map((x) => elementsOf(x, count))
  for (const [k, { expr }] of outs.entries()) {
    const args = expr.args.map((x) =>
      x.step === 'input' ? inputs[x.value] : x.step === 'const' ? undefined : values.get(x),
    )
    if (expr.args.some((x, i) => x.step !== 'const' && args[i] === undefined)) continue
    const one = { ...expr, args: expr.args.map((x, i) => (x.step === 'const' ? x : s.input(i, x.dtype))) }
    const compute = interpret(one)
    const [relative, absolute] = allowed(expr.step as Computed, expr.args[0].dtype)
    for (let i = 0; i < count; i++) {
      const given = args.map((x, j) => (x === undefined ? expr.args[j].value : x[i]))
      const wanted = roundTo(compute(given), expr.dtype)
      const found = results[k][i]
      // The sign of NaN is not defined.
      if (expr.step === 'copysign' && Number.isNaN(given[1]) && Math.abs(found) === Math.abs(wanted)) continue
      if (Object.is(found, wanted) || Math.abs(found - wanted) <= absolute + relative * Math.abs(wanted)) continue
      return `${expr.step} of ${expr.args.map(({ dtype }) => dtype)} (${given}) is ${found}, not ${wanted}`
    }
  }
  return undefined
}

const folds: Readonly<Record<ReduceFn, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  prod: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
}
const starts: Readonly<Record<ReduceFn, number>> = { sum: 0, prod: 1, max: -Infinity, min: Infinity }

/** The first element of a reduction that is not that of the elements which the device returned; undefined if none. */
function wrongTotal(
  { attrs, outputs: [{ sizes }] }: Call,
  [elements, totals]: readonly TypedArray[],
): string | undefined {
  const [, { expr, reduce }] = (attrs as Instr<'map'>['attrs']).outs
  const { fn, axes } = reduce as { fn: ReduceFn; axes: readonly number[] }
  const { dtype } = expr
  const wanted = new Float64Array(totals.length).fill(starts[fn])
  const size = new Float64Array(totals.length)
  elements.forEach((x: number, n: number) => {
    let [at, step, rest] = [0, 1, n]
    for (let d = sizes.length - 1; d >= 0; d--) {
      if (!axes.includes(d)) {
        at += (rest % sizes[d]) * step
        step *= sizes[d]
      }
      rest = Math.floor(rest / sizes[d])
    }
    const folded = fn === 'prod' && dtype === 'int32' ? Math.imul(wanted[at], x) : folds[fn](wanted[at], x)
    wanted[at] = isFloat(dtype) ? folded : roundTo(folded, dtype)
    size[at] += Math.abs(x)
  })
  const relative = dtype === 'float32' ? 2e-7 : 1e-12
  for (let i = 0; i < totals.length; i++) {
    const total = roundTo(wanted[i], dtype)
    const error =
      !isFloat(dtype) || fn === 'max' || fn === 'min' ? 0 : relative * (fn === 'sum' ? size[i] : Math.abs(total))
    // Where doubles overflow or vanish depends on the order.
    const isExtreme = fn === 'prod' && dtype === 'float64'
    if (Object.is(totals[i], total) || Math.abs(totals[i] - total) <= error + 2 ** -149 || isExtreme) continue
    return `${fn} over ${axes} of [${sizes}] ${dtype}: element ${i} is ${totals[i]}, not ${total}`
  }
  return undefined
}

/** The instruction with doubles in place of float32. */
function doubled(call: Call): Call {
  const wide = <T extends { dtype: DType }>(x: T): T => (x.dtype === 'float32' ? { ...x, dtype: 'float64' } : x)
  const { post } = call.attrs as Instr<'contract'>['attrs']
  const x = (position: number): Expr => s.input(position, 'float64')
  return {
    ...call,
    attrs: post?.dtype === 'float32' ? { ...call.attrs, post: s.sub(x(1), x(0)) } : call.attrs,
    inputs: call.inputs.map((input) =>
      isHeld(input) && input.view.dtype === 'float32'
        ? { data: Float64Array.from(input.data), view: wide(input.view) }
        : input,
    ),
    outputs: call.outputs.map(wide),
  }
}

if (cudaMissing === undefined) {
  // One block for all elements, so that a thread comes round again.
  process.env.FAKECUDA_BLOCKS = '1'
  const device = await openCuda(0)
  const check = (call: Call, what: string): void =>
    expect(wrongStep(call, onBackend(device, call)), what).toBe(undefined)
  it.each(steps)('$name', ({ name, call }) => {
    for (const each of laidOut(call)) check(each, name)
  })
  it(
    `${count} random expressions`,
    () => {
      for (let seed = 1; seed <= count; seed++) {
        const call = drawMap(seed)
        if (call !== undefined) check(call, `seed ${seed}`)
      }
    },
    patience,
  )
  it.each(Object.keys(drawn))(`random instructions: %s`, (name) => {
    for (let seed = 1; seed <= count / 4; seed++) {
      const call = drawn[name](new Dice(seed * 7919))
      for (const each of [call, doubled(call)]) {
        const [wanted, found] = [onJs(each), onBackend(device, each)]
        const isNear = (x: number, y: number): boolean =>
          Object.is(x, y) || Math.abs(x - y) <= 1e-6 * Math.max(1, Math.abs(y))
        wanted.forEach((values, k) => {
          const wrong = values.findIndex((y: number, i: number) => !isNear(found[k][i], y))
          expect(
            wrong < 0 ? undefined : [found[k][wrong], values[wrong]],
            `${each.outputs[k].dtype}, seed ${seed}`,
          ).toBe(undefined)
        })
      }
    }
  })
  it(
    `${count} reductions of random expressions`,
    () => {
      for (let seed = 1; seed <= count; seed++) {
        const call = drawReduced(seed)
        if (call !== undefined) expect(wrongTotal(call, onBackend(device, call)), `seed ${seed}`).toBe(undefined)
      }
    },
    patience,
  )
} else testWith('native', cudaMissing, 'random expressions on cuda', () => {})
