#!/usr/bin/env python3
"""Checkpoints of torchvision's families, by torchvision's own code with fewer channels (narrow.py), as `torch.save` writes them:
packages/vision/test/golden/checkpoints.json. Run by /usr/bin/python3.

{name: {options, old, file, digest}}: the options of flambeau's builder, whether the file has the form before 1.6, the file
compressed by gzip in base64, and the SHA-256 of its tensors: for each the line "key dtype [sizes]" and its elements. Integers
count as int32. The weights are seeded multiples of 1/4, which compress.
"""
import base64
import gzip
import hashlib
import io
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(sys.path[0], '..', '..', 'examples', 'src'))
import torch  # noqa: E402
from format import write  # noqa: E402
from narrow import narrow  # noqa: E402
from torchvision import models  # noqa: E402

# flambeau's name, torchvision's, width.
MEMBERS = [
    ('alexnet', 'alexnet', 1 / 128, True),
    ('vgg13Bn', 'vgg13_bn', 1 / 256, True),
    ('googlenet', 'googlenet', 1 / 16, True),
    ('resnet18', 'resnet18', 1 / 64, True),
    ('resnet50', 'resnet50', 1 / 64, False),
]


def checkpoint(name, width, is_old):
    with narrow(width, 3, 10):
        options = {'init_weights': False} if name == 'googlenet' else {}
        model = getattr(models, name)(num_classes=10, **options)
    state = model.state_dict()
    torch.manual_seed(len(name))
    sha = hashlib.sha256()
    for key, x in state.items():
        x.copy_(torch.randint(-2, 2, x.shape) / 4 if x.is_floating_point() else torch.tensor(7))
        kept = x if x.is_floating_point() else x.int()
        sha.update(f'{key} {str(kept.dtype)[6:]} {list(x.shape)}\n'.encode())
        sha.update(kept.numpy().tobytes())
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=not is_old)
    return base64.b64encode(gzip.compress(buffer.getvalue(), mtime=0)).decode(), sha.hexdigest()


if __name__ == '__main__':
    out = {}
    for name, theirs, width, is_old in MEMBERS:
        file, digest = checkpoint(theirs, width, is_old)
        out[name] = {'options': {'numClasses': 10, 'width': width}, 'old': is_old, 'file': file, 'digest': digest}
        print(name, len(file))
    write('packages/vision/test/golden/checkpoints.json', out)
