#!/usr/bin/env python3
"""The public names of PyTorch 1.13.1 and torchvision 0.14.1 that belong to images and training. Run by /usr/bin/python3 from
anywhere.

tools/test/golden/names.json
  {module: [name]}: the classes and functions of a module that do not begin with an underscore and are its own, by
  `__all__` or by where they were defined. Of torch.nn the classes, of torch.nn.functional the functions. The enumerations
  of pretrained weights are left out, and helpers of PyTorch's own code.
"""
import importlib
import inspect
import os
import re
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from format import write  # noqa: E402

warnings.simplefilter('ignore')
MODULES = [
    'torch.nn',
    'torch.nn.functional',
    'torch.nn.init',
    'torch.nn.utils',
    'torch.utils.data',
    'torchvision.datasets',
    'torchvision.io',
    'torchvision.models',
    'torchvision.ops',
    'torchvision.transforms',
    'torchvision.transforms.functional',
    'torchvision.utils',
]
# Helpers of PyTorch's own code, which are no part of its interface.
INTERNAL = re.compile('(has|handle)_torch_function|boolean_dispatch|assert_int_or_pair|(argument|runtime)_validation|.*_Weights$')


def names(path):
    module = importlib.import_module(path)
    exported = getattr(module, '__all__', None)

    def own(name, value):
        if name.startswith('_') or inspect.ismodule(value) or not callable(value) or INTERNAL.match(name):
            return False
        if exported is not None:
            return name in exported
        home = getattr(value, '__module__', None) or ''
        if path == 'torch.nn':
            return inspect.isclass(value)
        if path == 'torch.nn.functional':
            # Those of C++ have no module, or one of torch.
            return not inspect.isclass(value) and (not home or home.startswith('torch')) and name[0].islower()
        return home.startswith('torchvision' if path.startswith('torchvision') else path)

    return sorted(name for name in dir(module) if own(name, getattr(module, name)))


if __name__ == '__main__':
    write('tools/test/golden/names.json', {path: names(path) for path in MODULES}, depth=2)
