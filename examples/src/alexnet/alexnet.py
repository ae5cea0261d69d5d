"""AlexNet, a quarter as wide, on pictures of clothes, in PyTorch.

    python3 alexnet.py          # with the files of Fashion-MNIST in data/FashionMNIST/raw
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import optim
from torchvision import datasets, models

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from clothes import fit, loaders_of, measured, tested  # noqa: E402
from narrow import narrow  # noqa: E402


def alexnet(seed=0, epochs=5, dataset=datasets.FashionMNIST, root='data'):
    torch.manual_seed(seed)
    loaders = loaders_of(dataset, root)
    with narrow(0.25, in_channels=1, classes=10):
        model = models.alexnet(num_classes=10)
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    print(model)

    # Of 28 x 28 pixels its strides leave nothing: 63 x 63 is the least that it takes.
    def enlarged(x):
        return F.interpolate(x, size=[63, 63], mode='bilinear', align_corners=False)

    def scores(x):
        return model(enlarged(x))

    fit(loaders, model, optimizer, lambda x, y: measured(scores(x), y), epochs)

    tested(loaders, model, scores)


if __name__ == '__main__':
    alexnet()
