// Linear algebra, compared with real PyTorch (tools/golden/linalg.py): values, gradients and second gradients in float64,
// results that are integers or depend on LAPACK's signs, and errors. Then what holds for every factorization.
import { readFileSync } from 'node:fs'
import { js } from '@flambeau/backend-js'
import {
  choleskyInverse,
  choleskySolve,
  cholesky,
  compile,
  eye,
  grad,
  gradcheck,
  linalg as L,
  logdet,
  ones,
  report,
  stack,
  Tensor,
  tensor,
  useDevice,
  zeros,
} from '@flambeau/core'
import { describe, expect, it, test } from 'vitest'

useDevice(js())

interface Encoded {
  readonly sizes: readonly number[]
  readonly data: readonly (number | string)[]
}
type Value = Encoded | number | readonly Value[]
interface Derived {
  readonly values: readonly Encoded[]
  readonly grads: readonly Encoded[] | null
  readonly second: readonly (Encoded | null)[] | null
}
interface Golden {
  readonly derived: Readonly<Record<string, Derived>>
  readonly values: Readonly<Record<string, Value>>
  readonly errors: Readonly<Record<string, { readonly error: string; readonly message: string }>>
}
const golden: Golden = JSON.parse(readFileSync(new URL('./golden/linalg.json', import.meta.url), 'utf8'))

// ---- the matrices of linalg.py ----

const numelOf = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1)
const waves = (sizes: readonly number[], wave: (i: number) => number): Tensor =>
  tensor(
    Float64Array.from({ length: numelOf(sizes) }, (_, i) => wave(i)),
    { dtype: 'float64' },
  ).reshape([...sizes])
const matrix = (sizes: readonly number[], { start = 0.7, dominant = 0 } = {}): Tensor => {
  const x = waves(sizes, (i) => Math.sin(i * i * 0.37 + i * 1.3 + start))
  return dominant === 0 ? x : x.add(eye(sizes[sizes.length - 1], { dtype: 'float64' }).mul(dominant))
}
const weights = (x: Tensor, start: number): Tensor => waves(x.shape, (i) => Math.cos(i * 0.9 + start))
const identity = (n: number): Tensor => eye(n, { dtype: 'float64' })
const mT = (x: Tensor): Tensor => x.transpose(-2, -1)
const spd = (x: Tensor): Tensor => x.matmul(mT(x)).add(identity(x.size(-1)))

const eighParts = (x: Tensor): Tensor[] => {
  const [values, vectors] = L.eigh(x)
  return [values, vectors.square(), vectors.matmul(values.unsqueeze(-1).mul(mT(vectors)))]
}
const svdParts = (x: Tensor): Tensor[] => {
  const { U, S, Vh } = L.svd(x, false)
  return [S, U.square(), Vh.square(), U.matmul(S.unsqueeze(-1).mul(Vh))]
}

const dominant = { dominant: 2.5 }
const [A, B2, WIDE, TALL] = [matrix([3, 3], dominant), matrix([2, 3, 3], dominant), matrix([3, 4]), matrix([4, 3])]
const [RHS, VEC] = [matrix([3, 2], { start: 0.2 }), matrix([3], { start: 0.4 })]
const [NAN, INF] = [Number.NaN, Infinity].map((x) => tensor([1, x, 2, 3], { dtype: 'float64' }).view(2, 2))
const SINGULAR = tensor([1, 2, 3, 2, 4, 6, 1, 0, 1], { dtype: 'float64' }).view(3, 3)

