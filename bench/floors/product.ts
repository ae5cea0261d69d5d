// Matrix products: sums wide rows of doubles, eight rows of the result and four terms at a time.
import { repeat, written } from './lib.ts'

const [rows, terms] = [8, 4]

interface Factor {
  readonly data: Float32Array | Float64Array
  readonly rowStep: number
  readonly columnStep: number
}

/** `c = a b`, m x k by k x n; b and c in row-major order; 8 divides m and 4 divides k. */
export function product(
  a: Factor,
  b: Float64Array,
  c: Float32Array | Float64Array,
  [m, k, n]: readonly [number, number, number],
): () => void {
  // As many columns at a time as fit the sums into the first-level cache.
  let width = n
  while (width > 400) width /= 2
  return written<() => void>(
    { a: a.data, b, c, sums: new Float64Array(rows * width) },
    `() => {
      for (let first = 0; first < ${n}; first += ${width}) {
        for (let i = 0; i < ${m}; i += ${rows}) {
          sums.fill(0)
          for (let p = 0; p < ${k}; p += ${terms}) {
            const at = (Math.imul(i, ${a.rowStep}) + Math.imul(p, ${a.columnStep})) | 0
            ${repeat(rows, (r) =>
              repeat(terms, (t) => `const a${r}_${t} = a[(at + ${r * a.rowStep + t * a.columnStep}) | 0]`),
            )}
            const from = (Math.imul(p, ${n}) + first) | 0
            for (let j = 0; j < ${width}; j++) {
              ${repeat(terms, (t) => `const b${t} = b[(from + ${t * n} + j) | 0]`)}
              ${repeat(rows, (r) => `sums[(j + ${r * width}) | 0] += ${repeat(terms, (t) => `a${r}_${t} * b${t}`, ' + ')}`)}
            }
          }
          const to = (Math.imul(i, ${n}) + first) | 0
          for (let j = 0; j < ${width}; j++) {
            ${repeat(rows, (r) => `c[(to + ${r * n} + j) | 0] = sums[(j + ${r * width}) | 0]`)}
          }
        }
      }
    }`,
  )
}
