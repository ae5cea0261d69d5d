#!/usr/bin/env python3
"""What real PyTorch's autograd does: packages/core/test/golden/autograd.json, by `python3 tools/golden/golden.py autograd`.

section -> case -> result. A result is a tensor ({"dtype", "shape", "data"}), a list of results, a string, a number, a
bool, null, or an error ({"error": class, "message": sentence}). Every case is performed again, under the same name, by
packages/core/test/autograd*.test.ts and views.test.ts, which compare. `views` is every pattern of writing through every
view; `slopes` (expr.test.ts) the first and second derivative of every elementwise operation at ties, kinks, infinities.
"""
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch.autograd import Function, grad, gradcheck, gradgradcheck  # noqa: E402
import torch.autograd.forward_ad as fwAD  # noqa: E402
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks  # noqa: E402
from torch.utils.checkpoint import checkpoint, checkpoint_sequential  # noqa: E402
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp  # noqa: E402
from format import NAMES, data_of, write  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)
out = {}


def encode(value):
    if isinstance(value, torch.Tensor):
        if value._is_zerotensor():
            value = torch.zeros(value.shape, dtype=value.dtype)
        return {'dtype': NAMES[value.dtype], 'shape': list(value.shape), 'data': data_of(value)}
    if isinstance(value, (list, tuple)):
        return [encode(v) for v in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return type(value).__name__  # a node


def perform(fn):
    try:
        return encode(fn())
    except Exception as error:  # noqa: BLE001
        return {'error': type(error).__name__, 'message': str(error)}


def case(section, name):
    def add(fn):
        cases = out.setdefault(section, {})
        assert name not in cases, name
        cases[name] = perform(fn)
        return fn

    return add


def leaf(*values):
    return torch.tensor([float(v) for v in values], requires_grad=True)


def seq(*shape, start=1.0, step=1.0, requires_grad=False):
    n = 1
    for size in shape:
        n *= size
    x = (torch.arange(n, dtype=torch.float32) * step + start).reshape(shape)
    return x.requires_grad_(requires_grad)


# ---- backward ----

S = 'backward'


@case(S, 'two backwards add up')
def _():
    x = leaf(1, 2)
    (x * x).sum().backward()
    first = x.grad.clone()
    (x * x).sum().backward()
    return first, x.grad


@case(S, 'two backwards add up in every leaf')
def _():
    xs = [leaf(1, 2), leaf(3, 4), leaf(5, 6)]
    for _ in range(2):
        (xs[0] * xs[1] * xs[2]).sum().backward()
    return [x.grad for x in xs]


@case(S, 'a leaf used many times')
def _():
    x = leaf(1, 2, 3)
    (x * x * x + x + x).sum().backward()
    return x.grad


@case(S, 'a leaf itself')
def _():
    x = torch.tensor(2.0, requires_grad=True)
    x.backward()
    return x.grad


@case(S, 'with a gradient')
def _():
    x = leaf(1, 2)
    (x * x).backward(torch.tensor([1.0, 10.0]))
    return x.grad


@case(S, 'with a gradient of another dtype')
def _():
    x = leaf(1, 2)
    (x * x).backward(torch.tensor([1.0, 10.0], dtype=torch.float64))
    (x * x).backward(torch.tensor([1, 10]))
    return x.grad


@case(S, 'of several elements that need no gradient')
def _():
    torch.ones(2).backward()


@case(S, 'with a gradient of another shape')
def _():
    x = leaf(1, 2)
    (x * x).backward(torch.ones(3))


@case(S, 'of several elements')
def _():
    (leaf(1, 2) * 2).backward()


@case(S, 'of several outputs')
def _():
    x = leaf(1, 2)
    torch.autograd.backward([(x * x).sum(), x * 3], [None, torch.tensor([1.0, 2.0])])
    return x.grad


@case(S, 'of two outputs with one gradient')
def _():
    x = leaf(1, 2)
    torch.autograd.backward([x * 2, x * 3], [torch.ones(2)])


@case(S, 'the same output twice')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    torch.autograd.backward([y, y])
    return x.grad


@case(S, 'an output and what it was made from')
def _():
    x = leaf(1, 2)
    y = x * x
    torch.autograd.backward([(y * y).sum(), y.sum()])
    return x.grad


@case(S, 'without a graph')
def _():
    torch.ones(2).sum().backward()


@case(S, 'of the second output, without a graph')
def _():
    torch.autograd.backward([leaf(1, 2).sum(), torch.ones(2).sum()])


@case(S, 'twice')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward()
    y.backward()


@case(S, 'twice, where nothing was saved')
def _():
    x = leaf(1, 2)
    y = (x + 1).sum()
    y.backward()
    y.backward()
    return x.grad


@case(S, 'twice through a part that was shared')
def _():
    x = leaf(1, 2)
    y = x.exp()
    y.sum().backward()
    (y * 2).sum().backward()


@case(S, 'twice with retain_graph')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    return x.grad


@case(S, 'three times, the second lets go')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    y.backward()


@case(S, 'with create_graph')
def _():
    x = leaf(1, 2)
    (x * x * x).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    name = g.grad_fn
    g.sum().backward()
    return g.detach(), x.grad, name


@case(S, 'create_graph adds to a gradient')
def _():
    x = leaf(1, 2)
    (x * x * x).sum().backward(create_graph=True)
    (x * x * x).sum().backward(create_graph=True)
    g = x.grad
    x.grad = None
    g.sum().backward()
    return g.detach(), x.grad


@case(S, 'inside no_grad')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    with torch.no_grad():
        y.backward()
    return x.grad, x.grad.requires_grad


@case(S, 'create_graph inside no_grad')
def _():
    x = leaf(1, 2)
    y = (x * x * x).sum()
    with torch.no_grad():
        (g,) = grad(y, x, create_graph=True)
    return g, g.requires_grad


@case(S, 'only into some inputs')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    (x * w).sum().backward(inputs=[w])
    return x.grad, w.grad


@case(S, 'only into a result')
def _():
    x = leaf(1, 2)
    y = x * 2
    (y * y).sum().backward(inputs=[y])
    return y.grad, x.grad


@case(S, 'only into an input that was not used')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    (x * 2).sum().backward(inputs=w)
    return x.grad, w.grad


@case(S, 'only into nothing')
def _():
    leaf(1, 2).sum().backward(inputs=[])


@case(S, 'only into what needs no gradient')
def _():
    leaf(1, 2).sum().backward(inputs=[torch.ones(2)])


@case(S, 'gradients of a sum are not shared')
def _():
    x, y = leaf(1, 2), leaf(3, 4)
    (x + y).sum().backward()
    x.grad.zero_()
    return x.grad, y.grad


@case(S, 'gradients under create_graph are not shared')
def _():
    x, y = leaf(1, 2), leaf(3, 4)
    (x + y).backward(torch.tensor([1.0, 2.0]), create_graph=True)
    x.grad.zero_()
    return x.grad, y.grad


@case(S, 'the given gradient is not taken over')
def _():
    x = leaf(1, 2)
    g = torch.tensor([1.0, 2.0])
    (x + 1).backward(g)
    x.grad.zero_()
    return x.grad, g


@case(S, 'adding to a gradient keeps its memory')
def _():
    x = leaf(1, 2)
    (x * 3).sum().backward()
    g = x.grad
    (x * 4).sum().backward()
    return g, g is x.grad


@case(S, 'gradients through a transpose and a sum')
def _():
    x, y = seq(2, 3, requires_grad=True), seq(3, 2, requires_grad=True)
    (x + y.t()).backward(seq(2, 3))
    x.grad.zero_()
    return x.grad, y.grad


@case(S, 'of a zero-dimensional with a vector')
def _():
    a, x = torch.tensor(2.0, requires_grad=True), leaf(1, 2, 3)
    (a * x + a).backward(torch.tensor([1.0, 10.0, 100.0]))
    return a.grad, x.grad


@case(S, 'of broadcast operands')
def _():
    x, y, z = seq(3, 1, requires_grad=True), seq(2, 1, 4, requires_grad=True), leaf(5)
    (x * y + z).backward(seq(2, 3, 4))
    return x.grad, y.grad, z.grad


@case(S, 'of float32 with float64')
def _():
    x = leaf(1, 2)
    y = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    z = x * y
    z.sum().backward()
    return z.detach(), x.grad, y.grad


@case(S, 'of float32 with a zero-dimensional float64')
def _():
    x = leaf(1, 2)
    y = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    z = x * y
    z.sum().backward()
    return z.detach(), x.grad, y.grad


@case(S, 'with an integer operand')
def _():
    x = leaf(1, 2)
    (x * torch.tensor([2, 3]) + torch.tensor([True, False])).sum().backward()
    return x.grad


@case(S, 'through a cast to int and back')
def _():
    x = leaf(1.5, 2.5)
    y = x.int().float()
    return y.requires_grad, (x * y).grad_fn


@case(S, 'through a cast to double')
def _():
    x = leaf(1, 2)
    y = x.double() * 2
    y.sum().backward()
    return y.grad_fn, x.grad


@case(S, 'of an empty tensor')
def _():
    x = torch.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    return x.grad


# ---- grad ----

S = 'grad'


@case(S, 'of several inputs')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    return grad((x * w).sum(), [x, w]), x.grad


@case(S, 'of a result and a leaf')
def _():
    x = leaf(1, 2)
    y = x * 2
    return grad((y * y).sum(), [y, x])


@case(S, 'of the output itself')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    return grad(y, [y, x])


@case(S, 'of a leaf by itself')
def _():
    x = torch.tensor(2.0, requires_grad=True)
    return grad(x, x)


@case(S, 'the same input twice')
def _():
    x = leaf(1, 2)
    return grad((x * x).sum(), [x, x])


@case(S, 'of several outputs')
def _():
    x = leaf(1, 2)
    return grad([x * x, x * 3], x, grad_outputs=[torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])])


