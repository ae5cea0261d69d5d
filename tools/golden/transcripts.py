#!/usr/bin/python3
"""Runs the programs of examples/ in real PyTorch and writes down what they print, one JSON file per example and seed.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/transcripts.py [example ...] [--seeds 0 1 2 42 1234]

The reference is PyTorch 1.13.1 with pandas and scikit-learn (Debian: python3-torch python3-pandas python3-sklearn). OpenBLAS
chooses its kernels by processor, and the choice moves the last digits of a long training, so it is pinned to Haswell. Losses
are written with ten digits; `lines` is what the program printed.
"""
import argparse
import io
import json
import os
import re
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")  # before torch loads OpenBLAS

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.preprocessing import StandardScaler
from torch.utils.data import DataLoader, TensorDataset, random_split

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "examples" / "transcripts"
SEEDS = [0, 1, 2, 3, 7, 42, 123, 1234]


def load(name):
    """The CSV text that the data package ships."""
    source = (ROOT / "packages" / "data" / "src" / "datasets" / f"{name}.csv.ts").read_text()
    return pd.read_csv(io.StringIO(re.search(r"`([^`]*)`", source).group(1)))


class Transcript:
    """Collects what a program prints, and the figures behind it."""

    def __init__(self):
        self.lines, self.losses, self.correct, self.extra = [], {}, {}, {}

    def print(self, *args):
        self.lines.extend(" ".join(str(a) for a in args).split("\n"))

    def epoch(self, epoch, loss, correct=None, interval=1):
        if epoch <= 10 or epoch % interval == 0:
            self.losses[epoch] = "%.9e" % loss
            if correct is not None:
                self.correct[epoch] = int(correct)
        if epoch % interval == 0:
            self.print("Epoch %d: loss=%.4e" % (epoch, loss))

    def json(self):
        result = {"lines": self.lines}
        if self.losses:
            result["losses"] = self.losses
        if self.correct:
            result["correct"] = self.correct
        return {**result, **self.extra}


def standardised(frame, target):
    """x and y as float32: every feature through a StandardScaler in float64, then cast."""
    features = [c for c in frame.columns if c != target]
    x = torch.from_numpy(StandardScaler().fit_transform(frame[features].values.astype(np.float64))).float()
    return x, torch.from_numpy(frame[[target]].values.astype(np.float64)).float()


def print_frame(out, y, y_hat):
    df = pd.DataFrame(torch.cat([y, y_hat], dim=1).detach().numpy(), columns=["y", "y_hat"])
    out.print(df)
    out.extra["frame"] = {"text": str(df), "head": df.head().values.tolist(), "tail": df.tail().values.tolist()}


# The programs -------------------------------------------------------------------------------------------------------


def autograd_basics(seed):
    out = Transcript()
    x = torch.tensor(3.5, requires_grad=True)
    out.print(x)
    y = (x - 1) * (x - 2) * (x - 3)
    out.print(y)
    y.backward()
    out.print(x.grad)

    try:
        y.backward()
    except RuntimeError as error:
        out.print("RuntimeError: " + str(error))

    a = torch.tensor([1.0, 2.0], requires_grad=True)
    (a**2).sum().backward()
    out.print(a.grad)
    (a**2).sum().backward()
    out.print(a.grad)
    a.grad = None

    z = torch.tensor(3.0, requires_grad=True)
    (first,) = torch.autograd.grad(z**3, z, create_graph=True)
    out.print(first)
    (second,) = torch.autograd.grad(first, z)
    out.print(second)

    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    b = torch.tensor([0.5, -0.5], requires_grad=True)
    v = torch.tensor([[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]])
    h = v @ w.t() + b
    out.print(h)
    h.mean().backward()
    out.print(w.grad)
    out.print(b.grad)

    with torch.no_grad():
        out.print(x * 2)
    out.print(y.detach())
    return out.json()


