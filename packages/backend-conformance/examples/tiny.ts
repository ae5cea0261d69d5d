// A complete backend, as small as possible, to be read from top to bottom. It runs two of the twelve kinds of
// instruction, `map` and `contract`, in one loop over all elements: enough to train a multilayer network, slowly. Copy
// it, and replace what is slow.
import {
  type Backend,
  type Capabilities,
  checkClaims,
  checkView,
  checkWhole,
  contiguousStrides,
  type DeviceBuffer,
  dtypes,
  type Expr,
  flagOf,
  identityOf,
  type Instr,
  interpret,
  isFloat,
  isScalar,
  iterated,
  type Layout,
  type MapOut,
  type Memory,
  newArray,
  numelOf,
  type Operand,
  type Output,
  outputStrides,
  type ReduceFn,
  s,
  scalarValue,
  type Shape,
  type Spec,
  type TypedArray,
  type View,
} from '@flambeau/core/backend'

/** The handle of a tensor's memory, which core never looks into: here it wraps a separate array. */
interface TinyBuffer extends DeviceBuffer {
  readonly data: TypedArray
}
const dataOf = (x: View | Output): TypedArray => (x.buffer as TinyBuffer).data

/** Another view of an operand or a result. Both may be tensors, whose buffer is a getter: `{ ...x }` would lose it. */
const viewOf = ({ buffer, dtype }: View | Output, sizes: Shape, strides: readonly number[], offset = 0): View => ({
  buffer,
  dtype,
  sizes,
  strides,
  offset,
})

/**
 * Calls `visit` for every index of a shape in row-major order, with the position of that index in each of the layouts.
 */
function walk(
  sizes: Shape,
  layouts: readonly Pick<Layout, 'strides' | 'offset'>[],
  visit: (at: readonly number[]) => void,
): void {
  const along = (axis: number, from: readonly number[]): void => {
    if (axis === sizes.length) return visit(from)
    const at = [...from]
    for (let i = 0; i < sizes[axis]; i++) {
      along(axis + 1, at)
      layouts.forEach(({ strides }, k) => void (at[k] += strides[axis]))
    }
  }
  along(
    0,
    layouts.map(({ offset }) => offset),
  )
}

const combine: Readonly<Record<ReduceFn, (a: number, b: number, float: boolean) => number>> = {
  sum: (a, b) => a + b,
  prod: (a, b, float) => (float ? a * b : Math.imul(a, b)),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
}

/** Expressions are the same objects at every call, so their functions are cached by identity. */
const functions = new WeakMap<Expr, ReturnType<typeof interpret>>()
function functionOf(expr: Expr): ReturnType<typeof interpret> {
  let value = functions.get(expr)
  if (value === undefined) functions.set(expr, (value = interpret(expr)))
  return value
}

/**
 * Computes the expression for every index of a shape, or its reduction over some axes. Results are collected in double
 * precision and returned as a new array, so that an output may share the memory of an operand.
 */
function compute(sizes: Shape, { expr, reduce }: MapOut, operands: readonly Operand[], length: number): Float64Array {
  const value = functionOf(expr)
  const elements = operands.map((x) => (isScalar(x) ? scalarValue(x) : 0))
  const views = operands.flatMap((x, position) =>
    isScalar(x) ? [] : [{ position, data: dataOf(x), strides: x.strides, offset: x.offset }],
  )
  const results = new Float64Array(length)
  if (reduce !== undefined) results.fill(identityOf(reduce.fn, expr.dtype))
  const out = { strides: outputStrides(sizes, reduce?.axes), offset: 0 }
  walk(sizes, [out, ...views], ([to, ...at]) => {
    views.forEach(({ position, data }, k) => void (elements[position] = data[at[k]]))
    const x = value(elements)
    results[to] = reduce === undefined ? x : combine[reduce.fn](results[to], x, isFloat(expr.dtype))
  })
  return results
}

/**
 * A contraction is a map, too: `a * b` over the axes of the result and the summed axes. Along an axis that a factor
 * lacks, its stride is 0. Products of floats are added up in double precision.
 */
