"""MAML: gradients through a step of gradient descent on tasks of sines."""
import torch
import torch.nn.functional as F


def net(x, params):
    x = F.linear(x, params[0], params[1]).relu()
    return F.linear(x, params[2], params[3])


def main(seed):
    torch.manual_seed(seed)
    params = [
        torch.randn(16, 1).mul_(0.5).requires_grad_(),
        torch.zeros(16, requires_grad=True),
        torch.randn(1, 16).mul_(0.25).requires_grad_(),
        torch.zeros(1, requires_grad=True),
    ]
    optimizer = torch.optim.Adam(params, lr=1e-2)

    def sample_task():
        amplitude, phase = torch.empty(1).uniform_(0.1, 5.0), torch.empty(1).uniform_(0, 3.14)
        x = torch.empty(10, 1).uniform_(-5, 5)
        y = amplitude * torch.sin(x + phase)
        return x[:5], y[:5], x[5:], y[5:]

    def step():
        meta_loss = 0
        for _ in range(3):
            x_support, y_support, x_query, y_query = sample_task()
            loss = F.mse_loss(net(x_support, params), y_support)
            grads = torch.autograd.grad(loss, params, create_graph=True)
            fast = [p - 0.01 * g for p, g in zip(params, grads)]
            meta_loss = meta_loss + F.mse_loss(net(x_query, fast), y_query)
        optimizer.zero_grad()
        meta_loss.backward()
        optimizer.step()
        return meta_loss

    for it in range(1, 16):
        meta_loss = step()
        if it % 5 == 0:
            print(f'iteration {it} loss {meta_loss.item() / 3:.4f}')


if __name__ == '__main__':
    main(0)
