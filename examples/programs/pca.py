"""Principal components by the singular values, and by the eigenvalues of the covariance."""
import torch


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(50, 2) @ torch.randn(2, 5) + 0.1 * torch.randn(50, 5)
    centered = x - x.mean(dim=0)
    U, S, Vh = torch.linalg.svd(centered, full_matrices=False)
    explained = S ** 2 / (S ** 2).sum()
    print('explained', *[f'{v:.4f}' for v in explained.tolist()])
    eigenvalues = torch.linalg.eigvalsh(torch.cov(x.T)).flip(0)
    print('eigenvalues', *[f'{v:.4f}' for v in eigenvalues.tolist()])
    projected = centered @ Vh[:2].T
    restored = projected @ Vh[:2]
    print(f'error {(restored - centered).norm().item():.4f} of {centered.norm().item():.4f}')
    components = Vh[:2] * torch.sign(Vh[:2, :1])
    for row in components:
        print(*[f'{v:.3f}' for v in row.tolist()])


if __name__ == '__main__':
    main(0)
