"""What real PyTorch prints for the lines of a first tutorial, and says to the mistakes of a first week.

packages/backend-conformance/golden/semantics.json: key -> {"printed": text} or {"error": class, "message": sentence}.
A key is the TypeScript of packages/core/test/semantics.test.ts, which performs it and compares. Where this project
follows 2.x instead of 1.13, the text stands in `NEWER` with its reason.
"""
import torch
import torch.nn.functional as F
from torch import nn

from format import write

# Pairs of a key and Python: statements, and a last line, an expression whose repr or error is recorded.
ROWS = [
    # --- tutorial code ---
    ('tensor(3.5, { requiresGrad: true })', 'torch.tensor(3.5, requires_grad=True)'),
    ('x.sub(1).mul(x.sub(2)).mul(x.sub(3))', 'x = torch.tensor(3.5, requires_grad=True)\n(x - 1) * (x - 2) * (x - 3)'),
    ('y.backward(); x.grad', 'x = torch.tensor(3.5, requires_grad=True)\ny = (x - 1) * (x - 2) * (x - 3)\ny.backward()\nx.grad'),
    ('x.item()', 'torch.tensor(3.5).item()'),
    ('y.item()', 'x = torch.tensor(3.5)\n((x - 1) * (x - 2) * (x - 3)).item()'),
    ('tensor(12.345).item()', 'torch.tensor(12.345).item()'),
    ('tensor([0.1, 0.2]).sum().item()', 'torch.tensor([0.1, 0.2]).sum().item()'),
    ('tensor([1, 2, 3])', 'torch.tensor([1., 2, 3])'),
    ('tensor([1, 2.5])', 'torch.tensor([1, 2.5])'),
    ('tensor(3)', 'torch.tensor(3.)'),
    ('full([2], 3)', 'torch.full([2], 3.)'),
    ('linspace(0, 1, 3)', 'torch.linspace(0, 1, 3)'),
    ('logspace(0, 2, 3)', 'torch.logspace(0, 2, 3)'),
    ('i', 'torch.tensor([1, 2, 3])'),
    ('i.mul(2)', 'torch.tensor([1, 2, 3]) * 2'),
    ('i.floorDivide(2)', 'torch.tensor([1, 2, 3]) // 2'),
    ('i.mul(2.5)', 'torch.tensor([1, 2, 3]) * 2.5'),
    ('i.div(2)', 'torch.tensor([1, 2, 3]) / 2'),
    ('arange(3)', 'torch.arange(3)'),
    ("arange(3, { dtype: 'float32' })", 'torch.arange(3, dtype=torch.float32)'),
    ('arange(0, 1, 0.25)', 'torch.arange(0, 1, 0.25)'),
    ('tensor([[3, 1], [2, 5]]).argmax(1)', 'torch.tensor([[3., 1], [2, 5]]).argmax(1)'),
    ('tensor([1, 2, 3]).gt(2)', 'torch.tensor([1., 2, 3]) > 2'),
    ('tensor([.2, .7]).gt(.5).float()', '(torch.tensor([.2, .7]) > .5).float()'),
    ('tensor([true, false, true]).sum()', 'torch.tensor([True, False, True]).sum()'),
    ('tensor([true, false]).add(1)', 'torch.tensor([True, False]) + 1'),
    ('tensor([true, false]).mul(2.5)', 'torch.tensor([True, False]) * 2.5'),
    ("tensor([1, 2], { dtype: 'uint8' }).add(300)", 'torch.tensor([1, 2], dtype=torch.uint8) + 300'),
    ('cat([zeros(2, 1), ones(2, 1)], 1)', 'torch.cat([torch.zeros(2, 1), torch.ones(2, 1)], 1)'),
    ('ones(2, 3).size()', 'torch.ones(2, 3).size()'),
    ('new nn.Parameter(ones(2))', 'nn.Parameter(torch.ones(2))'),
    (
        "arange(6, { dtype: 'float32' }).reshape(2, 3).max(1)",
        'torch.arange(6, dtype=torch.float32).reshape(2, 3).max(1)',
    ),
    ('manualSeed(0); new nn.Linear(2, 3).stateDict()', 'torch.manual_seed(0)\nnn.Linear(2, 3).state_dict()'),
    # --- arithmetic facts ---
    ("tensor([-7, 7], { dtype: 'int32' }).floorDivide(2)", 'torch.tensor([-7, 7]) // 2'),
    ("tensor([-7, 7], { dtype: 'int32' }).remainder(-3)", 'torch.tensor([-7, 7]).remainder(-3)'),
    ('tensor([1, 2, 4]).std()', 'torch.tensor([1., 2, 4]).std()'),
    ('tensor([1, 2, 4]).var({ unbiased: false })', 'torch.tensor([1., 2, 4]).var(unbiased=False)'),
    ('tensor([0.5, 1.5, 2.5, -0.5]).round()', 'torch.tensor([0.5, 1.5, 2.5, -0.5]).round()'),
    ("ones(2).add(ones(2, { dtype: 'float64' }))", 'torch.ones(2) + torch.ones(2, dtype=torch.float64)'),
    ("ones(2).add(tensor(1, { dtype: 'float64' }))", 'torch.ones(2) + torch.tensor(1., dtype=torch.float64)'),
    ('i.add(tensor(1.5))', 'torch.tensor([1, 2, 3]) + torch.tensor(1.5)'),
    ("tensor([250, 10], { dtype: 'uint8' }).add(tensor([10, 10], { dtype: 'uint8' }))", 'torch.tensor([250, 10], dtype=torch.uint8) + torch.tensor([10, 10], dtype=torch.uint8)'),
    # --- autograd rules ---
    ('two backwards of the sum of squares accumulate', 'x = torch.tensor([1., 2], requires_grad=True)\n(x * x).sum().backward()\n(x * x).sum().backward()\nx.grad'),
    ('a non-scalar backward with an argument', 'x = torch.tensor([1., 2], requires_grad=True)\n(x * x).backward(torch.tensor([1., 10]))\nx.grad'),
    ('retainGrad on a non-leaf', 'x = torch.tensor([1., 2], requires_grad=True)\ny = x * 3\ny.retain_grad()\ny.sum().backward()\ny.grad'),
    ('a hook that replaces the gradient', 'x = torch.tensor([1., 2], requires_grad=True)\nx.register_hook(lambda g: g * 10)\nx.sum().backward()\nx.grad'),
    ('noGrad(() => x.mul(2))', 'x = torch.tensor([1., 2], requires_grad=True)\nwith torch.no_grad(): y = x * 2\ny'),
    ('x.detach()', 'x = torch.tensor([1., 2], requires_grad=True)\nx.detach()'),
    ('grad(x ** 3, x, { createGraph: true })', 'x = torch.tensor(3., requires_grad=True)\ntorch.autograd.grad(x ** 3, x, create_graph=True)[0]'),
    ('grad of that grad', 'x = torch.tensor(3., requires_grad=True)\ng, = torch.autograd.grad(x ** 3, x, create_graph=True)\ntorch.autograd.grad(g, x)[0]'),
    ('slope of relu at 0', 'x = torch.tensor(0., requires_grad=True)\nx.relu().backward()\nx.grad'),
    ('slope of abs at 0', 'x = torch.tensor(0., requires_grad=True)\nx.abs().backward()\nx.grad'),
    ('slope of sqrt at 0', 'x = torch.tensor(0., requires_grad=True)\nx.sqrt().backward()\nx.grad'),
    ('slope of clamp at both edges', 'x = torch.tensor([-1., 0, 1], requires_grad=True)\nx.clamp(-1, 1).sum().backward()\nx.grad'),
    ('slope of max() over ties', 'x = torch.tensor([2., 2, 1], requires_grad=True)\nx.max().backward()\nx.grad'),
    ('slope of amax over ties', 'x = torch.tensor([2., 2, 1], requires_grad=True)\nx.amax().backward()\nx.grad'),
    ('slope of maximum over ties', 'x = torch.tensor([2., 3], requires_grad=True)\ntorch.maximum(x, torch.tensor([2., 1])).sum().backward()\nx.grad'),
    ('slope of max(0) over ties', 'x = torch.tensor([2., 2, 1], requires_grad=True)\nx.max(0).values.backward()\nx.grad'),
    ('a write through a view and its gradient', 'x = torch.ones(2, 3, requires_grad=True)\nb = x * 2\nv = b.t()\nv.mul_(torch.arange(6.).reshape(3, 2))\nb.sum().backward()\nx.grad'),
    ('a view after its base was written', 'x = torch.ones(2, 2, requires_grad=True)\nb = x * 2\nv = b[0]\nb.mul_(3)\nv.detach()'),
    # --- mistakes ---
    ('ones(2, 3).add(ones(2, 4))', 'torch.ones(2, 3) + torch.ones(2, 4)'),
    ('ones(2, 3).matmul(ones(2, 3))', 'torch.ones(2, 3) @ torch.ones(2, 3)'),
    ('new nn.Linear(3, 2).forward(ones(4, 5))', 'nn.Linear(3, 2)(torch.ones(4, 5))'),
    ('ones(2, 3).matmul(ones(2))', 'torch.ones(2, 3) @ torch.ones(2)'),
    ('bmm(ones(2, 3, 4), ones(2, 3, 5))', 'torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 3, 5))'),
    ('ones(2, 3, 4).matmul(ones(2, 3, 5))', 'torch.ones(2, 3, 4) @ torch.ones(2, 3, 5)'),
    ('ones(6).view(4, 2)', 'torch.ones(6).view(4, 2)'),
    ('ones(6).reshape(4, 2)', 'torch.ones(6).reshape(4, 2)'),
    ('ones(2, 3).t().view(6)', 'torch.ones(2, 3).t().view(6)'),
    ('cat([ones(2, 3), ones(1, 4)])', 'torch.cat([torch.ones(2, 3), torch.ones(1, 4)])'),
    ('cat([ones(2, 3), ones(3)])', 'torch.cat([torch.ones(2, 3), torch.ones(3)])'),
    ('stack([ones(2), ones(3)])', 'torch.stack([torch.ones(2), torch.ones(3)])'),
    ('ones(2, 3).sum(2)', 'torch.ones(2, 3).sum(2)'),
    ('ones(2, 3).at(5)', 'torch.ones(2, 3)[5]'),
    ('ones(2, 3).at(0, 0, 0)', 'torch.ones(2, 3)[0, 0, 0]'),
    ('ones(2, 3).expand(3, 3)', 'torch.ones(2, 3).expand(3, 3)'),
    ('ones(3).item()', 'torch.ones(3).item()'),
    ('if (ones(2))', 'bool(torch.ones(2))'),
    ('tensor([[1, 2], [3]])', 'torch.tensor([[1, 2], [3]])'),
    ('i.add_(1.5)', 'torch.tensor([1, 2, 3]).add_(1.5)'),
    ('tensor([1, 2], { dtype: \'int32\', requiresGrad: true })', 'torch.tensor([1, 2], requires_grad=True)'),
    ('ones(2).sum().backward()', 'torch.ones(2).sum().backward()'),
    ('ones(2, { requiresGrad: true }).mul(2).backward()', '(torch.ones(2, requires_grad=True) * 2).backward()'),
    ('y.backward() again', 'x = torch.tensor(3.5, requires_grad=True)\ny = (x - 1) * (x - 2)\ny.backward()\ny.backward()'),
    ('ones(2, { requiresGrad: true }).add_(1)', 'torch.ones(2, requires_grad=True).add_(1)'),
    ('an in-place edit of a saved result', 'x = torch.ones(2, requires_grad=True)\ny = x.exp()\ny.add_(1)\ny.sum().backward()'),
    ('grad(y, unused)', 'x = torch.ones(2, requires_grad=True)\nz = torch.ones(2, requires_grad=True)\ntorch.autograd.grad((x * 2).sum(), z)'),
    ('ones(2, { requiresGrad: true }).toArray()', 'torch.ones(2, requires_grad=True).numpy()'),
    ('new nn.BatchNorm1d(3).forward(ones(1, 3))', 'nn.BatchNorm1d(3)(torch.ones(1, 3))'),
    ('F.crossEntropy(ones(2, 3), [0, 4])', 'F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 4]))'),
    ('F.crossEntropy(ones(3, 2), [0, 1])', 'F.cross_entropy(torch.ones(3, 2), torch.tensor([0, 1]))'),
    ('F.nllLoss(ones(2, 3), zeros(2))', 'F.nll_loss(torch.ones(2, 3), torch.zeros(2))'),
    ("mm(ones(2, 2, { dtype: 'float64' }), ones(2, 2))", 'torch.mm(torch.ones(2, 2, dtype=torch.float64), torch.ones(2, 2))'),
    ('i.mean()', 'torch.tensor([1, 2, 3]).mean()'),
    ('linear.loadStateDict(wrong)', "nn.Linear(2, 1).load_state_dict({'weight': torch.ones(1, 3)})"),
    ('linear.loadStateDict(more)', "nn.Linear(2, 1).load_state_dict({'weight': torch.ones(1, 2), 'bias': torch.ones(1), 'other': torch.ones(1)})"),
    ('new nn.Module().forward()', 'nn.Module()()'),
    ('F.mseLoss(ones(3, 2), ones(4))', 'F.mse_loss(torch.ones(3, 2), torch.ones(4))'),
    ('F.binaryCrossEntropy(tensor([1.5]), ones(1))', 'F.binary_cross_entropy(torch.tensor([1.5]), torch.ones(1))'),
    ('F.binaryCrossEntropy(ones(2), ones(3))', 'F.binary_cross_entropy(torch.ones(2), torch.ones(3))'),
    ('F.binaryCrossEntropy(ones(2), i)', 'F.binary_cross_entropy(torch.ones(2), torch.tensor([1, 1]))'),
    ('ones(2, 2, { requiresGrad: true }).t().add_(1)', 'torch.ones(2, 2, requires_grad=True).t().add_(1)'),
    ('nn.init.kaimingUniform_(ones(3))', 'nn.init.kaiming_uniform_(torch.ones(3))'),
    # --- printing ---
    ('arange(1001)', 'torch.arange(1001)'),
    ('arange(1000) has no dots', 'torch.arange(1000)'),
    ('tensor([1, 1001])', 'torch.tensor([1., 1001])'),
    ('tensor([1, 1000])', 'torch.tensor([1., 1000])'),
    ('tensor([1000.5, 1.5])', 'torch.tensor([1000.5, 1.5])'),
    ('tensor([99999999])', 'torch.tensor([99999999.])'),
    ('tensor([123456789])', 'torch.tensor([123456789.])'),
    ('tensor([2.5, Infinity, NaN])', 'torch.tensor([2.5, float("inf"), float("nan")])'),
    ('tensor([-0])', 'torch.tensor([-0.])'),
    ('zeros(2, 2, 2)', 'torch.zeros(2, 2, 2)'),
    ('tensor([])', 'torch.tensor([])'),
    ("tensor([], { dtype: 'int32' })", 'torch.tensor([], dtype=torch.int64)'),
    ('zeros(0, 3)', 'torch.zeros(0, 3)'),
    ('tensor([0.0001])', 'torch.tensor([0.0001])'),
    ('tensor(1e-3)', 'torch.tensor(1e-3)'),
    ('tensor([1.5, -2.25, 3.125])', 'torch.tensor([1.5, -2.25, 3.125])'),
    ('tensor([true, false])', 'torch.tensor([True, False])'),
    ('tensor([0.03125])', 'torch.tensor([0.03125])'),
    ('tensor([1.03125, 2000])', 'torch.tensor([1.03125, 2000])'),
    ('arange(60).reshape(3, 20).div(7)', 'torch.arange(60).reshape(3, 20) / 7'),
    ('zeros(40, 30)', 'torch.zeros(40, 30)'),
    ('linspace(0, 1, 2001).reshape(3, 23, 29)', 'torch.linspace(0, 1, 2001).reshape(3, 23, 29)'),
    ("ones(2, { dtype: 'float64', requiresGrad: true })", 'torch.ones(2, dtype=torch.float64, requires_grad=True)'),
    ('ones(20, { requiresGrad: true }).mul(1.5)', 'torch.ones(20, requires_grad=True) * 1.5'),
    ('ones(7, { requiresGrad: true }).mul(1.5).sigmoid()', '(torch.ones(7, requires_grad=True) * 1.5).sigmoid()'),
    ("tensor([1, 255], { dtype: 'uint8' })", 'torch.tensor([1, 255], dtype=torch.uint8)'),
    ('tensor([1e10, 1])', 'torch.tensor([1e10, 1])'),
    ('ones(2, 3).dim()', 'torch.ones(2, 3).dim()'),
    ('ones(2, 3).ndim', 'torch.ones(2, 3).ndim'),
    ('ones(2, 3).numel()', 'torch.ones(2, 3).numel()'),
    ('tensor([NaN, Infinity, -Infinity])', 'torch.tensor([float("nan"), float("inf"), -float("inf")])'),
]

# Messages of PyTorch 2.x that flambeau uses instead of 1.13's, each with the reason.
NEWER = {
    'ones(3).item()': ('RuntimeError', 'a Tensor with 3 elements cannot be converted to Scalar', '1.13 speaks of Python scalars'),
    "mm(ones(2, 2, { dtype: 'float64' }), ones(2, 2))": (
        'RuntimeError',
        'expected m1 and m2 to have the same dtype, but got: double != float',
        '1.13 names only the first dtype',
    ),
}


def perform(code):
    *body, last = code.split('\n')
    scope = {'torch': torch, 'nn': nn, 'F': F}
    try:
        for line in body:
            exec(line, scope)
        # int32 stands in for int64, also where an empty tensor prints its dtype.
        return {'printed': repr(eval(last, scope)).replace('torch.int64', 'torch.int32')}
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error)}


def semantics():
    out = {}
    for key, code in ROWS:
        assert key not in out, key
        out[key] = perform(code)
        if key in NEWER:
            error, message, why = NEWER[key]
            out[key] = {'error': error, 'message': message, 'newer': why}
    write('packages/backend-conformance/golden/semantics.json', out)
