#!/usr/bin/env python3
"""Writes packages/core/test/golden/edges.json: empty views, zeros with a sign, infinities and NaN among others, dtypes that
are refused, leaves that are views, and what nodes are called, as real PyTorch 1.13 prints or refuses them.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/edges.py

Lines and values are those of ops_b.py.
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from ops_b import perform, scope  # noqa: E402


def no_grad(f):
    with torch.no_grad():
        return f()


scope['noGrad'] = no_grad
scope['linear'] = torch.nn.functional.linear
scope['leaky'] = torch.nn.functional.leaky_relu
scope['rectified'] = torch.nn.functional.relu
scope['cross'] = torch.nn.functional.cross_entropy
scope['nll'] = torch.nn.functional.nll_loss



def bends(f, x):
    """A function's value, slope and bend, without sums by which infinities would become NaN."""
    x = x.detach().requires_grad_()
    y = f(x)
    (first,) = torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)
    (second,) = torch.autograd.grad(first, x, torch.ones_like(y))
    (alone,) = torch.autograd.grad(f(x), x, torch.ones_like(y))
    return [y, alone, first.detach(), second]


scope['bends'] = bends
scope['floatPower'] = torch.float_power
scope['pow'] = torch.pow
POINTS = '-0., 0, -inf, inf, nan, -1, 4, 3'