type Fn = (...xs: Tensor[]) => Tensor | readonly Tensor[]
const symmetric = (x: Tensor): Tensor => x.add(mT(x))
const cases: Readonly<Record<string, readonly [Fn, ...Tensor[]]>> = {
  inv: [(x) => L.inv(x), A],
  'inv of batches': [(x) => L.inv(x), B2],
  det: [(x) => L.det(x), A],
  'det of batches': [(x) => L.det(x), B2],
  slogdet: [(x) => L.slogdet(x), A],
  logdet: [(x) => logdet(x), A],
  'logdet below zero': [(x) => logdet(x), A.neg()],
  solve: [(a, b) => L.solve(a, b), A, RHS],
  'solve a vector': [(a, b) => L.solve(a, b), A, VEC],
  'solve batches': [(a, b) => L.solve(a, b), B2, RHS],
  'solve batches of vectors': [(a, b) => L.solve(a, b), B2, matrix([2, 3])],
  'solve from the right': [(a, b) => L.solve(a, b, { left: false }), A, mT(RHS)],
  solveTriangular: [(a, b) => L.solveTriangular(a, b, { upper: true }), A, RHS],
  'solveTriangular lower, right, unit': [
    (a, b) => L.solveTriangular(a, b, { upper: false, left: false, unitriangular: true }),
    A,
    mT(RHS).contiguous(),
  ],
  'solveTriangular of batches': [(a, b) => L.solveTriangular(a, b, { upper: false }), B2, RHS],
  cholesky: [(x) => L.cholesky(spd(x)), A],
  'cholesky, upper': [(x) => L.cholesky(spd(x), { upper: true }), B2],
  choleskySolve: [(b, x) => choleskySolve(b, L.cholesky(spd(x))), RHS, A],
  choleskyInverse: [(x) => choleskyInverse(L.cholesky(spd(x))), A],
  qr: [(x) => L.qr(x), TALL],
  'qr of batches': [(x) => L.qr(x), B2],
  'qr, wide': [(x) => L.qr(x), WIDE],
  'qr, complete': [(x) => L.qr(x, 'complete'), WIDE],
  eigh: [(x) => eighParts(symmetric(x)), A],
  'eigh of batches': [(x) => eighParts(symmetric(x)), B2],
  eigvalsh: [(x) => L.eigvalsh(symmetric(x)), A],
  svd: [svdParts, A],
  'svd, tall': [svdParts, TALL],
  'svd, wide': [svdParts, WIDE],
  'svd of batches': [svdParts, B2],
  svdvals: [(x) => L.svdvals(x), TALL],
  lu: [(x) => L.lu(x).slice(1), A],
  'lu of batches': [(x) => L.lu(x).slice(1), B2],
  pinv: [(x) => L.pinv(x), A],
  'pinv, tall': [(x) => L.pinv(x), TALL],
  'pinv, wide': [(x) => L.pinv(x), WIDE],
  lstsq: [(a, b) => L.lstsq(a, b).solution, TALL, matrix([4, 2], { start: 0.1 })],
  'lstsq, wide': [(a, b) => L.lstsq(a, b).solution, WIDE, RHS],
  matrixExp: [(x) => L.matrixExp(x), A],
  'matrixExp of batches': [(x) => L.matrixExp(x), B2.mul(3)],
  cond: [(x) => L.cond(x), A],
  'cond, fro': [(x) => L.cond(x, 'fro'), A],
  'cond, 1': [(x) => L.cond(x, 1), A],
  'matrixNorm, nuc': [(x) => L.matrixNorm(x, 'nuc'), TALL],
  'matrixNorm, 2': [(x) => L.matrixNorm(x, 2), B2],
  'norm, nuc': [(x) => x.norm('nuc', [0, 2], true), matrix([3, 2, 4])],
  matrixPower: [(x) => L.matrixPower(x, -2), A],
  tensorinv: [(x) => L.tensorinv(x), matrix([4, 4], dominant).reshape(2, 2, 4)],
  tensorsolve: [(a, b) => L.tensorsolve(a, b), matrix([4, 4], dominant).reshape(2, 2, 4), matrix([2, 2])],
}

// ---- comparison ----

const numbers: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity, nan: Number.NaN }

/** The largest difference of values and expected ones, relative to the largest of these. */
function compare(actual: unknown, expected: Value, tolerance: number, what: string): void {
  if (Array.isArray(expected)) {
    const list: readonly unknown[] = Array.isArray(actual) ? actual : [actual]
    expect(list.length, `${what}: how many`).toBe(expected.length)
    expected.forEach((each, i) => void compare(list[i], each, tolerance, `${what}[${i}]`))
  } else if (typeof expected === 'number') expect(actual, what).toBe(expected)
  else {
    const { sizes, data } = expected as Encoded
    const x = actual as Tensor
    expect(x, what).toBeInstanceOf(Tensor)
    expect([...x.shape], `${what}: shape`).toEqual(sizes)
    const wanted = data.map((value) => (typeof value === 'string' ? numbers[value] : value))
    const most = Math.max(1, ...wanted.filter(Number.isFinite).map(Math.abs))
    const own = Array.from(x.detach().toArray())
    const wrong = own.findIndex((v, i) => !Object.is(v, wanted[i]) && !(Math.abs(v - wanted[i]) <= tolerance * most))
    expect(wrong < 0 ? [] : own, `${what}, from element ${wrong}`).toEqual(wrong < 0 ? [] : wanted)
  }
}

