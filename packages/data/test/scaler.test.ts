import { readFileSync } from 'node:fs'
import { RuntimeError, tensor, ValueError } from '@flambeau/core'
import 'flambeau'
import { table } from 'arquero'
import { describe, expect, it } from 'vitest'
import { loadBoston, loadBreastCancer, loadDigits, loadIris, StandardScaler } from '../src/frame/index.ts'

type Value = number | string
interface ScalerCase {
  x: Value[][]
  options: { with_mean?: boolean; with_std?: boolean }
  mean: Value[] | null
  variance: Value[] | null
  scale: Value[] | null
  transformed: Value[][]
  back: Value[][]
}

const golden = JSON.parse(readFileSync(new URL('golden/scaler.json', import.meta.url), 'utf8')) as {
  cases: ScalerCase[]
  sets: Record<string, { mean: number[]; scale: number[] }>
  errors: Record<string, string>
}

const numbers = (values: readonly Value[]): number[] => values.map((v) => (v === 'nan' ? Number.NaN : Number(v)))
const sentence = (name: string): string => golden.errors[name].replace(/^\w+: /, '')

describe('StandardScaler is scikit-learn’s', () => {
  it.each(golden.cases.map((c, i) => [i, c] as const))('case %i, to the last bit', (_, c) => {
    const scaler = new StandardScaler({ withMean: c.options.with_mean, withStd: c.options.with_std })
    const x = c.x.map(numbers)
    const scaled = scaler.fitTransform(x)
    expect(scaled).toEqual(c.transformed.map(numbers))
    expect(scaler.inverseTransform(scaled)).toEqual(c.back.map(numbers))
    expect(scaler.scale && [...scaler.scale]).toEqual(c.scale && numbers(c.scale))
    expect(scaler.variance && [...scaler.variance]).toEqual(c.variance && numbers(c.variance))
    if (c.mean !== null) expect([...(scaler.mean as Float64Array)]).toEqual(numbers(c.mean))
  })

  it.each([
    ['boston', loadBoston],
    ['breast-cancer', loadBreastCancer],
    ['iris', loadIris],
    ['digits', loadDigits],
  ])('the %s set', (name, load) => {
    const { frame, featureNames } = load()
    const { mean, scale } = new StandardScaler().fit(frame.select(featureNames))
    expect([...(mean as Float64Array)]).toEqual(golden.sets[name].mean)
    expect([...(scale as Float64Array)]).toEqual(golden.sets[name].scale)
  })

  it('returns the kind of its input', () => {
    const rows = [
      [1, 10],
      [2, 20],
      [3, 60],
    ]
    const expected = new StandardScaler().fitTransform(rows)
    const frame = new StandardScaler().fitTransform(table({ a: [1, 2, 3], b: Int32Array.of(10, 20, 60) }))
    expect(frame.column('b')).toEqual(Float64Array.from(expected, (row) => row[1]))
    const columns = new StandardScaler().fitTransform({ a: [1, 2, 3], b: [10, 20, 60] })
    expect(columns).toEqual(Object.fromEntries(['a', 'b'].map((name) => [name, frame.column(name)])))
    const filtered = table({ a: [1, 9, 2, 3], b: [10, 0, 20, 60] })
      .filter('d => d.a < 9')
      .orderby('b')
    expect(new StandardScaler().fitTransform(filtered).objects()).toEqual(frame.objects())
    const matrix = new StandardScaler().fitTransform({ data: Float64Array.from(rows.flat()), shape: [3, 2] })
    expect([...matrix.data]).toEqual(expected.flat())
    const double = new StandardScaler().fitTransform(tensor(rows, { dtype: 'float64' }))
    expect([double.dtype, double.toNested()]).toEqual(['float64', expected])
    const single = new StandardScaler().fitTransform(tensor(rows))
    expect([single.dtype, [...single.toArray()]]).toEqual(['float32', [...Float32Array.from(expected.flat())]])
    expect(new StandardScaler().fitTransform(tensor(rows, { dtype: 'int32' })).dtype).toBe('float64')
  })

  it('does not modify its input', () => {
    const x = tensor([[1], [2]])
    new StandardScaler().fitTransform(x)
    expect(x.toNested()).toEqual([[1], [2]])
  })

  it('says scikit-learn’s sentences', () => {
    const fitted = new StandardScaler().fit([
      [1, 2],
      [3, 4],
    ])
    const attempts: [string, () => unknown, new (sentence: string) => Error][] = [
      ['notFitted', () => new StandardScaler().transform([[1]]), RuntimeError],
      ['features', () => fitted.transform([[1, 2, 3]]), ValueError],
      ['empty', () => new StandardScaler().fit({ data: new Float64Array(0), shape: [0, 3] }), ValueError],
      ['infinite', () => new StandardScaler().fit([[Infinity], [1]]), ValueError],
      ['reshape', () => new StandardScaler().fit({ data: new Float64Array(5), shape: [2, 3] }), ValueError],
    ]
    for (const [name, call, type] of attempts) {
      expect(call, name).toThrow(type)
      expect(call, name).toThrow(sentence(name))
    }
    expect(() => new StandardScaler().fit(tensor([1, 2]))).toThrow('Expected 2D array, got 1D array instead')
    expect(() => new StandardScaler().fit([[1, 2], [3]])).toThrow('expected sequence of length 2 at dim 1 (got 1)')
    expect(() => new StandardScaler().fit(table({ a: ['x'] }))).toThrow("row 0, column 'a'")
    expect(() => new StandardScaler().fit([[1], ['a']] as never)).toThrow(
      "row 1, column 0: could not convert string to float: 'a'",
    )
    expect(() => new StandardScaler().fit([[1], 5] as never)).toThrow('expected sequence of length 1 at dim 1')
    expect(() => new StandardScaler().fit([[], []])).toThrow('Found array with 0 feature(s) (shape=(2, 0))')
    expect(() => new StandardScaler({ with_mean: false } as never)).toThrow('Did you mean withMean?')
    for (const x of [undefined, null])
      expect(() => new StandardScaler().fit(x as never)).toThrow(`argument 'X' must be array-like, not ${x}`)
    // Columns may be named like the properties of a matrix.
    expect(new StandardScaler().fit({ data: Float64Array.of(1, 2), shape: [-1, -2] }).mean).toEqual(
      Float64Array.of(1.5, -1.5),
    )
  })

  it('keeps its state when fit fails', () => {
    const scaler = new StandardScaler().fit([[1], [3]])
    expect(() => scaler.fit([[Infinity]])).toThrow(ValueError)
    expect(scaler.transform([[3]])).toEqual([[1]])
  })
})
