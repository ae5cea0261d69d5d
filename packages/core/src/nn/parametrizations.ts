// Parametrizations that PyTorch has ready: orthogonal matrices, and weights divided by their largest singular value.
// PyTorch's torch.nn.utils.parametrizations.
import { finfo } from '../ops/facts.ts'
import { named } from '../base/class-name.ts'
import { sameShape, type Shape } from '../base/shape.ts'
import { IndexError, NotImplementedError, ValueError } from '../base/errors.ts'
import { eye } from '../ops/create/create.ts'
import { allclose } from '../ops/create/convert.ts'
import { filled } from '../ops/define/fill.ts'
import { matrixExp, solve } from '../ops/linalg/solve.ts'
import { geqrf, householderProduct } from '../ops/linalg/reflectors.ts'
import { add, div, mul, sub } from '../ops/pointwise/arithmetic.ts'
import { where } from '../ops/pointwise/where.ts'
import { sgn } from '../ops/pointwise/parts.ts'
import { normalize } from '../ops/product/distance.ts'
import { dot, matmul, mv } from '../ops/product/matmul.ts'
import { randn } from '../ops/random/random.ts'
import { sum } from '../ops/reduce/reduce.ts'
import { cat } from '../ops/views/join.ts'
import { diagEmbed, tril, triu } from '../ops/views/triangles.ts'
import { clone, diagonal, narrow, t, transpose, unsqueeze } from '../ops/views/views.ts'
import { copy_ } from '../ops/write/write.ts'
import { noGrad } from '../tensor/mode.ts'
import { formatSize } from '../tensor/print.ts'
import { type Arguments, bool, isTensor, keyword, nullable, optional, signature, str } from '../tensor/signature.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { moduleParameter, nameParameter } from './computed.ts'
import { TransposedConvolution } from './conv.ts'
import { getProperty } from './members.ts'
import { Module } from './module.ts'
import { camelCase } from './names.ts'
import { registerParametrization } from './parametrize.ts'
import { checkIterations, matrixOf, readSpectral, type SpectralNormOptions } from './weight-norm.ts'

const mT = (x: Tensor): Tensor => transpose(x, -2, -1)
const diagonals = (x: Tensor): Tensor => diagonal(x, 0, -2, -1)

function weightOf(module: Module, name: string): Tensor {
  const weight = getProperty(module, camelCase(name))
  if (isTensor(weight)) return weight
  throw new ValueError(`Module '${module}' has no parameter or buffer with name '${name}'`)
}

// ---- orthogonal matrices ----

const maps = ['matrix_exp', 'cayley', 'householder'] as const
type OrthogonalMap = (typeof maps)[number]

/** A tall matrix with orthonormal columns that spans the same space, by a QR factorization with a positive diagonal. */
function orthonormal(x: Tensor): Tensor {
  const { a, tau } = geqrf(x)
  return mul(householderProduct(a, tau), unsqueeze(sgn(diagonals(a)), -2))
}

function reflections(x: Tensor): Tensor {
  const a = tril(x, -1)
  const tau = div(2, add(sum(mul(a, a), -2), 1))
  // The diagonal holds signs, which are not trained.
  return mul(householderProduct(a, tau), unsqueeze(diagonals(x).detach().trunc(), -2))
}

/** A function of the skew-symmetric matrix whose lower triangle is given. */
function ofSkew(x: Tensor, map: OrthogonalMap): Tensor {
  const [n, k] = x.sizes.slice(-2)
  const lower = tril(x)
  const rest = [...x.sizes.slice(0, -1), n - k]
  const square = n === k ? lower : cat([lower, filled(rest, x.dtype, 0, x.storage.device)], -1)
  const skew = sub(square, mT(square))
  const one = eye(n, { dtype: x.dtype, device: x.device })
  const half = mul(skew, 0.5)
  const q = map === 'matrix_exp' ? matrixExp(skew) : solve(sub(one, half), add(one, half))
  return n === k ? q : narrow(q, -1, 0, k)
}

