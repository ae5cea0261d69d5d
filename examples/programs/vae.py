"""A variational autoencoder: the reparametrisation by randn_like, reconstruction and KL divergence."""
import torch
from torch import nn
import torch.nn.functional as F


class VAE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(12, 16)
        self.mu = nn.Linear(16, 2)
        self.logvar = nn.Linear(16, 2)
        self.decoder = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 12))

    def encode(self, x):
        h = F.relu(self.encoder(x))
        return self.mu(h), self.logvar(h)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.randn_like(std)
        return mu + eps * std

    def forward(self, x):
        mu, logvar = self.encode(x)
        z = self.reparameterize(mu, logvar)
        return torch.sigmoid(self.decoder(z)), mu, logvar


def loss_function(recon, x, mu, logvar):
    bce = F.binary_cross_entropy(recon, x, reduction='sum')
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld


def main(seed):
    torch.manual_seed(seed)
    patterns = torch.bernoulli(torch.full((4, 12), 0.5))
    x = patterns.repeat(8, 1)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)

    def step():
        recon, mu, logvar = model(x)
        loss = loss_function(recon, x, mu, logvar) / len(x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 61):
        loss = step()
        if epoch % 20 == 0:
            print(f'epoch {epoch} loss {loss.item():.3f}')
    model.eval()
    with torch.no_grad():
        sample = torch.sigmoid(model.decoder(torch.randn(2, 2)))
    print(f'sample {sample.mean().item():.3f}')


if __name__ == '__main__':
    main(0)
