"""A Siamese network: a contrastive loss and pairs of one's own, distances, and a threshold from their order."""
import random
import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Pairs(Dataset):
    """Pairs of images, half of them of the same class."""
    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __getitem__(self, index):
        same = torch.rand(1).item() < 0.5
        candidates = (self.labels == self.labels[index]) if same else (self.labels != self.labels[index])
        candidates = candidates.nonzero().squeeze(1)
        other = candidates[torch.randint(len(candidates), (1,))].item()
        return self.images[index], self.images[other], torch.tensor(0.0 if same else 1.0)

    def __len__(self):
        return len(self.labels)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=1.0):
        super().__init__()
        self.margin = margin

    def forward(self, a, b, label):
        d = F.pairwise_distance(a, b, keepdim=False)
        return torch.mean((1 - label) * torch.pow(d, 2) + label * torch.pow(torch.clamp(self.margin - d, min=0.0), 2))

    def extra_repr(self):
        return f'margin={self.margin}'


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(1, 4, kernel_size=3), nn.ReLU(inplace=True),
                                 nn.BatchNorm2d(4), nn.Dropout2d(p=0.2), nn.MaxPool2d(2, stride=2))
        self.fc = nn.Sequential(nn.LazyLinear(16), nn.ReLU(inplace=True), nn.Linear(16, 3))

    def embed(self, x):
        out = self.cnn(x)
        return self.fc(out.view(out.size()[0], -1))

    def forward(self, a, b):
        return self.embed(a), self.embed(b)


def main(seed):
    torch.manual_seed(seed)
    protos = torch.randn(3, 1, 8, 8)
    labels = torch.arange(24) % 3
    images = protos[labels] + 0.3 * torch.randn(24, 1, 8, 8)
    loader = DataLoader(Pairs(images, labels), batch_size=8, shuffle=True)
    net, criterion = Siamese(), ContrastiveLoss(margin=2.0)
    net(images[:2], images[2:4])
    print(criterion, net.fc[0])
    opt = torch.optim.Adam(net.parameters(), lr=5e-3, amsgrad=True)
    for epoch in range(3):
        total = 0.0
        for a, b, label in loader:
            opt.zero_grad()
            loss = criterion(*net(a, b), label)
            loss.backward()
            opt.step()
            total += loss.item() * a.size(0)
        print(f'epoch {epoch}: {total / len(loader.dataset):.4f}')
    net.eval()
    with torch.no_grad():
        e = net.embed(images)
        d = F.pdist(e)
        i, j = torch.triu_indices(24, 24, offset=1)
        same = labels[i] == labels[j]
        print(d.shape, f'{d[same].mean():.4f} {d[~same].mean():.4f}')
        order = d.argsort()
        hits = same[order].float().cumsum(0) / same.sum()
        falses = (~same)[order].float().cumsum(0) / (~same).sum()
        print(f'{torch.trapezoid(hits, falses):.4f}')
        best = (hits - falses).argmax()
        print(f'{d[order][best]:.4f}', torch.cdist(e[:2], e[2:5]))
