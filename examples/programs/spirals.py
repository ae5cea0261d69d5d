"""Three spirals, told apart by a small network: CrossEntropyLoss, one-cycle learning rate, clipped gradients."""
import math

import torch
from torch import nn
import torch.nn.functional as F


def make_spirals(points, classes):
    xs, ys = [], []
    for c in range(classes):
        r = torch.linspace(0.05, 1, points)
        t = torch.linspace(c * 4, (c + 1) * 4, points) + torch.randn(points) * 0.2
        xs.append(torch.stack([r * torch.sin(t), r * torch.cos(t)], dim=1))
        ys.append(torch.full((points,), c, dtype=torch.long))
    return torch.cat(xs), torch.cat(ys)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 32)
        self.fc2 = nn.Linear(32, 3)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


def main(seed):
    torch.manual_seed(seed)
    x, y = make_spirals(40, 3)
    model = Net()
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=100)

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
        optimizer.step()
        scheduler.step()
        return loss, norm

    print(f'chance {math.log(3):.4f}')
    for epoch in range(1, 101):
        loss, norm = step()
        if epoch % 25 == 0:
            print(f'epoch {epoch} loss {loss.item():.3f} norm {norm.item():.3f}')
    accuracy = (model(x).argmax(dim=1) == y).float().mean()
    print(f'accuracy {accuracy.item():.2f}')


if __name__ == '__main__':
    main(0)
