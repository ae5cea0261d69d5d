"""A restricted Boltzmann machine by contrastive divergence: Bernoulli draws and updates by hand, no autograd."""
import torch


class RBM:
    def __init__(self, visible, hidden, k=1):
        self.W = torch.randn(hidden, visible) * 0.1
        self.v_bias = torch.zeros(visible)
        self.h_bias = torch.zeros(hidden)
        self.k = k

    def sample_h(self, v):
        p = torch.sigmoid(torch.addmm(self.h_bias, v, self.W.t()))
        return p, p.bernoulli()

    def sample_v(self, h):
        p = torch.sigmoid(torch.addmm(self.v_bias, h, self.W))
        return p, p.bernoulli()

    def train(self, v0, lr):
        ph0, h = self.sample_h(v0)
        for _ in range(self.k):
            pv, v = self.sample_v(h)
            ph, h = self.sample_h(v)
        n = v0.size(0)
        self.W += lr * (ph0.t() @ v0 - ph.t() @ v) / n
        self.v_bias += lr * (v0 - v).mean(0)
        self.h_bias += lr * (ph0 - ph).mean(0)
        return (v0 - pv).pow(2).mean()


def main(seed):
    torch.manual_seed(seed)
    patterns = torch.tensor([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]], dtype=torch.float32)
    data = patterns.repeat(10, 1)
    rbm = RBM(6, 3)
    for epoch in range(1, 61):
        error = rbm.train(data, 0.3)
        if epoch % 20 == 0:
            print(f'epoch {epoch} error {error.item():.4f}')
    print(f'weights {rbm.W.abs().mean().item():.4f}')


if __name__ == '__main__':
    main(0)
