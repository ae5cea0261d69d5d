// The QR factorization in LAPACK's packed form, as Householder reflections: geqrf, and products with the Q that
// reflections make.
import { dtypeName } from '../../base/dtype.ts'
import { NotImplementedError, RuntimeError } from '../../base/errors.ts'
import { sameShape, type Shape } from '../../base/shape.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { OpDef } from '../../tensor/op.ts'
import { type Arguments, type Takes, bool, method, optional, required, tensor } from '../../tensor/signature.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { eye } from '../create/create.ts'
import { notImplemented } from '../define/arguments.ts'
import { expandTo } from '../define/elementwise.ts'
import { isFloat } from '../../base/dtype.ts'
import { add, mul, sub } from '../pointwise/arithmetic.ts'
import { matmul } from '../product/matmul.ts'
import { tril } from '../views/triangles.ts'
import { clone, narrow, unsqueeze } from '../views/views.ts'
import { packQR } from './orthogonal.ts'
import { extentsOf, hostOp, likeOf, matrixSizes } from './host.ts'
import { results, type Two } from './results.ts'
import { mT } from './triangular.ts'

const underivable = (name: string) => (): never => {
  throw new NotImplementedError(`the derivative for '${name}' is not implemented.`, 'linalg.qr() has gradients.')
}

const geqrfOp: OpDef<null> = hostOp<null>({
  name: 'GeqrfBackward0',
  label: 'geqrf',
  infer: ([x]) => [likeOf(x), { sizes: matrixSizes(x, Math.min(...x.sizes.slice(-2))), dtype: x.dtype }],
  vjp: underivable('geqrf'),
  run([a], _, specs, call) {
    return [a, packQR(call, a, ...extentsOf(specs[0]))]
  },
})

const geqrfArguments = method('geqrf')
/**
 * The QR factorization as LAPACK packs it: R, and below it the vectors of the reflections that Q is the product of, with
 * their factors `tau`. It has no gradient; `linalg.qr` has one.
 *
 * @example
 * geqrf(tensor([[3, 1], [4, 2]])).tau // tensor([1.6000, 0.0000])
 */
export function geqrf(x: Tensor, ...none: []): Two<'a' | 'tau'> {
  geqrfArguments(x, none)
  checkDims('geqrf', x)
  if (!isFloat(x.dtype)) throw notImplemented('geqrf_cpu', x.dtype)
  const [a, tau] = applyAll(geqrfOp, [x], null)
  return results('geqrf', { a, tau })
}

function checkDims(label: string, x: Tensor, what = 'input'): void {
  if (x.dim() >= 2) return
  throw new RuntimeError(`torch.${label}: ${what} must have at least 2 dimensions.`, `It has ${x.dim()}.`)
}

function checkCount(label: string, name: string, relation: string, found: number, x: Tensor, right: number): void {
  if (found === right) return
  throw new RuntimeError(
    `torch.${label}: Expected ${name} to have ${relation} input, but got ${name}.ndim equal to ${found} and input.ndim is equal to ${x.dim()}`,
  )
}

function checkLead(label: string, name: string, lead: Shape, x: Tensor): void {
  if (sameShape(lead, x.sizes.slice(0, -2))) return
  throw new RuntimeError(
    `torch.${label}: Expected batch dimensions of ${name} to be equal to input.shape[:-2], but got [${lead.join(', ')}]`,
  )
}

/** The vector of reflection k as a column, with its leading 1, and its factor as a matrix of one element. */
function reflection(packed: Tensor, tau: Tensor, k: number): readonly [v: Tensor, tau: Tensor] {
  const column = narrow(packed, -1, k, 1)
  const m = packed.sizes[packed.sizes.length - 2]
  const first = narrow(eye(m, { dtype: packed.dtype, device: packed.device }), 1, k, 1)
  return [add(tril(column, -k - 1), first), unsqueeze(narrow(tau, -1, k, 1), -1)]
}
/** (I - tau v v') x. */
const reflected = (x: Tensor, [v, tau]: readonly [Tensor, Tensor]): Tensor =>
  sub(x, mul(tau, matmul(v, matmul(mT(v), x))))

