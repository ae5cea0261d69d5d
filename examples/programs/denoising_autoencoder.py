"""A denoising autoencoder: noise on the input, gradients accumulated over batches, a cyclical learning rate."""
import torch
from torch import nn


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 6), nn.ELU(), nn.Linear(6, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 6), nn.ELU(), nn.Linear(6, 10))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def main(seed):
    torch.manual_seed(seed)
    clean = torch.tanh(torch.randn(32, 3) @ torch.randn(3, 10))
    model = Autoencoder()
    criterion = nn.HuberLoss(delta=0.5)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.1, max_lr=0.5, step_size_up=10)

    def step():
        optimizer.zero_grad()
        total = 0
        for batch in clean.split(8):
            loss = criterion(model(batch + 0.1 * torch.randn_like(batch)), batch) / 4
            loss.backward()
            total = total + loss.detach()
        optimizer.step()
        scheduler.step()
        return total

    for epoch in range(1, 41):
        loss = step()
        if epoch % 10 == 0:
            print(f'epoch {epoch} loss {loss.item():.5f} lr {scheduler.get_last_lr()[0]:.3f}')
    print(f'code {model.encoder(clean).shape[1]} error {criterion(model(clean), clean).item():.5f}')


if __name__ == '__main__':
    main(0)