def boston(seed, n_epochs=2000, print_interval=100):
    out = Transcript()
    x, y = standardised(load("boston"), "TARGET")

    torch.manual_seed(seed)
    model = nn.Linear(x.size(-1), y.size(-1))
    optimizer = optim.SGD(model.parameters(), lr=1e-3)

    for i in range(n_epochs):
        y_hat = model(x)
        loss = F.mse_loss(y_hat, y)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        out.epoch(i + 1, loss.item(), interval=print_interval)
    return out.json()


class MyModel(nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.linear = nn.Linear(input_dim, output_dim)
        self.act = nn.Sigmoid()

    def forward(self, x):
        return self.act(self.linear(x))


def breast_cancer(seed, n_epochs=200000, print_interval=10000):
    out = Transcript()
    x, y = standardised(load("breast-cancer"), "target")

    torch.manual_seed(seed)
    model = MyModel(x.size(-1), y.size(-1))
    crit = nn.BCELoss()
    optimizer = optim.SGD(model.parameters(), lr=1e-2)

    for i in range(n_epochs):
        y_hat = model(x)
        loss = crit(y_hat, y)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        if i < 10 or (i + 1) % print_interval == 0:
            out.epoch(i + 1, loss.item(), (y == (y_hat > 0.5)).sum(), print_interval)

    correct_cnt = (y == (y_hat > 0.5)).sum()
    total_cnt = float(y.size(0))
    out.print("Accuracy: %.4f" % (correct_cnt / total_cnt))
    print_frame(out, y, y_hat)
    return out.json()


def regression(seed, n_epochs=2000, print_interval=100):
    out = Transcript()
    x, y = standardised(load("boston"), "TARGET")

    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(x.size(-1), 10), nn.LeakyReLU(), nn.Linear(10, 5), nn.LeakyReLU(), nn.Linear(5, y.size(-1))
    )
    optimizer = optim.SGD(model.parameters(), lr=1e-3)
    out.print(model)

    for i in range(n_epochs):
        y_hat = model(x)
        loss = F.mse_loss(y_hat, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.epoch(i + 1, loss.item(), interval=print_interval)
    return out.json()


def binary(seed, n_epochs=1000, print_interval=100):
    out = Transcript()
    x, y = standardised(load("breast-cancer"), "target")

    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(x.size(-1), 6),
        nn.LeakyReLU(),
        nn.Linear(6, 5),
        nn.LeakyReLU(),
        nn.Linear(5, y.size(-1)),
        nn.Sigmoid(),
    )
    crit = nn.BCELoss()
    optimizer = optim.Adam(model.parameters())
    out.print(model)

    for i in range(n_epochs):
        y_hat = model(x)
        loss = crit(y_hat, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.epoch(i + 1, loss.item(), (y == (y_hat > 0.5)).sum(), print_interval)

    out.print("Accuracy: %.4f" % ((y == (y_hat > 0.5)).sum() / float(y.size(0))))
    return out.json()


def binary_softmax(seed, n_epochs=500, print_interval=50):
    out = Transcript()
    x, y = standardised(load("breast-cancer"), "target")
    label = y.squeeze(1).long()

    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(x.size(-1), 6),
        nn.LeakyReLU(),
        nn.Linear(6, 5),
        nn.LeakyReLU(),
        nn.Linear(5, 2),
    )
    optimizer = optim.Adam(model.parameters())
    out.print(model)

    for i in range(n_epochs):
        logits = model(x)
        loss = F.nll_loss(F.log_softmax(logits, dim=1), label)
        y_hat = F.softmax(logits, dim=1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.epoch(i + 1, loss.item(), (y_hat.argmax(dim=1) == label).sum(), print_interval)

    out.print("Accuracy: %.4f" % ((y_hat.argmax(dim=1) == label).sum() / float(label.size(0))))
    return out.json()


def iris(seed, n_epochs=200, print_interval=20):
    out = Transcript()
    x, y = standardised(load("iris"), "target")
    label = y.squeeze(1).long()
    one_hot = F.one_hot(label, 3).float()

    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(x.size(-1), 10), nn.LeakyReLU(), nn.Linear(10, 3))
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    out.print(model)

    one_hot_losses = {}
    for i in range(n_epochs):
        logits = model(x)
        loss = F.cross_entropy(logits, label)
        one_hot_loss = F.cross_entropy(logits, one_hot)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        out.epoch(i + 1, loss.item(), (logits.argmax(dim=1) == label).sum(), print_interval)
        if i + 1 in out.losses:
            one_hot_losses[i + 1] = "%.9e" % one_hot_loss.item()

    out.print("One-hot labels: loss=%.4e" % one_hot_loss.item())
    y_hat = F.softmax(logits, dim=1)
    out.print("Accuracy: %.4f" % ((y_hat.argmax(dim=1) == label).sum() / float(label.size(0))))
    out.extra["oneHotLosses"] = one_hot_losses
    return out.json()


