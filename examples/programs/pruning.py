"""Magnitude pruning of a trained network, a few epochs of fine-tuning, weighted samples of an unbalanced set."""
import torch
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(40, 4)
    y = (x[:, 0] > 0.8).float().unsqueeze(1)
    counts = torch.stack([(y == 0).sum(), (y == 1).sum()])
    weights = (1.0 / counts)[y.squeeze(1).long()]
    sampler = WeightedRandomSampler(weights, num_samples=40, replacement=True)
    loader = DataLoader(TensorDataset(x, y), batch_size=20, sampler=sampler)
    model = nn.Sequential(nn.Linear(4, 10), nn.Tanh(), nn.Linear(10, 1))
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)

    def train(epochs):
        for _ in range(epochs):
            for inputs, targets in loader:
                loss = criterion(model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return criterion(model(x), y).item()

    print(f'trained {train(10):.4f}')
    prune.l1_unstructured(model[0], name='weight', amount=0.5)
    print(f'pruned {criterion(model(x), y).item():.4f} zeros {int((model[0].weight == 0).sum())}')
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    print(f'tuned {train(4):.4f}')
    prune.remove(model[0], 'weight')
    print(f'zeros {int((model[0].weight == 0).sum())} parameters {len(list(model.parameters()))}')


if __name__ == '__main__':
    main(0)
