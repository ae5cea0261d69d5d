"""What a value of PyTorch is, in JSON: tensors with their bits and how they lie in storages, containers with their kinds.

packages/core/test/io/described.ts says the same of flambeau's values.
"""
import base64
import collections
import struct

import numpy as np
import torch
from torch import nn

KEPT = {torch.float64: 'float64', torch.float32: 'float32', torch.uint8: 'uint8', torch.bool: 'bool'}


def text(data):
    return base64.b64encode(data).decode()


def described(x, storages):
    """What a value is, in JSON."""
    if isinstance(x, torch.Tensor):
        data = x.detach()
        kept = KEPT.get(x.dtype) or ('float32' if x.dtype.is_floating_point else 'int32')
        storage = storages.setdefault(x.storage().data_ptr() or -len(storages) - 1, len(storages))
        return {
            'tensor': kept, 'shape': list(x.shape), 'strides': list(x.stride()), 'offset': x.storage_offset() if x.numel() else 0,
            'storage': storage, 'grad': x.requires_grad, 'parameter': isinstance(x, nn.Parameter),
            'data': text(np.ascontiguousarray(data.to(getattr(torch, kept)).numpy()).tobytes()),
        }
    if isinstance(x, collections.OrderedDict):
        entries = [[key, described(value, storages)] for key, value in x.items()]
        metadata = getattr(x, '_metadata', None)
        if metadata is None and not (x and all(isinstance(value, torch.Tensor) for value in x.values())):
            return {'map': entries}
        versions = None if metadata is None else [[k, v['version']] for k, v in metadata.items() if 'version' in v]
        return {'stateDict': entries, 'versions': versions}
    if isinstance(x, dict):  # also a Counter
        strings = all(isinstance(key, str) for key in x)
        numbers = all(type(key) is int and key >= 0 for key in x)
        entries = [[key, described(value, storages)] for key, value in x.items()]
        return {'object': [[str(key), value] for key, value in entries]} if strings or numbers else {'map': entries}
    if isinstance(x, (list, tuple)):
        return {'list': [described(value, storages) for value in x]}
    if isinstance(x, set):
        return {'set': [described(value, storages) for value in sorted(x)]}
    if isinstance(x, bytes):
        return {'bytes': text(x)}
    if isinstance(x, torch.device):
        return str(x)
    if isinstance(x, torch.dtype):
        return str(x).replace('torch.', '')
    if isinstance(x, int) and not isinstance(x, bool) and abs(x) >= 2**53:
        return {'bigint': str(x)}
    if isinstance(x, float):
        whole = abs(x) < 2**53 and x == int(x) and (x != 0 or str(x) == '0.0')
        return int(x) if whole else {'float': struct.pack('>d', x).hex()}
    return x
