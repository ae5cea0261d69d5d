#!/usr/bin/env python3
"""Writes packages/core/test/golden/limits.json: layers and functions at the limits of what they take, as real PyTorch 1.13
prints or refuses them: no images, no channels, windows that just fit, numbers that bytes have no room for.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/limits.py

A key is a line of TypeScript, as in ops_b.py; Python is the same with PyTorch's names. Beside those of ops_b.py both know
  F, nn, V(...sizes)     functions, layers, and a tensor whose element i is ((7 i + 3) mod 23 - 11) / 8
  slope(f, ...leaves)    f of leaves, then the gradients of the sum of its first result's elements times i mod 5 - 1.5
  trained(layer, x)      the same of a layer, then the gradients of its parameters, and its buffers
"""
import os
import re
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from ops_b import Text, perform, scope  # noqa: E402

warnings.simplefilter('ignore')


def V(*sizes):
    n = torch.Size(sizes).numel()
    return torch.tensor([((7 * i + 3) % 23 - 11) / 8 for i in range(n)]).reshape(sizes)


def shown(made, leaves, more=()):
    results = list(made) if isinstance(made, tuple) else [made]
    y = results[0]
    (y * (torch.arange(y.numel(), dtype=y.dtype) % 5 - 1.5).reshape(y.shape)).sum().backward()
    gradients = [None if x.grad is None else x.grad + 0 for x in leaves]
    return Text('\n'.join(map(repr, [*results, *gradients, *more])))


def slope(f, *leaves):
    leaves = [x.detach().clone().requires_grad_() for x in leaves]
    return shown(f(*leaves), leaves)


def trained(layer, x):
    x = x.detach().clone().requires_grad_()
    return shown(layer(x), [x, *layer.parameters()], layer.buffers())


scope.update(F=torch.nn.functional, nn=torch.nn, V=V, slope=slope, trained=trained, zeros=torch.zeros)

WORDS = {'true': 'True', 'false': 'False', 'null': 'None'}


def python(line):
    """The line in Python: names of functions and options in snake_case, options by name."""

    def name(found):
        word = found.group()
        return WORDS.get(word) or (re.sub('[A-Z]', lambda c: f'_{c.group().lower()}', word) if not word[0].isupper() else word)

    parts = re.split("('[^']*')", line)
    line = ''.join(part if part.startswith("'") else re.sub(r'\b[A-Za-z_]\w*', name, part) for part in parts)
    line = line.replace('new nn.', 'nn.').replace('.forward(', '(')
    line = re.sub(r'\(([a-z, ]+)\) =>', r'lambda \1:', line)
    line = re.sub(r"dtype: '(\w+)'", lambda found: f'dtype: torch.{found.group(1)}', line)
    return re.sub(r'\{ (.*?) \}', lambda found: re.sub(r'(\w+): ', r'\1=', found.group(1)), line)


