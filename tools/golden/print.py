"""Writes packages/core/test/golden/print.json: how PyTorch prints tensors and containers, and Python numbers and strings.

Run with the PyTorch that docs name (1.13.1, Debian's python3-torch):
    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/print.py
int64 stands for our int32, and its name in a text is replaced. One record a line.
"""

import json
import math
import os
import random
import struct
from collections import OrderedDict

import torch
from torch import nn
from torch._tensor_str import _add_suffixes, _tensor_str
from torch.nn import functional as F

OUT = os.path.join(os.path.dirname(__file__), "..", "..", "packages", "core", "test", "golden", "print.json")
NAMES = {torch.float32: "float32", torch.float64: "float64", torch.int64: "int32", torch.uint8: "uint8", torch.bool: "bool"}
inf, nan = math.inf, math.nan


def plain(x):
    """A value that JSON can hold."""
    if isinstance(x, float) and not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    if isinstance(x, float) and x == 0 and math.copysign(1, x) < 0:
        return "-0"
    return int(x) if isinstance(x, bool) else x


def record(t, fill=None, options=None):
    torch.set_printoptions(profile="default")
    if options:
        torch.set_printoptions(**options)
    case = {"shape": list(t.shape), "dtype": NAMES[t.dtype], "text": str(t).replace("torch.int64", "torch.int32")}
    torch.set_printoptions(profile="default")
    if fill:
        case["fill"] = fill
    else:
        case["data"] = [plain(x) for x in t.detach().reshape(-1).tolist()]
    if t.grad_fn is not None:
        case["gradFn"] = type(t.grad_fn).__name__
    elif t.requires_grad:
        case["requiresGrad"] = True
    if options:
        names = {"sci_mode": "sciMode"}
        case["options"] = {names.get(k, k): v for k, v in options.items()}
    return case


def filled(start, step, shape, dtype=torch.float32):
    """A large tensor by a rule, so that the file need not hold it: start + step * i, in double, then cast."""
    count = math.prod(shape)
    values = [start + step * i for i in range(count)]
    if dtype in (torch.float32, torch.float64):
        t = torch.tensor(values, dtype=torch.float64).to(dtype)
    else:
        t = torch.tensor([int(x) for x in values], dtype=dtype)
    return t.reshape(shape), {"start": start, "step": step}


def f(*values, **kw):
    return torch.tensor(values, dtype=torch.float32, **kw)


def tensors():
    scalars = [3.5, 1.875, 0.0, -0.0, 3, 1e-3, 1e-4, 1e-5, 12345.678, 1e8, 1e9, 123456789.0, 99999999.0, 0.03125, 2.5, nan, inf, -inf, 1 / 3, 1e-38, 3.4e38, 1e-45]
    for x in scalars:
        yield record(torch.tensor(float(x)))
        yield record(torch.tensor(float(x), dtype=torch.float64))
    for x in (0, -7, 123456):
        yield record(torch.tensor(x))
    yield record(torch.tensor(True))
    yield record(torch.tensor(200, dtype=torch.uint8))
    vectors = [
        [1, 2, 3], [1, 2.5], [1.5, -2.25, 3.125], [0.0001], [1, 1001], [1, 1000], [1000.5, 1.5], [99999999], [123456789],
        [2.5, inf, nan], [inf, nan], [-inf, 1], [-0.0], [0, 0], [0, -0.0, nan], [1e-4, 1], [9e-5, 1], [1e8, 1], [1e8 + 8, 1],
        [0.1, 100.1], [0.1, 100.2], [-1e5, 2.5], [1e-10, -1e10], [0.03125, 0.09375, -0.15625], [1.03125e5, 3.0], [12345, 0.5],
        [1e20, 1e21, 1e22], [3e38, 1], [65504, -65504, inf], [0.5] * 30, [i / 7 for i in range(40)], [-(i**3) for i in range(25)],
        [1e-3 * i for i in range(12)], [9.99995, 1], [9.99985], [99999.99995, 1], [1.00005, 1.00015, 1.00025], [0.99995], [nan, nan, 1e-8],
    ]
    for v in vectors:
        yield record(torch.tensor(v, dtype=torch.float32))
        yield record(torch.tensor(v, dtype=torch.float64))
    yield record(f(1, 2, requires_grad=True))
    yield record(torch.tensor([1, -2, 3]))
    yield record(torch.tensor([100000, -1, 2147483647, -2147483648]))
    yield record(torch.tensor([True, False]))
    yield record(torch.tensor([False, False, True]))
    yield record(torch.tensor([[True, True], [True, True]]))
    yield record(torch.tensor([1, 20, 255], dtype=torch.uint8))
    for dtype in NAMES:
        for shape in [(0,), (0, 3), (2, 0), (2, 0, 3), (0, 0)]:
            yield record(torch.zeros(shape, dtype=dtype))
        for shape in [(2,), (2, 2), (2, 2, 2), (1, 1), (2, 1, 2, 3), (1, 2, 1, 2, 1)]:
            yield record(torch.ones(shape, dtype=dtype))
    yield record(torch.zeros((0, 3), requires_grad=True))
    yield record(torch.zeros((0,), dtype=torch.float64) * torch.ones(1, requires_grad=True))
    # A summary, dims around the edge of six, and lines around the edge of eighty.
    for n in (18, 19, 20, 24, 25, 36, 37, 50):
        yield record(torch.arange(n))
        yield record(torch.arange(n, dtype=torch.float32) / 3)
    for shape in [(1000,), (1001,), (7, 143), (6, 167), (31, 33), (32, 32), (2, 600), (600, 2), (11, 10, 10), (3, 7, 50), (7, 3, 7, 7), (5, 6, 6, 6), (1001, 1), (1, 1001), (2000, 1, 1), (100_000,)]:
        t, fill = filled(0, 1, shape, torch.int64)
        yield record(t, fill)
        t, fill = filled(-3.25, 0.37, shape)
        yield record(t, fill)
    t, fill = filled(1e-3, 12.5, (40, 40), torch.float64)
    yield record(t, fill)
    t, fill = filled(0, 1, (40, 40), torch.float64)
    yield record(t, fill)
    t = torch.zeros(2000)
    t[1000] = 1e-9  # not shown, so it chooses nothing
    yield {**record(t, {"start": 0, "step": 0}), "hidden": [1000, t[1000].item()]}


