"""Weights that are computed from others: symmetric, orthogonal, of unit norm, and with a bounded spectrum."""
import torch
from torch import nn, optim
import torch.nn.functional as F
import torch.nn.utils.parametrize as P


class Sym(nn.Module):
    def forward(self, X):
        return X.triu() + X.triu(1).transpose(-1, -2)

    def right_inverse(self, A):
        return A.triu()


class Skew(nn.Module):
    def forward(self, X):
        A = X.triu(1)
        return A - A.transpose(-1, -2)


class MatExp(nn.Module):
    def forward(self, A):
        return torch.matrix_exp(A)


def main(seed):
    torch.manual_seed(seed)
    l = nn.Linear(3, 3)
    P.register_parametrization(l, 'weight', Sym())
    print(l.weight.allclose(l.weight.T), P.is_parametrized(l), [n for n, _ in l.named_parameters()])
    o = nn.Linear(3, 3)
    P.register_parametrization(o, 'weight', Skew())
    P.register_parametrization(o, 'weight', MatExp())
    print((o.weight @ o.weight.T).allclose(torch.eye(3), atol=1e-05))
    w = nn.utils.weight_norm(nn.Linear(3, 2), name='weight', dim=0)
    sp = nn.utils.spectral_norm(nn.Conv2d(1, 2, 3), n_power_iterations=2)
    orth = nn.utils.parametrizations.orthogonal(nn.Linear(3, 3))
    sp2 = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4))
    net = nn.Sequential(l, nn.Tanh(), o, w)
    opt = optim.SGD([*net.parameters(), *orth.parameters(), *sp2.parameters(), *sp.parameters()], lr=0.1)
    x, y = (torch.randn(6, 3), torch.randn(6, 2))
    img = torch.randn(2, 1, 5, 5)
    for e in range(6):
        with P.cached():
            loss = F.mse_loss(net(x), y) + orth(x).pow(2).mean() * 0.1 + sp2(x).mean() + sp(img).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if e % 2:
            print(f'{loss.item():.4f}')
    print(w.weight_g.squeeze(), sp.weight_u)
    print((orth.weight.T @ orth.weight).allclose(torch.eye(3), atol=0.0001),
          torch.linalg.matrix_norm(sp2.weight, 2) < 1.1)
    nn.utils.remove_weight_norm(w)
    print(sorted((n for n, _ in w.named_parameters())), w.weight.is_leaf)
    P.remove_parametrizations(l, 'weight', leave_parametrized=True)
    print(type(l.weight).__name__, l.weight.allclose(l.weight.T), list(l.state_dict()))
    l2 = nn.Linear(3, 3)
    P.register_parametrization(l2, 'weight', Sym())
    l2.weight = torch.ones(3, 3)
    print(l2.weight[0])
    print(list(o.state_dict()))