@case(S, 'unused')
def _():
    grad((leaf(1, 2) * 2).sum(), leaf(1, 2))


@case(S, 'unused and allowed')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    return grad((x * 2).sum(), [w, x], allow_unused=True)


@case(S, 'of what needs no gradient')
def _():
    grad((leaf(1, 2) * 2).sum(), torch.ones(2))


@case(S, 'with a gradient of another shape')
def _():
    x = leaf(1, 2)
    grad(x * 2, x, torch.ones(3))


@case(S, 'of several elements')
def _():
    x = leaf(1, 2)
    grad(x * 2, x)


@case(S, 'twice')
def _():
    x = leaf(1, 2)
    y = (x * x).sum()
    grad(y, x)
    grad(y, x)


@case(S, 'lets go only what it passed')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    y, z = x.exp(), w.exp()
    s = (y + z).sum()
    grad(s, x)
    return grad(s, w)


@case(S, 'three times differentiated')
def _():
    x = torch.tensor(3.0, requires_grad=True)
    names = []
    y = x**4
    for _ in range(3):
        (y,) = grad(y, x, create_graph=True)
        names.append(y.grad_fn)
    return y.detach(), grad(y, x), names


@case(S, 'a penalty on a gradient')
def _():
    x, w = seq(2, 3, requires_grad=True), seq(3, 2, step=0.5, requires_grad=True)
    (g,) = grad(torch.tanh(x @ w * 0.1).sum(), x, create_graph=True)
    (g * g).sum().backward()
    return x.grad, w.grad


@case(S, 'mixed second derivatives')
def _():
    x, y = torch.tensor(1.5, requires_grad=True), torch.tensor(0.5, requires_grad=True)
    f = (x * y).sin() * x
    gx, gy = grad(f, [x, y], create_graph=True)
    return grad(gx, [x, y], retain_graph=True), grad(gy, [x, y])


# ---- hooks ----

S = 'hooks'


@case(S, 'a hook on a leaf replaces')
def _():
    x = leaf(1, 2)
    x.register_hook(lambda g: g * 10)
    (x * 2).sum().backward()
    return x.grad


@case(S, 'a hook on a result replaces')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward()
    return x.grad


@case(S, 'hooks in their order')
def _():
    x = leaf(1, 2)
    y = x * 2
    seen = []
    y.register_hook(lambda g: (seen.append(g), g + 1)[1])
    y.register_hook(lambda g: seen.append(g))
    y.register_hook(lambda g: g * 2)
    (y * 3).sum().backward()
    return x.grad, seen


@case(S, 'a hook that was removed')
def _():
    x = leaf(1, 2)
    h = x.register_hook(lambda g: g * 10)
    h.remove()
    (x * 2).sum().backward()
    return x.grad


@case(S, 'one of three hooks that was removed')
def _():
    x = leaf(1, 2)
    _, h, _ = [x.register_hook(f) for f in (lambda g: g * 10, lambda g: g * 0, lambda g: g + 5)]
    h.remove()
    (x * 2).sum().backward()
    return x.grad


@case(S, 'a hook sees the sum of all that arrives')
def _():
    x = leaf(1, 2)
    y = x * 2
    seen = []
    y.register_hook(lambda g: seen.append(g))
    (y * 3 + y * 4).sum().backward()
    return seen


@case(S, 'what a hook saw stays as it was')
def _():
    x = leaf(1, 2)
    seen = []
    x.register_hook(lambda g: seen.append(g))
    (x * 2).sum().backward()
    (x * 3).sum().backward()
    return seen, x.grad


@case(S, 'a hook of a leaf and grad()')
def _():
    x = leaf(1, 2)
    x.register_hook(lambda g: g * 10)
    return grad((x * 2).sum(), x)


@case(S, 'a hook of a result and grad()')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    return grad((y * 3).sum(), [y, x])


@case(S, 'on what needs no gradient')
def _():
    torch.ones(2).register_hook(lambda g: g)


@case(S, 'that changes the size')
def _():
    x = leaf(1, 2)
    x.register_hook(lambda g: g[0])
    x.sum().backward()


@case(S, 'that changes the dtype')
def _():
    x = leaf(1, 2)
    x.register_hook(lambda g: g.double())
    x.sum().backward()


@case(S, 'retain_grad')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    z = y * 3
    z.sum().backward()
    return y.grad, x.grad, y.retains_grad, z.retains_grad, x.retains_grad


@case(S, 'retain_grad adds up')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    (y * 3).sum().backward(retain_graph=True)
    (y * 4).sum().backward()
    return y.grad


@case(S, 'retain_grad of a leaf')
def _():
    x = leaf(1, 2)
    x.retain_grad()
    (x * 2).sum().backward()
    return x.grad


@case(S, 'retain_grad of what needs no gradient')
def _():
    torch.ones(2).retain_grad()


@case(S, 'retain_grad, then a hook')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 3).sum().backward()
    return y.grad, x.grad


@case(S, 'a hook, then retain_grad')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.retain_grad()
    (y * 3).sum().backward()
    return y.grad, x.grad


@case(S, 'retain_grad moves with a write')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    y.mul_(5)
    (y * 3).sum().backward()
    return y.grad, x.grad


@case(S, 'retain_grad moves with a write through a view')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.retain_grad()
    y[0:1].mul_(5)
    (y * 3).sum().backward()
    return y.grad, x.grad


@case(S, 'retain_grad of a view moves with a write to the base')
def _():
    x = leaf(1, 2)
    y = x * 2
    v = y[0:1]
    v.retain_grad()
    y.mul_(5)
    (v * 3).sum().backward()
    return v.grad, x.grad


@case(S, 'a hook stays where it was after a write')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.register_hook(lambda g: g + 100)
    y.mul_(5)
    (y * 3).sum().backward()
    return x.grad


@case(S, 'backward inside a hook')
def _():
    x, w = leaf(1, 2), leaf(3, 4)

    def hook(g):
        with torch.enable_grad():
            (w * w).sum().backward()

    y = x * 2
    y.register_hook(hook)
    (y * 3).sum().backward()
    return x.grad, w.grad


@case(S, 'backward through the same graph inside a hook')
def _():
    x = leaf(1, 2)
    y = x * x
    z = y * y
    state = {'done': False}

    def hook(g):
        if not state['done']:
            state['done'] = True
            with torch.enable_grad():
                (y * 3).sum().backward(retain_graph=True)

    y.register_hook(hook)
    z.sum().backward(retain_graph=True)
    return x.grad


# ---- leaves, modes, errors of writing ----

S = 'modes'


@case(S, 'leaves and results')
def _():
    x, c = leaf(1, 2), torch.ones(2)
    y = x * 2
    return [
        [x.is_leaf, x.requires_grad], [c.is_leaf, c.requires_grad], [y.is_leaf, y.requires_grad],
        [(c * 2).is_leaf, (c * 2).requires_grad], [y.detach().is_leaf, y.detach().requires_grad],
    ]


@case(S, 'requires_grad of integers')
def _():
    torch.tensor([1, 2]).requires_grad_()


@case(S, 'requires_grad of integers, set')
def _():
    torch.tensor([1, 2]).requires_grad = True


@case(S, 'requires_grad of integers, made')
def _():
    torch.ones(2, dtype=torch.int64, requires_grad=True)


@case(S, 'requires_grad of a result')
def _():
    (leaf(1, 2) * 2).requires_grad = False


@case(S, 'requires_grad of a result, true')
def _():
    y = leaf(1, 2) * 2
    y.requires_grad_()
    return y.requires_grad, y.is_leaf


@case(S, 'requires_grad later')
def _():
    x = torch.ones(2)
    y = x * 2
    x.requires_grad_()
    z = x * 3
    z.sum().backward()
    return y.requires_grad, x.grad


@case(S, 'no_grad')
def _():
    x = leaf(1, 2)
    with torch.no_grad():
        y = x * 2
        z = torch.ones(1, requires_grad=True)
        with torch.enable_grad():
            w = x * 2
    return y.requires_grad, z.requires_grad, w.requires_grad, w.grad_fn