# Pairs of TypeScript and Python.
ROWS = [
    # --- empty views, also of dimensions of size 1 ---
    (
        "x = R(1); y = x.mul(3); y.at('0:1').sum().add(y.at('1:2').sum()).backward(); x.grad",
        'x = R(1); y = x * 3; (y[0:1].sum() + y[1:2].sum()).backward(); x.grad',
    ),
    ("slopes((x) => x.at('1:'), m.at('0:1'))", 'slopes(lambda x: x[1:], m[0:1])'),
    ("slopes((x) => x.at('1:, 1:'), m)", 'slopes(lambda x: x[1:, 1:], m)'),
    ("slopes((x) => x.at('2:'), m)", 'slopes(lambda x: x[2:], m)'),
    ("slopes((x) => x.at(':, 3:'), m)", 'slopes(lambda x: x[:, 3:], m)'),
    ("slopes((x) => x.at(':, 1:').t(), m.at(':, 0:1'))", 'slopes(lambda x: x[:, 1:].t(), m[:, 0:1])'),
    ('slopes((x) => x.narrow(0, 0, 0), F(5))', 'slopes(lambda x: x.narrow(0, 0, 0), F(5))'),
    ('slopes((x) => x.narrow(0, 1, 0).unsqueeze(0), F(5))', 'slopes(lambda x: x.narrow(0, 1, 0)[None], F(5))'),
    ('slopes((x) => x.split([0, 1])[0], F(5))', 'slopes(lambda x: x.split([0, 1])[0], F(5))'),
    ('slopes((x) => x.split([0, 1])[1], F(5))', 'slopes(lambda x: x.split([0, 1])[1], F(5))'),
    ('slopes((x) => x.unsqueeze(1).expand(2, 0), F(5, 6))', 'slopes(lambda x: x[:, None].expand(2, 0), F(5, 6))'),
    ("slopes((x) => x.view(1, 1, 1).at(0, '1:'), F(5))", 'slopes(lambda x: x.view(1, 1, 1)[0, 1:], F(5))'),
    # --- bool ---
    ('B(1, 1).dot(B(1, 1))', 'B(1, 1).dot(B(1, 1))'),
    ('B(1, 1).view(1, 2).mm(B(1, 1).view(2, 1))', 'B(1, 1).view(1, 2).mm(B(1, 1).view(2, 1))'),
    ('B(1, 1).view(1, 2).mv(B(1, 1))', 'B(1, 1).view(1, 2).mv(B(1, 1))'),
    ('B(1, 1).matmul(B(1, 1).view(2, 1))', 'B(1, 1).matmul(B(1, 1).view(2, 1))'),
    ('B(1, 1).view(1, 1, 2).bmm(B(1, 1).view(1, 2, 1))', 'B(1, 1).view(1, 1, 2).bmm(B(1, 1).view(1, 2, 1))'),
    ('B(1, 1).view(1, 1, 2).matmul(B(1, 1).view(2, 1))', 'B(1, 1).view(1, 1, 2).matmul(B(1, 1).view(2, 1))'),
    ('linear(B(1, 1), B(1, 1).view(1, 2))', 'linear(B(1, 1), B(1, 1).view(1, 2))'),
    ('U(16, 16).dot(U(16, 1))', 'U(16, 16).dot(U(16, 1))'),
    ('B(0, 0, 1).scatterAdd(0, I(1, 1, 1), B(1, 1, 1))', 'B(0, 0, 1).scatter_add(0, I(1, 1, 1), B(1, 1, 1))'),
    ('B(0, 0, 1).scatterAdd(0, I(1, 1, 1), B(1, 1, 1)).int()', 'B(0, 0, 1).scatter_add(0, I(1, 1, 1), B(1, 1, 1)).long()'),
    (
        'B(0, 1).indexPut([I(0, 0)], B(1, 1), { accumulate: true }).int()',
        'B(0, 1).index_put((I(0, 0),), B(1, 1), accumulate=True).long()',
    ),
    ("B(1, 1, 1).sum({ dtype: 'bool' }).int()", 'B(1, 1, 1).sum(dtype=torch.bool).long()'),
    ("B(0, 0).sum(0, { dtype: 'bool' })", 'B(0, 0).sum(0, dtype=torch.bool)'),
    ("I(1, 2).sum({ dtype: 'bool' }).int()", 'I(1, 2).sum(dtype=torch.bool).long()'),
    ("B(1, 1).cumsum(0, { dtype: 'bool' })", 'B(1, 1).cumsum(0, dtype=torch.bool)'),
    # --- NaN and infinities ---
    ('x = R(1, 3, 3); x.max().backward(T(nan)); x.grad', 'x = R(1, 3, 3); x.max().backward(T(nan)); x.grad'),
    ('x = R(1, 3, 3); x.min().backward(T(inf)); x.grad', 'x = R(1, 3, 3); x.min().backward(T(inf)); x.grad'),
    ('x = R(1, 3, 3); x.amax().backward(T(nan)); x.grad', 'x = R(1, 3, 3); x.amax().backward(T(nan)); x.grad'),
    ('x = R(nan, 3, nan); x.max().backward(); x.grad', 'x = R(nan, 3, nan); x.max().backward(); x.grad'),
    *(
        row
        for values in (
            '0, inf, 2', '0, inf, 0', 'inf, 0, inf', '0, nan, 2', '0, nan, 0', '-0., 2, -inf', 'inf, 2, 3', '0, -2, 3',
            'nan, 2', 'inf, inf', '0, 0, 0', '0, inf, nan', '5, 0',
        )
        for row in (
            (f'x = R({values}); x.prod().backward(); x.grad',) * 2,
            (f'x = R({values}); x.prod(0).backward(); x.grad',) * 2,
        )
    ),
    ('x = R(0, inf, 0); x.prod().backward(T(nan)); x.grad',) * 2,
    # --- zeros with a sign ---
    ('F(0, -0., 0, -0., 0, 1).floorDivide(F(-3, 3, 3, -3, -inf, -inf))', 'F(0, -0., 0, -0., 0, 1).floor_divide(F(-3, 3, 3, -3, -inf, -inf))'),
    ('T(0).floorDivide(-3)', 'T(0.).floor_divide(-3)'),
    ("D(0, -1).div(D(-3, 3), { roundingMode: 'floor' })", "D(0, -1).div(D(-3, 3), rounding_mode='floor')"),
    ("F(0, 1).div(F(-3, -3), { roundingMode: 'trunc' })", "F(0, 1).div(F(-3, -3), rounding_mode='trunc')"),
    ('F(-0.3, -0.5, 0.5, 0.3).round()',) * 2,
    ('F(-0.3, -0.5, 0.5, 0.3).round().reciprocal()',) * 2,
    ('F(-0.3, -1, 0.3).trunc().reciprocal()',) * 2,
    ('F(-0.3, -1, 0.3).ceil().reciprocal()',) * 2,
    # --- two NaN in a row ---
    ('F(1, nan, nan, 2).argmax()',) * 2,
    ('F(1, nan, nan, 2).argmin()',) * 2,
    ('F(1, nan, nan, 2, nan, inf).view(2, 3).argmax(1)',) * 2,
    ('F(1, nan, nan, 2, nan, inf).view(2, 3).argmin(0)',) * 2,
    *(
        (f'F({values}).sort({{ descending: {word}, stable: true }}).{part}', f'F({values}).sort(descending={word.capitalize()}, stable=True).{part}')
        for values in ('1, nan, nan, 2', 'nan, nan', 'nan, inf, nan, -inf, nan')
        for word in ('true', 'false')
        for part in ('values', 'indices')
    ),
    ('F(1, nan, nan, 2).topk(3).values',) * 2,
    # --- one element ---
    ('T(3).indexSelect(0, I(0))', 'T(3.).index_select(0, I(0))'),
    ('x = R(3); y = x.sum().indexSelect(0, I(0)); y.backward(); x.grad', 'x = R(3); y = x.sum().index_select(0, I(0)); y.backward(); x.grad'),
    # --- masks of whole numbers ---
    ('F(1, 2, 3).maskedFill(I(0, 1, 0), 5)', 'F(1, 2, 3).masked_fill(I(0, 1, 0), 5)'),
    ('F(1, 2, 3).maskedFill_(I(0, 1, 0), 5)', 'F(1, 2, 3).masked_fill_(I(0, 1, 0), 5)'),
    ('F(1, 2, 3).maskedFill(U(0, 1, 0), 5)', 'F(1, 2, 3).masked_fill(U(0, 1, 0), 5)'),
    ('F(1, 2, 3).maskedFill(I(0, 1, 0), T(5))', 'F(1, 2, 3).masked_fill(I(0, 1, 0), T(5.))'),
    ('U(1, 2, 3).maskedFill(I(0, 1, 0), 5)', 'U(1, 2, 3).masked_fill(I(0, 1, 0), 5)'),
    ('F(1, 2, 3).maskedFill(I(0, 2, 0), 5)', 'F(1, 2, 3).masked_fill(I(0, 2, 0), 5)'),
    ('F(1, 2, 3).maskedFill_(I(0, -1, 0), 5)', 'F(1, 2, 3).masked_fill_(I(0, -1, 0), 5)'),
    ('F(1, 2, 3).maskedSelect(U(0, 2, 0))', 'F(1, 2, 3).masked_select(U(0, 2, 0))'),
    ('F(1, 2, 3).maskedSelect(I(0, 1, 0))', 'F(1, 2, 3).masked_select(I(0, 1, 0))'),
    ('slopes((x) => x.maskedFill(I(0, 1, 1), 2), m)', 'slopes(lambda x: x.masked_fill(I(0, 1, 1), 2), m)'),
    # --- leaves that are views ---
    ('b = F(1, 2); v = b.view(2, 1).requiresGrad_(); v.add_(1)', 'b = F(1, 2); v = b.view(2, 1).requires_grad_(); v.add_(1)'),
    ('v = F(1, 2).at(0).requiresGrad_(); v.mul_(R(1).at(0))', 'v = F(1, 2)[0].requires_grad_(); v.mul_(R(1)[0])'),
    ('v = F(1, 2).view(2, 1).requiresGrad_(); w = v.view(2); w.add_(1)', 'v = F(1, 2).view(2, 1).requires_grad_(); w = v.view(2); w.add_(1)'),
    ('v = F(1, 2).view(2, 1).requiresGrad_(); noGrad(() => v.add_(1)); v', 'v = F(1, 2).view(2, 1).requires_grad_(); noGrad(lambda: v.add_(1)); v'),
    ('b = F(1, 2); v = b.view(2, 1).requiresGrad_(); b.add_(1); v', 'b = F(1, 2); v = b.view(2, 1).requires_grad_(); b.add_(1); v'),
    ('b = F(1, 2); v = b.view(2).requiresGrad_(); b.mul_(R(3, 4)); v.isLeaf', 'b = F(1, 2); v = b.view(2).requires_grad_(); b.mul_(R(3, 4)); v.is_leaf'),
    # --- views made under no_grad ---
    ('noGrad(() => R(1, 2).view(2, 1))', 'noGrad(lambda: R(1, 2).view(2, 1))'),
    ("noGrad(() => R(1, 2).at('1:').at(0))", 'noGrad(lambda: R(1, 2)[1:][0])'),
    ('x = R(1, 2); noGrad(() => x.mul(2))', 'x = R(1, 2); noGrad(lambda: x.mul(2))'),
    ('x = R(1, 2); noGrad(() => x.detach().view(1, 2))', 'x = R(1, 2); noGrad(lambda: x.detach().view(1, 2))'),
    ('y = R(1, 2).mul(2); noGrad(() => y.view(1, 2))', 'y = R(1, 2).mul(2); noGrad(lambda: y.view(1, 2))'),
    ('y = R(1, 2).mul(2); noGrad(() => y.view(1, 2)).isLeaf', 'y = R(1, 2).mul(2); noGrad(lambda: y.view(1, 2)).is_leaf'),
    ('x = R(1, 2); noGrad(() => x.view(1, 2)).requiresGrad_(false).requiresGrad', 'x = R(1, 2); noGrad(lambda: x.view(1, 2)).requires_grad_(False).requires_grad'),
    ('x = R(1, 2); noGrad(() => x.toArray()).length', 'x = R(1, 2); len(noGrad(lambda: x.numpy()))'),
    ('noGrad(() => R(1, 2).view(1, 2)).toArray()', 'noGrad(lambda: R(1, 2).view(1, 2)).numpy()'),
    # --- results that can be written ---
    ('x = R(1, -2); y = leaky(x); y.add_(1).sum().backward(); x.grad', 'x = R(1, -2); y = leaky(x); y.add_(1).sum().backward(); x.grad'),
    ('x = R(1, -2); y = leaky(x, 0.1); y.mul_(0).sum().backward(); x.grad',) * 2,
    ('x = R(1, -2).mul(1); y = leaky(x); x.add_(1); y.sum().backward()', 'x = R(1, -2) * 1; y = leaky(x); x.add_(1); y.sum().backward()'),
    ('x = R(1, -2); z = x.mul(1); rectified(z, { inplace: true }).sum().backward(); [z, x.grad]', 'x = R(1, -2); z = x * 1; rectified(z, inplace=True).sum().backward(); [z, x.grad]'),
    ('x = R(1, -2); z = x.mul(1); leaky(z, 0.1, true).sum().backward(); [z, x.grad]', 'x = R(1, -2); z = x * 1; leaky(z, 0.1, True).sum().backward(); [z, x.grad]'),
    ('rectified(R(1, -2), true)', 'rectified(R(1, -2), True)'),
    ('x = R(1, -2); y = x.mul(1).leakyRelu_(0.1); y.sum().backward(); x.grad', 'x = R(1, -2); y = torch.nn.functional.leaky_relu_(x * 1, 0.1); y.sum().backward(); x.grad'),
    ('x = R(1, 3); [s, e] = stdMean(x); e.mul_(2); s.add(e).backward(); x.grad', 'x = R(1, 3); s, e = torch.std_mean(x); e.mul_(2); (s + e).backward(); x.grad'),
    ('x = R(1, 3); [s, e] = varMean(x); e.mul_(2); s.add(e).backward(); x.grad', 'x = R(1, 3); s, e = torch.var_mean(x); e.mul_(2); (s + e).backward(); x.grad'),
    (
        'x = R(1, 3); [s, e] = stdMean(x, 0, { keepdim: true }); e.mul_(2); s.add(e).backward(); x.grad',
        'x = R(1, 3); s, e = torch.std_mean(x, 0, keepdim=True); e.mul_(2); (s + e).backward(); x.grad',
    ),
    ("cross(R(1, 3).view(1, 2), I(1), { reduction: 'none' }).add_(1)", "cross(R(1, 3).view(1, 2), I(1), reduction='none').add_(1)"),
    ("nll(R(1, 3).view(1, 2), I(1), { reduction: 'none' }).exp_()", "nll(R(1, 3).view(1, 2), I(1), reduction='none').exp_()"),
    ("noGrad(() => cross(F(1, 3).view(1, 2), I(1), { reduction: 'none' })).mul_(R(2))", "noGrad(lambda: cross(F(1, 3).view(1, 2), I(1), reduction='none')).mul_(R(2))"),
    ('R(1, 3).dot(F(1, 2)).add_(1)',) * 2,
    ('m.mv(R(1, 2, 3)).exp_()',) * 2,
    # --- data ---
    ('x = R(1, 2); y = x.mul(x); x.data.add_(1); y.sum().backward(); x.grad',) * 2,
    ('x = R(1, 2); y = x.exp(); y.data.zero_(); y.sum().backward(); x.grad',) * 2,
    ('x = R(1, 2); x.data.mul_(3); x',) * 2,
    ("x = R(1, 2); x.data.at('1:').mul_(3); x", 'x = R(1, 2); x.data[1:].mul_(3); x'),
    ('x = R(1, 2); x.data.requiresGrad', 'x = R(1, 2); x.data.requires_grad'),
    ('x = R(1, 2); x.data.add_(1); x.version', 'x = R(1, 2); x.data.add_(1); x._version'),
    ('x = R(1, 2); d = x.data; d.add_(1); d.version', 'x = R(1, 2); d = x.data; d.add_(1); d._version'),
    ('x = F(1, 2); d = x.data; x.add_(1); d.version', 'x = F(1, 2); d = x.data; x.add_(1); d._version'),
    ('x = F(1, 2); d = x.data; x.add_(d); x',) * 2,
    ('x = R(1, 2); y = x.mul(x); x.detach().add_(1); y.sum().backward()',) * 2,
    ('d = F(1, 2).data.requiresGrad_(); y = d.mul(d); noGrad(() => d.add_(1)); y.sum().backward()', 'd = F(1, 2).data.requires_grad_(); y = d.mul(d); noGrad(lambda: d.add_(1)); y.sum().backward()'),
    ('x = R(1, 2); x.data = m; x',) * 2,
    ('x = R(1, 2); x.data = D(3); x',) * 2,
    ('x = R(1, 2); x.data = R(3).mul(2); x', 'x = R(1, 2); x.data = R(3) * 2; x'),
    ('x = R(1, 2); x.data = I(3); x',) * 2,
    ('x = F(1, 2); x.data = I(3); x',) * 2,
    ('x = R(1, 2); x.data = 3; x',) * 2,
    ('x = R(1, 2); x.data = null; x', 'x = R(1, 2); x.data = None; x'),
    ('x = R(1, 2); v = x.view(2, 1); x.data = F(5, 6); v',) * 2,
    ('x = R(1, 2); y = F(3, 4); x.data = y; y.add_(1); x',) * 2,
    ('x = R(1, 2); y = F(3, 4); x.data = y; y.add_(1); x.version', 'x = R(1, 2); y = F(3, 4); x.data = y; y.add_(1); x._version'),
    ('x = R(1, 2); z = x.mul(x); x.data = F(5, 6); z.sum().backward(); x.grad',) * 2,
    ('x = R(1, 2); y = x.mul(2); z = y.mul(y); y.data = F(0, 0); z.sum().backward(); x.grad',) * 2,
    ('y = R(1, 2).mul(2); y.data = F(0, 0); y',) * 2,
    ('x = R(1, 2); z = x.mul(1); x.data = F(0, 0, 0); z.sum().backward(); x.grad',) * 2,
    ('x = R(1, 2); x.data = F(0, 0, 0); x.mul(x).sum().backward(); x.grad',) * 2,
    ('x = R(1, 2); x.sum().backward(); x.data = F(7); x.grad',) * 2,
    # --- what nodes are called ---
    *(
        (f'R(1, 2).mul(1).{name}_({other})', f'R(1, 2).mul(1).{name}_({other})')
        for name in ('lt', 'le', 'gt', 'ge', 'eq', 'ne')
        for other in ('1', 'F(1, 2)')
    ),
    ("y = R(1, 2).mul(1); y.at('0:1').lt_(2); y", 'y = R(1, 2).mul(1); y[0:1].lt_(2); y'),
    *(
        (f'linear({x}, R(1, 2, 3, 4).view(2, 2){bias})',) * 2
        for x in ('F(1, 2)', 'F(1, 2).view(1, 2)', 'F(1, 2, 3, 4).view(2, 1, 2)', 'F(1, 2, 3, 4).view(2, 1, 1, 2)',
                  'F(1, 2, 3, 4).view(2, 2, 1).transpose(1, 2)')
        for bias in ('', ', F(5, 6)')
    ),
    *(
        (f'R(1, 2, 3, 4).view({a}).matmul(F(1, 2, 3, 4){b})',) * 2
        for a in ('4', '2, 2', '1, 2, 2', '2, 1, 2', '1, 1, 2, 2')
        for b in (('', '.view(4, 1)', '.view(1, 4, 1)') if a == '4' else ('.view(2, 2)', '.view(1, 2, 2)', '.view(2, 2, 1)', '.view(1, 1, 2, 2)'))
    ),
    # --- sentences ---
    *(
        (f'm.expand({sizes})', f'm.expand({sizes})')
        for sizes in ('2', '4, 3', '-1, 2, 3', '2, 2, -1, 3', '3, -2, 3', '2, 4', '-1, 4', '-3, 3', '3')
    ),
    ('m.expandAs(F(1, 2, 3))', 'm.expand_as(F(1, 2, 3))'),
    *(
        (f'linear({x}, {w}{b})',) * 2
        for x, w, b in (
            ('F(1, 2).view(1, 2)', 'D(1, 2).view(1, 2)', ', D(1)'),
            ('D(1, 2).view(1, 2)', 'F(1, 2).view(1, 2)', ', F(1)'),
            ('F(1, 2).view(1, 2)', 'F(1, 2).view(1, 2)', ', D(1)'),
            ('F(1, 2).view(1, 2)', 'D(1, 2).view(1, 2)', ', F(1)'),
            ('F(1, 2).view(1, 1, 2)', 'D(1, 2).view(1, 2)', ', D(1)'),
            ('F(1, 2).view(1, 1, 2)', 'F(1, 2).view(1, 2)', ', D(1)'),
            ('F(1, 2)', 'F(1, 2).view(1, 2)', ', D(1)'),
            ('I(1, 2).view(1, 2)', 'F(1, 2).view(1, 2)', ', F(1)'),
            ('F(1, 2, 3)', 'F(1, 2).view(1, 2)', ''),
            ('m', 'F(1, 2).view(1, 2)', ', F(1)'),
            ('m.view(1, 2, 3)', 'F(1, 2).view(1, 2)', ', F(1)'),
            ('m', 'm', ', F(1, 2, 3)'),
            ('m.view(1, 2, 3)', 'm', ', F(1, 2, 3)'),
        )
    ),
    *((f'F(2.5).view([]).{name}({dim})', f'F(2.5).view([]).{name}({dim})') for name in ('size', 'stride') for dim in (0, -1, 1)),
    # --- bool operands ---
    *((f'm.gt(2).{op}(m.gt(3))', f'm.gt(2).{op}(m.gt(3))') for op in ('pow', 'remainder')),
    ('m.gt(2).floorDivide(m.gt(0))', 'm.gt(2).floor_divide(m.gt(0))'),
    ("m.gt(2).div(m.gt(0), { roundingMode: 'trunc' })", "m.gt(2).div(m.gt(0), rounding_mode='trunc')"),
    ('m.gt(2).clamp(true, true)', 'm.gt(2).clamp(True, True)'),
    ('m.gt(2).pow(2)', 'm.gt(2).pow(2)'),
    *((f'{x}.sumToSize({sizes})', f'{x}.sum_to_size({sizes})') for x in ('m', 'm.gt(2)', 'I(200, 3)') for sizes in ('1', '2', '3', '2, 3')),
    # --- numbers where a tensor is usual ---
    *((f'm.copy_({value})', f'm.copy_({value.title()})') for value in ('2.5', '-1', 'true')),
    ('F(1, 2, 1).histogram().hist.sum()', 'F(1, 2, 1).histogram().hist.sum()'),
    # --- powers that PyTorch computes as roots ---
    *(
        (f'bends((x) => x.pow({p}), {of}({POINTS}))', f'bends(lambda x: x.pow({p}), {of}({POINTS}))')
        for of in ('F', 'D')
        for p in ('0.5', '-0.5', '0.25', f'{of}(0.5)', f'{of}(-0.5)')
    ),
    *(
        (line, line)
        for p in ('0.5', '-0.5')
        for line in (
            f'F({POINTS}).pow_({p})',
            f'floatPower(F({POINTS}), {p})',
            f'I(-2, 0, 4).pow({p})',
            f'I(-2, 0, 4).pow_({p})',
            f'B(1, 0).pow_({p})',
            f'U(1, 0).pow_({p} / 2)',
            f'I(1, 0).pow_(F({p}))',
            f'B(1, 0).pow({p})',
            f'pow({p}, F({POINTS}))',
        )
    ),
    # --- norms of nothing ---
    *(
        (f'x = zeros({size}); [x.norm({p}), x.norm({p}, {dim})]', f'x = torch.zeros({size}); [x.norm({p}), torch.norm(x, {p}, {dim})]')
        for p in ('inf', '-inf', '-1', '0', '2.5')
        for size, dim in (('0', '0'), ('0, 3', '0'), ('0, 3', '1'), ('2, 0, 3', '[0, 1]'), ('0', '1'))
    ),
    *((f'F().dist(F(), {p})', f'F().dist(F(), {p})') for p in ('inf', '-1')),
    # --- running extremes without dimensions or elements ---
    *(
        (f'v = {x}.{op}({dim}); [v.values, v.indices.tolist()]', f'v = {x}.{op}({dim}); [v.values, v.indices.tolist()]')
        for op in ('cummax', 'cummin')
        for x in ('F(3).view([])', 'F().view(0, 2)', 'F(1, 2)')
        for dim in ('0', '-1', '5', '-3')
    ),
    ('x = R(3); x.view([]).cummax(0).values.backward(); x.grad', 'x = R(3); x.view([]).cummax(0).values.backward(); x.grad'),
    ('x = R(3); x.view([]).cummin(5).values.backward()', 'x = R(3); x.view([]).cummin(5).values.backward()'),
]

if __name__ == '__main__':
    out = {}
    for key, code in ROWS:
        assert key not in out, key
        out[key] = perform(code)
    write('packages/core/test/golden/edges.json', out)
