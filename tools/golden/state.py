"""What PyTorch says of gradients and states that do not fit: golden/state.json, name -> {error, message}.

A state that PyTorch takes and trips over in the next step is refused by flambeau when it is loaded, with that sentence.
"""
import copy
import json
import os

import torch


def attempt(fn):
    try:
        fn()
    except Exception as error:  # noqa: BLE001
        text = str(error)
        return {'error': type(error).__name__, 'message': text}
    return None


def gradient(value, size=3):
    def fn():
        x = torch.nn.Parameter(torch.ones(size))
        x.grad = x if value == 'itself' else value
    return fn


gradients = {
    'a number': 5,
    'a string': 'x',
    'a list': [1, 2],
    'another size': torch.ones(2),
    'another rank': torch.ones(1, 3),
    'another dtype': torch.ones(3, dtype=torch.float64),
    'whole numbers': torch.ones(3, dtype=torch.int32),
    'itself': 'itself',
}


def optimizer(kind, size=50):
    p = torch.nn.Parameter(torch.ones(size))
    options = {
        'SGD': {'lr': 0.1, 'momentum': 0.9},
        'Adam': {'amsgrad': True},
        'AdamW': {'amsgrad': True},
        'RMSprop': {'momentum': 0.9, 'centered': True},
    }[kind]
    return p, getattr(torch.optim, kind)([p], **options)


def loading(kind, change):
    def fn():
        p, trained = optimizer(kind)
        p.grad = torch.ones(50)
        trained.step()
        state = copy.deepcopy(trained.state_dict())
        change(state)
        q, other = optimizer(kind)
        other.load_state_dict(state)
        q.grad = torch.ones(50)
        other.step()
    return fn


def put(where, name, value):
    def change(state):
        (state['state'][0] if where == 'state' else state['param_groups'][0])[name] = value
    return change


def drop(where, name):
    def change(state):
        entries = {'state': lambda: state['state'][0], 'group': lambda: state['param_groups'][0], 'top': lambda: state}
        del entries[where]()[name]
    return change


states = {}
tensors = {'SGD': ['momentum_buffer'], 'Adam': ['exp_avg', 'exp_avg_sq', 'max_exp_avg_sq'], 'AdamW': ['exp_avg'],
           'RMSprop': ['square_avg', 'momentum_buffer', 'grad_avg']}
for kind, names in tensors.items():
    for name in names:
        for shape in [(1,), (49,), (51,), (2, 50), ()]:
            states[f'{kind} {name} {list(shape)}'] = (kind, put('state', name, torch.ones(shape)))
        if name != 'max_exp_avg_sq':
            states[f'{kind} {name} text'] = (kind, put('state', name, 'x'))
        if name != 'momentum_buffer':
            states[f'{kind} {name} missing'] = (kind, drop('state', name))
states['Adam step missing'] = ('Adam', drop('state', 'step'))
for kind in ['SGD', 'Adam']:
    for name in ['state', 'param_groups']:
        states[f'{kind} without {name}'] = (kind, drop('top', name))
    for name in ['params', 'lr', 'weight_decay', 'momentum' if kind == 'SGD' else 'betas']:
        states[f'{kind} group without {name}'] = (kind, drop('group', name))

out = {
    'gradients': {name: attempt(gradient(value)) for name, value in gradients.items()},
    'states': {name: attempt(loading(kind, change)) for name, (kind, change) in states.items()},
}
path = os.path.join(os.path.dirname(__file__), '..', '..', 'packages', 'core', 'test', 'golden', 'state.json')
with open(path, 'w') as file:
    json.dump(out, file, indent=2)
    file.write('\n')
