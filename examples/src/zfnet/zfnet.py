"""ZFNet, an eighth as wide, on pictures of clothes, in PyTorch. torchvision has no ZFNet.

    python3 zfnet.py            # with the files of Fashion-MNIST in data/FashionMNIST/raw
"""
import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn, optim
from torchvision import datasets

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from clothes import fit, loaders_of, measured, tested  # noqa: E402


class ZFNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 12, 7, stride=2, padding=1), nn.ReLU(True),
            nn.MaxPool2d(3, stride=2, padding=1), nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
            nn.Conv2d(12, 32, 5, stride=2), nn.ReLU(True),
            nn.MaxPool2d(3, stride=2, padding=1), nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2),
            nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(True),
            nn.Conv2d(48, 48, 3, padding=1), nn.ReLU(True),
            nn.Conv2d(48, 32, 3, padding=1), nn.ReLU(True),
            nn.MaxPool2d(3, stride=2),
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(32 * 6 * 6, 512), nn.ReLU(True),
            nn.Dropout(0.5), nn.Linear(512, 512), nn.ReLU(True),
            nn.Linear(512, 10),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def zfnet(seed=0, epochs=2, dataset=datasets.FashionMNIST, root='data'):
    torch.manual_seed(seed)
    loaders = loaders_of(dataset, root)
    model = ZFNet()
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    print(model)

    # Its linear layers take maps of 6 x 6, and 213 x 213 is the least size that gives them.
    def enlarged(x):
        return F.interpolate(x, size=[213, 213], mode='bilinear', align_corners=False)

    def scores(x):
        return model(enlarged(x))

    fit(loaders, model, optimizer, lambda x, y: measured(scores(x), y), epochs)

    tested(loaders, model, scores)


if __name__ == '__main__':
    zfnet()
