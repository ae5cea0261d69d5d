#!/usr/bin/env python3
"""Writes packages/core/test/golden/parameters.json: the parameters of PyTorch 1.13's public functions, methods and classes.

    /usr/bin/python3 tools/golden/parameters.py

Functions of C++ have schemas, one for each overload; where there is none, the documentation begins with signatures. Functions of Python have signatures of their own. An overload is one string of names in order: `?` follows a name with a default, `*` precedes one that is taken by name only, and `...` is any number of arguments. tools/test/parameters.ts compares flambeau's.
"""
import collections
import inspect
import json
import os
import re
import warnings

import torch
import torch.nn.functional as F
import torch.nn.utils
import torch.optim.swa_utils
import torch.utils.data
import torch.distributions

# What flambeau cannot have: results written into given tensors, memory formats, names of dimensions, pinned memory.
IGNORED = {'out', 'layout', 'pin_memory', 'memory_format', 'names', 'implicit'}

schemas = collections.defaultdict(list)
for schema in torch._C._jit_get_all_schemas():
    schemas[schema.name].append(schema)


def of_schema(schema, is_method):
    """The overload as a string, or None if Python does not show it."""
    args = schema.arguments
    kinds = [str(a.type) for a in args]
    if any(a.is_out for a in args) or any('Dimname' in kind for kind in kinds):
        return None
    if 'name' in schema.overload_name.lower():
        return None
    # Overloads of TorchScript, for its lists and numbers, and those with a number that are tensors' in Python.
    if args and (args[0].name in ('a', 'l', 'list') or (args[0].name == 'self' and 'List' in kinds[0])):
        return None
    if schema.overload_name == 'Scalar' and any(a.name == 'alpha' and not a.kwarg_only for a in args):
        return None
    words = []
    for a, kind in zip(args, kinds):
        if a.name == 'self':
            if not is_method:
                words.append('input')
        elif a.name not in IGNORED:
            optional = a.has_default_value() or kind.startswith('Optional')
            words.append(('*' if a.kwarg_only else '') + a.name + ('?' if optional else ''))
    if not is_method and 'pin_memory' in [a.name for a in args]:
        words.append('*requires_grad?')
    return ' '.join(words)


def of_python(function, skip_first):
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None
    words = []
    for p in parameters[1 if skip_first else 0:]:
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            words.append('...')
        elif p.name not in {'out', '_stacklevel'}:
            words.append(('*' if p.kind == p.KEYWORD_ONLY else '') + p.name + ('' if p.default is p.empty else '?'))
    return ' '.join(words)


def of_docstring(function, name):
    overloads = []
    for text in re.findall(rf'^(?:[\w.]+\.)?{name}\((.*)\) ?->', function.__doc__ or '', re.M):
        by_name, words = False, []
        for part in re.sub(r'\([^)]*\)|\[[^\]]*\]', '', text).split(','):
            part = part.strip()
            word = re.split(r'[=:\s]', part)[0].strip()
            if part == '*':
                by_name = True
            elif part.startswith('*'):
                words.append('...')
            elif re.fullmatch(r'\w+', word) and word not in IGNORED:
                words.append(('*' if by_name else '') + word + ('?' if '=' in part else ''))
        overloads.append(' '.join(words))
    return overloads


def overloads_of(function, name, prefix, is_method, is_class):
    # Poolings choose one of two functions by `return_indices`; the other has all parameters.
    target = getattr(F, name + '_with_indices', function) if function is getattr(F, name, None) else function
    plain = of_python(target.__init__ if is_class else target, is_method or is_class)
    if plain is not None:
        return [plain]
    found = []
    for schema in schemas.get(f'aten::{prefix}{name}', []):
        if is_method and (not schema.arguments or schema.arguments[0].name != 'self'):
            continue
        text = of_schema(schema, is_method)
        if text is not None and text not in found:
            found.append(text)
    return found or of_docstring(function, name)


result = {}


def add(scope, space, prefix='', is_method=False):
    for name in dir(space):
        value = getattr(space, name, None)
        if name.startswith('_') or not callable(value):
            continue
        is_class = inspect.isclass(value)
        if is_class and (issubclass(value, BaseException) or not value.__module__.startswith('torch')):
            continue
        found = overloads_of(value, name, prefix, is_method, is_class)
        if found:
            result[f'{scope}{name}'] = found


with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    add('torch.', torch)
    add('Tensor.', torch.Tensor, is_method=True)
    add('F.', F)
    add('nn.', torch.nn)
    add('init.', torch.nn.init)
    add('utils.', torch.nn.utils)
    add('optim.', torch.optim)
    add('lrScheduler.', torch.optim.lr_scheduler)
    add('swaUtils.', torch.optim.swa_utils)
    add('data.', torch.utils.data)
    add('linalg.', torch.linalg, 'linalg_')
    add('special.', torch.special, 'special_')
    add('autograd.', torch.autograd)
    add('functional.', torch.autograd.functional)
    add('distributions.', torch.distributions)
    add('Module.', torch.nn.Module, is_method=True)
    add('Optimizer.', torch.optim.Optimizer, is_method=True)
    add('LRScheduler.', torch.optim.lr_scheduler._LRScheduler, is_method=True)
    add('ReduceLROnPlateau.', torch.optim.lr_scheduler.ReduceLROnPlateau, is_method=True)

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../packages/core/test/golden/parameters.json')
with open(path, 'w') as file:
    file.write('{\n' + ',\n'.join(f'{json.dumps(k)}:{json.dumps(v)}' for k, v in sorted(result.items())) + '\n}\n')
