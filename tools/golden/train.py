"""Training as real PyTorch does it: optimizers, schedulers, modules and initialisation.

A tensor is {"dtype", "shape", "data"} (row-major; "nan", "inf", "-inf", "-0" are words). Options are in camelCase.

packages/core/test/golden/optim.json
  problem        x, y, weight, bias: tensors. loss = F.mseLoss(F.linear(x, weight, bias), y), float32
  trajectories   [{name, optimizer: 'SGD' | 'Adam' | 'AdamW', options, groups?, losses: [10], weight: [10 flat arrays],
                 bias: [10 flat arrays]}]: values after each of 10 steps of zeroGrad, backward, step.
                 With `groups` the parameters are [{params: 'weight', ...options}, {params: 'bias', ...options}].
                 With `changes`, {step: options}, the groups' options become these before that step.
  skipped        the same where bias takes no part in the loss (grad null), and `numbered`, the parameters that have a state
  schedulers     [{name, options, optimizer, optimizerOptions, lrs: [10] after each scheduler.step(), weight: [10]}]
  states         [{name, optimizer, options, state}]: stateDict() after 3 steps: {state: {"0": {...}}, paramGroups: [...]},
                 names as PyTorch's, tensors as above, numbers as numbers
  reprs          [{optimizer, options, text}]
  errors         key -> {error, message}
packages/core/test/golden/nn.json
  modules        [{name, make: [class, ...args], seed, train, state?, input, output, inputGrad, grads: {name: tensor},
                 after?: {buffer: tensor}, repr}]: seed, build, load `state` when given, train(train), forward, backward
                 with the cotangent of golden.py, then buffers. `seed` is set again before the forward pass.
  losses         [{make, args: tensors, output, grads: [tensor | null]}]
  reprs          [{make, text}]; a `make` inside Sequential is nested: ['Sequential', ['Linear', 2, 3], ['ReLU']]
  errors         key -> {error, message}
packages/core/test/golden/init.json
  fills          [{fn, shape, args, options, seed, bits}]: nn.init.<fn>(zeros(shape), ...args, options) after
                 manualSeed(seed); bits is the float32 bits of each element, 8 hexadecimal digits
  gains          [{args, value}] of calculateGain
  layers         [{make, seed, bits: {name: [...]}}]: default initialisation
  errors         key -> {error, message}
"""
import re
import struct

import torch
import torch.nn.functional as F
from torch import nn

from format import data_of, dtype_name, short, write


def snake(name):
    return re.sub(r'([A-Z])', lambda m: '_' + m.group(1).lower(), name)


def options_of(options):
    return {snake(k): tuple(v) if isinstance(v, list) else v for k, v in options.items()}


def tensor_record(x):
    return {'dtype': dtype_name(x), 'shape': list(x.shape), 'data': data_of(x)}


def number(x):
    return short(float(x), 17)


def attempt(fn):
    try:
        fn()
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error)}
    raise AssertionError('PyTorch accepts it')


# ---- optimizers ----

X = torch.tensor([[0.5, -1.25, 2], [1.5, 0.75, -0.5], [-1, 0.25, 1], [2, -0.5, 0.125]])
Y = torch.tensor([[1, -1], [0.5, 2], [-0.25, 0], [1.5, 1]])
WEIGHT = [[0.3, -0.2, 0.1], [0.7, 0.4, -0.6]]
BIAS = [0.05, -0.15]


def parameters():
    return torch.tensor(WEIGHT, requires_grad=True), torch.tensor(BIAS, requires_grad=True)


def loss_of(weight, bias, use_bias=True):
    return F.mse_loss(F.linear(X, weight, bias if use_bias else None), Y)


def build(kind, options, groups, weight, bias):
    cls = getattr(torch.optim, kind)
    params = [weight, bias]
    if groups:
        params = [
            {**options_of({k: v for k, v in g.items() if k != 'params'}), 'params': [weight if g['params'] == 'weight' else bias]}
            for g in groups
        ]
    return cls(params, **options_of(options))


def run(kind, options, groups=None, steps=10, use_bias=True, changes={}):
    weight, bias = parameters()
    optimizer = build(kind, options, groups, weight, bias)
    losses, weights, biases = [], [], []
    for k in range(steps):
        for group in optimizer.param_groups:
            group.update(options_of(changes.get(k, {})))
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(weight, bias, use_bias)
        loss.backward()
        optimizer.step()
        losses += data_of(loss)
        weights.append(data_of(weight))
        biases.append(data_of(bias))
    return optimizer, {'losses': losses, 'weight': weights, 'bias': biases}


