"""Data sets and loaders: iterated sets, samples of many kinds, splits, samplers, a collate function of one's own."""
import torch
from torch.utils.data import (BatchSampler, ConcatDataset, DataLoader, Dataset, IterableDataset, RandomSampler,
                              SequentialSampler, Subset, SubsetRandomSampler, TensorDataset, WeightedRandomSampler,
                              random_split)


class Squares(IterableDataset):
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        for i in range(self.n):
            yield torch.tensor([i, i * i])


class Samples(Dataset):
    def __init__(self, n):
        self.x = torch.randn(n, 2)
        self.y = torch.randint(0, 3, (n,))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {'x': self.x[i], 'y': self.y[i], 'name': f's{i}', 'w': float(i) / 2, 'pair': (i, [self.x[i, 0], 1])}


def main(seed):
    torch.manual_seed(seed)
    for b in DataLoader(Squares(5), batch_size=2):
        print(b.tolist())
    for b in DataLoader(Squares(5), batch_size=2, drop_last=True):
        print(b.shape)
    ds = Samples(7)
    for b in DataLoader(ds, batch_size=3, shuffle=True):
        pair = b['pair']
        print(b['name'], b['y'].tolist(), b['w'].dtype, b['w'].tolist(), pair[0].tolist(), len(pair[1]), b['x'].sum())
    g = torch.Generator().manual_seed(seed + 5)
    train, valid = random_split(ds, [5, 2], generator=g)
    print(train.indices, valid.indices, len(train))
    a, b, c = random_split(ds, [0.5, 0.3, 0.2], generator=g)
    print(len(a), len(b), len(c))

    def collate(batch):
        xs = torch.stack([s['x'] for s in batch])
        n = torch.tensor([len(s['name']) for s in batch])
        return xs.mean(), n

    for m, n in DataLoader(train, batch_size=2, collate_fn=collate, drop_last=False):
        print(m, n)
    counts = torch.bincount(ds.y, minlength=3)
    w = (1.0 / counts.clamp(min=1).float())[ds.y]
    print(list(WeightedRandomSampler(w, 6, replacement=True)))
    print(list(BatchSampler(SequentialSampler(range(5)), 2, drop_last=False)))
    print(list(SubsetRandomSampler([3, 1, 2])), list(RandomSampler(range(4), replacement=True, num_samples=5)))
    dl = DataLoader(ds, batch_sampler=BatchSampler(RandomSampler(ds, generator=g), 4, True))
    print(len(dl), [b['name'] for b in dl])
    joined = ConcatDataset([TensorDataset(torch.arange(3)), TensorDataset(torch.arange(10, 12))])
    print([int(s[0]) for s in joined], joined[-1], len(joined))
    print([b[0].tolist() for b in DataLoader(joined, batch_size=2, shuffle=True, generator=g)])
    print(Subset(ds, [2, 4])[1]['name'], torch.rand(1))
