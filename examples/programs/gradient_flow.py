"""What flows through a network: forward and backward hooks, hooks of tensors and of saved tensors, and checkpoints."""
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((), 0.5))

    def forward(self, x):
        return x + self.scale * torch.tanh(self.linear(self.norm(x)))


class Net(nn.Module):
    def __init__(self, width=6, depth=3):
        super().__init__()
        self.blocks = nn.ModuleList([Block(width) for _ in range(depth)])
        self.head = nn.Linear(width, 1)
        self.remember = False

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint(block, x) if self.remember else block(x)
        return self.head(x).squeeze(-1)


def main(seed):
    torch.manual_seed(seed)
    net = Net()
    for name, p in net.named_parameters():
        if name.endswith('linear.weight'):
            nn.init.orthogonal_(p, gain=0.8)
    seen = {}
    handles = []
    for i, block in enumerate(net.blocks):
        handles.append(block.register_forward_hook(lambda m, args, out, i=i: seen.update({f'out {i}': out.detach().std().item()})))
        handles.append(block.register_full_backward_hook(lambda m, gi, go, i=i: seen.update({f'grad {i}': go[0].norm().item()})))
    handles.append(net.head.register_forward_pre_hook(lambda m, args: (args[0].clamp(-2, 2),)))
    x = torch.randn(16, 6, requires_grad=True)
    y = x.detach().sum(1)
    handles.append(net.head.weight.register_hook(lambda g: g * 0.5))
    loss = nn.functional.smooth_l1_loss(net(x), y)
    loss.backward()
    for key in sorted(seen):
        print(key, f'{seen[key]:.4f}')
    print(f'loss {loss.item():.4f} head {net.head.weight.grad.norm().item():.4f} input {x.grad.norm().item():.4f}')
    for handle in handles:
        handle.remove()
    packed = []
    plain = net.blocks[0].linear.weight.grad.clone()
    net.zero_grad()
    with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t.numel()) or t, lambda t: t):
        loss = nn.functional.smooth_l1_loss(net(x), y)
    loss.backward()
    first = net.blocks[0].linear.weight.grad.clone()
    net.zero_grad()
    net.remember = True
    loss = nn.functional.smooth_l1_loss(net(x), y)
    loss.backward()
    print('packed', len(packed) > 10, 'same', torch.equal(first, net.blocks[0].linear.weight.grad), torch.allclose(first, plain))
    groups = [{'params': [p for n, p in net.named_parameters() if 'norm' in n], 'weight_decay': 0.0},
              {'params': [p for n, p in net.named_parameters() if 'norm' not in n]}]
    optimizer = torch.optim.Rprop(groups[1]['params'], lr=0.01)
    optimizer.add_param_group({'params': groups[0]['params'], 'lr': 0.001})
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.functional.smooth_l1_loss(net(x), y)
        loss.backward()
        nn.utils.clip_grad_value_(net.parameters(), 0.1)
        optimizer.step()
    print(f'trained {loss.item():.4f}', [len(g['params']) for g in optimizer.param_groups])


if __name__ == '__main__':
    main(0)
