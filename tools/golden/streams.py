"""Writes packages/core/test/golden/random.json: what PyTorch's CPU generator draws, for the tests of core's random numbers.

Run with the PyTorch that docs name (1.13.1, Debian's python3-torch):
    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/streams.py
Long results are kept as CRC-32 of their bytes, so the file stays small. One record a line.
"""

import base64
import ctypes
import json
import math
import os
import random
import struct
import warnings
import zlib

import torch
from torch.utils.data import DataLoader, TensorDataset, random_split

warnings.simplefilter("ignore")
SEEDS = [0, 42, 1234, 2**32 + 1, -1, 2**63]
BIG = 100_003
OUT = os.path.join(os.path.dirname(__file__), "..", "..", "packages", "core", "test", "golden", "random.json")


def f64(x):
    return struct.pack(">d", x).hex()


def f32(x):
    return struct.pack(">f", x).hex()


def raw(t):
    """The bytes that the same result has in our arrays: int64 becomes int32, bool a byte."""
    if t.dtype is torch.int64:
        t = t.to(torch.int32)
    return t.contiguous().numpy().tobytes()


def crc(t):
    return format(zlib.crc32(raw(t)), "08x")


# A function from n to a tensor for each kind; the test uses the same names.
KINDS = {
    "rand32": lambda n: torch.rand(n),
    "rand64": lambda n: torch.rand(n, dtype=torch.float64),
    "uniform32": lambda n: torch.empty(n).uniform_(-0.3, 0.3),
    "uniform32wide": lambda n: torch.empty(n).uniform_(1e-3, 1234.5),
    "uniform64": lambda n: torch.empty(n, dtype=torch.float64).uniform_(-0.3, 0.7),
    "randn32": lambda n: torch.randn(n),
    "normal32": lambda n: torch.empty(n).normal_(1.5, 0.02),
    "bernoulli": lambda n: torch.empty(n).bernoulli_(0.3),
    "bernoulliBool": lambda n: torch.empty(n, dtype=torch.bool).bernoulli_(0.5),
    "bernoulli32": lambda n: torch.bernoulli(torch.arange(n) / n),
    "bernoulli64": lambda n: torch.bernoulli(torch.arange(n, dtype=torch.float64) / n),
    "dropout": lambda n: (torch.nn.functional.dropout(torch.ones(n), 0.2) != 0).to(torch.float32),
    "randint": lambda n: torch.randint(0, 100, (n,)),
    "randintWide": lambda n: torch.randint(-7, 2**31 - 8, (n,)),
    "randintFull": lambda n: torch.randint(-(2**31), 2**31, (n,)),
    "randintByte": lambda n: torch.randint(0, 256, (n,), dtype=torch.uint8),
    "randintBool": lambda n: torch.randint(0, 2, (n,), dtype=torch.bool),
    "randint32": lambda n: torch.randint(0, 2**24 + 7, (n,), dtype=torch.float32),
    "randint64": lambda n: torch.randint(-5, 2**40, (n,), dtype=torch.float64),
    "randperm": lambda n: torch.randperm(n),
    "randperm32": lambda n: torch.randperm(n, dtype=torch.float32),
}


def sizes():
    for seed in SEEDS:
        for kind, draw in KINDS.items():
            torch.manual_seed(seed)
            crcs = [crc(draw(n)) for n in range(1, 41)]
            yield {"seed": str(seed), "kind": kind, "crcs": crcs, "big": crc(draw(BIG)), "next": f32(torch.rand(1).item())}


def normal64():
    for seed in SEEDS[:3]:
        torch.manual_seed(seed)
        for n, mean, std in [(1, 0, 1), (3, 0, 1), (15, 0, 1), (2, 1.5, 0.02), (16, 0, 1), (20, 0, 1), (33, -2, 3), (40, 0, 1)]:
            t = torch.empty(n, dtype=torch.float64).normal_(mean, std)
            yield {"seed": str(seed), "mean": mean, "std": std, "values": [f64(x) for x in t.tolist()]}
    torch.manual_seed(7)
    yield {"seed": "7", "mean": 0, "std": 1, "values": [f64(x) for x in torch.randn(1000, dtype=torch.float64).tolist()]}


def state_record():
    state = torch.get_rng_state()
    data = bytearray(state.numpy().tobytes())
    normal = struct.unpack_from("<d", data, 5024)[0]
    struct.pack_into("<d", data, 5024, 0.0)
    return {"crc": format(zlib.crc32(bytes(data)), "08x"), "normal": f64(normal)}


