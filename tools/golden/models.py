#!/usr/bin/env python3
"""The models of @flambeau/vision as torchvision 0.14.1 builds them. Run by /usr/bin/python3 from anywhere.

packages/vision/test/golden/models.json
  full     {name: [parameters, entries, digest]} of every whole model: how many numbers, how many entries its state dict
           has, and the SHA-256 of its lines "key [sizes]", of which each ends with a newline
  members  [{name, options, sizes, digest, bits, evaluated, outputs, loss, grads, text, macs, floats}]: a model that is
           made after manualSeed(0). `digest` is as above, `bits` is the SHA-256 of the bytes of its initial
           parameters. `evaluated` are scores of `image`
           below in evaluation. Then, after manualSeed(1), in training and in float64, because PyTorch's own float32
           gradients of deep networks are wrong by up to 1 %: scores in `outputs`, one list for each tensor, the
           loss against the labels 3 i mod classes, and the gradients as [norm, largest, first].
           `text` is the SHA-256 of how torchvision's models print,
           `macs` are the multiply-adds of one evaluation as torchinfo counts them, `floats` the elements of the outputs
           of all layers that have weights.

Narrow members are made by torchvision's own code, with layers that multiply the channels by the width. Models that
torchvision lacks are written here.
"""
import hashlib
import os
import sys
import warnings

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(1, os.path.join(sys.path[0], '..', '..', 'examples', 'src'))
import numpy as np  # noqa: E402
import torch  # noqa: E402
from format import data_of, short, write  # noqa: E402
from narrow import narrow  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torchvision import models  # noqa: E402
from torchvision.models import resnet  # noqa: E402
from train import snake  # noqa: E402

warnings.simplefilter('ignore')
torch.set_num_threads(1)


def image(sizes):
    """Numbers from -1 to 1 that look random: element i is a hash of i."""
    h = np.arange(int(np.prod(sizes)), dtype=np.uint64)
    low = np.uint64(0xFFFFFFFF)
    h = (h * np.uint64(2654435761)) & low
    h ^= h >> np.uint64(15)
    h = (h * np.uint64(2246822519)) & low
    h ^= h >> np.uint64(13)
    return torch.from_numpy((h.astype(np.float64) / 2**31 - 1).astype(np.float32)).reshape(sizes)


# ---- models that torchvision lacks ----


class Classifier(nn.Module):
    def __init__(self, features, classifier):
        super().__init__()
        self.features = features
        self.classifier = classifier

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def scaled_by(width):
    return lambda channels: max(1, round(channels * width))


def lenet5(num_classes=10, pooling='avg', activation='tanh', image_size=28, width=1, in_channels=1):
    c = scaled_by(width)
    act = {'tanh': nn.Tanh, 'relu': nn.ReLU}[activation]
    pool = {'avg': nn.AvgPool2d, 'max': nn.MaxPool2d}[pooling]
    features = nn.Sequential(
        nn.Conv2d(in_channels, c(6), 5, padding=2 if image_size == 28 else 0), act(), pool(2),
        nn.Conv2d(c(6), c(16), 5), act(), pool(2),
    )
    classifier = nn.Sequential(
        nn.Flatten(), nn.Linear(c(16) * 25, c(120)), act(), nn.Linear(c(120), c(84)), act(), nn.Linear(c(84), num_classes)
    )
    return Classifier(features, classifier)


def large(features, inputs, hidden, num_classes, dropout):
    return Classifier(
        features,
        nn.Sequential(
            nn.Dropout(dropout), nn.Linear(inputs, hidden), nn.ReLU(True),
            nn.Dropout(dropout), nn.Linear(hidden, hidden), nn.ReLU(True), nn.Linear(hidden, num_classes),
        ),
    )


def alexnet_two_tower(num_classes=1000, dropout=0.5, width=1, in_channels=3):
    c = scaled_by(width)
    features = nn.Sequential(
        nn.Conv2d(in_channels, c(96), 11, 4, 2), nn.ReLU(True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2), nn.MaxPool2d(3, 2),
        nn.Conv2d(c(96), c(256), 5, 1, 2, groups=2), nn.ReLU(True), nn.LocalResponseNorm(5, 5e-4, 0.75, 2), nn.MaxPool2d(3, 2),
        nn.Conv2d(c(256), c(384), 3, 1, 1), nn.ReLU(True),
        nn.Conv2d(c(384), c(384), 3, 1, 1, groups=2), nn.ReLU(True),
        nn.Conv2d(c(384), c(256), 3, 1, 1, groups=2), nn.ReLU(True), nn.MaxPool2d(3, 2),
    )
    return large(features, c(256) * 36, c(4096), num_classes, dropout)


