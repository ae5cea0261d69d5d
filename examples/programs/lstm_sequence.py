"""An LSTMCell unrolled over a sine wave, which predicts its next value."""
import torch
from torch import nn


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTMCell(1, 8)
        self.linear = nn.Linear(8, 1)

    def forward(self, input):
        outputs = []
        h_t = torch.zeros(input.size(0), 8)
        c_t = torch.zeros(input.size(0), 8)
        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm(input_t, (h_t, c_t))
            outputs += [self.linear(h_t)]
        return torch.cat(outputs, dim=1)


def main(seed):
    torch.manual_seed(seed)
    t = torch.arange(9).float() * 0.6 + torch.rand(4, 1) * 6
    data = torch.sin(t)
    model = Sequence()
    optimizer = torch.optim.Adamax(model.parameters(), lr=0.05)

    def step():
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(data[:, :-1]), data[:, 1:])
        loss.backward()
        nn.utils.clip_grad_value_(model.parameters(), 0.1)
        optimizer.step()
        return loss

    for i in range(1, 19):
        loss = step()
        if i % 6 == 0:
            print(f'step {i} loss {loss.item():.4f}')


if __name__ == '__main__':
    main(0)
