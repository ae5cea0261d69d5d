"""Metric learning: a Siamese network with TripletMarginLoss and a nearest-neighbour check."""
import torch
from torch import nn
import torch.nn.functional as F


def main(seed):
    torch.manual_seed(seed)
    prototypes = torch.randn(3, 6)
    labels = torch.arange(3).repeat_interleave(8)
    x = prototypes[labels] + 1.5 * torch.randn(24, 6)
    net = nn.Sequential(nn.Linear(6, 16), nn.PReLU(), nn.Linear(16, 2))
    criterion = nn.TripletMarginLoss(margin=1.0)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, nesterov=True)

    def step(anchor, positive, negative):
        loss = criterion(net(anchor), net(positive), net(negative))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 31):
        anchor = torch.randint(24, (12,))
        positive = labels[anchor] * 8 + torch.randint(8, (12,))
        negative = (anchor + 8 + torch.randint(0, 2, (12,)) * 8) % 24
        loss = step(x[anchor], x[positive], x[negative])
        if epoch % 10 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')
    with torch.no_grad():
        z = net(x)
        distances = (z[:, None] - z[None]).norm(dim=2)
        distances.fill_diagonal_(float('inf'))
        nearest = labels[distances.argmin(1)]
    print(f'accuracy {(nearest == labels).float().mean().item():.3f}')
    print(f'similarity {F.cosine_similarity(z[0], z[1], dim=0).item():.3f}')


if __name__ == '__main__':
    main(0)