@case(S, 'inference_mode')
def _():
    x = leaf(1, 2)
    c = torch.ones(2)
    with torch.inference_mode():
        y = x * 2
        v = c[0:1]
        d = c.detach()
        with torch.enable_grad():
            z = x * 2
        made = torch.ones(2, requires_grad=True)
        in_place = torch.ones(2).add_(1)
    return [
        y.requires_grad, y.is_inference(), v.is_inference(), d.is_inference(), z.requires_grad, made.requires_grad,
        y[0:1].is_inference(), (y + 1).is_inference(), y.clone().is_inference(), in_place.is_inference(), c.is_inference(),
    ]


def inferred():
    with torch.inference_mode():
        return torch.ones(2)


@case(S, 'a write to an inference tensor')
def _():
    inferred().add_(1)


@case(S, 'a write to an inference tensor in no_grad')
def _():
    with torch.no_grad():
        inferred().add_(1)


@case(S, 'an inference tensor that is saved')
def _():
    leaf(1, 2) * inferred()


@case(S, 'an inference tensor that is not saved')
def _():
    x = leaf(1, 2)
    y = x + inferred()
    y.sum().backward()
    return y.grad_fn, x.grad


@case(S, 'an inference tensor that shall require a gradient')
def _():
    inferred().requires_grad_()


@case(S, 'a write to a leaf')
def _():
    leaf(1, 2).add_(1)


@case(S, 'a write to a view of a leaf')
def _():
    leaf(1, 2)[0:1].add_(1)


@case(S, 'a write to a leaf in no_grad')
def _():
    x = leaf(1, 2)
    with torch.no_grad():
        x.add_(1)
        x[0:1].mul_(5)
    (x * x).sum().backward()
    return x.detach(), x.grad, x._version


@case(S, 'a write to a leaf that was saved')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    y = (x * w).sum()
    with torch.no_grad():
        w.add_(1)
    y.backward()


@case(S, 'a write to a saved result')
def _():
    y = leaf(1, 2).exp()
    y.add_(1)
    y.sum().backward()


@case(S, 'a write to a saved operand')
def _():
    y = leaf(1, 2) * 2
    z = y * leaf(3, 4)
    y.add_(1)
    z.sum().backward()


@case(S, 'a write to a saved constant')
def _():
    c = torch.ones(2)
    z = leaf(1, 2) * c
    c.add_(1)
    z.sum().backward()


@case(S, 'a write through a view of a saved operand')
def _():
    y = leaf(1, 2) * 2
    z = y * leaf(3, 4)
    y[0:1].add_(1)
    z.sum().backward()


@case(S, 'a write to the base of a saved view')
def _():
    y = leaf(1, 2, 3) * 2
    z = y[0:2] * leaf(3, 4)
    y.add_(1)
    z.sum().backward()


@case(S, 'a write to a saved constant, anomaly')
def _():
    with torch.autograd.detect_anomaly():
        c = torch.ones(2)
        z = leaf(1, 2) * c
        c.add_(1)
        z.sum().backward()


@case(S, 'NaN, anomaly')
def _():
    with torch.autograd.detect_anomaly():
        leaf(-1, 4).sqrt().sum().backward()


@case(S, 'NaN in the second input, anomaly')
def _():
    with torch.autograd.detect_anomaly():
        x, w = leaf(1, 2), leaf(0, 0)
        (x.log() * float('nan') * 0 + x / w * 0 * w).sum().backward()


@case(S, 'an input without a gradient, anomaly')
def _():
    with torch.autograd.detect_anomaly():
        x = leaf(1, 2)
        (torch.tensor([3.0, 4.0]) * x * torch.ones(2)).sum().backward()
    return x.grad


@case(S, 'a write to what was read but not saved')
def _():
    x = leaf(1, 2)
    y = x * 2
    z = y + 1
    y.mul_(100)
    z.sum().backward()
    return x.grad


@case(S, 'a write to repeated memory')
def _():
    torch.ones(3, 1).expand(3, 4).add_(1)


@case(S, 'versions')
def _():
    x = torch.ones(3)
    v = x[0:2]
    d = x.detach()
    versions = [x._version]
    x.add_(1)
    v.mul_(2)
    d.zero_()
    return versions, x._version, v._version, d._version


def untracked():
    b = leaf(1, 2, 3) * 2
    with torch.no_grad():
        return b, b[0:2]


@case(S, 'a view made in no_grad, written to')
def _():
    _, v = untracked()
    v.add_(1)


@case(S, 'a view made in no_grad, its base written to')
def _():
    b, v = untracked()
    b.add_(1)
    v * 2


@case(S, 'a view made in no_grad, written to in no_grad')
def _():
    b, v = untracked()
    with torch.no_grad():
        v.add_(1)
    return b.detach(), b.requires_grad


@case(S, 'a view made in no_grad, asked in no_grad after a write')
def _():
    b, v = untracked()
    with torch.no_grad():
        b.add_(1)
        return v.requires_grad, v * 2


@case(S, 'a view made in no_grad of what needs no gradient')
def _():
    b = torch.ones(3)
    with torch.no_grad():
        v = b[0:2]
    v.add_(1)
    return b, v.requires_grad


@case(S, 'a view made in no_grad gets what needs a gradient')
def _():
    b = torch.ones(3)
    with torch.no_grad():
        v = b[0:2]
    v.mul_(leaf(1, 2))


# ---- writing: what becomes of a result ----

S = 'writes'


def written(name, fn):
    @case(S, name)
    def _():
        x, w = leaf(0.5, 2), leaf(3, 4)
        y = x * 1
        fn(y, w)
        y.backward(torch.tensor([1.0, 10.0]))
        return y.detach(), y.grad_fn, x.grad, w.grad


written('add_ a number', lambda y, w: y.add_(1))
written('add_ a tensor', lambda y, w: y.add_(w))
written('sub_ with alpha', lambda y, w: y.sub_(w, alpha=2))
written('mul_ a tensor', lambda y, w: y.mul_(w))
written('div_ a tensor', lambda y, w: y.div_(w))
written('pow_', lambda y, w: y.pow_(3))
written('log_', lambda y, w: y.log_())
written('exp_', lambda y, w: y.exp_())
written('sigmoid_', lambda y, w: y.sigmoid_())
written('tanh_', lambda y, w: y.tanh_())
written('relu_', lambda y, w: y.relu_())
written('sqrt_', lambda y, w: y.sqrt_())
written('sin_', lambda y, w: y.sin_())
written('abs_', lambda y, w: y.abs_())
written('neg_', lambda y, w: y.neg_())
written('clamp_', lambda y, w: y.clamp_(0, 1))
written('zero_', lambda y, w: y.zero_())
written('fill_', lambda y, w: y.fill_(7))
written('copy_ a tensor', lambda y, w: y.copy_(w))
written('copy_ a constant', lambda y, w: y.copy_(torch.ones(2)))
written('copy_ a double', lambda y, w: y.copy_(w.double()))
written('two in a row', lambda y, w: y.mul_(w).exp_())
written('three that save', lambda y, w: y.sigmoid_().mul_(w).tanh_())
written('a double factor', lambda y, w: y.mul_(w.double()))
written('a flipped factor', lambda y, w: y.mul_(w.flip(0)))


@case(S, 'a factor that is the result itself')
def _():
    x = leaf(1, 2)
    y = x * 1
    y.add_(y)
    y.sum().backward()
    return y.detach(), x.grad


@case(S, 'flip is a copy')
def _():
    x = leaf(1, 2, 3)
    y = x * 1
    f = y.flip(0)
    f.mul_(10)
    y.add_(1)
    (f * torch.tensor([1.0, 2.0, 3.0])).sum().backward()
    return y.detach(), f.detach(), x.grad


@case(S, 'a constant that gets a result')
def _():
    w = leaf(3, 4)
    c = torch.ones(2)
    c.mul_(w)
    before = c.is_leaf
    (c * c).sum().backward()
    return c.detach(), before, w.grad


@case(S, 'a constant that gets a result through a view')
def _():
    w = leaf(3, 4)
    c = torch.ones(3)
    c[1:].mul_(w)
    (c * c).sum().backward()
    return c.detach(), c.is_leaf, w.grad


@case(S, 'detach shares memory')
def _():
    x = leaf(1, 2)
    y = x * 2
    y.detach().add_(1)
    y.sum().backward()
    return y.detach(), x.grad, y._version


@case(S, 'a write to a detached saved result')
def _():
    y = leaf(1, 2).exp()
    y.detach().add_(1)
    y.sum().backward()


@case(S, 'a detached tensor gets a result')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    y = x * 2
    d = y.detach()
    d.mul_(w)
    d.sum().backward()
    return y.detach(), y.requires_grad, d.grad_fn, w.grad, x.grad


@case(S, 'a view of a detached tensor gets a result')
def _():
    x, w = leaf(1, 2), leaf(3)
    y = x * 2
    d = y.detach()
    v = d[0:1]
    v.mul_(w)
    (d * d).sum().backward()
    return y.detach(), d.detach(), w.grad, x.grad


