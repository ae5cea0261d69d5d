#!/usr/bin/env python3
"""Random programs and what real PyTorch 1.13 makes of them:

    python3 tools/golden/programs.py [programs] [seed]      (2000 of seed 12)

writes packages/backend-conformance/golden/programs.json, one program a line:

    {"p": [instruction, ...], "r": [result, ...]}

An instruction is [name, argument, ...]: "t3" is what instruction 3 made, lists and numbers are themselves, an object holds
keyword arguments. Names are PyTorch's; what they mean besides is in `make` below. A result is "shape grad values": sizes
joined by x, the letters of dtype and of requires_grad, then elements of six digits; of a leaf a second string holds its
gradient. An instruction that throws has "!Class: sentence" for a result; null where there is none.

A program is kept when float64 gives the same as float32, within the tolerance that its test has: elsewhere rounding
decides. Values are small multiples of a quarter, so that ties and zeros are frequent.
"""
import math
import os
import random
import sys
import warnings
import zlib

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import torch  # noqa: E402
from format import write  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)

LETTERS = {torch.float32: 'f', torch.float64: 'f', torch.int64: 'i', torch.bool: 'b', torch.uint8: 'u'}

UNARY = ['neg', 'abs', 'exp', 'tanh', 'sigmoid', 'relu', 'sin', 'cos', 'square', 'sqrt', 'floor', 'round', 'sign',
         'reciprocal', 'log', 'log1p', 'erf', 'trunc', 'ceil', 'expm1']
BINARY = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow', 'remainder', 'floor_divide']
COMPARE = ['lt', 'le', 'gt', 'ge', 'eq', 'ne']
REDUCE = ['sum', 'mean', 'amax', 'amin', 'prod', 'logsumexp']
IN_PLACE_UNARY = ['neg_', 'abs_', 'exp_', 'tanh_', 'relu_', 'square_', 'sigmoid_', 'zero_', 'floor_', 'sqrt_']
IN_PLACE_BINARY = ['add_', 'sub_', 'mul_', 'div_']