TRAJECTORIES = [
    ('plain', 'SGD', {'lr': 0.1}),
    ('momentum', 'SGD', {'lr': 0.1, 'momentum': 0.9}),
    ('momentum and dampening', 'SGD', {'lr': 0.1, 'momentum': 0.9, 'dampening': 0.5}),
    ('nesterov', 'SGD', {'lr': 0.1, 'momentum': 0.9, 'nesterov': True}),
    ('weight decay', 'SGD', {'lr': 0.1, 'weightDecay': 0.01}),
    ('maximize', 'SGD', {'lr': 0.01, 'maximize': True}),
    ('nesterov, weight decay', 'SGD', {'lr': 0.05, 'momentum': 0.8, 'nesterov': True, 'weightDecay': 0.1}),
    ('momentum, weight decay, maximize', 'SGD', {'lr': 0.01, 'momentum': 0.5, 'weightDecay': 0.1, 'maximize': True}),
    ('plain', 'Adam', {'lr': 0.1}),
    ('defaults', 'Adam', {}),
    ('betas and eps', 'Adam', {'lr': 0.05, 'betas': [0.8, 0.95], 'eps': 1e-4}),
    ('weight decay', 'Adam', {'lr': 0.1, 'weightDecay': 0.1}),
    ('amsgrad', 'Adam', {'lr': 0.1, 'amsgrad': True}),
    ('maximize', 'Adam', {'lr': 0.05, 'maximize': True}),
    ('amsgrad, weight decay, maximize', 'Adam', {'lr': 0.05, 'amsgrad': True, 'weightDecay': 0.1, 'maximize': True}),
    ('plain', 'AdamW', {'lr': 0.1}),
    ('defaults', 'AdamW', {}),
    ('weight decay', 'AdamW', {'lr': 0.1, 'weightDecay': 0.3}),
    ('no weight decay', 'AdamW', {'lr': 0.1, 'weightDecay': 0}),
    ('amsgrad', 'AdamW', {'lr': 0.1, 'amsgrad': True}),
    ('betas, eps, maximize', 'AdamW', {'lr': 0.05, 'betas': [0.8, 0.95], 'eps': 1e-4, 'maximize': True}),
    ('plain', 'RMSprop', {'lr': 0.1}),
    ('defaults', 'RMSprop', {}),
    ('alpha and eps', 'RMSprop', {'lr': 0.05, 'alpha': 0.8, 'eps': 1e-4}),
    ('momentum', 'RMSprop', {'lr': 0.01, 'momentum': 0.9}),
    ('centered', 'RMSprop', {'lr': 0.05, 'centered': True}),
    ('centered, momentum, weight decay', 'RMSprop', {'lr': 0.01, 'centered': True, 'momentum': 0.5, 'weightDecay': 0.1}),
    ('maximize', 'RMSprop', {'lr': 0.01, 'maximize': True}),
]
GROUPS = [
    ('groups', 'SGD', {'lr': 0.1}, [{'params': 'weight', 'momentum': 0.9}, {'params': 'bias', 'lr': 0.01}]),
    ('groups', 'Adam', {'lr': 0.1}, [{'params': 'weight', 'weightDecay': 0.1}, {'params': 'bias', 'lr': 0.01, 'betas': [0.5, 0.9]}]),
    ('groups', 'AdamW', {'lr': 0.1}, [{'params': 'weight', 'weightDecay': 0.1}, {'params': 'bias', 'lr': 0.01}]),
    ('groups', 'RMSprop', {'lr': 0.1}, [{'params': 'weight', 'momentum': 0.9}, {'params': 'bias', 'lr': 0.01}]),
]
CHANGED = [
    ('momentum turned on, off and on', 'SGD', {'lr': 0.1}, {2: {'momentum': 0.9}, 4: {'momentum': 0}, 7: {'momentum': 0.5}}),
    ('amsgrad turned off and on', 'Adam', {'lr': 0.1, 'betas': [0.9, 0.5], 'amsgrad': True}, {4: {'amsgrad': False}, 8: {'amsgrad': True}}),
    ('everything turned on', 'AdamW', {'lr': 0.1, 'weightDecay': 0}, {3: {'lr': 0.01, 'betas': [0.5, 0.9], 'eps': 0.1}, 6: {'weightDecay': 0.5, 'maximize': True}}),
]
SCHEDULERS = [
    ('StepLR', {'stepSize': 3, 'gamma': 0.5}),
    ('StepLR', {'stepSize': 2}),
    ('ExponentialLR', {'gamma': 0.9}),
]