@case(S, 'detach_')
def _():
    x = leaf(1, 2)
    y = x * 2
    z = y * 3
    y.detach_()
    z.sum().backward()
    return y.requires_grad, y.is_leaf, x.grad


@case(S, 'in no_grad, on a result')
def _():
    x = leaf(1, 2)
    y = x * 2
    with torch.no_grad():
        y.mul_(10)
    (y * y).sum().backward()
    return y.detach(), x.grad


@case(S, 'in no_grad, on the base of a view')
def _():
    x = leaf(1, 2)
    y = x * 2
    v = y[0:1]
    with torch.no_grad():
        y.mul_(10)
    (v * v).sum().backward()
    return v.detach(), x.grad


@case(S, 'a chain of writes and reads')
def _():
    x = seq(3, 4, requires_grad=True)
    y = x * 1
    a = y[0].sum()
    y[0] = 0
    b = y.sum()
    y[:, 1] *= 2
    c = y.exp().sum()
    y += 1
    d = y.t()[2].sum()
    (a + b * 2 + c * 3 + d * 4).backward()
    return y.detach(), x.grad


@case(S, 'a loop that fills rows')
def _():
    x = leaf(1, 2, 3)
    rows = torch.zeros(4, 3)
    state = x
    for i in range(4):
        rows[i] = state
        state = state * state * 0.5
    (rows * seq(4, 3)).sum().backward()
    return rows.detach(), x.grad


@case(S, 'names after writes')
def _():
    y = seq(2, 3, requires_grad=True) * 1
    v = y.t()
    u = y[0]
    names = [v.grad_fn, u.grad_fn]
    v.mul_(2)
    return names, y.grad_fn, y[0].grad_fn, y.view(6).grad_fn


# ---- names ----

S = 'names'

ELEMENTWISE = {
    'add': lambda x, y: x + y, 'add a number': lambda x, y: x + 1, 'sub': lambda x, y: x - y, '1 - x': lambda x, y: 1 - x,
    'mul': lambda x, y: x * y, 'mul a number': lambda x, y: x * 2, 'div': lambda x, y: x / y,
    'div a number': lambda x, y: x / 2, '1 / x': lambda x, y: 1 / x, 'neg': lambda x, y: -x, 'pow': lambda x, y: x**y,
    'pow a number': lambda x, y: x**2, 'a number to the power x': lambda x, y: 2**x, 'abs': lambda x, y: x.abs(),
    'sign': lambda x, y: x.sign(), 'sqrt': lambda x, y: x.sqrt(), 'exp': lambda x, y: x.exp(), 'log': lambda x, y: x.log(),
    'expm1': lambda x, y: x.expm1(), 'log1p': lambda x, y: x.log1p(), 'sin': lambda x, y: x.sin(),
    'cos': lambda x, y: x.cos(), 'tanh': lambda x, y: x.tanh(), 'sigmoid': lambda x, y: x.sigmoid(),
    'relu': lambda x, y: x.relu(), 'leakyRelu': lambda x, y: torch.nn.functional.leaky_relu(x),
    'maximum': lambda x, y: torch.maximum(x, y), 'minimum': lambda x, y: torch.minimum(x, y),
    'clamp': lambda x, y: x.clamp(0, 1), 'clamp below': lambda x, y: x.clamp(min=0), 'clamp above': lambda x, y: x.clamp(max=1),
    'clamp by tensors': lambda x, y: torch.clamp(x, y, y + 1), 'clamp by a tensor': lambda x, y: torch.clamp(x, min=y),
    'where': lambda x, y: torch.where(x > 0, x, y), 'floor': lambda x, y: x.floor(), 'ceil': lambda x, y: x.ceil(),
    'trunc': lambda x, y: x.trunc(), 'round': lambda x, y: x.round(), 'remainder': lambda x, y: x.remainder(y),
    'remainder of a number': lambda x, y: x.remainder(2), 'square': lambda x, y: x.square(), 'double': lambda x, y: x.double(),
    'clone': lambda x, y: x.clone(), 'div, trunc': lambda x, y: torch.div(x, y, rounding_mode='trunc'),
    'sum': lambda x, y: x.sum(), 'sum of a dim': lambda x, y: x.sum(0), 'mean': lambda x, y: x.mean(),
    'mean of a dim': lambda x, y: x.mean(0), 'amax': lambda x, y: x.amax(0), 'amin': lambda x, y: x.amin(0),
    'max': lambda x, y: x.max(), 'min': lambda x, y: x.min(), 'max of a dim': lambda x, y: x.max(0).values,
    'prod': lambda x, y: x.prod(), 'prod of a dim': lambda x, y: x.prod(0), 'var': lambda x, y: x.var(),
    'var of a dim': lambda x, y: x.var(0), 'std': lambda x, y: x.std(), 'std of a dim': lambda x, y: x.std(0),
    'cumsum': lambda x, y: x.cumsum(0), 'cumprod': lambda x, y: x.cumprod(0),
    'cummax': lambda x, y: x.cummax(0).values, 'cummin': lambda x, y: x.cummin(0).values,
    'scatterReduce': lambda x, y: x.scatter_reduce(0, (y > 9).long(), y, 'amax'), 'logsumexp': lambda x, y: x.logsumexp(0), 'softmax': lambda x, y: x.softmax(0),
    'logSoftmax': lambda x, y: x.log_softmax(0), 'matmul': lambda x, y: x @ y.t(), 'mm': lambda x, y: x.mm(y.t()),
    'bmm': lambda x, y: x[None].bmm(y.t()[None]), 'mv': lambda x, y: x.mv(y[0]), 'dot': lambda x, y: x[0].dot(y[0]),
    'addmm': lambda x, y: torch.addmm(x[:, :2], x, y.t()), 'matmul of batches': lambda x, y: x[None] @ y.t()[None],
    'matmul with a vector': lambda x, y: x @ y[0], 'linear': lambda x, y: torch.nn.functional.linear(x, y, y[:, 0]),
    'linear without bias': lambda x, y: torch.nn.functional.linear(x, y),
    'linear of batches': lambda x, y: torch.nn.functional.linear(x[None], y, y[:, 0]),
    'einsum of matrices': lambda x, y: torch.einsum('ij,kj->ik', x, y),
    'einsum in another order': lambda x, y: torch.einsum('ij,kj->ki', x, y),
    'einsum of elements': lambda x, y: torch.einsum('ij,ij->ij', x, y),
    'einsum of one': lambda x, y: torch.einsum('ij->ji', x), 'einsum that sums': lambda x, y: torch.einsum('ij->j', x),
    'einsum of three': lambda x, y: torch.einsum('ij,kj,kl->il', x, y, x),
    'tensordot': lambda x, y: torch.tensordot(x, y, ([1], [1])),
    'bilinear': lambda x, y: torch.nn.functional.bilinear(x, y, torch.ones(2, 3, 3)),
    'bilinear with a bias': lambda x, y: torch.nn.functional.bilinear(x, y, torch.ones(2, 3, 3), torch.ones(2)),
    'conv1d': lambda x, y: torch.conv1d(x[None], torch.ones(1, 2, 2)),
    'conv1d without a batch': lambda x, y: torch.conv1d(x, torch.ones(1, 2, 2), torch.ones(1)),
    'conv1d that keeps the size': lambda x, y: torch.conv1d(x[None], torch.ones(1, 2, 2), padding='same'),
    'conv2d': lambda x, y: torch.conv2d(x[None, None], torch.ones(1, 1, 2, 2), torch.ones(1)),
    'convTranspose1d': lambda x, y: torch.conv_transpose1d(x[None], torch.ones(2, 1, 2), torch.ones(1)),
    'convTranspose2d': lambda x, y: torch.conv_transpose2d(x[None, None], torch.ones(1, 1, 2, 2)),
    'maxPool1d': lambda x, y: torch.nn.functional.max_pool1d(x, 2),
    'maxPool2d': lambda x, y: torch.nn.functional.max_pool2d(x[None], 2),
    'maxPool3d': lambda x, y: torch.nn.functional.max_pool3d(x[None, None], (1, 2, 2)),
    'avgPool1d': lambda x, y: torch.nn.functional.avg_pool1d(x, 2),
    'avgPool2d': lambda x, y: torch.nn.functional.avg_pool2d(x[None], 2),
    'avgPool3d': lambda x, y: torch.nn.functional.avg_pool3d(x[None, None], (1, 2, 2)),
    'adaptiveAvgPool1d': lambda x, y: torch.nn.functional.adaptive_avg_pool1d(x, 2),
    'adaptiveAvgPool2d': lambda x, y: torch.nn.functional.adaptive_avg_pool2d(x[None], 2),
    'adaptiveAvgPool2d to a single element': lambda x, y: torch.nn.functional.adaptive_avg_pool2d(x[None], 1),
    'adaptiveAvgPool3d': lambda x, y: torch.nn.functional.adaptive_avg_pool3d(x[None, None], (1, 2, 2)),
    'adaptiveMaxPool1d': lambda x, y: torch.nn.functional.adaptive_max_pool1d(x, 2),
    'adaptiveMaxPool2d': lambda x, y: torch.nn.functional.adaptive_max_pool2d(x[None], 2),
    'maxUnpool1d': lambda x, y: torch.nn.functional.max_unpool1d(x, torch.tensor([[0, 2, 4], [1, 3, 5]]), 2),
    'maxUnpool2d': lambda x, y: torch.nn.functional.max_unpool2d(x[None], torch.tensor([[[0, 2, 4], [1, 3, 5]]]), 2),
    'lpPool1d': lambda x, y: torch.nn.functional.lp_pool1d(x, 2, 2),
    'fractionalMaxPool2d': lambda x, y: torch.nn.functional.fractional_max_pool2d(x[None], 1, 1),
    'unfold2d': lambda x, y: torch.nn.functional.unfold(x[None], 2),
    'fold': lambda x, y: torch.nn.functional.fold(x, (1, 3), (2, 1), padding=(1, 0), stride=(3, 1)),
    'adaptiveMaxPool3d': lambda x, y: torch.nn.functional.adaptive_max_pool3d(x[None, None], (1, 2, 2)),
    'reshape': lambda x, y: x.reshape(6), 'reshape with a copy': lambda x, y: x.t().reshape(6), 'view': lambda x, y: x.view(6),
    'flatten': lambda x, y: x.flatten(), 'permute': lambda x, y: x.permute(1, 0), 'transpose': lambda x, y: x.transpose(0, 1),
    't': lambda x, y: x.t(), 'squeeze': lambda x, y: x[None].squeeze(), 'squeeze a dim': lambda x, y: x[None].squeeze(0),
    'unsqueeze': lambda x, y: x.unsqueeze(0), 'expand': lambda x, y: x[None].expand(4, 2, 3), 'flip': lambda x, y: x.flip(0),
    'narrow': lambda x, y: x.narrow(0, 0, 1), 'select': lambda x, y: x.select(0, 0), 'slice': lambda x, y: x[0:1],
    'slice of everything': lambda x, y: x[0:2], 'two slices of everything': lambda x, y: x[0:2, 0:3],
    'diagonal': lambda x, y: x.diagonal(), 'unfold': lambda x, y: x.unfold(1, 2, 1), 'cat': lambda x, y: torch.cat([x, y]), 'stack': lambda x, y: torch.stack([x, y]),
    'split': lambda x, y: x.split(1)[0], 'chunk': lambda x, y: x.chunk(2)[0], 'contiguous': lambda x, y: x.t().contiguous(),
    'gather': lambda x, y: x.gather(0, torch.zeros(1, 3, dtype=torch.int64)),
    'indexSelect': lambda x, y: x.index_select(0, torch.tensor([0])), 'maskedFill': lambda x, y: x.masked_fill(x > 1, 0),
    'sort': lambda x, y: x.sort()[0], 'topk': lambda x, y: x.topk(1)[0],
    'mseLoss': lambda x, y: torch.nn.functional.mse_loss(x, y), 'l1Loss': lambda x, y: torch.nn.functional.l1_loss(x, y),
    'binaryCrossEntropy': lambda x, y: torch.nn.functional.binary_cross_entropy(x.sigmoid(), y.detach().sigmoid()),
    'binaryCrossEntropyWithLogits': lambda x, y: torch.nn.functional.binary_cross_entropy_with_logits(x, y.detach().sigmoid()),
    'nllLoss': lambda x, y: torch.nn.functional.nll_loss(x, torch.tensor([0, 1])),
    'crossEntropy': lambda x, y: torch.nn.functional.cross_entropy(x, torch.tensor([0, 1])),
}