def digits(seed, n_epochs=20, print_interval=2):
    out = Transcript()
    x, y = standardised(load("digits"), "target")
    label = y.squeeze(1).long()

    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(x.size(-1), 32), nn.LeakyReLU(), nn.Linear(32, 10))
    optimizer = optim.SGD(model.parameters(), lr=5e-2, momentum=0.9)
    out.print(model)

    train, test = random_split(TensorDataset(x, label), [1500, 297])
    loader = DataLoader(train, batch_size=64, shuffle=True)
    (test_x, test_label) = next(iter(DataLoader(test, batch_size=297)))
    one_hot_losses = {}
    for i in range(n_epochs):
        total = one_hot_total = 0.0
        for batch, target in loader:
            logits = model(batch)
            loss = F.cross_entropy(logits, target)
            one_hot_loss = F.cross_entropy(logits, F.one_hot(target, 10).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * batch.size(0)
            one_hot_total += one_hot_loss.item() * batch.size(0)

        with torch.no_grad():
            correct_cnt = (model(test_x).argmax(dim=1) == test_label).sum()
        out.epoch(i + 1, total / len(train), correct_cnt, print_interval)
        if i + 1 in out.losses:
            one_hot_losses[i + 1] = "%.9e" % (one_hot_total / len(train))

    out.print("One-hot labels: loss=%.4e" % (one_hot_total / len(train)))
    out.print("Accuracy: %.4f" % (correct_cnt / float(len(test))))
    out.extra["oneHotLosses"] = one_hot_losses
    return out.json()


def shallow_network(seed):
    parts = {
        "regression": regression(seed),
        "binary": binary(seed),
        "binarySoftmax": binary_softmax(seed),
        "iris": iris(seed),
        "digits": digits(seed),
    }
    return {"lines": [line for part in parts.values() for line in part["lines"]], "parts": parts}


# The command --------------------------------------------------------------------------------------------------------

EXAMPLES = {
    "autograd-basics": autograd_basics,
    "boston": boston,
    "breast-cancer": breast_cancer,
    "shallow-network": shallow_network,
}


def main():
    parser = argparse.ArgumentParser(description="Transcripts of the examples, by real PyTorch")
    parser.add_argument("examples", nargs="*", help=", ".join(EXAMPLES))
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    options = parser.parse_args()
    if not torch.__version__.startswith("1.13."):
        sys.exit(f"this is PyTorch {torch.__version__}; the transcripts are of 1.13.1")
    for name in options.examples:
        if name not in EXAMPLES:
            parser.error(f"unknown example {name}")
    torch.set_num_threads(1)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in options.examples or EXAMPLES:
        seeds = [0] if name == "autograd-basics" else options.seeds
        for seed in seeds:
            head = {"example": name, "seed": seed, "reference": "PyTorch 1.13.1, OPENBLAS_CORETYPE=Haswell"}
            text = json.dumps({**head, **EXAMPLES[name](seed)}, indent=1)
            (OUT / f"{name}-{seed}.json").write_text(text + "\n")
            print(f"{name} seed {seed}", flush=True)


if __name__ == "__main__":
    main()