/** What gives orthonormal columns by reflections. */
function packed(x: Tensor, map: OrthogonalMap): Tensor {
  if (map !== 'householder') {
    throw new NotImplementedError(
      'It is not possible to assign to the matrix exponential or the Cayley parametrizations when use_trivialization=False.',
    )
  }
  const { a, tau } = geqrf(x)
  const own = diagonals(a)
  const signs = mul(sgn(own), where(tau.eq(0), filled([], x.dtype, -1, x.storage.device), 1))
  return add(tril(a, -1), add(triu(a, 1), diagEmbedTall(signs, x.sizes)))
}

class Orthogonal extends Module {
  readonly shape: Shape
  readonly map: OrthogonalMap
  readonly isTrivial: boolean
  base: Tensor | null = null

  constructor(shape: Shape, map: OrthogonalMap, isTrivial: boolean) {
    super()
    this.shape = shape
    this.map = map
    this.isTrivial = isTrivial
    if (isTrivial) this.registerBuffer('base', null)
  }

  override forward(given: Tensor): Tensor {
    const turned = given.sizes[given.dim() - 2] < given.sizes[given.dim() - 1]
    const x = turned ? mT(given) : given
    const q = this.map === 'householder' ? reflections(x) : ofSkew(x, this.map)
    const all = this.base === null ? q : matmul(this.base, q)
    return turned ? mT(all) : all
  }

  /** What gives a matrix; one that is not orthogonal becomes so first. */
  rightInverse(given: Tensor): Tensor {
    return noGrad(() => {
      if (!sameShape(given.sizes, this.shape)) {
        throw new ValueError(
          `Expected a matrix or batch of matrices of shape ${formatSize(this.shape)}. Got a tensor of shape ${formatSize(given.sizes)}.`,
        )
      }
      const turned = given.sizes[given.dim() - 2] < given.sizes[given.dim() - 1]
      const x = turned ? mT(given) : given
      if (!this.isTrivial) return turned ? mT(packed(x, this.map)) : packed(x, this.map)
      const [n, k] = x.sizes.slice(-2)
      const { dtype, device } = x
      if (n === k) {
        const one = eye(n, { dtype, device })
        const atol = 10 * n * finfo(dtype).eps
        this.base = allclose(matmul(mT(x), x), one, { atol }) ? clone(x) : orthonormal(x)
      } else this.base = orthonormal(cat([x, randn([...x.sizes.slice(0, -1), n - k], { dtype, device })], -1))
      // Householder's map takes this to the identity, as the others take 0.
      return mul(eye(...(given.sizes.slice(-2) as [number, number]), { dtype, device }).expand(given.sizes), -1)
    })
  }
}

/** Diagonals as tall matrices of the given sizes. */
function diagEmbedTall(values: Tensor, sizes: Shape): Tensor {
  const [n, k] = sizes.slice(-2)
  const square = diagEmbed(values)
  return n === k
    ? square
    : cat([square, filled([...sizes.slice(0, -2), n - k, k], values.dtype, 0, values.storage.device)], -2)
}

const OrthogonalModule = /* @__PURE__ */ named('_Orthogonal', Orthogonal)
const readOrthogonal = signature(
  'orthogonal',
  moduleParameter,
  nameParameter,
  optional('orthogonalMap', nullable(str), null),
  keyword('useTrivialization', bool, true),
)
export interface OrthogonalOptions {
  readonly name?: string
  /**
   * How a matrix becomes orthogonal: 'matrix_exp' (for square ones) and 'cayley' are functions of a skew-symmetric
   * matrix, 'householder' (for others) is a product of reflections.
   */
  readonly orthogonalMap?: OrthogonalMap | null
  /** Move the origin to the present weight, which is then kept if it is orthogonal; the default. */
  readonly useTrivialization?: boolean
}
/**
 * Keeps the columns of a weight orthonormal, or the rows of a wide one, while it is trained: `weight` is computed from
 * `parametrizations.weight.original`. Returns the module.
 *
 * Throws a ValueError for a name that is none, and for a vector.
 *
 * @example
 * const layer = nn.utils.parametrizations.orthogonal(new nn.Linear(3, 3))
 * allclose(layer.weight.mm(layer.weight.t()), eye(3), { atol: 1e-5 }) // true
 */