for name, fn in ELEMENTWISE.items():

    @case(S, name)
    def _(fn=fn):
        return fn(seq(2, 3, requires_grad=True), seq(2, 3, start=2, requires_grad=True)).grad_fn


# ---- writes through views: every view with every pattern ----

S = 'views'

VIEWS = {
    't': lambda y: y.t(),
    'select': lambda y: y.select(0, 1),
    'select of a column': lambda y: y.select(1, 2),
    'narrow': lambda y: y.narrow(1, 1, 2),
    'slice with a step': lambda y: y[:, ::2],
    'unsqueeze': lambda y: y.unsqueeze(1),
    'view': lambda y: y.view(2, 6),
    'view of all': lambda y: y.view(12),
    'permute': lambda y: y.view(3, 2, 2).permute(2, 0, 1),
    'squeeze': lambda y: y.narrow(0, 2, 1).squeeze(0),
    'transpose, select': lambda y: y.t().select(0, 3),
    'narrow, transpose, narrow': lambda y: y.narrow(0, 1, 2).t().narrow(0, 1, 3),
    'select, view': lambda y: y.select(0, 2).view(2, 2),
    'reshape of a slice': lambda y: y.narrow(0, 0, 2).reshape(8),
    'flatten': lambda y: y.flatten(),
    'all of it': lambda y: y[:],
    'one element': lambda y: y[1, 2],
    'nothing': lambda y: y.narrow(0, 1, 0),
}


def factors(v):
    return seq(*v.shape, start=0.5, step=0.25, requires_grad=True)


def scale(y, v, w):
    v.mul_(3)


def times(y, v, w):
    v.mul_(w)


def add_after(y, v, w):
    v.add_(w)
    y.mul_(2)


def base_after_view(y, v, w):
    y.mul_(3)


def copies(y, v, w):
    v.copy_(w)


def fills(y, v, w):
    v.fill_(5)


def saves(y, v, w):
    v.mul_(w).exp_()


def a_saved_result(y, v, w):
    # On the other side v.exp_(), whose result PyTorch would refuse to have overwritten.
    v.copy_(v.exp())
    v.mul_(w)


def alternates(y, v, w):
    v.add_(w)
    y.mul_(2)
    v.mul_(w)
    y.select(1, 0).add_(1)


def without_recording(y, v, w):
    with torch.no_grad():
        v.mul_(3)


def reads_between(y, v, w):
    total = y.sum() + v.sum()
    v.add_(total * 0.1)


PATTERNS = [
    scale, times, add_after, base_after_view, copies, fills, saves, a_saved_result, alternates, without_recording,
    reads_between,
]

for view_name, view in VIEWS.items():
    for pattern in PATTERNS:

        @case(S, f'{view_name}: {pattern.__name__.replace("_", " ")}')
        def _(view=view, pattern=pattern):
            x = seq(3, 4, step=0.25, requires_grad=True)
            y = x * 2
            v = view(y)
            other = y.select(1, 1)
            w = factors(v)
            pattern(y, v, w)
            loss = (y * seq(3, 4)).sum() + (v * seq(*v.shape, start=2)).sum() + (other * other).sum()
            loss.backward()
            return y.detach(), v.detach(), x.grad, w.grad


# ---- custom functions ----

S = 'function'


class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * x * 2


class Scale(Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx, dy):
        return dy * ctx.factor, None


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, dy):
        (y,) = ctx.saved_tensors
        return dy * y


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        return x + y, x * y

    @staticmethod
    def backward(ctx, ds, dp):
        x, y = ctx.saved_tensors
        return ds + dp * y, ds + dp * x


def made(forward, backward):
    class Custom(Function):
        pass

    Custom.forward = staticmethod(forward)
    Custom.backward = staticmethod(backward)
    return Custom


def run(fn, *args):
    y = fn.apply(*args)
    y = y[0] if isinstance(y, tuple) else y
    y.sum().backward()
    return [a.grad if isinstance(a, torch.Tensor) else None for a in args]


double = lambda ctx, x: x * 2  # noqa: E731


@case(S, 'first derivative')
def _():
    x = leaf(1, 2)
    y = Square.apply(x)
    y.backward(torch.tensor([1.0, 10.0]))
    return y.detach(), y.grad_fn, x.grad


@case(S, 'second derivative')
def _():
    x = leaf(1, 2)
    (g,) = grad(Square.apply(x).sum(), x, create_graph=True)
    return g.detach(), grad(g.sum(), x)


@case(S, 'second derivative through a saved output')
def _():
    x = leaf(1, 2)
    (g,) = grad(Exp.apply(x).sum(), x, create_graph=True)
    return g.detach(), grad(g.sum(), x)


@case(S, 'an argument that is no tensor')
def _():
    x = leaf(1, 2)
    Scale.apply(x, 3).sum().backward()
    return x.grad


@case(S, 'several outputs')
def _():
    x, y = leaf(1, 2), leaf(3, 4)
    s, p = SumAndProduct.apply(x, y)
    (s * 2 + p * 3).sum().backward()
    return s.grad_fn, x.grad, y.grad


@case(S, 'one of several outputs')
def _():
    x, y = leaf(1, 2), leaf(3, 4)
    _, p = SumAndProduct.apply(x, y)
    p.sum().backward()
    return x.grad, y.grad


