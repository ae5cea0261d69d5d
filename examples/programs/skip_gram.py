"""Word vectors: skip-gram with negative samples drawn by frequency."""
import torch
from torch import nn
import torch.nn.functional as F

TEXT = 'the king loves the queen and the queen loves the king but the dog loves the bone and the cat hates the dog'


class SkipGram(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.center = nn.Embedding(vocabulary, dim)
        self.context = nn.Embedding(vocabulary, dim)

    def forward(self, center, context, negative):
        v = self.center(center).unsqueeze(2)
        positive = torch.bmm(self.context(context).unsqueeze(1), v).squeeze()
        negative = torch.bmm(self.context(negative), v).squeeze()
        return -(F.logsigmoid(positive) + F.logsigmoid(-negative).sum(1)).mean()


def main(seed):
    torch.manual_seed(seed)
    words = TEXT.split()
    vocabulary = sorted(set(words))
    index = {word: i for i, word in enumerate(vocabulary)}
    ids = [index[word] for word in words]
    pairs = [(ids[i], ids[j]) for i in range(len(ids)) for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < len(ids)]
    center, context = torch.tensor(pairs).unbind(1)
    counts = torch.zeros(len(vocabulary)).index_add_(0, torch.tensor(ids), torch.ones(len(ids)))
    frequency = counts ** 0.75
    model = SkipGram(len(vocabulary), 8)
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.5)
    def step(negative):
        loss = model(center, context, negative)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 16):
        negative = torch.multinomial(frequency, len(pairs) * 3, replacement=True).view(-1, 3)
        loss = step(negative)
        if epoch % 5 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')
    vectors = F.normalize(model.center.weight, dim=1)
    similarity = vectors @ vectors[index['king']]
    values, nearest = similarity.topk(3)
    for value, i in zip(values, nearest):
        print(vocabulary[i.item()], f'{value.item():.3f}')


if __name__ == '__main__':
    main(0)