export function orthogonal<M extends Module>(
  ...args: [module: M, ...Arguments<[name: string, orthogonalMap: OrthogonalMap | null], OrthogonalOptions>]
): M {
  const [module, name, given, isTrivial] = readOrthogonal(args)
  const weight = weightOf(module, name)
  const { sizes } = weight
  if (sizes.length < 2)
    throw new ValueError(`Expected a matrix or batch of matrices. Got a tensor of ${sizes.length} dimensions.`)
  const isSquare = sizes[sizes.length - 1] === sizes[sizes.length - 2]
  const map = given ?? (isSquare ? 'matrix_exp' : 'householder')
  if (!maps.includes(map as OrthogonalMap)) {
    throw new ValueError(`orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: ${map}`)
  }
  const own = new OrthogonalModule(sizes, map as OrthogonalMap, isTrivial)
  return registerParametrization(module as M, name, own, { unsafe: true })
}

// ---- spectral normalisation ----

const unit = (x: Tensor, eps: number): Tensor => normalize(x, { dim: 0, eps })

function iterate({ _u: u, _v: v, eps }: SpectralNorm, matrix: Tensor, times: number): void {
  noGrad(() => {
    for (let i = 0; i < times; i++) {
      copy_(u, unit(mv(matrix, v), eps))
      copy_(v, unit(mv(t(matrix), u), eps))
    }
  })
}

class SpectralNorm extends Module {
  readonly iterations: number
  readonly dim: number
  readonly eps: number
  declare _u: Tensor
  declare _v: Tensor

  constructor(weight: Tensor, iterations: number, dim: number, eps: number) {
    super()
    this.iterations = iterations
    this.dim = dim
    this.eps = eps
    if (weight.dim() < 2) return
    noGrad(() => {
      const matrix = matrixOf(weight.detach(), dim)
      const { dtype, device } = matrix
      const [u, v] = matrix.sizes.map((n) => randn(n, { dtype, device }))
      this.registerBuffer('_u', unit(u, eps))
      this.registerBuffer('_v', unit(v, eps))
      iterate(this, matrix, 15)
    })
  }

  override forward(weight: Tensor): Tensor {
    if (weight.dim() === 1) return unit(weight, this.eps)
    const matrix = matrixOf(weight, this.dim)
    if (this.training) iterate(this, matrix.detach(), this.iterations)
    // Copies, because the next call writes to the vectors that the gradient reads.
    const [u, v] = [clone(this._u), clone(this._v)]
    return div(weight, dot(u, mv(matrix, v)))
  }

  rightInverse(value: Tensor): Tensor {
    return value
  }
}

const SpectralNormModule = /* @__PURE__ */ named('_SpectralNorm', SpectralNorm)
/**
 * Divides a weight by its largest singular value, which power iteration approximates: `weight` is computed from
 * `parametrizations.weight.original`. Returns the module.
 *
 * Throws a ValueError for a name that is none and for no iterations.
 *
 * @example
 * const layer = nn.utils.parametrizations.spectralNorm(new nn.Linear(3, 2))
 * linalg.matrixNorm(layer.weight, 2) // tensor(1.0000, grad_fn=…)
 */
export function spectralNorm<M extends Module>(
  ...args: [
    module: M,
    ...Arguments<[name: string, nPowerIterations: number, eps: number, dim: number | null], SpectralNormOptions>,
  ]
): M {
  const [module, name, iterations, eps, given] = readSpectral(args)
  const weight = weightOf(module, name)
  const rank = weight.dim()
  const dim = given ?? (module instanceof TransposedConvolution ? 1 : 0)
  if (dim >= rank || dim < -rank) {
    throw new IndexError(`Dimension out of range (expected to be in range of [-${rank}, ${rank - 1}] but got ${dim})`)
  }
  checkIterations(iterations)
  const norm = new SpectralNormModule(weight, iterations, dim < 0 ? dim + rank : dim, eps)
  return registerParametrization(module as M, name, norm)
}
