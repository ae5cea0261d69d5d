#!/usr/bin/env python3
"""Writes packages/core/test/golden/words.json: words for dtypes, tensors made from others, facts, and the in-place forms of
views, as real PyTorch 1.13 prints or refuses them.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/words.py

Lines and values are those of ops_b.py; int32 takes int64's place here, so int64 stands in Python for both.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import numpy as np  # noqa: E402
import torch  # noqa: E402
from format import write  # noqa: E402
from ops_b import perform, scope  # noqa: E402

warnings.simplefilter('ignore')


def no_grad(f):
    with torch.no_grad():
        return f()


class text(str):
    """Printed without quotes."""
    __repr__ = str.__str__


scope['text'] = text
scope['noGrad'] = no_grad
scope['zeros'] = torch.zeros
scope['np'] = np
scope['torch'] = torch
scope['P'] = torch.tensor([[0.0, 1], [1, 0], [2, 0], [2, 2]])

# Pairs of TypeScript and Python; one text where both are the same.
ROWS = [
    # --- places between two numbers, to the last bit ---
    ('t.linspace(0, 1, 7).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(0, 1, 7).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(0, 1, 33).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(0, 1, 33).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(-1, 1, 50).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(-1, 1, 50).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(0.1, 0.7, 37).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(0.1, 0.7, 37).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(-3.3, 2.7, 41).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(-3.3, 2.7, 41).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(1, -5, 77).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(1, -5, 77).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(0, 6.2831855, 16).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(0, 6.2831855, 16).double().mul(2 ** 30).remainder(1009)'),
    ('t.linspace(0.3, 123.4, 100).double().mul(2 ** 30).remainder(1009)', 'torch.linspace(0.3, 123.4, 100).double().mul(2 ** 30).remainder(1009)'),
    # --- places of maxima that are not there ---
    ('t.F.maxUnpool1d(t.ones(1,1,2), t.full([1,1,2], 4, { dtype: t.int64 }), 2)', 'torch.nn.functional.max_unpool1d(torch.ones(1,1,2), torch.full([1,1,2], 4), 2)'),
    ('t.F.maxUnpool2d(t.ones(1,1,2,2), t.full([1,1,2,2], 99, { dtype: t.int64 }), 2)', 'torch.nn.functional.max_unpool2d(torch.ones(1,1,2,2), torch.full([1,1,2,2], 99), 2)'),
    ('t.F.maxUnpool3d(t.ones(1,1,2,2,2), t.full([1,1,2,2,2], -1, { dtype: t.int64 }), 2)', 'torch.nn.functional.max_unpool3d(torch.ones(1,1,2,2,2), torch.full([1,1,2,2,2], -1), 2)'),
    # --- words for dtypes ---
    *((f'zeros(2, {{ dtype: {word} }})', f'zeros(2, dtype=torch.{python})') for word, python in (
        ('t.float32', 'float32'), ('t.float64', 'float64'), ('t.double', 'double'), ('t.float', 'float'),
        ('t.int32', 'int64'), ('t.int64', 'int64'), ('t.long', 'long'), ('t.int', 'int64'),
        ('t.uint8', 'uint8'), ('t.bool', 'bool'), ("'long'", 'long'), ("'int64'", 'long'), ("'double'", 'double'),
        ("'float'", 'float'),
    )),
    ("m.to('double')", 'm.to(torch.double)'),
    ("m.to(t.long)", 'm.to(torch.long)'),
    ("m.sum({ dtype: 'double' })", 'm.sum(dtype=torch.double)'),
    ("m.to({ dtype: 'long' })", 'm.to(dtype=torch.long)'),
    # --- types ---
    *((f'{x}.type()', f'text({x}.type())') for x in ('m', 'I(1)', 'B(1)', 'U(1)', 'D(1)')),
    ("m.type('torch.DoubleTensor')",) * 2,
    ("m.type('torch.LongTensor')",) * 2,
    ('m.type(t.uint8)', 'm.type(torch.uint8)'),
    ("m.type('torch.FooTensor')",) * 2,
    ('m.type(3)',) * 2,
    ('[m.isFloatingPoint(), t.isFloatingPoint(I(1))]', '[m.is_floating_point(), torch.is_floating_point(I(1))]'),
    ('[m.isSigned(), U(1).isSigned(), B(1).isSigned(), t.isSigned(I(1))]', '[m.is_signed(), U(1).is_signed(), B(1).is_signed(), torch.is_signed(I(1))]'),
    ('[m.nelement(), m.ndimension(), t.numel(m), m.elementSize(), D(1).elementSize(), U(1).elementSize()]', '[m.nelement(), m.ndimension(), torch.numel(m), m.element_size(), D(1).element_size(), U(1).element_size()]'),
    (
        '[m.isCpu, m.isCuda, m.isMeta, m.isSparse, m.isSparseCsr, m.isQuantized, m.isNested, m.isIpu, m.isMkldnn, m.isMps, m.isOrt, m.isVulkan, m.isXpu]',
        '[m.is_cpu, m.is_cuda, m.is_meta, m.is_sparse, m.is_sparse_csr, m.is_quantized, m.is_nested, m.is_ipu, m.is_mkldnn, m.is_mps, m.is_ort, m.is_vulkan, m.is_xpu]',
    ),
    (
        '[m.isComplex(), m.isConj(), m.isNeg(), m.isDistributed(), m.isShared(), m.isPinned(), m.getDevice(), t.isComplex(m), t.isConj(m), t.isNeg(m), t.isDistributed(m)]',
        '[m.is_complex(), m.is_conj(), m.is_neg(), m.is_distributed(), m.is_shared(), False, m.get_device(), torch.is_complex(m), torch.is_conj(m), torch.is_neg(m), torch.is_distributed(m)]',
    ),
    ('[m.isSetTo(m), m.isSetTo(m.t()), m.isSetTo(m.detach()), m.isSetTo(F(2, 2))]', '[m.is_set_to(m), m.is_set_to(m.t()), m.is_set_to(m.detach()), m.is_set_to(F(2, 2))]'),
    ('[t.isTensor(m), t.isTensor(1)]', '[torch.is_tensor(m), torch.is_tensor(1)]'),
    ('[T(0).isNonzero(), t.isNonzero(T(2))]', '[T(0).is_nonzero(), torch.is_nonzero(T(2))]'),
    ('m.isNonzero()', 'm.is_nonzero()'),
    ('F().isNonzero()', 'F().is_nonzero()'),
    ('[m.isSameSize(m), m.isSameSize(F(1)), t.isSameSize(F(1), I(2))]', '[m.is_same_size(m), m.is_same_size(F(1)), torch.is_same_size(F(1), I(2))]'),
    ('m.isSameSize(3)', 'm.is_same_size(3)'),
    ('t.numel(3)', 'torch.numel(3)'),
    ('t.isFloatingPoint(3)', 'torch.is_floating_point(3)'),
    *(
        (f't.canCast(t.{a}, t.{b})', f'torch.can_cast(torch.{a}, torch.{b})')
        for a in ('bool', 'uint8', 'int64', 'float32', 'float64')
        for b in ('bool', 'uint8', 'int64', 'float32')
    ),
    *(
        (f'zeros(1, {{ dtype: t.promoteTypes(t.{a}, t.{b}) }})', f'zeros(1, dtype=torch.promote_types(torch.{a}, torch.{b}))')
        for a in ('bool', 'uint8', 'int64', 'float32', 'float64')
        for b in ('bool', 'uint8', 'int64', 'float32')
    ),
    *(
        (f'zeros(1, {{ dtype: t.resultType({x}, {y}) }})', f'zeros(1, dtype=torch.result_type({x}, {y}))')
        for x, y in (('m', '1'), ('I(1)', '1.5'), ('U(1)', '1'), ('U(1)', '300'), ('m', 'D(1)'), ('I(1)', 'T(1.5)'), ('1', '1.5'), ('m', 'D(1).sum()'))
    ),
    ('t.canCast(1, t.int32)', 'torch.can_cast(1, torch.int32)'),
    ('zeros(1, { dtype: t.getDefaultDtype() })', 'zeros(1, dtype=torch.get_default_dtype())'),
    ('t.setDefaultDtype(t.long)', 'torch.set_default_dtype(torch.long)'),
    ('t.setDefaultDtype(t.float)', 'torch.set_default_dtype(torch.float)'),
    *(
        (
            f'[...[t.finfo(t.{word})].map((i) => T([i.bits, i.eps, i.max, i.min, i.tiny, i.smallestNormal, i.resolution], {{ dtype: t.{word} }}))]',
            f'[torch.tensor([i.bits, i.eps, i.max, i.min, i.tiny, i.smallest_normal, i.resolution], dtype=torch.{word}) for i in [torch.finfo(torch.{word})]]',
        )
        for word in ('float32', 'float64')
    ),
    *((f'[t.iinfo(t.{word})].map((i) => [i.bits, i.max, i.min])', f'[[i.bits, i.max, i.min] for i in [torch.iinfo(torch.{word})]]') for word in ('int32', 'uint8')),
    ('t.finfo(t.int32)', 'torch.finfo(torch.int32)'),
    ('t.iinfo(t.float32)', 'torch.iinfo(torch.float32)'),
    ('t.iinfo(t.bool)', 'torch.iinfo(torch.bool)'),
    ('t.finfo(3)', 'torch.finfo(3)'),
    ('[t.isInference(m), m.isInference()]', '[torch.is_inference(m), m.is_inference()]'),
    # --- devices ---
    ("zeros(2, { device: 'cpu' })", "zeros(2, device='cpu')"),
    ("m.to('cpu')",) * 2,
    ("String(t.device('cpu'))", "text(str(torch.device('cpu')))"),
    ("zeros(2, { device: t.device('cpu') })", "zeros(2, device=torch.device('cpu'))"),
    ("m.to('cuda')",) * 2,
    ('m.cuda()',) * 2,
    ('m.cuda(0)',) * 2,
    ('m.cuda({ device: 0, nonBlocking: true })', 'm.cuda(device=0, non_blocking=True)'),
    ('m.cuda(-1)',) * 2,
    ("m.cuda('cpu')",) * 2,
    ('m.cuda(1.5)',) * 2,
    ('m.cuda(0, 1)',) * 2,
    ('String(new t.nn.ReLU().cuda())', 'text(str(torch.nn.ReLU().cuda()))'),
    ('new t.nn.Linear(1, 1).cuda()', 'torch.nn.Linear(1, 1).cuda()'),
    ("zeros(2, { device: 'cuda:0' })", "zeros(2, device='cuda:0')"),
    ('[t.cuda.isAvailable(), t.cuda.deviceCount(), t.cuda.memoryAllocated(), t.cuda.maxMemoryAllocated()]', '[torch.cuda.is_available(), torch.cuda.device_count(), torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()]'),
    ('[t.cuda.emptyCache(), t.cuda.manualSeed(1), t.cuda.manualSeedAll(1)]', '[torch.cuda.empty_cache(), torch.cuda.manual_seed(1), torch.cuda.manual_seed_all(1)]'),
    ('t.cuda.currentDevice()', 'torch.cuda.current_device()'),
    ('t.cuda.synchronize()', 'torch.cuda.synchronize()'),
    ('t.cuda.getDeviceName()', 'torch.cuda.get_device_name()'),
    # --- which output of a node ---
    *(
        (f'((p) => p[0].add(p[1]).gradFn.nextFunctions.map((f) => f[1]))(t.{name}(R(1, 2)))',
         f'[f[1] for f in (lambda p: p[0].add(p[1]))(torch.{python}(R(1, 2))).grad_fn.next_functions]')
        for name, python in (('varMean', 'var_mean'), ('stdMean', 'std_mean'))
    ),
    # --- tensors made with another's dtype and device ---
    ('D(1).newZeros(2, 3)', 'D(1).new_zeros(2, 3)'),
    ('I(1).newZeros([2, 1])', 'I(1).new_zeros((2, 1))'),
    ('m.newZeros(2, { dtype: t.long })', 'm.new_zeros(2, dtype=torch.long)'),
    ('m.newOnes(2, { requiresGrad: true })', 'm.new_ones(2, requires_grad=True)'),
    ('B(1).newOnes([2])', 'B(1).new_ones((2,))'),
    ('U(1).newFull([2], 3)', 'U(1).new_full((2,), 3)'),
    ('m.newFull([2], true)', 'm.new_full((2,), True)'),
    ('m.newFull([2])', 'm.new_full((2,))'),
    ('m.newEmpty(2, 3).shape.join()', "text(','.join(str(n) for n in m.new_empty(2, 3).shape))"),
    ('I(1).newTensor([1.5, 2])', 'I(1).new_tensor([1.5, 2])'),
    ('D(1).newTensor([[1], [2]])', 'D(1).new_tensor([[1], [2]])'),
    ("m.newTensor('a')", "m.new_tensor('a')"),
    ('m.newTensor([1, 2], { dtype: t.bool })', 'm.new_tensor([1, 2], dtype=torch.bool)'),
    # --- tensors from what is there ---
    ('t.asTensor([1.5, 2])', 'torch.as_tensor([1.5, 2])'),
    ('t.asTensor(m) === m', 'torch.as_tensor(m) is m'),
    ('t.asTensor(m, { dtype: t.long })', 'torch.as_tensor(m, dtype=torch.long)'),
    ("t.asTensor('a')", "torch.as_tensor('a')"),
    ('t.fromNumpy(Float64Array.of(1, 2))', 'torch.from_numpy(np.array([1., 2.]))'),
    ('t.fromNumpy(Int32Array.of(1, 2))', 'torch.from_numpy(np.array([1, 2]))'),
    ('t.fromNumpy([1])', 'torch.from_numpy([1])'),
    ('t.fromNumpy(3)', 'torch.from_numpy(3)'),
    ('m.numpy().length', 'm.numpy().size'),
    ('R(1, 2).numpy()',) * 2,
    ('t.scalarTensor(1)', 'torch.scalar_tensor(1)'),
    ('t.scalarTensor(true)', 'torch.scalar_tensor(True)'),
    ('t.scalarTensor(1.7, { dtype: t.long })', 'torch.scalar_tensor(1.7, dtype=torch.long)'),
    ('t.scalarTensor([1])', 'torch.scalar_tensor([1])'),
    ('t.Variable(m)', 'torch.autograd.Variable(m)'),
    ('t.autograd.Variable(m, true)', 'torch.autograd.Variable(m, requires_grad=True)'),
    ('t.Variable(R(1).mul(2)).requiresGrad', 'torch.autograd.Variable(R(1).mul(2)).requires_grad and False'),
    ('t.Variable(3)', 'torch.autograd.Variable(3)'),
    ('t.Variable(I(1), true)', 'torch.autograd.Variable(I(1), requires_grad=True)'),
    ('t.range(0, 3)', 'torch.range(0, 3)'),
    ('t.range(1, 4, 0.5)', 'torch.range(1, 4, 0.5)'),
    ('t.range(4, 1, -1)', 'torch.range(4, 1, -1)'),
    ('t.range(0, 2, { dtype: t.long })', 'torch.range(0, 2, dtype=torch.long)'),
    ('t.range(0, 1, 0.3)', 'torch.range(0, 1, 0.3)'),
    ('t.range(3)', 'torch.range(3)'),
    ('t.range(1, 4, 0)', 'torch.range(1, 4, 0)'),
    ('t.range(4, 1)', 'torch.range(4, 1)'),
    ('slopes((x) => t.fill(x, 2).mul(x), m)', 'slopes(lambda x: torch.fill(x, 2).mul(x), m)'),
    ('slopes((x, y) => t.fill(x, y.sum()), m, F(1, 2))', 'slopes(lambda x, y: torch.fill(x, y.sum()), m, F(1, 2))'),
    ('t.fill(R(1), 2)', 'torch.fill(R(1), 2)'),
    ('t.fill(I(1), 2.5)', 'torch.fill(I(1), 2.5)'),
    ('t.fill(m, F(1, 2))', 'torch.fill(m, F(1, 2))'),
    # --- another's shape ---
    ('slopes((x) => x.viewAs(zeros(3, 2)), m)', 'slopes(lambda x: x.view_as(zeros(3, 2)), m)'),
    ('m.viewAs(zeros(4))', 'm.view_as(zeros(4))'),
    ('m.t().viewAs(zeros(6))', 'm.t().view_as(zeros(6))'),
    ('m.viewAs(3)', 'm.view_as(3)'),
    ('slopes((x) => x.reshapeAs(zeros(6)), m)', 'slopes(lambda x: x.reshape_as(zeros(6)), m)'),
    ('m.reshapeAs(zeros(4))', 'm.reshape_as(zeros(4))'),
    ('slopes((x) => x.sumToSize(1, 3), m)', 'slopes(lambda x: x.sum_to_size(1, 3), m)'),
    ('slopes((x) => x.sumToSize([3]), m)', 'slopes(lambda x: x.sum_to_size((3,)), m)'),
    ('m.sumToSize(2, 3)', 'm.sum_to_size(2, 3)'),
    ('c.sumToSize(3, 1)', 'c.sum_to_size(3, 1)'),
    ('m.sumToSize(3, 3)', 'm.sum_to_size(3, 3)'),
    ('m.sumToSize(1, 2, 3)', 'm.sum_to_size(1, 2, 3)'),
    # --- histograms of points ---
    *(
        (f't.histogram({ts})', f'torch.histogram({py})')
        for ts, py in (
            ('zeros(3), 2', 'zeros(3), 2'), ('F(), 2', 'F(), 2'), ('F(1, 2, 3), 2, { range: [2, 2] }', 'F(1, 2, 3), 2, range=(2., 2.)'),
            ('F(1, 2, 3), 2, { range: [0, 0] }', 'F(1, 2, 3), 2, range=(0., 0.)'), ('F(inf, 2), 2', 'F(inf, 2), 2'),
            ('F(1, 2), 2, { range: [0, inf] }', 'F(1, 2), 2, range=(0., inf)'),
        )
    ),
    ('t.histc(zeros(3), 2)', 'torch.histc(zeros(3), 2)'),
    ('t.histc(F(), 2)', 'torch.histc(F(), 2)'),
    ('t.histc(F(1, 2, 3), 2, 2, 2)', 'torch.histc(F(1, 2, 3), 2, 2, 2)'),
    ('t.histc(F(inf, 2), 2)', 'torch.histc(F(inf, 2), 2)'),
    *(
        (f't.histogramdd({ts})', f'torch.histogramdd({py})')
        for ts, py in (
            ('P, 2', 'P, 2'), ('P, [2, 3]', 'P, [2, 3]'), ('P, [2, 2], { range: [0, 1, 0, 1], density: true }', 'P, [2, 2], range=[0., 1., 0., 1.], density=True'),
            ('P, [F(0, 1, 2), F(0, 0.5, 3)], { weight: F(1, 2, 3, 4) }', 'P, [F(0, 1, 2), F(0, 0.5, 3)], weight=F(1, 2, 3, 4)'),
            ('P, [F(0, 0.5, 2), F(0, 1)], { density: true }', 'P, [F(0, 0.5, 2), F(0, 1)], density=True'),
            ('c, 2', 'c, 2'), ('c, [1, 2, 1, 2], { weight: m }', 'c, [1, 2, 1, 2], weight=m'), ('c, [1, 2], { weight: F(0, 1, 2) }', 'c, [1, 2], weight=F(0, 1, 2)'),
            ('P.double(), 1', 'P.double(), 1'), ('P.double(), [2, 0]', 'P.double(), [2, 0]'), ('I(1, 2).view(1, 2), 2', 'I(1, 2).view(1, 2), 2'),
            ('F(1, 2), 2', 'F(1, 2), 2'), ('P, [2, 2], { range: [0, 1] }', 'P, [2, 2], range=[0., 1.]'),
            ('P, [2, 2], { range: [0, 1, 2, 1] }', 'P, [2, 2], range=[0., 1., 2., 1.]'), ('P, 2, { weight: F(1, 2, 3) }', 'P, 2, weight=F(1, 2, 3)'),
            ('P, 2, { weight: D(1, 2, 3, 4) }', 'P, 2, weight=D(1, 2, 3, 4)'), ('P, [F(0, 1), D(0, 1)]', 'P, [F(0, 1), D(0, 1)]'),
            ('P, [F(0, 1)]', 'P, [F(0, 1)]'), ('P, [F(0, 1), m]', 'P, [F(0, 1), m]'), ('P, [F(0, 1), F()]', 'P, [F(0, 1), F()]'),
            ('zeros(0, 2), 2', 'zeros(0, 2), 2'), ('F(nan, 1).view(1, 2), 2', 'F(nan, 1).view(1, 2), 2'), ('zeros(2, 0), 2', 'zeros(2, 0), 2'),
        )
    ),
    # --- the diagonal ---
    *(
        row
        for shape in ('3, 3', '7, 3', '2, 5', '8, 3', '2, 2, 2', '0, 0', '3', '2, 3, 2', '3, 3, 3')
        for row in (
            (f'zeros({shape}).fillDiagonal_(5)', f'zeros({shape}).fill_diagonal_(5)'),
            (f'zeros({shape}).fillDiagonal_(5, true)', f'zeros({shape}).fill_diagonal_(5, True)'),
        )
    ),
    ("m.fillDiagonal_('a')", "m.fill_diagonal_('a')"),
    ('m.fillDiagonal_(T(2))', 'm.fill_diagonal_(T(2))'),
    ('I(1, 2, 3, 4).view(2, 2).fillDiagonal_(1.5)', 'I(1, 2, 3, 4).view(2, 2).fill_diagonal_(1.5)'),
    ('x = R(1, 2, 3, 4); y = x.mul(x).view(2, 2); y.fillDiagonal_(9); y.sum().backward(); x.grad', 'x = R(1, 2, 3, 4); y = x.mul(x).view(2, 2); y.fill_diagonal_(9); y.sum().backward(); x.grad'),
    ('x = R(1, 2, 3, 4); x.view(2, 2).fillDiagonal_(9)', 'x = R(1, 2, 3, 4); x.view(2, 2).fill_diagonal_(9)'),
    # --- views in place ---
    *(
        row
        for ts, py in (
            ('unsqueeze_(0)',) * 2, ('unsqueeze_(-1)',) * 2, ('unsqueeze_(7)',) * 2, ('squeeze_()',) * 2, ('squeeze_(0)',) * 2,
            ('squeeze_(1)',) * 2, ('squeeze_(5)',) * 2, ('t_()',) * 2, ('transpose_(0, -1)',) * 2, ('transpose_(0, 9)',) * 2,
            ('swapaxes_(0, 1)',) * 2, ('swapdims_(1, 0)',) * 2, ("unsqueeze_('a')",) * 2, ('transpose_(0)',) * 2,
        )
        for row in (
            (f'y = m.clone(); z = y.{ts}; [y, z === y]', f'y = m.clone(); z = y.{py}; [y, z is y]'),
            (f'y = m.mul(1).view(2, 1, 3); y.{ts}', f'y = m.mul(1).view(2, 1, 3); y.{py}'),
            (f'x = R(1, 2, 3); y = x.mul(2).view(1, 3); y.{ts}; y.mul(y).sum().backward(); [y, x.grad]', f'x = R(1, 2, 3); y = x.mul(2).view(1, 3); y.{py}; y.mul(y).sum().backward(); [y, x.grad]'),
            (f'x = R(1, 2, 3); y = x.mul(2).view(1, 3).clone(); y.{ts}; y.mul_(3); y.mul(F(1, 2, 3)).sum().backward(); [y, x.grad]', f'x = R(1, 2, 3); y = x.mul(2).view(1, 3).clone(); y.{py}; y.mul_(3); y.mul(F(1, 2, 3)).sum().backward(); [y, x.grad]'),
        )
    ),
    ('b = zeros(4); w = b.view(2, 2); w.t_(); w.at(0).at(1).fill_(7); b', 'b = zeros(4); w = b.view(2, 2); w.t_(); w[0][1].fill_(7); b'),
    ('x = R(1, 2); y = x.mul(2).view(2, 1); v = y.at(0); v.unsqueeze_(0); v.mul_(5); y.sum().backward(); x.grad', 'x = R(1, 2); y = x.mul(2).view(2, 1); v = y[0]; v.unsqueeze_(0); v.mul_(5); y.sum().backward(); x.grad'),
    ('x = R(1, 2); y = x.mul(2).view(2, 1); y.t_(); v = y.at(0).at(1); v.mul_(5); y.sum().backward(); [y.shape.join(), x.grad]', 'x = R(1, 2); y = x.mul(2).view(2, 1); y.t_(); v = y[0][1]; v.mul_(5); y.sum().backward(); [text(\'1,2\'), x.grad]'),
    ('R(1, 2).t_()',) * 2,
    ('x = R(1, 2); noGrad(() => x.unsqueeze_(1)); x.mul(x).sum().backward(); [x, x.grad]', 'x = R(1, 2); noGrad(lambda: x.unsqueeze_(1)); x.mul(x).sum().backward(); [x, x.grad]'),
    ('x = R(1, 2); y = x.view(2, 1); y.t_()', 'x = R(1, 2); y = x.view(2, 1); y.t_()'),
    ('x = R(1, 2); y = x.mul(1); z = y.mul(y); y.unsqueeze_(0); z.sum().backward()', 'x = R(1, 2); y = x.mul(1); z = y.mul(y); y.unsqueeze_(0); z.sum().backward()'),
    ('y = R(1, 2).mul(2); v = noGrad(() => y.view(1, 2)); v.t_()', 'y = R(1, 2).mul(2); v = noGrad(lambda: y.view(1, 2)); v.t_()'),
]

if __name__ == '__main__':
    out = {}
    for key, code in ROWS:
        assert key not in out, key
        out[key] = perform(code)
    write('packages/core/test/golden/words.json', out)