def programs():
    """Calls mixed at random, with the generator's state after each: the left-over normal and the engine's position."""
    rng = random.Random(5)
    kinds = list(KINDS)
    for number in range(12):
        saved, steps = [], []
        seed = rng.choice(SEEDS + [rng.randrange(2**32)])
        torch.manual_seed(seed)
        for _ in range(30):
            choice = rng.random()
            if choice < 0.08:
                torch.manual_seed(number)
                step = {"do": "seed", "value": str(number)}
            elif choice < 0.2:
                saved.append(torch.get_rng_state())
                step = {"do": "save"}
            elif choice < 0.3 and saved:
                index = rng.randrange(len(saved))
                torch.set_rng_state(saved[index])
                step = {"do": "load", "value": str(index)}
            else:
                kind = rng.choice(kinds + ["randn32"] * 8)
                n = rng.choice([1, 1, 2, 3, 5, 15, 16, 17, 31, 100, 700])
                step = {"do": kind, "value": str(n), "crc": crc(KINDS[kind](n))}
            steps.append({**step, "state": state_record()})
        yield {"seed": str(seed), "steps": steps}


def states():
    torch.manual_seed(99)
    torch.randn(3)
    torch.rand(700)
    state = torch.get_rng_state()
    record = {"bytes": base64.b64encode(zlib.compress(state.numpy().tobytes(), 9)).decode(), "next": [f32(x) for x in torch.randn(5).tolist()]}
    legacy = bytearray(state[:5048].numpy().tobytes())
    struct.pack_into("<ddd", legacy, 5016, 0.37, 0.0, 1.25)
    torch.set_rng_state(torch.tensor(list(legacy), dtype=torch.uint8))
    record["legacy"] = [f32(x) for x in torch.randn(5).tolist()]
    torch.manual_seed(3)
    record["fresh"] = state_record()
    record["default"] = {"seed": torch.Generator().initial_seed(), "rand": [f32(x) for x in torch.rand(3, generator=torch.Generator()).tolist()]}
    return record


def seeds():
    for seed in [0, 5, -1, -(2**63), 2**63, 2**64 - 1, 2**53, 2**53 + 1, 2**64, -(2**63) - 1]:
        try:
            torch.manual_seed(seed)
            yield {"seed": str(seed), "initial": str(torch.initial_seed()), "rand": f32(torch.rand(1).item())}
        except RuntimeError as error:
            yield {"seed": str(seed), "error": str(error)}


def errors():
    bytes_of = lambda n: torch.zeros(n, dtype=torch.uint8)
    nan, inf = math.nan, math.inf
    single, double = torch.empty(3), torch.empty(3, dtype=torch.float64)
    calls = {
        "setState 10": lambda: torch.set_rng_state(bytes_of(10)),
        "setState 5056": lambda: torch.set_rng_state(bytes_of(5056)),
        "setState float": lambda: torch.set_rng_state(torch.zeros(5056)),
        "generator 1.5": lambda: torch.Generator().manual_seed(1.5),
        "generator string": lambda: torch.Generator().manual_seed("3"),
        "seed nan": lambda: torch.manual_seed(nan),
        "uniform32 2 1": lambda: single.uniform_(2, 1),
        "uniform32 0.5 -1e-7": lambda: single.uniform_(0.5, -1e-7),
        "uniform32 -3e38 3e38": lambda: single.uniform_(-3e38, 3e38),
        "uniform32 0 inf": lambda: single.uniform_(0, inf),
        "uniform32 nan 1": lambda: single.uniform_(nan, 1),
        "uniform64 -1e308 1e308": lambda: double.uniform_(-1e308, 1e308),
        "uniform64 -inf 0": lambda: double.uniform_(-inf, 0),
        "normal32 0 -1": lambda: single.normal_(0, -1),
        "normal32 0 -0.123456789": lambda: single.normal_(0, -0.123456789),
        "normal32 0 -1234567": lambda: single.normal_(0, -1234567),
        "normal32 0 -1e-5": lambda: single.normal_(0, -1e-5),
        "normal32 0 nan": lambda: single.normal_(0, nan),
        "randintLong 3 3": lambda: torch.randint(3, 3, (2,)),
        "randintLong 5 3": lambda: torch.randint(5, 3, (2,)),
        "randintByte 0 300": lambda: torch.randint(0, 300, (2,), dtype=torch.uint8),
        "randintByte -1 3": lambda: torch.randint(-1, 3, (2,), dtype=torch.uint8),
        "randintBool 0 3": lambda: torch.randint(0, 3, (2,), dtype=torch.bool),
        "randintInt 0 4294967298": lambda: torch.randint(0, 2**32 + 2, (2,), dtype=torch.int32),
        "randintInt -8589934592 0": lambda: torch.randint(-(2**33), 0, (2,), dtype=torch.int32),
        "randint32 33554433 33554434": lambda: torch.randint(2**25 + 1, 2**25 + 2, (2,), dtype=torch.float32),
        "randpermByte 300": lambda: torch.randperm(300, dtype=torch.uint8),
        "bernoulli 1.5": lambda: single.bernoulli_(1.5),
        "bernoulli nan": lambda: single.bernoulli_(nan),
        "bernoulli32 2": lambda: torch.bernoulli(torch.tensor([0.5, 2.0])),
    }
    for call, run in calls.items():
        try:
            run()
        except Exception as error:
            yield {"call": call, "class": type(error).__name__, "message": str(error)}
        else:
            raise AssertionError(call + " did not fail")