def camel(name):
    return re.sub(r'_(.)', lambda m: m.group(1).upper(), name)


def state_of(optimizer):
    state = optimizer.state_dict()
    value = lambda x: tensor_record(x) if isinstance(x, torch.Tensor) else list(x) if isinstance(x, tuple) else x
    return {
        'state': {str(k): {camel(n): value(x) for n, x in s.items()} for k, s in state['state'].items()},
        'paramGroups': [{camel(k): value(x) for k, x in g.items()} for g in state['param_groups']],
    }


def optim():
    out = {
        'problem': {
            'x': tensor_record(X),
            'y': tensor_record(Y),
            'weight': tensor_record(torch.tensor(WEIGHT)),
            'bias': tensor_record(torch.tensor(BIAS)),
        },
        'trajectories': [],
        'skipped': [],
        'schedulers': [],
        'states': [],
        'reprs': [],
    }
    for name, kind, options in TRAJECTORIES:
        record = {'name': name, 'optimizer': kind, 'options': options}
        filled = {**options, **({'lr': 0.001} if kind == 'SGD' and 'lr' not in options else {})}
        out['trajectories'].append({**record, **run(kind, filled)[1]})
    for name, kind, options, groups in GROUPS:
        record = {'name': name, 'optimizer': kind, 'options': options, 'groups': groups}
        out['trajectories'].append({**record, **run(kind, options, groups)[1]})
    for name, kind, options, changes in CHANGED:
        record = {'name': name, 'optimizer': kind, 'options': options, 'changes': changes}
        out['trajectories'].append({**record, **run(kind, options, changes=changes)[1]})
    for kind, own in (('SGD', {'momentum': 0.9}), ('Adam', {'amsgrad': True}), ('AdamW', {}), ('RMSprop', {'centered': True})):
        options = {'lr': 0.1, 'weightDecay': 0.1, **own}
        optimizer, record = run(kind, options, use_bias=False)
        numbered = list(optimizer.state_dict()['state'])
        out['skipped'].append({'optimizer': kind, 'options': options, 'numbered': numbered, **record})
    for name, options in SCHEDULERS:
        for kind, own in (('SGD', {'lr': 0.1, 'momentum': 0.9}), ('Adam', {'lr': 0.1})):
            lrs, weights = [], []
            weight, bias = parameters()
            optimizer = build(kind, own, None, weight, bias)
            scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **options_of(options))
            for _ in range(10):
                optimizer.zero_grad(set_to_none=True)
                loss_of(weight, bias).backward()
                optimizer.step()
                scheduler.step()
                lrs.append(number(scheduler.get_last_lr()[0]))
                weights.append(data_of(weight))
            out['schedulers'].append(
                {'name': name, 'options': options, 'optimizer': kind, 'optimizerOptions': own, 'lrs': lrs, 'weight': weights}
            )
    for kind, options in (
        ('SGD', {'lr': 0.1}),
        ('SGD', {'lr': 0.1, 'momentum': 0.9}),
        ('Adam', {'lr': 0.1, 'amsgrad': True}),
        ('AdamW', {'lr': 0.1}),
        ('RMSprop', {'lr': 0.01, 'momentum': 0.9, 'centered': True}),
    ):
        optimizer, _ = run(kind, options, steps=3)
        out['states'].append({'name': 'after 3 steps', 'optimizer': kind, 'options': options, 'state': state_of(optimizer)})
    for kind, options in (
        ('SGD', {'lr': 0.001}),
        ('SGD', {'lr': 0.1, 'momentum': 0.9, 'nesterov': True, 'weightDecay': 1e-4}),
        ('Adam', {}),
        ('AdamW', {'lr': 0.01, 'betas': [0.8, 0.9]}),
        ('RMSprop', {'momentum': 0.9}),
    ):
        weight, bias = parameters()
        out['reprs'].append({'optimizer': kind, 'options': options, 'text': repr(build(kind, options, None, weight, bias))})
    weight, bias = parameters()
    groups = [{'params': 'weight', 'lr': 0.1}, {'params': 'bias'}]
    out['reprs'].append(
        {'optimizer': 'SGD', 'options': {'lr': 0.5}, 'groups': groups, 'text': repr(build('SGD', {'lr': 0.5}, groups, weight, bias))}
    )
    p = [torch.ones(2, requires_grad=True)]
    out['errors'] = {
        'SGD lr -1': attempt(lambda: torch.optim.SGD(p, lr=-1)),
        'SGD momentum -1': attempt(lambda: torch.optim.SGD(p, lr=1, momentum=-1)),
        'SGD weightDecay -1': attempt(lambda: torch.optim.SGD(p, lr=1, weight_decay=-1)),
        'SGD nesterov without momentum': attempt(lambda: torch.optim.SGD(p, lr=1, nesterov=True)),
        'SGD nesterov with dampening': attempt(lambda: torch.optim.SGD(p, lr=1, momentum=0.9, dampening=0.1, nesterov=True)),
        'SGD no parameters': attempt(lambda: torch.optim.SGD([], lr=1)),
        'SGD non-leaf': attempt(lambda: torch.optim.SGD([p[0] * 2], lr=1)),
        'SGD two groups': attempt(lambda: torch.optim.SGD([{'params': p}, {'params': p}], lr=1)),
        'SGD a tensor': attempt(lambda: torch.optim.SGD(p[0], lr=1)),
        'SGD a number': attempt(lambda: torch.optim.SGD([1], lr=1)),
        'SGD None': attempt(lambda: torch.optim.SGD([None], lr=1)),
        'SGD a group that is None': attempt(lambda: torch.optim.SGD([{'params': p}, None], lr=1)),
        'SGD a group that is a number': attempt(lambda: torch.optim.SGD([{'params': p}, 1], lr=1)),
        'SGD a group without params': attempt(lambda: torch.optim.SGD([{'lr': 1}], lr=1)),
        'SGD params None': attempt(lambda: torch.optim.SGD([{'params': None}], lr=1)),
        'SGD params a number': attempt(lambda: torch.optim.SGD([{'params': 1}], lr=1)),
        'Adam lr -1': attempt(lambda: torch.optim.Adam(p, lr=-1)),
        'Adam eps -1': attempt(lambda: torch.optim.Adam(p, eps=-1)),
        'Adam beta1 1': attempt(lambda: torch.optim.Adam(p, betas=(1, 0.9))),
        'Adam beta2 -1': attempt(lambda: torch.optim.Adam(p, betas=(0.9, -1))),
        'Adam weightDecay -1': attempt(lambda: torch.optim.Adam(p, weight_decay=-1)),
        'AdamW lr -1': attempt(lambda: torch.optim.AdamW(p, lr=-1)),
        'RMSprop lr -1': attempt(lambda: torch.optim.RMSprop(p, lr=-1)),
        'RMSprop momentum -1': attempt(lambda: torch.optim.RMSprop(p, momentum=-1)),
        'RMSprop alpha -1': attempt(lambda: torch.optim.RMSprop(p, alpha=-1)),
        'RMSprop eps -1': attempt(lambda: torch.optim.RMSprop(p, eps=-1)),
        'RMSprop weightDecay -1': attempt(lambda: torch.optim.RMSprop(p, weight_decay=-1)),
        'loadStateDict other groups': attempt(
            lambda: torch.optim.SGD(p, lr=1).load_state_dict(
                torch.optim.SGD([{'params': [torch.ones(1)]}, {'params': [torch.ones(1)]}], lr=1).state_dict()
            )
        ),
        'loadStateDict other sizes': attempt(
            lambda: torch.optim.SGD(p, lr=1).load_state_dict(
                torch.optim.SGD([torch.ones(1), torch.ones(1)], lr=1).state_dict()
            )
        ),
    }
    write('packages/core/test/golden/optim.json', out, depth=2)


