#!/usr/bin/env python3
"""Layers on inputs of several dimensions. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/layers.json
  layers   [{make, sizes, train, text, initial, state, output, node, inputGrads, grads, after}]: after manualSeed(0) the module is
           made; `initial` is its state. It loads `state`, and after manualSeed(0) it takes the inputs of `sizes`, whose
           elements are ((7 i + 3 k + 5) mod 23 - 11) / 8 for the k-th. `grads` are those of the parameters under
           train.py's cotangent, `after` the buffers.
  errors   [{make, sizes, error, message}]: of making the module, or of its forward pass
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from train import attempt, cotangent, make, tensor_record  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def inputs(sizes):
    for k, size in enumerate(sizes):
        n = torch.Size(size).numel()
        yield torch.tensor([((7 * i + 3 * k + 5) % 23 - 11) / 8 for i in range(n)]).reshape(size).requires_grad_()


GAIN = {'weight': [0.5, 2, -1], 'bias': [0.1, 0, -0.3]}
RUNNING = {**GAIN, 'running_mean': [0.1, -0.2, 0.3], 'running_var': [1.5, 0.5, 2]}
IMAGE = [2, 3, 2, 2]
VOLUME = [2, 3, 1, 2, 2]
# The module, the sizes of its inputs, whether it trains, and values of its state.
LAYERS = [
    (['BatchNorm1d', 3], [[2, 3, 2]], True, GAIN),
    (['BatchNorm2d', 3], [IMAGE], True, GAIN),
    (['BatchNorm2d', 3, {'eps': 0.001, 'momentum': 0.3}], [IMAGE], False, RUNNING),
    (['BatchNorm2d', 3, 0.01, None, False], [IMAGE], True, None),
    (['BatchNorm2d', 3], [[0, 3, 2, 2]], True, RUNNING),
    (['BatchNorm3d', 3], [VOLUME], True, GAIN),
    (['BatchNorm3d', 3, {'trackRunningStats': False}], [VOLUME], False, GAIN),
    (['InstanceNorm1d', 3], [[2, 3, 4]], True, None),
    (['InstanceNorm1d', 3, {'affine': True}], [[3, 4]], True, GAIN),
    (['InstanceNorm2d', 3, {'trackRunningStats': True, 'affine': True, 'momentum': 0.3}], [IMAGE], True, RUNNING),
    (['InstanceNorm2d', 3, {'trackRunningStats': True}], [IMAGE], False, RUNNING),
    (['InstanceNorm3d', 3, 0.1], [VOLUME], False, None),
    (['LayerNorm', 2], [IMAGE], True, {'weight': [0.5, 2], 'bias': [0.1, 0]}),
    (['LayerNorm', [2, 2], 0.1, False], [IMAGE], True, None),
    (['GroupNorm', 3, 3], [[2, 3, 2]], True, GAIN),
    (['GroupNorm', 1, 3, 0.1, False], [IMAGE], False, None),
    (['LocalResponseNorm', 2], [IMAGE], True, None),
    (['LocalResponseNorm', 3, {'alpha': 0.5, 'beta': 2, 'k': 2}], [IMAGE], True, None),
    (['Dropout1d'], [[4, 3]], True, None),
    (['Dropout2d', 0.2], [IMAGE], True, None),
    (['Dropout2d', 0.2], [IMAGE], False, None),
    (['Dropout3d', {'inplace': True}], [VOLUME], True, None),
    (['AlphaDropout'], [IMAGE], True, None),
    (['AlphaDropout', 0.3, True], [IMAGE], True, None),
    (['FeatureAlphaDropout', 0.4], [IMAGE], True, None),
    (['ConstantPad1d', [1, 2], 0.5], [[2, 2]], True, None),
    (['ConstantPad2d', 1, 2], [IMAGE], True, None),
    (['ConstantPad3d', {'padding': 1, 'value': -1.5}], [[1, 1, 2, 1]], True, None),
    (['ZeroPad2d', [1, 0, 2, 1]], [IMAGE], True, None),
    (['ReflectionPad1d', 2], [[2, 3]], True, None),
    (['ReflectionPad2d', 1], [IMAGE], True, None),
    (['ReflectionPad3d', [1, 0, 1, 1, 0, 0]], [VOLUME], True, None),
    (['ReplicationPad1d', [3, 1]], [[2, 3]], True, None),
    (['ReplicationPad2d', [2, 1, 0, 1]], [IMAGE], True, None),
    (['ReplicationPad3d', 1], [[1, 1, 2, 1, 2]], True, None),
    (['PixelShuffle', 2], [[1, 4, 2, 1]], True, None),
    (['PixelUnshuffle', 2], [[1, 1, 2, 4]], True, None),
    (['ChannelShuffle', 3], [[1, 6, 2]], True, None),
    (['Upsample', {'scaleFactor': 2}], [[1, 2, 2]], True, None),
    (['Upsample', {'scaleFactor': [1.5, 2], 'mode': 'bilinear'}], [IMAGE], True, None),
    (['Upsample', 3, {'mode': 'trilinear', 'alignCorners': True}], [VOLUME], True, None),
    (['Upsample', {'scaleFactor': 1.5, 'mode': 'linear', 'recomputeScaleFactor': True}], [[1, 2, 3]], True, None),
    (['UpsamplingNearest2d', 3], [IMAGE], True, None),
    (['UpsamplingBilinear2d', {'scaleFactor': 2}], [IMAGE], True, None),
    *[([name, {'inplace': True}], [[2, 5]], True, None) for name in ('ReLU', 'SELU', 'SiLU', 'Mish', 'ReLU6', 'Hardswish', 'Hardsigmoid', 'ELU', 'CELU', 'Hardtanh', 'RReLU')],
    *[([name], [[2, 5]], True, None) for name in ('ELU', 'CELU', 'SELU', 'GELU', 'SiLU', 'Mish', 'Softplus', 'LogSigmoid', 'Softsign', 'Tanhshrink', 'Softshrink', 'Hardshrink', 'Hardtanh', 'ReLU6', 'Hardswish', 'Hardsigmoid', 'PReLU', 'RReLU')],
    (['ELU', 0.5, True], [[2, 5]], True, None),
    (['CELU', {'alpha': 2}], [[2, 5]], True, None),
    (['GELU', 'tanh'], [[2, 5]], True, None),
    (['Softplus', 2, 1], [[2, 5]], True, None),
    (['Hardtanh', -0.5, 2], [[2, 5]], True, None),
    (['Softshrink', 1], [[2, 5]], True, None),
    (['Threshold', 0.1, 20], [[2, 5]], True, None),
    (['Threshold', 0, 0.5, True], [[2, 5]], True, None),
    (['GLU'], [[2, 4]], True, None),
    (['GLU', 0], [[2, 3]], True, None),
    (['PReLU', 3, 0.1], [IMAGE], True, None),
    (['RReLU', 0.2, 0.4], [[2, 5]], False, None),
    (['Softmin', 1], [[2, 3]], True, None),
    (['Softmin'], [[2, 3]], True, None),
    (['Softmax2d'], [[3, 2, 2]], True, None),
    (['CosineSimilarity'], [[2, 3], [2, 3]], True, None),
    (['CosineSimilarity', 0, 0.1], [[2, 3], [2, 3]], True, None),
    (['PairwiseDistance'], [[2, 3], [2, 3]], True, None),
    (['PairwiseDistance', {'p': 1, 'keepdim': True}], [[2, 3], [2, 3]], True, None),
]
ERRORS = [
    (['Hardtanh', 1, 1], []),
    (['Softmax2d'], [[2, 3]]),
    (['CELU', 0], [[2]]),
    (['PReLU', 2], [[2, 3]]),
    (['Upsample'], [IMAGE]),
    (['Dropout2d', 1.5], []),
    (['AlphaDropout', -0.1], []),
    (['ReflectionPad2d', 3], [IMAGE]),
    (['ReflectionPad2d', [1, 1]], [IMAGE]),
    (['BatchNorm1d', 3], [IMAGE]),
    (['BatchNorm2d', 3], [[2, 3]]),
    (['BatchNorm2d', 3], [[2, 4, 1, 1]]),
    (['BatchNorm2d', 3], [[1, 3, 1, 1]]),
    (['BatchNorm3d', 3], [IMAGE]),
    (['InstanceNorm1d', 3], [IMAGE]),
    (['InstanceNorm2d', 3], [[2, 3]]),
    (['InstanceNorm3d', 3], [[2, 3, 2]]),
    (['GroupNorm', 2, 3], []),
]


def layer(spec, sizes, train, state):
    torch.manual_seed(0)
    module = make(spec)
    initial = {k: tensor_record(v) for k, v in module.state_dict().items()}
    module.load_state_dict({k: torch.tensor(v) for k, v in (state or {}).items()}, strict=False)
    module.train(train)
    before = {k: tensor_record(v) for k, v in module.state_dict().items()}
    xs = list(inputs(sizes))
    torch.manual_seed(0)
    # Times 1, because a layer in place may not write to a leaf.
    y = module(*[x * 1 for x in xs])
    # PyTorch has no gradient for it.
    if spec[0] != 'ChannelShuffle':
        y.backward(cotangent(y))
    return {
        'make': spec,
        'sizes': sizes,
        'train': train,
        'text': repr(module),
        'initial': initial,
        'state': before,
        'output': tensor_record(y),
        # Channel shuffles have none; without elements PyTorch computes in another way.
        'node': None if spec[0] == 'ChannelShuffle' or y.numel() == 0 else type(y.grad_fn).__name__,
        'inputGrads': [tensor_record(x.grad) for x in xs if x.grad is not None],
        'grads': {k: tensor_record(p.grad) for k, p in module.named_parameters() if p.grad is not None},
        'after': {k: tensor_record(b) for k, b in module.named_buffers()},
    }


if __name__ == '__main__':
    errors = [
        {'make': spec, 'sizes': sizes, **attempt(lambda spec=spec, sizes=sizes: make(spec)(*inputs(sizes)))}
        for spec, sizes in ERRORS
    ]
    write('packages/core/test/golden/layers.json', {'layers': [layer(*c) for c in LAYERS], 'errors': errors}, depth=2)
