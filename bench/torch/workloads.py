"""The workloads in real PyTorch, as a user writes them. Each takes its inputs by name and gives a step, and what is compared
with other subjects, from the last step's result."""
import torch
import torch.nn.functional as F
from torch import nn, optim


def start(model, inputs):
    """Gives a model the parameters that are among the inputs."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(inputs[name])
    return model


def training(model, criterion, optimizer, inputs):
    x, y = inputs["x"], inputs["y"]

    def step():
        y_hat = model(x)
        loss = criterion(y_hat, y)

        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step, lambda loss: [loss, *model.parameters()]


def boston(inputs):
    model = start(nn.Linear(13, 1), inputs)
    return training(model, F.mse_loss, optim.SGD(model.parameters(), lr=1e-3), inputs)


def boston_mlp(inputs):
    layers = [nn.Linear(13, 10), nn.LeakyReLU(), nn.Linear(10, 5), nn.LeakyReLU(), nn.Linear(5, 1)]
    model = start(nn.Sequential(*layers), inputs)
    return training(model, F.mse_loss, optim.SGD(model.parameters(), lr=1e-3), inputs)


def breast_cancer(inputs):
    model = start(nn.Sequential(nn.Linear(30, 1), nn.Sigmoid()), inputs)
    return training(model, nn.BCELoss(), optim.SGD(model.parameters(), lr=1e-2), inputs)


def mlp_of(optimizer, inputs):
    layers = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)]
    model = start(nn.Sequential(*layers), inputs)
    return training(model, F.cross_entropy, optimizer(model.parameters()), {**inputs, "y": inputs["y"].long()})


def mlp(inputs):
    return mlp_of(lambda parameters: optim.Adam(parameters, lr=1e-3), inputs)


def mlp_sgd(inputs):
    return mlp_of(lambda parameters: optim.SGD(parameters, lr=1e-2), inputs)


def matmul(inputs):
    a, b = inputs["a"], inputs["b"]
    return lambda: a @ b, lambda c: [c]


def gemm(inputs, dtype, turned, *sizes):
    a, b = (inputs[name].to(getattr(torch, dtype)) for name in "ab")
    a, b = a.t() if turned == "tn" else a, b.t() if turned == "nt" else b
    return lambda: a @ b, lambda c: [c.float()]


def convolution(inputs, way, direction, *sizes):
    x, weight, dy = (inputs[name] for name in ("x", "weight", "dy"))
    stride, padding, groups = map(int, sizes[-3:])
    if direction == "forward":

        def forward():
            with torch.no_grad():
                return F.conv2d(x, weight, None, stride, padding, 1, groups)

        return forward, lambda y: [y]
    mask = [direction == "data", direction == "weight", False]
    at = mask.index(True)

    def backward():
        fixed = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], groups
        return torch.ops.aten.convolution_backward(dy, x, weight, None, *fixed, mask)[at]

    return backward, lambda gradient: [gradient]


def activation(inputs):
    x = inputs["x"].requires_grad_()

    def step():
        x.grad = None
        total = (torch.tanh(1.5 * x + 0.5) * torch.sigmoid(x)).sum()
        total.backward()
        return total

    return step, lambda total: [total, x.grad]


def cross_entropy(inputs):
    x, y = inputs["x"].requires_grad_(), inputs["y"].long()

    def step():
        x.grad = None
        loss = F.cross_entropy(x, y)
        loss.backward()
        return loss

    return step, lambda loss: [loss, x.grad]


def reduction(name, dim):
    # PyTorch's max(dim) also returns the indices; amax returns only the values, as in other libraries.
    reduce = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}[name]

    def load(inputs):
        x = inputs["x"]
        return lambda: reduce(x, dim), lambda y: [y]

    return load


def scalar_graph(inputs):
    x, y = inputs["x"].requires_grad_(), inputs["y"].requires_grad_()

    def step():
        x.grad = None
        y.grad = None
        z = x
        for _ in range(10):
            z = z * y + x
        z.backward()
        return z

    return step, lambda z: [z, x.grad, y.grad]


def operation(inputs):
    x, y = inputs["x"], inputs["y"]

    def step():
        with torch.no_grad():
            z = x
            for _ in range(100):
                z = z * y
        return z

    return step, lambda z: [z]


workloads = {
    "boston": boston,
    "boston-mlp": boston_mlp,
    "breast-cancer": breast_cancer,
    "mlp": mlp,
    "mlp-sgd": mlp_sgd,
    **{f"matmul-{n}": matmul for n in (64, 256, 512, 1024)},
    "gemm": gemm,
    "convolution": convolution,
    "activation": activation,
    "cross-entropy": cross_entropy,
    **{f"{name}-{dim}": reduction(name, dim) for name in ("sum", "mean", "max") for dim in range(3)},
    "scalar-graph": scalar_graph,
    "operation": operation,
}
