#!/usr/bin/env python3
"""Modules that take other things than one tensor of floats. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/modules.json
  modules  [{make, args, text, initial, outputs, argGrads, grads, after}]: after manualSeed(0) the module is made; `initial` is its
           state. It takes `args`: tensors, null, or lists of tensors. Under train.py's cotangent for output k, `argGrads`
           are the gradients of the float tensors among the arguments, in order, `grads` those of the parameters. `after` are parameters
           that the call has changed.
  texts    {name: {text, keys}}: collections and containers, printed, and the keys of their states
  assigned [{values: [[member, value]], error?, message?, parameters, modules, buffers}]: assignments to members of a module, the
           error of the first that is refused, and the names of each kind afterwards
  errors   [{make, args, error, message}]: of making the module, or of its forward pass
  counts   {class: message}: a forward pass with ten arguments, of every class that takes fewer; the class named is the module's
"""
import os
import re
import sys
import warnings
from collections import OrderedDict

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from format import write  # noqa: E402
from train import attempt, cotangent, make, tensor_record  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def f(*size, k=0):
    n = torch.Size(size).numel()
    return torch.tensor([((7 * i + 3 * k + 5) % 23 - 11) / 8 for i in range(n)]).reshape(size).requires_grad_()


def i(*values):
    return torch.tensor(values)


WORDS = i([2, 0, 4], [1, 2, 2])
BAG = i(2, 0, 4, 1, 2)
OFFSETS = i(0, 3, 3)
X, H, C = f(3, 2), f(3, 4, k=1), f(3, 4, k=2)
MODULES = [
    (['Embedding', 5, 3], [WORDS]),
    (['Embedding', 5, 3, {'paddingIdx': -3, 'scaleGradByFreq': True}], [WORDS]),
    (['Embedding', 5, 3, 1, 0.75], [WORDS]),
    (['Embedding', 5, 3, {'maxNorm': 1.5, 'normType': 1}], [i(2)]),
    (['EmbeddingBag', 5, 3], [WORDS]),
    (['EmbeddingBag', 5, 3, {'mode': 'sum', 'paddingIdx': 2}], [BAG, OFFSETS, f(5)]),
    (['EmbeddingBag', 5, 3, 0.75, 1, False, 'max'], [BAG, OFFSETS]),
    # PyTorch's scaleGradByFreq divides by counts of other rows where a bag's numbers repeat.
    (['EmbeddingBag', 5, 3, {'includeLastOffset': True}], [BAG, i(0, 3, 5)]),
    (['Bilinear', 2, 3, 4], [f(5, 2), f(5, 3, k=1)]),
    (['Bilinear', 2, 3, 1, {'bias': False}], [f(2), f(3, k=1)]),
    (['Unflatten', 1, [2, 3]], [f(2, 6)]),
    *[
        case
        for name in ('RNNCell', 'GRUCell')
        for case in (([name, 2, 4], [X]), ([name, 2, 4], [X, H]), ([name, 2, 4, False], [f(2), f(4, k=1)]))
    ],
    (['RNNCell', 2, 4, {'nonlinearity': 'relu'}], [X, H]),
    (['LSTMCell', 2, 4], [X]),
    (['LSTMCell', 2, 4], [X, [H, C]]),
    (['LSTMCell', 2, 4, {'bias': False}], [f(2), [f(4, k=1), f(4, k=2)]]),
    (['CTCLoss'], [f(5, 2, 4), i([1, 2, 3], [2, 2, 0]), i(5, 4), i(3, 2)]),
    (['CTCLoss', 3, 'sum', True], [f(4, 2, 4), i([1, 0], [2, 2]), i(4, 2), i(2, 2)]),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3, 5]], [f(5, 4), i(0, 8, 3, 4, 2)]),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3, 5], 2, True], [f(4), torch.tensor(6)]),
]
ERRORS = [
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3, 3]], []),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3, 9]], []),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [0, 3]], []),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3]], [f(5, 4), i(0, 1)]),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3]], [f(2, 4), i(0, 9)]),
    (['AdaptiveLogSoftmaxWithLoss', 4, 9, [3]], [f(2, 4), i([0, 1], [1, 1])]),
    (['Embedding', 5, 3, 5], []),
    (['Embedding', 5, 3], [i(5)]),
    (['EmbeddingBag', 5, 3, {'paddingIdx': -6}], []),
    (['EmbeddingBag', 5, 3, {'mode': 'min'}], [WORDS]),
    (['EmbeddingBag', 5, 3], [BAG]),
    *[
        (['RNNCell', 2, 4], args)
        for args in ([f(1, 3, 2)], [f(3, 3)], [X, f(2, 4)], [X, f(3, 5)], [X, f(4)], [f(2), f(5)], [f(2), f(3, 4)])
    ],
    (['RNNCell', 2, 4, {'nonlinearity': 'gelu'}], [X]),
    (['LSTMCell', 2, 4], [X, [H, f(3, 5)]]),
    (['GRUCell', 2, 4], [f(1, 3, 2)]),
]