const listed = (x: Tensor | readonly Tensor[]): readonly Tensor[] => (x instanceof Tensor ? [x] : [...x])
const summed = (outs: readonly (Tensor | null)[], start: number): Tensor =>
  outs.map((x, i) => (x as Tensor).mul(weights(x as Tensor, start + i)).sum()).reduce((a, b) => a.add(b))

describe('as real PyTorch', () => {
  test('the cases here and the golden cases are the same', () => {
    expect(Object.keys(cases).sort()).toEqual(Object.keys(golden.derived).sort())
    expect(Object.keys(values).sort()).toEqual(Object.keys(golden.values).sort())
    expect(Object.keys(errors).sort()).toEqual(Object.keys(golden.errors).sort())
  })

  test.each(Object.entries(cases))('%s', (name, [fn, ...inputs]) => {
    const { values, grads, second } = golden.derived[name]
    const xs = inputs.map((x) => x.clone().requiresGrad_())
    const outs = listed(fn(...xs))
    compare(outs, values, 1e-10, name)
    const dxs = grad(summed(outs, 0.3), xs, { createGraph: true })
    if (grads !== null) compare(dxs, grads, 1e-9, `gradient of ${name}`)
    if (second === null) return
    const again = summed(dxs, 0.5)
    const found = again.requiresGrad ? grad(again, xs, { allowUnused: true }) : xs.map(() => null)
    second.forEach((each, i) => {
      if (each !== null) compare(found[i] ?? xs[i].mul(0), each, 1e-8, `second gradient of ${name}`)
    })
  })

  test.each(Object.keys(golden.values))('%s', (name) => {
    compare(values[name](), golden.values[name], name === 'float32' ? 1e-6 : 1e-10, name)
  })

  test.each(Object.entries(golden.errors))('%s', (name, { error, message }) => {
    let thrown: unknown
    try {
      errors[name]()
    } catch (each) {
      thrown = each
    }
    expect(thrown).toBeInstanceOf(Error)
    const { name: own, message: sentence } = thrown as Error
    expect(`${own}: ${sentence.split('\n')[0]}`).toBe(`${error}: ${message}`)
  })
})

const lower = { driver: 'gels' } as const
const values: Readonly<Record<string, () => unknown>> = {
  'qr, complete, tall': () => {
    const { Q, R } = L.qr(TALL, 'complete')
    return [R, Q.abs().narrow(1, 0, 3)]
  },
  'qr, r': () => L.qr(TALL, 'r').R,
  'full svd': () => {
    const { U, S } = L.svd(TALL)
    return [U.abs().narrow(1, 0, 3), S, U.size(1)]
  },
  'lu, tall': () => [...L.lu(TALL)],
  'lu, wide': () => [...L.lu(WIDE)],
  luFactor: () => [...L.luFactor(A)],
  luSolve: () => {
    const { LU, pivots } = L.luFactor(A)
    return L.luSolve(LU, pivots, RHS)
  },
  matrixRank: () => [A, B2, TALL, SINGULAR, zeros(2, 3)].map((x) => L.matrixRank(x)),
  'matrixRank with tolerances': () => [
    L.matrixRank(A, 2.5),
    L.matrixRank(A, { atol: 3 }),
    L.matrixRank(A, { rtol: 0.9 }),
    L.matrixRank(SINGULAR, { hermitian: true }),
  ],
  'pinv of a singular matrix': () => [L.pinv(SINGULAR), L.pinv(SINGULAR, 0.5), L.pinv(A, { hermitian: true })],
  'lstsq, all results': () => {
    const b = matrix([4, 2])
    return [lower, { driver: 'gelsd' } as const, { driver: 'gelsy' } as const].map((each) => [
      ...L.lstsq(TALL, b, each),
    ])
  },
  'invEx of a singular matrix': () => L.invEx(stack([SINGULAR, A])).info,
  choleskyEx: () => [L.choleskyEx(stack([A.sub(identity(3).mul(9)), spd(A)])).info],
  'det of a singular matrix': () => L.det(SINGULAR),
  'slogdet of a singular matrix': () => [...L.slogdet(zeros(2, 2, { dtype: 'float64' }))],
  nothing: () => [
    L.inv(ones(0, 2, 2)),
    L.det(ones(0, 0)),
    L.svdvals(ones(0, 3)),
    L.qr(ones(0, 3)).R,
    L.eigvalsh(ones(0, 0)),
    L.cholesky(ones(2, 0, 0)),
    L.solve(ones(2, 0, 0), ones(2, 0, 3)),
  ],
  'the triangle that is read': () => [
    L.eigvalsh(A),
    L.eigvalsh(A, 'U'),
    L.cholesky(A.add(identity(3).mul(9)), { upper: true }),
  ],
  'other conditions': () => ([2, -2, 'nuc', Infinity, -1] as const).map((p) => L.cond(A, p)),
  'norms of singular values': () => [
    L.matrixNorm(TALL, -2, { keepdim: true }),
    L.matrixNorm(matrix([3, 2, 4]), 2, [2, 0]),
    L.norm(A, 'nuc'),
    A.norm('nuc'),
  ],
  'infinite elements': () => [L.svdvals(INF), ...L.svd(INF), L.pinv(INF)],
  float32: () => [L.inv(A.float()), L.svdvals(TALL.float()), L.qr(TALL.float()).R],
}

