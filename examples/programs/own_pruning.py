"""Pruning by a method of one's own, by whole rows and over several layers, in rounds with a schedule of amounts."""
import torch
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Subset, TensorDataset


class BelowDeviation(prune.BasePruningMethod):
    PRUNING_TYPE = 'unstructured'

    def __init__(self, share):
        self.share = share

    def compute_mask(self, t, default_mask):
        return default_mask * (t.abs() > self.share * t.std())


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(60, 5)
    y = torch.sigmoid(x[:, :2].prod(1) * 3).round().long()
    data = TensorDataset(x, y)
    train = Subset(data, range(40))
    sampler = BatchSampler(RandomSampler(train), batch_size=16, drop_last=True)
    loader = DataLoader(train, batch_sampler=sampler)
    model = nn.Sequential(nn.Linear(5, 12), nn.SiLU(), nn.Linear(12, 8), nn.SiLU(), nn.Linear(8, 2))
    layers = [m for m in model if isinstance(m, nn.Linear)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + 0.1 * epoch))

    def fit(epochs):
        for _ in range(epochs):
            for inputs, labels in loader:
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(inputs), labels, label_smoothing=0.1)
                loss.backward()
                optimizer.step()
            scheduler.step()
        with torch.no_grad():
            return nn.functional.cross_entropy(model(x[40:]), y[40:]).item()

    def sparsity():
        return [int((m.weight == 0).sum()) for m in layers]

    print(f'dense {fit(6):.4f}', sparsity())
    prune.global_unstructured([(m, 'weight') for m in layers], prune.L1Unstructured, amount=0.3)
    print(f'global {fit(3):.4f}', sparsity())
    prune.ln_structured(layers[1], 'weight', amount=2, n=2, dim=0)
    method = BelowDeviation.apply(layers[0], 'weight', 0.5)
    print(type(method).__name__, len(method), method[-1].share, sparsity())
    print(f'rows {fit(3):.4f}', sorted(name for name, _ in layers[0].named_buffers()), prune.is_pruned(model))
    for m in layers:
        prune.remove(m, 'weight')
    print(sparsity(), sum(p.numel() for p in model.parameters()), prune.is_pruned(model))


if __name__ == '__main__':
    main(0)
