// The LU factorization in one matrix, what solves with it, and its factors: luFactor, luSolve and luUnpack.
import { RuntimeError } from '../../base/errors.ts'
import { shapeString } from '../../base/shape.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { OpDef, Vjp } from '../../tensor/op.ts'
import {
  type Arguments,
  type Takes,
  bool,
  keyword,
  method,
  optional,
  required,
  tensor,
} from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { eye } from '../create/create.ts'
import { filled } from '../define/fill.ts'
import { add } from '../pointwise/arithmetic.ts'
import { tril, triu } from '../views/triangles.ts'
import { narrow } from '../views/views.ts'
import { luGradient } from './factor.ts'
import { factorLU, permute } from './factorizations.ts'
import {
  checkMatrix,
  checkSquare,
  each,
  extentsOf,
  hostOp,
  infoOf,
  likeOf,
  matricesOf,
  matrixSizes,
  refuse,
} from './host.ts'
import { results, type Three, type Two } from './results.ts'
import { checkSameDType, checkSystem, together } from './triangular.ts'

interface Factoring {
  readonly pivot: boolean
  /** PyTorch's name in the error, or null for a factorization that tells instead of throwing. */
  readonly label: string | null
}
const luFactorOp: OpDef<Factoring> = hostOp<Factoring>({
  name: 'LinalgLuFactorExBackward0',
  label: 'linalg.lu_factor',
  infer([x]) {
    const k = Math.min(...x.sizes.slice(-2))
    return [likeOf(x), { sizes: matrixSizes(x, k), dtype: 'int32' }, infoOf(x)]
  },
  saves: () => ({ outputs: [0, 1] }),
  vjp: (ctx: Vjp<Factoring>) => [luGradient(unpacked(ctx.output(0), ctx.output(1)), tril(ctx.dy, -1), triu(ctx.dy))],
  run([a], { pivot, label }, specs, call) {
    const [pivots, info] = factorLU(call, a, ...extentsOf(specs[0]), pivot)
    refuse(
      RuntimeError,
      label,
      specs,
      info,
      (zero) =>
        `U[${zero},${zero}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)`,
    )
    return [a, pivots.map((row) => row + 1), info]
  },
})
const luFactorArguments = method('linalg_lu_factor', keyword('pivot', bool, true))
/**
 * The LU factorization in one matrix, and the exchanged rows, counted from 1: what `luSolve` and `luUnpack` take. The
 * gradient is there for square matrices.
 *
 * Throws a RuntimeError for a singular matrix.
 */
export function luFactor(x: Tensor, ...args: [options?: { readonly pivot?: boolean }]): Two<'LU' | 'pivots'> {
  const [pivot] = luFactorArguments(x, args)
  checkMatrix('linalg.lu_factor', x)
  const [LU, pivots] = applyAll(luFactorOp, [x], { pivot, label: 'torch.linalg.lu_factor' })
  return results('linalg_lu_factor', { LU, pivots })
}

const luFactorExArguments = method(
  'linalg_lu_factor_ex',
  keyword('pivot', bool, true),
  keyword('checkErrors', bool, false),
)
/** What `luFactor` gives, and for each matrix the number of the first pivot that is 0, or 0; it does not throw. */
export function luFactorEx(
  x: Tensor,
  ...args: [options?: { readonly pivot?: boolean; readonly checkErrors?: boolean }]
): Three<'LU' | 'pivots' | 'info'> {
  const [pivot, check] = luFactorExArguments(x, args)
  checkMatrix('linalg.lu_factor_ex', x)
  const [LU, pivots, info] = applyAll(luFactorOp, [x], { pivot, label: check ? 'torch.linalg.lu_factor_ex' : null })
  return results('linalg_lu_factor_ex', { LU, pivots, info })
}

