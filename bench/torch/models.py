# Real PyTorch's side of the benches: one question a line on stdin, one answer a line on stdout. It makes the models with
# the numbers that it is given and times its own epochs.
import json
import sys
import time

import torch
from torch import nn, optim
import torch.nn.functional as F

torch.set_num_threads(1)


class MyModel(nn.Module):
    def __init__(self, input_dim, output_dim):
        super().__init__()
        self.linear = nn.Linear(input_dim, output_dim)
        self.act = nn.Sigmoid()

    def forward(self, x):
        return self.act(self.linear(x))


class Boston:
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.model = self.linear = nn.Linear(x.size(-1), y.size(-1))
        self.optimizer = optim.SGD(self.model.parameters(), lr=1e-3)

    def run(self, n):
        x, y, model, optimizer = self.x, self.y, self.model, self.optimizer
        for _ in range(n):
            y_hat = model(x)
            loss = F.mse_loss(y_hat, y)

            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.loss = loss


class BreastCancer:
    def __init__(self, x, y):
        self.x, self.y = x, y
        self.model = MyModel(x.size(-1), y.size(-1))
        self.linear = self.model.linear
        self.crit = nn.BCELoss()
        self.optimizer = optim.SGD(self.model.parameters(), lr=1e-2)

    def run(self, n):
        x, y, model, crit, optimizer = self.x, self.y, self.model, self.crit, self.optimizer
        for _ in range(n):
            y_hat = model(x)
            loss = crit(y_hat, y)

            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.loss = loss


class Scalar:
    """z = x, ten times z = z * y + x, backward."""

    def __init__(self):
        self.x = torch.tensor(0.5, requires_grad=True)
        self.y = torch.tensor(0.9, requires_grad=True)

    def run(self, n):
        x, y = self.x, self.y
        for _ in range(n):
            x.grad = None
            y.grad = None
            z = x
            for _ in range(10):
                z = z * y + x
            z.backward()
        self.loss = z


makers = {"boston": Boston, "breast-cancer": BreastCancer}
loaded = {"scalar": Scalar()}

for line in sys.stdin:
    question = json.loads(line)
    if "load" in question:
        rows, features = question["rows"], question["features"]
        x = torch.tensor(question["x"], dtype=torch.float32).view(rows, features)
        y = torch.tensor(question["y"], dtype=torch.float32).view(rows, 1)
        made = makers[question["load"]](x, y)
        with torch.no_grad():
            made.linear.weight.copy_(torch.tensor(question["weight"]).view(1, features))
            made.linear.bias.copy_(torch.tensor(question["bias"]))
        loaded[question["load"]] = made
        answer = {}
    elif "run" in question:
        work = loaded[question["run"]]
        start = time.perf_counter_ns()
        work.run(question["n"])
        answer = {"ns": time.perf_counter_ns() - start}
    else:
        answer = {"loss": loaded[question["loss"]].loss.item()}
    print(json.dumps(answer), flush=True)
