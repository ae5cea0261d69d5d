// scikit-learn's StandardScaler: mean and population standard deviation of every column, in float64 for any input, so
// that a float32 network sees the same values as with scikit-learn.
import { RuntimeError, signatures, Tensor, tensor, TypeError, ValueError } from '@flambeau/core'
import { nameClasses } from '@flambeau/core/backend'
import { notFloat, numberOf, numbersOf } from './frame/convert.ts'
import { type Columns, type Frame, isColumns, isFrame, viewOf } from './frame/frame.ts'

/** A matrix as a flat row-major array with its shape. */
export interface Matrix {
  readonly data: Float64Array
  readonly shape: readonly [number, number]
}

/** The inputs of a scaler; it returns the same kind. */
export type Scalable = Tensor | Frame | Columns | Matrix | number[][]

/** scikit-learn's options. */
export interface StandardScalerOptions {
  /** Subtract the mean; true by default. */
  readonly withMean?: boolean
  /** Divide by the standard deviation; true by default. */
  readonly withStd?: boolean
}

const EPSILON = 2 ** -52

/**
 * Scales every column to mean 0 and standard deviation 1, like scikit-learn's StandardScaler. It uses the population
 * standard deviation and computes in float64; it only centres a constant column, and it ignores and keeps missing
 * values (NaN).
 *
 * Takes a tensor [rows, columns], a data frame, nested arrays or a `Matrix`, and returns the same kind: a tensor of the
 * same float dtype (float64 for integers), or a data frame with Float64Array columns of the same names.
 *
 * @example
 * const { data } = loadBoston()
 * const x = new StandardScaler().fitTransform(data).float()
 */
export class StandardScaler {
  /** The mean of every column; null before `fit`. */
  mean: Float64Array | null = null
  /** The population variance of every column; null before `fit`, or without `withStd`. */
  variance: Float64Array | null = null
  /** The divisor of every column: the standard deviation, or 1 for a constant column. */
  scale: Float64Array | null = null
  readonly withMean: boolean
  readonly withStd: boolean

  constructor(options?: StandardScalerOptions) {
    const [withMean, withStd] = readOptions([options])
    this.withMean = withMean
    this.withStd = withStd
  }

  /**
   * Computes mean and scale from `x`.
   *
   * Throws a ValueError for an empty or one-dimensional `x`, for infinity, and for a value that is not a number; the
   * scaler then keeps its earlier state.
   */
  fit(x: Scalable): this {
    const { data, shape } = toMatrix('fit', x)
    const [rows, columns] = shape
    if (rows === 0) {
      throw new ValueError(
        `Found array with 0 sample(s) (shape=(0, ${columns})) while a minimum of 1 is required by StandardScaler.`,
      )
    }
    if (columns === 0) {
      throw new ValueError(
        `Found array with 0 feature(s) (shape=(${rows}, 0)) while a minimum of 1 is required by StandardScaler.`,
      )
    }
    const mean = new Float64Array(columns)
    const variance = new Float64Array(columns)
    const counts = new Float64Array(columns)
    // Summed row by row and corrected for the rounding of the mean, in scikit-learn's order, so that the last bit is
    // equal.
    each(data, columns, (value, j) => {
      mean[j] += value
      counts[j]++
    })
    for (let j = 0; j < columns; j++) mean[j] /= counts[j]
    const left = new Float64Array(columns)
    each(data, columns, (value, j) => {
      left[j] += value - mean[j]
      variance[j] += (value - mean[j]) ** 2
    })
    for (let j = 0; j < columns; j++) variance[j] = (variance[j] - left[j] ** 2 / counts[j]) / counts[j]
    this.mean = mean
    this.variance = this.withStd ? variance : null
    this.scale = this.withStd
      ? variance.map((v, j) => {
          const isConstant = v <= counts[j] * EPSILON * v + (counts[j] * mean[j] * EPSILON) ** 2
          return isConstant ? 1 : Math.sqrt(v)
        })
      : null
    return this
  }

  /**
   * Scales `x` by the result of `fit`; throws a RuntimeError before `fit`, and a ValueError for another number of
   * columns.
   */
  transform<X extends Scalable>(x: X): X {
    return this.#apply('transform', x, (value, mean, scale) => (value - mean) / scale)
  }

  /** Calls `fit`, then `transform`. */
  fitTransform<X extends Scalable>(x: X): X {
    return this.fit(x).transform(x)
  }

  /** Undoes `transform`: scaled values in their original units. */
  inverseTransform<X extends Scalable>(x: X): X {
    return this.#apply('inverse_transform', x, (value, mean, scale) => value * scale + mean)
  }

