"""A generative adversarial network on one number: two networks, two optimizers, detach."""
import torch
from torch import nn


def main(seed):
    torch.manual_seed(seed)
    G = nn.Sequential(nn.Linear(4, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))
    D = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Sigmoid())
    criterion = nn.BCELoss()
    optimizer_g = torch.optim.Adam(G.parameters(), lr=5e-3, betas=(0.5, 0.999))
    optimizer_d = torch.optim.Adam(D.parameters(), lr=5e-3, betas=(0.5, 0.999))
    real_label, fake_label = torch.ones(16, 1), torch.zeros(16, 1)

    def step():
        real = torch.normal(4.0, 0.5, size=(16, 1))
        fake = G(torch.randn(16, 4))

        optimizer_d.zero_grad()
        loss_d = criterion(D(real), real_label) + criterion(D(fake.detach()), fake_label)
        loss_d.backward()
        optimizer_d.step()

        optimizer_g.zero_grad()
        loss_g = criterion(D(fake), real_label)
        loss_g.backward()
        optimizer_g.step()
        return loss_d, loss_g

    for i in range(1, 61):
        loss_d, loss_g = step()
        if i % 20 == 0:
            print(f'step {i} D {loss_d.item():.4f} G {loss_g.item():.4f}')
    with torch.no_grad():
        samples = G(torch.randn(100, 4))
    print(f'mean {samples.mean().item():.3f} std {samples.std().item():.3f}')


if __name__ == '__main__':
    main(0)
