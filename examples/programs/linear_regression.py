"""Linear regression: a line through noisy points, by nn.Linear and SGD."""
import torch
from torch import nn


def main(seed):
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 40).unsqueeze(1)
    y = 3 * x - 0.5 + 0.1 * torch.randn(40, 1)
    model = nn.Linear(1, 1)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def step():
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(60):
        loss = step()
        if epoch % 20 == 19:
            print(f'epoch {epoch + 1} loss {loss.item():.5f}')
    print(f'weight {model.weight.item():.4f} bias {model.bias.item():.4f}')


if __name__ == '__main__':
    main(0)
