"""Graph attention by edges: softmax over neighbours by scatterReduce and indexAdd, PageRank and shortest paths."""
import torch
from torch import nn, optim
import torch.nn.functional as F


def softmax_by(src, index, n):
    m = torch.full((n, src.size(1)), -float('inf')).scatter_reduce(0, index[:, None].expand_as(src), src, reduce='amax')
    e = (src - m[index]).exp()
    return e / torch.zeros(n, src.size(1)).index_add(0, index, e)[index].clamp(min=1e-16)


class GATConv(nn.Module):
    def __init__(self, i, o, heads=2, concat=True, dropout=0.2):
        super().__init__()
        self.lin = nn.Linear(i, heads * o, bias=False)
        self.a_src = nn.Parameter(torch.empty(1, heads, o))
        self.a_dst = nn.Parameter(torch.empty(1, heads, o))
        self.bias = nn.Parameter(torch.zeros(heads * o if concat else o))
        self.h, self.o, self.concat, self.p = (heads, o, concat, dropout)
        nn.init.xavier_uniform_(self.a_src, gain=1.4)
        nn.init.xavier_uniform_(self.a_dst, gain=1.4)

    def forward(self, x, edge_index):
        src, dst = edge_index
        n = x.size(0)
        h = self.lin(x).view(-1, self.h, self.o)
        a = (h * self.a_src).sum(-1)[src] + (h * self.a_dst).sum(-1)[dst]
        alpha = softmax_by(F.leaky_relu(a, 0.2), dst, n)
        alpha = F.dropout(alpha, self.p, training=self.training)
        out = torch.zeros(n, self.h, self.o).index_add_(0, dst, h[src] * alpha.unsqueeze(-1))
        out = out.flatten(1) if self.concat else out.mean(1)
        return out + self.bias


def main(seed):
    torch.manual_seed(seed)
    n = 18
    y = torch.arange(n) // 6
    prob = torch.where(y[:, None] == y[None, :], 0.6, 0.06)
    adj = torch.bernoulli(prob).triu(1)
    adj = adj + adj.t() + torch.eye(n)
    edge = adj.nonzero().t()
    print(edge.shape, edge[:, :5], adj.sum(0))
    x = torch.eye(n)[torch.randperm(n)][:, :8] + 0.1 * torch.randn(n, 8)
    c1, c2 = (GATConv(8, 4), GATConv(8, 3, heads=1, concat=False))
    opt = optim.Adam([{'params': c1.parameters(), 'weight_decay': 0.0005}, {'params': c2.parameters()}], lr=0.02)
    mask = torch.zeros(n, dtype=torch.bool)
    mask[[0, 1, 6, 7, 12, 13]] = True
    for e in range(20):
        c1.train()
        c2.train()
        out = c2(F.elu(c1(F.dropout(x, 0.2), edge)), edge)
        loss = F.nll_loss(F.log_softmax(out, 1)[mask], y[mask])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if e % 5 == 4:
            c1.eval()
            c2.eval()
            with torch.no_grad():
                p = c2(F.elu(c1(x, edge)), edge).argmax(1)
            print(f'{e} {loss.item():.4f} right {(p[~mask] == y[~mask]).sum()}')
    conf = torch.zeros(3, 3, dtype=torch.long).index_put_((y, p), torch.tensor(1), accumulate=True)
    print(conf)
    A = adj.fill_diagonal_(0)
    deg = A.sum(1)
    Pm = (A / deg.clamp(min=1)[:, None]).T
    r = torch.full((n,), 1 / n)
    for _ in range(50):
        r = 0.85 * Pm @ r + 0.15 / n
    values, indices = r.topk(3)
    print(values, indices, deg.int().bincount())
    dist = torch.where(A > 0, 1.0, float('inf')).fill_diagonal_(0)
    for k in range(n):
        dist = torch.minimum(dist, dist[:, k:k + 1] + dist[k:k + 1, :])
    print(dist[0], dist[dist.isfinite()].max(), torch.isinf(dist).sum())
    comp = torch.arange(n)
    for _ in range(n):
        comp = torch.minimum(comp, torch.where(A > 0, comp[None, :].expand(n, n), n).amin(1))
    u, inv, cnt = comp.unique(return_inverse=True, return_counts=True)
    print(u, inv, cnt)
    pooled = torch.zeros(3, 8).scatter_reduce(0, y[:, None].expand(n, 8), x, 'mean', include_self=False)
    print(pooled)
