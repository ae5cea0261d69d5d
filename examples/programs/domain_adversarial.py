"""Domain-adversarial training: autograd Functions with a reversed gradient, several outputs and second derivatives."""
import math
import torch
from torch import nn, optim
import torch.nn.functional as F


class Exp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        result = i.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        result, = ctx.saved_tensors
        return grad_output * result


class PolarMap(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, y, scale):
        r = torch.hypot(x, y)
        th = torch.atan2(y, x)
        ctx.save_for_backward(x, y, r)
        ctx.scale = scale
        ctx.mark_non_differentiable((quad := (th // (math.pi / 2)).long()))
        return (r * scale, th, quad)

    @staticmethod
    def backward(ctx, gr, gth, _):
        x, y, r = ctx.saved_tensors
        gx = gy = None
        if ctx.needs_input_grad[0]:
            gx = gr * ctx.scale * x / r - gth * y / r ** 2
        if ctx.needs_input_grad[1]:
            gy = gr * ctx.scale * y / r + gth * x / r ** 2
        return (gx, gy, None)


class GradReverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return (-ctx.lam * g, None)


def main(seed):
    torch.manual_seed(seed)
    x = torch.randn(3, dtype=torch.double, requires_grad=True)
    y = torch.rand(3, dtype=torch.double, requires_grad=True)
    print(torch.autograd.gradcheck(Exp.apply, (x,)), torch.autograd.gradgradcheck(Exp.apply, (x,)))
    r, th, q = PolarMap.apply(x, y, 2.0)
    print(r, th, q, q.requires_grad, sep='\n')
    (r * th).sum().backward()
    print(x.grad, y.grad, r.grad_fn.name() if hasattr(r.grad_fn, 'name') else '', sep='\n')
    print(torch.autograd.gradcheck(lambda a, b: PolarMap.apply(a, b, 3.0)[:2], (x, y)))
    r2, _, _ = PolarMap.apply(x.detach(), y, 1.0)
    r2.sum().backward()
    print(y.grad)
    torch.manual_seed(seed)
    feat = nn.Linear(4, 8)
    cls = nn.Linear(8, 3)
    dom = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    params = [*feat.parameters(), *cls.parameters(), *dom.parameters()]
    opt = optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)
    src, tgt = (torch.randn(16, 4), torch.randn(16, 4) + 0.5)
    lab = torch.randint(3, (16,))
    for e in range(12):
        lam = torch.tensor(2 / (1 + math.exp(-10 * e / 12)) - 1)
        f = torch.tanh(feat(torch.cat((src, tgt))))
        lc = F.cross_entropy(cls(f[:16]), lab)
        ld = F.cross_entropy(dom(GradReverse.apply(f, lam)), torch.arange(2).repeat_interleave(16))
        opt.zero_grad()
        (lc + ld).backward()
        opt.step()
        if e % 4 == 3:
            print(f'{e} cls {lc:.4f} dom {ld:.4f}', feat.weight.grad.norm())