# ---- modules ----


def make(spec):
    name, *args = spec
    options = args.pop() if args and isinstance(args[-1], dict) else {}
    args = [make(a) if isinstance(a, list) and isinstance(a[0], str) else a for a in args]
    return getattr(nn, name)(*args, **options_of(options))


def cotangent(x, k=0):
    c = [(((i * 7 + k * 3 + 3) % 11) - 5) / 4 for i in range(x.numel())]
    return torch.tensor(c, dtype=x.dtype).reshape(x.shape)


BATCH = [[0.5, -1.25, 2], [1.5, 0.75, -0.5], [-1, 0.25, 1], [2, -0.5, 0.125]]
AFFINE = {'weight': [0.5, 2, -1], 'bias': [0.1, 0, -0.3]}
MODULES = [
    (['Linear', 3, 2], True, None),
    (['Linear', 3, 2, {'bias': False}], True, None),
    (['Sigmoid'], True, None),
    (['Tanh'], True, None),
    (['ReLU'], True, None),
    (['LeakyReLU'], True, None),
    (['LeakyReLU', 0.3], True, None),
    (['Softmax', {'dim': 1}], True, None),
    (['Softmax', 0], True, None),
    (['Flatten'], True, None),
    (['Flatten', 0], True, None),
    (['Dropout'], True, None),
    (['Dropout', 0.2], True, None),
    (['Dropout', 0.2], False, None),
    (['Dropout', 0], True, None),
    (['Dropout', 1], True, None),
    (['BatchNorm1d', 3], True, None),
    (['BatchNorm1d', 3], True, AFFINE),
    (['BatchNorm1d', 3], False, {**AFFINE, 'running_mean': [0.1, -0.2, 0.3], 'running_var': [1.5, 0.5, 2]}),
    (['BatchNorm1d', 3, {'momentum': 0.3, 'eps': 0.001}], True, AFFINE),
    (['BatchNorm1d', 3, {'momentum': None}], True, AFFINE),
    (['BatchNorm1d', 3, {'affine': False}], True, None),
    (['BatchNorm1d', 3, {'trackRunningStats': False}], False, None),
    (['Sequential', ['Linear', 3, 4], ['ReLU'], ['Linear', 4, 2], ['Sigmoid']], True, None),
    (['Sequential', ['Linear', 3, 4], ['BatchNorm1d', 4], ['LeakyReLU', 0.1], ['Dropout', 0.5], ['Linear', 4, 1]], True, None),
]
REPRS = [spec for spec, _, _ in MODULES] + [
    ['MSELoss'],
    ['L1Loss'],
    ['BCELoss'],
    ['BCEWithLogitsLoss'],
    ['NLLLoss'],
    ['CrossEntropyLoss'],
    ['Sequential'],
    ['Sequential', ['Sequential', ['Linear', 1, 2], ['ReLU']], ['Sequential'], ['Flatten', 1, 2]],
    ['Softmax'],
    ['Identity'],
    ['LogSoftmax', {'dim': 1}],
]


