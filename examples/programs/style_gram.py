"""Style transfer in small: an image is optimised so that its Gram matrices are those of another image."""
import torch
from torch import nn
import torch.nn.functional as F


def gram_matrix(input):
    a, b, c, d = input.size()
    features = input.view(a * b, c * d)
    G = torch.mm(features, features.t())
    return G.div(a * b * c * d)


def main(seed):
    torch.manual_seed(seed)
    layers = nn.Sequential(nn.Conv2d(1, 6, 3), nn.Softplus(), nn.AvgPool2d(2), nn.Conv2d(6, 8, 3), nn.Tanh())
    for p in layers.parameters():
        p.requires_grad_(False)
    style, content = torch.rand(1, 1, 12, 12), torch.rand(1, 1, 12, 12)
    style_targets = [gram_matrix(layers[:1](style)), gram_matrix(layers(style))]
    content_target = layers[:3](content)
    image = content.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=0.03)

    def step():
        first = layers[0](image)
        middle = layers[2](layers[1](first))
        last = layers[4](layers[3](middle))
        style_loss = F.mse_loss(gram_matrix(first), style_targets[0]) + F.mse_loss(gram_matrix(last), style_targets[1])
        content_loss = F.mse_loss(middle, content_target)
        loss = 1000 * style_loss + content_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)
        return style_loss, content_loss

    for i in range(1, 21):
        style_loss, content_loss = step()
        if i % 5 == 0:
            print(f'step {i} style {1000 * style_loss.item():.4f} content {content_loss.item():.5f}')


if __name__ == '__main__':
    main(0)
