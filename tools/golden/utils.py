#!/usr/bin/env python3
"""Weights that are computed from others: torch.nn.utils in real PyTorch 1.13. Run by /usr/bin/python3 from anywhere.

packages/core/test/golden/utils.json
  calls   {name: [{state, outputs, grads}]}: what a list of actions on a module does (packages/core/test/utils.test.ts has the
          same actions by the same names). After manualSeed(0) the module is made; a call takes a tensor of its input's size
          with elements as in modules.py, and its gradients are those under train.py's cotangent.
  errors  {name: {error, message}}
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrize, prune, rnn, stateless  # noqa: E402
import torch.nn.utils as U  # noqa: E402
from format import write  # noqa: E402
from modules import f  # noqa: E402
from train import attempt, cotangent, tensor_record  # noqa: E402

torch.set_num_threads(1)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).t()


class Positive(nn.Module):
    def forward(self, x):
        return x.exp()

    def right_inverse(self, x):
        return x.log()


class EverySecond(prune.BasePruningMethod):
    PRUNING_TYPE = 'unstructured'

    def compute_mask(self, t, default_mask):
        mask = default_mask.clone()
        mask.view(-1)[::2] = 0
        return mask


class Unsaid(EverySecond):
    PRUNING_TYPE = 'x'


class NoDim(EverySecond):
    PRUNING_TYPE = 'structured'


def called(module, size):
    for p in module.parameters():
        p.grad = None
    y = module(f(*size).detach())
    y.backward(cotangent(y))
    return {
        'output': tensor_record(y),
        'grads': {k: tensor_record(p.grad) for k, p in module.named_parameters() if p.grad is not None},
        'state': {k: tensor_record(v) for k, v in module.state_dict().items()},
        'text': repr(module),
    }


def steps(module, size, *actions):
    """A call after each action."""
    out = []
    for action in actions:
        action(module)
        out.append(called(module, size))
    return out


def assign(module):
    module.weight = torch.ones(3, 3) * 2


def two_linears():
    return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))


LINEAR = lambda: nn.Linear(2, 3)
CONV = lambda: nn.Conv1d(2, 4, 2)
nothing = lambda m: None
CALLS = {
    'weight_norm': (LINEAR, [4, 2], [lambda m: U.weight_norm(m), lambda m: U.remove_weight_norm(m)]),
    'weight_norm of columns': (LINEAR, [4, 2], [lambda m: U.weight_norm(m, dim=1), nothing]),
    'weight_norm of everything': (LINEAR, [4, 2], [lambda m: U.weight_norm(m, 'weight', None)]),
    'weight_norm of a convolution': (lambda: nn.Conv1d(2, 3, 2), [1, 2, 4], [lambda m: U.weight_norm(m)]),
    'spectral_norm': (LINEAR, [4, 2], [lambda m: U.spectral_norm(m), nothing, lambda m: m.eval(), lambda m: U.remove_spectral_norm(m)]),
    'spectral_norm of a transposed convolution': (lambda: nn.ConvTranspose1d(2, 3, 2), [1, 2, 4], [lambda m: U.spectral_norm(m, n_power_iterations=2)]),
    'prune.l1_unstructured': (LINEAR, [4, 2], [lambda m: prune.l1_unstructured(m, 'weight', 0.5), lambda m: prune.l1_unstructured(m, 'weight', 2), lambda m: prune.remove(m, 'weight')]),
    'prune.random_unstructured': (LINEAR, [4, 2], [lambda m: prune.random_unstructured(m, 'weight', 0.5), lambda m: prune.random_unstructured(m, 'bias', 1)]),
    'prune.custom_from_mask': (LINEAR, [4, 2], [lambda m: prune.custom_from_mask(m, 'bias', torch.tensor([1.0, 0, 1]))]),
    'prune.global_unstructured': (two_linears, [4, 2], [lambda m: prune.global_unstructured([(m[0], 'weight'), (m[1], 'weight')], prune.L1Unstructured, amount=0.3), lambda m: prune.global_unstructured([(m[0], 'weight'), (m[1], 'weight')], prune.L1Unstructured, amount=3)]),
    'prune.global_unstructured by scores': (two_linears, [4, 2], [lambda m: prune.global_unstructured([(m[0], 'weight'), (m[1], 'weight')], prune.RandomUnstructured, importance_scores={(m[0], 'weight'): m[0].weight * 3}, amount=5)]),
    'prune.identity': (LINEAR, [4, 2], [lambda m: prune.identity(m, 'weight'), lambda m: prune.l1_unstructured(m, 'weight', 1, importance_scores=-m.weight.exp())]),
    'prune.random_structured': (CONV, [2, 2, 3], [lambda m: prune.random_structured(m, 'weight', 1, 0), lambda m: prune.random_structured(m, 'weight', 0.5, 1), lambda m: prune.random_structured(m, 'weight', 0, -1)]),
    'prune.ln_structured': (CONV, [2, 2, 3], [lambda m: prune.ln_structured(m, 'weight', 0.3, 2, 0), lambda m: prune.ln_structured(m, 'weight', 1, float('-inf'), -1), lambda m: prune.remove(m, 'weight')]),
    'prune, one way after another': (CONV, [2, 2, 3], [lambda m: prune.ln_structured(m, 'weight', 1, 1, 0), lambda m: prune.l1_unstructured(m, 'weight', 0.25), lambda m: prune.random_structured(m, 'weight', 1, 1), lambda m: prune.RandomUnstructured.apply(m, 'weight', 2)]),
    'a method of pruning': (LINEAR, [4, 2], [lambda m: EverySecond.apply(m, 'weight'), lambda m: EverySecond.apply(m, 'weight'), lambda m: prune.L1Unstructured.apply(m, 'bias', 1, importance_scores=torch.tensor([3.0, 1, 2]))]),
    'parametrize': (lambda: nn.Linear(3, 3), [2, 3], [lambda m: parametrize.register_parametrization(m, 'weight', Symmetric()), lambda m: parametrize.register_parametrization(m, 'weight', Positive()), lambda m: parametrize.remove_parametrizations(m, 'weight')]),
    'parametrize with an inverse': (lambda: nn.Linear(3, 3), [2, 3], [lambda m: parametrize.register_parametrization(set_positive(m), 'weight', Positive()), assign, lambda m: parametrize.remove_parametrizations(m, 'weight', leave_parametrized=False)]),
}


def assigned(value):
    def assign(module):
        module.weight = value

    return assign


WAVES = torch.sin(torch.arange(9.0) * 1.3).reshape(3, 3)
ORTHOGONAL = {
    'matrix_exp': (lambda: nn.Linear(3, 3), [2, 3], WAVES, {}),
    'cayley, wide': (lambda: nn.Linear(3, 2), [2, 3], WAVES[:2], {'orthogonal_map': 'cayley'}),
    'householder, tall': (LINEAR, [4, 2], WAVES[:, :2], {}),
    'householder of its own origin': (LINEAR, [4, 2], WAVES[:, :2], {'use_trivialization': False}),
    'cayley of its own origin': (lambda: nn.Linear(3, 3), [2, 3], None, {'orthogonal_map': 'cayley', 'use_trivialization': False}),
}
CALLS.update({
    **{
        f'orthogonal: {name}': (make, size, [
            lambda m, options=options: U.parametrizations.orthogonal(m, **options),
            *([] if value is None else [assigned(value)]),
        ])
        for name, (make, size, value, options) in ORTHOGONAL.items()
    },
    'parametrizations.spectral_norm': (LINEAR, [4, 2], [lambda m: U.parametrizations.spectral_norm(m), nothing, lambda m: m.eval()]),
    'parametrizations.spectral_norm of a bias': (LINEAR, [4, 2], [lambda m: U.parametrizations.spectral_norm(m, 'bias')]),
    'parametrizations.spectral_norm of a transposed convolution': (
        lambda: nn.ConvTranspose1d(2, 3, 2), [1, 2, 4], [lambda m: U.parametrizations.spectral_norm(m, n_power_iterations=2, eps=1e-3)]),
    'transferred parametrizations': (lambda: nn.Linear(3, 3), [2, 3], [
        lambda m: parametrize.transfer_parametrizations_and_params(parametrize.register_parametrization(nn.Linear(3, 3), 'weight', Symmetric()), m)]),
})


def set_positive(module):
    with torch.no_grad():
        module.weight.abs_()
    return module


def calls():
    out = {}
    for name, (make, size, actions) in CALLS.items():
        torch.manual_seed(0)
        out[name] = steps(make(), size, *actions)
    return out


class Doubled(nn.Module):
    def forward(self, x):
        return x.double()


class Row(nn.Module):
    def forward(self, x):
        return x[0]


class Nothing(nn.Module):
    def forward(self, x):
        return 1


ERRORS = {
    'weight_norm twice': lambda: U.weight_norm(U.weight_norm(LINEAR())),
    'remove_weight_norm': lambda: U.remove_weight_norm(LINEAR()),
    'spectral_norm twice': lambda: U.spectral_norm(U.spectral_norm(LINEAR())),
    'spectral_norm without iterations': lambda: U.spectral_norm(LINEAR(), n_power_iterations=0),
    'remove_spectral_norm': lambda: U.remove_spectral_norm(LINEAR()),
    'l1_unstructured of nothing': lambda: prune.l1_unstructured(LINEAR(), 'x', 0.5),
    'l1_unstructured of 1.5': lambda: prune.l1_unstructured(LINEAR(), 'weight', 1.5),
    'l1_unstructured of -1': lambda: prune.l1_unstructured(LINEAR(), 'weight', -1),
    'l1_unstructured of 7': lambda: prune.l1_unstructured(LINEAR(), 'weight', 7),
    'l1_unstructured of a text': lambda: prune.l1_unstructured(LINEAR(), 'weight', 'x'),
    'structured pruning of a bias': lambda: prune.random_structured(LINEAR(), 'bias', 1, 0),
    'structured pruning of a dimension': lambda: prune.ln_structured(LINEAR(), 'weight', 1, 2, 2),
    'pruning of an unknown type': lambda: Unsaid.apply(prune.identity(LINEAR(), 'weight'), 'weight'),
    'structured pruning without a dim': lambda: NoDim.apply(prune.identity(LINEAR(), 'weight'), 'weight'),
    'global pruning of slices': lambda: prune.global_unstructured([(LINEAR(), 'weight')], prune.RandomStructured, amount=1),
    'a container of 1': lambda: prune.PruningContainer().add_pruning_method(1),
    'prune.remove': lambda: prune.remove(LINEAR(), 'weight'),
    'parametrize nothing': lambda: parametrize.register_parametrization(LINEAR(), 'x', Symmetric()),
    'parametrize with another dtype': lambda: parametrize.register_parametrization(LINEAR(), 'weight', Doubled()),
    'parametrize with another shape': lambda: parametrize.register_parametrization(LINEAR(), 'weight', Row()),
    'parametrize with no tensor': lambda: parametrize.register_parametrization(LINEAR(), 'weight', Nothing()),
    'remove_parametrizations': lambda: parametrize.remove_parametrizations(LINEAR(), 'weight'),
    'vector_to_parameters': lambda: U.vector_to_parameters(torch.ones(3), [torch.ones(2), torch.ones(2)]),
    'vector_to_parameters of a number': lambda: U.vector_to_parameters(1, []),
    'parameters_to_vector of nothing': lambda: U.parameters_to_vector([]),
    'fuse_conv_bn_eval in training': lambda: U.fusion.fuse_conv_bn_eval(nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1)),
    'functional_call of nothing': lambda: stateless.functional_call(LINEAR(), {'a.weight': torch.ones(1)}, (torch.ones(1, 2),)),
    'pad_sequence of nothing': lambda: rnn.pad_sequence([]),
    'orthogonal of a bias': lambda: U.parametrizations.orthogonal(LINEAR(), 'bias'),
    'orthogonal of nothing': lambda: U.parametrizations.orthogonal(LINEAR(), 'x'),
    'orthogonal by an unknown map': lambda: U.parametrizations.orthogonal(LINEAR(), orthogonal_map='x'),
    'an orthogonal weight of another shape': lambda: assigned(torch.eye(3))(U.parametrizations.orthogonal(LINEAR())),
    'an orthogonal weight that cannot be set': lambda: assigned(torch.ones(3, 2))(
        U.parametrizations.orthogonal(LINEAR(), orthogonal_map='cayley', use_trivialization=False)),
    'parametrizations.spectral_norm without iterations': lambda: U.parametrizations.spectral_norm(LINEAR(), n_power_iterations=0),
    'parametrizations.spectral_norm of another dimension': lambda: U.parametrizations.spectral_norm(LINEAR(), dim=3),
    'parametrizations.spectral_norm of nothing': lambda: U.parametrizations.spectral_norm(LINEAR(), 'x'),
    'transfer of what is not parametrized': lambda: parametrize.transfer_parametrizations_and_params(
        parametrize.register_parametrization(LINEAR(), 'weight', Positive()), LINEAR(), 'bias'),
    'pad_sequence of a number': lambda: rnn.pad_sequence(1),
}

if __name__ == '__main__':
    errors = {name: attempt(fn) for name, fn in ERRORS.items()}
    write('packages/core/test/golden/utils.json', {'calls': calls(), 'errors': errors}, depth=2)