def module_record(spec, train, state, twice):
    torch.manual_seed(0)
    module = make(spec)
    if state:
        module.load_state_dict({k: torch.tensor(v) for k, v in state.items()}, strict=False)
    module.train(train)
    before = {k: tensor_record(v) for k, v in module.state_dict().items()}
    x = torch.tensor(BATCH, requires_grad=True)
    torch.manual_seed(0)
    if twice:
        module(x.detach() * 2)
    y = module(x)
    y.backward(cotangent(y))
    return {
        'name': f'{spec[0]}{" twice" if twice else ""}{"" if train else " in eval mode"}',
        'make': spec,
        'seed': 0,
        'train': train,
        'twice': twice,
        'state': before,
        'input': tensor_record(x),
        'output': tensor_record(y),
        'inputGrad': tensor_record(x.grad),
        'grads': {k: tensor_record(p.grad) for k, p in module.named_parameters() if p.grad is not None},
        'after': {k: tensor_record(b) for k, b in module.named_buffers()},
    }


PROBABILITIES = [[0.2, 0.7, 0.9], [0.5, 0.1, 0.6]]
LOGITS = [[0.2, -1.7, 0.9], [2.5, 0.1, -0.6]]
TARGETS = [[0.0, 1, 1], [1, 0, 0]]
LOSSES = [
    (['MSELoss'], [LOGITS, TARGETS]),
    (['MSELoss', {'reduction': 'sum'}], [LOGITS, TARGETS]),
    (['MSELoss', {'reduction': 'none'}], [LOGITS, TARGETS]),
    (['L1Loss'], [LOGITS, TARGETS]),
    (['L1Loss', {'reduction': 'sum'}], [LOGITS, TARGETS]),
    (['BCELoss'], [PROBABILITIES, TARGETS]),
    (['BCELoss', {'reduction': 'none'}], [PROBABILITIES, TARGETS]),
    (['BCEWithLogitsLoss'], [LOGITS, TARGETS]),
    (['BCEWithLogitsLoss', {'reduction': 'sum'}], [LOGITS, TARGETS]),
    (['NLLLoss'], [LOGITS, [2, 0]]),
    (['NLLLoss', {'ignoreIndex': 0}], [LOGITS, [2, 0]]),
    (['NLLLoss', {'reduction': 'none'}], [LOGITS, [2, 0]]),
    (['CrossEntropyLoss'], [LOGITS, [2, 0]]),
    (['CrossEntropyLoss', {'labelSmoothing': 0.1}], [LOGITS, [2, 0]]),
    (['CrossEntropyLoss', {'ignoreIndex': 2}], [LOGITS, [2, 0]]),
    (['CrossEntropyLoss'], [LOGITS, [[0.5, 0.25, 0.25], [0.0, 1, 0]]]),
]


