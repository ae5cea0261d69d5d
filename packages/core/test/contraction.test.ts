// Contractions over any axes and strides: that their loops fold, and that a backend which multiplies matrices only gets
// nothing else, with the numbers of a loop written down here.
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
import { describe, expect, it, test } from 'vitest'
import { Device } from '../src/tensor/device.ts'
import { dispatch, rowMajor } from '../src/tensor/dispatch.ts'
import { Limited } from './limited.ts'

/** Any strides, but of contractions only products of matrices, in at most `most` axes of batches. */
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
    if (!this.supports(instr)) throw new Error('got a contraction that it said it cannot run')
    checkClaims(instr)
    js().run(instr)
  }
}

/** The same draws each time. */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * n)
  }
}

const axesOf = (draw: (n: number) => number): Shape =>
  Array.from({ length: draw(4) }, () => [1, 2, 3, 2, 0][draw(20) === 0 ? 4 : draw(4)])

/** Some elements under strides that repeat, go back, overlap or leave gaps. */
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
  ['one that knows batches of matrices', new Matrices(9)],
  ['one that knows one batch', new Matrices(1)],
  ['one that knows no batch and no strides', new Limited()],
])('%s', (_, backend) => {
  it.each<DType>(['float32', 'int32', 'uint8'])('gets any contraction of %s', (dtype) => {
    const device = new Device(backend)
    for (const seed of seeds) {
      const { instr, expected } = drawn(backend, seed, dtype)
      checkClaims(instr)
      dispatch(device, instr)
      // Negative zero is what the difference of zeros may be.
      const got = Array.from(backend.readSync(rowMajor(instr.outputs[0])), (x) => x + 0)
      expect(got, `seed ${seed}`).toEqual(expected.map((x) => x + 0))
    }
  })
})

test('axes that one stride pattern walks through are one, and sizes of 1 vanish', () => {
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
  // A window of 2 by 2 over 4 by 4: what is summed is two loops, and so is what it moves over.
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

test('claims of a contraction are refused that do not fit', () => {
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