const [I, R, V] = [eye(2), ones(2, 3), ones(2)]
const S2 = tensor([1, 2, 2, 4]).view(2, 2)
const whole = ones(2, 2, { dtype: 'int32' })
const names = ['inv', 'det', 'slogdet', 'cholesky', 'eigh', 'svd', 'qr', 'matrixExp'] as const
const called = (what: string, x: Tensor, without: readonly string[] = []) =>
  Object.fromEntries(
    names.filter((name) => !without.includes(name)).map((name) => [`${name} of ${what}`, () => L[name](x)]),
  )
const errors: Readonly<Record<string, () => unknown>> = {
  ...called('a rectangle', R, ['svd', 'qr']),
  ...called('a vector', V),
  ...called('integers', whole, ['eigh', 'matrixExp']),
  'a singular matrix': () => L.inv(S2),
  'a singular matrix in a batch': () => L.inv(stack([I, S2])),
  'a singular system': () => L.solve(S2, V),
  'a singular system in a batch': () => L.solve(stack([I, S2]), ones(2, 2, 1)),
  'not positive-definite': () => L.cholesky(S2),
  'not positive-definite in a batch': () => L.cholesky(stack([I, I.neg()])),
  'solve with other sizes': () => L.solve(I, ones(3)),
  'solve with another dtype': () => L.solve(I, V.double()),
  'solveTriangular with other sizes': () => L.solveTriangular(I, ones(3, 1), { upper: true }),
  'solveTriangular from the right with other sizes': () =>
    L.solveTriangular(I, ones(3, 1), { upper: true, left: false }),
  'solveTriangular with a vector': () => L.solveTriangular(I, V, { upper: true }),
  'lstsq with other sizes': () => L.lstsq(I, ones(3, 2)),
  'lstsq with a vector of another size': () => L.lstsq(I, ones(3)),
  'lstsq with another dtype': () => L.lstsq(I, V.double()),
  'qr of an unknown mode': () => L.qr(I, 'x' as 'r'),
  'an unknown triangle': () => L.eigh(I, 'X' as 'L'),
  'luFactor of a singular matrix': () => L.luFactor(S2),
  'tensorinv of other sizes': () => L.tensorinv(ones(2, 3, 4)),
  'tensorsolve of other sizes': () => L.tensorsolve(ones(2, 3, 2), ones(2, 3)),
  'matrixRank of a vector': () => L.matrixRank(V),
  'pinv of a vector': () => L.pinv(V),
  'pinv of integers': () => L.pinv(whole),
  'the nuclear norm of a vector': () => ones(3).norm('nuc'),
  'the nuclear norm over one dimension': () => R.norm('nuc', 1),
  'cond of a vector': () => L.cond(V),
  'the old cholesky': () => cholesky(I.neg()),
  'svd of NaN': () => L.svd(NAN),
  'svdvals of NaN in a batch': () => L.svdvals(stack([INF, NAN])),
  'pinv of NaN': () => L.pinv(NAN),
  'the gradient of qr, r': () =>
    L.qr(eye(2, { requiresGrad: true }), 'r')
      .R.sum()
      .backward(),
  'the gradient of qr, complete': () =>
    L.qr(ones(3, 2, { requiresGrad: true }), 'complete')
      .R.sum()
      .backward(),
}

