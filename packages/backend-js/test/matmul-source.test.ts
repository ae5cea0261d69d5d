// The source that compiled programs contain for a matrix product gives the numbers of the kernel, bit for bit, for any
// sizes, steps, dtypes and places of the arrays.
import {
  contiguousLayout,
  type DType,
  emitJs,
  HostBuffer,
  type Instr,
  type Layout,
  newArray,
  numelOf,
  runtime,
  s,
  type TypedArray,
} from '@flambeau/core/backend'
import { expect, it, vi } from 'vitest'
import { js } from '../src/index.ts'
import { contract } from '../src/kernels/matmul.ts'
import { panel } from '../src/kernels/panels.ts'
import { offsets } from '../src/text/along.ts'
import { emitMatmul } from '../src/text/matmul.ts'
import type { MatrixSource } from '../src/text/scope.ts'

interface Case {
  readonly sizes: readonly [m: number, k: number, n: number]
  readonly batch?: readonly number[]
  readonly dtype?: DType
  /** The layouts of the factors, made from the row-major ones. */
  readonly a?: (x: Layout) => Layout
  readonly b?: (x: Layout) => Layout
  readonly post?: boolean
  /** The arrays are passed with the call. */
  readonly variable?: boolean
}

const rowMajor = (x: Layout): Layout => x
/** Each matrix stored by columns. */
const transposed = ({ sizes, strides, offset }: Layout): Layout => {
  const [m, n] = sizes.slice(-2)
  return { sizes, offset, strides: n === 0 ? strides : [...strides.slice(0, -2), 1, m] }
}
const spread = ({ strides, ...x }: Layout): Layout => ({ ...x, strides: strides.map((step) => step * 3) })
const expanded = ({ strides, ...x }: Layout): Layout => ({ ...x, strides: [...strides.slice(0, -2), 0, 1] })
const backwards = ({ sizes, strides, offset }: Layout): Layout => ({
  sizes,
  strides: strides.map((step) => -step),
  offset: offset + numelOf(sizes),
})
const layouts = [rowMajor, transposed, spread, expanded, backwards]

/** Numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let x = seed
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    return (x >>> 8) / 2 ** 24
  }
}

const special = [0, -0, 1, -1, Infinity, -Infinity, NaN, 1e-45, 2 ** 31 - 1]

function filled(dtype: DType, length: number, next: () => number): TypedArray {
  const width = dtype === 'int32' || dtype === 'uint8' ? 1e5 : 3
  return newArray(dtype, length).map(() =>
    next() < 0.002 ? special[Math.floor(next() * special.length)] : (next() - 0.5) * width,
  )
}

const backend = js()
let names = 0

/** Checks one case. Everything around the result must stay unchanged. */
function check({
  sizes,
  batch = [],
  dtype = 'float32',
  a: ofA = rowMajor,
  b: ofB = rowMajor,
  post,
  variable,
}: Case): void {
  const [m, k, n] = sizes
  const next = random(m * 10007 + k * 101 + n)
  const start = 5
  const a = ofA({ ...contiguousLayout([...batch, m, k]), offset: 3 })
  const b = ofB({ ...contiguousLayout([...batch, k, n]), offset: 7 })
  const shape = [...batch, m, n]
  const bias: Layout = { sizes: shape, strides: [...batch.map(() => 1), 1, 2], offset: 1 }
  const reach = ({ sizes, strides, offset }: Layout): number =>
    offset + 1 + sizes.reduce((last, size, axis) => last + Math.max(0, strides[axis]) * size, 0)
  const arrays = [a, b, bias].map((x) => filled(dtype, reach(x), next))
  const expected = filled(dtype, start + numelOf(shape) + 3, next)
  const out = expected.slice()
  const buffer = (data: TypedArray, start: number) => new HostBuffer(backend, data, start, data.length - start)
  const expr = s.mul(s.add(s.input(0, dtype), s.input(1, dtype)), s.input(0, dtype))
  const [left, right, third] = [a, b, bias].map((x, i) => ({ ...x, dtype, buffer: buffer(arrays[i], 0) }))
  const instr: Instr<'contract'> = {
    kind: 'contract',
    attrs: { batch: batch.length, sum: 1, ...(post && { post: expr }) },
    inputs: post ? [left, right, third] : [left, right],
    outputs: [{ ...contiguousLayout(shape), dtype, buffer: buffer(expected, start) }],
    origin: { name: 'mm' },
  }
  contract(instr)

  const matrix = (array: string, { strides, offset }: Layout, start = String(offset)): MatrixSource => {
    const [rowStep, columnStep] = strides.slice(-2)
    return { array, start, rowStep, columnStep, batch: strides.slice(0, -2), dtype, constant: !variable }
  }
  const factor = (array: string, x: Layout): MatrixSource => matrix(array, x, variable ? `${array}Start` : undefined)
  const { declarations, call } = emitMatmul(
    {
      m,
      k,
      n,
      a: factor('a', a),
      b: factor('b', b),
      out: matrix('out', { ...contiguousLayout(shape), offset: start }),
      batch,
      ...(post && {
        parameters: ['scale'],
        operands: [matrix('bias', bias)],
        post: (product, operand) => {
          const { lines, results } = emitJs([expr], (i) => (i === 0 ? product : operand(0)))
          return { lines, result: `${results[0]} * scale` }
        },
      }),
    },
    (prefix) => `${prefix}${names++}`,
  )
  const text = [
    ...(variable ? ['const bias = given[2]'] : ['const [a, b, bias] = given, out = result']),
    ...declarations,
    variable ? 'return (a, b, out, aStart, bStart) => {' : 'return () => {',
    'const scale = 1',
    call,
    '}',
  ].join('\n')
  const make = new Function('given', 'result', 'fround', 'panel', 'offsets', text)
  const run = make(arrays, out, runtime.fround, panel, offsets)
  run(arrays[0], arrays[1], out, a.offset, b.offset)
  for (let i = 0; i < out.length; i++) {
    if (!Object.is(out[i], expected[i])) expect.fail(`element ${i} of ${out.length} is ${out[i]}, not ${expected[i]}`)
  }
}

