"""The rate of a logistic map, fitted through its own iterations by gradients."""
import torch


def orbit(r, x, steps):
    xs = []
    for _ in range(steps):
        x = r * x * (1 - x)
        xs.append(x)
    return torch.stack(xs)


def main(seed):
    torch.manual_seed(seed)
    x0 = torch.rand(5) * 0.5 + 0.25
    target = orbit(torch.tensor(2.9), x0, 6)
    r = torch.tensor(2.0, requires_grad=True)
    optimizer = torch.optim.Rprop([r], lr=0.05)

    def step():
        loss = torch.nn.functional.l1_loss(orbit(r, x0, 6), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for i in range(1, 13):
        loss = step()
        if i % 4 == 0:
            print(f'step {i} loss {loss.item():.5f} r {r.item():.4f}')


if __name__ == '__main__':
    main(0)
