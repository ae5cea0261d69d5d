// Contractions over any axes and strides: their loops fold, and a backend that only multiplies matrices gets only
// those, with the numbers of the loop in this file.
import { js } from '@flambeau/backend-js'
import {
  asMatrices,
  type Backend,
  checkClaims,
  contiguousLayout,
  contractionOf,
  type DType,
  hasMatrices,
  type Instr,
  isPlain,
  newArray,
  numelOf,
  type Output,
  type Prims,
  type Shape,
  s,
  type View,
} from '@flambeau/core/backend'
import { compile, einsum, grad, manualSeed, ones, randn, type Tensor, tensordot, useDevice } from '@flambeau/core'
import { describe, expect, it, test } from 'vitest'
import { Device } from '../src/tensor/device.ts'
import { dispatch, rowMajor } from '../src/tensor/dispatch.ts'
import { Limited, Seen } from './limited.ts'

/**
 * A backend for any strides, but only for contractions that are products of matrices, with at most `most` batch axes.
 */
class Matrices extends Limited {
  readonly most: number
  constructor(most: number) {
    super()
    this.most = most
  }
  override readonly caps = { ...js().caps, certain: false }
  override supports(instr: Instr): boolean {
    return instr.kind !== 'contract' || (hasMatrices(instr) && instr.attrs.batch <= this.most)
  }
  override run(instr: Instr): void {
    if (!this.supports(instr)) throw new Error('got a contraction that it does not support')
    checkClaims(instr)
    js().run(instr)
  }
}

/** Repeatable draws. */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * n)
  }
}

const axesOf = (draw: (n: number) => number): Shape =>
  Array.from({ length: draw(4) }, () => [1, 2, 3, 2, 0][draw(20) === 0 ? 4 : draw(4)])

/** Elements under strides that repeat, go backward, overlap or leave gaps. */
function drawView(backend: Backend, draw: (n: number) => number, sizes: Shape, dtype: DType): View {
  const rows = contiguousLayout(sizes).strides
  const kind = draw(4)
  const strides = sizes.map((_, i) => (kind === 0 ? rows[i] : [rows[i], -rows[i], 0, 1, 2][draw(5)]))
  const reach = (step: 1 | -1): number =>
    strides.reduce((sum, stride, i) => sum + Math.max(0, step * stride) * Math.max(0, sizes[i] - 1), 0)
  const offset = reach(-1) + draw(3)
  const length = offset + reach(1) + 1
  const data = newArray(dtype, length).map(() => draw(7) - (dtype === 'uint8' ? 0 : 3))
  const spec = { sizes: [length], dtype }
  const buffer = backend.alloc(spec)
  backend.write({ ...spec, buffer }, data as Float32Array)
  return { buffer, dtype, sizes, strides, offset }
}

/** Every index of a shape in row-major order. */
function* indices(sizes: Shape): Generator<number[]> {
  if (sizes.length === 0) return yield []
  for (let i = 0; i < sizes[0]; i++) for (const rest of indices(sizes.slice(1))) yield [i, ...rest]
}

interface Drawn {
  readonly instr: Instr<'contract'>
  readonly expected: readonly number[]
}

function drawn(backend: Backend, seed: number, dtype: DType = 'float32'): Drawn {
  const draw = dice(seed)
  const [batch, rows, sum, columns] = [axesOf(draw), axesOf(draw), axesOf(draw), axesOf(draw)]
  const a = drawView(backend, draw, [...batch, ...rows, ...sum], dtype)
  const b = drawView(backend, draw, [...batch, ...sum, ...columns], dtype)
  const sizes = [...batch, ...rows, ...columns]
  const third = draw(2) === 0 ? [drawView(backend, draw, sizes, dtype)] : []
  const post = third.length === 0 ? undefined : s.sub(s.input(1, dtype), s.input(0, dtype))
  const attrs: Prims['contract'] = { batch: batch.length, sum: sum.length, ...(post && { post }) }
  const output: Output = { sizes, dtype, buffer: backend.alloc({ sizes, dtype }) }
  const at = ({ buffer, offset, strides }: View, index: readonly number[]): number =>
    backend.readSync({
      buffer,
      dtype,
      sizes: [],
      strides: [],
      offset: strides.reduce((sum, s, i) => sum + s * index[i], offset),
    })[0]
  const expected: number[] = []
  for (const i of indices(batch)) {
    for (const m of indices(rows)) {
      for (const n of indices(columns)) {
        let total = 0
        for (const k of indices(sum)) total += at(a, [...i, ...m, ...k]) * at(b, [...i, ...k, ...n])
        expected.push(third.length === 0 ? total : at(third[0], [...i, ...m, ...n]) - total)
      }
    }
  }
  const stored = newArray(dtype, expected.length)
  stored.set(expected)
  return {
    instr: { kind: 'contract', attrs, inputs: [a, b, ...third], outputs: [output], origin: { name: 'drawn' } },
    expected: Array.from(stored),
  }
}

