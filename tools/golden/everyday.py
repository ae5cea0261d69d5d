#!/usr/bin/env python3
"""Writes packages/core/test/golden/everyday.json: functions that are no ops of the conformance suite, since they run on the host,
read arguments, or call other functions, as real PyTorch 1.13 prints or refuses them.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/everyday.py

Lines and values are those of ops_b.py; in addition both sides know
  A   a regular matrix of float64, Z a symmetric one whose diagonal is small, S a singular one of float32
  W   seven rows of five waves
  seeded(f)   the value of f after manual_seed(1)
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch.nn.utils import rnn  # noqa: E402
from format import write  # noqa: E402
from ops_b import perform, scope  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def seeded(f):
    torch.manual_seed(1)
    return f()


scope['seeded'] = seeded
scope['L'] = torch.linalg
scope['r'] = rnn
scope['A'] = torch.tensor([[1, 2, 3], [4, 5, 6.5], [7, 8, 1]], dtype=torch.float64)
scope['Z'] = torch.tensor([[0.1, 9, 9], [4, 0.2, 9], [1, 3, 0.3]], dtype=torch.float64)
scope['S'] = torch.tensor([[1.0, 2], [2, 4]])
scope['W'] = torch.sin(torch.arange(35.0) ** 2).reshape(7, 5)

H = torch.cos(torch.arange(144, dtype=torch.float64)).reshape(12, 12)
scope['H'] = H + H.T + torch.diag(3 * torch.arange(12, dtype=torch.float64))
scope['G'] = torch.diag(1 + torch.arange(12, dtype=torch.float64))


def slope(f, x):
    """The gradient of f(x) for x."""
    x = x.clone().requires_grad_()
    f(x).backward()
    return x.grad


scope['slope'] = slope

# Pairs of TypeScript and Python, or a line that is both.
ROWS = [
    # --- as_strided of what is not contiguous ---
    ('T([0, 1, 2, 3]).at("1:").asStrided([2], [1])', 'torch.arange(4.)[1:].as_strided((2,), (1,))'),
    ('T([0, 1, 2, 3]).at("1:").asStrided([3], [1], 0)', 'torch.arange(4.)[1:].as_strided((3,), (1,), 0)'),
    ('T([0, 1, 2, 3]).at("::2").asStrided([4], [1])', 'torch.arange(4.)[::2].as_strided((4,), (1,))'),
    ('T([0, 1, 2, 3]).at("::2").detach().asStrided([4], [1])', 'torch.arange(4.)[::2].detach().as_strided((4,), (1,))'),
    ('m.t().asStrided([3, 2], [2, 1])', 'm.t().as_strided((3, 2), (2, 1))'),
    ('slopes((x) => x.t().asStrided([3, 2], [2, 1]), m)', 'slopes(lambda x: x.t().as_strided((3, 2), (2, 1)), m)'),
    ('slopes((x) => x.at("1:").asStrided([2, 2], [1, 1]), F(1, 2, 3, 4))', 'slopes(lambda x: x[1:].as_strided((2, 2), (1, 1)), F(1, 2, 3, 4))'),
    ('m.t().asStridedScatter(T([9, 8]), [2], [2])', 'm.t().as_strided_scatter(F(9, 8), (2,), (2,))'),
    ('x = F(1, 2, 3, 4); x.asStrided_([2, 2], [1, 2]); x', 'x = F(1, 2, 3, 4); x.as_strided_((2, 2), (1, 2)); x'),
    ('x = R(1, 2, 3, 4); y = x.mul(2).asStrided_([2], [2]); y.sum().backward(); x.grad', 'x = R(1, 2, 3, 4); y = (x * 2).as_strided_((2,), (2,)); y.sum().backward(); x.grad'),
    ('x = F(1, 2, 3); x.asStrided([2], [1]).mul_(5); x', 'x = F(1, 2, 3); x.as_strided((2,), (1,)).mul_(5); x'),
    ('x = R(1, 2, 3); y = x.mul(1); y.asStrided([2], [2]).mul_(5); y.sum().backward(); x.grad', 'x = R(1, 2, 3); y = x * 1; y.as_strided((2,), (2,)).mul_(5); y.sum().backward(); x.grad'),
    # --- tensors of tensors ---
    ('T([T(1), T([2])])', 'T([T(1.), T([2.])])'),
    ('T([[T(1), 2], [3, T([[4]])]])', 'T([[T(1.), 2.], [3., T([[4.]])]])'),
    ('T([I(3), I(4)])', 'T([I(3), I(4)])'),
    ('T([I(3), 2.5])', 'T([I(3), 2.5])'),
    ('T([B(1), B(0)])', 'T([B(1), B(0)])'),
    ('T([D(1), 2, I(3)])', 'T([D(1), 2., I(3)])'),
    ('T([U(7)])', 'T([U(7)])'),
    ('T([R(2).mul(3), R(1)])', 'T([R(2) * 3, R(1)])'),
    ("T([T(3), T(0)], { dtype: 'float64' })", 'T([T(3.), T(0.)], dtype=torch.float64)'),
    ('T([T([1, 2])])', 'T([T([1., 2.])])'),
    ('T([1, T([])])', 'T([1, T([])])'),
    ('T(R(1, 2).mul(2))', 'T(R(1, 2) * 2)'),
    ('T(I(1, 2))', 'T(I(1, 2))'),
    ("T(I(1, 2), { dtype: 'float64', requiresGrad: true })", 'T(I(1, 2), dtype=torch.float64, requires_grad=True)'),
    ('x = F(1, 2); T(x).add_(1); x', 'x = F(1, 2); T(x).add_(1); x'),
    ('D(1).newTensor([T(1), I(2)])', 'D(1).new_tensor([T(1.), I(2)])'),
    ('D(1).newTensor(m)', 'D(1).new_tensor(m)'),
    ('torch.asTensor([m.max(), m.min()])', 'torch.as_tensor([m.max(), m.min()])'),
    ('m.size().numel()', 'm.size().numel()'),
    ('c.size().slice(1).numel()', 'c.shape[1:].numel()'),
    ('T(5).size().numel()', 'T(5.).size().numel()'),
    # --- asarray, broadcast_shapes, dropout ---
    ('torch.asarray([1, 2.5])', 'torch.asarray([1, 2.5])'),
    ('torch.asarray(m.mul(2), { requiresGrad: true })', 'torch.asarray(m * 2, requires_grad=True)'),
    ('torch.asarray(R(1, 2).mul(2))', 'torch.asarray(R(1, 2) * 2)'),
    ('x = F(1, 2); torch.asarray(x).add_(1); x', 'x = F(1, 2); torch.asarray(x).add_(1); x'),
    ('x = F(1, 2); torch.asarray(x, { copy: true }).add_(1); x', 'x = F(1, 2); torch.asarray(x, copy=True).add_(1); x'),
    ("torch.asarray(m, { dtype: 'float64' })", 'torch.asarray(m, dtype=torch.float64)'),
    ("torch.asarray(m, { dtype: 'float64', copy: false })", 'torch.asarray(m, dtype=torch.float64, copy=False)'),
    ('torch.asarray([1, 2], { copy: false })', 'torch.asarray([1, 2], copy=False)'),
    ('torch.broadcastShapes([2], [3, 1], [1])', 'list(torch.broadcast_shapes((2,), (3, 1), (1,)))'),
    ('torch.broadcastShapes(2, [3, 1])', 'list(torch.broadcast_shapes(2, (3, 1)))'),
    ('torch.broadcastShapes()', 'list(torch.broadcast_shapes())'),
    ('torch.dropout(m, 0.5, false)', 'torch.dropout(m, 0.5, False)'),
    ('seeded(() => torch.dropout(m, 0.5, true))', 'seeded(lambda: torch.dropout(m, 0.5, True))'),
    ('torch.dropout(m, 1.5, true)', 'torch.dropout(m, 1.5, True)'),
    # --- old norms ---
    ('slopes((x) => torch.frobeniusNorm(x).mul(1), D(3, 4))', 'slopes(lambda x: torch.frobenius_norm(x) * 1, D(3, 4))'),
    ('torch.frobeniusNorm(m, 1)', 'torch.frobenius_norm(m, 1)'),
    ('torch.frobeniusNorm(m, [0, 1], true)', 'torch.frobenius_norm(m, (0, 1), True)'),
    ('torch.frobeniusNorm(c, [0, 1, 2])', 'torch.frobenius_norm(c, (0, 1, 2))'),
    ('torch.nuclearNorm(m)', 'torch.nuclear_norm(m)'),
    ('torch.nuclearNorm(m, true)', 'torch.nuclear_norm(m, True)'),
    ('torch.nuclearNorm(c, [0, 2])', 'torch.nuclear_norm(c, (0, 2))'),
    ('torch.nuclearNorm(F(1, 2, 3))', 'torch.nuclear_norm(F(1, 2, 3))'),
    ('torch.nuclearNorm(c, [0])', 'torch.nuclear_norm(c, (0,))'),
    # --- scans in place ---
    ('F(1, 2, 3).cumsum_(0)', 'F(1, 2, 3).cumsum_(0)'),
    ('I(1, 2, 3).cumprod_(-1)', 'I(1, 2, 3).cumprod_(-1)'),
    ('x = R(1, 2, 3); x.mul(2).cumprod_(0).sum().backward(); x.grad', 'x = R(1, 2, 3); (x * 2).cumprod_(0).sum().backward(); x.grad'),
    ("F(1, 2).cumsum_(0, { dtype: 'float64' })", 'F(1, 2).cumsum_(0, dtype=torch.float64)'),
    ("I(1, 2).cumsum_(0, { dtype: 'float32' })", 'I(1, 2).cumsum_(0, dtype=torch.float32)'),
    ('B(1, 0).cumsum_(0)', 'B(1, 0).cumsum_(0)'),
    ('U(1, 2, 255).cumsum_(0)', 'U(1, 2, 255).cumsum_(0)'),
    # --- functions of elements ---
    ('F(1, 2).apply_((x) => x * x + 1)', 'F(1, 2).apply_(lambda x: x * x + 1)'),
    ('I(1, 2).apply_((x) => x + 1.5)', 'I(1, 2).apply_(lambda x: x + 1.5)'),
    ('m.t().clone().apply_((x) => x + 10)', 'm.t().clone().apply_(lambda x: x + 10)'),
    ('x = F(1, 2, 3); x.at("::2").apply_((x) => -x); x', 'x = F(1, 2, 3); x[::2].apply_(lambda x: -x); x'),
    ('R(1, 2).apply_((x) => x)', 'R(1, 2).apply_(lambda x: x)'),
    ("F(1).apply_(() => 'a')", "F(1).apply_(lambda x: 'a')"),
    ('F(1, 2).map_(F(3, 4), (x, y) => x * y)', 'F(1, 2).map_(F(3, 4), lambda x, y: x * y)'),
    ('F(1, 2).map_(F(3), (x, y) => x * y)', 'F(1, 2).map_(F(3), lambda x, y: x * y)'),
    ('F(1, 2).map_(D(3, 4), (x) => x)', 'F(1, 2).map_(D(3, 4), lambda x, y: x)'),
    ('F(1, 2).map_(F(3, 4, 5), (x) => x)', 'F(1, 2).map_(F(3, 4, 5), lambda x, y: x)'),
    ('R(1, 2).map_(F(3, 4), (x) => x)', 'R(1, 2).map_(F(3, 4), lambda x, y: x)'),
    # --- LU ---
    ('list([...L.luFactorEx(A)])', '[x.long() if x.dtype == torch.int32 else x for x in L.lu_factor_ex(A)]'),
    ('L.luFactorEx(S).info', 'L.lu_factor_ex(S).info.long()'),
    ('L.luFactorEx(S, { checkErrors: true })', 'L.lu_factor_ex(S, check_errors=True)'),
    ('L.luFactorEx(torch.stack([S, torch.eye(2)]), { checkErrors: true })', 'L.lu_factor_ex(torch.stack([S, torch.eye(2)]), check_errors=True)'),
    ('slopes((x) => L.luFactor(x).LU, A)', 'slopes(lambda x: L.lu_factor(x)[0], A)'),
    ('list([...torch.luUnpack(...L.luFactor(A))])', 'list(torch.lu_unpack(*L.lu_factor(A)))'),
    ('list([...torch.luUnpack(...L.luFactor(m))])', 'list(torch.lu_unpack(*L.lu_factor(m)))'),
    ('list([...torch.luUnpack(...L.luFactor(m.t()))])', 'list(torch.lu_unpack(*L.lu_factor(m.t())))'),
    ('list([...torch.luUnpack(...L.luFactor(A), false)])', 'list(torch.lu_unpack(*L.lu_factor(A), False))'),
    ('list([...torch.luUnpack(...L.luFactor(A), { unpackPivots: false })])', 'list(torch.lu_unpack(*L.lu_factor(A), unpack_pivots=False))'),
    ('slopes((x) => torch.luUnpack(x, I(1, 2, 3)).L.mul(1), A)', 'slopes(lambda x: torch.lu_unpack(x, I(1, 2, 3).int())[1] * 1, A)'),
    ('slopes((x) => torch.luUnpack(x, I(1, 2, 3)).U.mul(1), A)', 'slopes(lambda x: torch.lu_unpack(x, I(1, 2, 3).int())[2] * 1, A)'),
    ('torch.luUnpack(A, F(1, 2, 3))', 'torch.lu_unpack(A, F(1, 2, 3))'),
    ('torch.luUnpack(A, I(0, 1, 9))', 'torch.lu_unpack(A, I(0, 1, 9).int())'),
    ('torch.luUnpack(F(1, 2), I(1))', 'torch.lu_unpack(F(1, 2), I(1).int())'),
    ('list([...L.solveEx(A, A.t())])', '[L.solve_ex(A, A.t())[0], L.solve_ex(A, A.t())[1].long()]'),
    ('list([...L.solveEx(S, F(1, 1))])', '[L.solve_ex(S, F(1, 1))[0], L.solve_ex(S, F(1, 1))[1].long()]'),
    ('slopes((x, y) => L.solveEx(x, y, { left: false }).result.mul(1), A, A.t())', 'slopes(lambda x, y: L.solve_ex(x, y, left=False)[0] * 1, A, A.t())'),
    # --- reflections ---
    ('list([...torch.geqrf(A)])', 'list(torch.geqrf(A))'),
    ('list([...torch.geqrf(m)])', 'list(torch.geqrf(m))'),
    ('list([...torch.geqrf(m.t())])', 'list(torch.geqrf(m.t()))'),
    ('torch.stack([A, A.t()]).geqrf().tau', 'torch.stack([A, A.t()]).geqrf()[1]'),
    ('torch.geqrf(F(1, 2))', 'torch.geqrf(F(1, 2))'),
    ('torch.geqrf(I(1, 2).view(1, 2))', 'torch.geqrf(I(1, 2).view(1, 2))'),
    ('torch.geqrf(A.clone().requiresGrad_()).a.sum().backward()', 'torch.geqrf(A.clone().requires_grad_())[0].sum().backward()'),
    ('slopes((x, y) => L.householderProduct(x, y).mul(1), A, D(0.5, 1.5, 2))', 'slopes(lambda x, y: L.householder_product(x, y) * 1, A, torch.tensor([0.5, 1.5, 2]).double())'),
    ('slopes((x, y) => torch.orgqr(x, y).mul(1), m.t(), F(1.5))', 'slopes(lambda x, y: torch.orgqr(x, y) * 1, m.t(), F(1.5))'),
    ('L.householderProduct(A, D())', 'L.householder_product(A, D())'),
    ('L.householderProduct(m, F(1, 2))', 'L.householder_product(m, F(1, 2))'),
    ('L.householderProduct(A, D(1, 2, 3, 4))', 'L.householder_product(A, D(1, 2, 3, 4))'),
    ('L.householderProduct(F(1), F(1))', 'L.householder_product(F(1), F(1))'),
    ('L.householderProduct(A, F(1, 2, 3))', 'L.householder_product(A, F(1, 2, 3))'),
    ('L.householderProduct(torch.stack([A, A]), D(1, 2, 3))', 'L.householder_product(torch.stack([A, A]), D(1, 2, 3))'),
    *(
        (f'torch.ormqr(A, D(1, 2, 3), A, {left}, {transpose})', f'torch.ormqr(A, D(1, 2, 3), A, {left.title()}, {transpose.title()})')
        for left in ('true', 'false')
        for transpose in ('true', 'false')
    ),
    ("torch.ormqr(m.t(), F(1, 0.5), m.t())", 'torch.ormqr(m.t(), F(1, 0.5), m.t())'),
    ('torch.ormqr(A, D(1, 2, 3), D(1))', 'torch.ormqr(A, D(1, 2, 3), D(1))'),
    ('torch.ormqr(A, D(1, 2, 3, 4), A)', 'torch.ormqr(A, D(1, 2, 3, 4), A)'),
    ('torch.ormqr(A, F(1, 2, 3), A)', 'torch.ormqr(A, F(1, 2, 3), A)'),
    ('torch.ormqr(A, D(1, 2, 3), A.float())', 'torch.ormqr(A, D(1, 2, 3), A.float())'),
    ('torch.ormqr(A, D(1, 2, 3), A.clone().requiresGrad_()).sum().backward()', 'torch.ormqr(A, D(1, 2, 3), A.clone().requires_grad_()).sum().backward()'),
    # --- symmetric matrices ---
    *(
        (f'list([...L.ldlFactor({x})])', f'[x.long() if x.dtype == torch.int32 else x for x in L.ldl_factor({x})]')
        for x in ('Z', 'A', 'Z.t()', 'torch.stack([A, Z])')
    ),
    ('list([...L.ldlFactor(W.t().mm(W).sin())])', '[x.long() if x.dtype == torch.int32 else x for x in L.ldl_factor(W.t().mm(W).sin())]'),
    ('list([...L.ldlFactorEx(S)])', '[x.long() if x.dtype == torch.int32 else x for x in L.ldl_factor_ex(S)]'),
    ('L.ldlFactorEx(torch.zeros(2, 2)).info', 'L.ldl_factor_ex(torch.zeros(2, 2)).info.long()'),
    *(
        (f'L.ldlSolve(...L.ldlFactor({x}), {b})', f'L.ldl_solve(*L.ldl_factor({x}), {b})')
        for x, b in (('Z', 'A'), ('A', 'A'), ('torch.stack([A, Z])', 'A'), ('W.t().mm(W).sin()', 'W.t()'))
    ),
    ('L.ldlFactor(m)', 'L.ldl_factor(m)'),
    ('L.ldlFactor(A.clone().requiresGrad_()).LD.sum().backward()', 'L.ldl_factor(A.clone().requires_grad_())[0].sum().backward()'),
    ('L.ldlSolve(Z, F(1, 2, 3), A)', 'L.ldl_solve(Z, F(1, 2, 3), A)'),
    ('L.ldlSolve(Z, I(1, 2), A)', 'L.ldl_solve(Z, I(1, 2).int(), A)'),
    ('L.ldlSolve(Z, I(1, 2, 3), A.float())', 'L.ldl_solve(Z, I(1, 2, 3).int(), A.float())'),
    ("L.ldlSolve(Z, I(1, 2, 3), A.at('0:2'))", 'L.ldl_solve(Z, I(1, 2, 3).int(), A[0:2])'),
    # --- packed sequences ---
    ('r.packSequence([F(1, 2, 3), F(4), F(5, 6)], false)', 'r.pack_sequence([F(1, 2, 3), F(4), F(5, 6)], False)'),
    ('r.packSequence([F(1), F(5, 6)])', 'r.pack_sequence([F(1), F(5, 6)])'),
    ('r.packPaddedSequence(c, [2, 1, 1])', 'r.pack_padded_sequence(c, [2, 1, 1])'),
    ('r.packPaddedSequence(c, I(3, 1), true)', 'r.pack_padded_sequence(c, I(3, 1), True)'),
    ('r.packPaddedSequence(c, [1, 2, 1], { enforceSorted: false })', 'r.pack_padded_sequence(c, [1, 2, 1], enforce_sorted=False)'),
    ('r.packPaddedSequence(c, [2, 0, 0])', 'r.pack_padded_sequence(c, [2, 0, 0])'),
    ('r.packPaddedSequence(c, [2])', 'r.pack_padded_sequence(c, [2])'),
    ('r.padPackedSequence(r.packSequence([F(1, 2, 3), F(4), F(5, 6)], false), true, 9, 5)', 'list(r.pad_packed_sequence(r.pack_sequence([F(1, 2, 3), F(4), F(5, 6)], False), True, 9, 5))'),
    ('r.padPackedSequence(r.packPaddedSequence(c, [2, 2, 1]))', 'list(r.pad_packed_sequence(r.pack_padded_sequence(c, [2, 2, 1])))'),
    ('r.padPackedSequence(r.packSequence([F(1, 2)]), { totalLength: 1 })', 'r.pad_packed_sequence(r.pack_sequence([F(1, 2)]), total_length=1)'),
    ('r.unpackSequence(r.packSequence([F(1, 2, 3), F(4), F(5, 6)], false))', 'r.unpack_sequence(r.pack_sequence([F(1, 2, 3), F(4), F(5, 6)], False))'),
    ('r.invertPermutation(I(2, 0, 1))', 'r.invert_permutation(I(2, 0, 1))'),
    ('slopes((x, y) => r.padPackedSequence(r.packSequence([x, y], false))[0].mul(1), F(1), F(2, 3))', 'slopes(lambda x, y: r.pad_packed_sequence(r.pack_sequence([x, y], False))[0] * 1, F(1), F(2, 3))'),
    # --- low rank ---
    ('seeded(() => torch.svdLowrank(W, 3)[1])', 'seeded(lambda: torch.svd_lowrank(W, 3)[1])'),
    ('seeded(() => torch.svdLowrank(W, { q: 2, niter: 0 }).map((x) => x.abs()))', 'seeded(lambda: [x.abs() for x in torch.svd_lowrank(W, q=2, niter=0)])'),
    ('seeded(() => torch.svdLowrank(W.t(), 2).map((x) => x.abs()))', 'seeded(lambda: [x.abs() for x in torch.svd_lowrank(W.t(), 2)])'),
    ('seeded(() => torch.svdLowrank(W, 5, 1, W.mul(0.5))[1])', 'seeded(lambda: torch.svd_lowrank(W, 5, 1, W * 0.5)[1])'),
    ('seeded(() => torch.pcaLowrank(W, 3).map((x) => x.abs()))', 'seeded(lambda: [x.abs() for x in torch.pca_lowrank(W, 3)])'),
    ('seeded(() => torch.pcaLowrank(W, { center: false })[1])', 'seeded(lambda: torch.pca_lowrank(W, center=False)[1])'),
    ('torch.pcaLowrank(W, 9)', 'torch.pca_lowrank(W, 9)'),
    ('torch.pcaLowrank(W, { niter: -1 })', 'torch.pca_lowrank(W, niter=-1)'),
    ('torch.svdLowrank(W, 9)', 'torch.svd_lowrank(W, 9)'),
    # --- wrong arguments ---
    ("T('a')", "T('a')"),
    ("T([['a']])", "T([['a']])"),
    ("T([1, 'a'])", "T([1, 'a'])"),
    ('L.cond(m, 5)', 'L.cond(m, 5)'),
    ('L.cond(m, 1)', 'L.cond(m, 1)'),
    ("L.cond(m, 'fro')", "L.cond(m, 'fro')"),
    ("L.cond(A, 'x')", "L.cond(A, 'x')"),
    ('B(1).abs()', 'B(1).abs()'),
    ('B(1).floor()', 'B(1).floor()'),
    ('B(1).ceil()', 'B(1).ceil()'),
    ('B(1).trunc()', 'B(1).trunc()'),
    ('B(1).round()', 'B(1).round()'),
    ('slopes((x, w) => torch.F.linear(x, w), m, F(1, 2, 3))', 'slopes(lambda x, w: torch.nn.functional.linear(x, w), m, F(1, 2, 3))'),
    ('torch.F.linear(c, F(1, 2, 3, 4))', 'torch.nn.functional.linear(c, F(1, 2, 3, 4))'),
    ('torch.F.linear(m, F(1, 2))', 'torch.nn.functional.linear(m, F(1, 2))'),
    ('torch.F.linear(m, F(1, 2, 3), F(1, 2))', 'torch.nn.functional.linear(m, F(1, 2, 3), F(1, 2))'),
    ('new torch.distributions.MultivariateNormal(F(1, 2), { covarianceMatrix: m })', 'torch.distributions.MultivariateNormal(F(1, 2), covariance_matrix=m)'),
    # --- lobpcg ---
    ('seeded(() => torch.lobpcg(H, 2, { tol: 1e-11 }).map((x) => x.abs()))', 'seeded(lambda: [x.abs() for x in torch.lobpcg(H, 2, tol=1e-11)])'),
    ('seeded(() => torch.lobpcg(H.float(), 2)[0].round({ decimals: 2 }))', 'seeded(lambda: torch.lobpcg(H.float(), 2)[0].round(decimals=2))'),
    ('seeded(() => torch.lobpcg(H, { k: 3, largest: false, tol: 1e-11 })[0])', 'seeded(lambda: torch.lobpcg(H, k=3, largest=False, tol=1e-11)[0])'),
    ('seeded(() => torch.lobpcg(H, { k: 1, n: 4, niter: -1 })[0])', 'seeded(lambda: torch.lobpcg(H, k=1, n=4, niter=-1)[0])'),
    ('seeded(() => torch.lobpcg(torch.stack([H, H.mul(2)]), 2)[0])', 'seeded(lambda: torch.lobpcg(torch.stack([H, H * 2]), 2)[0])'),
    ('seeded(() => torch.lobpcg(H, 2, G, { tol: 1e-11 }).map((x) => x.abs()))', 'seeded(lambda: [x.abs() for x in torch.lobpcg(H, 2, G, tol=1e-11)])'),
    ('seeded(() => torch.lobpcg(H, 2, { B: G, largest: false })[0])', 'seeded(lambda: torch.lobpcg(H, 2, B=G, largest=False)[0])'),
    ("seeded(() => torch.lobpcg(H, 2, { method: 'basic', tol: 1e-5 })[0])", "seeded(lambda: torch.lobpcg(H, 2, method='basic', tol=1e-5)[0])"),
    ("seeded(() => torch.lobpcg(H, 2, { method: 'basic', iK: torch.inverse(H), niter: 4 })[0])", "seeded(lambda: torch.lobpcg(H, 2, method='basic', iK=torch.inverse(H), niter=4)[0])"),
    ('torch.lobpcg(H, { X: H.at(":, :2"), niter: 1 }).map((x) => x.abs())', '[x.abs() for x in torch.lobpcg(H, X=H[:, :2].clone(), niter=1)]'),
    ('torch.lobpcg(H, { X: H.at(":, :2"), niter: 3 }).map((x) => x.abs())', '[x.abs() for x in torch.lobpcg(H, X=H[:, :2].clone(), niter=3)]'),
    ("torch.lobpcg(H, { X: H.at(':, :2'), niter: 3, method: 'basic' }).map((x) => x.abs())", "[x.abs() for x in torch.lobpcg(H, X=H[:, :2].clone(), niter=3, method='basic')]"),
    ('torch.lobpcg(H, 1, { X: H.at(":, :3") })[0]', 'torch.lobpcg(H, 1, X=H[:, :3].clone())[0]'),
    ('slope((x) => torch.lobpcg(x, 2, { X: H.at(":, :2"), tol: 1e-11 })[0].sum(), H)', 'slope(lambda x: torch.lobpcg(x, 2, X=H[:, :2].clone(), tol=1e-11)[0].sum(), H)'),
    ('slope((x) => torch.lobpcg(x, 2, { X: H.at(":, :2"), tol: 1e-11 })[1].abs().at(0).sum(), H)', 'slope(lambda x: torch.lobpcg(x, 2, X=H[:, :2].clone(), tol=1e-11)[1].abs()[0].sum(), H)'),
    ('slope((x) => torch.lobpcg(x, 2, { X: H.at(":, :2"), tol: 1e-11, largest: false })[1].abs().at(0).sum(), H)', 'slope(lambda x: torch.lobpcg(x, 2, X=H[:, :2].clone(), tol=1e-11, largest=False)[1].abs()[0].sum(), H)'),
    ('slope((x) => torch.lobpcg(x, 2, G, H.at(":, :2"))[0].sum(), H)', 'slope(lambda x: torch.lobpcg(x, 2, G, H[:, :2].clone())[0].sum(), H)'),
    ('torch.lobpcg(H, 5)', 'torch.lobpcg(H, 5)'),
    ('torch.lobpcg(H.at(":3"))', 'torch.lobpcg(H[:3])'),
    ('torch.lobpcg(H.at(0))', 'torch.lobpcg(H[0])'),
    ('torch.lobpcg(H, 2, G.at(":3, :3"))', 'torch.lobpcg(H, 2, G[:3, :3])'),
    ('torch.lobpcg(H, { X: H.at(":3, :1") })', 'torch.lobpcg(H, X=H[:3, :1])'),
    ('torch.lobpcg(H.float(), { X: H.at(":, :2") })', 'torch.lobpcg(H.float(), X=H[:, :2])'),
    # --- factors by name ---
    ('m.matmul({ other: m.t() })', 'm.matmul(other=m.t())'),
    ('m.mm({ mat2: m.t() })', 'm.mm(mat2=m.t())'),
    ('c.bmm({ mat2: c.mT })', 'c.bmm(mat2=c.mT)'),
    ('m.mv({ vec: F(1, 2, 3) })', 'm.mv(vec=F(1, 2, 3))'),
    ('F(1, 2).dot({ tensor: F(3, 4) })', 'F(1, 2).dot(tensor=F(3, 4))'),
    # --- layers on other dtypes: PyTorch looks at the bias first where images are convolved ---
    *((f"new torch.nn.{layer}(1, 1, 1, {{ bias: {str(bias).lower()} }}).forward(torch.ones({sizes}, {{ dtype: '{dtype}' }}))",
       f'torch.nn.{layer}(1, 1, 1, bias={bias})(torch.ones({sizes}, dtype=torch.{dtype}))')
      for layer, sizes in (('Conv1d', '1, 1, 2'), ('Conv2d', '1, 1, 2, 2'), ('Conv3d', '1, 1, 2, 2, 2'), ('ConvTranspose2d', '1, 1, 2, 2'))
      for bias in (True, False) for dtype in ('float64', 'int64')),
    ('new torch.nn.Conv2d(1, 1, 1).double().forward(torch.ones(1, 1, 2, 2))', 'torch.nn.Conv2d(1, 1, 1).double()(torch.ones(1, 1, 2, 2))'),
]

if __name__ == '__main__':
    out = {}
    for row in ROWS:
        key, code = row if isinstance(row, tuple) else (row, row)
        assert key not in out, key
        out[key] = perform(code)
    write('packages/core/test/golden/everyday.json', out)
