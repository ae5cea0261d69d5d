"""A hidden Markov model: the forward algorithm in logarithms, Viterbi paths, and posteriors as gradients."""
import torch
from torch import nn, optim
import torch.nn.functional as F
import torch.distributions as D


class HMM(nn.Module):
    def __init__(self, K, V):
        super().__init__()
        self.start = nn.Parameter(torch.randn(K))
        self.trans = nn.Parameter(torch.randn(K, K))
        self.emit = nn.Parameter(torch.randn(K, V))
        self.K = K

    def forward(self, x, lengths):
        A = F.log_softmax(self.trans, dim=1)
        B = F.log_softmax(self.emit, dim=1)
        n, T = x.shape
        alpha = torch.zeros(n, T, self.K)
        alpha[:, 0] = F.log_softmax(self.start, 0) + B[:, x[:, 0]].t()
        for t in range(1, T):
            alpha[:, t] = torch.logsumexp(alpha[:, t - 1].clone().unsqueeze(2) + A, dim=1) + B[:, x[:, t]].t()
        last = alpha.logsumexp(dim=2)
        return torch.gather(last, 1, lengths.view(-1, 1) - 1).squeeze(1)

    @torch.no_grad()
    def viterbi(self, x):
        A = F.log_softmax(self.trans, 1)
        B = F.log_softmax(self.emit, 1)
        delta = F.log_softmax(self.start, 0) + B[:, x[0]]
        back = []
        for t in range(1, len(x)):
            score, ind = torch.max(delta.unsqueeze(1) + A, dim=0)
            delta = score + B[:, x[t]]
            back.append(ind)
        best, z = delta.max(0)
        path = [z.item()]
        for ind in reversed(back):
            path.insert(0, ind[path[0]].item())
        return (path, best)


def main(seed):
    torch.manual_seed(seed)
    true_trans = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    true_emit = torch.tensor([[0.7, 0.2, 0.1], [0.05, 0.15, 0.8]])
    seqs, lens = ([], [])
    for i in range(6):
        z = torch.multinomial(torch.tensor([0.5, 0.5]), 1).item()
        T = 8 + i
        s = []
        for t in range(T):
            s.append(torch.multinomial(true_emit[z], 1).item())
            z = D.Categorical(true_trans[z]).sample().item()
        seqs.append(torch.tensor(s))
        lens.append(T)
    x = nn.utils.rnn.pad_sequence(seqs, batch_first=True, padding_value=0)
    lengths = torch.tensor(lens)
    print(x)
    model = HMM(2, 3)
    opt = optim.Adam(model.parameters(), lr=0.1)
    for it in range(25):
        nll = -model(x, lengths).mean()
        opt.zero_grad()
        nll.backward()
        opt.step()
        if it % 8 == 0:
            print(it, round(nll.item(), 4), [round(g.grad.norm().item(), 4) for g in model.parameters()])
    path, best = model.viterbi(seqs[-1])
    print(path, best)
    print(model.trans.softmax(1).detach(), F.softmax(model.emit.data, dim=-1), sep='\n')
    e = F.log_softmax(model.emit, 1).detach()[:, seqs[0]].t().requires_grad_()
    a = F.log_softmax(model.start, 0) + e[0]
    for t in range(1, e.shape[0]):
        a = torch.logsumexp(a[:, None] + F.log_softmax(model.trans, 1), 0) + e[t]
    g, = torch.autograd.grad(a.logsumexp(0), e)
    print(g.sum(1).allclose(torch.ones(8)), g[:2])
