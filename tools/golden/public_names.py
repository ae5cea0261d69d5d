#!/usr/bin/env python3
"""The public names of PyTorch 1.13.1, module by module, for the page of names. Run by /usr/bin/python3 from anywhere.

tools/test/golden/public-names.json
  {module: [name]}: functions, classes and dtypes that do not begin with an underscore. Of torch itself, functions and the
  classes that programs use; in-place functions of torch are left out, because they are methods. Of Tensor, members, and in a
  list of its own those that write in place. Names of other modules are those of names.py. What PyTorch's own code imports
  from elsewhere, and what is generated for compilers and converters, is no part of its interface.
"""
import inspect
import os
import re
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
import torch.autograd.forward_ad  # noqa: E402
import torch.nn.utils.parametrizations  # noqa: E402
import torch.nn.utils.prune  # noqa: E402
import torch.nn.utils.rnn  # noqa: E402
import torch.nn.utils.stateless  # noqa: E402
import torch.utils.checkpoint  # noqa: E402
from format import write  # noqa: E402
from names import names  # noqa: E402

warnings.simplefilter('ignore')
CLASSES = 'Generator Size Tensor autocast device dtype enable_grad finfo iinfo inference_mode no_grad set_grad_enabled'.split()
CONSTANTS = 'default_generator e inf nan pi'.split()
# Of torch: what is for compilers, converters and PyTorch's own functions in Python, and copies that they make of views.
INTERNAL = re.compile(
    '(Callable|Set|Union|candidate|classproperty|obj|typename|import_ir_module.*|merge_type_from.*|parse_.*|unify_type_list'
    '|(?!index_).*_copy|native_.*|fbgemm_.*|batch_norm_.+|convolution|constant_pad_nd|affine_grid_generator|embedding_renorm_'
    '|get_file_path|init_num_threads|prepare_multiprocessing_environment|read_vitals|set_vital|vitals_enabled|fork|wait'
    '|compiled_with_cxx11_abi|is_storage|is_distributed|from_file|grid_sampler.*|miopen_.*|cudnn_.*|mkldnn_.*|quantized_.*'
    '|fused_.*|choose_qparams.*|autocast_(in|de)crement_nesting|clear_autocast_cache|.*_autocast_.*|is_neg|segment_reduce'
    '|feature_dropout|rnn_(relu|tanh)|(gru|lstm|rnn_relu|rnn_tanh)_cell|gru|lstm|unsafe_.*|align_tensors)$'
)
# Functions of nn.functional that torch also has: they are listed there.
FUNCTIONAL = set(dir(torch.nn.functional)) - {'bilinear', 'conv_tbc', 'dropout', 'tanh', 'sigmoid', 'relu', 'softmax', 'log_softmax'}


def of_torch(name):
    value = getattr(torch, name)
    if isinstance(value, torch.dtype) or name in CLASSES or name in CONSTANTS:
        return True
    if inspect.isclass(value) or inspect.ismodule(value) or not callable(value) or name.endswith('_'):
        return False
    return not INTERNAL.match(name) and name not in FUNCTIONAL


def members(kind, keep=lambda name: True):
    return sorted(name for name in dir(kind) if not name.startswith('_') and keep(name))


def own(module, prefix=''):
    """The functions and classes that a module defines, by `__all__` or by where they were defined."""
    home = module.__name__
    exported = getattr(module, '__all__', None)

    def is_own(name, value):
        if name.startswith('_') or inspect.ismodule(value) or not callable(value):
            return False
        if exported is not None:
            return name in exported
        return (getattr(value, '__module__', None) or home).startswith(home)

    return sorted(prefix + name for name in dir(module) if is_own(name, getattr(module, name)))


def builtins(module):
    """The functions of a module that C++ defines."""
    skip = ('Tensor', 'common_notes', 'reproducibility_notes', 'factory_common_args', 'sys')
    return sorted(n for n in dir(module) if not n.startswith('_') and callable(getattr(module, n)) and n not in skip
                  and not inspect.isclass(getattr(module, n)) and n not in ('tensordot',))


def utils():
    from torch.nn.utils import parametrizations, parametrize, prune, rnn, stateless

    parts = [('rnn', rnn), ('parametrize', parametrize), ('parametrizations', parametrizations), ('prune', prune), ('stateless', stateless)]
    found = names('torch.nn.utils') + [name for prefix, part in parts for name in own(part, f'{prefix}.')]
    return sorted(set(found))


def all_names():
    tensor = torch.Tensor
    schedulers = torch.optim.lr_scheduler
    graph, swa = torch.autograd.graph, torch.optim.swa_utils
    return {
        'torch': sorted(name for name in dir(torch) if not name.startswith('_') and of_torch(name)),
        'torch.Tensor': members(tensor, lambda name: not name.endswith('_')),
        'torch.Tensor, in place': members(tensor, lambda name: name.endswith('_') and name != 'map2_'),
        'torch.nn': names('torch.nn'),
        'torch.nn.Module': members(torch.nn.Module, lambda name: name not in ('T_destination', 'dump_patches')),
        'torch.nn.functional': names('torch.nn.functional'),
        'torch.nn.init': names('torch.nn.init'),
        'torch.nn.utils': utils(),
        'torch.optim': sorted(n for n, v in vars(torch.optim).items() if inspect.isclass(v)) + own(swa, 'swa_utils.'),
        'torch.optim.Optimizer': members(torch.optim.Optimizer, lambda name: not name.startswith('profile')) + ['param_groups', 'state'],
        'torch.optim.lr_scheduler': sorted(
            n for n, v in vars(schedulers).items()
            if inspect.isclass(v) and v.__module__ == schedulers.__name__ and not n.startswith('_') and n != 'EPOCH_DEPRECATION_WARNING'
        ),
        'torch.autograd': sorted(
            {*own(torch.autograd), 'Function', 'detect_anomaly', 'enable_grad', 'inference_mode', 'no_grad', 'set_detect_anomaly', 'set_grad_enabled',
             'gradcheck', 'gradgradcheck'}
        ) + own(torch.autograd.forward_ad, 'forward_ad.') + own(graph, 'graph.'),
        'torch.autograd.functional': [n for n in own(torch.autograd.functional)],
        'torch.distributions': sorted({*torch.distributions.__all__, *torch.distributions.transforms.__all__}),
        'torch.linalg': builtins(torch.linalg),
        'torch.special': builtins(torch.special),
        'torch.fft': builtins(torch.fft),
        'torch.random': own(torch.random),
        'torch.utils.data': names('torch.utils.data'),
        'torch.utils.checkpoint': own(torch.utils.checkpoint),
    }


if __name__ == '__main__':
    write('tools/test/golden/public-names.json', all_names(), depth=2)