const productArguments = (name: string) => method(name, required('tau', tensor))
function productOf(read: ReturnType<typeof productArguments>, label: string, x: Tensor, args: readonly unknown[]) {
  const [tau] = read(x, args)
  checkDims(label, x)
  const [m, n] = x.sizes.slice(-2)
  const k = tau.sizes[tau.dim() - 1]
  const fail = (sentence: string): never => {
    throw new RuntimeError(`torch.${label}: ${sentence}`)
  }
  if (m < n) fail('input.shape[-2] must be greater than or equal to input.shape[-1]')
  if (k > n) fail('input.shape[-1] must be greater than or equal to tau.shape[-1]')
  checkCount(label, 'tau', 'one dimension less than', tau.dim(), x, x.dim() - 1)
  checkLead(label, 'tau', tau.sizes.slice(0, -1), x)
  if (tau.dtype !== x.dtype) fail(`tau dtype ${dtypeName[tau.dtype]} does not match input dtype ${dtypeName[x.dtype]}`)
  if (!isFloat(x.dtype)) throw notImplemented('orgqr_cpu', x.dtype)
  let q = expandTo(eye(m, n, { dtype: x.dtype, device: x.device }), x.sizes)
  for (let i = k - 1; i >= 0; i--) q = reflected(q, reflection(x, tau, i))
  return k === 0 ? clone(q) : q
}

const householderArguments = productArguments('linalg_householder_product')
/**
 * The first n columns of Q, [..., m, n], given its reflections as `geqrf` packs them. Differentiable.
 *
 * @example
 * const { a, tau } = geqrf(tensor([[3, 1], [4, 2]]))
 * linalg.householderProduct(a, tau)
 * // tensor([[-0.6000, -0.8000],
 * //         [-0.8000,  0.6000]])
 */
export function householderProduct(x: Tensor, ...args: Takes<[tau: Tensor], 'tau'>): Tensor {
  return productOf(householderArguments, 'linalg.householder_product', x, args)
}

const ormqrOp: OpDef<{ readonly left: boolean; readonly transpose: boolean }> = {
  name: 'OrmqrBackward0',
  infer: ([, , other]) => [likeOf(other)],
  vjp: underivable('ormqr'),
  to: {
    kind: 'compose',
    compose(inputs, { left, transpose }) {
      const [x, tau, other] = inputs as readonly Tensor[]
      const k = tau.sizes[tau.dim() - 1]
      // Of C Q the transpose is Q' C'.
      let y = left ? clone(other) : clone(mT(other))
      for (let i = 0; i < k; i++) y = reflected(y, reflection(x, tau, left === transpose ? i : k - 1 - i))
      return [left ? y : clone(mT(y))]
    },
  },
}
const ormqrArguments = method(
  'ormqr',
  required('tau', tensor),
  required('other', tensor),
  optional('left', bool, true),
  optional('transpose', bool, false),
)
interface OrmqrOptions {
  /** Q times the other matrix, or else the other matrix times Q. */
  readonly left?: boolean
  readonly transpose?: boolean
}
/**
 * The product of Q, given its reflections as `geqrf` packs them, or of its transpose, and a matrix. It has no gradient.
 *
 * @example
 * const { a, tau } = geqrf(tensor([[3, 1], [4, 2]]))
 * ormqr(a, tau, tensor([[1], [0]]))
 * // tensor([[-0.6000],
 * //         [-0.8000]])
 */
export function ormqr(
  x: Tensor,
  ...args: Takes<
    [tau: Tensor, other: Tensor],
    'tau other',
    Arguments<[left: boolean, transpose: boolean], OrmqrOptions>
  >
): Tensor {
  const [tau, other, left, transpose] = ormqrArguments(x, args)
  const label = 'ormqr'
  checkDims(label, x)
  checkDims(label, other, 'other')
  const fail = (sentence: string): never => {
    throw new RuntimeError(`torch.${label}: ${sentence}`)
  }
  const [side, size] = left ? [-2, other.sizes[other.dim() - 2]] : [-1, other.sizes[other.dim() - 1]]
  const k = tau.sizes[tau.dim() - 1]
  if (k > size) fail(`other.shape[${side}] must be greater than or equal to tau.shape[-1]`)
  if (size !== x.sizes[x.dim() - 2]) fail(`other.shape[${side}] must be equal to input.shape[-2]`)
  if (k > x.sizes[x.dim() - 1]) fail('tau.shape[-1] must be less than or equal to input.shape[-1]')
  checkCount(label, 'tau', 'one dimension less than', tau.dim(), x, x.dim() - 1)
  checkCount(label, 'other', 'the same number of dimensions as', other.dim(), x, x.dim())
  for (const [name, y] of [
    ['tau', tau],
    ['other', other],
  ] as const) {
    if (y.dtype === x.dtype) continue
    fail(
      `Expected input and ${name} to have the same dtype, but input has dtype${dtypeName[x.dtype]} and ${name} has dtype ${dtypeName[y.dtype]}`,
    )
  }
  checkLead(label, 'tau', tau.sizes.slice(0, -1), x)
  checkLead(label, 'other', other.sizes.slice(0, -2), x)
  if (!isFloat(x.dtype)) throw notImplemented('ormqr_cpu', x.dtype)
  return apply(ormqrOp, [x, tau, other], { left, transpose })
}
