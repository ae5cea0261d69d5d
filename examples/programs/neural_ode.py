"""A neural ODE: a spiral's field learnt through Euler steps."""
import torch
from torch import nn


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 2))
        for m in self.net.modules():
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0, std=0.1)
                nn.init.constant_(m.bias, val=0)

    def forward(self, t, y):
        return self.net(y)


def odeint(func, y0, steps, dt):
    ys = [y0]
    for i in range(steps):
        ys.append(ys[-1] + dt * func(i * dt, ys[-1]))
    return torch.stack(ys)


def main(seed):
    torch.manual_seed(seed)
    A = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    y0 = torch.randn(4, 2)
    target = odeint(lambda t, y: y @ A, y0, 6, 0.15)
    field = Field()
    optimizer = torch.optim.NAdam(field.parameters(), lr=0.02)

    def step():
        optimizer.zero_grad()
        loss = torch.mean(torch.abs(odeint(field, y0, 6, 0.15) - target))
        loss.backward()
        optimizer.step()
        return loss

    for i in range(1, 25):
        loss = step()
        if i % 8 == 0:
            print(f'step {i} loss {loss.item():.4f}')


if __name__ == '__main__':
    main(0)