const seeds = Array.from({ length: 120 }, (_, i) => 7919 * (i + 1))

describe.each<[string, Backend]>([
  ['js', js()],
  ['a backend with batches of matrices', new Matrices(9)],
  ['a backend with one batch axis', new Matrices(1)],
  ['a backend without batches and strides', new Limited()],
])('%s', (_, backend) => {
  it.each<DType>(['float32', 'int32', 'uint8'])('gets any contraction of %s', (dtype) => {
    const device = new Device(backend)
    for (const seed of seeds) {
      const { instr, expected } = drawn(backend, seed, dtype)
      checkClaims(instr)
      dispatch(device, instr)
      // The difference of zeros may be negative zero.
      const got = Array.from(backend.readSync(rowMajor(instr.outputs[0])), (x) => x + 0)
      expect(got, `seed ${seed}`).toEqual(expected.map((x) => x + 0))
    }
  })
})

test('axes that one stride covers are merged, and sizes of 1 vanish', () => {
  const view = (sizes: Shape, strides = contiguousLayout(sizes).strides): View => ({
    ...contiguousLayout(sizes),
    strides,
    dtype: 'float32',
    buffer: { backend: js(), length: 0 },
  })
  const of = (batch: number, sum: number, a: View, b: View, out: Shape): Instr<'contract'> => ({
    kind: 'contract',
    attrs: { batch, sum },
    inputs: [a, b],
    outputs: [{ sizes: out, dtype: 'float32', buffer: a.buffer }],
    origin: { name: 'test' },
  })
  const plain = of(2, 2, view([2, 3, 4, 1, 5, 6]), view([2, 3, 5, 6, 1, 7]), [2, 3, 4, 1, 1, 7])
  expect(contractionOf(plain)).toEqual({
    batch: { sizes: [6], steps: [[120], [210], [28]] },
    rows: { sizes: [4], steps: [[30], [7]] },
    sum: { sizes: [30], steps: [[1], [7]] },
    columns: { sizes: [7], steps: [[1], [1]] },
  })
  const folded = asMatrices(plain)
  expect(folded?.inputs.map((x) => (x as View).sizes)).toEqual([
    [6, 4, 30],
    [6, 30, 7],
  ])
  expect(folded?.attrs).toEqual({ batch: 1, sum: 1 })
  expect(asMatrices(plain)?.attrs).toBe(folded?.attrs)
  // A window of 2 by 2 over 4 by 4: two loops are summed, and two move the window.
  const windows = of(0, 2, view([5, 2, 2]), view([2, 2, 3, 3], [4, 1, 4, 1]), [5, 3, 3])
  expect(isPlain(contractionOf(windows))).toBe(false)
  expect(contractionOf(windows).sum).toEqual({
    sizes: [2, 2],
    steps: [
      [2, 1],
      [4, 1],
    ],
  })
  expect(asMatrices(windows)).toBeNull()
})

test('a contraction with claims that do not fit is refused', () => {
  const { instr } = drawn(js(), seeds[3])
  const [a, b] = instr.inputs
  const of = (attrs: Partial<Prims['contract']>, first: Shape, second: Shape, out: Shape): Instr<'contract'> => {
    const view = (like: View, sizes: Shape): View => ({ ...like, sizes, strides: sizes.map(() => 0), offset: 0 })
    const output = { sizes: out, dtype: 'float32', buffer: { backend: js(), length: numelOf(out) } } as const
    return {
      ...instr,
      attrs: { batch: 1, sum: 2, ...attrs },
      inputs: [view(a, first), view(b, second)],
      outputs: [output],
    }
  }
  const fits = of({}, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6])
  expect(() => checkClaims(fits)).not.toThrow()
  for (const wrong of [
    of({}, [2, 3, 4, 5], [3, 4, 5, 6], [2, 3, 6]),
    of({}, [2, 3, 4, 5], [2, 5, 4, 6], [2, 3, 6]),
    of({}, [2, 3, 4, 5], [2, 4, 5, 6], [2, 6, 3]),
    of({}, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6, 1]),
    of({ batch: 2 }, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6]),
    of({ sum: 3 }, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6]),
    of({ sum: -1 }, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6]),
    of({ batch: 3, sum: 3 }, [2, 3, 4, 5], [2, 4, 5, 6], [2, 3, 6]),
  ])
    expect(() => checkClaims(wrong)).toThrow('is not made of')
})

