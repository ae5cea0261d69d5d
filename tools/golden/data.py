#!/usr/bin/python3
"""Golden values for packages/data: frames as pandas prints them, scikit-learn's StandardScaler, PyTorch's DataLoader.

    /usr/bin/python3 tools/golden/data.py [frames] [scaler] [loader]      (all of them when none is named)

Debian: python3-torch (1.13.1) python3-pandas (1.5.3) python3-sklearn (1.2.1).
"""
import io
import json
import math
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, Subset, TensorDataset, random_split

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages" / "data" / "test" / "golden"
SETS = ["boston", "breast-cancer", "iris", "digits"]


def load(name):
    source = (ROOT / "packages" / "data" / "src" / "datasets" / f"{name}.csv.ts").read_text()
    return pd.read_csv(io.StringIO(re.search(r"`([^`]*)`", source).group(1)))


def plain(value):
    """A value that JSON can hold: NaN and infinities as strings."""
    if isinstance(value, (float, np.floating)):
        value = float(value)
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.bool_):
        return bool(value)
    return value


def write(name, data):
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n")


# Frames --------------------------------------------------------------------------------------------------------------


def frame(columns, width=80):
    """A frame of (name, dtype, values); the dtype says how the TypeScript side builds the column."""
    os.environ["COLUMNS"] = str(width)
    df = pd.DataFrame({n: pd.Series(np.array(v, dtype=d) if d != "list" else v) for n, d, v in columns})
    return {
        "columns": [[n, d, [plain(x) for x in (np.array(v, dtype=d) if d != "list" else v)]] for n, d, v in columns],
        "width": width,
        "text": str(df),
    }


def random_column(rng, name, rows):
    kind = rng.choice(["float64", "float32", "int32", "uint8", "bool", "text", "ints", "gaps"])
    scale = 10.0 ** rng.integers(-9, 10)
    values = rng.standard_normal(rows) * scale
    if rng.random() < 0.3:
        values = np.round(values, int(rng.integers(0, 5)))
    if rng.random() < 0.2:
        values[rng.random(rows) < 0.3] = np.nan
    if rng.random() < 0.1:
        values[rng.random(rows) < 0.3] = rng.choice([np.inf, -np.inf])
    if rng.random() < 0.2:
        values = np.sign(values) * 2.0 ** rng.integers(-8, 3, rows) * rng.integers(0, 40, rows)
    if kind in ("float64", "float32"):
        return (name, kind, values.tolist())
    if kind == "int32":
        return (name, kind, rng.integers(-(10 ** int(rng.integers(1, 9))), 10 ** int(rng.integers(1, 9)), rows).tolist())
    if kind == "uint8":
        return (name, kind, rng.integers(0, 256, rows).tolist())
    if kind == "bool":
        return (name, "list", [bool(b) for b in rng.integers(0, 2, rows)])
    if kind == "ints":
        return (name, "list", [int(i) for i in rng.integers(-(10**12), 10**12, rows)])
    words = ["setosa", "a", "", "two words", "naïve", "tab\there", "line\nbreak", "x" * 60, "日本"]
    texts = [words[i] for i in rng.integers(0, len(words), rows)]
    if kind == "gaps":
        texts = [None if rng.random() < 0.3 else t for t in texts]
        texts[0] = "first"
    return (name, "list", texts)


