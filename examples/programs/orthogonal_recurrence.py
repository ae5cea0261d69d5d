"""A recurrent network with an orthogonal recurrent weight, on packed sequences of several lengths."""
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, rnn


class Skew(nn.Module):
    def forward(self, x):
        return x.triu(1) - x.triu(1).transpose(-1, -2)


class Cayley(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.register_buffer('eye', torch.eye(n))

    def forward(self, x):
        return torch.linalg.solve(self.eye + x, self.eye - x)


class Net(nn.Module):
    def __init__(self, hidden=6):
        super().__init__()
        self.cell = nn.RNNCell(2, hidden, bias=False)
        parametrizations.orthogonal(self.cell, 'weight_hh', orthogonal_map='matrix_exp')
        self.mix = nn.Linear(hidden, hidden, bias=False)
        parametrize.register_parametrization(self.mix, 'weight', Skew())
        parametrize.register_parametrization(self.mix, 'weight', Cayley(hidden))
        self.out = nn.Linear(hidden, 1)
        self.hidden = hidden

    def forward(self, packed):
        h = torch.zeros(int(packed.batch_sizes[0]), self.hidden)
        start = 0
        with parametrize.cached():
            for count in packed.batch_sizes.tolist():
                step = self.cell(packed.data[start:start + count], h[:count])
                h = torch.cat([step, h[count:]])
                start += count
            h = h.index_select(0, packed.unsorted_indices)
            return self.out(self.mix(h)).squeeze(1)


def main(seed):
    torch.manual_seed(seed)
    lengths = [3, 5, 2, 4]
    sequences = [torch.randn(n, 2) for n in lengths]
    targets = torch.stack([s[:, 0].sum() for s in sequences])
    packed = rnn.pack_sequence(sequences, enforce_sorted=False)
    padded, sizes = rnn.pad_packed_sequence(packed, batch_first=True, padding_value=-1.0)
    print('padded', tuple(padded.shape), sizes.tolist(), 'batch sizes', packed.batch_sizes.tolist())
    net = Net()
    print(sorted(name for name, _ in net.named_parameters()))
    optimizer = torch.optim.RAdam(net.parameters(), lr=0.05)
    criterion = nn.HuberLoss(delta=0.5)
    for step in range(30):
        loss = criterion(net(packed), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 9:
            w = net.cell.weight_hh
            print(f'step {step + 1} loss {loss.item():.4f} off {(w @ w.T - torch.eye(6)).abs().max().item() < 1e-5}')
    parametrize.remove_parametrizations(net.mix, 'weight')
    m = net.mix.weight
    print('orthogonal', torch.allclose(m @ m.T, torch.eye(6), atol=1e-5), parametrize.is_parametrized(net.mix))


if __name__ == '__main__':
    main(0)