describe('an equation as instructions', () => {
  const seen = new Seen()
  const kindsOf = (call: () => unknown): readonly string[] => seen.of(call).map(({ kind }) => kind)
  it.each<[string, readonly Shape[], readonly string[]]>([
    [
      'ij,jk->ik',
      [
        [2, 3],
        [3, 4],
      ],
      ['contract'],
    ],
    [
      'bij,bjk->bik',
      [
        [5, 2, 3],
        [5, 3, 4],
      ],
      ['contract'],
    ],
    [
      'abij,jiab->ab',
      [
        [2, 3, 4, 5],
        [5, 4, 2, 3],
      ],
      ['contract'],
    ],
    [
      '...ij,...jk->...ki',
      [
        [2, 1, 2, 3],
        [4, 3, 5],
      ],
      ['contract'],
    ],
    [
      'nchw,ochw->no',
      [
        [2, 3, 4, 5],
        [6, 3, 4, 5],
      ],
      ['contract'],
    ],
    [
      'iij,jk->ik',
      [
        [3, 3, 2],
        [2, 4],
      ],
      ['contract'],
    ],
    ['i,i', [[3], [3]], ['contract']],
    ['i,j->ij', [[2], [3]], ['map']],
    [
      'ij,ij->ij',
      [
        [2, 3],
        [2, 3],
      ],
      ['map'],
    ],
    ['ij->ji', [[2, 3]], []],
    ['ii->i', [[3, 3]], []],
    ['ii', [[3, 3]], ['map']],
    // Axes of only one operand are summed first.
    ['ij,k->k', [[2, 3], [4]], ['map', 'map']],
    [
      'ij,jk,kl->il',
      [
        [2, 3],
        [3, 4],
        [4, 5],
      ],
      ['contract', 'contract'],
    ],
  ])('%s', (equation, shapes, kinds) => {
    useDevice(seen)
    const operands = shapes.map((sizes) => ones(...sizes))
    expect(kindsOf(() => einsum(equation, ...operands))).toEqual(kinds)
    useDevice(js())
  })

  it('tensordot is one, its gradient two, and the gradient of that two again', () => {
    useDevice(seen)
    const [a, b, dy] = [
      [2, 3, 4],
      [4, 3, 5],
      [2, 5],
    ].map((sizes) => ones(...sizes, { requiresGrad: true }))
    const dims = [
      [1, 2],
      [1, 0],
    ] as const
    expect(kindsOf(() => tensordot(a, b, dims))).toEqual(['contract'])
    const y = einsum('ijk,kjl->il', a, b)
    const first = (): Tensor[] => grad(y, [a, b], { gradOutputs: dy, createGraph: true }) as Tensor[]
    expect(kindsOf(first)).toEqual(['contract', 'contract'])
    const [da] = first()
    const above = ones(2, 3, 4)
    expect(kindsOf(() => grad(da, [b, dy], { gradOutputs: above }))).toEqual(['contract', 'contract'])
    useDevice(js())
  })
})

test('a compiled step adapts contractions as an eager one does', () => {
  const results = [js(), new Matrices(9), new Matrices(1), new Limited()].map((backend) => {
    useDevice(backend)
    manualSeed(1)
    const [x, w] = [randn(2, 3, 4), randn(4, 2, 5, { requiresGrad: true })]
    const run = (): Tensor[] => {
      const y = einsum('ijk,kil->jl', x, w).tanh()
      return [y, grad(y.sum(), w)[0] as Tensor]
    }
    const step = compile(run)
    return [run, step, step, step, step].map((once) => once().map((t) => t.toNested()))
  })
  for (const result of results.flat()) expect(result).toEqual(results[0][0])
  useDevice(js())
})
