// Compares results: shape, dtype, and every element, with NaN equal to NaN. A difference is a sentence, not an
// exception, so that one cell can report all failing samples.
import type { Nd } from './property.ts'
import type { Tolerance } from './tolerances.ts'

/** The result of a call, read back: a tensor's elements, or a plain value such as a boolean. */
export type Result = Nd | { readonly value: unknown }

/** Like a result, but without values if the elements are uninitialized. */
export type Expected = Result | (Omit<Nd, 'values'> & { readonly values: null })

export const isNd = (x: Result): x is Nd => 'shape' in x

const close = (a: number, b: number, [relative, absolute]: Tolerance): boolean => {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b)
  if (a === b) return true
  return Number.isFinite(a) && Number.isFinite(b) && Math.abs(a - b) <= absolute + relative * Math.abs(b)
}

/** The first difference, or undefined. */
export const differenceOfValues = (
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  tolerance: Tolerance,
): string | undefined => {
  if (a.length !== b.length) return `${a.length} elements instead of ${b.length}`
  let wrong = 0
  let first = ''
  for (let i = 0; i < a.length; i++) {
    if (close(a[i], b[i], tolerance)) continue
    if (wrong++ === 0) first = `element ${i} is ${a[i]} instead of ${b[i]}`
  }
  return wrong === 0 ? undefined : wrong === 1 ? first : `${first} (${wrong} of ${a.length} differ)`
}

/** The first zero with another sign, or undefined. */
export const differenceOfSigns = (a: ArrayLike<number>, b: ArrayLike<number>): string | undefined => {
  for (let i = 0; i < b.length; i++)
    if (a[i] === 0 && b[i] === 0 && !Object.is(a[i], b[i]))
      return `element ${i} is ${Object.is(a[i], -0) ? '-0 instead of 0' : '0 instead of -0'}`
  return undefined
}

export const differenceOf = (actual: Result, expected: Expected, tolerance: Tolerance): string | undefined => {
  if (!('shape' in actual && 'shape' in expected)) {
    const [a, b] = [actual, expected].map((x) =>
      'shape' in x ? `a tensor of shape [${x.shape}]` : JSON.stringify(x.value),
    )
    return a === b ? undefined : `${a} instead of ${b}`
  }
  if (actual.dtype !== expected.dtype) return `dtype ${actual.dtype} instead of ${expected.dtype}`
  if (`${actual.shape}` !== `${expected.shape}` || actual.shape.length !== expected.shape.length) {
    return `shape [${actual.shape}] instead of [${expected.shape}]`
  }
  return expected.values === null ? undefined : differenceOfValues(actual.values, expected.values, tolerance)
}

export const differenceOfAll = (
  actual: readonly Result[],
  expected: readonly Expected[],
  tolerance: (x: Pick<Nd, 'dtype'>) => Tolerance,
): string | undefined => {
  if (actual.length !== expected.length) {
    // A call that threw has its message as its only result.
    const said = actual.find((x) => !('shape' in x))
    const why = said === undefined || 'shape' in said ? '' : `, ${JSON.stringify(said.value)} among them`
    return `${actual.length} outputs instead of ${expected.length}${why}`
  }
  for (let k = 0; k < actual.length; k++) {
    const x = expected[k]
    const found = differenceOf(actual[k], x, 'shape' in x ? tolerance(x) : [0, 0])
    if (found !== undefined) return actual.length === 1 ? found : `output ${k}: ${found}`
  }
  return undefined
}
