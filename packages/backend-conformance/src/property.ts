// Random cases that compute their own expected result: each property draws the arguments of one call and computes the
// result with plain loops over plain arrays, sharing no code with the library. The runner turns draws into
// fast-check's.
import { type Arg, type DType, type TensorSpec, v } from './sample.ts'

/** The source of a property's choices; every choice can be shrunk. */
export interface Choose {
  int(min: number, max: number): number
}

export interface Nd {
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly values: readonly number[]
}

export interface Case {
  readonly args: readonly Arg[]
  readonly kwargs?: { readonly [key: string]: Arg }
  /** The outputs in order, or the class of the error that the call must throw. */
  readonly expected: readonly Nd[] | { readonly throws: string }
  /** Relative tolerance; 0 requires equality. */
  readonly tolerance?: number
}
export type Property = (choose: Choose) => Case

export const numel = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** All indices of a shape in row-major order. */
export const indices = (shape: readonly number[]): number[][] => {
  let out: number[][] = [[]]
  for (const size of shape) out = out.flatMap((head) => Array.from({ length: size }, (_, i) => [...head, i]))
  return out
}
export const flat = (index: readonly number[], shape: readonly number[]): number =>
  index.reduce((at, i, d) => at * shape[d] + i, 0)

export const drawShape = (choose: Choose, maxRank = 4, maxSize = 4, minRank = 0, minSize = 0): number[] =>
  Array.from({ length: choose.int(minRank, maxRank) }, () => choose.int(minSize, maxSize))

/** A float64 tensor with one decimal, or whole numbers for the other dtypes. */
export const drawTensor = (
  choose: Choose,
  shape: readonly number[],
  dtype: DType = 'float64',
  [low, high]: readonly [number, number] = [-5, 5],
): TensorSpec => {
  const scale = dtype === 'float64' || dtype === 'float32' ? 10 : 1
  const values = Array.from({ length: numel(shape) }, () => choose.int(low * scale, high * scale) / scale)
  return v(values, shape, { dtype })
}

export const nd = (shape: readonly number[], values: readonly number[], dtype: DType = 'float64'): Nd => ({
  shape,
  values,
  dtype,
})
const valuesOf = (spec: TensorSpec): readonly number[] => spec.values as readonly number[]

/** The shapes aligned from the right, with sizes equal or 1; null if they don't broadcast. */
export const broadcast = (...shapes: (readonly number[])[]): number[] | null => {
  const rank = Math.max(...shapes.map((shape) => shape.length))
  const out: number[] = []
  for (let d = 0; d < rank; d++) {
    const sizes = new Set(shapes.map((shape) => shape[d - rank + shape.length] ?? 1).filter((size) => size !== 1))
    if (sizes.size > 1) return null
    out.push(sizes.size === 1 ? [...sizes][0] : 1)
  }
  return out
}

/** A shape that mostly broadcasts with the given one: leading dimensions dropped, some sizes set to 1, now and then wrong. */
const drawPartner = (choose: Choose, shape: readonly number[]): number[] => {
  const out = shape.slice(choose.int(0, shape.length)).map((size) => (choose.int(0, 3) === 0 ? 1 : size))
  if (out.length > 0 && choose.int(0, 9) === 0) out[choose.int(0, out.length - 1)] += 1
  return out
}

const readBroadcast = (spec: TensorSpec, index: readonly number[]): number => {
  const { shape } = spec
  return valuesOf(spec)[
    flat(
      index.slice(index.length - shape.length).map((i, d) => (shape[d] === 1 ? 0 : i)),
      shape,
    )
  ]
}

