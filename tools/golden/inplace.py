#!/usr/bin/env python3
"""Writes packages/backend-conformance/golden/in-place.json: what becomes of every op's result, and of its gradients, when
memory is written to before backward, in real PyTorch 1.13.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/inplace.py

The calls are the samples of the conformance suite whose results have gradients, at most three an op; their float inputs
are leaves times 1, so that no view of them is one of a leaf. What is done between call and backward:
  written   every such result is doubled in place
  noGrad    the same under no_grad
  view      its first slice is doubled in place (of a number: a view of it)
  blind     a view of it that was made under no_grad is doubled outside
  data      `result.data` is doubled
  inputs    every input is doubled in place
A record: {"key", kind: {"grads": one per float leaf, in order, null where none flows, "names": of the results' nodes after
it} or {"error", "message"}}, under the fixed cotangent of golden.py.
"""
import json
import os
import subprocess
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from golden import Call, cotangent, find, flatten  # noqa: E402
from format import ROOT, data_of, write  # noqa: E402

torch.set_num_threads(1)


class Computed(Call):
    """A call whose float inputs are computed from the leaves."""

    def __init__(self, sample):
        self.inputs = []
        super().__init__(sample)

    def tensor(self, spec):
        x = super().tensor(spec)
        if not x.requires_grad:
            return x
        self.inputs.append(x * 1)
        return self.inputs[-1]


def first(x):
    return x[None] if x.dim() == 0 else x.narrow(0, 0, min(1, x.shape[0]))


def blind(x):
    with torch.no_grad():
        view = first(x)
    view.mul_(2)


def unrecorded(x):
    with torch.no_grad():
        x.mul_(2)


KINDS = {
    'written': lambda x: x.mul_(2),
    'noGrad': unrecorded,
    'view': lambda x: first(x).mul_(2),
    'blind': blind,
    'data': lambda x: x.data.mul_(2),
    'inputs': None,
}


def through(call, op):
    outs = flatten(find(op, call.args)(*call.args, **call.kwargs))
    return [(x, k) for k, x in enumerate(outs) if isinstance(x, torch.Tensor) and x.requires_grad]


def result(op, sample, act):
    torch.manual_seed(sample.get('seed', 0))
    call = Computed(sample)
    outs = through(call, op)
    try:
        for x in call.inputs if act is None else [x for x, _ in outs]:
            x.mul_(2) if act is None else act(x)
        found = torch.autograd.grad(
            [x for x, _ in outs],
            [x for x in call.leaves if x.requires_grad],
            [cotangent(x, k) for x, k in outs],
            allow_unused=True,
        )
    except Exception as error:
        return {'error': type(error).__name__, 'message': str(error).split('\n')[0]}
    by_leaf = iter(found)
    grads = [next(by_leaf) if x.requires_grad else None for x in call.leaves]
    names = [x.grad_fn.name().split('::')[-1] for x, _ in outs]
    return {'grads': [None if g is None else data_of(g) for g in grads], 'names': names}


def main():
    dumped = subprocess.run(
        ['node', os.path.join(ROOT, 'tools/golden/samples.mjs')], check=True, capture_output=True, text=True
    )
    out = {}
    for ops in json.loads(dumped.stdout).values():
        for op, entry in ops.items():
            records = []
            for sample in entry['samples']:
                if len(records) == 3:
                    break
                if sample.get('unwritten') or not through(Computed(sample), op):
                    continue
                records.append({'key': sample['key'], **{kind: result(op, sample, act) for kind, act in KINDS.items()}})
            if records:
                out[op] = records
    write('packages/backend-conformance/golden/in-place.json', out, depth=2)


main()
