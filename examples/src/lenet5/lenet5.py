"""LeNet-5 on handwritten digits, or on pictures of clothes, in PyTorch.

    python3 lenet5.py          # with the files of MNIST in data/MNIST/raw
"""
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, random_split
from torchvision import datasets
from torchvision.transforms import Compose, Normalize, ToTensor


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120), nn.ReLU(),
            nn.Linear(120, 84), nn.ReLU(),
            nn.Linear(84, 10),
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def for_each_batch(loader, step):
    """One pass over a loader: the means over the samples of what the step returns, which are means over a batch."""
    sums, samples = {}, 0
    for x, y in loader:
        for name, mean in step(x, y).items():
            sums[name] = sums.get(name, 0) + mean.item() * len(x)
        samples += len(x)
    return {name: total / samples for name, total in sums.items()}


def lenet5(seed=0, epochs=15, dataset=datasets.MNIST, root='data'):
    transform = Compose([ToTensor(), Normalize([0.5], [0.5])])
    all = dataset(root, train=True, transform=transform)
    test = dataset(root, train=False, transform=transform)

    torch.manual_seed(seed)
    train, validation = random_split(all, [0.9, 0.1])
    train_loader = DataLoader(train, batch_size=50, shuffle=True)
    validation_loader = DataLoader(validation, batch_size=500)
    test_loader = DataLoader(test, batch_size=500)

    model = LeNet5()
    optimizer = optim.SGD(model.parameters(), lr=5e-2, momentum=0.9)
    scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.85)
    print(model)

    def measure(x, y):
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        return {'loss': loss, 'accuracy': (logits.argmax(dim=1) == y).float().mean()}

    def step(x, y):
        means = measure(x, y)

        optimizer.zero_grad()
        means['loss'].backward()
        optimizer.step()
        return means

    @torch.no_grad()
    def evaluate(x, y):
        return measure(x, y)

    for epoch in range(1, epochs + 1):
        model.train()
        training = for_each_batch(train_loader, step)
        model.eval()
        validation = for_each_batch(validation_loader, evaluate)
        scheduler.step()
        print('Epoch %d: loss=%.4e, validation accuracy=%.4f' % (epoch, training['loss'], validation['accuracy']))

    accuracy = for_each_batch(test_loader, evaluate)['accuracy']
    print('Test accuracy: %.4f' % accuracy)


if __name__ == '__main__':
    lenet5()
