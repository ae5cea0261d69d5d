"""What the lessons about the families share, in PyTorch: the parts of Fashion-MNIST, and the loop around any network."""
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, random_split
from torchvision.transforms import Compose, Normalize, ToTensor


def loaders_of(dataset, root):
    transform = Compose([ToTensor(), Normalize([0.5], [0.5])])
    all = dataset(root, train=True, transform=transform)
    test = dataset(root, train=False, transform=transform)
    train, validation = random_split(all, [0.9, 0.1])
    return (
        DataLoader(train, batch_size=50, shuffle=True),
        DataLoader(validation, batch_size=200),
        DataLoader(test, batch_size=200),
    )


def measured(scores, y):
    return {'loss': F.cross_entropy(scores, y), 'accuracy': (scores.argmax(dim=1) == y).float().mean()}


def for_each_batch(loader, step):
    """One pass over a loader: the means over the samples of what the step returns, which are means over a batch."""
    sums, samples = {}, 0
    for x, y in loader:
        for name, mean in step(x, y).items():
            sums[name] = sums.get(name, 0) + mean.item() * len(x)
        samples += len(x)
    return {name: total / samples for name, total in sums.items()}


def fit(loaders, model, optimizer, measure, epochs):
    train, validation, _ = loaders

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
        training = for_each_batch(train, step)
        model.eval()
        validated = for_each_batch(validation, evaluate)
        shares = ''.join(f', {name}={mean:.4f}' for name, mean in training.items() if name != 'loss')
        print(f'Epoch {epoch}: loss={training["loss"]:.4e}{shares}, validation accuracy={validated["accuracy"]:.4f}')


@torch.no_grad()
def tested(loaders, model, scores):
    model.eval()
    *_, test = loaders
    right = sum((scores(x).argmax(dim=1) == y).sum().item() for x, y in test)
    print(f'Test accuracy: {right / len(test.dataset):.4f}')
