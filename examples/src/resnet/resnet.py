"""Why residuals train: networks of 20 and of 56 layers, with shortcuts and without, in PyTorch.

    python3 resnet.py          # with the files of Fashion-MNIST in data/FashionMNIST/raw
"""
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader
from torchvision import datasets
from torchvision.transforms import Compose, Normalize, ToTensor


def conv3x3(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, residual):
        super().__init__()
        self.conv1 = conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.more = outputs - inputs
        self.residual = residual

    def shortcut(self, x):
        if self.stride == 1 and self.more == 0:
            return x
        # Without weights: every second pixel, and channels of zeros on both sides.
        before = self.more // 2
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, before, self.more - before))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y + self.shortcut(x) if self.residual else y)


class SmallResNet(nn.Module):
    def __init__(self, layers, residual, width):
        super().__init__()
        blocks = (layers - 2) // 6
        first, second, third = (round(channels * width) for channels in (16, 32, 64))

        def stage(inputs, outputs, stride):
            rest = [Block(outputs, outputs, 1, residual) for _ in range(blocks - 1)]
            return nn.Sequential(Block(inputs, outputs, stride, residual), *rest)

        self.conv1 = conv3x3(1, first)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = stage(first, first, 1)
        self.layer2 = stage(first, second, 2)
        self.layer3 = stage(second, third, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(third, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.avgpool(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(x, 1))


def for_each_batch(loader, step):
    """One pass over a loader: the means over the samples of what the step returns, which are means over a batch."""
    sums, samples = {}, 0
    for x, y in loader:
        for name, mean in step(x, y).items():
            sums[name] = sums.get(name, 0) + mean.item() * len(x)
        samples += len(x)
    return {name: total / samples for name, total in sums.items()}


class Network:
    """A network with its optimizer and its learning rate."""

    def __init__(self, layers, residual, seed, width, lr):
        torch.manual_seed(seed)
        self.model = SmallResNet(layers, residual, width)
        self.optimizer = optim.SGD(self.model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
        self.scheduler = optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=0.6)

    def measure(self, x, y):
        logits = self.model(x)
        loss = F.cross_entropy(logits, y)
        return {'loss': loss, 'accuracy': (logits.argmax(dim=1) == y).float().mean()}

    def step(self, x, y):
        means = self.measure(x, y)

        self.optimizer.zero_grad()
        means['loss'].backward()
        self.optimizer.step()
        return means

    @torch.no_grad()
    def evaluate(self, x, y):
        return self.measure(x, y)


def resnet(seed=0, epochs=5, dataset=datasets.FashionMNIST, root='data', width=0.25, batch_size=50, lr=0.03):
    transform = Compose([ToTensor(), Normalize([0.5], [0.5])])
    train = dataset(root, train=True, transform=transform)
    test = dataset(root, train=False, transform=transform)

    networks = {
        'residual, 20 layers': Network(20, True, seed, width, lr),
        'residual, 56 layers': Network(56, True, seed, width, lr),
        'plain, 20 layers': Network(20, False, seed, width, lr),
        'plain, 56 layers': Network(56, False, seed, width, lr),
    }
    train_loader = DataLoader(train, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test, batch_size=500)

    for epoch in range(1, epochs + 1):
        curves = {name: for_each_batch(train_loader, network.step) for name, network in networks.items()}
        for network in networks.values():
            network.scheduler.step()
        print('Epoch %d' % epoch)
        for name, curve in curves.items():
            print('  %s: loss=%.4e' % (name, curve['loss']))

    for name, network in networks.items():
        network.model.eval()
        accuracy = for_each_batch(test_loader, network.evaluate)['accuracy']
        print('Test accuracy, %s: %.4f' % (name, accuracy))


if __name__ == '__main__':
    resnet()
