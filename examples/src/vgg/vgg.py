"""VGG-11 with batch normalisation, an eighth as wide, on pictures of clothes, in PyTorch.

    python3 vgg.py              # with the files of Fashion-MNIST in data/FashionMNIST/raw
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


def vgg(seed=0, epochs=5, dataset=datasets.FashionMNIST, root='data'):
    torch.manual_seed(seed)
    loaders = loaders_of(dataset, root)
    with narrow(0.125, in_channels=1, classes=10):
        model = models.vgg11_bn(num_classes=10)
    optimizer = optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    print(model)

    # Five times half of 32 is 1, so 32 x 32 is the least that it takes: two pixels of background on each side.
    def padded(x):
        return F.pad(x, [2, 2, 2, 2], value=-1)

    def scores(x):
        return model(padded(x))

    fit(loaders, model, optimizer, lambda x, y: measured(scores(x), y), epochs)

    tested(loaders, model, scores)


if __name__ == '__main__':
    vgg()
