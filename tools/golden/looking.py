#!/usr/bin/env python3
"""Views into networks: saliency, Gram matrices, and the deconvnet written out. Run by /usr/bin/python3 from anywhere.

packages/vision/test/golden/looking.json
  {name: {sizes, step, data}}, every step-th element of a tensor, of LeNet-5 with relu and maximum, made after manualSeed(0), for `image` of models.py, [2, 1, 28, 28]:
  the maps of features.3, their Gram matrices, the gradients of the scores of class 3, the saliency of the highest
  scores, and the deconvnet of channel 3 of features[:5]. `zfnet` is the deconvnet of channel 3 of features[:6] of a
  narrow ZFNet for an image [1, 3, 224, 224]. `style` is a picture [1, 1, 24, 24] after four steps of style transfer in
  float64, by the first three convolutions of a narrow VGG: the first and second give the style, the third the content.
"""
import os
import sys

os.environ.setdefault('OPENBLAS_CORETYPE', 'Haswell')
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from format import write  # noqa: E402
from models import image, lenet5, narrow, six, zfnet  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402
from torchvision import models  # noqa: E402


def record(x, step=7):
    return {'sizes': list(x.shape), 'step': step, 'data': [six(v) for v in x.detach().reshape(-1)[::step].tolist()]}


@torch.no_grad()
def deconvnet(layers, x, channel):
    sizes, switches = [], []
    for layer in layers:
        sizes.append(x.shape)
        if isinstance(layer, nn.MaxPool2d):
            x, found = F.max_pool2d(x, layer.kernel_size, layer.stride, layer.padding, return_indices=True)
            switches.append(found)
        else:
            x = layer(x.clone())
    flat = x[:, channel].flatten(1)
    place = flat.argmax(1, keepdim=True)
    signal = torch.zeros_like(x)
    signal[:, channel] = torch.zeros_like(flat).scatter(1, place, flat.gather(1, place)).reshape(x[:, channel].shape)
    for layer, size in zip(reversed(list(layers)), reversed(sizes)):
        if isinstance(layer, nn.ReLU):
            signal = F.relu(signal)
        elif isinstance(layer, nn.MaxPool2d):
            flat = torch.zeros(size).flatten(2)
            signal = flat.scatter_add(2, switches.pop().flatten(2), signal.flatten(2)).reshape(size)
        elif isinstance(layer, nn.Conv2d):
            kernel, stride, padding = layer.kernel_size[0], layer.stride[0], layer.padding[0]
            rest = [n + 2 * padding - kernel - stride * (m - 1) for n, m in zip(size[2:], signal.shape[2:])]
            signal = F.conv_transpose2d(signal, layer.weight, None, stride, padding, rest)
    return signal


def style_transfer(features, content, style, steps):
    def maps(x):
        found = []
        for layer in features:
            x = layer(x.clone())
            found += [x] if isinstance(layer, nn.Conv2d) else []
        return found

    def gram(x):
        flat = x.flatten(2)
        return flat @ flat.transpose(1, 2) / flat[0].numel()

    def error(found, wanted):
        return F.mse_loss(found, wanted) / wanted.square().mean()

    with torch.no_grad():
        things, styles = maps(content)[2], [gram(x) for x in maps(style)[:2]]
    picture = content.clone().requires_grad_()
    optimizer = torch.optim.Adam([picture], lr=0.02)
    for _ in range(steps):
        found = maps(picture)
        loss = error(found[2], things) + sum(10 / 2 * error(gram(x), y) for x, y in zip(found, styles))
        picture.grad = torch.autograd.grad(loss, picture)[0]
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(0, 1)
    return picture


if __name__ == '__main__':
    torch.manual_seed(0)
    model = lenet5(pooling='max', activation='relu').eval()
    x = image([2, 1, 28, 28])
    maps = model.features[:4](x)
    flat = maps.flatten(2)
    leaf = x.clone().requires_grad_()
    of_three = torch.autograd.grad(model(leaf)[:, 3].sum(), leaf)[0]
    highest = torch.autograd.grad(model(leaf).amax(1).sum(), leaf)[0].abs().amax(1, keepdim=True)
    torch.manual_seed(0)
    large = zfnet(num_classes=10, width=0.125).eval()
    view = deconvnet(large.features[:6], image([1, 3, 224, 224]), 3)
    torch.manual_seed(0)
    with narrow(0.125, 1, 10):
        deep = models.vgg11(num_classes=10).features[:7].eval().double()
    pictures = [(image([1, 1, size, size]).double() + 1) / 2 for size in (24, 20)]
    write(
        'packages/vision/test/golden/looking.json',
        {
            'maps': record(maps),
            'gram': record(flat @ flat.transpose(1, 2) / flat[0].numel()),
            'inputGradient': record(of_three),
            'saliency': record(highest),
            'deconvnet': record(deconvnet(model.features[:5], x, 3)),
            'zfnet': record(view, 53),
            'style': record(style_transfer(deep, *pictures, 4), 5),
        },
    )
