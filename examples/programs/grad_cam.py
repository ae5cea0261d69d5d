"""Looking into a network: Grad-CAM by hooks, guided gradients, integrated gradients, occlusion."""
import torch
from torch import nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding='same', padding_mode='replicate')
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 6, 3, stride=2, padding=1)
        self.relu2 = nn.ReLU()
        self.fc = nn.Linear(6 * 4 * 4, 3)

    def forward(self, x):
        x = self.relu1(self.conv1(x))
        x = self.relu2(self.conv2(x))
        return self.fc(x.flatten(start_dim=1))


class GradCam:
    def __init__(self, model, layer):
        self.model = model
        self.handles = [layer.register_forward_hook(self.save_activation),
                        layer.register_full_backward_hook(self.save_grad)]

    def save_activation(self, module, inputs, output):
        self.activation = output.detach()

    def save_grad(self, module, grad_input, grad_output):
        self.grad = grad_output[0].detach()

    def __call__(self, x, cls):
        self.model.zero_grad()
        self.model(x)[:, cls].sum().backward()
        weights = self.grad.mean(dim=[2, 3], keepdim=True)
        cam = F.relu((weights * self.activation).sum(dim=1, keepdim=True))
        cam = F.interpolate(cam, size=x.shape[-2:], mode='bilinear', align_corners=False)
        lo, hi = cam.amin(dim=(2, 3), keepdim=True), cam.amax(dim=(2, 3), keepdim=True)
        return (cam - lo) / (hi - lo + 1e-8)

    def remove(self):
        for h in self.handles:
            h.remove()


def integrated_gradients(model, x, cls, steps=8):
    baseline = torch.zeros_like(x)
    alphas = (torch.arange(steps) + 0.5) / steps
    path = (baseline + alphas.view(-1, 1, 1, 1) * (x - baseline)).requires_grad_()
    grads, = torch.autograd.grad(model(path)[:, cls].sum(), path)
    return (x - baseline) * grads.mean(dim=0, keepdim=True)


def guided(module, grad_input, grad_output):
    return (grad_input[0].clamp(min=0),)


def main(seed):
    torch.manual_seed(seed)
    y = torch.arange(12) % 3
    x = 0.2 * torch.randn(12, 1, 8, 8)
    for i, c in enumerate(y.tolist()):
        x[i, :, 2 * c:2 * c + 3, 2 * c:2 * c + 3] += 1
    net = Net()
    opt = torch.optim.Adam(net.parameters(), 0.01)
    for _ in range(12):
        opt.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        opt.step()
    print(f'{loss.item():.4f}')
    net.eval().requires_grad_(False)
    image = x[1:2].clone().requires_grad_()
    net.requires_grad_(True)
    cam = GradCam(net, net.conv2)
    heat = cam(image, 1)
    print(heat[0, 0, ::2, ::2])
    cam.remove()
    print(image.grad.shape, f'{image.grad.abs().sum():.4f}')
    handles = [m.register_full_backward_hook(guided) for m in net.modules() if isinstance(m, nn.ReLU)]
    image.grad = None
    net(image)[0, 1].backward()
    print(f'guided {image.grad.norm():.4f} {(image.grad == 0).sum().item()}')
    [h.remove() for h in handles]
    ig = integrated_gradients(net, x[1:2], 1)
    gap = net(x[1:2])[0, 1] - net(torch.zeros_like(x[1:2]))[0, 1]
    print(f'ig {ig.sum().item():.4f} of {gap.item():.4f}')
    with torch.no_grad():
        base = F.softmax(net(x[1:2]), dim=1)[0, 1]
        drops = torch.zeros(4, 4)
        for r in range(4):
            for c in range(4):
                hidden = x[1:2].clone()
                hidden[..., 2 * r:2 * r + 2, 2 * c:2 * c + 2] = 0
                drops[r, c] = base - F.softmax(net(hidden), dim=1)[0, 1]
    print((drops * 1000).round())
    print(divmod(drops.argmax().item(), 4))
    captured = {}
    for name, module in net.named_children():
        module.register_forward_pre_hook(lambda m, args, name=name: captured.__setitem__(name, tuple(args[0].shape)))
    net(x)
    print(captured)
