// A sample is the arguments of one call of an op, as data. Real PyTorch (tools/golden/golden.py) and every check of the
// suite replay the same data, so this file refers to no tensor, backend or op. Values that a sample does not give are
// drawn from a small generator, seeded by the op and the argument's position.

export type DType = 'float32' | 'float64' | 'int32' | 'uint8' | 'bool'

/** A tensor argument. `values` is absent until `resolve` has filled it in. */
export interface TensorSpec {
  readonly kind: 'tensor'
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly values?: readonly number[]
  readonly low: number
  readonly high: number
  /** Whether a float tensor takes part in the gradient checks. */
  readonly grad: boolean
}

/** Python's `start:stop:step` in an index. */
export interface SliceSpec {
  readonly kind: 'slice'
  readonly start: number | null
  readonly stop: number | null
  readonly step: number | null
}

/** Python's `...` in an index. */
export interface EllipsisSpec {
  readonly kind: 'ellipsis'
}

export type Arg = TensorSpec | SliceSpec | EllipsisSpec | number | string | boolean | null | readonly Arg[] | ArgMap
export interface ArgMap {
  readonly kind?: never
  readonly [key: string]: Arg | undefined
}

export interface Sample {
  readonly args: readonly Arg[]
  /** The options object, passed as the last argument; PyTorch's keyword arguments. */
  readonly kwargs?: { readonly [key: string]: Arg }
  /** Seed of the default generator, set before the call; for ops that draw. */
  readonly seed?: number
  /** The result is uninitialized: only shape and dtype can be compared. */
  readonly unwritten?: boolean
  /** Why finite differences fail here: a kink, a tie, a jump. Golden gradients are compared all the same. */
  readonly kink?: string
  /** Tests core, not kernels; skipped from level `backend` on. */
  readonly core?: true
  /** Relative and absolute tolerance of this sample if the table's are too small. */
  readonly tolerance?: readonly [number, number]
}

/** A call that must throw, with the class and message of real PyTorch, or with those of 2.x given here. */
export interface ErrorSample {
  readonly args: readonly Arg[]
  readonly kwargs?: { readonly [key: string]: Arg }
  /** Replaces PyTorch 1.13's error by 2.x's, or by a rule of ours; `why` says which. */
  readonly instead?: { readonly error: string; readonly message: string; readonly why: string }
}

/** Options of a sample tensor. */
export interface TensorOptions {
  dtype?: DType
  values?: readonly number[]
  low?: number
  high?: number
  grad?: boolean
}

const isFloat = (dtype: DType) => dtype === 'float32' || dtype === 'float64'

/**
 * A tensor of a shape; without `values`, they are drawn from [low, high) with two decimals, all different and never 0.
 */
export const t = (shape: readonly number[], options: TensorOptions = {}): TensorSpec => {
  const dtype = options.dtype ?? 'float32'
  const range = dtype === 'bool' ? [0, 2] : dtype === 'uint8' ? [0, 250] : dtype === 'int32' ? [-6, 7] : [-2, 2]
  return {
    kind: 'tensor',
    shape,
    dtype,
    ...(options.values && { values: options.values }),
    low: options.low ?? range[0],
    high: options.high ?? range[1],
    grad: options.grad ?? isFloat(dtype),
  }
}

/** A tensor of given values: `v([1, 2, 3])` is a vector, `v([1, 2, 3, 4], [2, 2])` a matrix, `v(3)` has no dimension. */
export const v = (values: number | readonly number[], shape?: readonly number[], options: TensorOptions = {}) =>
  typeof values === 'number'
    ? t([], { ...options, values: [values] })
    : t(shape ?? [values.length], { ...options, values })

/** Short forms for the dtypes that are not float32. */
export const f64 = (shape: readonly number[], options: TensorOptions = {}) => t(shape, { ...options, dtype: 'float64' })
export const i32 = (shape: readonly number[], options: TensorOptions = {}) => t(shape, { ...options, dtype: 'int32' })
export const u8 = (shape: readonly number[], options: TensorOptions = {}) => t(shape, { ...options, dtype: 'uint8' })
export const bool = (shape: readonly number[], options: TensorOptions = {}) => t(shape, { ...options, dtype: 'bool' })
export const ints = (values: number | readonly number[], shape?: readonly number[]) =>
  v(values, shape, { dtype: 'int32' })
export const bools = (values: number | readonly number[], shape?: readonly number[]) =>
  v(values, shape, { dtype: 'bool' })
export const bytes = (values: number | readonly number[], shape?: readonly number[]) =>
  v(values, shape, { dtype: 'uint8' })
export const doubles = (values: number | readonly number[], shape?: readonly number[]) =>
  v(values, shape, { dtype: 'float64' })

export const sl = (start: number | null = null, stop: number | null = null, step: number | null = null): SliceSpec => ({
  kind: 'slice',
  start,
  stop,
  step,
})
export const ellipsis: EllipsisSpec = { kind: 'ellipsis' }

