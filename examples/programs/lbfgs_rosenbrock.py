"""Rosenbrock's valley by LBFGS, with its closure and with strong Wolfe conditions."""
import torch


def rosenbrock(p):
    x, y = p[0], p[1]
    return (1 - x) ** 2 + 100 * (y - x ** 2) ** 2


def main(seed):
    torch.manual_seed(seed)
    p = torch.randn(2).requires_grad_()
    optimizer = torch.optim.LBFGS([p], lr=1, max_iter=10, line_search_fn='strong_wolfe')

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(p)
        loss.backward()
        return loss

    for i in range(6):
        loss = optimizer.step(closure)
    print(f'below a hundredth: {loss.item() < 0.01}')
    print(f'x {p[0].item():.2f} y {p[1].item():.2f}')


if __name__ == '__main__':
    main(0)