/** n tensors of shapes that broadcast (or don't), and a function of n numbers applied to each element. */
export const elementwise =
  (
    fn: (...x: number[]) => number,
    options: {
      dtypes?: readonly DType[]
      result?: DType
      range?: readonly [number, number]
      tolerance?: number
      rest?: readonly Arg[]
    } = {},
  ): Property =>
  (choose) => {
    const dtypes = options.dtypes ?? Array.from({ length: Math.max(fn.length, 1) }, () => 'float64' as const)
    const shape = drawShape(choose)
    const args = dtypes.map((dtype, i) =>
      drawTensor(
        choose,
        i === 0 ? shape : drawPartner(choose, shape),
        dtype,
        dtype === 'bool' ? [0, 1] : options.range,
      ),
    )
    if (args.length > 1 && choose.int(0, 1) === 1 && dtypes[0] === dtypes[1]) args.reverse()
    const out = broadcast(...args.map((arg) => arg.shape))
    return {
      args: [...args, ...(options.rest ?? [])],
      tolerance: options.tolerance ?? 1e-12,
      expected: out
        ? [
            nd(
              out,
              indices(out).map((index) => fn(...args.map((arg) => readBroadcast(arg, index)))),
              options.result,
            ),
          ]
        : { throws: 'RuntimeError' },
    }
  }

/** Groups the elements of `spec` by what remains after dropping `dims`. */
const grouped = (
  spec: TensorSpec,
  dims: readonly number[],
  keepdim: boolean,
): { shape: number[]; groups: number[][] } => {
  const { shape } = spec
  const kept = shape.map((size, d) => (dims.includes(d) ? 1 : size))
  const groups = Array.from({ length: numel(kept) }, () => [] as number[])
  const values = valuesOf(spec)
  indices(shape).forEach((index, at) => {
    groups[
      flat(
        index.map((i, d) => (dims.includes(d) ? 0 : i)),
        kept,
      )
    ].push(values[at])
  })
  return { shape: keepdim ? kept : kept.filter((_, d) => !dims.includes(d)), groups }
}

/** A function of a list of numbers, over all, one or several dimensions, kept or not. */
export const reduction =
  (
    fn: (x: number[]) => number,
    options: {
      dtype?: DType
      result?: DType
      /** 1 if a reduction over no elements has no value. */
      minSize?: 0 | 1
      dims?: 'many' | 'one'
      /** A second output when a dimension is given, like the indices of max(dim). */
      also?: (x: number[]) => number
      range?: readonly [number, number]
      tolerance?: number
      kwargs?: { readonly [key: string]: Arg }
    } = {},
  ): Property =>
  (choose) => {
    const shape = drawShape(choose, 4, 4, 0, options.minSize ?? 0)
    const spec = drawTensor(choose, shape, options.dtype, options.dtype === 'bool' ? [0, 1] : options.range)
    const rank = shape.length
    const all = rank === 0 || choose.int(0, 3) === 0
    const keepdim = !all && choose.int(0, 1) === 1
    const first = all ? 0 : choose.int(0, rank - 1)
    const dims = all
      ? shape.map((_, d) => d)
      : options.dims === 'one' || choose.int(0, 1) === 0
        ? [first]
        : shape.map((_, d) => d).filter((d) => d === first || choose.int(0, 1) === 0)
    const signed = dims.map((d) => (choose.int(0, 1) === 0 ? d : d - rank))
    const { shape: out, groups } = grouped(spec, dims, keepdim)
    const kwargs: { [key: string]: Arg } = { ...options.kwargs }
    if (!all) {
      kwargs.dim = options.dims === 'one' || (signed.length === 1 && choose.int(0, 1) === 0) ? signed[0] : signed
      if (keepdim) kwargs.keepdim = true
    }
    return {
      args: [spec],
      ...(Object.keys(kwargs).length > 0 && { kwargs }),
      expected: [
        nd(out, groups.map(fn), options.result),
        ...(options.also && !all ? [nd(out, groups.map(options.also), 'int32')] : []),
      ],
      tolerance: options.tolerance ?? 1e-12,
    }
  }

