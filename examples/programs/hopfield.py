"""A Hopfield network: patterns stored by outer products, recalled from noise, with its energy."""
import torch


def energy(W, s):
    return -0.5 * s @ W @ s


def main(seed):
    torch.manual_seed(seed)
    patterns = torch.where(torch.rand(3, 32) > 0.5, 1.0, -1.0)
    W = sum(torch.outer(p, p) for p in patterns) / patterns.shape[1]
    W.fill_diagonal_(0)
    for k, pattern in enumerate(patterns):
        s = pattern.clone()
        flipped = torch.randperm(32)[:5]
        s[flipped] *= -1
        before = energy(W, s).item()
        for _ in range(3):
            for i in torch.randperm(32).tolist():
                s[i] = 1.0 if (W[i] @ s).item() >= 0 else -1.0
        overlap = torch.dot(s, pattern) / 32
        print(f'pattern {k} energy {before:.3f} to {energy(W, s).item():.3f} overlap {overlap.item():.3f}')


if __name__ == '__main__':
    main(0)