const luSolveOp: OpDef<null> = hostOp<null>({
  name: 'LuSolve',
  label: 'linalg.lu_solve',
  infer: ([, , b]) => [likeOf(b)],
  run([lu, pivots, b], _, specs, call) {
    const [count, ...sizes] = extentsOf(specs[2])
    call('solve', count, sizes, [b, lu, pivots.map((row) => row - 1)])
    return [b]
  },
})
const luSolveArguments = method('linalg_lu_solve', required('pivots', tensor), required('B', tensor))
/** The solution X of A X = B, given `luFactor` of A: `luSolve(LU, pivots, B)`. It has no gradient; `solve` has one. */
export function luSolve(lu: Tensor, ...args: Takes<[pivots: Tensor, B: Tensor], 'pivots B'>): Tensor {
  const [pivots, b] = luSolveArguments(lu, args)
  const label = 'linalg.lu_solve'
  checkSquare(label, lu, 'LU')
  checkMatrix(label, b, 'B')
  checkSameDType(label, lu, b)
  checkSystem(label, lu, b, true)
  const [a, right] = together(lu.detach(), b.detach())
  const rows = pivots.expand([...a.sizes.slice(0, -1)]).unsqueeze(-1)
  return apply(luSolveOp, [a, rows, right], null)
}

/** The permutation that exchanged rows make, given them and a matrix of the dtype. */
const permutationOp: OpDef<null> = hostOp<null>({
  name: 'LuUnpack',
  label: 'lu_unpack',
  infer: ([x]) => [matricesOf(x, x.sizes[x.sizes.length - 2], x.sizes[x.sizes.length - 2])],
  run: each(([, pivots], [p], _, [{ sizes }]) => {
    const m = sizes[sizes.length - 2]
    if (!pivots.every((from) => from >= 1 && from <= m)) {
      throw new RuntimeError(
        'pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of lu_factor?',
      )
    }
    permute(
      p,
      m,
      pivots.map((from) => from - 1),
    )
  }),
})

/** L with its diagonal of 1, and U. */
function triangles(lu: Tensor): readonly [Tensor, Tensor] {
  const [m, n] = lu.sizes.slice(-2)
  const k = Math.min(m, n)
  const ones = eye(m, k, { dtype: lu.dtype, device: lu.device })
  return [add(tril(narrow(lu, -1, 0, k), -1), ones), triu(narrow(lu, -2, 0, k))]
}
const permuted = (lu: Tensor, pivots: Tensor): Tensor => apply(permutationOp, [lu.detach(), pivots], null)
const unpacked = (lu: Tensor, pivots: Tensor): readonly Tensor[] => [permuted(lu, pivots), ...triangles(lu)]

const unpackArguments = method(
  'lu_unpack',
  required('LUPivots', tensor),
  optional('unpackData', bool, true),
  optional('unpackPivots', bool, true),
)
interface UnpackOptions {
  /** Give L and U; otherwise they are empty. */
  readonly unpackData?: boolean
  /** Give P; otherwise it is empty. */
  readonly unpackPivots?: boolean
}
/**
 * The permutation P and the triangles L and U of what `linalg.luFactor` gave, A = P L U. Differentiable.
 *
 * @example
 * const { LU, pivots } = linalg.luFactor(tensor([[1, 2], [4, 4]]))
 * luUnpack(LU, pivots).U
 * // tensor([[4., 4.],
 * //         [0., 1.]])
 */
export function luUnpack(
  lu: Tensor,
  ...args: Takes<[LUPivots: Tensor], 'LUPivots', Arguments<[unpackData: boolean, unpackPivots: boolean], UnpackOptions>>
): Three<'P' | 'L' | 'U'> {
  const [pivots, data, permutes] = unpackArguments(lu, args)
  if (lu.dim() < 2) {
    throw new RuntimeError(
      `torch.lu_unpack: Expected tensor with 2 or more dimensions. Got size: ${shapeString(lu.sizes)} instead`,
    )
  }
  if (permutes && pivots.dtype !== 'int32')
    throw new RuntimeError('torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.')
  const nothing = filled([0], lu.dtype, 0, lu.storage.device)
  const [L, U] = data ? triangles(lu) : [nothing, nothing]
  return results('lu_unpack', { P: permutes ? permuted(lu, pivots) : nothing, L, U })
}