def loaders():
    data = TensorDataset(torch.arange(10))
    for own in (False, True):
        for shuffle in (False, True):
            torch.manual_seed(11)
            generator = torch.Generator().manual_seed(12) if own else None
            loader = DataLoader(data, batch_size=4, shuffle=shuffle, generator=generator)
            epochs = [[int(x) for (batch,) in loader for x in batch] for _ in range(3)]
            yield {"own": own, "shuffle": shuffle, "epochs": epochs, "next": f32(torch.rand(1, generator=generator).item())}


def linears():
    for seed in SEEDS[:3]:
        for inputs, outputs in [(13, 10), (2, 3), (784, 100)]:
            torch.manual_seed(seed)
            layer = torch.nn.Linear(inputs, outputs)
            first = [f32(x) for x in layer.weight.detach().reshape(-1)[:4].tolist()]
            yield {"seed": seed, "inputs": inputs, "outputs": outputs, "first": first, "weight": crc(layer.weight.detach()), "bias": crc(layer.bias.detach())}


def fused():
    """a * b + c with one rounding, from the C library; sums near a tie, near cancellation and at the ends of the range."""
    libm = ctypes.CDLL("libm.so.6")
    libm.fma.restype, libm.fma.argtypes = ctypes.c_double, [ctypes.c_double] * 3
    libm.fmaf.restype, libm.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3
    rng = random.Random(9)
    single = lambda x: ctypes.c_float(x).value
    near = lambda x: math.nextafter(x, rng.choice([-math.inf, math.inf]))
    cases = {"32": [], "64": []}
    for _ in range(400):
        a, b = single(rng.uniform(-1, 1)), single(rng.uniform(-1, 1) * 2 ** rng.randrange(-60, 40))
        scale = 2.0 ** rng.randrange(-26, 27)
        c = single(rng.choice([-a * b, a * b * scale, rng.uniform(-1, 1), 0.0]))
        cases["32"].append((a, b, c))
    for _ in range(200):
        # A product of a few bits far below half a unit of c's last place, so that c + product is a tie except for it.
        c = single(rng.randrange(2**23, 2**24) * 2.0 ** rng.randrange(-30, 30))
        half = math.ulp(c) * 2**29 / 2
        a = single(half * rng.choice([1, -1, 1 + 2**-23, 1 - 2**-23, 1 + 2**-12]))
        cases["32"].append((a, single(rng.choice([1, 1 + 2**-23, 1 - 2**-24])), c))
    top = single(3.4028234663852886e38)
    cases["32"] += [(top, 1.0, single(2.0**102)), (single(2.0**103), single(1 - 2**-24), top), (single(2.0**103), 1.0, top), (top, 2.0, -top)]
    cases["32"] += [(single(2.0**-75), single(2.0**-75), 0.0), (single(2.0**-75), single(2.0**-75 * 1.5), single(2.0**-149)), (math.inf, 0.0, 1.0), (math.inf, 1.0, 1.0), (1.0, -0.0, 0.0), (1.0, -0.0, -0.0)]
    for _ in range(600):
        a, b = rng.uniform(-1, 1), rng.uniform(-1, 1) * 2.0 ** rng.randrange(-60, 60)
        scale = 2.0 ** rng.randrange(-56, 57)
        c = rng.choice([-a * b, near(-a * b), a * b * scale, rng.uniform(-1, 1), 0.0])
        cases["64"].append((a, b, c))
    for _ in range(200):
        c = rng.randrange(2**52, 2**53) * 2.0 ** rng.randrange(-30, 30)
        a = math.ulp(c) / 2 * rng.choice([1, -1, 1 + 2**-52, 1 - 2**-53])
        cases["64"].append((a, rng.choice([1.0, 1 + 2**-52, 1 - 2**-53]), c))
    for _ in range(100):
        cases["64"].append((rng.uniform(-1, 1) * 2.0 ** rng.choice([-1000, -530, 0, 530, 1000]), rng.uniform(-1, 1) * 2.0 ** rng.choice([-540, -30, 20, 500]), rng.choice([0.0, 5e-324, -1e308, rng.uniform(-1, 1) * 2.0 ** rng.randrange(-1070, 1000)])))
    cases["64"] += [(math.inf, 0.0, 1.0), (2.0, math.inf, -math.inf), (1.0, -0.0, -0.0), (1.0, 1.0, -1.0), (1e308, 10.0, -1e308)]
    return {
        "f32": [f32(a) + f32(b) + f32(c) + f32(libm.fmaf(a, b, c)) for a, b, c in cases["32"]],
        "f64": [f64(a) + f64(b) + f64(c) + f64(libm.fma(a, b, c)) for a, b, c in cases["64"]],
    }


