#!/usr/bin/env python3
"""Writes packages/core/test/golden/doubles.json: lines that real PyTorch 1.13 runs while float64 is the default dtype, and how it
prints or refuses them. The notation is that of words.py; the first line of each pair is TypeScript.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/doubles.py
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from words import perform, scope  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)
scope['nn'] = torch.nn
scope['D_'] = torch.distributions
seeded = lambda ts, py: (f't.manualSeed(3); {ts}', f'torch.manual_seed(3); {py}')

ROWS = [
    ('zeros(1, { dtype: t.getDefaultDtype() })', 'zeros(1, dtype=torch.get_default_dtype())'),
    ('t.tensor([t.finfo().eps])', 'torch.tensor([torch.finfo().eps])'),
    # --- new tensors ---
    ('t.tensor([1.5, 2])', 'torch.tensor([1.5, 2])'),
    ('t.tensor(0.1)', 'torch.tensor(0.1)'),
    ('t.tensor([true])', 'torch.tensor([True])'),
    ('t.tensor([1.5], { dtype: t.float })', 'torch.tensor([1.5], dtype=torch.float)'),
    ('t.zeros(2)', 'torch.zeros(2)'),
    ('t.ones(1, 2)', 'torch.ones(1, 2)'),
    ('t.empty(0)', 'torch.empty(0)'),
    ('t.full([2], 0.1)', 'torch.full([2], 0.1)'),
    ('t.eye(2)', 'torch.eye(2)'),
    ('t.arange(0, 1, 0.3)', 'torch.arange(0, 1, 0.3)'),
    ('t.arange(3)', 'torch.arange(3)'),
    ('t.linspace(0, 1, 4)', 'torch.linspace(0, 1, 4)'),
    ('t.logspace(0, 1, 3)', 'torch.logspace(0, 1, 3)'),
    ('t.range(0, 1, 0.5)', 'torch.range(0, 1, 0.5)'),
    ('t.scalarTensor(0.1)', 'torch.scalar_tensor(0.1)'),
    ('t.zerosLike(t.tensor([1.5], { dtype: t.float32 }))', 'torch.zeros_like(torch.tensor([1.5], dtype=torch.float32))'),
    ('t.tensor([1.5], { dtype: t.float32 }).newTensor([0.1])', 'torch.tensor([1.5], dtype=torch.float32).new_tensor([0.1])'),
    # --- results ---
    ('I(1, 2).add(0.1)', 'I(1, 2).add(0.1)'),
    ('I(1, 2).div(3)', 'I(1, 2).div(3)'),
    ('I(1, 2).sin()', 'I(1, 2).sin()'),
    ('B(0, 1).exp()', 'B(0, 1).exp()'),
    ('I(1, 2).mul(t.tensor(0.1))', 'I(1, 2).mul(torch.tensor(0.1))'),
    ('t.tensor([0.1], { dtype: t.float32 }).add(0.1)', 'torch.tensor([0.1], dtype=torch.float32).add(0.1)'),
    ('t.tensor([0.1], { dtype: t.float32 }).add(t.tensor(0.1))', 'torch.tensor([0.1], dtype=torch.float32).add(torch.tensor(0.1))'),
    ('t.tensor([0.1], { dtype: t.float32 }).add(t.tensor([0.1]))', 'torch.tensor([0.1], dtype=torch.float32).add(torch.tensor([0.1]))'),
    ('t.where(t.tensor([true, false]), 0.1, 0.2)', 'torch.where(torch.tensor([True, False]), 0.1, 0.2)'),
    ('t.where(t.tensor([true, false]), I(1, 2), 0.2)', 'torch.where(torch.tensor([True, False]), I(1, 2), 0.2)'),
    ('I(1, 2).pow(0.5)', 'I(1, 2).pow(0.5)'),
    ('t.pow(0.5, I(1, 2))', 'torch.pow(0.5, I(1, 2))'),
    ('I(1, 2).sigmoid()', 'I(1, 2).sigmoid()'),
    ('I(1, 2).erfinv()', 'I(1, 2).erfinv()'),
    ('I(1, 2).logsumexp(0)', 'I(1, 2).logsumexp(0)'),
    ('I(1, 2).atan2(I(2, 2))', 'I(1, 2).atan2(I(2, 2))'),
    ('t.special.zeta(I(2, 3), I(1, 1))', 'torch.special.zeta(I(2, 3), I(1, 1))'),
    ('I(1, 2).floatPower(2)', 'I(1, 2).float_power(2)'),
    ('I(3, 4).lerp(I(1, 2), 0.5)', 'I(3, 4).lerp(I(1, 2), 0.5)'),
    ('I(3, 4).remainder(0.3)', 'I(3, 4).remainder(0.3)'),
    ('I(3, 4).clamp({ min: 3.5 })', 'I(3, 4).clamp(min=3.5)'),
    ('t.resultType(I(1), 0.5) === t.float64', 'torch.result_type(I(1), 0.5) == torch.float64'),
    ('I(1, 2).add_(0.5)', 'I(1, 2).add_(0.5)'),
    ('t.tensor([1.5]).float()', 'torch.tensor([1.5]).float()'),
    ("t.tensor([1.5]).type()", 'text(torch.tensor([1.5]).type())'),
    ('t.isclose(t.tensor([0.1]), t.tensor([0.1]))', 'torch.isclose(torch.tensor([0.1]), torch.tensor([0.1]))'),
    ('x = t.tensor([0.1, 2], { requiresGrad: true }); x.mul(x).sum().backward(); x.grad', 'x = torch.tensor([0.1, 2], requires_grad=True); x.mul(x).sum().backward(); x.grad'),
    ('x = t.tensor([0.1, 2], { requiresGrad: true }); x.mul(I(1, 2)).add(0.1)', 'x = torch.tensor([0.1, 2], requires_grad=True); x.mul(I(1, 2)).add(0.1)'),
    # --- random numbers ---
    seeded('t.rand(2)', 'torch.rand(2)'),
    seeded('t.randn(2)', 'torch.randn(2)'),
    seeded('t.randn(17)', 'torch.randn(17)'),
    seeded('t.normal(0, 1, [2])', 'torch.normal(0.0, 1.0, (2,))'),
    seeded('t.randint(0, 9, [3])', 'torch.randint(0, 9, (3,))'),
    seeded('zeros(3).exponential_()', 'zeros(3).exponential_()'),
    seeded('t.bernoulli(t.full([3], 0.5))', 'torch.bernoulli(torch.full([3], 0.5))'),
    seeded('new t.distributions.Normal(0, 1).sample([2])', 'D_.Normal(0, 1).sample((2,))'),
    seeded('new t.distributions.Categorical({ logits: t.tensor([0.1, 2]) }).sample([4])', 'D_.Categorical(logits=torch.tensor([0.1, 2])).sample((4,))'),
    ('new t.distributions.Uniform(0, 0.3).entropy()', 'D_.Uniform(0, 0.3).entropy()'),
    # --- modules ---
    seeded('new nn.Linear(2, 1).weight', 'nn.Linear(2, 1).weight'),
    seeded('new nn.Linear(2, 1).forward(t.tensor([[0.1, 2]]))', 'nn.Linear(2, 1)(torch.tensor([[0.1, 2]]))'),
    seeded('new nn.Conv1d(1, 1, 2).bias', 'nn.Conv1d(1, 1, 2).bias'),
    seeded('new nn.Embedding(2, 2).weight', 'nn.Embedding(2, 2).weight'),
    ('new nn.BatchNorm1d(2).runningVar', 'nn.BatchNorm1d(2).running_var'),
    ('new nn.PReLU().weight', 'nn.PReLU().weight'),
    ('new nn.Linear(2, 1).forward(t.tensor([[0.1, 2]], { dtype: t.float32 }))', 'nn.Linear(2, 1)(torch.tensor([[0.1, 2]], dtype=torch.float32))'),
    seeded('nn.init.kaimingNormal_(t.empty(2, 2))', 'nn.init.kaiming_normal_(torch.empty(2, 2))'),
    seeded('new nn.LSTMCell(1, 1).forward(t.tensor([[0.1]]))[0]', 'nn.LSTMCell(1, 1)(torch.tensor([[0.1]]))[0]'),
    ('new nn.CrossEntropyLoss({ weight: t.tensor([0.1, 0.9]) }).forward(t.tensor([[0.1, 2]]), I(1))', 'nn.CrossEntropyLoss(weight=torch.tensor([0.1, 0.9]))(torch.tensor([[0.1, 2]]), I(1))'),
]

if __name__ == '__main__':
    torch.set_default_dtype(torch.float64)
    out = {}
    for key, code in ROWS:
        assert key not in out, key
        out[key] = perform(code)
    write('packages/core/test/golden/doubles.json', out)
