"""A Kalman filter in double precision: a moving point seen through noise, whose variances the likelihood fits."""
import torch
from torch import nn, optim
import torch.nn.functional as F
import torch.distributions as D


def kalman_loglik(y, A, C, Q, R, m, P):
    ll = torch.zeros((), dtype=y.dtype)
    means = []
    I = torch.eye(2, dtype=y.dtype)
    for t in range(len(y)):
        m = A @ m
        P = A @ P @ A.T + Q
        S = C @ P @ C.T + R
        v = y[t] - C @ m
        K = torch.linalg.solve(S, C @ P).mT
        ll = ll + D.MultivariateNormal(torch.zeros(1, dtype=y.dtype), S).log_prob(v)
        m = m + K @ v
        P = (I - K @ C) @ P
        means.append(m)
    return ll, torch.stack(means), P


def main(seed):
    torch.manual_seed(seed)
    torch.set_default_dtype(torch.float64)
    dt = 0.5
    A = torch.tensor([[1, dt], [0, 1]])
    C = torch.tensor([[1.0, 0.0]])
    q0, r0 = (0.05, 0.3)
    G = torch.tensor([[dt ** 3 / 3, dt ** 2 / 2], [dt ** 2 / 2, dt]])
    L = torch.linalg.cholesky(G * q0)
    x = torch.zeros(2)
    ys = []
    xs = []
    for t in range(16):
        x = A @ x + L @ torch.randn(2)
        xs.append(x)
        ys.append(C @ x + r0 ** 0.5 * torch.randn(1))
    y, truth = (torch.stack(ys), torch.stack(xs))
    print(A.dtype, y.shape, y[:3].flatten())
    log_q = torch.tensor(0.0, requires_grad=True)
    log_r = nn.Parameter(torch.zeros(1))
    opt = optim.LBFGS([log_q, log_r], lr=0.5, max_iter=4, line_search_fn='strong_wolfe')
    m0, P0 = (torch.zeros(2), torch.eye(2))

    def closure():
        opt.zero_grad()
        ll, _, _ = kalman_loglik(y, A, C, G * log_q.exp(), torch.diag(log_r.exp()), m0, P0)
        loss = -ll / len(y)
        loss.backward()
        return loss
    for i in range(3):
        loss = opt.step(closure)
        print(f'{i} nll {loss:.6f} q {log_q.exp():.5f} r {log_r.exp().item():.5f}')
    with torch.no_grad():
        ll, means, P = kalman_loglik(y, A, C, G * log_q.exp(), log_r.exp().diag_embed(), m0, P0)
    print(f'{ll.item():.6f}', F.mse_loss(means, truth), F.mse_loss(y[:, 0], truth[:, 0]))
    print(P, torch.linalg.eigvalsh(P), sep='\n')
    print(torch.det(P), torch.logdet(P), torch.trace(P))
    print(means[-2:], log_r)
    torch.set_default_dtype(torch.float32)