SIDES = {1: '3', 2: '3, 3', 3: '3, 3, 2'}
LINES = [
    # --- the nearest elements ---
    *(
        f"slope((x, at) => F.gridSample(x, at, {{ mode: 'nearest', paddingMode: '{padding}', alignCorners: {aligned} }}), {x}, {at})"
        for padding in ('zeros', 'border', 'reflection')
        for aligned in ('true', 'false')
        for x, at in (('V(1, 2, 3, 3)', 'V(1, 2, 2, 2)'), ('V(1, 1, 3, 3, 2)', 'V(1, 2, 2, 1, 3)'))
    ),
    "slope((at) => F.gridSample(V(1, 1, 3, 3), at, { mode: 'nearest', alignCorners: false }), V(1, 2, 2, 2))",
    "slope((x) => F.gridSample(x, V(1, 2, 2, 2), { mode: 'nearest', alignCorners: false }), V(1, 1, 3, 3))",
    "slope((x, at) => F.gridSample(x, at, { mode: 'nearest', alignCorners: false }), zeros(0, 1, 3, 3), zeros(0, 2, 2, 2))",
    # --- norms of nothing ---
    *(
        f'trained({layer}, {x})'
        for rank, sides in SIDES.items()
        for layer in (
            f'new nn.BatchNorm{rank}d(2)',
            f'new nn.BatchNorm{rank}d(2).eval()',
            f'new nn.BatchNorm{rank}d(2, {{ momentum: null }})',
            f'new nn.BatchNorm{rank}d(2, {{ affine: false }})',
            f'new nn.BatchNorm{rank}d(2, {{ trackRunningStats: false }})',
            f'new nn.InstanceNorm{rank}d(2)',
            f'new nn.InstanceNorm{rank}d(2, {{ affine: true }})',
            f'new nn.InstanceNorm{rank}d(2, {{ trackRunningStats: true }})',
            f'new nn.InstanceNorm{rank}d(2, {{ trackRunningStats: true }}).eval()',
            f'new nn.InstanceNorm{rank}d(2, {{ affine: true, trackRunningStats: true }}).eval()',
            'new nn.GroupNorm(2, 2)',
            'new nn.GroupNorm(1, 2, { affine: false })',
            'new nn.LocalResponseNorm(2)',
            f'new nn.LayerNorm([2, {sides}])',
        )
        for x in (f'zeros(0, 2, {sides})', f"zeros(2, 2, 0{sides[1:]})")
        if 'LayerNorm' not in layer or x.startswith('zeros(0')
    ),
    'trained(new nn.BatchNorm1d(2), zeros(0, 2))',
    'trained(new nn.GroupNorm(2, 4), zeros(0, 4))',
    'trained(new nn.LayerNorm(0), zeros(3, 0))',
    *(f'slope((x) => F.{call}, zeros(2, 0, 3))' for call in (
        'batchNorm(x, null, null, { training: true })', 'batchNorm(x, R(), R())', 'instanceNorm(x)', 'groupNorm(x, 2)',
        'localResponseNorm(x, 2)',
    )),
    'v = [V(2), V(2)]; F.instanceNorm(zeros(0, 2, 3), v[0], v[1]); v',
    'v = [V(2), V(2)]; F.batchNorm(zeros(0, 2, 3), v[0], v[1], { training: true }); v',
    # --- windows, padding and resampling of nothing ---
    *(
        f'trained(new nn.{layer}, zeros({lead}, {sides}))'
        for rank, sides in SIDES.items()
        for lead in ('0, 2', '0')
        for layer in (
            f'Conv{rank}d(2, 4, 2, {{ bias: false, padding: 1 }})',
            f"Conv{rank}d(2, 4, 2, {{ padding: 1, paddingMode: 'reflect' }})",
            f'ConvTranspose{rank}d(2, 4, 2)',
            f'MaxPool{rank}d(2)',
            f'AvgPool{rank}d(2)',
            f'AdaptiveAvgPool{rank}d(2)',
            f'AdaptiveMaxPool{rank}d(2)',
            *([f'LPPool{rank}d(2, 2)'] if rank < 3 else []),
            *([f'FractionalMaxPool{rank}d(1, {{ outputSize: 1 }})'] if rank > 1 else []),
            f'ConstantPad{rank}d(1, 2)',
            f'ReflectionPad{rank}d(1)',
            f'ReplicationPad{rank}d(1)',
            'Upsample({ scaleFactor: 2 })',
            "Upsample({ scaleFactor: 2, mode: 'area' })",
            f'Dropout{rank}d(0.5)',
        )
        if 'bias' not in layer or lead != '0'
    ),
    'trained(new nn.Fold([3, 3], 2), zeros(0, 8, 4))',
    'trained(new nn.Unfold(2), zeros(0, 2, 3, 3))',
    'new nn.PixelShuffle(2).forward(zeros(0, 8, 3, 3))',
    'new nn.ChannelShuffle(2).forward(zeros(0, 8, 3, 3))',
    # --- windows that just fit ---
    *(
        f'slope((x) => F.fractionalMaxPool{rank}d(x, {kernel}, {{ outputSize: {5 - kernel + more}, _randomSamples: zeros(1, 1, {rank}).add(0.3) }}), V(1, 1, {", ".join(["4"] * rank)}))'
        for rank in (2, 3)
        for kernel in (1, 2, 4)
        for more in (-1, 0, 1)
    ),
    *(f'F.fractionalMaxPool{rank}d(V({lead}{", ".join(["4"] * rank)}), 2, -1)' for rank in (2, 3) for lead in ('1, 2, ', '2, ')),
    # --- numbers and bytes ---
    *(f'U(0, 1, 2, 3).{call}' for call in (
        'pow(300)', 'pow(256)', 'pow(255)', 'pow(-1)', 'pow_(300)', 'pow(U(3, 2, 1, 200))', 'clamp(-1, 300)', 'clamp(300)',
        'clamp({ max: 300 })', 'clamp(-1, 2)', 'clamp(0.5, 300)', 'clamp_(-300, 2)', 'clampMin(300)', 'clampMax(300)',
        'clampMax(2)', 'clip(0, 256)', 'addcmul(U(2), U(2), { value: 300 })', 'addcmul(U(2), U(2), { value: 3 })',
    )),
    'B(1, 0).pow(300)',
    # --- layers that are refused by their own names, and numbers of features that are not whole ---
    *(f'new nn.{name}({{ colour: 1 }})' for name in ('Softmax', 'Softmin', 'LogSoftmax')),
    *(f"new nn.{lazy}ConvTranspose{rank}d(2, {size}, {{ paddingMode: 'reflect' }})" for lazy, size in (('', '2, 3'), ('Lazy', '3')) for rank in SIDES),
    *(f'new nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10], {{ divValue: {n} }})' for n in (0.1, 0.3, 4, -2)),
    # --- tensors without dimensions, and no dimensions ---
    *(
        f'{x}.{op}({dim})'
        for x in ('T(2.5)', 'V(2, 2)')
        for dim in ('[0, 0]', '[0, -1]', '[-1, -1]', '[0]', '[]', '[1, 1]')
        for op in ('sum', 'mean', 'amax', 'std', 'logsumexp', 'nansum', 'countNonzero', 'flip')
    ),
    'V(2, 2).logsumexp([], true)',
    'R().logsumexp([])',
    *(f'{x}.aminmax({options})' for x in ('T(2.5)', 'V(2, 2)') for options in ('', '{ keepdim: true }', '{ dim: 0, keepdim: true }', '{ dim: 0 }')),
    *(
        f'{x}.{call}'
        for x in ('T(true)', 'B(1, 0)')
        for call in ("cumsum(0, { dtype: 'bool' })", "cumprod(0, { dtype: 'bool' })", "cumsum(0, { dtype: 'float32' })", 'cumsum(0)', 'cumsum_(0)', 'kthvalue(1)', 'topk(1)', 'topk(2)')
    ),
]

if __name__ == '__main__':
    out = {}
    for line in LINES:
        assert line not in out, line
        out[line] = perform(python(line))
    write('packages/core/test/golden/limits.json', out)