def nn_modules():
    modules = [module_record(*entry, False) for entry in MODULES]
    modules += [module_record(*entry, True) for entry in MODULES if entry[0][0] in ('BatchNorm1d', 'Dropout')]
    losses = []
    for spec, (x, y) in LOSSES:
        x = torch.tensor(x, requires_grad=True)
        y = torch.tensor(y)
        out = make(spec)(x, y)
        out.backward(cotangent(out))
        losses.append(
            {'make': spec, 'args': [tensor_record(x), tensor_record(y)], 'output': tensor_record(out), 'grads': [tensor_record(x.grad), None]}
        )
    linear = lambda: nn.Linear(2, 1)
    good = {'weight': torch.ones(1, 2), 'bias': torch.ones(1)}
    net = lambda: nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    errors = {
        'missing and wrong size': attempt(lambda: linear().load_state_dict({'weight': torch.ones(1, 3)})),
        'unexpected': attempt(lambda: linear().load_state_dict({**good, 'other': torch.ones(1)})),
        'missing': attempt(lambda: linear().load_state_dict({'bias': torch.ones(1)})),
        'two wrong sizes': attempt(lambda: linear().load_state_dict({'weight': torch.ones(3), 'bias': torch.ones(2)})),
        'empty': attempt(lambda: net().load_state_dict({})),
        'nested unexpected': attempt(lambda: net().load_state_dict({**net().state_dict(), '0.other': torch.ones(1), 'x.y': torch.ones(1)})),
        'no forward': attempt(lambda: nn.Module()()),
        'registerBuffer with a dot': attempt(lambda: nn.Module().register_buffer('a.b', torch.ones(1))),
        'registerParameter twice': attempt(lambda: linear().register_parameter('forward', None)),
        'BatchNorm1d one value': attempt(lambda: nn.BatchNorm1d(3)(torch.ones(1, 3))),
        'BatchNorm1d 4 dimensions': attempt(lambda: nn.BatchNorm1d(3)(torch.ones(1, 3, 1, 1))),
        'BatchNorm1d features': attempt(lambda: nn.BatchNorm1d(3)(torch.ones(2, 4))),
        'Dropout p': attempt(lambda: nn.Dropout(1.5)),
        'Linear sizes': attempt(lambda: nn.Linear(3, 2)(torch.ones(4, 5))),
        'getSubmodule': attempt(lambda: net().get_submodule('2')),
        'Sequential index': attempt(lambda: net()[5]),
    }
    out = {
        'modules': modules,
        'losses': losses,
        'reprs': [{'make': spec, 'text': repr(make(spec))} for spec in REPRS],
        'keys': {
            'Sequential(Linear, BatchNorm1d)': list(net().state_dict()),
            'incompatible, not strict': repr(linear().load_state_dict({'weight': torch.ones(1, 2), 'x': torch.ones(1)}, strict=False)),
            'compatible': repr(linear().load_state_dict(good)),
        },
        'errors': errors,
    }
    write('packages/core/test/golden/nn.json', out, depth=2)


# ---- initialisation ----


def bits(x):
    return [struct.pack('>f', v).hex() for v in x.detach().reshape(-1).tolist()]