/** A function along one dimension from a list of numbers to one or several lists of the same length. */
export const along =
  (
    fn: (x: number[], choose: Choose) => readonly (readonly number[])[],
    options: { dtypes?: readonly DType[]; tolerance?: number; minSize?: number; zeroRank?: boolean } = {},
  ): Property =>
  (choose) => {
    const shape = drawShape(choose, 4, 4, options.zeroRank === false ? 1 : 0, options.minSize ?? 0)
    const spec = drawTensor(choose, shape)
    const rank = shape.length
    const dim = rank === 0 ? 0 : choose.int(0, rank - 1)
    return {
      args: [spec, rank > 0 && choose.int(0, 1) === 1 ? dim - rank : dim],
      expected: alongOf(spec, dim, (x) => fn(x, choose), options.dtypes ?? ['float64']),
      tolerance: options.tolerance ?? 1e-12,
    }
  }

const alongOf = (
  spec: TensorSpec,
  dim: number,
  fn: (x: number[]) => readonly (readonly number[])[],
  dtypes: readonly DType[],
): Nd[] => {
  const shape = spec.shape.length === 0 ? [1] : spec.shape
  const rest = shape.map((size, d) => (d === dim ? 1 : size))
  const values = valuesOf(spec)
  const outs = dtypes.map(() => new Array<number>(numel(shape)).fill(0))
  for (const start of indices(rest)) {
    const places = Array.from({ length: shape[dim] }, (_, i) =>
      flat(
        start.map((x, d) => (d === dim ? i : x)),
        shape,
      ),
    )
    fn(places.map((place) => values[place])).forEach((list, k) => {
      list.forEach((value, i) => {
        outs[k][places[i]] = value
      })
    })
  }
  return outs.map((out, k) => nd(spec.shape, out, dtypes[k]))
}

/** A rearrangement: the arguments after the tensor, the resulting shape, and the source of each element. */
export const rearrange =
  (
    make: (
      shape: readonly number[],
      choose: Choose,
    ) => { args: readonly Arg[]; shape: readonly number[]; from: (index: number[]) => readonly number[] | null } | null,
    options: { minRank?: number; minSize?: number } = {},
  ): Property =>
  (choose) => {
    for (;;) {
      const shape = drawShape(choose, 4, 4, options.minRank ?? 0, options.minSize ?? 0)
      const made = make(shape, choose)
      if (made === null) continue
      const spec = drawTensor(choose, shape)
      const values = valuesOf(spec)
      const out = indices(made.shape).map((index) => {
        const from = made.from(index)
        return from === null ? 0 : values[flat(from, shape)]
      })
      return { args: [spec, ...made.args], expected: [nd(made.shape, out)], tolerance: 0 }
    }
  }

/** The index of element number `at` of a shape. */
export const unflat = (at: number, shape: readonly number[]): number[] => {
  const out = new Array<number>(shape.length)
  for (let d = shape.length - 1; d >= 0; d--) {
    out[d] = at % shape[d]
    at = Math.floor(at / shape[d])
  }
  return out
}

/** A matrix product of batches: shapes [...,m,k] and [...,k,n] that broadcast in front. */
export const product = (a: Nd | TensorSpec, b: Nd | TensorSpec): Nd => {
  const x = a.values as readonly number[]
  const y = b.values as readonly number[]
  const [m, k] = a.shape.slice(-2)
  const n = b.shape[b.shape.length - 1]
  const batch = broadcast(a.shape.slice(0, -2), b.shape.slice(0, -2)) as number[]
  const pick = (shape: readonly number[], index: number[]) =>
    flat(
      index.slice(index.length - shape.length).map((i, d) => (shape[d] === 1 ? 0 : i)),
      shape,
    )
  const out: number[] = []
  for (const index of indices(batch)) {
    const p = pick(a.shape.slice(0, -2), index) * m * k
    const q = pick(b.shape.slice(0, -2), index) * k * n
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0
        for (let l = 0; l < k; l++) sum += x[p + i * k + l] * y[q + l * n + j]
        out.push(sum)
      }
    }
  }
  return nd([...batch, m, n], out)
}
