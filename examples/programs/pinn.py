"""A physics-informed network: u'' = -u by second derivatives through the network."""
import torch
from torch import nn


def main(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    t = torch.linspace(0, 3, 20).view(-1, 1).requires_grad_(True)
    t0 = torch.zeros(1, 1, requires_grad=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)

    def derivative(u, x):
        return torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]

    def step():
        optimizer.zero_grad()
        u = net(t)
        u_tt = derivative(derivative(u, t), t)
        physics = torch.mean((u_tt + u) ** 2)
        u0 = net(t0)
        boundary = (u0 - 1).pow(2).squeeze() + derivative(u0, t0).pow(2).squeeze()
        loss = boundary + 0.1 * physics
        loss.backward()
        optimizer.step()
        return loss

    for i in range(1, 41):
        loss = step()
        if i % 10 == 0:
            print(f'step {i} loss {loss.item():.4f}')
    print(f'u(1) = {net(torch.tensor([[1.0]])).item():.3f}')


if __name__ == '__main__':
    main(0)