@case(S, 'inside another')
def _():
    def backward(ctx, dy):
        with torch.enable_grad():
            z = ctx.x.detach().requires_grad_()
            (g,) = grad(Square.apply(z).sum(), z)
        return dy * g

    def forward(ctx, x):
        ctx.x = x
        return x * x

    x = leaf(1, 2)
    made(forward, backward).apply(x).sum().backward()
    return x.grad


@case(S, 'backward inside backward')
def _():
    w = leaf(5, 6)

    def backward(ctx, dy):
        with torch.enable_grad():
            (w * w).sum().backward()
        return dy

    x = leaf(1, 2)
    made(double, backward).apply(x).sum().backward()
    return x.grad, w.grad


@case(S, 'nothing wants a gradient')
def _():
    y = Square.apply(torch.tensor([1.0, 2.0]))
    return y, y.requires_grad


@case(S, 'in no_grad')
def _():
    with torch.no_grad():
        return Square.apply(leaf(1, 2)).requires_grad


@case(S, 'needs_input_grad')
def _():
    seen = []

    def forward(ctx, x, n, c):
        seen.append(list(ctx.needs_input_grad))
        return x * n + c

    def backward(ctx, dy):
        seen.append(list(ctx.needs_input_grad))
        return dy * 3, None, None

    x = leaf(1, 2)
    made(forward, backward).apply(x, 3, torch.ones(2)).sum().backward()
    return seen, x.grad


@case(S, 'the number of gradients: too many')
def _():
    return run(made(double, lambda ctx, dy: (dy, dy)), leaf(1, 2))


@case(S, 'the number of gradients: nulls too many')
def _():
    return run(made(double, lambda ctx, dy: (dy, None)), leaf(1, 2))


@case(S, 'the number of gradients: too few')
def _():
    return run(made(lambda ctx, x, y: x * y, lambda ctx, dy: dy), leaf(1, 2), leaf(3, 4))


@case(S, 'no gradient')
def _():
    return run(made(double, lambda ctx, dy: None), leaf(1, 2))


@case(S, 'a gradient of another shape')
def _():
    return run(made(double, lambda ctx, dy: torch.ones(3)), leaf(1, 2))


@case(S, 'a gradient that was broadcast')
def _():
    return run(made(double, lambda ctx, dy: torch.ones(3, 2)), leaf(1, 2))


@case(S, 'a gradient that was broadcast, of a matrix')
def _():
    return run(made(double, lambda ctx, dy: torch.ones(4, 2, 3)), seq(2, 3, requires_grad=True))


@case(S, 'a gradient of fewer elements')
def _():
    return run(made(double, lambda ctx, dy: torch.ones(1)), leaf(1, 2))


@case(S, 'a gradient of another dtype')
def _():
    return run(made(double, lambda ctx, dy: dy.double() * 3), leaf(1, 2))


@case(S, 'a gradient of integers')
def _():
    return run(made(double, lambda ctx, dy: torch.tensor([3, 4])), leaf(1, 2))


@case(S, 'a gradient for what is no tensor')
def _():
    return run(made(lambda ctx, x, n: x * n, lambda ctx, dy: (dy, dy)), leaf(1, 2), 3)


@case(S, 'no forward')
def _():
    type('Empty', (Function,), {}).apply(leaf(1, 2))


