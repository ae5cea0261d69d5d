"""k-means: distances by broadcasting, argmin, means of the members, until nothing changes."""
import torch


def kmeans(x, k):
    centers = x[torch.randperm(x.size(0))[:k]].clone()
    labels = None
    for i in range(20):
        distances = (x.unsqueeze(1) - centers.unsqueeze(0)).pow(2).sum(-1)
        new_labels = distances.argmin(dim=1)
        if labels is not None and torch.equal(labels, new_labels):
            break
        labels = new_labels
        for j in range(k):
            mask = labels == j
            if mask.any():
                centers[j] = x[mask].mean(dim=0)
    return centers, labels, i, distances.min(dim=1).values.sum()


def main(seed):
    torch.manual_seed(seed)
    x = torch.cat([torch.randn(30, 2) * 0.4 + torch.tensor(c) for c in ([0., 0.], [3., 1.], [-1., 3.])])
    centers, labels, iterations, inertia = kmeans(x, 3)
    print(f'iterations {iterations} inertia {inertia.item():.3f}')
    counts = [int((labels == j).sum()) for j in range(3)]
    print('sizes', *counts)
    order = centers[:, 0].argsort()
    for row in centers[order]:
        print(' '.join(f'{v:.3f}' for v in row.tolist()))


if __name__ == '__main__':
    main(0)
