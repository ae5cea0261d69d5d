"""GoogLeNet, a quarter as wide, on pictures of clothes, in PyTorch.

    python3 googlenet.py        # with the files of Fashion-MNIST in data/FashionMNIST/raw
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


def googlenet(seed=0, epochs=5, dataset=datasets.FashionMNIST, root='data'):
    torch.manual_seed(seed)
    loaders = loaders_of(dataset, root)
    with narrow(0.25, in_channels=1, classes=10):
        model = models.googlenet(num_classes=10, init_weights=True)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

    def measure(x, y):
        # 28 x 28 pixels are enough: behind the last pooling one is left.
        outputs = model(x)
        if isinstance(outputs, torch.Tensor):
            return measured(outputs, y)
        scores, scores2, scores1 = outputs
        means = measured(scores, y)
        aux1, aux2 = [F.cross_entropy(each, y) for each in (scores1, scores2)]
        return {
            'loss': means['loss'] + 0.3 * aux1 + 0.3 * aux2,
            'accuracy': means['accuracy'], 'final': means['loss'], 'aux1': aux1, 'aux2': aux2,
        }

    fit(loaders, model, optimizer, measure, epochs)

    tested(loaders, model, model)


if __name__ == '__main__':
    googlenet()
