"""A mixture density network: a distribution over several answers for each input, with a one-cycle schedule."""
import torch
from torch import nn
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal


class MDN(nn.Module):
    def __init__(self, hidden=12, components=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, hidden), nn.GELU())
        self.heads = nn.ModuleDict({name: nn.Linear(hidden, components) for name in ('logits', 'means', 'scales')})

    def forward(self, x):
        h = self.body(x)
        mixing = Categorical(logits=self.heads['logits'](h))
        parts = Normal(self.heads['means'](h).unsqueeze(-1), nn.functional.softplus(self.heads['scales'](h)).unsqueeze(-1) + 1e-2)
        return MixtureSameFamily(mixing, Independent(parts, 1))


def main(seed):
    torch.manual_seed(seed)
    y = torch.linspace(-1, 1, 60).unsqueeze(1)
    x = 0.7 * y + 0.3 * torch.sin(6 * y) + 0.05 * torch.randn(60, 1)
    model = MDN()
    optimizer = torch.optim.NAdam(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.05, total_steps=40)
    for step in range(40):
        loss = -model(x).log_prob(y).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        if step % 10 == 9:
            print(f'step {step + 1} loss {loss.item():.4f} norm {norm.item():.3f} lr {scheduler.get_last_lr()[0]:.5f}')
    with torch.no_grad():
        p = model(torch.tensor([[0.0], [0.5]]))
        print('mean', [round(v, 3) for v in p.mean.flatten().tolist()], 'stddev', [round(v, 3) for v in p.stddev.flatten().tolist()])
        print('samples', tuple(p.sample((5,)).shape), p.batch_shape, p.event_shape)


if __name__ == '__main__':
    main(0)
