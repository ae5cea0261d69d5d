"""GloVe: word vectors from logarithms of co-occurrences, weighted."""
import torch
from torch import nn

TEXT = 'ice is cold and solid steam is hot and gas water is wet ice and steam are water and fire is hot'


class GloVe(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.wi = nn.Parameter(torch.randn(vocabulary, dim) * 0.1)
        self.wj = nn.Parameter(torch.randn(vocabulary, dim) * 0.1)
        self.bi = nn.Parameter(torch.zeros(vocabulary))
        self.bj = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, i, j):
        return (self.wi[i] * self.wj[j]).sum(dim=1) + self.bi[i] + self.bj[j]


def main(seed):
    torch.manual_seed(seed)
    words = TEXT.split()
    vocabulary = sorted(set(words))
    counts = torch.zeros(len(vocabulary), len(vocabulary))
    for a, word in enumerate(words):
        for b in range(max(0, a - 3), a):
            i, j = vocabulary.index(word), vocabulary.index(words[b])
            counts[i, j] += 1 / (a - b)
            counts[j, i] += 1 / (a - b)
    i, j = counts.nonzero(as_tuple=True)
    x = counts[i, j]
    weight = torch.clamp((x / 2) ** 0.75, max=1.0)
    model = GloVe(len(vocabulary), 4)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=2.0)

    def step():
        loss = (weight * (model(i, j) - x.log()) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    print(f'{len(i)} pairs')
    for epoch in range(1, 41):
        loss = step()
        if epoch % 10 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')


if __name__ == '__main__':
    main(0)