FILLS = [
    ('uniform_', [3, 4], [], {}),
    ('uniform_', [3, 4], [-0.3, 0.3], {}),
    ('normal_', [3, 3], [], {}),
    ('normal_', [5, 4], [], {}),
    ('normal_', [5, 7], [1.5, 0.25], {}),
    ('normal_', [16], [0, 0.01], {}),
    ('constant_', [2, 2], [0.3], {}),
    ('ones_', [3], [], {}),
    ('zeros_', [3], [], {}),
    ('eye_', [2, 3], [], {}),
    ('kaiming_uniform_', [3, 4], [], {}),
    ('kaiming_uniform_', [3, 4], [], {'a': 5 ** 0.5}),
    ('kaiming_uniform_', [3, 4], [], {'mode': 'fan_out', 'nonlinearity': 'relu'}),
    ('kaiming_uniform_', [2, 3, 5], [], {'nonlinearity': 'tanh'}),
    ('kaiming_normal_', [3, 4], [], {}),
    ('kaiming_normal_', [6, 5], [], {'mode': 'fan_out', 'nonlinearity': 'relu'}),
    ('kaiming_normal_', [2, 3, 5], [], {'a': 0.1, 'nonlinearity': 'leaky_relu'}),
    ('xavier_uniform_', [3, 4], [], {}),
    ('xavier_uniform_', [6, 5], [], {'gain': 5 / 3}),
    ('xavier_normal_', [3, 4], [], {}),
    ('xavier_normal_', [6, 5], [], {'gain': 2 ** 0.5}),
    ('trunc_normal_', [5, 7], [], {}),
    ('trunc_normal_', [4, 25], [], {'std': 0.01}),
    ('trunc_normal_', [3, 50], [0.5, 0.8, -0.25, 1], {}),
    ('dirac_', [3, 2, 3], [], {}),
    ('dirac_', [2, 3, 3, 2], [], {}),
    ('dirac_', [4, 2, 1, 3, 2], [2], {}),
    ('sparse_', [5, 4], [0.3], {}),
    ('sparse_', [7, 3], [0.9, 0.5], {}),
    ('orthogonal_', [4, 3], [], {}),
    ('orthogonal_', [2, 3, 2], [], {'gain': 2 ** 0.5}),
    ('orthogonal_', [5, 5], [0.3], {}),
]


def init():
    fills = []
    for seed in (0, 42):
        for fn, shape, args, options in FILLS:
            torch.manual_seed(seed)
            x = torch.zeros(shape)
            getattr(nn.init, fn)(x, *args, **options)
            fills.append(
                {'fn': camel(fn[:-1]) + '_', 'shape': shape, 'args': args, 'options': options, 'seed': seed, 'bits': bits(x)}
            )
    layers = []
    for seed in (0, 1, 42):
        for spec in (['Linear', 2, 3], ['Linear', 13, 10], ['Linear', 30, 1], ['Sequential', ['Linear', 13, 4], ['BatchNorm1d', 4], ['Linear', 4, 1]]):
            torch.manual_seed(seed)
            module = make(spec)
            layers.append({'make': spec, 'seed': seed, 'bits': {k: bits(p) for k, p in module.named_parameters()}})
    gains = [
        {'args': args, 'value': number(nn.init.calculate_gain(*args))}
        for args in (['linear'], ['sigmoid'], ['tanh'], ['relu'], ['leaky_relu'], ['leaky_relu', 0.2], ['selu'], ['conv2d'])
    ]
    errors = {
        'kaimingUniform_ of a vector': attempt(lambda: nn.init.kaiming_uniform_(torch.ones(3))),
        'xavierNormal_ of a vector': attempt(lambda: nn.init.xavier_normal_(torch.ones(3))),
        'kaimingNormal_ mode': attempt(lambda: nn.init.kaiming_normal_(torch.ones(3, 3), mode='fan')),
        'calculateGain unknown': attempt(lambda: nn.init.calculate_gain('gelu')),
        'eye_ of a vector': attempt(lambda: nn.init.eye_(torch.ones(3))),
        'dirac_ of a matrix': attempt(lambda: nn.init.dirac_(torch.ones(3, 3))),
        'dirac_ of groups that do not divide': attempt(lambda: nn.init.dirac_(torch.ones(3, 3, 3), 2)),
        'sparse_ of a vector': attempt(lambda: nn.init.sparse_(torch.ones(3), 0.5)),
        'orthogonal_ of a vector': attempt(lambda: nn.init.orthogonal_(torch.ones(3))),
        'truncNormal_ without room': attempt(lambda: nn.init.trunc_normal_(torch.ones(3), a=1, b=-1)),
    }
    write('packages/core/test/golden/init.json', {'fills': fills, 'gains': gains, 'layers': layers, 'errors': errors}, depth=2)