  #apply<X extends Scalable>(name: string, x: X, fn: (value: number, mean: number, scale: number) => number): X {
    const { mean, scale } = this
    if (mean === null) {
      throw new RuntimeError(
        "This StandardScaler instance is not fitted yet. Call 'fit' with appropriate arguments before using this estimator.",
      )
    }
    const { data, shape } = toMatrix(name, x)
    const [, columns] = shape
    if (columns !== mean.length) {
      throw new ValueError(
        `X has ${columns} features, but StandardScaler is expecting ${mean.length} features as input.`,
        'Pass the same columns to transform() as to fit().',
      )
    }
    const result = data.map((value, i) => {
      const j = i % columns
      return fn(value, this.withMean ? mean[j] : 0, scale === null ? 1 : scale[j])
    })
    return likeInput(x, result, shape) as X
  }
}

const { bool, constructing, keyword } = signatures
const readOptions = constructing('StandardScaler', keyword('withMean', bool, true), keyword('withStd', bool, true))

const each = (data: Float64Array, columns: number, visit: (value: number, column: number) => void): void => {
  for (let i = 0; i < data.length; i++) {
    if (!Number.isNaN(data[i])) visit(data[i], i % columns)
  }
}

const toMatrix = (name: string, x: Scalable): Matrix => {
  const matrix = matrixOf(name, x)
  if (matrix.data.some((value) => value === Infinity || value === -Infinity)) {
    throw new ValueError("Input X contains infinity or a value too large for dtype('float64').")
  }
  return matrix
}

const isSize = (x: unknown): boolean => Number.isSafeInteger(x) && (x as number) >= 0

const isMatrix = (x: unknown): x is Matrix => {
  const { data, shape } = (x ?? {}) as Partial<Matrix>
  return data instanceof Float64Array && Array.isArray(shape) && shape.length === 2 && shape.every(isSize)
}

const matrixOf = (name: string, x: Scalable): Matrix => {
  if (x instanceof Tensor) {
    if (x.dim() !== 2) throw notTwoDimensional(x.dim())
    return { data: Float64Array.from(x.detach().toArray()), shape: [x.shape[0], x.shape[1]] }
  }
  if (Array.isArray(x)) return nested(x)
  if (isMatrix(x)) {
    const [rows, columns] = x.shape
    if (x.data.length === rows * columns) return x
    throw new ValueError(`cannot reshape array of size ${x.data.length} into shape (${rows},${columns})`)
  }
  if (isFrame(x) || isColumns(x)) {
    const frame = viewOf(x)
    const names = frame.columnNames()
    return { data: numbersOf(frame, names), shape: [frame.numRows(), names.length] }
  }
  throw new TypeError(
    `${name}(): argument 'X' must be array-like, not ${x === null ? 'null' : typeof x}`,
    'A scaler takes a tensor, a data frame, nested arrays, or { data: Float64Array, shape: [rows, columns] }.',
  )
}

const nested = (rows: readonly unknown[]): Matrix => {
  if (!Array.isArray(rows[0])) throw notTwoDimensional(1)
  const columns = rows[0].length
  const data = new Float64Array(rows.length * columns)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]
    if (!Array.isArray(row) || row.length !== columns) {
      const length = Array.isArray(row) ? row.length : 0
      throw new ValueError(
        `expected sequence of length ${columns} at dim 1 (got ${length})`,
        `Row ${i} has another length.`,
      )
    }
    for (let j = 0; j < columns; j++) {
      const value = numberOf(row[j])
      if (value === undefined) throw new ValueError(`row ${i}, column ${j}: ${notFloat(row[j])}`)
      data[i * columns + j] = value
    }
  }
  return { data, shape: [rows.length, columns] }
}

const notTwoDimensional = (dim: number): ValueError =>
  new ValueError(
    `Expected 2D array, got ${dim === 0 ? 'scalar' : `${dim}D`} array instead.`,
    'Reshape your data using x.reshape(-1, 1) if it has one feature, or x.reshape(1, -1) if it is one sample.',
  )

const likeInput = (x: Scalable, data: Float64Array, shape: readonly [number, number]): Scalable => {
  const [rows, columns] = shape
  if (x instanceof Tensor) {
    const dtype = x.dtype === 'float32' ? 'float32' : 'float64'
    return tensor(data, { dtype, device: x.device }).reshape([rows, columns])
  }
  if (isMatrix(x)) return { data, shape }
  if (!Array.isArray(x)) {
    const names = viewOf(x as Frame | Columns).columnNames()
    const scaled = Object.fromEntries(
      names.map((name, j) => [name, Float64Array.from({ length: rows }, (_, i) => data[i * columns + j])]),
    )
    return isFrame(x) ? x.create({ data: scaled, names, filter: null, groups: null, order: null }) : scaled
  }
  return Array.from({ length: rows }, (_, i) => Array.from(data.subarray(i * columns, (i + 1) * columns)))
}

nameClasses({ StandardScaler })
