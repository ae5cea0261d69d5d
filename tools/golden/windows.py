#!/usr/bin/env python3
"""Layers over windows, from real PyTorch 1.13: convolutions, pooling and folding. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/windows.json
  layers   [{make: [class, ...args, options?], input: sizes, more, text, bits, outputs, inputGrad, grads}]: after
           manualSeed(1) the layer is made; bits are the float32 bits of its parameters by name. Then forward(input, ...more)
           and backward from the first result with the cotangent of train.py; element i of an input is ((7 i + 3) mod 23 - 11) / 8.
  errors   [{make, input?, more?, error, message}]: of the constructor, or of forward if there is an input
Lists among the arguments are tuples in Python, names are in camelCase.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from format import write  # noqa: E402
from train import attempt, bits, cotangent, options_of, tensor_record  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)

LAYERS = [
    (['Conv1d', 2, 4, 3], [2, 2, 6]),
    (['Conv1d', 2, 4, 3, {'padding': 'same', 'dilation': 2}], [2, 7]),
    (['Conv2d', 2, 3, 3], [1, 2, 4, 5]),
    (['Conv2d', 4, 6, [3, 2], 2, [1, 0], 1, 2], [2, 4, 5, 5]),
    (['Conv2d', 2, 2, 3, {'bias': False, 'padding': [1, 0], 'stride': [2, 1], 'dilation': [1, 2]}], [2, 6, 6]),
    (['Conv2d', 3, 3, 2, {'groups': 3, 'padding': 'valid'}], [1, 3, 3, 3]),
    (['Conv2d', 1, 2, 3, {'padding': [1, 2], 'paddingMode': 'reflect'}], [1, 1, 3, 4]),
    (['Conv2d', 1, 2, [2, 3], {'padding': 'same', 'paddingMode': 'replicate'}], [1, 1, 3, 4]),
    (['Conv1d', 2, 2, 3, {'padding': 2, 'paddingMode': 'circular'}], [1, 2, 5]),
    (['Conv2d', 1, 2, 3, {'padding': 1, 'paddingMode': 'circular'}], [1, 1, 3, 4]),
    (['Conv3d', 1, 2, 2, {'padding': 1, 'stride': [1, 2, 2]}], [1, 1, 2, 3, 3]),
    (['ConvTranspose1d', 2, 4, 3, 2, 1, 1], [1, 2, 4]),
    (['ConvTranspose2d', 4, 2, 3, {'stride': 2, 'padding': 1, 'groups': 2}], [1, 4, 2, 3], [4, 5]),
    (['ConvTranspose2d', 2, 3, [2, 3], {'outputPadding': [0, 1], 'stride': [1, 2], 'bias': False}], [2, 2, 2]),
    (['ConvTranspose2d', 2, 1, 2, {'dilation': 2}], [1, 2, 2, 2]),
    (['ConvTranspose3d', 2, 1, 2, {'stride': 2}], [1, 2, 2, 2, 1], [1, 1, 5, 4, 3]),
    (['MaxPool1d', 3, 2, 1], [2, 7]),
    (['MaxPool2d', 2], [1, 1, 4, 5]),
    (['MaxPool2d', [3, 2], {'stride': [2, 1], 'padding': [1, 0], 'dilation': [1, 2], 'ceilMode': True}], [1, 5, 6]),
    (['MaxPool2d', 3, None, 1, 1, True, True], [1, 1, 4, 4]),
    (['MaxPool3d', 2, {'stride': 1, 'returnIndices': True}], [1, 1, 2, 3, 3]),
    (['AvgPool1d', 2], [2, 5]),
    (['AvgPool1d', [3], {'stride': 2, 'padding': 1, 'countIncludePad': False}], [1, 2, 5]),
    (['AvgPool2d', 3, {'padding': 1, 'ceilMode': True}], [1, 1, 4, 5]),
    (['AvgPool2d', [2, 1], 1, 0, False, True, 3], [1, 3, 3]),
    (['AvgPool3d', 2], [1, 2, 2, 4]),
    (['AdaptiveAvgPool1d', 2], [1, 5]),
    (['AdaptiveAvgPool2d', [None, 2]], [1, 1, 3, 4]),
    (['AdaptiveAvgPool3d', [1, 2, 1]], [1, 1, 2, 3, 2]),
    (['AdaptiveMaxPool1d', 3], [1, 1, 4]),
    (['AdaptiveMaxPool2d', {'outputSize': [2, 3], 'returnIndices': True}], [1, 3, 4]),
    (['AdaptiveMaxPool3d', 1], [1, 2, 2, 2]),
    (['LPPool1d', 3, 2], [1, 2, 5]),
    (['LPPool2d', 2, [3, 2], 1, True], [1, 1, 4, 4]),
    (['FractionalMaxPool2d', 2, [3, 4]], [2, 2, 6, 7]),
    (['FractionalMaxPool2d', [2, 3], {'outputRatio': [0.6, 0.5], 'returnIndices': True}], [2, 7, 8]),
    (['FractionalMaxPool3d', 2, {'outputSize': [2, 3, 1]}], [1, 2, 4, 5, 3]),
    (['Unfold', 2], [1, 2, 3, 4]),
    (['Unfold', [2, 3], {'stride': [1, 2], 'padding': [1, 0], 'dilation': [2, 1]}], [2, 4, 5]),
    (['Fold', [3, 4], 2], [1, 8, 6]),
    (['Fold', 4, [2, 3], {'stride': [1, 2], 'padding': 1}], [6, 10]),
]
ERRORS = [
    (['Conv2d', 4, 6, 3, {'groups': 0}],),
    (['Conv2d', 3, 6, 3, {'groups': 2}],),
    (['Conv2d', 4, 5, 3, {'groups': 2}],),
    (['Conv2d', 4, 6, 3, {'padding': 'same', 'stride': 2}],),
    (['ConvTranspose2d', 4, 6, 3, {'paddingMode': 'reflect'}],),
    (['Conv2d', 4, 6, -1],),
    (['Conv2d', 4, 6, 3], [1, 3, 8, 8]),
    (['Conv2d', 4, 6, 3], [8, 8]),
    (['ConvTranspose2d', 1, 1, 3, {'stride': 2}], [1, 1, 2, 2], [4, 5]),
    (['ConvTranspose2d', 1, 1, 3, {'stride': 2}], [1, 1, 2, 2], [5, 5, 5]),
    (['ConvTranspose1d', 1, 1, 3, {'stride': 2}], [1, 4], [4]),
    (['ConvTranspose2d', 1, 1, 3, {'outputPadding': 1}], [1, 1, 2, 2]),
    (['MaxPool2d', 2], [4, 4]),
    (['AvgPool3d', 2], [4, 4, 4]),
    (['AdaptiveAvgPool2d', [2, 2, 2]], [1, 4, 4]),
    (['FractionalMaxPool2d', 2],),
    (['FractionalMaxPool2d', 2, {'outputSize': 2, 'outputRatio': 0.5}],),
    (['FractionalMaxPool2d', 2, {'outputRatio': [0.5, 2]}],),
    (['FractionalMaxPool3d', 2, 5], [1, 4, 6, 7]),
    (['Unfold', [2]], [1, 2, 4, 5]),
    (['Unfold', 2, [1, 1, 1]], [1, 2, 4, 5]),
    (['Unfold', 0], [1, 2, 4, 5]),
    (['Unfold', 2, 0], [1, 2, 4, 5]),
    (['Unfold', 2, 1, -1], [1, 2, 4, 5]),
    (['Unfold', 2, 1, 0, 0], [1, 2, 4, 5]),
    (['Unfold', 6], [1, 2, 4, 5]),
    (['Unfold', 2], [1, 0, 4, 5]),
]


def tuples(x):
    return tuple(map(tuples, x)) if isinstance(x, list) else x


def make(spec):
    name, *args = spec
    options = options_of(args.pop()) if args and isinstance(args[-1], dict) else {}
    return getattr(nn, name)(*map(tuples, args), **options)


def values(sizes):
    n = 1
    for size in sizes:
        n *= size
    return torch.tensor([((7 * i + 3) % 23 - 11) / 8 for i in range(n)]).reshape(sizes)


def record(spec, sizes, *more):
    torch.manual_seed(1)
    layer = make(spec)
    x = values(sizes).requires_grad_()
    made = layer(x, *more)
    outputs = made if isinstance(made, tuple) else (made,)
    outputs[0].backward(cotangent(outputs[0]))
    return {
        'make': spec,
        'input': sizes,
        'more': list(more),
        'text': repr(layer),
        'bits': {name: bits(p) for name, p in layer.named_parameters()},
        'outputs': [tensor_record(y) for y in outputs],
        'inputGrad': tensor_record(x.grad),
        'grads': {name: tensor_record(p.grad) for name, p in layer.named_parameters()},
    }


def failure(spec, sizes=None, *more):
    def call():
        layer = make(spec)
        if sizes is not None:
            layer(values(sizes), *more)

    given = {} if sizes is None else {'input': sizes, 'more': list(more)}
    return {'make': spec, **given, **attempt(call)}


if __name__ == '__main__':
    write(
        'packages/core/test/golden/windows.json',
        {'layers': [record(*entry) for entry in LAYERS], 'errors': [failure(*entry) for entry in ERRORS]},
        depth=2,
    )