describe('factorizations', () => {
  const near = (x: Tensor, y: Tensor): void => expect(x.sub(y).abs().max().item()).toBeLessThan(1e-11)
  const large = waves([40, 40], (i) => Math.sin(i * i))
  const flat = waves([40, 3], (i) => Math.cos(i * i)).matmul(waves([3, 25], (i) => Math.sin(i * i)))
  const powers = waves([40], (i) => 10 ** -(i / 4))
  /** Bidiagonal, with zeros on the diagonal and beside it. */
  const broken = large.diagonal().mul(waves([40], (i) => Number(i % 3 !== 1)))
  const matrices: Readonly<Record<string, Tensor>> = {
    large,
    'small rank': flat,
    'small rank, wide': mT(flat),
    zero: zeros(4, 3, { dtype: 'float64' }),
    graded: powers.unsqueeze(-1).mul(large).mul(powers),
    'graded upwards': powers.flip(0).unsqueeze(-1).mul(large).mul(powers.flip(0)),
    bidiagonal: broken.diag().add(waves([39], (i) => Number(i % 7 !== 0)).diag(1)),
    'a row': matrix([1, 5]),
    'a column': matrix([5, 1]),
    'few columns': matrix([20, 3]),
    'fewer columns than rows': matrix([20, 12]),
    'few rows': matrix([8, 9]),
  }

  it.each(Object.keys(matrices))('give the matrix again: %s', (name) => {
    const x = matrices[name]
    const { Q, R } = L.qr(x)
    near(Q.matmul(R), x)
    near(mT(Q).matmul(Q), identity(Q.size(-1)))
    const { U, S, Vh } = L.svd(x)
    near(mT(U).matmul(U), identity(U.size(-1)))
    near(Vh.matmul(mT(Vh)), identity(Vh.size(-1)))
    const k = S.size(0)
    near(
      U.narrow(1, 0, k)
        .mul(S)
        .matmul(Vh.narrow(0, 0, k)),
      x,
    )
    near(L.svdvals(x), S)
    near(S.sort({ descending: true }).values, S)
    const { P, L: l, U: u } = L.lu(x)
    near(P.matmul(l).matmul(u), x)
    if (x.size(0) !== x.size(1)) return
    const symmetric = x.add(mT(x))
    const { eigenvalues, eigenvectors } = L.eigh(symmetric)
    near(eigenvectors.mul(eigenvalues).matmul(mT(eigenvectors)), symmetric)
    near(mT(eigenvectors).matmul(eigenvectors), identity(x.size(0)))
    near(L.eigvalsh(symmetric), eigenvalues)
    const positive = symmetric.add(identity(x.size(0)).mul(100))
    const factor = L.cholesky(positive)
    near(factor.matmul(mT(factor)), positive)
    near(L.inv(positive).matmul(positive), identity(x.size(0)))
    near(positive.matmul(L.solve(positive, large)), large)
  })

  it.each([1e200, 1e-200])('of elements times %f are theirs times that', (factor) => {
    const scaled = large.mul(factor)
    near(L.svdvals(scaled).div(factor), L.svdvals(large))
    near(L.eigvalsh(scaled).div(factor), L.eigvalsh(large))
  })

  it('find equal and tiny singular values', () => {
    near(L.svdvals(identity(5)), ones(5, { dtype: 'float64' }))
    const graded = tensor([1, 1e-6, 1e-12], { dtype: 'float64' }).diag()
    near(L.svdvals(graded).div(tensor([1, 1e-6, 1e-12], { dtype: 'float64' })), ones(3, { dtype: 'float64' }))
    near(L.eigvalsh(ones(3, 3, { dtype: 'float64' })), tensor([0, 0, 3], { dtype: 'float64' }))
  })

  it('have the gradient of the determinant of a singular matrix, which PyTorch 1.13 takes for 0', () => {
    expect(gradcheck((x: Tensor) => L.det(x), [SINGULAR.clone().requiresGrad_()])).toBe(true)
  })

  it('print as named tuples, and are lists', () => {
    const found = L.qr(tensor([3, 4]).view(2, 1))
    expect(String(found)).toBe(
      'torch.return_types.linalg_qr(\nQ=tensor([[-0.6000],\n        [-0.8000]]),\nR=tensor([[-5.]]))',
    )
    const [Q, R] = found
    expect([Q === found.Q, R === found.R]).toEqual([true, true])
  })

  it('run on device js without being counted as a fallback, in a compiled step, too', () => {
    const step = compile((x: Tensor) => L.inv(x))
    for (let i = 0; i < 4; i++) expect(step(A).tolist()).toEqual(L.inv(A).tolist())
    expect(report()).toEqual({})
  })
})