def zfnet(num_classes=1000, dropout=0.5, width=1, in_channels=3):
    c = scaled_by(width)
    features = nn.Sequential(
        nn.Conv2d(in_channels, c(96), 7, 2, 1), nn.ReLU(True), nn.MaxPool2d(3, 2, 1), nn.LocalResponseNorm(5, 5e-4, 0.75, 2),
        nn.Conv2d(c(96), c(256), 5, 2), nn.ReLU(True), nn.MaxPool2d(3, 2, 1), nn.LocalResponseNorm(5, 5e-4, 0.75, 2),
        nn.Conv2d(c(256), c(384), 3, 1, 1), nn.ReLU(True), nn.Conv2d(c(384), c(384), 3, 1, 1), nn.ReLU(True),
        nn.Conv2d(c(384), c(256), 3, 1, 1), nn.ReLU(True), nn.MaxPool2d(3, 2),
    )
    return large(features, c(256) * 36, c(4096), num_classes, dropout)


class Shortcut(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        before = self.channels // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.channels - before))


class Plain(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = resnet.conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(True)
        self.conv2 = resnet.conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))))


class Small(nn.Module):
    def __init__(self, layers, residual, num_classes=10, width=1, in_channels=3):
        super().__init__()
        c = scaled_by(width)
        blocks = (layers - 2) // 6

        def block(inputs, outputs, stride):
            if not residual:
                return Plain(inputs, outputs, stride)
            return resnet.BasicBlock(inputs, outputs, stride, None if inputs == outputs else Shortcut(outputs - inputs, stride))

        def stage(inputs, outputs, stride):
            return nn.Sequential(*[block(outputs if i else inputs, outputs, 1 if i else stride) for i in range(blocks)])

        self.conv1 = resnet.conv3x3(in_channels, c(16))
        self.bn1 = nn.BatchNorm2d(c(16))
        self.relu = nn.ReLU(True)
        self.layer1 = stage(c(16), c(16), 1)
        self.layer2 = stage(c(16), c(32), 2)
        self.layer3 = stage(c(32), c(64), 2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(c(64), num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.kaiming_normal_(m.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.fc(torch.flatten(self.avgpool(self.layer3(self.layer2(self.layer1(x)))), 1))


OWN = {
    'lenet5': lenet5,
    'alexnetTwoTower': alexnet_two_tower,
    'zfnet': zfnet,
    **{f'resnet{n}': lambda n=n, **o: Small(n, True, **o) for n in (20, 32, 44, 56, 110)},
    **{f'plain{n}': lambda n=n, **o: Small(n, False, **o) for n in (20, 56)},
}
FAMILIES = {
    'alexnet': ['alexnet'],
    'vgg': ['vgg11', 'vgg11Bn', 'vgg13', 'vgg13Bn', 'vgg16', 'vgg16Bn', 'vgg19', 'vgg19Bn'],
    'googlenet': ['googlenet'],
    'resnet': ['resnet18', 'resnet34', 'resnet50', 'resnet101', 'resnet152', 'resnext50_32x4d', 'resnext101_32x8d',
               'resnext101_64x4d', 'wideResnet50_2', 'wideResnet101_2'],
}
BLOCKS = {'BasicBlock': resnet.BasicBlock, 'Bottleneck': resnet.Bottleneck}


def build(name, options):
    options = {snake(key): value for key, value in options.items()}
    if name in OWN:
        return OWN[name](**options)
    width = options.pop('width', 1)
    in_channels = options.pop('in_channels', 3)
    if name == 'googlenet':
        options.setdefault('init_weights', True)
    function = getattr(models, snake(name))
    if width == 1 and in_channels == 3:
        return function(**options)
    with narrow(width, in_channels, options.get('num_classes', 1000)):
        return function(**options)


# ---- what is recorded ----


def entries(model):
    return [(key, list(x.shape), x) for key, x in model.state_dict().items()]


def digest(model):
    lines = ''.join(f'{key} [{", ".join(map(str, sizes))}]\n' for key, sizes, _ in entries(model))
    return hashlib.sha256(lines.encode()).hexdigest()


def counts(model, x):
    """Multiply-adds and elements of outputs of the layers that have weights, as torchinfo counts them."""
    found = [0, 0]

    def hook(layer, _, y):
        own = sum(p.numel() for p in layer.parameters(recurse=False))
        if own == 0:
            return
        per = y.numel() // y.shape[1] if isinstance(layer, nn.Conv2d) else y.shape[0]
        found[0] += own * per
        found[1] += y.numel()

    hooks = [m.register_forward_hook(hook) for m in model.modules() if not list(m.children())]
    with torch.no_grad():
        model.eval()(x)
    for each in hooks:
        each.remove()
    return found


def six(x):
    return float(f'{x:.8g}')


def gradient(g):
    return [six(g.double().norm().item()), six(g.abs().max().item()), six(g.reshape(-1)[0].item())]


def member(name, options, sizes):
    torch.manual_seed(0)
    model = build(name, options)
    classes = options.get('numClasses', 10 if name in OWN else 1000)
    parameters = [p.detach() for p in model.parameters()]
    sha = hashlib.sha256()
    for p in parameters:
        sha.update(p.numpy().tobytes())
    x = image(sizes)
    macs, floats = counts(model, x)
    with torch.no_grad():
        evaluated = data_of(model.eval()(x))
    torch.manual_seed(1)
    y = model.double().train()(x.double())
    outputs = list(y) if isinstance(y, tuple) else [y]
    labels = torch.arange(sizes[0]) * 3 % classes
    losses = [F.cross_entropy(output, labels) for output in outputs]
    loss = losses[0] + 0.3 * sum(losses[1:])
    loss.backward()
    return {
        'name': name,
        'options': options,
        'sizes': sizes,
        'digest': digest(model),
        'bits': sha.hexdigest(),
        'evaluated': [six(v) for v in evaluated[:20]],
        'outputs': [[six(v) for v in data_of(output)[:20]] for output in outputs],
        'loss': six(loss.item()),
        'grads': [gradient(p.grad) for p in model.parameters()],
        'text': None if name in OWN else hashlib.sha256(repr(model).encode()).hexdigest(),
        'macs': macs,
        'floats': floats,
    }


NARROW = {'numClasses': 10, 'width': 0.125}
MEMBERS = [
    ('lenet5', {}, [4, 1, 28, 28]),
    ('lenet5', {'pooling': 'max', 'activation': 'relu', 'imageSize': 32, 'inChannels': 3, 'width': 0.5}, [2, 3, 32, 32]),
    ('alexnet', NARROW, [2, 3, 64, 64]),
    ('alexnetTwoTower', NARROW, [1, 3, 224, 224]),
    ('zfnet', NARROW, [1, 3, 224, 224]),
    ('vgg11', {**NARROW, 'inChannels': 1}, [2, 1, 32, 32]),
    ('vgg16Bn', {'numClasses': 10, 'width': 0.0625, 'dropout': 0.2}, [4, 3, 32, 32]),
    ('googlenet', {**NARROW, 'transformInput': True}, [4, 3, 64, 64]),
    ('resnet18', {**NARROW, 'inChannels': 1}, [4, 1, 64, 64]),
    ('resnet50', {**NARROW, 'replaceStrideWithDilation': [False, True, True]}, [4, 3, 64, 64]),
    ('resnet20', {}, [4, 3, 32, 32]),
    ('plain20', {'width': 0.5, 'inChannels': 1}, [4, 1, 28, 28]),
    ('googlenet', {}, [2, 3, 64, 64]),
    ('resnet18', {}, [2, 3, 64, 64]),
]

if __name__ == '__main__':
    names = [*OWN, *[name for family in FAMILIES.values() for name in family]]
    full = {}
    for name in names:
        options = {'initWeights': False} if name == 'googlenet' else {}
        model = build(name, options)
        full[name] = [sum(p.numel() for p in model.parameters()), len(entries(model)), digest(model)]
        del model
    members = [member(*each) for each in MEMBERS]
    write('packages/vision/test/golden/models.json', {'full': full, 'members': members}, depth=3)
