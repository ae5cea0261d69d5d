// Contractions over any axes give the bits of a plain loop in double precision: in kernels for all sizes, in functions
// made for one size, and in compiled programs. A convolution gives the same bits however it is divided.
import {
  contiguousLayout,
  contiguousStrides,
  contractionOf,
  type DType,
  dtypes,
  HostBuffer,
  type Instr,
  interpret,
  isPlain,
  newArray,
  numelOf,
  s,
  type Shape,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'
import { expect, test, vi } from 'vitest'
import { js } from '../src/index.ts'
import { compiled } from './compiled.ts'
import { generator, pick, type Random } from './random.ts'

const backend = js()
type Contract = Instr<'contract'>

const special = [0, -0, Infinity, -Infinity, NaN]
function element(random: Random, dtype: DType): number {
  if (dtype === 'bool') return random(2)
  if (dtype === 'uint8') return random(256)
  if (dtype === 'int32') return random(200_001) - 100_000
  return random(500) === 0 ? pick(random, special) : random(20_000) / 7001 - 1.4
}

/** A view of fresh memory with these steps. */
function viewOf(random: Random, dtype: DType, sizes: Shape, strides: readonly number[]): View {
  const reach = (of: (x: number) => number): number =>
    sizes.reduce((total, size, axis) => total + of(strides[axis]) * Math.max(0, size - 1), 0)
  const offset = 2 - reach((step) => Math.min(step, 0))
  const length = offset + reach((step) => Math.max(step, 0)) + 3
  const data = newArray(dtype, length + 1).map(() => element(random, dtype))
  return { sizes, strides, offset, dtype, buffer: new HostBuffer(backend, data, 1, length) }
}

/** A contraction of views with these steps, or of row-major ones. */
interface Given {
  readonly dtype?: DType
  readonly batch?: Shape
  readonly rows?: Shape
  readonly sum?: Shape
  readonly columns?: Shape
  readonly a?: readonly number[]
  readonly b?: readonly number[]
  /** The steps of the operand that an epilogue reads. */
  readonly post?: readonly number[]
}

function contraction(random: Random, given: Given): Contract {
  const { dtype = 'float32', batch = [], rows = [], sum = [], columns = [], post } = given
  const ofA = [...batch, ...rows, ...sum]
  const ofB = [...batch, ...sum, ...columns]
  const spec = { sizes: [...batch, ...rows, ...columns], dtype }
  const a = viewOf(random, dtype, ofA, given.a ?? contiguousStrides(ofA))
  const b = viewOf(random, dtype, ofB, given.b ?? contiguousStrides(ofB))
  const attrs = { batch: batch.length, sum: sum.length }
  const rest = {
    kind: 'contract',
    outputs: [{ ...spec, buffer: backend.alloc(spec) }],
    origin: { name: 'contract' },
  } as const
  if (post === undefined) return { ...rest, attrs, inputs: [a, b] }
  const expr = s.add(s.mul(s.input(0, dtype), s.input(1, dtype)), s.input(2, dtype))
  const number = { value: 0.5, dtype }
  return { ...rest, attrs: { ...attrs, post: expr }, inputs: [a, b, number, viewOf(random, dtype, spec.sizes, post)] }
}

const positions = (sizes: Shape, strides: readonly number[]): number[] =>
  sizes.reduce<number[]>(
    (at, size, axis) => at.flatMap((p) => Array.from({ length: size }, (_, i) => p + i * strides[axis])),
    [0],
  )

/** Computes what the instruction means, one element after another. */
function plainly({ attrs, inputs: [a, b, number, operand], outputs: [out] }: Contract): TypedArray {
  const { batch, sum, post } = attrs
  const part = ({ sizes, strides }: View, from: number, to: number): number[] =>
    positions(sizes.slice(from, to), strides.slice(from, to))
  const rows = a.sizes.length - sum
  const [first, second] = [a, b].map(({ buffer, offset }) => {
    const { data, start } = buffer as HostBuffer
    return { data, start: start + offset }
  })
  const alongA = part(a, rows, a.sizes.length)
  const alongB = part(b, batch, batch + sum)
  const result = newArray(out.dtype, numelOf(out.sizes))
  let to = 0
  const [batchA, batchB] = [part(a, 0, batch), part(b, 0, batch)]
  const [ofRows, ofColumns] = [part(a, batch, rows), part(b, batch + sum, b.sizes.length)]
  for (let t = 0; t < batchA.length; t++) {
    for (const row of ofRows) {
      for (const column of ofColumns) {
        const x = first.start + batchA[t] + row
        const y = second.start + batchB[t] + column
        let total = 0
        for (let p = 0; p < alongA.length; p++) total += first.data[x + alongA[p]] * second.data[y + alongB[p]]
        result[to++] = total
      }
    }
  }
  if (post === undefined) return result
  const value = interpret(post)
  const { strides, offset, buffer } = operand as View
  const { data, start } = buffer as HostBuffer
  const read = positions(out.sizes, strides)
  return result.map((x, i) => value([x, (number as { value: number }).value, data[start + offset + read[i]]]))
}

const resultOf = ({ outputs: [{ sizes, dtype, buffer }] }: Contract): TypedArray =>
  backend.readSync({ ...contiguousLayout(sizes), dtype, buffer })

function check(instr: Contract): void {
  const plain = plainly(instr)
  const told = JSON.stringify(instr, (key, x) => (key === 'buffer' || key === 'post' ? undefined : x))
  backend.run(instr)
  expect(resultOf(instr), `${told}, eager`).toStrictEqual(plain)
  for (const placing of [{}, { arena: true }, { inputs: 'argument' }] as const)
    expect(compiled(backend, instr, placing)[0], `${told}, compiled ${JSON.stringify(placing)}`).toStrictEqual(plain)
}

/** Sizes of a class of axes, which may be none, or include 0 and 1. */
function sizesOf(random: Random, most: number): number[] {
  const sizes: number[] = []
  for (let rank = random(4); sizes.length < rank; ) {
    const size = pick(random, [random(12) === 0 ? 0 : 1, 2, 3, 4, 5, 7])
    sizes.push(numelOf(sizes) * size > most ? 1 : size)
  }
  return sizes
}

/** Steps in memory order, overlapping as in windows, 0, or backward. */
function stepsOf(random: Random, sizes: Shape): number[] {
  const steps = [...contiguousStrides(sizes)]
  if (random(3) === 0) return steps
  const order = random(2) === 0 ? steps : steps.reverse()
  return order.map((step) => pick(random, [step, step, 0, 1, random(7), -random(7)]))
}

test('random axes', () => {
  const random = generator(1)
  const seen = { nested: 0, empty: 0 }
  for (let n = 0; n < 200; n++) {
    const dtype = dtypes[n % dtypes.length]
    const [batch, rows, sum, columns] = [4, 12, 40, 20].map((most) => sizesOf(random, most))
    const a = stepsOf(random, [...batch, ...rows, ...sum])
    const b = stepsOf(random, [...batch, ...sum, ...columns])
    const sizes = [...batch, ...rows, ...columns]
    const post = dtype !== 'bool' && random(2) === 0 ? stepsOf(random, sizes) : undefined
    const instr = contraction(random, { dtype, batch, rows, sum, columns, a, b, post })
    if (!isPlain(contractionOf(instr))) seen.nested++
    if (numelOf(sizes) === 0 || numelOf(sum) === 0) seen.empty++
    check(instr)
  }
  expect(seen.nested).toBeGreaterThan(80)
  expect(seen.empty).toBeGreaterThan(8)
})

/** A window view of images [n, c, h, w] as [n, g, c / g, kh, kw, oh, ow]. */
interface Windows {
  readonly image: readonly [n: number, c: number, h: number, w: number]
  readonly kernel: readonly [o: number, kh: number, kw: number]
  readonly groups?: number
  readonly stride?: number
  readonly dilation?: number
}

test('both factors are windows that overlap', () => {
  const random = generator(5)
  for (const [a, b] of [
    [
      [1, 2, 1, 3],
      [2, 1, 1, 2],
    ],
    [
      [7, 1, 2, 1],
      [1, 1, 1, 1],
    ],
  ]) {
    check(contraction(random, { rows: [9, 8], sum: [4, 5], columns: [6, 7], a, b }))
    check(contraction(random, { batch: [3], rows: [9, 8], sum: [4, 5], columns: [6, 7], a: [2, ...a], b: [0, ...b] }))
  }
})

/** The contractions of a convolution's three directions: the sizes and steps of the windows and of the other factor. */
function windowsOf({ image: [n, c, h, w], kernel: [o, kh, kw], groups = 1, stride = 1, dilation = 1 }: Windows) {
  const [oh, ow] = [
    [h, kh],
    [w, kw],
  ].map(([size, kernel]) => Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1)
  const [cg, og] = [c / groups, o / groups]
  const steps = {
    n: c * h * w,
    g: cg * h * w,
    c: h * w,
    kh: dilation * w,
    kw: dilation,
    oh: stride * w,
    ow: stride,
  }
  const sizes = { n, g: groups, c: cg, kh, kw, oh, ow, o: og }
  type Axis = keyof typeof steps
  const walk = (axes: readonly Axis[]): number[] => axes.map((axis) => steps[axis])
  const size = (axes: readonly (keyof typeof sizes)[]): number[] => axes.map((axis) => sizes[axis])
  const area = oh * ow
  const forward: Given = {
    batch: size(['n', 'g']),
    rows: size(['o']),
    sum: size(['c', 'kh', 'kw']),
    columns: size(['oh', 'ow']),
    a: [0, og * cg * kh * kw, cg * kh * kw, kh * kw, kw, 1],
    b: walk(['n', 'g', 'c', 'kh', 'kw', 'oh', 'ow']),
  }
  const weight: Given = {
    batch: size(['g']),
    rows: size(['o']),
    sum: size(['n', 'oh', 'ow']),
    columns: size(['c', 'kh', 'kw']),
    a: [og * area, area, o * area, ow, 1],
    b: walk(['g', 'n', 'oh', 'ow', 'c', 'kh', 'kw']),
  }
  return { forward, weight }
}

test('convolutions whose sums have several parts and whose columns have several panels', () => {
  const random = generator(2)
  const layers: Windows[] = [
    { image: [2, 3, 9, 8], kernel: [5, 3, 3] },
    { image: [1, 4, 11, 9], kernel: [6, 3, 2], groups: 2, stride: 2 },
    { image: [2, 6, 7, 7], kernel: [6, 3, 3], groups: 6, dilation: 2 },
    // More products than one part has: in parts of one size, and of two sizes; then more columns than a panel holds.
    { image: [2, 1, 36, 36], kernel: [4, 5, 5] },
    { image: [3, 6, 23, 20], kernel: [7, 5, 5] },
    { image: [1, 130, 4, 4], kernel: [26, 3, 3] },
  ]
  for (const layer of layers) {
    const { forward, weight } = windowsOf(layer)
    check(contraction(random, { ...forward, post: [0, 0, 1, 0, 0] }))
    check(contraction(random, weight))
  }
})

test('the bits of a convolution do not depend on how it is divided', () => {
  const random = generator(3)
  const { forward, weight } = windowsOf({ image: [4, 3, 12, 13], kernel: [8, 3, 3] })
  const cut = (x: View, axis: number, from: number, size: number): View => ({
    ...x,
    sizes: x.sizes.map((s, i) => (i === axis ? size : s)),
    offset: x.offset + from * x.strides[axis],
  })
  /** Computes the result part by part along one axis, from parts of the factors along theirs. */
  const parts = (whole: Contract, axis: number, ofA: number, ofB: number, size: number): number[] => {
    const { sizes, dtype } = whole.outputs[0]
    const made = Array.from({ length: sizes[axis] / size }, (_, i) => {
      const [a, b] = whole.inputs
      const spec = { sizes: sizes.map((s, j) => (j === axis ? size : s)), dtype }
      const inputs = [ofA < 0 ? a : cut(a, ofA, i * size, size), ofB < 0 ? b : cut(b, ofB, i * size, size)] as const
      const instr: Contract = { ...whole, inputs, outputs: [{ ...spec, buffer: backend.alloc(spec) }] }
      backend.run(instr)
      return resultOf(instr)
    })
    // Collects each element of the whole result from its part.
    const strides = contiguousStrides(sizes)
    return Array.from({ length: numelOf(sizes) }, (_, e) => {
      const index = sizes.map((s, j) => Math.floor(e / strides[j]) % s)
      const part = index[axis] / size
      index[axis] %= size
      const within = contiguousStrides(sizes.map((s, j) => (j === axis ? size : s)))
      return made[Math.floor(part)][index.reduce((at, x, j) => at + x * within[j], 0)]
    })
  }
  const whole = contraction(random, forward)
  backend.run(whole)
  const bits = [...resultOf(whole)]
  expect(parts(whole, 0, 0, 0, 1), 'an image').toStrictEqual(bits)
  expect(parts(whole, 2, 2, -1, 2), 'output channels').toStrictEqual(bits)
  expect(parts(whole, 3, -1, 5, 5), 'rows of the result').toStrictEqual(bits)
  const byWeight = contraction(random, weight)
  backend.run(byWeight)
  const gradient = [...resultOf(byWeight)]
  expect(parts(byWeight, 1, 1, -1, 1), 'the weights of an output channel').toStrictEqual(gradient)
  expect(parts(byWeight, 3, -1, 5, 1), 'a row of the weights').toStrictEqual(gradient)
})

test('a common convolution gets a function of its own, with the same bits', () => {
  const random = generator(4)
  const { forward, weight } = windowsOf({ image: [16, 6, 14, 14], kernel: [16, 5, 5] })
  for (const given of [forward, weight]) {
    const instr = contraction(random, given)
    const text = vi.spyOn(globalThis, 'Function')
    const runs = Array.from({ length: 4 }, () => {
      backend.run(instr)
      return { made: text.mock.calls.length, bits: resultOf(instr) }
    })
    text.mockRestore()
    expect(runs.map(({ made }) => made)).toEqual([0, 0, 1, 1])
    for (const { bits } of runs) expect(bits).toStrictEqual(runs[0].bits)
  }
})