class Draw:
    """Draws the next instruction over what there is."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, options):
        return self.random.choice(options)

    def quarter(self):
        return self.one([-2, -1.5, -1, -0.75, -0.5, -0.25, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1.25, 1.5, 2, 2.5, 3])

    def shape(self):
        rank = self.one([0, 1, 1, 2, 2, 2, 3])
        shape = [self.one([1, 2, 2, 3]) for _ in range(rank)]
        if self.random.random() < 0.03 and rank:
            shape[self.random.randrange(rank)] = 0
        return shape

    def leaf(self):
        shape = self.shape()
        values = [self.quarter() for _ in range(math.prod(shape))]
        return ['leaf', shape, values, int(self.random.random() < 0.7)]

    def instruction(self, pool):
        """`pool`: instruction -> tensor, of those that made one."""
        r = self.random
        names = list(pool)
        # Recent results are used most.
        at = names[-1 - min(int(r.expovariate(0.5)), len(names) - 1)]
        x, t = pool[at], f't{at}'
        other = self.one(names)
        y, u = pool[other], f't{other}'
        dim = r.randrange(-x.dim(), x.dim()) if x.dim() else 0
        size = x.shape[dim] if x.dim() else 1
        kind = r.random()
        if kind < 0.13:
            return [self.one(UNARY), t]
        if kind < 0.27:
            name = self.one(BINARY)
            # A tensor, or a number if PyTorch takes one.
            return [name, t, u if name in ('maximum', 'minimum') else self.one([u, u, u, self.quarter(), 2, 3])]
        if kind < 0.30:
            return [self.one(COMPARE), t, self.one([u, 0, 0.5])]
        if kind < 0.38:
            options = {} if r.random() < 0.4 else {'dim': self.one([dim, [dim]]), 'keepdim': r.random() < 0.5}
            name = self.one(REDUCE)
            if name == 'prod' and options:
                options['dim'] = dim
            if name == 'logsumexp' and not options:
                options = {'dim': dim}
            return [name, t, options] if options else [name, t]
        if kind < 0.41:
            if x.dtype == torch.bool:
                return ['any', t]
            return self.one([['cumsum', t, dim], ['softmax', t, dim], ['log_softmax', t, dim], ['argmax', t, dim],
                             ['max', t, dim], ['min', t, dim], ['var', t, {'dim': dim, 'unbiased': False}],
                             ['sort', t, dim], ['argmin', t]])
        if kind < 0.62:
            start = r.randint(0, size)
            return self.one([
                ['transpose', t, dim, r.randrange(x.dim()) if x.dim() else 0], ['t', t],
                ['reshape', t, self.one([[-1], [size, -1], [-1, size]])], ['view', t, self.one([[-1], [size, -1]])],
                ['unsqueeze', t, r.randint(-x.dim() - 1, x.dim())], ['squeeze', t], ['squeeze', t, dim],
                ['expand', t, [self.one([2, 3, -1]) if n == 1 else -1 for n in x.shape]],
                ['expand', t, [2] + [-1] * x.dim()], ['flatten', t], ['detach', t],
                ['narrow', t, dim, start, r.randint(0, max(size - start, 0))],
                ['cut', t, dim, start, size, 1], ['cut', t, dim, 0, self.one([1, size]), self.one([1, 2])],
                ['select', t, dim, r.randrange(-size, size) if size else 0], ['flip', t, [dim]],
                ['select', t, dim, 0], ['permute', t, r.sample(range(x.dim()), x.dim())], ['diag2', t],
            ])
        if kind < 0.67:
            return self.one([['cat', [t, u], dim], ['stack', [t, u], 0], ['where', ['gt', t], t, u], ['clone', t],
                             ['clamp', t, -0.5, 1], ['masked_fill', t, ['gt', t], 0.5],
                             ['pad', t, [1, 0], 0.5]])
        if kind < 0.73:
            rows = size or 1
            if x.dtype != y.dtype or not x.is_floating_point():
                return ['clone', t]
            return self.one([['matmul', t, u], ['matmul', t, ['tr', t]], ['matmul', ['tr', u], t], ['mm', t, u],
                             ['index_select', t, dim, ['idx', [r.randrange(rows) for _ in range(r.randint(1, 3) if x.dim() else 1)]]]])
        if kind < 0.86:
            if 0 in x.stride():
                return ['clone', t]
            return self.one([[self.one(IN_PLACE_UNARY), t], ['copy_', t, u],
                             [self.one(IN_PLACE_BINARY), t, self.one([u, u, self.quarter(), 2])],
                             ['fill_', t, self.quarter()], ['clamp_', t, -1, 1], ['put', t, dim, 0, max(size - 1, 1), u],
                             ['put', t, dim, 0, 1, self.quarter()], ['masked_fill_', t, ['gt', t], self.quarter()]])
        if kind < 0.88:
            return ['quiet_', t, self.one([0.5, 2])]
        if kind < 0.95:
            return ['backward', t, int(r.random() < 0.3)]
        return ['second', t]


def weights(x):
    """What comes in from above: never the same twice in a row, exact in every float dtype."""
    w = [((i * 7 + 3) % 11 - 5) / 4 for i in range(x.numel())]
    return torch.tensor(w, dtype=x.dtype).reshape(x.shape)


def at(x, dim, part):
    """What stands between the brackets: one slice is no tuple."""
    index = (slice(None),) * (dim % x.dim()) + (part,)
    return index if len(index) > 1 else part


def scalar(x):
    return (x * weights(x)).sum()


class Machine:
    """Runs a program; `results` are what each instruction made."""

    def __init__(self, dtype):
        self.dtype = dtype
        self.made = {}
        self.leaves = []
        self.results = []

    def value(self, x):
        if isinstance(x, str):
            return self.made[int(x[1:])]
        if isinstance(x, list) and x and isinstance(x[0], str):
            if x[0] == 'gt':
                return self.value(x[1]) > 0
            if x[0] == 'tr':
                return self.value(x[1]).transpose(-1, -2)
            if x[0] == 'idx':
                return torch.tensor(x[1])
            return [self.value(y) for y in x]
        return x

    def make(self, name, args):
        if name == 'leaf':
            shape, values, wants = args
            x = torch.tensor(values, dtype=self.dtype).reshape(shape).clone()
            if wants:
                x.requires_grad_()
            return x
        options = args[-1] if args and isinstance(args[-1], dict) else {}
        given = [self.value(x) for x in (args[:-1] if options else args)]
        x = given[0]
        if name == 'cut':
            _, dim, start, stop, step = given
            return x[at(x, dim, slice(start, stop, step))]
        if name == 'put':
            _, dim, start, stop, value = given
            x[at(x, dim, slice(start, stop))] = value
            return None
        if name == 'diag2':
            return x.unfold(0, 2, 2)
        if name == 'pad':
            return torch.nn.functional.pad(x, given[1], value=given[2])
        if name == 'quiet_':
            with torch.no_grad():
                x.mul_(given[1])
            return None
        if name == 'backward':
            scalar(x).backward(retain_graph=bool(given[1]))
            return None
        if name == 'second':
            wanted = [leaf for leaf in self.leaves if leaf.requires_grad]
            found = torch.autograd.grad(scalar(x), wanted, create_graph=True, allow_unused=True)
            total = sum((g * g).sum() for g in found if g is not None)
            # The graph of the gradients depends on what gradient rules read, which programs don't test.
            if torch.is_tensor(total) and total.requires_grad:
                total.backward(retain_graph=True)
            return None
        if name in ('cat', 'stack', 'where'):
            return getattr(torch, name)(*given)
        out = getattr(x, name)(*given[1:], **options)
        if name.endswith('_'):
            return None
        return out[0] if isinstance(out, tuple) else out

    def step(self, instruction):
        name, *args = instruction
        at = len(self.results)
        out = None
        try:
            out = self.make(name, args)
        except Exception as error:
            self.results.append(f'!{type(error).__name__}: {str(error).splitlines()[0]}')
            return
        self.results.append(None)
        if isinstance(out, torch.Tensor):
            self.made[at] = out
            if name == 'leaf':
                self.leaves.append(out)


def small(x):
    return x.numel() <= 12 and x.dim() <= 4


def fits(x):
    finite = x.detach().double()
    finite = finite[torch.isfinite(finite)]
    return small(x) and (finite.numel() == 0 or finite.abs().max() < 1e4)


def close(a, b):
    if a is None or b is None:
        return a is b
    if a.shape != b.shape or a.requires_grad != b.requires_grad:
        return False
    a, b = a.detach().double(), b.detach().double()
    if not torch.equal(a.isnan(), b.isnan()) or not torch.equal(a.isinf(), b.isinf()):
        return False
    ok = torch.isfinite(a)
    return bool(((a - b).abs() <= 2e-5 * (0.1 + b.abs()))[ok].all()) and torch.equal(a[a.isinf()], b[b.isinf()])


def number(x):
    if math.isnan(x):
        return 'n'
    if math.isinf(x):
        return 'i' if x > 0 else '-i'
    text = f'{x:.6g}'
    return text.replace('e-0', 'e-').replace('e+0', 'e')


def told(x):
    # A gradient of zeros may have no memory.
    data = torch.zeros(x.shape) if x._is_zerotensor() else x.detach()
    values = ' '.join(number(float(v)) for v in data.reshape(-1).tolist())
    return f'{"x".join(map(str, x.shape))} {LETTERS[x.dtype]}{"g" if x.requires_grad else ""} {values}'.rstrip()


# Messages that name something only PyTorch has.
FOREIGN = ['torch.', 'at::', 'Expected a proper', 'CPU', 'INTERNAL', 'dtype Long', 'iterating', 'to_string', 'unsafe', 'has no attribute', 'integer modulo',
           'not implemented', 'output type bool', 'Expected reduction dim -']


def program(seed):
    draw = Draw(seed)
    machine = Machine(torch.float32)
    lines = []
    for _ in range(draw.one([1, 2, 2, 3])):
        lines.append(draw.leaf())
        machine.step(lines[-1])
    errors = 0
    length = draw.random.randint(4, 11)
    for _ in range(200):
        if len(lines) >= length or errors > 1:
            break
        line = draw.instruction(machine.made)
        grads = [leaf.grad is not None for leaf in machine.leaves]
        machine.step(line)
        wrong = machine.results[-1]
        graded = line[0] in ('backward', 'second')
        made = machine.made.get(len(lines))
        if wrong is not None:
            # Most instructions that throw are removed again; a backward pass may have done half of its work.
            if draw.random.random() > 0.06 or any(word in wrong for word in FOREIGN):
                if graded and grads != [leaf.grad is not None for leaf in machine.leaves]:
                    return None
                machine.results.pop()
                continue
            errors += 1
        elif any(not fits(x) for x in machine.made.values()):
            if made is None:
                return None
            machine.results.pop()
            del machine.made[len(lines)]
            continue
        lines.append(line)
        if wrong is not None and graded:
            break
    precise = Machine(torch.float64)
    for line in lines:
        precise.step(line)
    if precise.results != machine.results:
        return None
    broken = machine.results[-1] is not None and lines[-1][0] in ('backward', 'second')
    # Quirks: a bool that requires a gradient, and writes to repeated memory, which are deprecated.
    if any(x.requires_grad and not x.is_floating_point() for x in machine.made.values()):
        return None
    for at, x in machine.made.items():
        if not close(x, precise.made[at]):
            return None
        machine.results[at] = told(x)
    for x, y in zip(machine.leaves, precise.leaves):
        if x.grad is None:
            continue
        if broken or not close(x.grad, y.grad) or not fits(x.grad):
            return None
        # Infinities and NaN in a second derivative depend on how the first one is written.
        if any(line[0] == 'second' for line in lines) and not torch.isfinite(x.grad).all():
            return None
        at = next(i for i, made in machine.made.items() if made is x)
        machine.results[at] = [machine.results[at], told(x.grad)]
    return {'p': lines, 'r': machine.results}


def interesting(found):
    """Long enough, and gradients or an error come of it; one of eight may do without."""
    told = any(isinstance(x, list) or (x or '').startswith('!') for x in found['r'])
    return len(found['p']) > 4 and (told or zlib.crc32(repr(found).encode()) % 8 == 0)


def main():
    count, first = (int(x) for x in (sys.argv[1:] + ['2000', '12'][len(sys.argv) - 1:])[:2])
    found, seed = [], first * 1_000_000
    while len(found) < count:
        seed += 1
        one = program(seed)
        if one is not None and interesting(one):
            found.append(one)
    print(f'{count} of {seed - first * 1_000_000} drawn')
    write('packages/backend-conformance/golden/programs.json', found)


if __name__ == '__main__':
    main()