def record(arg):
    if isinstance(arg, list):
        return [record(x) for x in arg]
    return None if arg is None else tensor_record(arg)


def floats(args):
    for arg in args:
        if isinstance(arg, list):
            yield from floats(arg)
        elif arg is not None and arg.is_floating_point():
            yield arg


def called(module, args):
    y = module(*[tuple(x) if isinstance(x, list) else x for x in args])
    return list(y) if isinstance(y, tuple) else [y]


def module_record(spec, args):
    torch.manual_seed(0)
    # A tuple, because PyTorch prints a list as it is given.
    module = make([tuple(x) if isinstance(x, list) and spec[0] == 'Unflatten' else x for x in spec])
    initial = {k: tensor_record(v) for k, v in module.state_dict().items()}
    for x in floats(args):
        x.grad = None
    outputs = called(module, args)
    torch.autograd.backward(outputs, [cotangent(y, k) for k, y in enumerate(outputs)])
    after = {k: tensor_record(v) for k, v in module.state_dict().items()}
    return {
        'make': spec,
        'args': [record(x) for x in args],
        'text': repr(module),
        'initial': initial,
        'outputs': [tensor_record(y) for y in outputs],
        'argGrads': [tensor_record(x.grad) for x in floats(args)],
        'grads': {k: tensor_record(p.grad) for k, p in module.named_parameters() if p.grad is not None},
        'after': {k: v for k, v in after.items() if v != initial[k]},
    }


def text(module):
    return {'text': repr(module), 'keys': list(module.state_dict())}


