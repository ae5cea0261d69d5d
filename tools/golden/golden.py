#!/usr/bin/env python3
"""Golden values from real PyTorch 1.13 (Debian's python3-torch). Run by /usr/bin/python3 from anywhere:

    python3 tools/golden/golden.py [samples] [semantics] [autograd] [optim] [nn] [init]      (all of them when none is named)

samples    packages/backend-conformance/golden/<family>.json
           The samples are written in TypeScript (src/samples); samples.mjs prints them and this script replays
           each call: camelCase becomes snake_case, the options object becomes keyword arguments, int32 becomes int64
           and comes back as int32. For every sample, and for those that are derived from one of each op: key, outs (dtype, shape, data), grads (one per float tensor
           argument, in order, null where none flows) under the fixed cotangent ((7 i + 3 k + 3) mod 11 - 5) / 4 for
           element i of output k. For every error sample: class and sentence.
semantics  packages/backend-conformance/golden/semantics.json: see semantics.py
autograd   packages/core/test/golden/autograd.json: see autograd.py
optim, nn, init   packages/core/test/golden/*.json: see train.py, whose head says what each record holds

Nothing here is read at run time by the library, and tests never need Python.
"""
import json
import math
import operator
import os
import re
import subprocess
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    import torch  # noqa: E402
except ImportError:
    # Another Python may come first on the path; PyTorch belongs to the system's.
    if sys.executable == '/usr/bin/python3':
        sys.exit('PyTorch is missing: apt-get install python3-torch')
    os.execv('/usr/bin/python3', ['/usr/bin/python3', *sys.argv])
import torch.nn.functional as F  # noqa: E402
from format import ROOT, data_of, dtype_name, torch_dtype, write  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def snake(name):
    return name if name.isupper() else re.sub(r'([A-Z])', lambda m: '_' + m.group(1).lower(), name)


def index(x, at):
    return x[at[0] if len(at) == 1 else tuple(at)]


def assign(x, at, value):
    out = x.clone()
    out[at[0] if len(at) == 1 else tuple(at)] = value
    return out


def cut(x, dim, start=None, end=None, step=1):
    return x[(slice(None),) * (dim % x.dim()) + (slice(start, end, step),)] if x.dim() else x[:]


def tensor(data, dtype=None):
    """Numbers make float32 on the other side; PyTorch would look whether they have a point."""
    out = torch.tensor(data, dtype=dtype)
    return out.float() if dtype is None and out.dtype == torch.int64 else out


def batch_norm(x, mean, var, weight=None, bias=None, **options):
    # The running statistics are updated in place, so each call gets copies.
    copy = lambda s: None if s is None else s.detach().clone()
    return F.batch_norm(x, copy(mean), copy(var), weight, bias, **options)


def instance_norm(x, mean=None, var=None, *rest, **options):
    copy = lambda s: None if s is None else s.detach().clone()
    return F.instance_norm(x, copy(mean), copy(var), *rest, **options)