/** A sample: `s(t([2, 3]), 1, opt({ keepdim: true }))`. The options come last and are recognised by their mark. */
export const s = (...args: (Arg | Options)[]): Sample => {
  const last = args.at(-1)
  return isOptions(last) ? { args: args.slice(0, -1) as Arg[], kwargs: last.options } : { args: args as Arg[] }
}
export interface Options {
  readonly kind: 'options'
  readonly options: { readonly [key: string]: Arg }
}
export const opt = (options: { readonly [key: string]: Arg }): Options => ({ kind: 'options', options })
const isOptions = (arg: unknown): arg is Options => (arg as Options | null)?.kind === 'options'

/** A sample at a point where finite differences fail, with the reason. */
export const kink = (why: string, sample: Sample): Sample => ({ ...sample, kink: why })
/** A sample of how core handles the arguments. Its kernels also run in another sample. */
export const core = (sample: Sample): Sample => ({ ...sample, core: true })
export const seeded = (seed: number, sample: Sample): Sample => ({ ...sample, seed })
export const unwritten = (sample: Sample): Sample => ({ ...sample, unwritten: true })
export const e = (...args: (Arg | Options)[]): ErrorSample => s(...args)
export const e2 = (
  instead: { error: string; message: string; why: string },
  ...args: (Arg | Options)[]
): ErrorSample => ({ ...s(...args), instead })

export const isTensorSpec = (arg: unknown): arg is TensorSpec => (arg as TensorSpec | null)?.kind === 'tensor'

const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return h >>> 0
}

/** Eight hexadecimal digits that change with the arguments; a golden carries them, so a stale one is noticed. */
export const keyOf = (sample: unknown): string =>
  hash(JSON.stringify(sample, encodeNumber)).toString(16).padStart(8, '0')

const encodeNumber = (_: string, value: unknown) =>
  typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))
    ? value
    : Object.is(value, -0)
      ? '-0'
      : String(value)

/** Mulberry32: good enough to fill a sample, and eight lines. */
const generator = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let x = Math.imul(seed ^ (seed >>> 15), seed | 1)
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
  return ((x ^ (x >>> 14)) >>> 0) / 4294967296
}

const draw = (spec: TensorSpec, seed: number): number[] => {
  const next = generator(seed)
  const size = spec.shape.reduce((a, b) => a * b, 1)
  const span = spec.high - spec.low
  if (!isFloat(spec.dtype)) return Array.from({ length: size }, () => spec.low + Math.floor(next() * span))
  const seen = new Set<number>([0])
  return Array.from({ length: size }, () => {
    let value = 0
    for (let i = 0; i < 50 && seen.has(value); i++) value = Math.round((spec.low + next() * span) * 100) / 100
    seen.add(value)
    return value === 0 ? 0.005 : value
  })
}

/** Fills in every tensor's values, seeded by the op's name and the position of the argument. */
export const resolve = <T>(place: string, arg: T): T => {
  if (isTensorSpec(arg)) {
    return arg.values ? arg : ({ ...arg, values: draw(arg, hash(`${place}:${arg.shape}:${arg.dtype}`)) } as T)
  }
  if (Array.isArray(arg)) return arg.map((item, i) => resolve(`${place}.${i}`, item)) as T
  if (arg !== null && typeof arg === 'object') {
    return Object.fromEntries(Object.entries(arg).map(([key, item]) => [key, resolve(`${place}.${key}`, item)])) as T
  }
  return arg
}

/** Calls `visit` for each tensor of the arguments, in the order in which goldens list their gradients. */
export const tensorsOf = (arg: unknown, found: TensorSpec[] = []): TensorSpec[] => {
  if (isTensorSpec(arg)) found.push(arg)
  else if (Array.isArray(arg)) for (const item of arg) tensorsOf(item, found)
  else if (arg !== null && typeof arg === 'object') for (const item of Object.values(arg)) tensorsOf(item, found)
  return found
}

/** The name of a sample in messages: `float32[2,3], 1, {keepdim: true}`. */
export const labelOf = (sample: Sample | ErrorSample): string => {
  const one = (arg: unknown): string => {
    if (isTensorSpec(arg)) return `${arg.dtype}[${arg.shape}]`
    if (Array.isArray(arg)) return `[${arg.map(one).join(', ')}]`
    if (arg !== null && typeof arg === 'object') {
      const map = arg as { kind?: string; start?: number; stop?: number; step?: number }
      if (map.kind === 'slice') return `${map.start ?? ''}:${map.stop ?? ''}${map.step == null ? '' : `:${map.step}`}`
      if (map.kind === 'ellipsis') return '...'
      return `{${Object.entries(arg)
        .map(([key, item]) => `${key}: ${one(item)}`)
        .join(', ')}}`
    }
    return typeof arg === 'string' ? `'${arg}'` : Object.is(arg, -0) ? '-0' : String(arg)
  }
  return [...sample.args.map(one), ...(sample.kwargs ? [one(sample.kwargs)] : [])].join(', ')
}

/** The cotangent of element `i` of output `k`: exact in every float dtype, the same in Python. */
export const cotangent = (i: number, k: number): number => (((i * 7 + k * 3 + 3) % 11) - 5) / 4