@case(S, 'no backward')
def _():
    class Half(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 0.5

    Half.apply(leaf(1, 2)).sum().backward()


@case(S, 'an argument given back')
def _():
    x = leaf(1, 2)
    y = made(lambda ctx, x: x, lambda ctx, dy: dy * 3).apply(x)
    y.sum().backward()
    return y is x, y.grad_fn, x.grad


@case(S, 'a view of an argument')
def _():
    x = leaf(1, 2)
    y = made(lambda ctx, x: x.view(2, 1), lambda ctx, dy: dy.view(2) * 3).apply(x)
    y.sum().backward()
    return list(y.shape), y.grad_fn, x.grad


@case(S, 'what is saved must be tensors')
def _():
    def forward(ctx, x):
        ctx.save_for_backward(x, 'two')
        return x * 2

    made(forward, lambda ctx, dy: dy).apply(leaf(1, 2))


@case(S, 'what is no tensor is returned as it is')
def _():
    seen = []

    def backward(ctx, *dys):
        seen.append([v is None for v in dys])
        return dys[0]

    x = leaf(1, 2)
    y = made(lambda ctx, x: (x * 2, 'text', None, 3), backward).apply(x)
    y[0].sum().backward()
    return list(y[1:]), seen, x.grad


@case(S, 'no gradient goes no further')
def _():
    x = leaf(1, 2)
    made(lambda ctx, x: x * 3, lambda ctx, dy: None).apply(x * 2).sum().backward()
    return x.grad


@case(S, 'null may be saved')
def _():
    def forward(ctx, x):
        ctx.save_for_backward(x, None)
        return x * 2

    seen = []

    def backward(ctx, dy):
        seen.append([v is None for v in ctx.saved_tensors])
        return dy

    return run(made(forward, backward), leaf(1, 2)), seen


@case(S, 'a saved tensor is written to')
def _():
    y = leaf(1, 2) * 1
    z = Square.apply(y)
    y.add_(1)
    z.sum().backward()


@case(S, 'a second backward')
def _():
    z = Square.apply(leaf(1, 2)).sum()
    z.backward()
    z.backward()


@case(S, 'a second backward with nothing saved')
def _():
    x = leaf(1, 2)
    z = Scale.apply(x, 3).sum()
    z.backward()
    z.backward()
    return x.grad


@case(S, 'mark_non_differentiable')
def _():
    seen = []

    def forward(ctx, x):
        a, b = x * 2, x * 3
        ctx.mark_non_differentiable(b)
        return a, b

    def backward(ctx, da, db):
        seen.extend([da, db])
        return da * 2

    x = leaf(1, 2)
    a, b = made(forward, backward).apply(x)
    a.sum().backward()
    return x.grad, a.requires_grad, b.requires_grad, seen


@case(S, 'set_materialize_grads(False)')
def _():
    seen = []

    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def backward(ctx, da, db):
        seen.extend([da, db])
        return da * 2

    x = leaf(1, 2)
    a, b = made(forward, backward).apply(x)
    a.sum().backward()
    return x.grad, b.requires_grad, seen


@case(S, 'an output of integers')
def _():
    seen = []

    def backward(ctx, da, db):
        seen.append(db)
        return da

    x = leaf(1, 2)
    a, b = made(lambda ctx, x: (x * 2, x > 1), backward).apply(x)
    a.sum().backward()
    return x.grad, a.requires_grad, b.requires_grad, seen


def doubling(ctx, x):
    ctx.mark_dirty(x)
    x.mul_(2)
    return x


@case(S, 'mark_dirty')
def _():
    x = leaf(1, 2)
    y = x * 1
    z = made(doubling, lambda ctx, dy: dy * 2).apply(y)
    z.sum().backward()
    return z is y, y.detach(), y.grad_fn, x.grad


@case(S, 'mark_dirty of a leaf')
def _():
    made(doubling, lambda ctx, dy: dy * 2).apply(leaf(1, 2))


@case(S, 'mark_dirty of a view')
def _():
    x = leaf(1, 2, 3)
    y = x * 1
    v = y[0:2]
    made(doubling, lambda ctx, dy: dy * 2).apply(v)
    (y * seq(3)).sum().backward()
    return y.detach(), v.detach(), y.grad_fn, x.grad


@case(S, 'mark_dirty of what is not returned')
def _():
    def forward(ctx, x):
        ctx.mark_dirty(x)
        x.mul_(2)
        return x * 1

    made(forward, lambda ctx, dy: dy).apply(leaf(1, 2) * 1)


# ---- gradcheck ----

S = 'gradcheck'


def doubles(*values):
    return torch.tensor([float(v) for v in values], dtype=torch.float64, requires_grad=True)


Wrong = made(double, lambda ctx, dy: dy * 3)
Wrong.__name__ = 'Wrong'


class WrongTwice(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, dy):
        (x,) = ctx.saved_tensors
        return dy * 3 * x * x.detach()


@case(S, 'right')
def _():
    return gradcheck(lambda x, y: (x * y.exp(), x.sum()), (doubles(1, 2), doubles(0.5, -1)))


@case(S, 'wrong')
def _():
    gradcheck(Wrong.apply, doubles(1, 2))


@case(S, 'wrong, told')
def _():
    return gradcheck(Wrong.apply, doubles(1, 2), raise_exception=False)


@case(S, 'wrong in one number, in fast mode')
def _():
    gradcheck(Wrong.apply, doubles(0), fast_mode=True)


@case(S, 'the second output, the second input')
def _():
    gradcheck(lambda x, y: (x * y, Wrong.apply(y)), (doubles(1, 2), doubles(3, 4)))


@case(S, 'a gradient that is missing')
def _():
    gradcheck(made(double, lambda ctx, dy: None).apply, doubles(1, 2))


@case(S, 'nothing to check')
def _():
    gradcheck(lambda x: x * x, torch.ones(2, dtype=torch.float64))


@case(S, 'an output without a gradient')
def _():
    gradcheck(lambda x: x.detach(), doubles(1, 2))


@case(S, 'a constant')
def _():
    return gradcheck(lambda x: x.detach() * 0 + 1, doubles(1, 2))


@case(S, 'a repeated input')
def _():
    gradcheck(lambda x: x * 2, torch.ones(1, dtype=torch.float64).expand(3).requires_grad_())


@case(S, 'other arguments')
def _():
    return gradcheck(lambda x, n: x * n, (doubles(1, 2), 3))


@case(S, 'an empty input')
def _():
    return gradcheck(lambda x: x * x, torch.ones(0, dtype=torch.float64, requires_grad=True))


@case(S, 'second derivatives')
def _():
    return [
        gradgradcheck(lambda x: x**3, doubles(1, 2)), gradgradcheck(lambda x: x * 2, doubles(1, 2)),
        gradgradcheck(WrongTwice.apply, doubles(1, 2), raise_exception=False), gradcheck(WrongTwice.apply, doubles(1, 2)),
    ]


# ---- Jacobians and Hessians ----

S = 'functional'
X, Y = seq(2), seq(2, 2)


@case(S, 'jacobian')
def _():
    return jacobian(lambda x: x**2, X)


@case(S, 'jacobian of several by several')
def _():
    return jacobian(lambda x, y: (y @ x, x.sum()), (X, Y))


@case(S, 'jacobian of one by several')
def _():
    return jacobian(lambda x, y: x * 2, (X, Y))


@case(S, 'jacobian of a constant')
def _():
    return jacobian(lambda x: x.detach(), X)


@case(S, 'jacobian that is differentiated')
def _():
    x = leaf(1, 2)
    jacobian(lambda x: x**3, x, create_graph=True).sum().backward()
    return x.grad


@case(S, 'hessian')
def _():
    return hessian(lambda x: (x**3).sum(), X)


@case(S, 'hessian of several')
def _():
    return hessian(lambda x, y: (y @ x).sum() * x.sum(), (X, Y))


@case(S, 'hessian of a linear function')
def _():
    return hessian(lambda x: x.sum(), X)


@case(S, 'hessian of several elements')
def _():
    hessian(lambda x: x**3, X)


@case(S, 'hessian of several outputs')
def _():
    hessian(lambda x: (x.sum(), x.sum()), X)


def cubes(x):
    return (x**3).sum()


def mixed(x, y):
    return y @ x, (x * y).sum()


def coupled(x, y):
    return (y @ x).sum() * x.sum()


V, W = seq(2, step=9), seq(2, 2, step=2)
PRODUCTS = {
    'vjp': lambda **more: vjp(lambda x: x**2, X, V, **more),
    'vjp of one element': lambda **more: vjp(cubes, X, **more),
    'vjp of several by several': lambda **more: vjp(mixed, (X, Y), (V, torch.tensor(2.0)), **more),
    'vjp of a constant': lambda **more: vjp(lambda x: x.detach(), X, V, **more),
    'vjp of one that ignores an input': lambda **more: vjp(lambda x, y: x * 2, (X, Y), V, **more),
    'jvp': lambda **more: jvp(lambda x: x**2, X, V, **more),
    'jvp of one element': lambda **more: jvp(lambda x: x.exp().expand(2), torch.tensor([1.0]), **more),
    'jvp of several by several': lambda **more: jvp(mixed, (X, Y), (V, W), **more),
    'jvp of a constant': lambda **more: jvp(lambda x: x.detach(), X, V, **more),
    'jvp of one that ignores an input': lambda **more: jvp(lambda x, y: x * 2, (X, Y), (V, W), **more),
    'vhp': lambda **more: vhp(cubes, X, V, **more),
    'vhp of several': lambda **more: vhp(coupled, (X, Y), (V, W), **more),
    'vhp of a linear function': lambda **more: vhp(lambda x: x.sum(), X, V, **more),
    'vhp of one that ignores an input': lambda **more: vhp(lambda x, y: cubes(x), (X, Y), (V, W), **more),
    'hvp': lambda **more: hvp(cubes, X, V, **more),
    'hvp of several': lambda **more: hvp(coupled, (X, Y), (V, W), **more),
    'hvp of a linear function': lambda **more: hvp(lambda x: x.sum(), X, V, **more),
    'hvp of one that ignores an input': lambda **more: hvp(lambda x, y: cubes(x), (X, Y), (V, W), **more),
    'jacobian': lambda **more: jacobian(mixed, (X, Y), **more),
    'jacobian of a linear function': lambda **more: jacobian(lambda x: x * 2, leaf(1, 2), **more),
    'jacobian of a constant': lambda **more: jacobian(lambda x: x.detach(), X, **more),
    'jacobian of one that ignores an input': lambda **more: jacobian(lambda x, y: x * 2, (X, Y), **more),
    'hessian': lambda **more: hessian(cubes, X, **more),
    'hessian of several': lambda **more: hessian(coupled, (X, Y), **more),
    'hessian of a linear function': lambda **more: hessian(lambda x: x.sum(), X, **more),
    'hessian of one that ignores an input': lambda **more: hessian(lambda x, y: cubes(x), (X, Y), **more),
}
for name, call in PRODUCTS.items():
    case('products', name)(call)
    case('products', name + ', strict')(lambda: call(strict=True))
    case('products', name + ', strict, with a graph')(lambda: call(strict=True, create_graph=True))


def differentiated(product):
    x, v = leaf(1, 2), leaf(3, -1)
    product(x, v)[1].sum().backward()
    return x.grad, v.grad


case('products', 'vjp that is differentiated')(
    lambda: differentiated(lambda x, v: vjp(lambda x: x**3, x, v, create_graph=True)))
case('products', 'jvp that is differentiated')(
    lambda: differentiated(lambda x, v: jvp(lambda x: x**3, x, v, create_graph=True)))
case('products', 'vhp that is differentiated')(lambda: differentiated(lambda x, v: vhp(cubes, x, v, create_graph=True)))
case('products', 'hvp that is differentiated')(lambda: differentiated(lambda x, v: hvp(cubes, x, v, create_graph=True)))
for product in (vjp, jvp, vhp, hvp):
    name = product.__name__
    case('products', name + ' of a number')(lambda: product(cubes, 5, V))
    case('products', name + ' of a list with a number')(lambda: product(cubes, (X, 5), V))
    case('products', name + ' that returns a number')(lambda: product(lambda x: 5, X, V))
    case('products', name + ' without a vector')(lambda: product(lambda x: x**2, X))
    case('products', name + ' with a vector of another size')(lambda: product(lambda x: x**2, X, seq(3)))
    case('products', name + ' with a list of vectors too many')(lambda: product(lambda x: x**2, X, (V, V)))
    case('products', name + ' with too few vectors')(lambda: product(mixed, (X, Y), (V,)))
    case('products', name + ' with a wrong vector in a list')(lambda: product(mixed, (X, Y), (V, V)))
    case('products', name + ' of several elements')(lambda: product(lambda x: x**2, X, V))
    case('products', name + ' of several outputs')(lambda: product(lambda x: (x.sum(), x.sum()), X, V))
case('products', 'jacobian, strict, vectorized')(lambda: jacobian(cubes, X, strict=True, vectorize=True))
case('products', 'jacobian, vectorized')(lambda: jacobian(mixed, (X, Y), vectorize=True))
FORWARD = {'vectorize': True, 'strategy': 'forward-mode'}
case('products', 'jacobian, forward')(lambda: jacobian(mixed, (X, Y), **FORWARD))
case('products', 'jacobian of one that ignores an input, forward')(lambda: jacobian(lambda x, y: x * 2, (X, Y), **FORWARD))
case('products', 'jacobian of a constant, forward')(lambda: jacobian(lambda x: x.detach(), X, **FORWARD))
case('products', 'jacobian of what requires gradients, forward')(lambda: jacobian(lambda x: x**3, leaf(1, 2), **FORWARD))
case('products', 'jacobian, forward, with a graph')(lambda: jacobian(cubes, X, create_graph=True, **FORWARD))
case('products', 'jacobian, forward, strict')(lambda: jacobian(cubes, X, strict=True, **FORWARD))
case('products', 'jacobian, forward, not vectorized')(lambda: jacobian(cubes, X, strategy='forward-mode'))
case('products', 'jacobian, sideways')(lambda: jacobian(cubes, X, strategy='sideways'))
OUTER = {'vectorize': True, 'outer_jacobian_strategy': 'forward-mode'}
case('products', 'hessian, forward')(lambda: hessian(cubes, X, **OUTER).detach())
case('products', 'hessian of several, forward')(lambda: [[x.detach() for x in row] for row in hessian(coupled, (X, Y), **OUTER)])
case('products', 'hessian, forward, with a graph')(lambda: hessian(cubes, X, create_graph=True, **OUTER))
case('products', 'hessian, sideways')(lambda: hessian(cubes, X, outer_jacobian_strategy='sideways'))


# ---- saved tensors, checkpoints, dual numbers ----

S = 'saved'


def hooked(pack, unpack, fn=lambda x: (x.exp() * x).sum()):
    x = leaf(1, 2)
    with saved_tensors_hooks(pack, unpack):
        y = fn(x)
    dx, = grad(y, x, create_graph=True)
    return y, dx, grad(dx.sum(), x)[0]


case(S, 'hooks that keep')(lambda: hooked(lambda x: x, lambda x: x))
case(S, 'hooks that make lists')(lambda: hooked(lambda x: x.tolist(), torch.tensor))
case(S, 'hooks that double')(lambda: hooked(lambda x: x * 2, lambda x: x))
case(S, 'unpacking doubles')(lambda: hooked(lambda x: x, lambda x: x * 2))
case(S, 'a hook that writes')(lambda: hooked(lambda x: x.mul_(2), lambda x: x))
case(S, 'a hook that returns a number')(lambda: hooked(lambda x: x, lambda x: 5))
case(S, 'what was written to since is not checked')(
    lambda: hooked(lambda x: x.clone(), lambda x: x, lambda x: (x * 2).mul_(x).mul_(x).sum()))


@case(S, 'inner hooks')
def _():
    seen = []
    x = leaf(1, 2)
    with saved_tensors_hooks(lambda x: seen.append('outer') or x, lambda x: x):
        with saved_tensors_hooks(lambda x: seen.append('inner') or x, lambda x: x):
            y = x.exp()
        y = y.sin()
    return seen


@case(S, 'hooks of a function with its own gradient')
def _():
    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, dy):
            x, = ctx.saved_tensors
            return dy * x * 2

    return hooked(lambda x: x * 3, lambda x: x, lambda x: Square.apply(x).sum())


