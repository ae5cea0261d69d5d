"""A graph convolutional network: two communities, a few labels, a normalised adjacency matrix."""
import torch
from torch import nn
import torch.nn.functional as F


class GCN(nn.Module):
    def __init__(self, features, hidden, classes):
        super().__init__()
        self.first = nn.Linear(features, hidden, bias=False)
        self.second = nn.Linear(hidden, classes, bias=False)

    def forward(self, adjacency, x):
        x = F.relu(adjacency @ self.first(x))
        return F.log_softmax(adjacency @ self.second(x), dim=1)


def main(seed):
    torch.manual_seed(seed)
    n = 24
    community = (torch.arange(n) >= n // 2).long()
    same = community.unsqueeze(0) == community.unsqueeze(1)
    chance = torch.where(same, torch.tensor(0.5), torch.tensor(0.05))
    edges = torch.triu(torch.bernoulli(chance), diagonal=1)
    adjacency = edges + edges.T + torch.eye(n)
    scale = adjacency.sum(1).rsqrt()
    adjacency = scale.unsqueeze(1) * adjacency * scale
    print(f'edges {int(edges.sum())} degree {adjacency.sum(1).mean():.4f}')

    model = GCN(n, 8, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=5e-4)
    known = torch.tensor([0, 1, n - 2, n - 1])
    x = torch.eye(n)
    for epoch in range(1, 61):
        optimizer.zero_grad()
        out = model(adjacency, x)
        loss = F.nll_loss(out[known], community[known])
        loss.backward()
        optimizer.step()
        if epoch % 20 == 0:
            accuracy = (out.argmax(dim=1) == community).float().mean()
            print(f'epoch {epoch} loss {loss.item():.4f} accuracy {accuracy.item():.3f}')


if __name__ == '__main__':
    main(0)
