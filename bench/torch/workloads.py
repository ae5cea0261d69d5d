"""The workloads in real PyTorch, as a user writes them. Each takes its inputs by name and gives a step, and what is compared
with other subjects, from the last step's result."""
import torch
import torch.nn.functional as F
from torch import nn, optim


def start(model, inputs):
    """Gives a model the parameters and buffers that are among the inputs."""
    with torch.no_grad():
        for name, numbers in model.state_dict().items():
            if numbers.is_floating_point():
                numbers.copy_(inputs[name])
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


class LeNet5(nn.Module):
    def __init__(self, pool, act):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), act(), pool(2), nn.Conv2d(6, 16, 5), act(), pool(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10)
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def lenet(pool, act):
    def load(inputs):
        model = start(LeNet5(pool, act), inputs)
        return training(model, F.cross_entropy, optim.SGD(model.parameters(), lr=0.05), {**inputs, "y": inputs["y"].long()})

    return load


class Shortcut(nn.Module):
    """The paper's shortcut without weights: every second pixel, and channels of zeros around."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.channels // 2, self.channels // 2))


class ResNet20(nn.Module):
    def __init__(self):
        from torchvision.models.resnet import BasicBlock

        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        same = lambda channels: BasicBlock(channels, channels)
        half = lambda channels: BasicBlock(channels // 2, channels, 2, Shortcut(channels // 2))
        self.layer1 = nn.Sequential(same(16), same(16), same(16))
        self.layer2 = nn.Sequential(half(32), same(32), same(32))
        self.layer3 = nn.Sequential(half(64), same(64), same(64))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.fc(torch.flatten(self.avgpool(self.layer3(self.layer2(self.layer1(x)))), 1))


def resnet20(inputs):
    model = start(ResNet20(), inputs)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return training(model, F.cross_entropy, optimizer, {**inputs, "y": inputs["y"].long()})


def trained_resnet18(inputs):
    from torchvision.models import resnet18

    return start(resnet18(), inputs).eval()


def resnet18(inputs):
    model = trained_resnet18(inputs)

    def step():
        with torch.no_grad():
            return model(inputs["x"])

    return step, lambda y: [y]


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


def pooling(inputs, kind, direction, sizes, windows=""):
    x, dy = inputs["x"], inputs["dy"]
    sizes = [int(n) for n in sizes.split(",")]
    windows = [int(n) for n in windows.split(",") if n]
    each = sizes[1:] if kind == "layer" else sizes[1:2]
    normalises = kind in ("batch", "evaluation", "instance", "group", "layer")
    weight, bias = torch.ones(each, requires_grad=normalises), torch.zeros(each, requires_grad=normalises)
    mean, variance = torch.zeros(sizes[1]), torch.ones(sizes[1])
    layer = {
        "max": lambda x: F.max_pool2d(x, *windows),
        "avg": lambda x: F.avg_pool2d(x, *windows),
        "mean": lambda x: F.adaptive_avg_pool2d(x, 1),
        "batch": lambda x: F.batch_norm(x, None, None, weight, bias, True),
        "evaluation": lambda x: F.batch_norm(x, mean, variance, weight, bias),
        "instance": lambda x: F.instance_norm(x, None, None, weight, bias),
        "group": lambda x: F.group_norm(x, sizes[1] // 2, weight, bias),
        "layer": lambda x: F.layer_norm(x, each, weight, bias),
    }[kind]
    if direction == "forward":

        def forward():
            with torch.no_grad():
                return layer(x)

        return forward, lambda y: [y]
    by = [x.requires_grad_(), *([weight, bias] if normalises else [])]

    def training():
        y = layer(x)
        return [y, *torch.autograd.grad(y, by, dy)]

    return training, lambda results: results


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
    "pooling": pooling,
    "activation": activation,
    "cross-entropy": cross_entropy,
    **{f"{name}-{dim}": reduction(name, dim) for name in ("sum", "mean", "max") for dim in range(3)},
    "scalar-graph": scalar_graph,
    "operation": operation,
    "lenet5": lenet(nn.AvgPool2d, nn.Tanh),
    "lenet5-max": lenet(nn.MaxPool2d, nn.ReLU),
    "resnet20": resnet20,
    "resnet18": resnet18,
}