def channel_shuffle(x, groups):
    # PyTorch's own has no gradient.
    F.channel_shuffle(x.detach(), groups)
    n, channels, *rest = x.shape
    return x.reshape(n, groups, channels // groups, *rest).transpose(1, 2).reshape(x.shape)


def rms_norm(x, normalized_shape, weight=None, eps=None):
    """PyTorch 2.4 has it."""
    dims = tuple(range(-len(normalized_shape), 0))
    y = x * torch.rsqrt((x * x).mean(dims, keepdim=True) + (torch.finfo(x.dtype).eps if eps is None else eps))
    return y if weight is None else y * weight


def pdist(x, p=2):
    # PyTorch's own gradient of no rows ends the process.
    return x.sum() + x.new_zeros(0) if x.dim() == 2 and x.shape[0] == 0 else torch.pdist(x, p)


def slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    # PyTorch 1.13's own takes other bounds than it is given.
    y = x.clone()
    part = y[(slice(None),) * normal(dim, x) + (slice(start, end, step if step > 0 else None),)]
    if step <= 0:
        raise RuntimeError('slice step must be positive')
    if part.shape != src.shape:
        raise RuntimeError(
            'expected src to have a size equal to the slice of self. '
            f'src size = {list(src.shape)}, slice size = {list(part.shape)}'
        )
    part.copy_(src)
    return y


def as_strided_scatter(x, src, size, stride, storage_offset=None):
    # PyTorch's own gradient reads memory that was not written.
    torch.as_strided_scatter(x.detach(), src.detach(), size, stride, storage_offset)
    y = x.clone()
    y.as_strided(size, stride, storage_offset).copy_(src)
    return y


def normal(dim, x):
    return x.size(dim) and dim % x.dim()


def vander(x, N=None, increasing=False):
    # PyTorch's own multiplies in place what its gradient needs.
    known = torch.vander(x.detach(), N, increasing)
    if not x.requires_grad or known.shape[1] < 2:
        return known
    column = x[:, None]
    powers = torch.cat([torch.ones_like(column), column.expand(-1, known.shape[1] - 1).cumprod(1)], 1)
    return powers if increasing else powers.flip(1)


# Ops whose name alone does not lead to PyTorch's function.
OVERRIDES = {
    'at': index,
    'setAt': assign,
    'indexPut': lambda x, at, values, **options: x.index_put(tuple(at), values, **options),
    'slice': cut,
    'tensor': tensor,
    'dropout': F.dropout,
    'alphaDropout': F.alpha_dropout,
    'featureAlphaDropout': F.feature_alpha_dropout,
    'randintLike': torch.randint_like,
    'int': lambda x: x.long(),
    'expandAs': lambda x, other: x.expand_as(other),
    'batchNorm': batch_norm,
    'layerNorm': F.layer_norm,
    'groupNorm': F.group_norm,
    'instanceNorm': instance_norm,
    'channelShuffle': channel_shuffle,
    'rmsNorm': rms_norm,
    'pdist': pdist,
    'sliceScatter': slice_scatter,
    'asStridedScatter': as_strided_scatter,
    'embedding': F.embedding,
    'embeddingBag': F.embedding_bag,
    'pad': F.pad,
    **{name: getattr(F, name) for name in ('celu', 'selu', 'rrelu', 'threshold', 'hardshrink', 'prelu', 'softmin', 'normalize')},
    'unfold': lambda x, dim, size, step: x.unfold(dim, size, step),
    'binaryCrossEntropyWithLogits': F.binary_cross_entropy_with_logits,
    # The functions of torch itself take reductions by number.
    **{
        name: getattr(F, snake(name))
        for name in (
            'ctcLoss',
            'klDiv',
            'poissonNllLoss',
            'marginRankingLoss',
            'hingeEmbeddingLoss',
            'cosineEmbeddingLoss',
            'tripletMarginLoss',
        )
    },
    # The functions of torch itself never return indices, or always.
    **{name: getattr(F, snake(name)) for k in '123' for name in (f'maxPool{k}d', f'adaptiveMaxPool{k}d')},
    **{f'fractionalMaxPool{k}d': getattr(F, f'fractional_max_pool{k}d') for k in '23'},
    # Where PyTorch takes tensors one by one only; rot90 has no defaults as a function.
    **{
        name: (lambda fn: lambda tensors: fn(*tensors))(getattr(torch, snake(name)))
        for name in ('blockDiag', 'broadcastTensors', 'cartesianProd', 'chainMatmul')
    },
    **{f'atleast{k}d': getattr(torch, f'atleast_{k}d') for k in '123'},
    'vander': vander,
    'rot90': lambda x, k=1, dims=(0, 1): torch.rot90(x, k, dims),
    'split': lambda x, size=None, dim=0, split_size_or_sections=None: torch.split(
        x, split_size_or_sections if size is None else size, dim
    ),
}


# With a number in front, PyTorch has only the operator.
OPERATORS = {
    'add': operator.add,
    'sub': operator.sub,
    'mul': operator.mul,
    'div': operator.truediv,
    'pow': operator.pow,
    'floorDivide': operator.floordiv,
    'remainder': operator.mod,
    'lt': operator.lt,
    'eq': operator.eq,
}


def find(op, args=()):
    if op in OPERATORS and args and not isinstance(args[0], torch.Tensor):
        return OPERATORS[op]
    if op in OVERRIDES:
        return OVERRIDES[op]
    if '.' in op:
        namespace, name = op.split('.')
        return getattr(getattr(torch, namespace), snake(name))
    name = snake(op)
    if op.endswith('_'):
        return lambda x, *rest, **options: getattr(x.clone(), name)(*rest, **options)
    for place in (torch, F, torch.Tensor):
        # torch.float is a dtype and torch.cpu a module.
        if callable(getattr(place, name, None)):
            return getattr(place, name)
    raise KeyError(f'no function of PyTorch for op {op}')


NUMBERS = {'nan': math.nan, 'inf': math.inf, '-inf': -math.inf, '-0': -0.0}


class Call:
    """One call, with its tensors made anew; `leaves` are the tensors that may take a gradient, in order."""

    def __init__(self, sample):
        self.leaves = []
        self.args = [self.decode(a) for a in sample['args']]
        self.kwargs = {snake(k): self.decode(a) for k, a in sample.get('kwargs', {}).items()}

    def decode(self, arg):
        if isinstance(arg, list):
            return [self.decode(a) for a in arg]
        if isinstance(arg, dict):
            if 'number' in arg:
                return NUMBERS[arg['number']]
            kind = arg['kind']
            if kind == 'slice':
                return slice(arg['start'], arg['stop'], arg['step'])
            if kind == 'ellipsis':
                return Ellipsis
            return self.tensor(arg)
        if isinstance(arg, str):
            return torch_dtype.get(arg, arg)
        return arg

    def tensor(self, spec):
        values = [self.decode(x) for x in spec['values']]
        x = torch.tensor(values, dtype=torch_dtype[spec['dtype']]).reshape(spec['shape'])
        if x.is_floating_point():
            if spec['grad']:
                x.requires_grad_()
            self.leaves.append(x)
        return x


def flatten(out):
    if isinstance(out, torch.Tensor):
        return [out]
    if isinstance(out, (tuple, list)):
        return [x for item in out for x in flatten(item)]
    return [out]


def describe(x, unwritten):
    if not isinstance(x, torch.Tensor):
        return {'value': x}
    return {'dtype': dtype_name(x), 'shape': list(x.shape), 'data': None if unwritten else data_of(x)}


def cotangent(x, k):
    c = [(((i * 7 + k * 3 + 3) % 11) - 5) / 4 for i in range(x.numel())]
    return torch.tensor(c, dtype=x.dtype).reshape(x.shape)


def golden(op, sample):
    torch.manual_seed(sample.get('seed', 0))
    call = Call(sample)
    outs = flatten(find(op, call.args)(*call.args, **call.kwargs))
    record = {'key': sample['key'], 'outs': [describe(x, sample.get('unwritten', False)) for x in outs]}
    through = [(x, k) for k, x in enumerate(outs) if isinstance(x, torch.Tensor) and x.requires_grad]
    leaves = [x for x in call.leaves if x.requires_grad]
    if through and leaves:
        found = torch.autograd.grad(
            [x for x, _ in through], leaves, [cotangent(x, k) for x, k in through], allow_unused=True
        )
        by_leaf = iter(found)
        grads = [next(by_leaf) if x.requires_grad else None for x in call.leaves]
        if any(g is not None for g in grads):
            record['grads'] = [None if g is None else data_of(g) for g in grads]
    return record


def failure(op, sample):
    if 'instead' in sample:
        return {'key': sample['key'], 'error': sample['instead']['error'], 'message': sample['instead']['message']}
    torch.manual_seed(0)
    call = Call(sample)
    try:
        out = find(op, call.args)(*call.args, **call.kwargs)
    except Exception as error:
        return {'key': sample['key'], 'error': type(error).__name__, 'message': str(error)}
    raise AssertionError(f'PyTorch accepts it: {out}')


def either(op, sample):
    """Nobody looked whether a derived sample is a call that PyTorch takes."""
    try:
        return golden(op, sample)
    except Exception as error:
        return {'key': sample['key'], 'error': type(error).__name__, 'message': str(error).splitlines()[0]}


def samples():
    dumped = subprocess.run(
        ['node', os.path.join(ROOT, 'tools/golden/samples.mjs')], check=True, capture_output=True, text=True
    )
    wrong = []
    for family, ops in json.loads(dumped.stdout).items():
        out = {}
        for op, entry in ops.items():
            record = {'samples': [], 'derived': [], 'errors': []}
            for kind, make in (('samples', golden), ('derived', either), ('errors', failure)):
                for sample in entry[kind]:
                    try:
                        record[kind].append(make(op, sample))
                    except Exception as error:
                        wrong.append(f'{op} ({kind}: {sample["label"]}): {type(error).__name__}: {error}')
            out[op] = record
        write(f'packages/backend-conformance/golden/{family}.json', out, depth=3)
    if wrong:
        sys.exit('samples that PyTorch does not confirm:\n' + '\n'.join(wrong))


def main():
    import autograd
    import semantics
    import train

    parts = {
        'samples': samples,
        'semantics': semantics.semantics,
        'autograd': autograd.autograd,
        'optim': train.optim,
        'nn': train.nn_modules,
        'init': train.init,
    }
    for name in sys.argv[1:] or parts:
        parts[name]()


if __name__ == '__main__':
    main()
