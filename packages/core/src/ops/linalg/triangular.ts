// Systems with a triangular matrix: linalg.solveTriangular, and what other gradients use.
import { RuntimeError, TypeError } from '../../base/errors.ts'
import { broadcastShapes, type Shape } from '../../base/shape.ts'
import { apply } from '../../tensor/apply.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import { type Takes, bool, keyword, method, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { dtypeName } from '../../base/dtype.ts'
import { expandTo } from '../define/elementwise.ts'
import { neg } from '../pointwise/arithmetic.ts'
import { matmul } from '../product/matmul.ts'
import { tril, triu } from '../views/triangles.ts'
import { transpose } from '../views/views.ts'
import { transposed } from './factorizations.ts'
import { checkMatrix, checkSquare, extentsOf, hostOp, likeOf, sizeOf } from './host.ts'

export interface Triangle {
  readonly upper: boolean
  readonly left: boolean
  readonly unitriangular: boolean
}

/** The transposed matrices. */
export const mT = (x: Tensor): Tensor => transpose(x, -2, -1)

const triangularOp: OpDef<Triangle> = hostOp<Triangle>({
  name: 'LinalgSolveTriangularBackward0',
  label: 'linalg.solve_triangular',
  infer: ([, b]) => [likeOf(b)],
  saves: () => ({ inputs: [0], outputs: [0] }),
  vjp: (ctx: Vjp<Triangle>) => {
    const { attrs, dy } = ctx
    const { upper, left, unitriangular } = attrs
    const [a, x] = [ctx.input(0), ctx.output()]
    const db = apply(triangularOp, [mT(a), dy], { ...attrs, upper: !upper })
    const da = neg(left ? matmul(db, mT(x)) : matmul(mT(x), db))
    const edge = unitriangular ? 1 : 0
    return [ctx.needs(0) ? (upper ? triu(da, edge) : tril(da, -edge)) : null, db]
  },
  run([a, b], { upper, left, unitriangular }, [, spec], call) {
    const [count, m, n] = extentsOf(spec)
    const unit = +unitriangular
    if (left) {
      call('triangle', count, [m, n, +upper, unit], [b, a])
      return [b]
    }
    // X A = B is A' X' = B'.
    const turned = transposed(b, m, n)
    call('triangle', count, [n, m, +!upper, unit], [turned, transposed(a, n, n)])
    return [transposed(turned, n, m)]
  },
})

/** Both with the dimensions before the last two that both have together. */
export function together(a: Tensor, b: Tensor): [Tensor, Tensor] {
  const lead: Shape = broadcastShapes(a.sizes.slice(0, -2), b.sizes.slice(0, -2))
  return [expandTo(a, [...lead, ...a.sizes.slice(-2)]), expandTo(b, [...lead, ...b.sizes.slice(-2)])]
}

/** The solution of A X = B, or without `left` of X A = B. */
export const triangleSolved = (a: Tensor, b: Tensor, triangle: Triangle): Tensor =>
  apply(triangularOp, together(a, b), triangle)

/** The solution of L X = B for a lower triangle. */
export const lowerSolved = (a: Tensor, b: Tensor): Tensor =>
  triangleSolved(a, b, { upper: false, left: true, unitriangular: false })

/** Throws PyTorch's error unless a and b have one dtype. */
export function checkSameDType(label: string, a: Tensor, b: Tensor): void {
  if (a.dtype === b.dtype) return
  const [p, q] = [dtypeName[a.dtype], dtypeName[b.dtype]]
  throw new RuntimeError(
    `${label}: Expected A and B to have the same dtype, but found A of type ${p} and B of type ${q} instead`,
  )
}

/** Throws PyTorch's error unless the sizes of A X = B fit. */
export function checkSystem(label: string, a: Tensor, b: Tensor, left: boolean): void {
  const [m, n] = b.sizes.slice(-2)
  const own = sizeOf(a)
  if (own === (left ? m : n)) return
  throw new RuntimeError(
    `${label}: Incompatible shapes of A and B for the equation ${left ? 'AX' : 'XA'} = B (${own}x${own} and ${m}x${n})`,
  )
}

const solveTriangularArguments = method(
  'linalg_solve_triangular',
  required('B', tensor),
  keyword('upper', bool, undefined),
  keyword('left', bool, true),
  keyword('unitriangular', bool, false),
)
interface SolveTriangularOptions {
  /** Which triangle of A is read. */
  readonly upper: boolean
  /** Solve A X = B, or else X A = B. */
  readonly left?: boolean
  /** Take the diagonal as 1, without reading it. */
  readonly unitriangular?: boolean
}
/**
 * The solution X of A X = B for a triangular A [..., n, n] and B [..., n, k], or with `left: false` of X A = B.
 *
 * @example
 * linalg.solveTriangular(tensor([[2, 0], [1, 4]]), tensor([[2], [9]]), { upper: false })
 * // tensor([[1.],
 * //         [2.]])
 */
export function solveTriangular(
  a: Tensor,
  ...args: Takes<[B: Tensor], 'B', [options: SolveTriangularOptions]>
): Tensor {
  const [b, upper, left, unitriangular] = solveTriangularArguments(a, args)
  if (upper === undefined)
    throw new TypeError('linalg_solve_triangular() missing 1 required positional arguments: "upper"')
  const label = 'linalg.solve_triangular'
  checkSquare(label, a)
  checkMatrix(label, b, 'B')
  checkSameDType(label, a, b)
  checkSystem(label, a, b, left)
  return triangleSolved(a, b, { upper, left, unitriangular })
}
