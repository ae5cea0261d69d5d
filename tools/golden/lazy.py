#!/usr/bin/env python3
"""Lazy layers, from real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/lazy.json
  layers   [{make, input: sizes, before, keys, after, bits, output}]: the text and the keys of a new layer; its text, the
           float32 bits of its parameters and its result after the first input, before which manualSeed(1) is called
  errors   [{make, input, error, message}]
The notation is that of windows.py.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from train import attempt, bits, tensor_record  # noqa: E402
from windows import make, values  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)

LAYERS = [
    (['LazyLinear', 2], [3, 4]),
    (['LazyLinear', 2, {'bias': False}], [4]),
    (['LazyConv1d', 2, 3, {'padding': 1}], [2, 5]),
    (['LazyConv2d', 4, [2, 3], 1, 0, 1, 2], [1, 2, 3, 4]),
    (['LazyConv3d', 1, 2, {'bias': False}], [1, 1, 2, 2, 3]),
    (['LazyConvTranspose1d', 2, 3, 2, 1, 1], [1, 2, 3]),
    (['LazyConvTranspose2d', 2, 2, {'groups': 2}], [4, 2, 2]),
    (['LazyConvTranspose3d', 1, 2], [1, 1, 1, 2, 1]),
    (['LazyBatchNorm1d'], [4, 3]),
    (['LazyBatchNorm2d', 0.001, None], [2, 2, 2, 2]),
    (['LazyBatchNorm3d', {'affine': False}], [1, 2, 1, 2, 2]),
    (['LazyInstanceNorm1d'], [2, 3, 4]),
    (['LazyInstanceNorm2d', {'affine': True, 'trackRunningStats': True}], [1, 2, 2, 3]),
    (['LazyInstanceNorm3d'], [1, 2, 1, 2, 2]),
]
ERRORS = [
    (['LazyConv2d', 4, 3], [3, 3]),
    (['LazyConv2d', 4, 2, {'groups': 2}], [1, 3, 4, 4]),
    (['LazyBatchNorm2d'], [4, 3]),
]


def record(spec, sizes):
    layer = make(spec)
    before, keys = repr(layer), list(layer.state_dict())
    torch.manual_seed(1)
    y = layer(values(sizes))
    return {
        'make': spec,
        'input': sizes,
        'before': before,
        'keys': keys,
        'after': repr(layer),
        'bits': {name: bits(p) for name, p in layer.named_parameters()},
        'output': tensor_record(y),
    }


if __name__ == '__main__':
    write(
        'packages/core/test/golden/lazy.json',
        {
            'layers': [record(*entry) for entry in LAYERS],
            'errors': [
                {'make': spec, 'input': sizes, **attempt(lambda s=spec, n=sizes: make(s)(values(n)))}
                for spec, sizes in ERRORS
            ],
        },
        depth=2,
    )
