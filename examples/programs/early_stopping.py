"""Early stopping: the best state of a model is kept, patience runs out, the rate falls on a plateau."""
import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class EarlyStopping:
    def __init__(self, patience=3, min_delta=0.0):
        self.patience, self.min_delta = patience, min_delta
        self.best, self.counter, self.state = float('inf'), 0, None

    def __call__(self, value, model):
        if value < self.best - self.min_delta:
            self.best, self.counter = value, 0
            self.state = copy.deepcopy(model.state_dict())
        else:
            self.counter += 1
        return self.counter >= self.patience


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(48, 5)
    y = x[:, :1].sin() + 0.3 * torch.randn(48, 1)
    train = DataLoader(TensorDataset(x[:24], y[:24]), batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(5, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1))
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode='min', factor=0.5, patience=1)
    stopping = EarlyStopping(patience=4)

    def step(inputs, targets):
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(25):
        model.train()
        for inputs, targets in train:
            step(inputs, targets)
        model.eval()
        with torch.no_grad():
            val = criterion(model(x[24:]), y[24:]).item()
        scheduler.step(val)
        if stopping(val, model):
            break
    print(f"stopped after {epoch + 1} lr {optimizer.param_groups[0]['lr']:.5f}")
    model.load_state_dict(stopping.state)
    print(f'best {stopping.best:.4f} again {criterion(model(x[24:]), y[24:]).item():.4f}')


if __name__ == '__main__':
    main(0)
