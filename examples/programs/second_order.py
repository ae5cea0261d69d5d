"""Second derivatives in double precision: Newton's method by a Hessian, Gauss-Newton by a Jacobian, and a gradient check."""
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.autograd.functional import hessian, hvp, jacobian, jvp


def main(seed):
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    try:
        x = torch.randn(30, 3)
        y = (x @ torch.tensor([1.0, -2.0, 0.5]) + 0.3 * torch.randn(30) > 0).to(x.dtype)
        loss = lambda w: nn.functional.binary_cross_entropy_with_logits(x @ w, y) + 0.01 * w.square().sum()
        w = torch.zeros(3)
        for step in range(6):
            h = hessian(loss, w, vectorize=True, outer_jacobian_strategy='forward-mode')
            g = jacobian(loss, w)
            w = w - torch.linalg.solve(h, g)
        print('newton', [f'{v:.8f}' for v in w.tolist()], f'{loss(w).item():.10f}', f'{jacobian(loss, w).norm().item() < 1e-12}')
        _, product = hvp(loss, w, torch.ones(3))
        print('hvp', torch.allclose(product, hessian(loss, w).sum(1)), w.dtype)

        t = torch.linspace(0, 2, 25)
        data = 1.5 * torch.exp(-1.2 * t) + 0.2 + 0.01 * torch.randn(25)
        residual = lambda p: p[0] * torch.exp(-p[1] * t) + p[2] - data
        p = torch.tensor([1.0, 1.0, 0.0])
        for step in range(5):
            j = jacobian(residual, p, vectorize=True, strategy='forward-mode')
            p = p - torch.linalg.lstsq(j, residual(p).unsqueeze(1)).solution.squeeze(1)
        print('gauss-newton', [f'{v:.6f}' for v in p.tolist()], f'{residual(p).norm().item():.6f}')
        _, slope = jvp(residual, p, torch.tensor([1.0, 0.0, 0.0]))
        print('jvp', torch.allclose(slope, torch.exp(-p[1] * t)))

        model = nn.Sequential(nn.Linear(3, 4), nn.Softplus(beta=2), nn.Linear(4, 1))
        print('gradcheck', gradcheck(model, (torch.randn(2, 3, requires_grad=True),)), model[0].weight.dtype)
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=10, line_search_fn='strong_wolfe')

        def closure():
            optimizer.zero_grad()
            out = nn.functional.soft_margin_loss(model(x).squeeze(1), 2 * y - 1)
            out.backward()
            return out

        for _ in range(3):
            value = optimizer.step(closure)
        print(f'lbfgs {value.item():.4f} {closure().item():.4f}')
        u, s, v = torch.linalg.svd(x, full_matrices=False)
        print('svd', torch.allclose(u * s @ v, x), [f'{d:.6f}' for d in s.tolist()], f'{torch.linalg.cond(x).item():.6f}')
    finally:
        torch.set_default_dtype(torch.float32)


if __name__ == '__main__':
    main(0)
