"""XOR by a network with one hidden layer, initialised by hand."""
import torch
from torch import nn


def init_weights(module):
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight, gain=2)
        nn.init.zeros_(module.bias)


def main(seed):
    torch.manual_seed(seed)
    x = torch.tensor([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    y = torch.tensor([[0.], [1.], [1.], [0.]])
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    model.apply(init_weights)
    criterion = nn.BCELoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01)

    def step():
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 121):
        loss = step()
        if epoch % 40 == 0:
            print(f'epoch {epoch} loss {loss.item():.4f}')
    for inputs, output in zip(x, model(x).round()):
        print(inputs.tolist()[0], inputs.tolist()[1], output.item())


if __name__ == '__main__':
    main(0)
