"""A sine by Legendre polynomials, whose gradient is written by hand in an autograd Function (PyTorch's tutorial)."""
import math

import torch


class LegendrePolynomial3(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input ** 3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        input, = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input ** 2 - 1)


def main(seed):
    torch.manual_seed(seed)
    x = torch.linspace(-math.pi, math.pi, 200)
    y = torch.sin(x)
    a, b, c, d = [torch.full((), value, requires_grad=True) for value in (0.0, -1.0, 0.0, 0.3)]
    with torch.no_grad():
        a += 0.1 * torch.randn(())
    learning_rate = 5e-5

    def step():
        y_pred = a + b * LegendrePolynomial3.apply(c + d * x)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for p in (a, b, c, d):
                p -= learning_rate * p.grad
                p.grad = None
        return loss

    for t in range(150):
        loss = step()
        if t % 50 == 49:
            print(t, f'{loss.item():.3f}')
    print(f'y = {a.item():.4f} + {b.item():.4f} * P3({c.item():.4f} + {d.item():.4f} x)')


if __name__ == '__main__':
    main(0)
