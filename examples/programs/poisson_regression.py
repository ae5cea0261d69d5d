"""Poisson regression: counts drawn in every step from a model's rates, and fitted by the Poisson loss."""
import torch
from torch import nn


def main(seed):
    torch.manual_seed(seed)
    truth = torch.tensor([[0.8], [-0.5], [0.3]])
    model = nn.Linear(3, 1)
    criterion = nn.PoissonNLLLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    total = torch.zeros(())
    for epoch in range(1, 91):
        x = torch.randn(64, 3)
        counts = torch.poisson(torch.exp(x @ truth + 0.5))
        optimizer.zero_grad()
        loss = criterion(model(x), counts)
        loss.backward()
        optimizer.step()
        total += counts.sum()
        if epoch % 30 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f} counts {int(total)}')
    print('weight', *[f'{w:.3f}' for w in model.weight.flatten().tolist()])
    print(f'bias {model.bias.item():.3f}')
    trials = torch.binomial(torch.full((1000,), 10.0), torch.sigmoid(model.bias.detach()).expand(1000))
    print(f'mean {trials.mean().item():.3f} variance {trials.var().item():.3f}')


if __name__ == '__main__':
    main(0)