def frames():
    cases = [
        frame([("y", "float32", [0, 1, 0]), ("y_hat", "float32", [0.25, 0.75, 0.5])]),
        frame([("y", "float32", [0, 1]), ("y_hat", "float32", [1e-8, 0.99999])]),
        frame([("a", "float64", [])]),
        frame([("a", "float64", []), ("b", "int32", [])]),
        frame([("big", "float64", [1234567.0, 0.5])]),
        frame([("big", "float64", [12345678.25, 0.123456789])]),
        frame([("big", "float64", [1e6, 1e6 + 0.5])]),
        frame([("big", "float64", [1e6, 0.123456])]),
        frame([("tiny", "float64", [1e-6, 1.0])]),
        frame([("tiny", "float64", [9.9e-7, 1.0])]),
        frame([("tiny", "float32", [1e-6, 1.0])]),
        frame([("zero", "float64", [0.0, -0.0])]),
        frame([("nan", "float64", [math.nan, math.nan])]),
        frame([("inf", "float64", [math.inf, -math.inf, 1.5])]),
        frame([("tie", "float64", [0.0000005, 0.5 + 2.0**-7, 1.0078125])]),
        frame([("tie", "float64", [2.0**-21, 3 * 2.0**-21, 5 * 2.0**-21])]),
        frame([("n", "list", [1, None, 3])]),
        frame([("n", "list", [None, None])]),
        frame([("n", "list", [True, None, False])]),
        frame([("n", "list", [True, False])]),
        frame([("n", "list", ["a", None, 1.5])]),
        frame([("n", "list", ["a", math.nan, 2, 12345678.5, 0.1234567891])]),
        frame([("a name that is longer than fifty characters, to see what pandas does", "list", ["short", "y" * 70])]),
        frame([("x", "float64", np.linspace(0, 1, 60).tolist())]),
        frame([("x", "float64", np.linspace(0, 1, 61).tolist())]),
        frame([("i", "int32", list(range(61))), ("t", "list", ["word"] * 61)]),
        frame([(f"c{i}", "int32", [i, i + 1]) for i in range(20)]),
        frame([(f"c{i}", "int32", [i, i + 1]) for i in range(21)]),
        frame([(f"column {i}", "float64", [i + 0.5, i / 3]) for i in range(8)]),
        frame([(f"column {i}", "float64", (np.arange(70) / (i + 3)).round(3).tolist()) for i in range(9)]),
    ]
    rng = np.random.default_rng(0)
    for _ in range(150):
        rows = int(rng.integers(1, 9))
        cases.append(frame([random_column(rng, f"c{j}" * int(rng.integers(1, 4)), rows) for j in range(rng.integers(1, 7))]))
    for _ in range(6):
        cases.append(frame([random_column(rng, f"c{j}", 64) for j in range(rng.integers(1, 4))]))
    for _ in range(20):
        width = int(rng.choice([20, 40, 79, 80, 81, 120]))
        cases.append(frame([random_column(rng, f"c{j}", 3) for j in range(rng.integers(3, 30))], width))
    cases.append(frame([(f"c{i}", "int32", [i]) for i in range(90)]))
    cases += [frame([(f"c{i}", "int32", [i, -i]) for i in range(n)], width) for n in (1, 2, 3) for width in (1, 2, 3)]
    os.environ["COLUMNS"] = "80"
    return {"cases": cases, "sets": {name: str(load(name)) for name in SETS}}


# Scaler --------------------------------------------------------------------------------------------------------------


def scaler_case(x, **options):
    x = np.array(x, dtype=np.float64)
    scaler = StandardScaler(**options).fit(x)
    listed = lambda a: None if a is None else [plain(v) for v in a]
    z = scaler.transform(x)
    return {
        "x": [listed(row) for row in x],
        "options": options,
        "mean": listed(scaler.mean_),
        "variance": listed(scaler.var_),
        "scale": listed(scaler.scale_),
        "transformed": [listed(row) for row in z],
        "back": [listed(row) for row in scaler.inverse_transform(z)],
    }


def message(call):
    try:
        call()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("no error")


