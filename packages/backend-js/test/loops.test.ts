// Maps over random layouts, plain and reduced, run three ways: by the generated kernel of an eager operation, by
// closures, and in a compiled program. All must give the bits of plain sums in row-major order.
import {
  contiguousLayout,
  type DType,
  type Expr,
  type HostBuffer,
  type Instr,
  interpret,
  isScalar,
  type Layout,
  mapLoopsOver,
  newArray,
  numelOf,
  type Operand,
  type Output,
  type Prims,
  type ReduceFn,
  s,
  type Shape,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { expect, test } from 'vitest'
import { js } from '../src/index.ts'
import { interpretLoops } from '../src/kernels/interpret.ts'
import { compiled } from './compiled.ts'
import { generator, pick, type Random } from './random.ts'

const backend = js()

function shapeOf(random: Random): Shape {
  const shape: number[] = []
  for (let rank = random(5); shape.length < rank; ) {
    const size = pick(random, [random(20) === 0 ? 0 : 1, 2, 3, 4, 5, 7, 16, 17, 20, 31, 256, 271])
    shape.push(numelOf(shape) * size > 3000 ? 1 : size)
  }
  return shape
}

/** NaN of both signs, because the sign of a computed NaN depends on the processor. */
const nans = new Float32Array(new Int32Array([-1, 0x7fffffff, -0x400000]).buffer)
const odds: readonly number[] = [...nans, Infinity, -Infinity, 0, -0]

/** Elements of fresh memory as `shape`: some axes broadcast, some backward, in any order of memory. */
function viewOf(random: Random, shape: Shape, dtype: DType): View {
  const strides = new Array<number>(shape.length).fill(0)
  let step = 1
  let offset = random(3)
  const axes = shape.map((_, axis) => axis)
  if (random(2) === 0) axes.reverse()
  if (random(4) === 0) axes.sort(() => random(3) - 1)
  for (const axis of axes) {
    if (random(4) === 0) continue
    const backwards = random(6) === 0
    strides[axis] = backwards ? -step : step
    if (backwards) offset += (shape[axis] - 1) * step
    step *= shape[axis] + (random(5) === 0 ? 1 : 0)
  }
  const buffer = backend.alloc({ sizes: [offset + step + 1], dtype }) as HostBuffer
  const odd = random(4) === 0
  for (let i = 0; i < offset + step + 1; i++)
    buffer.data[buffer.start + i] = odd && random(5) === 0 ? pick(random, odds) : random(2000) / 7 - 140
  return { sizes: shape, strides, offset, dtype, buffer }
}

const dtypes: readonly DType[] = ['float32', 'float64', 'int32']

/** So many that one loop over all of them has one index for all operands. */
const many = (random: Random): Shape => [4097 + random(9)]

function instrOf(random: Random, shape: Shape): Instr<'map'> {
  const dtype = pick(random, dtypes)
  const inputs: Operand[] = [viewOf(random, shape, dtype), viewOf(random, shape, dtype), { value: 0.3, dtype }]
  const [x, y, z] = inputs.map((_, i) => s.input(i, dtype))
  const larger = s.max(x, y)
  const mixed = s.select(s.gt(x, z), y, x)
  const exprs = [
    ...[x, s.add(s.mul(x, y), z), s.sub(y, z), s.mul(x, x)],
    ...[larger, s.min(larger, z), s.max(s.max(larger, s.neg(x)), z), s.mul(s.min(x, y), larger)],
    ...[
      mixed,
      s.select(s.lt(mixed, larger), s.min(y, z), s.constant(-0, dtype)),
      s.add(mixed, s.select(s.eq(x, y), 1, 3)),
    ],
  ]
  const outs = Array.from({ length: 1 + random(3) }, () => {
    const axes = shape.flatMap((_, axis) => (random(2) === 0 ? [axis] : []))
    const fn = pick<ReduceFn>(random, ['sum', 'sum', 'prod', 'max', 'min'])
    const sum = s.input(0, dtype)
    const post = pick(random, [undefined, undefined, s.sub(s.mul(sum, 3), 1), s.neg(sum)])
    return { expr: pick(random, exprs), ...(random(3) === 0 ? {} : { reduce: { fn, axes, post } }) }
  })
  const outputs = outs.map(({ expr, reduce }): Output => {
    const spec = { sizes: shape.filter((_, i) => reduce?.axes.includes(i) !== true), dtype: expr.dtype }
    return { ...spec, buffer: backend.alloc(spec) }
  })
  return { kind: 'map', attrs: { outs }, inputs, outputs, origin: { name: 'map' } }
}

const elements = ({ sizes, dtype, buffer }: Output): TypedArray =>
  backend.readSync({ ...contiguousLayout(sizes), dtype, buffer })

const positions = ({ sizes, strides, offset }: Layout): number[] =>
  sizes.reduce<number[]>(
    (at, size, axis) => at.flatMap((p) => Array.from({ length: size }, (_, i) => p + i * strides[axis])),
    [offset],
  )

/** Computes what the instruction means, one output element after another. */
function plainly({ attrs, inputs, outputs }: Instr<'map'>): TypedArray[] {
  const shape = (inputs[0] as View).sizes
  const at = inputs.map((x) => (isScalar(x) ? [] : positions(x)))
  const row = (e: number): number[] =>
    inputs.map((x, i) => {
      if (isScalar(x)) return x.value as number
      const { data, start } = x.buffer as HostBuffer
      return data[start + at[i][e]]
    })
  return attrs.outs.map(({ expr, reduce }, k) => {
    const of = interpret(expr)
    const kept = { ...contiguousLayout(outputs[k].sizes) }
    let axis = 0
    const strides = shape.map((_, i) => (reduce?.axes.includes(i) === true ? 0 : kept.strides[axis++]))
    const first = { sum: 0, prod: 1, max: -Infinity, min: Infinity }[reduce?.fn ?? 'sum']
    const sums = new Float64Array(numelOf(outputs[k].sizes)).fill(first)
    positions({ sizes: shape, strides, offset: 0 }).forEach((to, e) => {
      const value = of(row(e))
      if (reduce === undefined) sums[to] = value
      else if (reduce.fn === 'sum') sums[to] += value
      else if (reduce.fn === 'prod') sums[to] = expr.dtype === 'int32' ? Math.imul(sums[to], value) : sums[to] * value
      else sums[to] = Math[reduce.fn](sums[to], value)
    })
    const out = newArray(expr.dtype, sums.length)
    out.set(sums)
    return reduce?.post === undefined ? out : out.map((x) => interpret(reduce.post as Expr)([x]))
  })
}

test('random maps: eager kernels, closures and compiled programs', { timeout: 60_000 }, () => {
  const random = generator(1)
  for (let n = 0; n < 270; n++) {
    const instr = instrOf(random, n < 250 ? shapeOf(random) : many(random))
    const told = `map ${n}: ${JSON.stringify(instr.inputs.slice(0, 2).map((x) => [(x as View).sizes, (x as View).strides]))}, ${JSON.stringify(instr.attrs.outs.map((out) => out.reduce ?? 'plain'))}`
    const plain = plainly(instr)
    backend.run(instr)
    expect(instr.outputs.map(elements), `${told}, eager`).toStrictEqual(plain)
    const loops = mapLoopsOver((instr.inputs[0] as View).sizes, instr.inputs, instr.attrs)
    interpretLoops(instr, loops)
    expect(instr.outputs.map(elements), `${told}, closures`).toStrictEqual(plain)
    expect(compiled(backend, instr), `${told}, compiled`).toStrictEqual(plain)
    expect(compiled(backend, instr, { arena: true }), `${told}, compiled into the arena`).toStrictEqual(plain)
  }
})

test('kernels of many operands are distinguished by how each operand is read', () => {
  const count = 40
  const expr = Array.from({ length: count }, (_, i) => s.input(i, 'float64')).reduce((sum, x) => s.add(sum, x))
  const attrs: Prims['map'] = { outs: [{ expr }] }
  const elements = [...Array(count).keys()].map((i) => {
    const spec = { sizes: [2], dtype: 'float64' as const }
    const view: View = { ...spec, ...contiguousLayout([2]), buffer: backend.alloc(spec) }
    backend.write(view, Float64Array.of(i, i + 0.5))
    return view
  })
  const output: Output = { sizes: [2], dtype: 'float64', buffer: backend.alloc({ sizes: [2], dtype: 'float64' }) }
  const origin = { name: 'sum' }
  // All operands row-major, then each one in turn by its first element only.
  for (let fixed = -1; fixed < count; fixed++) {
    const inputs = elements.map((view, i) => (i === fixed ? { ...view, strides: [0] } : view))
    backend.run({ kind: 'map', attrs, inputs, outputs: [output], origin })
    expect(backend.readSync({ ...output, ...contiguousLayout([2]) })).toEqual(
      Float64Array.of(780, fixed < 0 ? 800 : 799.5),
    )
  }
})
