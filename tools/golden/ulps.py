#!/usr/bin/env python3
"""Writes docs/internals/ulps.md: how far js is from PyTorch for every op, in float32 and float64, in units of the last place.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/ulps.py

ulps.mjs computes the samples of the conformance suite with flambeau; this script computes them with PyTorch: values,
gradients under the cotangents of golden.py, and the gradients of those under the same cotangents.
"""
import json
import math
import os
import subprocess
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import ROOT  # noqa: E402
from golden import NUMBERS, Call, cotangent, find, flatten  # noqa: E402

HEAD = """# Units in the last place

How far js is from PyTorch 1.13.1: for every op the largest error over its samples in the conformance suite, each in float32
and in float64, of its values, of its gradients, and of the gradients of those. `pnpm golden ulps` writes this page; the tests
only look whether every op has its row. Do not edit it.

- A unit is the distance from the expected element to the next number of its dtype. Samples are numbers around 1, so an element
  below a thousandth of 1, or of the largest of its tensor, is mostly a sum that cancelled: it counts with the unit of that.
- At NaN and infinities only values are compared, at kinks no gradients of gradients: they follow from the formula that happens
  to be used.
- 0 means the same bits. Where nothing flows the cell is empty, and `∞` means that only one of the two is finite.
- js adds up in double precision and rounds once, PyTorch adds up float32 in float32: in that column most errors are PyTorch's.
  Where a gradient of PyTorch's is itself an approximation, the float64 columns show it.

"""


def decoded(data):
    return None if data is None else [NUMBERS[x['number']] if isinstance(x, dict) else x for x in data]


def error(ours, theirs):
    """The largest error in units of the last place; None where there is nothing to compare."""
    if ours is None or theirs is None or not isinstance(theirs, torch.Tensor):
        return None
    b = theirs.detach().reshape(-1)
    a = torch.tensor(decoded(ours), dtype=torch.float64)
    if a.numel() != b.numel():
        return math.inf
    if not b.is_floating_point():
        return 0.0 if bool((a == b.double()).all()) else math.inf
    exact = b.double()
    same = (a == exact) | (a.isnan() & exact.isnan())
    if bool((~same & ~(a.isfinite() & exact.isfinite())).any()):
        return math.inf
    if bool(same.all()):
        return 0.0
    finite = exact.abs()[exact.isfinite()]
    size = b.abs().clamp(min=max([1, *finite.tolist()]) / 1024)
    unit = (torch.nextafter(size, torch.full_like(size, math.inf)) - size).double()
    return float(((a - exact).abs() / unit)[~same].max())


def gradients(outs, leaves, create_graph):
    through = [(x, k) for k, x in enumerate(outs) if isinstance(x, torch.Tensor) and x.requires_grad]
    leaves = [x for x in leaves if x.requires_grad]
    if not through or not leaves:
        return []
    return list(
        torch.autograd.grad(
            [x for x, _ in through], leaves, [cotangent(x, k) for x, k in through], allow_unused=True, create_graph=create_graph, retain_graph=True
        )
    )


def errors(record):
    sample = record['sample']
    torch.manual_seed(sample.get('seed', 0))
    call = Call(sample)
    op = record['op']
    outs = flatten(find(op, call.args)(*call.args, **call.kwargs))
    found = [[error(a, b) for a, b in zip(record['values'], outs)], [], []]
    # With a graph of its own, PyTorch computes some gradients by other formulas.
    if not record['gradients']:
        return found
    plain = gradients(outs, call.leaves, False)
    found[1] = [error(a, b) for a, b in zip(record['gradients'], plain)]
    if not record['seconds']:
        return found
    try:
        first = gradients(outs, call.leaves, True)
        found[2] = [error(a, b) for a, b in zip(record['seconds'], gradients(first, call.leaves, False))]
    except RuntimeError as e:
        if 'not implemented' not in str(e) and 'derivative' not in str(e):
            raise
    return found


def text(found):
    known = [x for x in found if x is not None]
    if not known:
        return ''
    most = max(known)
    return '∞' if math.isinf(most) else '0' if most == 0 else f'{most:.1f}' if most < 10 else f'{most:.0f}' if most < 1e6 else f'{most:.0e}'


def main():
    node = ['node', os.path.join(ROOT, 'tools/golden/ulps.mjs')]
    computed = json.loads(subprocess.run(node, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout)
    table = {}
    for record in computed:
        row = table.setdefault(record['op'], {t: ([], [], []) for t in ('float32', 'float64')})
        try:
            found = errors(record)
        except Exception as e:  # noqa: BLE001
            # In the other dtype a call may be none.
            print(f'{record["op"]} in {record["dtype"]}: {str(e).splitlines()[0]}', file=sys.stderr)
            continue
        for cell, more in zip(row[record['dtype']], found):
            cell.extend(more)
    lines = ['| op | float32 | gradient | second | float64 | gradient | second |', '| --- | ---: | ---: | ---: | ---: | ---: | ---: |']
    for op in sorted(table):
        cells = [text(cell) for t in ('float32', 'float64') for cell in table[op][t]]
        lines.append(f'| `{op}` | {" | ".join(cells)} |')
    with open(os.path.join(ROOT, 'docs/internals/ulps.md'), 'w', encoding='utf8') as page:
        page.write(HEAD + '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
