#!/usr/bin/env python3
"""Linear algebra in real PyTorch: packages/core/test/golden/linalg.json, by `python3 tools/golden/golden.py linalg`.

case -> {"values": one for each output, "grads": one for each input of the weighted sum of the outputs, "second": of the
weighted sum of those} in float64, or {"error": class, "message": sentence}. Where signs of vectors are LAPACK's choice, a
case looks at their squares and at products. packages/core/test/linalg.test.ts has the same cases under the same names.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.linalg as L  # noqa: E402
from format import write  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def matrix(*sizes, start=0.7, dominant=0.0):
    n = 1
    for size in sizes:
        n *= size
    i = torch.arange(n, dtype=torch.float64)
    x = torch.sin(i * i * 0.37 + i * 1.3 + start).reshape(sizes)
    if dominant:
        x = x + torch.eye(sizes[-1], dtype=torch.float64) * dominant
    return x


def weights(x, start):
    return torch.cos(torch.arange(x.numel(), dtype=torch.float64) * 0.9 + start).reshape(x.shape)


def spd(x):
    return x @ x.mT + torch.eye(x.shape[-1], dtype=x.dtype)


def eigh_parts(x):
    values, vectors = L.eigh(x)
    return values, vectors**2, vectors @ (values[..., None] * vectors.mT)


def svd_parts(x, full=False):
    u, s, vh = L.svd(x, full_matrices=full)
    k = s.shape[-1]
    return s, u[..., :k] ** 2, vh[..., :k, :] ** 2, u[..., :k] @ (s[..., None] * vh[..., :k, :])


A, B2, WIDE, TALL = matrix(3, 3, dominant=2.5), matrix(2, 3, 3, dominant=2.5), matrix(3, 4), matrix(4, 3)
RHS, VEC = matrix(3, 2, start=0.2), matrix(3, start=0.4)
SINGULAR = torch.tensor([[1.0, 2, 3], [2, 4, 6], [1, 0, 1]], dtype=torch.float64)
CASES = {
    'inv': (L.inv, A), 'inv of batches': (L.inv, B2), 'det': (L.det, A), 'det of batches': (L.det, B2),
    'slogdet': (lambda x: L.slogdet(x), A), 'logdet': (torch.logdet, A), 'logdet below zero': (torch.logdet, -A),
    'solve': (L.solve, A, RHS), 'solve a vector': (L.solve, A, VEC), 'solve batches': (L.solve, B2, RHS),
    'solve batches of vectors': (L.solve, B2, matrix(2, 3)), 'solve from the right': (lambda a, b: L.solve(a, b, left=False), A, RHS.mT),
    'solveTriangular': (lambda a, b: L.solve_triangular(a, b, upper=True), A, RHS),
    'solveTriangular lower, right, unit': (
        lambda a, b: L.solve_triangular(a, b, upper=False, left=False, unitriangular=True), A, RHS.mT.contiguous()),
    'solveTriangular of batches': (lambda a, b: L.solve_triangular(a, b, upper=False), B2, RHS),
    'cholesky': (lambda x: L.cholesky(spd(x)), A), 'cholesky, upper': (lambda x: L.cholesky(spd(x), upper=True), B2),
    'choleskySolve': (lambda b, x: torch.cholesky_solve(b, L.cholesky(spd(x))), RHS, A),
    'choleskyInverse': (lambda x: torch.cholesky_inverse(L.cholesky(spd(x))), A),
    'qr': (lambda x: L.qr(x), TALL), 'qr of batches': (lambda x: L.qr(x), B2), 'qr, wide': (lambda x: L.qr(x), WIDE),
    'qr, complete': (lambda x: L.qr(x, 'complete'), WIDE),
    'eigh': (lambda x: eigh_parts(x + x.mT), A), 'eigh of batches': (lambda x: eigh_parts(x + x.mT), B2),
    'eigvalsh': (lambda x: L.eigvalsh(x + x.mT), A), 'svd': (svd_parts, A), 'svd, tall': (svd_parts, TALL),
    'svd, wide': (svd_parts, WIDE), 'svd of batches': (svd_parts, B2), 'svdvals': (L.svdvals, TALL),
    'lu': (lambda x: L.lu(x)[1:], A), 'lu of batches': (lambda x: L.lu(x)[1:], B2),
    'pinv': (L.pinv, A), 'pinv, tall': (L.pinv, TALL), 'pinv, wide': (L.pinv, WIDE),
    'lstsq': (lambda a, b: L.lstsq(a, b).solution, TALL, matrix(4, 2, start=0.1)),
    'lstsq, wide': (lambda a, b: L.lstsq(a, b).solution, WIDE, RHS),
    'matrixExp': (torch.matrix_exp, A), 'matrixExp of batches': (torch.matrix_exp, B2 * 3), 'cond': (L.cond, A),
    'cond, fro': (lambda x: L.cond(x, 'fro'), A), 'cond, 1': (lambda x: L.cond(x, 1), A),
    'matrixNorm, nuc': (lambda x: L.matrix_norm(x, 'nuc'), TALL), 'matrixNorm, 2': (lambda x: L.matrix_norm(x, 2), B2),
    'norm, nuc': (lambda x: torch.norm(x, 'nuc', (0, 2), keepdim=True), matrix(3, 2, 4)),
    'matrixPower': (lambda x: L.matrix_power(x, -2), A), 'tensorinv': (lambda x: L.tensorinv(x), matrix(4, 4, dominant=2.5).reshape(2, 2, 4)),
    'tensorsolve': (L.tensorsolve, matrix(4, 4, dominant=2.5).reshape(2, 2, 4), matrix(2, 2)),
}
NAN, INF = (torch.tensor([[1, x], [2, 3]], dtype=torch.float64) for x in (float('nan'), float('inf')))
# Values only: integers, gradients that PyTorch lacks, and matrices at which the functions have no second gradient.
VALUES = {
    'qr, complete, tall': lambda: [L.qr(TALL, 'complete')[1], L.qr(TALL, 'complete')[0].abs()[:, :3]],
    'qr, r': lambda: L.qr(TALL, 'r')[1],
    'full svd': lambda: [L.svd(TALL)[0].abs()[:, :3], L.svd(TALL)[1], L.svd(TALL)[0].shape[1]],
    'lu, tall': lambda: list(L.lu(TALL)), 'lu, wide': lambda: list(L.lu(WIDE)),
    'luFactor': lambda: list(L.lu_factor(A)), 'luSolve': lambda: L.lu_solve(*L.lu_factor(A), RHS),
    'matrixRank': lambda: [L.matrix_rank(x) for x in (A, B2, TALL, SINGULAR, torch.zeros(2, 3))],
    'matrixRank with tolerances': lambda: [
        L.matrix_rank(A, 2.5), L.matrix_rank(A, atol=3.0), L.matrix_rank(A, rtol=0.9), L.matrix_rank(SINGULAR, hermitian=True)],
    'pinv of a singular matrix': lambda: [L.pinv(SINGULAR), L.pinv(SINGULAR, 0.5), L.pinv(A, hermitian=True)],
    'lstsq, all results': lambda: [[*L.lstsq(TALL, matrix(4, 2), driver=d)] for d in ('gels', 'gelsd', 'gelsy')],
    'invEx of a singular matrix': lambda: L.inv_ex(torch.stack([SINGULAR, A]))[1],
    'choleskyEx': lambda: [L.cholesky_ex(torch.stack([A - 9 * torch.eye(3), spd(A)]))[1]],
    'det of a singular matrix': lambda: L.det(SINGULAR),
    'slogdet of a singular matrix': lambda: [*L.slogdet(torch.zeros(2, 2, dtype=torch.float64))],
    'nothing': lambda: [L.inv(torch.ones(0, 2, 2)), L.det(torch.ones(0, 0)), L.svdvals(torch.ones(0, 3)),
                        L.qr(torch.ones(0, 3))[1], L.eigvalsh(torch.ones(0, 0)), L.cholesky(torch.ones(2, 0, 0)),
                        L.solve(torch.ones(2, 0, 0), torch.ones(2, 0, 3))],
    'the triangle that is read': lambda: [L.eigvalsh(A), L.eigvalsh(A, 'U'), L.cholesky(A + 9 * torch.eye(3), upper=True)],
    'other conditions': lambda: [L.cond(A, p) for p in (2, -2, 'nuc', float('inf'), -1)],
    'norms of singular values': lambda: [
        L.matrix_norm(TALL, -2, keepdim=True), L.matrix_norm(matrix(3, 2, 4), 2, (2, 0)), L.norm(A, 'nuc'), torch.norm(A, 'nuc')],
    'infinite elements': lambda: [L.svdvals(INF), *L.svd(INF), L.pinv(INF)],
    'float32': lambda: [L.inv(A.float()), L.svdvals(TALL.float()), L.qr(TALL.float())[1]],
}
I, R, S2 = torch.eye(2), torch.ones(2, 3), torch.tensor([[1.0, 2], [2, 4]])
FNS = {'inv': L.inv, 'det': L.det, 'slogdet': L.slogdet, 'cholesky': L.cholesky, 'eigh': L.eigh, 'svd': L.svd, 'qr': L.qr,
       'matrixExp': L.matrix_exp}
ERRORS = {
    **{f'{name} of a rectangle': (lambda fn=fn: fn(R)) for name, fn in FNS.items() if name not in ('svd', 'qr')},
    **{f'{name} of a vector': (lambda fn=fn: fn(torch.ones(2))) for name, fn in FNS.items()},
    **{f'{name} of integers': (lambda fn=fn: fn(torch.ones(2, 2, dtype=torch.int64)))
       for name, fn in FNS.items() if name not in ('eigh', 'matrixExp')},
    'a singular matrix': lambda: L.inv(S2), 'a singular matrix in a batch': lambda: L.inv(torch.stack([I, S2])),
    'a singular system': lambda: L.solve(S2, torch.ones(2)),
    'a singular system in a batch': lambda: L.solve(torch.stack([I, S2]), torch.ones(2, 2, 1)),
    'not positive-definite': lambda: L.cholesky(S2), 'not positive-definite in a batch': lambda: L.cholesky(torch.stack([I, -I])),
    'solve with other sizes': lambda: L.solve(I, torch.ones(3)), 'solve with another dtype': lambda: L.solve(I, torch.ones(2).double()),
    'solveTriangular with other sizes': lambda: L.solve_triangular(I, torch.ones(3, 1), upper=True),
    'solveTriangular from the right with other sizes': lambda: L.solve_triangular(I, torch.ones(3, 1), upper=True, left=False),
    'solveTriangular with a vector': lambda: L.solve_triangular(I, torch.ones(2), upper=True),
    'lstsq with other sizes': lambda: L.lstsq(I, torch.ones(3, 2)), 'lstsq with a vector of another size': lambda: L.lstsq(I, torch.ones(3)),
    'lstsq with another dtype': lambda: L.lstsq(I, torch.ones(2).double()), 'qr of an unknown mode': lambda: L.qr(I, mode='x'),
    'an unknown triangle': lambda: L.eigh(I, UPLO='X'), 'luFactor of a singular matrix': lambda: L.lu_factor(S2),
    'tensorinv of other sizes': lambda: L.tensorinv(torch.ones(2, 3, 4)),
    'tensorsolve of other sizes': lambda: L.tensorsolve(torch.ones(2, 3, 2), torch.ones(2, 3)),
    'matrixRank of a vector': lambda: L.matrix_rank(torch.ones(2)), 'pinv of a vector': lambda: L.pinv(torch.ones(2)),
    'pinv of integers': lambda: L.pinv(torch.ones(2, 2, dtype=torch.int64)),
    'the nuclear norm of a vector': lambda: torch.norm(torch.ones(3), 'nuc'),
    'the nuclear norm over one dimension': lambda: torch.norm(torch.ones(2, 3), 'nuc', 1), 'cond of a vector': lambda: L.cond(torch.ones(2)), 'the old cholesky': lambda: torch.cholesky(-I),
    'svd of NaN': lambda: L.svd(NAN), 'svdvals of NaN in a batch': lambda: L.svdvals(torch.stack([INF, NAN])),
    'pinv of NaN': lambda: L.pinv(NAN), 'the gradient of qr, r': lambda: L.qr(torch.eye(2, requires_grad=True), 'r')[1].sum().backward(),
    'the gradient of qr, complete': lambda: L.qr(torch.ones(3, 2, requires_grad=True), 'complete')[1].sum().backward(),
}


def encode(value):
    if isinstance(value, torch.Tensor):
        flat = value.detach().flatten().tolist()
        return {'sizes': list(value.shape), 'data': [x if x == x and abs(x) != float('inf') else str(x) for x in flat]}
    if isinstance(value, (list, tuple)):
        return [encode(x) for x in value]
    return value


def summed(outs, start):
    return sum((x * weights(x, start + i)).sum() for i, x in enumerate(outs))


def derived(fn, *inputs):
    xs = [x.clone().requires_grad_() for x in inputs]
    outs = fn(*xs)
    outs = list(outs) if isinstance(outs, (tuple, list)) else [outs]
    try:
        grads = torch.autograd.grad(summed(outs, 0.3), xs, create_graph=True)
        second = torch.autograd.grad(summed(grads, 0.5), xs, allow_unused=True)
    except RuntimeError as error:
        # cholesky_inverse of PyTorch 1.13 writes to a tensor that it has saved.
        assert 'modified by an inplace' in str(error), error
        return {'values': encode(outs), 'grads': None, 'second': None}
    return {'values': encode(outs), 'grads': encode(list(grads)), 'second': encode(list(second))}


def failing(fn):
    try:
        fn()
    except Exception as error:  # noqa: BLE001
        return {'error': type(error).__name__.lstrip('_'), 'message': str(error)}
    raise AssertionError('it did not fail')


write('packages/core/test/golden/linalg.json', {
    'derived': {name: derived(*call) for name, call in CASES.items()},
    'values': {name: encode(fn()) for name, fn in VALUES.items()},
    'errors': {name: failing(fn) for name, fn in ERRORS.items()},
})