class Transition(nn.Sequential):
    """Modules as fields of a Sequential: they run in their order."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(2)
        self.out = nn.Linear(2, 3)


class Scaled(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(2, 2), nn.Tanh())
        self.scale = nn.Parameter(torch.ones(2))
        self.last = nn.Linear(2, 3)


class Dense(nn.ModuleDict):
    def __init__(self):
        super().__init__()
        for name in ('first', 'second'):
            self.add_module(name, nn.Linear(2, 2))


def built():
    model = nn.Sequential(nn.Linear(2, 2))
    model.add_module('relu_1', nn.ReLU())
    model.add_module('7', nn.Linear(2, 4))
    model.append(nn.Tanh())
    model.last = nn.Linear(4, 5)
    model.append(nn.Sigmoid())
    model.add_module('relu_1', nn.ELU())
    model.last = nn.Linear(4, 6)
    return model


def with_module(container):
    container.add_module('more', nn.Tanh())
    return container


class Holder(nn.Module):
    def __init__(self):
        super().__init__()
        self.child = nn.Linear(2, 1)
        self.other = nn.ReLU()
        self.none = None


def after(module, *changes):
    for change in changes:
        change(module)
    return module


def item(key, value=None):
    return lambda module: module.__setitem__(key, value)


def field(name, value=None):
    return lambda module: setattr(module, name, value)


def texts():
    linear = lambda: nn.Linear(2, 1)
    three = lambda: [linear(), nn.ReLU(), linear()]
    pair = lambda: nn.Sequential(OrderedDict(a=linear(), b=nn.ReLU()))
    pop = lambda key: lambda module: module.pop(key)
    return {
        'ModuleList, the first taken away': text(after(nn.ModuleList(three()), item(0))),
        'ModuleList, the last taken away': text(after(nn.ModuleList(three()), item(-1))),
        'ModuleList, taken away and replaced': text(after(nn.ModuleList(three()), item(0), item(0, nn.Tanh()))),
        'ModuleList without its only module': text(after(nn.ModuleList([linear()]), item(0))),
        'ModuleList that is given none': text(
            after(nn.ModuleList([None, linear()]), lambda m: m.append(None), lambda m: m.extend([None, linear()]), lambda m: m.insert(1, None))
        ),
        'ModuleList, a part': text(nn.ModuleList(three())[1:]),
        'Sequential that grows, modules added': text(built().extend([nn.ELU(), nn.CELU()])),
        'ModuleList, popped': text(after(nn.ModuleList(three()), item(2), pop(0))),
        'ModuleList, a module by name taken away': text(after(with_module(nn.ModuleList([linear()])), field('more'))),
        'ModuleList, modules by name and a popped one': text(after(with_module(nn.ModuleList(three())), pop(0), lambda m: m.extend([nn.ELU()]))),
        'Sequential, the last taken away': text(after(nn.Sequential(*three()), item(-1))),
        'Sequential, a part with one taken away': text(after(nn.Sequential(*three()), item(1))[0:2]),
        'Sequential by name, one taken away': text(after(pair(), field('a'))),
        'Sequential by name, popped': text(after(pair(), pop(0))),
        'Sequential, extended and inserted into': text(after(nn.Sequential(*three()), lambda m: m.extend([nn.Tanh()]), lambda m: m.insert(1, nn.ELU()))),
        'Sequential, a field taken away': text(after(Transition(), field('norm'))),
        'Sequential, a field taken away by its index': text(after(Transition(), item(-1))),
        'Sequential with fields, popped': text(after(Transition(), pop(-1))),
        'ModuleDict, one taken away': text(after(nn.ModuleDict({'first': linear(), 'last': nn.ReLU()}), item('first'))),
        'ModuleDict that is given none': text(after(nn.ModuleDict({'first': None}), lambda m: m.update({'second': None}), item('third'))),
        'Module, a child taken away': text(after(Holder(), field('child'))),
        'Module, a child taken away and replaced': text(after(Holder(), field('child'), field('child', nn.Tanh()))),
        'Module, all children taken away, one added as none': text(
            after(Holder(), field('child'), field('other'), lambda m: m.register_module('more', None))
        ),
        'Module, a null that becomes a child': text(after(Holder(), field('none', nn.Tanh()), field('none'))),
        'Module, a child taken away and deleted': text(after(Holder(), field('child'), lambda m: delattr(m, 'child'))),
        'ModuleDict': text(nn.ModuleDict({'first': linear(), 'lastOne': nn.ReLU()})),
        'ModuleDict of nothing': text(nn.ModuleDict()),
        'ParameterDict': text(nn.ParameterDict({'left': torch.ones(2, 3), 'rightOne': torch.ones(2).double()})),
        'ParameterDict of one': text(nn.ParameterDict({'left': torch.ones(())})),
        'ParameterList': text(nn.ParameterList([torch.ones(2, 3), nn.Parameter(torch.ones(2))])),
        'ParameterList of nothing': text(nn.ParameterList()),
        'Sequential with fields': text(Transition()),
        'Sequential with modules and fields': text(Scaled()),
        'Sequential that grows': text(built()),
        'Sequential that grows, a part': text(built()[1:-1]),
        'ModuleDict with a forward pass': text(Dense()),
        'ModuleList with a module by name': text(with_module(nn.ModuleList([linear()]))),
        'ModuleDict with a module by name': text(with_module(nn.ModuleDict({'first': linear()}))),
    }


class Members(nn.Module):
    def __init__(self):
        super().__init__()
        self.my_parameter = nn.Parameter(torch.ones(2))
        self.register_parameter('no_parameter', None)
        self.register_buffer('my_buffer', torch.ones(2))
        self.my_module = nn.ReLU()
        self.plain = 1


VALUES = {
    'tensor': lambda: torch.ones(2),
    'float64': lambda: torch.ones(2).double(),
    'int': lambda: 3,
    'list': lambda: [1],
    'str': lambda: 'x',
    'null': lambda: None,
    'parameter': lambda: nn.Parameter(torch.zeros(2)),
    'module': lambda: nn.Tanh(),
}


def assigned(values):
    module = Members()
    refusal = {}
    try:
        for member, value in values:
            setattr(module, member, VALUES[value]())
    except TypeError as error:
        # Classes without the file that defines them.
        refusal = {'error': 'TypeError', 'message': re.sub(r'torch[.]nn[.]modules[.]\w+[.]', '', str(error))}
    return {
        'values': values,
        **refusal,
        **{
            kind: [name for name, _ in getattr(module, f'named_{kind}')() if name != '']
            for kind in ('parameters', 'modules', 'buffers')
        },
    }


MEMBERS = ['my_parameter', 'no_parameter', 'my_buffer', 'my_module', 'plain']
ASSIGNED = [[[member, value]] for member in MEMBERS for value in VALUES] + [
    [[member, first], [member, second]]
    for member in MEMBERS
    for first in ('null', 'parameter', 'module')
    for second in VALUES
]


def counts():
    found = {}
    for name in dir(nn):
        layer = getattr(nn, name)
        if not (isinstance(layer, type) and issubclass(layer, nn.Module)) or layer is nn.Module:
            continue
        try:
            layer.forward(*range(11))
        except TypeError as error:
            if 'given' in str(error):
                found[name] = re.sub(r'^\w+', name, str(error))
        except Exception:  # It takes any number.
            pass
    return found


if __name__ == '__main__':
    errors = [
        {'make': spec, 'args': [record(x) for x in args], **attempt(lambda: called(make(spec), args))}
        for spec, args in ERRORS
    ]
    modules = [module_record(*case) for case in MODULES]
    write('packages/core/test/golden/modules.json', {'modules': modules, 'texts': texts(), 'assigned': [assigned(x) for x in ASSIGNED], 'errors': errors, 'counts': counts()}, depth=2)