def randoms():
    rng = random.Random(17)
    for _ in range(90):
        rank = rng.choice([1, 1, 2, 2, 3, 4])
        shape = [rng.randrange(1, {1: 30, 2: 9, 3: 5, 4: 3}[rank]) for _ in range(rank)]
        scale = 10.0 ** rng.randrange(-6, 7)
        spread = rng.choice([0, 0, 1, 3])
        values = [rng.gauss(0, 1) * scale * 10 ** rng.uniform(-spread, spread) for _ in range(math.prod(shape))]
        if rng.random() < 0.2:
            values = [float(round(v)) for v in values]
        if rng.random() < 0.3:
            values[rng.randrange(len(values))] = rng.choice([nan, inf, -inf, 0.0, -0.0])
        t = torch.tensor(values, dtype=rng.choice([torch.float32, torch.float32, torch.float64])).reshape(shape)
        choice = rng.random()
        if choice < 0.2:
            t = t.requires_grad_()
        elif choice < 0.5:
            leaf = t.requires_grad_()
            t = rng.choice([lambda: leaf * 1, lambda: leaf + leaf, lambda: leaf.abs(), lambda: leaf.exp(), lambda: F.leaky_relu(leaf), lambda: F.binary_cross_entropy_with_logits(leaf, torch.zeros_like(leaf), reduction="none"), lambda: leaf.sum(), lambda: F.mse_loss(leaf, torch.zeros_like(leaf), reduction="none")])()
        yield record(t)


def options():
    x, i = torch.tensor([[1 / 3, -200.0, 3e-3], [0.25, 1e3, nan]]), torch.arange(12)
    for o in [
        {"precision": 2}, {"precision": 0}, {"precision": 10}, {"sci_mode": True}, {"sci_mode": False}, {"linewidth": 30}, {"linewidth": 8},
        {"threshold": 5}, {"threshold": 5, "edgeitems": 1}, {"profile": "short"}, {"profile": "full"}, {"profile": "short", "precision": 6},
    ]:
        yield record(x, options=o)
        yield record(x.double().requires_grad_(), options=o)
        yield record(i, options=o)
        yield record(i.reshape(3, 2, 2).float(), options=o)
    yield record(torch.tensor([1e-9, 2.5]), options={"sci_mode": False})
    yield record(torch.tensor([1.0, 5000.0]), options={"sci_mode": False})
    t, fill = filled(0, 1, (1200,))
    yield record(t, fill, options={"profile": "full"})
    yield record(t, fill, options={"profile": "short"})
    yield record(t, fill, options={"threshold": 2000})


