"""An adversarial example (FGSM) and a saliency map, by the gradient of the input of a small convolutional network."""
import torch
from torch import nn
import torch.nn.functional as F


class CNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, kernel_size=3, padding=1)
        self.fc = nn.Linear(4 * 3 * 3, 2)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv(x)), 2)
        return self.fc(torch.flatten(x, 1))


def fgsm_attack(image, epsilon, data_grad):
    return torch.clamp(image + epsilon * data_grad.sign(), 0, 1)


def main(seed):
    torch.manual_seed(seed)
    images = torch.rand(20, 1, 6, 6) * 0.5
    labels = torch.randint(0, 2, (20,))
    images[labels == 1, :, :, :3] += 0.3
    model = CNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 21):
        loss = step()
        if epoch % 10 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')
    model.eval()
    data = images.clone().requires_grad_(True)
    F.cross_entropy(model(data), labels).backward()
    for epsilon in (0, 0.1, 0.3):
        perturbed = fgsm_attack(data.detach(), epsilon, data.grad)
        correct = (model(perturbed).max(1, keepdim=True)[1].squeeze(1) == labels).sum().item()
        print(f'epsilon {epsilon} correct {correct} / {len(labels)}')
    saliency = data.grad.abs().amax(dim=1)
    print(f'saliency left {saliency[:, :, :3].mean().item():.5f} right {saliency[:, :, 3:].mean().item():.5f}')


if __name__ == '__main__':
    main(0)
