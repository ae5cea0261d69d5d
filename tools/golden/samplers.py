"""Writes packages/data/test/golden/samplers.json: the indices of PyTorch's samplers, and what their generators draw next.

    OPENBLAS_CORETYPE=Haswell /usr/bin/python3 tools/golden/samplers.py
"""
import torch
from torch.utils.data import (
    BatchSampler,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    get_worker_info,
)

from format import write

WEIGHTS = [0.1, 0.9, 0.4, 0.7, 3.0, 0.6]
MANY = [((i * 37) % 101) / 7 for i in range(300)]


def message(call):
    try:
        call()
    except Exception as error:
        return str(error).split('\n')[0]
    raise AssertionError('no error')


def case(kind, args, seed, own=None, **options):
    """Two passes of a sampler, and the next draws of the default generator and of the sampler's own."""
    torch.manual_seed(seed)
    generator = None if own is None else torch.Generator().manual_seed(own)
    sampler = kind(*args, generator=generator, **options)
    passes = [list(map(int, sampler)) for _ in range(2)]
    return {
        'kind': kind.__name__,
        'args': [len(args[0])] + list(args[1:]) if isinstance(args[0], range) else list(args),
        'seed': seed,
        'own': own,
        'options': {{'num_samples': 'numSamples'}.get(k, k): v for k, v in options.items()},
        'length': len(sampler),
        'passes': passes,
        'after': torch.rand(2).tolist(),
        'afterOwn': None if generator is None else torch.rand(2, generator=generator).tolist(),
    }


def loaders():
    """Passes of loaders over 0, 1, 2, ... with samplers of every kind."""
    results = []
    for seed in (0, 5):
        torch.manual_seed(seed)
        data = range(11)
        passes = [
            [b.tolist() for b in DataLoader(data, batch_size=4, sampler=SubsetRandomSampler([9, 3, 5, 1, 0, 7]))],
            [b.tolist() for b in DataLoader(data, batch_size=4, sampler=WeightedRandomSampler(WEIGHTS, 9))],
            [b.tolist() for b in DataLoader(data, batch_sampler=BatchSampler(RandomSampler(data), 3, True))],
            [b.tolist() for b in DataLoader(ConcatDataset([range(3), range(10, 12)]), batch_size=2, shuffle=True)],
        ]
        results.append({'seed': seed, 'passes': passes, 'after': torch.rand(2).tolist()})
    return results


class Count(IterableDataset):
    """0, 1, 2, ..., of which each worker has every n-th; the later ones have fewer, so that workers end at different times."""

    def __init__(self, n):
        self.n = n

    def __iter__(self):
        info = get_worker_info()
        first, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(first, self.n - 2 * first, step))


class Sized(Count):
    def __len__(self):
        return self.n


def iterables():
    for n, workers, size, drop in [
        (7, 0, 3, False), (7, 0, 3, True), (6, 0, 3, True), (0, 0, 2, False), (5, 0, None, False),
        (11, 1, 3, False), (11, 2, 3, False), (11, 2, 3, True), (20, 3, 2, False), (20, 3, 4, True), (9, 2, None, False),
        (3, 3, 1, False), (0, 2, 1, False),
    ]:
        loader = DataLoader(Sized(n), batch_size=size, num_workers=workers, drop_last=drop)
        passes = [[b.tolist() if size else b for b in loader] for _ in range(2)]
        yield {'n': n, 'workers': workers, 'size': size, 'drop': drop, 'length': len(loader), 'passes': passes}


data = range(10)
count = Count(3)
write('packages/data/test/golden/samplers.json', {
    'cases': [
        *(case(RandomSampler, [range(10)], seed) for seed in (0, 42)),
        case(RandomSampler, [range(10)], 0, own=7),
        case(RandomSampler, [range(10)], 0, num_samples=23),
        case(RandomSampler, [range(10)], 0, num_samples=4, own=3),
        case(RandomSampler, [range(10)], 0, replacement=True),
        case(RandomSampler, [range(100)], 1, replacement=True, num_samples=75),
        case(RandomSampler, [range(100)], 1, replacement=True, num_samples=64, own=2),
        case(SubsetRandomSampler, [[5, 3, 8, 1]], 0),
        case(SubsetRandomSampler, [[5, 3, 8, 1]], 0, own=9),
        case(SubsetRandomSampler, [[]], 0),
        *(case(WeightedRandomSampler, [WEIGHTS, 5], seed) for seed in (0, 42)),
        case(WeightedRandomSampler, [WEIGHTS, 5], 0, replacement=False),
        case(WeightedRandomSampler, [WEIGHTS, 6], 3, replacement=False, own=5),
        case(WeightedRandomSampler, [WEIGHTS, 1], 0),
        case(WeightedRandomSampler, [[0, 1, 0, 2], 20], 0),
        case(WeightedRandomSampler, [[0, 1, 0, 2], 2], 0, replacement=False),
        case(WeightedRandomSampler, [MANY, 200], 11),
        case(WeightedRandomSampler, [MANY, 200], 11, replacement=False),
    ],
    'batches': [
        {'n': n, 'size': size, 'drop': drop, 'batches': list(BatchSampler(SequentialSampler(range(n)), size, drop))}
        for n in (0, 1, 6, 7)
        for size in (1, 3, 8)
        for drop in (False, True)
    ],
    'loaders': loaders(),
    'iterables': list(iterables()),
    'errors': {
        'empty': message(lambda: RandomSampler([])),
        'numSamples': message(lambda: WeightedRandomSampler([1.0], 0)),
        'batchSize': message(lambda: BatchSampler(data, 0, False)),
        'matrix': message(lambda: WeightedRandomSampler(torch.ones(2, 2), 1)),
        'negative': message(lambda: list(WeightedRandomSampler([-1.0, 2.0], 1))),
        'infinite': message(lambda: list(WeightedRandomSampler([float('inf'), 2.0], 1))),
        'nan': message(lambda: list(WeightedRandomSampler([float('nan'), 2.0], 1))),
        'distinctNegative': message(lambda: list(WeightedRandomSampler([-1.0, 2.0], 1, False))),
        'distinctNan': message(lambda: list(WeightedRandomSampler([float('nan'), 2.0], 1, False))),
        'distinctZeros': message(lambda: list(WeightedRandomSampler([0.0, 0.0], 1, False))),
        'zeros': message(lambda: list(WeightedRandomSampler([0.0, 0.0], 1))),
        'tooMany': message(lambda: list(WeightedRandomSampler([1.0, 1.0], 3, replacement=False))),
        'shuffle': message(lambda: DataLoader(data, shuffle=True, sampler=SequentialSampler(data))),
        'batchSampler': message(lambda: DataLoader(data, batch_size=2, batch_sampler=[[1]])),
        'numWorkers': message(lambda: DataLoader(data, num_workers=-1)),
        'prefetchFactor': message(lambda: DataLoader(data, prefetch_factor=4)),
        'persistentWorkers': message(lambda: DataLoader(data, persistent_workers=True)),
        'unbatchedRest': message(lambda: DataLoader(data, batch_size=None, drop_last=True)),
        'iterableShuffle': message(lambda: DataLoader(count, shuffle=True)),
        'iterableSampler': message(lambda: DataLoader(count, sampler=SequentialSampler(data))).split('=<')[0],
        'iterableBatches': message(lambda: DataLoader(count, batch_sampler=BatchSampler(data, 2, False))).split('=<')[0],
        'iterableLength': message(lambda: len(DataLoader(count))),
        'concat': message(lambda: ConcatDataset([])),
    },
}, depth=2)