@case(S, 'saveOnCpu')
def _():
    x = leaf(1, 2)
    with save_on_cpu():
        y = (x.exp() * x).sum()
    y.backward()
    return x.grad


S = 'checkpoint'


@case(S, 'checkpoint')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    y = checkpoint(lambda x: (x.exp() * w).sin(), x * 1, use_reentrant=False)
    y.sum().backward()
    return y, x.grad, w.grad


@case(S, 'checkpoint of several results')
def _():
    x, w = leaf(1, 2), leaf(3, 4)
    y, z = checkpoint(lambda x, w: (x * w, (x + w).exp()), x, w)
    (y.sum() * z.sum()).backward()
    return x.grad, w.grad


@case(S, 'checkpoint that draws')
def _():
    torch.manual_seed(0)
    x = torch.ones(20, requires_grad=True)
    y = checkpoint(lambda x: torch.nn.functional.dropout(x.exp(), 0.5) * x, x)
    y.sum().backward()
    return y, x.grad, torch.rand(3)


@case(S, 'checkpointSequential')
def _():
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    x = seq(4, 2, requires_grad=True)
    checkpoint_sequential(model, 2, x).sum().backward()
    return [x.grad, *(p.grad for p in model.parameters())]


S = 'forwardAd'


def dual(fn, x=(1, 2), v=(1, 10)):
    with fwAD.dual_level():
        return fn(fwAD.make_dual(torch.tensor(x, dtype=torch.float32), torch.tensor(v, dtype=torch.float32)))


def parts(x):
    return list(fwAD.unpack_dual(x))


case(S, 'a dual tensor')(lambda: dual(parts))
case(S, 'a product')(lambda: dual(lambda x: parts(x * x * seq(2))))
case(S, 'a sum of functions')(lambda: dual(lambda x: parts(x.exp().sum() + x.sin().prod())))
case(S, 'a linear function')(lambda: dual(lambda x: parts(x * 3 + 1)))
case(S, 'a constant')(lambda: dual(lambda x: parts(torch.ones(2) * 2)))
case(S, 'what is detached')(lambda: dual(lambda x: parts(x.detach() * 2)))
case(S, 'indices and views')(lambda: dual(lambda x: parts(x[1:].expand(3).clone())))


@case(S, 'two dual tensors')
def _():
    with fwAD.dual_level():
        x, y = fwAD.make_dual(seq(2), seq(2)), fwAD.make_dual(seq(2, start=3.0), seq(2, start=5.0))
        return parts(x * y), parts(x.pow(2)), parts(y / x)


@case(S, 'the gradient of a tangent')
def _():
    x, v = leaf(1, 2), leaf(1, 10)
    with fwAD.dual_level():
        primal, tangent = fwAD.unpack_dual(fwAD.make_dual(x, v) ** 3)
    (tangent.sum() + primal.sum()).backward()
    return x.grad, v.grad


@case(S, 'after the level')
def _():
    with fwAD.dual_level():
        x = fwAD.make_dual(seq(2), seq(2))
    return parts(x)


case(S, 'without a level')(lambda: fwAD.make_dual(seq(2), seq(2)))
case(S, 'another size')(lambda: dual(parts, v=(1, 2, 3)))
case(S, 'integers')(lambda: dual(lambda x: fwAD.make_dual(torch.ones(2, dtype=torch.int32), x)))
case(S, 'a tangent of integers')(lambda: dual(lambda x: fwAD.make_dual(seq(2), torch.ones(2, dtype=torch.int32))))
case(S, 'a dual of a dual')(lambda: dual(lambda x: fwAD.make_dual(x, seq(2))))
case(S, 'a level in a level')(lambda: dual(lambda x: dual(parts)))


# ---- slopes of elementwise operations at ties, kinks, infinities ----

S = 'slopes'
POINTS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -3.0, float('inf'), -float('inf'), float('nan')]
UNARY = {
    'abs': torch.abs, 'neg': torch.neg, 'sign': torch.sign, 'sqrt': torch.sqrt, 'exp': torch.exp, 'expm1': torch.expm1,
    'log': torch.log, 'log1p': torch.log1p, 'sin': torch.sin, 'cos': torch.cos, 'tanh': torch.tanh,
    'erf': torch.erf,
    'sigmoid': torch.sigmoid, 'relu': torch.relu, 'floor': torch.floor, 'ceil': torch.ceil, 'trunc': torch.trunc,
    'round': torch.round, 'square': torch.square, 'leakyRelu(0.1)': lambda x: torch.nn.functional.leaky_relu(x, 0.1),
    'clamp(-1, 1)': lambda x: x.clamp(-1, 1), 'clamp(-1)': lambda x: x.clamp(min=-1),
    'clamp(null, 1)': lambda x: x.clamp(max=1), 'clamp(1, -1)': lambda x: x.clamp(1, -1),
    'pow(2)': lambda x: x**2, 'pow(3)': lambda x: x**3, 'pow(0)': lambda x: x**0, 'pow(1)': lambda x: x**1,
    'pow(-1)': lambda x: x**-1, 'pow(0.5)': lambda x: x**0.5, 'pow(-0.5)': lambda x: x**-0.5,
    'div(2)': lambda x: x / 2, 'remainder(2)': lambda x: x.remainder(2), 'maximum of itself': lambda x: torch.maximum(x, x),
}
BINARY = {
    'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'div': torch.div, 'pow': torch.pow,
    'maximum': torch.maximum, 'minimum': torch.minimum, 'remainder': torch.remainder,
    'where(x > 0)': lambda x, y: torch.where(x > 0, x, y),
    'div, floor': lambda x, y: torch.div(x, y, rounding_mode='floor'),
    'div, trunc': lambda x, y: torch.div(x, y, rounding_mode='trunc'),
}


def twice(y, inputs):
    """First and second derivatives under fixed cotangents; zeros where none flows."""
    dy = torch.full_like(y, 1.5)
    first = grad(y, inputs, dy, create_graph=True, allow_unused=True)
    flowing = [g for g in first if g is not None and g.requires_grad]
    second = [None] * len(inputs)
    if flowing:
        second = grad(flowing, inputs, [torch.full_like(g, -0.5) for g in flowing], allow_unused=True)
    return [[torch.zeros_like(x) if g is None else g for g, x in zip(gs, inputs)] for gs in (first, second)]


for dtype in (torch.float32, torch.float64):
    for name, fn in UNARY.items():

        @case(S, f'{NAMES[dtype]} {name}')
        def _(fn=fn, dtype=dtype):
            x = torch.tensor(POINTS, dtype=dtype, requires_grad=True)
            return twice(fn(x), [x])

for name, fn in BINARY.items():

    @case(S, f'float32 {name}')
    def _(fn=fn):
        x = torch.tensor(POINTS, requires_grad=True)
        y = torch.tensor(POINTS, requires_grad=True)
        return twice(fn(x[:, None], y[None, :].expand(13, 13)), [x, y])


@case(S, 'float32 clamp by tensors')
def _():
    x, low, high = (torch.tensor(v, requires_grad=True) for v in (
        [0.0, 1.0, 2.0, -1.0, -2.0, 0.5, 3.0], [-1.0, 1.0, 1.0, -1.0, -1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 1.0, 1.0, 1.0, 3.0]
    ))
    return twice(torch.clamp(x, low, high), [x, low, high])


def autograd():
    write('packages/core/test/golden/autograd.json', out, 2)


if __name__ == '__main__':
    autograd()
