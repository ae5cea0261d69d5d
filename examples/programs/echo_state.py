"""An echo state network: a random reservoir, scaled by its norm, and a readout by ridge regression."""
import torch


def main(seed):
    torch.manual_seed(seed)
    series = torch.sin(torch.arange(80) * 0.3) * torch.cos(torch.arange(80) * 0.11)
    W = torch.rand(16, 16) - 0.5
    W = W * (0.9 / torch.linalg.matrix_norm(W, ord=2))
    W_in = torch.rand(16, 1) - 0.5
    state, states = torch.zeros(16), []
    for u in series[:-1]:
        state = torch.tanh(W @ state + W_in @ u.view(1))
        states.append(state)
    X, y = torch.stack(states)[10:], series[11:]
    gram = X.T @ X + 1e-1 * torch.eye(16)
    readout = torch.linalg.solve(gram, X.T @ y)
    error = (X @ readout - y).square().mean().sqrt()
    print(f'rmse {error.item():.4f} norm {readout.norm().item():.4f}')
    print('states', *[f'{v:.4f}' for v in state[:4].tolist()])


if __name__ == '__main__':
    main(0)