def devices():
    """No other device is here, so its suffix goes through PyTorch's own function that adds suffixes."""
    for t in [torch.tensor([1.0, 2.0]), torch.arange(9.0) / 7, torch.ones(3, 3), torch.arange(30) * 1000]:
        for more in [[], ["requires_grad=True"], ["grad_fn=<BinaryCrossEntropyWithLogitsBackward0>"], ["dtype=torch.uint8", "grad_fn=<AddBackward0>"]]:
            if more[:1] == ["dtype=torch.uint8"]:
                t = t.to(torch.uint8)
            suffixes = ["device='native'"] + more
            case = {**record(t), "text": _add_suffixes("tensor(" + _tensor_str(t, 7), suffixes, 7, force_newline=False), "device": "native"}
            if more and "grad_fn" in more[-1]:
                case["gradFn"] = more[-1][9:-1]
            elif more:
                case["requiresGrad"] = True
            yield case


def numbers():
    rng = random.Random(23)
    xs = [0.0, -0.0, 1.0, 0.5, 1.5, 2.5, 3.5, -2.5, 0.03125, 1.03125, 9.5, 95.0, 25.0, 35.0, 250.0, 150000.0, 2.0**60, 2.0**70, 1e21, 1e22, 1e23, 1.5e21, 12345678912345678.0, 5e-324, 1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 0.3, 1e-5, 1e-7, 123456.7, 1e15, 1e16, 1e17, 9007199254740993.0, nan, inf, -inf, 9.99995, 99995.0, 0.99995, 1.005, 1e-4, 9.999e-5]
    xs += [rng.randrange(-(2**16), 2**16) / 2.0 ** rng.randrange(1, 12) for _ in range(100)]
    xs += [rng.randrange(1, 4000) * 5.0 * 10.0 ** rng.randrange(0, 18) for _ in range(60)]
    xs += [rng.gauss(0, 1) * 10.0 ** rng.randrange(-25, 25) for _ in range(80)]
    xs += [struct.unpack("f", struct.pack("f", rng.gauss(0, 1) * 10.0 ** rng.randrange(-5, 9)))[0] for _ in range(60)]
    for x in xs:
        row = [struct.pack(">d", x).hex(), repr(x)]
        for digits in (0, 1, 4, 10):
            row += [f"%.{digits}f" % x, f"%.{digits}e" % x]
        yield row


def strings():
    for s in ["weight", "", "it's", 'say "x"', "both ' and \"", "a\\b", "tab\tline\nend\r", "\x00\x1f\x7f", "0.bias", "größe", "\u6587"]:
        yield [s, repr(s)]


def containers():
    torch.manual_seed(0)
    x = torch.arange(6.0).reshape(2, 3)
    wide = torch.arange(60.0).reshape(2, 30).requires_grad_()
    for name, result in [("max", x.max(1)), ("min", wide.min(0)), ("sort", wide.sort(1)), ("topk", wide.topk(2, 1))]:
        yield {"what": "returnType", "name": name, "parts": {field: str(getattr(result, field)) for field in ("values", "indices")}, "text": str(result)}
    for p in [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(2), requires_grad=False)]:
        yield {"what": "parameter", "parts": {"data": str(torch.Tensor.__repr__(p))}, "text": str(p)}
    for d in [nn.Linear(2, 3).state_dict(), nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).state_dict(), OrderedDict(), OrderedDict([("it's", torch.ones(1))])]:
        yield {"what": "orderedDict", "parts": {k: str(v) for k, v in d.items()}, "text": str(OrderedDict(d))}
    for s in [(), (2,), (2, 3), (0, 3, 1)]:
        yield {"what": "size", "shape": list(s), "text": str(torch.Size(s)), "tuple": str(s)}


def main():
    golden = {
        "tensors": list(tensors()),
        "randoms": list(randoms()),
        "options": list(options()),
        "devices": list(devices()),
        "numbers": list(numbers()),
        "strings": list(strings()),
        "containers": list(containers()),
    }
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as file:
        file.write("{\n")
        for number, (key, rows) in enumerate(golden.items()):
            file.write(f'"{key}":[\n' + ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows) + "\n]")
            file.write(",\n" if number < len(golden) - 1 else "\n")
        file.write("}\n")


if __name__ == "__main__":
    main()