def logs():
    rng = random.Random(3)
    xs = [-0.0, -(2.0**-53), -(2.0**-54), -(2.0**-29), -(2.0**-29) * 1.01, -(2.0**-28), -1 + 2.0**-53, -0.5, -0.75, -0.875]
    xs += [-1 + 2.0**-k * (1 + s * 2.0**-j) for k in range(1, 12) for j in (20, 21, 22, 30, 50) for s in (-1, 1)]
    xs += [-0.2928934097290039, -0.29289340972900385, -0.29289321881345254, -0.2928932188134524]
    xs += [-rng.getrandbits(53) * 2.0**-53 for _ in range(400)]
    return [f64(x) + f64(math.log1p(x)) for x in xs]


def functions():
    """CRCs of 20,000 results each, for arguments that the test draws from the same stream: the C library's log1p, of all sizes,
    and log, cosine and sine rounded correctly, from 200 bits of mpmath."""
    import mpmath

    mpmath.mp.prec = 200
    torch.manual_seed(17)
    us = torch.rand(20_000, dtype=torch.float64).tolist()
    turns = [2 * math.pi * u for u in us]
    results = {
        "log1p": [math.log1p(-u) for u in us],
        "log1pSmall": [math.log1p(-u * 2.0 ** -(i % 60)) for i, u in enumerate(us)],
        "log1pNearOne": [math.log1p(-1 + 2.0 ** -(i % 40) * (1 + (u - 0.5) * 2.0 ** -(i % 23)) / 2) for i, u in enumerate(us)],
        "log": [float(mpmath.log(1 - u)) for u in us],
        "logSmall": [float(mpmath.log(u * 2.0 ** -(i % 900))) for i, u in enumerate(us)],
        "cos": [float(mpmath.cos(t)) for t in turns],
        "sin": [float(mpmath.sin(t)) for t in turns],
    }
    return {name: format(zlib.crc32(struct.pack(f"<{len(ys)}d", *ys)), "08x") for name, ys in results.items()}


def erfinvs():
    """The CRC of the inverses of erf of all multiples of 2^-23 in [-1, 1)."""
    return format(zlib.crc32(((torch.arange(2**24, dtype=torch.float64) - 2**23) * 2.0**-23).float().erfinv().numpy().tobytes()), "08x")


def main():
    golden = {
        "torch": torch.__version__,
        "sizes": list(sizes()),
        "programs": list(programs()),
        "states": states(),
        "seeds": list(seeds()),
        "errors": list(errors()),
        "loaders": list(loaders()),
        "linears": list(linears()),
        "normal64": list(normal64()),
        "fused": fused(),
        "log1p": logs(),
        "functions": functions(),
        "erfinvs": erfinvs(),
    }
    torch.manual_seed(13)
    golden["split"] = [[int(i) for i in part.indices] for part in random_split(range(10), [6, 4])]
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, "w") as file:
        file.write("{\n")
        for number, (key, value) in enumerate(golden.items()):
            end = ",\n" if number < len(golden) - 1 else "\n"
            if isinstance(value, list):
                rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in value)
                file.write(f'"{key}":[\n{rows}\n]{end}')
            else:
                file.write(f'"{key}":{json.dumps(value, separators=(",", ":"))}{end}')
        file.write("}\n")


if __name__ == "__main__":
    main()
