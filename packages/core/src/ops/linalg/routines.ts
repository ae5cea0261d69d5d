// What linear algebra spends its time in. JavaScript has all of it, and a host of kernels may have its own, so that what is
// around it, sizes, errors and gradients, is the same on every device. Matrices are row-major, in float64; flags are 0 or 1.

type Run = (sizes: readonly number[], arrays: readonly Float64Array[]) => void
/** Each routine on one matrix; what it overwrites comes first among the arrays, what it only reads comes last. */
export interface Routines {
  /**
   * [m, n, whether rows are exchanged], [a, pivots, info]: a becomes its LU factorization. `pivots` gets for each step the
   * row that it was exchanged with, `info` the number of the first pivot that is 0, from 1, or 0.
   */
  lu: Run
  /** [n], [a, info]: the lower triangle of a becomes its Cholesky factor, the upper one 0; `info` as `factorCholesky`. */
  cholesky: Run
  /** [n, k, upper, unit], [b, t]: b, n x k, becomes the solution of T x = b; only that triangle of t is read. */
  triangle: Run
  /** [n, k], [b, lu, pivots]: b, n x k, becomes the solution of A x = b, given the LU factorization of A. */
  solve: Run
  /** [m, n, k], [c, a, b]: subtracts the product of a, m x k, and b from c. */
  subtract: Run
  /**
   * [m, n], [a, taus]: a becomes the R of its QR factorization, and below that the vectors of the Householder reflections
   * whose product is Q, without their first element, which is 1; `taus` gets their factors.
   */
  qr: Run
  /**
   * [m, n, skip, step, along], [q, a, taus]: q, which is 0, becomes the first n columns of the product of reflections.
   * Reflection k leaves the first k + `skip` elements of a vector alone. Its own vector starts at (k + `skip`) * `step` +
   * k * `along` in a, where 1 stands for whatever is there, and has elements that are `step` apart.
   */
  reflected: Run
  /** [n], [a, d, e, taus]: reflections, as `qr` leaves them, make a symmetric matrix tridiagonal, with d and e beside it. */
  tridiagonal: Run
  /** [m, n], [a, d, e, left, right]: reflections of columns and rows make a, m >= n, bidiagonal, with d and e beside it. */
  bidiagonal: Run
  /**
   * [n], [a, c, s, spans]: rotates rows of n elements. A span is three numbers, `from`, `by` and how many: from row `from`
   * on, each with the one that is `by` rows on.
   */
  rotate: Run
  /**
   * [n], [inverse, pivots, info, a]: inverse, which is 0, becomes the inverse of a, by the LU factorization of its transpose,
   * with `pivots` and `info` as `lu` has them. What is in a is lost.
   */
  invert: Run
}

/** Runs a routine over the matrices of a batch. */
export type Call = (
  routine: keyof Routines,
  count: number,
  sizes: readonly number[],
  arrays: readonly Float64Array[],
) => void