def scalers():
    rng = np.random.RandomState(0)
    cases = [
        scaler_case([[1, 2], [3, 4], [5, 9]]),
        scaler_case([[1, 7], [2, 7], [3, 7]]),
        scaler_case([[0.1, 1e9]] * 5),
        scaler_case([[5, 6]]),
        scaler_case([[1, math.nan], [2, 5], [4, 7], [math.nan, 9]]),
        scaler_case([[1e8 + 1, 1], [1e8 + 2, 2], [1e8 + 3, 3]]),
        scaler_case([[1, 2], [3, 4], [5, 9]], with_mean=False),
        scaler_case([[1, 2], [3, 4], [5, 9]], with_std=False),
        scaler_case((rng.standard_normal((23, 4)) * [1, 100, 1e-5, 1e7] + [0, 5, 1, -1e7])),
        # Nearly constant, barely not constant, zero, and small columns: whether a column counts as constant depends on
        # mean, spread and number of rows.
        scaler_case(
            [
                [1e9, 1e9, 0, 1e-6],
                [1e9 + 1.2e-7, 1e9 + 1e-5, 0, -1e-6],
                [1e9, 1e9 + 2e-5, 0, 3e-6],
                [1e9 + 2.4e-7, 1e9, 0, 0],
                [1e9, 1e9 + 1e-5, 0, 1e-6],
            ]
        ),
        # Spreads close to the rounding error of the mean, which is corrected for.
        scaler_case((1e8 + np.floor(rng.uniform(0, 6, (40, 3))) * [2.0**-26, 2.0**-25, 2.0**-24])),
    ]
    sets = {}
    for name in SETS:
        df = load(name)
        scaler = StandardScaler().fit(np.ascontiguousarray(df[df.columns[:-1]].values, dtype=np.float64))
        sets[name] = {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    fitted = StandardScaler().fit([[1, 2], [3, 4]])
    errors = {
        "notFitted": message(lambda: StandardScaler().transform([[1.0]])),
        "features": message(lambda: fitted.transform([[1.0, 2.0, 3.0]])),
        "empty": message(lambda: StandardScaler().fit(np.zeros((0, 3)))),
        "infinite": message(lambda: StandardScaler().fit([[math.inf], [1.0]])),
        "reshape": message(lambda: np.zeros(5).reshape(2, 3)),
    }
    return {"cases": cases, "sets": sets, "errors": errors}


# Loader --------------------------------------------------------------------------------------------------------------


def loader_case(n, seed, passes=2, own=None, part=None, **options):
    torch.manual_seed(seed)
    x = torch.arange(n, dtype=torch.float32)
    dataset = TensorDataset(x, x * 10)
    if part is not None:
        dataset = Subset(dataset, part)
    generator = None if own is None else torch.Generator().manual_seed(own)
    loader = DataLoader(dataset, generator=generator, **options)
    batches = [[b[0].tolist() for b in loader] for _ in range(passes)]
    return {
        "n": n,
        "seed": seed,
        "own": own,
        "part": part,
        "options": options,
        "length": len(loader),
        "passes": batches,
        "after": torch.rand(3).tolist(),
        "afterOwn": None if own is None else torch.rand(3, generator=generator).tolist(),
    }


def split_case(n, lengths, seed, own=None):
    torch.manual_seed(seed)
    generator = {} if own is None else {"generator": torch.Generator().manual_seed(own)}
    parts = random_split(range(n), lengths, **generator)
    return {
        "n": n,
        "lengths": lengths,
        "seed": seed,
        "own": own,
        "parts": [list(p.indices) for p in parts],
        "after": torch.rand(3).tolist(),
    }


def loaders():
    cases = [loader_case(10, s, batch_size=3, shuffle=True) for s in (0, 1, 2, 42, 1234)]
    cases += [
        loader_case(10, 0, batch_size=5, shuffle=True),
        loader_case(10, 0, batch_size=3),
        loader_case(10, 0, batch_size=3, drop_last=True),
        loader_case(10, 7, batch_size=3, shuffle=True, drop_last=True),
        loader_case(7, 0, own=42, batch_size=2, shuffle=True),
        loader_case(6, 0, own=42, passes=3, batch_size=2, shuffle=True),
        loader_case(6, 0, own=42, batch_size=4),
        loader_case(6, 3, shuffle=True),
        loader_case(20, 3, batch_size=64, shuffle=True),
        loader_case(12, 5, part=[11, 3, 4, 0, 7], batch_size=2, shuffle=True),
        loader_case(1, 5, batch_size=2, shuffle=True),
        loader_case(0, 5, batch_size=2),
        loader_case(1000, 42, passes=1, batch_size=300, shuffle=True),
    ]
    splits = [
        split_case(10, [7, 3], 0),
        split_case(10, [3, 3, 4], 42),
        split_case(10, [10, 0], 42),
        split_case(30, [0.3, 0.3, 0.4], 1),
        split_case(11, [0.5, 0.25, 0.25], 1),
        split_case(10, [5, 5], 1, own=7),
    ]
    fit = lambda **options: DataLoader(TensorDataset(torch.ones(3)), **options)
    errors = {
        "batchSize": message(lambda: fit(batch_size=0)),
        "empty": message(lambda: DataLoader(TensorDataset(torch.ones(0)), shuffle=True)),
        "split": message(lambda: random_split(range(10), [3, 3])),
        "fraction": message(lambda: random_split(range(10), [1.5, -0.5])),
        "sizes": message(lambda: TensorDataset(torch.ones(2), torch.ones(3))),
        "ragged": message(lambda: next(iter(DataLoader([[1, 2], [1]], batch_size=2)))),
        "frame": message(lambda: pd.DataFrame(torch.ones(4, 2).numpy(), columns=["y"])),
        "requiresGrad": message(lambda: pd.DataFrame(torch.ones(4, 2, requires_grad=True).numpy())),
    }
    return {"cases": cases, "splits": splits, "errors": errors}


PARTS = {"frames": frames, "scaler": scalers, "loader": loaders}
for name in sys.argv[1:] or PARTS:
    write(name, PARTS[name]())
