"""Narrow members of torchvision's families, by torchvision's own code."""
import contextlib
import sys
from types import SimpleNamespace
from unittest import mock

from torch import nn
from torchvision import models  # noqa: F401, its modules are patched


@contextlib.contextmanager
def narrow(width, in_channels, classes):
    """Within it, torchvision's modules make layers of fewer channels."""

    def scaled(channels):
        return in_channels if channels == 3 else max(1, round(channels * width))

    class Conv2d(nn.Conv2d):
        def __init__(self, inputs, outputs, *args, **options):
            super().__init__(scaled(inputs), scaled(outputs), *args, **options)

    class BatchNorm2d(nn.BatchNorm2d):
        def __init__(self, channels, *args, **options):
            super().__init__(scaled(channels), *args, **options)

    class Linear(nn.Linear):
        def __init__(self, inputs, outputs):
            super().__init__(scaled(inputs), outputs if outputs == classes else scaled(outputs))

    patched = SimpleNamespace(**{**vars(nn), 'Conv2d': Conv2d, 'BatchNorm2d': BatchNorm2d, 'Linear': Linear})
    with contextlib.ExitStack() as stack:
        for family in ('alexnet', 'googlenet', 'resnet', 'vgg'):
            # By its full name, because some modules share their name with a function.
            stack.enter_context(mock.patch.object(sys.modules[f'torchvision.models.{family}'], 'nn', patched))
        yield