function contract({
  attrs: { batch, sum },
  inputs: [a, b],
  outputs: [{ sizes, dtype }],
}: Instr<'contract'>): Float64Array {
  const rows = a.sizes.length - sum
  const [x, y] = [s.input(0, dtype), s.input(1, dtype)]
  const expr = isFloat(dtype) ? s.mul(s.cast(x, 'float64'), s.cast(y, 'float64')) : s.mul(x, y)
  const all = [...sizes, ...a.sizes.slice(rows)]
  const still = (count: number): readonly number[] => new Array<number>(count).fill(0)
  const ofA = [...a.strides.slice(0, rows), ...still(sizes.length - rows), ...a.strides.slice(rows)]
  const [batches, sums, columns] = [
    b.strides.slice(0, batch),
    b.strides.slice(batch, batch + sum),
    b.strides.slice(batch + sum),
  ]
  const ofB = [...batches, ...still(rows - batch), ...columns, ...sums]
  const factors = [viewOf(a, all, ofA, a.offset), viewOf(b, all, ofB, b.offset)]
  const axes = all.map((_, axis) => axis).slice(sizes.length)
  return compute(all, { expr, reduce: { fn: 'sum', axes } }, factors, numelOf(sizes))
}

class Tiny implements Backend {
  readonly name = 'tiny'
  readonly caps: Capabilities = {
    dtypes: new Set(dtypes),
    strided: true,
    syncRead: true,
    multiOutput: false,
    reducedPost: false,
    maxArgs: Number.MAX_SAFE_INTEGER,
    maxElements: 2 ** 31 - 1,
    strictFloat: true,
    certain: true,
  }
  #bytes = 0

  /** Core runs unsupported instructions elsewhere, with a warning. */
  supports({ kind }: Instr): boolean {
    return kind === 'map' || kind === 'contract'
  }

  alloc({ sizes, dtype }: Spec): TinyBuffer {
    const data = newArray(dtype, numelOf(sizes))
    this.#bytes += data.byteLength
    return { backend: this, length: data.length, data }
  }

  write(out: Output, data: TypedArray): void {
    checkWhole(out, data.length, 'the output of a write')
    dataOf(out).set(data)
  }

  run(instr: Instr): void {
    checkClaims(instr)
    const { kind, inputs, outputs, check } = instr
    const [out] = outputs
    const sizes = iterated(instr)
    if (check !== undefined) {
      const [isWrong] = compute(sizes, flagOf(check.expr, sizes.length).outs[0], inputs, 1)
      if (isWrong) throw check.error()
    }
    // Assigning to a typed array rounds floats to its type and wraps integers.
    if (kind === 'map') dataOf(out).set(compute(sizes, instr.attrs.outs[0], inputs, numelOf(out.sizes)))
    else if (kind === 'contract') {
      dataOf(out).set(contract(instr))
      const { post } = instr.attrs
      if (post === undefined) return
      const product = viewOf(out, out.sizes, contiguousStrides(out.sizes))
      dataOf(out).set(compute(out.sizes, { expr: post }, [product, ...inputs.slice(2)], numelOf(out.sizes)))
    }
  }

  readSync(view: View): TypedArray {
    checkView(view, 'the view of a read')
    const copy = newArray(view.dtype, numelOf(view.sizes))
    copy.set(compute(view.sizes, { expr: s.input(0, view.dtype) }, [view], copy.length))
    return copy
  }

  async read(view: View): Promise<TypedArray> {
    return this.readSync(view)
  }

  /** Does nothing: the engine frees an unreferenced array. */
  free(): void {}

  /** Does not wait: `run` has finished its work when it returns. */
  async sync(): Promise<void> {}

  memory(): Memory {
    return { bytes: this.#bytes, pooled: 0 }
  }

  dispose(): void {}
}

/** The smallest backend: `useDevice(tiny())`. */
export const tiny = (): Backend => new Tiny()
