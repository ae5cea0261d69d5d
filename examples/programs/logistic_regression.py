"""Logistic regression: two clouds of points, by BCEWithLogitsLoss and Adam with a learning rate that falls in steps."""
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR


def main(seed):
    torch.manual_seed(seed)
    x = torch.cat([torch.randn(50, 2) - 1, torch.randn(50, 2) + 1])
    y = torch.cat([torch.zeros(50), torch.ones(50)])
    model = nn.Linear(2, 1)
    criterion = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.2, weight_decay=1e-3)
    scheduler = StepLR(optimizer, step_size=20, gamma=0.5)

    def step():
        loss = criterion(model(x).squeeze(1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        return loss

    for epoch in range(60):
        loss = step()
        if epoch % 20 == 19:
            print(f'epoch {epoch + 1} loss {loss.item():.5f} lr {scheduler.get_last_lr()[0]:.4f}')
    with torch.no_grad():
        predicted = torch.sigmoid(model(x)).squeeze(1) > 0.5
    accuracy = (predicted == y.bool()).float().mean().item()
    print(f'accuracy {accuracy:.2f}')


if __name__ == '__main__':
    main(0)