const small = [0, 1, 2, 3, 4, 7]

it.each(small)('small matrices: %i rows', (m) => {
  for (const k of small) {
    for (const n of small) {
      check({ sizes: [m, k, n] })
      check({ sizes: [m, k, n], post: true })
      check({ sizes: [m, k, n], variable: true })
    }
  }
})

/** Full and partial tiles; panels of rows, of columns, of both, and of neither; rows that are written out. */
const larger: readonly Case['sizes'][] = [
  [13, 506, 1],
  [1, 50, 13],
  [50, 13, 10],
  [13, 50, 10],
  [64, 20, 30],
  [6, 5, 40],
  [40, 5, 3],
  [25, 1, 25],
  [12, 5, 10],
]
const pairs = layouts.flatMap((a) => layouts.map((b) => [a.name, b.name, a, b] as const))

it.each(pairs)('%s by %s', (_, __, a, b) => {
  for (const sizes of larger) {
    check({ sizes, a, b })
    check({ sizes, a, b, post: true, variable: true })
  }
})

it.each(['float64', 'int32', 'uint8', 'bool'] as const)('%s', (dtype) => {
  for (const sizes of larger) {
    check({ sizes, dtype })
    check({ sizes, dtype, post: dtype !== 'bool', variable: true })
  }
})

it('batches, also expanded ones', () => {
  for (const sizes of [
    [3, 4, 5],
    [1, 5, 12],
    [30, 6, 31],
    [2, 0, 2],
    [9, 3, 4],
  ] as const) {
    for (const batch of [[2], [0], [1], [2, 3], [3, 1, 2]]) {
      for (const post of [false, true]) {
        for (const a of layouts) {
          check({ sizes, batch, a, post })
          check({ sizes, batch, b: a, post, variable: true })
        }
        const shared = ({ strides, ...x }: Layout): Layout => ({
          ...x,
          strides: [...batch.map(() => 0), ...strides.slice(-2)],
        })
        check({ sizes, batch, b: shared, post })
      }
    }
  }
})

it('more columns than a panel holds', () => {
  check({ sizes: [26, 20000, 20] })
  check({ sizes: [26, 20000, 20], b: transposed, post: true })
})

it('the kernel changes to generated source for a common product', () => {
  const spec = { sizes: [200, 200], dtype: 'float32' } as const
  const layout = contiguousLayout(spec.sizes)
  const [a, b] = [3, 4].map((seed) => ({
    ...layout,
    ...spec,
    buffer: new HostBuffer(backend, filled('float32', 200 * 200, random(seed)), 0, 200 * 200),
  }))
  const text = vi.spyOn(globalThis, 'Function')
  const results = Array.from({ length: 3 }, () => {
    const buffer = backend.alloc(spec) as HostBuffer
    contract({
      kind: 'contract',
      attrs: { batch: 0, sum: 1 },
      inputs: [a, b],
      outputs: [{ ...layout, ...spec, buffer }],
      origin: { name: 'mm' },
    })
    return { made: text.mock.calls.length, data: buffer.data.slice(buffer.start, buffer.start + 200 * 200) }
  })
  text.mockRestore()
  expect(results.map((x) => x.made)).toEqual([0, 1, 1])
  for (const { data } of results) expect(data.every((x, i) => Object.is(x, results[0].data[i]))).toBe(true)
})

it('its text', () => {
  names = 0
  const matrix = { dtype: 'float32', constant: true } as const
  const { declarations, call } = emitMatmul(
    {
      m: 506,
      k: 13,
      n: 1,
      a: { ...matrix, array: 'x', start: '0', rowStep: 13, columnStep: 1 },
      b: { ...matrix, array: 'w', start: '16', rowStep: 1, columnStep: 13 },
      out: { ...matrix, array: 'y', start: '32', rowStep: 1, columnStep: 1 },
      operands: [{ ...matrix, array: 'bias', start: '0', rowStep: 0, columnStep: 1 }],
      post: (product, operand) => ({ lines: [], result: `fround(${product} + ${operand(0)})` }),
    },
    (prefix) => `${prefix}${names++}`,
  )
  expect([...declarations, call].join('\n')).toMatchSnapshot()
})
