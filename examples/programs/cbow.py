"""Word vectors: a continuous bag of words, by EmbeddingBag, with a custom Dataset."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

TEXT = 'we are about to study the idea of a computational process and the processes are abstract beings'.split()


class Windows(Dataset):
    def __init__(self, words, index):
        self.ids = torch.tensor([index[w] for w in words])

    def __len__(self):
        return len(self.ids) - 4

    def __getitem__(self, i):
        context = torch.cat([self.ids[i:i + 2], self.ids[i + 3:i + 5]])
        return context, self.ids[i + 2]


class CBOW(nn.Module):
    def __init__(self, vocabulary, dim):
        super().__init__()
        self.embeddings = nn.EmbeddingBag(vocabulary, dim, mode='mean')
        self.linear = nn.Linear(dim, vocabulary)

    def forward(self, context):
        return self.linear(self.embeddings(context))


def main(seed):
    torch.manual_seed(seed)
    vocabulary = sorted(set(TEXT))
    dataset = Windows(TEXT, {w: i for i, w in enumerate(vocabulary)})
    loader = DataLoader(dataset, batch_size=4, shuffle=True, drop_last=True)
    model = CBOW(len(vocabulary), 8)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.RAdam(model.parameters(), lr=0.05)

    def step(context, target):
        optimizer.zero_grad()
        loss = criterion(model(context), target)
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 13):
        losses = [step(context, target).item() for context, target in loader]
        if epoch % 4 == 0:
            print(f'epoch {epoch} loss {sum(losses) / len(losses):.4f}')


if __name__ == '__main__':
    main(0)
