"""An autoregressive network (MADE): masked linear layers, checked by a Jacobian, then sampled."""
import torch
from torch import nn, optim
import torch.nn.functional as F


class MaskedLinear(nn.Linear):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__(n_in, n_out, bias)
        self.register_buffer('mask', torch.ones(n_out, n_in))

    def set_mask(self, mask):
        self.mask.data.copy_(mask)

    def forward(self, x):
        return F.linear(x, self.mask * self.weight, self.bias)

    def extra_repr(self):
        return super().extra_repr() + f', kept={int(self.mask.sum())}'


class MADE(nn.Module):
    def __init__(self, n, hidden):
        super().__init__()
        first, second, last = (MaskedLinear(n, hidden), MaskedLinear(hidden, hidden), MaskedLinear(hidden, n))
        self.net = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)
        self.n = n
        m = [torch.arange(n)] + [torch.randint(0, n - 1, (hidden,)) for _ in range(2)]
        masks = [m[l][:, None] <= m[l + 1][None, :] for l in range(2)] + [m[2][:, None] < m[0][None, :]]
        layers = [l for l in self.net.modules() if isinstance(l, MaskedLinear)]
        for l, mk in zip(layers, masks):
            l.set_mask(mk.t().float())

    def forward(self, x):
        return self.net(x)

    @torch.no_grad()
    def sample(self, k):
        x = torch.zeros(k, self.n)
        for i in range(self.n):
            x[:, i] = torch.bernoulli(torch.sigmoid(self(x)[:, i]))
        return x


def main(seed):
    torch.manual_seed(seed)
    n = 8
    base = torch.bernoulli(torch.full((32, 1), 0.5))
    data = (base + torch.arange(n) % 2) % 2
    flip = torch.rand_like(data) < 0.1
    data = torch.where(flip, 1 - data, data)
    print(data[:2], flip.sum(), data.dtype)
    model = MADE(n, 24)
    print(model)
    opt = torch.optim.Adagrad(model.parameters(), lr=0.05, weight_decay=0.0001)
    sched = optim.lr_scheduler.StepLR(opt, step_size=10, gamma=0.5)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data), batch_size=10, shuffle=True)
    for epoch in range(12):
        total = 0.0
        for xb, in loader:
            loss = F.binary_cross_entropy_with_logits(model(xb), xb, reduction='none').sum(1).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item() * len(xb)
        sched.step()
        if epoch % 4 == 3:
            print('epoch %d: %.4f, lr %g' % (epoch, total / len(data), opt.param_groups[0]['lr']))
    x = torch.rand(1, n, requires_grad=True)
    J = torch.autograd.functional.jacobian(lambda v: model(v).squeeze(0), x).squeeze(1)
    print((J.triu() == 0).all().item(), int((J.tril(-1) != 0).sum()))
    s = model.sample(4)
    print(s, s.mean(0), sep='\n')
    print(list(model.state_dict().keys())[:3], len(list(model.buffers())))
