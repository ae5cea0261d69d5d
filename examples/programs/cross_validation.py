"""Cross-validation by samplers: folds, weighted samples, streams of unequal length, a sampler of one's own."""
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, Dataset, IterableDataset
from torch.utils.data import Sampler, SubsetRandomSampler, TensorDataset, WeightedRandomSampler, random_split


class Waves(Dataset):
    def __init__(self, n):
        self.x = torch.linspace(-1, 1, n).unsqueeze(1)
        self.y = torch.sin(3 * self.x) + 0.1 * torch.randn(n, 1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {'x': self.x[i], 'y': self.y[i], 'id': i, 'w': 0.5 + i / 10, 'name': f's{i}'}


class Stream(IterableDataset):
    def __init__(self, start, end):
        self.start, self.end = (start, end)

    def __iter__(self):
        for i in range(self.start, self.end):
            yield (torch.full((i % 3 + 1,), float(i)), i * 0.5)


class Stratified(Sampler):
    def __init__(self, labels, per):
        self.labels, self.per = (torch.as_tensor(labels), per)

    def __iter__(self):
        for c in self.labels.unique():
            idx = (self.labels == c).nonzero().flatten()
            yield from idx[torch.randperm(len(idx))[:self.per]].tolist()

    def __len__(self):
        return len(self.labels.unique()) * self.per


def pad_collate(batch):
    xs, ys = zip(*batch)
    padded = nn.utils.rnn.pad_sequence(xs, batch_first=True, padding_value=-1)
    return (padded, torch.tensor([len(x) for x in xs]), torch.tensor(ys))


def main(seed):
    torch.manual_seed(seed)
    ds = Waves(17)
    perm = torch.randperm(len(ds)).tolist()
    k = 3
    folds = [perm[i::k] for i in range(k)]
    scores = []
    for f in range(k):
        train_ids = [i for j in range(k) if j != f for i in folds[j]]
        tr = DataLoader(ds, batch_size=4, sampler=SubsetRandomSampler(train_ids))
        va = DataLoader(ds, batch_size=8, sampler=folds[f])
        net = nn.Sequential(nn.Linear(1, 12), nn.Tanh(), nn.Linear(12, 1))
        opt = torch.optim.NAdam(net.parameters(), lr=0.03)
        for e in range(6):
            for b in tr:
                opt.zero_grad()
                losses = F.huber_loss(net(b['x']), b['y'], reduction='none', delta=0.5)
                loss = (b['w'].unsqueeze(1).float() * losses).mean()
                loss.backward()
                opt.step()
        net.eval()
        with torch.no_grad():
            s = sum((F.mse_loss(net(b['x']), b['y'], reduction='sum').item() for b in va)) / len(folds[f])
        scores.append(s)
        print(f"fold {f}: {len(tr)} batches, last ids {b['id'].tolist()}, {b['name']}, val {s:.5f}")
    print(f'{torch.tensor(scores).mean():.5f} +- {torch.tensor(scores).std():.5f}')
    for x, n, y in DataLoader(Stream(2, 9), batch_size=3, collate_fn=pad_collate):
        print(x, n, y)
    labels = [0, 1, 1, 2, 0, 1, 2, 2, 2, 0]
    print(list(Stratified(labels, 2)))
    batches = BatchSampler(Stratified(labels, 2), 4, drop_last=True)
    dl = DataLoader(TensorDataset(torch.arange(10), torch.tensor(labels)), batch_sampler=batches)
    print(len(dl), [[t.tolist() for t in b] for b in dl])
    w = 1.0 / torch.bincount(torch.tensor(labels)).float()
    ws = WeightedRandomSampler(w[torch.tensor(labels)], 8, generator=torch.Generator().manual_seed(seed))
    print(list(ws), len(ws))
    a, b = random_split(ds, [12, 5], generator=torch.Generator().manual_seed(7))
    print(len(a), list(b.indices), b[0]['id'])
    g = torch.Generator()
    g.manual_seed(3)
    dl = DataLoader(range(7), batch_size=3, shuffle=True, drop_last=True, generator=g)
    print([b.tolist() for b in dl], [b.tolist() for b in dl], len(dl))
    cat = ConcatDataset([a, b])
    print(len(cat), cat[-1]['id'], cat.cumulative_sizes)
    batch = next(iter(DataLoader(ds, batch_size=2)))
    print(batch['x'], batch['y'].shape, batch['name'])
