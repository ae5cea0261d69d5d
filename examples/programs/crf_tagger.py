"""A tagger with a conditional random field: the forward algorithm in log space, Viterbi, masks for lengths."""
import torch
from torch import nn


class CRF(nn.Module):
    def __init__(self, tags):
        super().__init__()
        self.start = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))
        self.end = nn.Parameter(torch.empty(tags).uniform_(-0.1, 0.1))
        self.transitions = nn.Parameter(torch.empty(tags, tags))
        nn.init.uniform_(self.transitions, -0.1, 0.1)

    def score(self, emissions, tags, mask):
        n, steps = tags.shape
        batch = torch.arange(n)
        score = self.start[tags[:, 0]] + emissions[batch, 0, tags[:, 0]]
        for t in range(1, steps):
            move = self.transitions[tags[:, t - 1], tags[:, t]] + emissions[batch, t, tags[:, t]]
            score += move * mask[:, t]
        last = tags.gather(1, (mask.long().sum(1) - 1).unsqueeze(1)).squeeze(1)
        return score + self.end[last]

    def partition(self, emissions, mask):
        alpha = self.start + emissions[:, 0]
        for t in range(1, emissions.size(1)):
            inner = alpha.unsqueeze(2) + self.transitions + emissions[:, t].unsqueeze(1)
            alpha = torch.where(mask[:, t].unsqueeze(1), torch.logsumexp(inner, dim=1), alpha)
        return torch.logsumexp(alpha + self.end, dim=1)

    def forward(self, emissions, tags, mask):
        return (self.partition(emissions, mask) - self.score(emissions, tags, mask)).mean()

    @torch.no_grad()
    def decode(self, emissions, mask):
        paths = []
        for e, m in zip(emissions, mask):
            e = e[m]
            score, history = self.start + e[0], []
            for row in e[1:]:
                best, index = (score[:, None] + self.transitions).max(dim=0)
                score = best + row
                history.append(index)
            path = [(score + self.end).argmax().item()]
            for index in reversed(history):
                path.append(index[path[-1]].item())
            paths.append(path[::-1])
        return paths


class Tagger(nn.Module):
    def __init__(self, words, tags, dim=8):
        super().__init__()
        self.embed = nn.Embedding(words, dim, padding_idx=0)
        self.conv = nn.Conv1d(dim, dim, 3, padding=1)
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(dim, tags)

    def forward(self, x):
        h = self.embed(x)
        h = self.norm(h + torch.tanh(self.conv(h.mT)).mT)
        return self.out(h)


def main(seed):
    torch.manual_seed(seed)
    lengths = torch.tensor([6, 4, 5, 2])
    mask = torch.arange(6)[None, :] < lengths[:, None]
    words = torch.randint(1, 12, (4, 6)).masked_fill(~mask, 0)
    tags = (words % 3).where(mask, torch.zeros_like(words))
    tagger, crf = Tagger(12, 3), CRF(3)
    opt = torch.optim.NAdam([*tagger.parameters(), *crf.parameters()], lr=0.05)
    for step in range(15):
        loss = crf(tagger(words), tags, mask)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 5 == 4:
            print(f'{step + 1} {loss.item():.4f}')
    print(tagger.embed.weight[0].tolist()[:2], tagger.embed.weight.grad[0].abs().sum().item())
    paths = crf.decode(tagger(words), mask)
    right = sum(p == t for path, row in zip(paths, tags) for p, t in zip(path, row.tolist()))
    print([len(p) for p in paths], right, '/', mask.sum().item())
    e = tagger(words[:1, :3]).detach()
    every = torch.cartesian_prod(*[torch.arange(3)] * 3)
    ones = torch.ones(27, 3, dtype=torch.bool)
    total = torch.logsumexp(crf.score(e.expand(27, -1, -1), every, ones), 0)
    print(torch.isclose(total, crf.partition(e, ones[:1])[0], atol=1e-4).item(), every[5:8])
