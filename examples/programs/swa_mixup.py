"""Mixup by a Beta distribution, and stochastic weight averaging with its own learning rate."""
import torch
from torch import nn
from torch.distributions import Beta
import torch.nn.functional as F
from torch.optim.swa_utils import AveragedModel, SWALR


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(40, 5)
    y = (x.sum(1) > 0).long()
    model = nn.Sequential(nn.Linear(5, 12), nn.SiLU(), nn.Linear(12, 2))
    swa_model = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    swa_scheduler = SWALR(optimizer, anneal_strategy='linear', anneal_epochs=3, swa_lr=0.1)
    mix = Beta(torch.tensor(0.4), torch.tensor(0.4))

    def step(lam, index):
        mixed = lam * x + (1 - lam) * x[index]
        out = model(mixed)
        loss = lam * F.cross_entropy(out, y) + (1 - lam) * F.cross_entropy(out, y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 25):
        loss = step(mix.sample(), torch.randperm(40))
        if epoch > 12:
            swa_model.update_parameters(model)
            swa_scheduler.step()
        else:
            scheduler.step()
        if epoch % 8 == 0:
            print(f"epoch {epoch} loss {loss.item():.4f} lr {optimizer.param_groups[0]['lr']:.4f}")
    print(f'averaged {F.cross_entropy(swa_model(x), y).item():.4f} of {swa_model.n_averaged.item()}')


if __name__ == '__main__':
    main(0)
