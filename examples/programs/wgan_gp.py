"""A Wasserstein GAN whose critic is penalised for its gradient, which is differentiated again."""
import torch
from torch import nn, optim


def penalty(critic, real, fake):
    a = torch.rand(real.size(0), 1)
    x = (a * real + (1 - a) * fake).requires_grad_(True)
    d = critic(x)
    g, = torch.autograd.grad(outputs=d, inputs=x, grad_outputs=torch.ones_like(d), create_graph=True, retain_graph=True)
    return ((g.norm(2, dim=1) - 1) ** 2).mean()


def main(seed):
    torch.manual_seed(seed)
    generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
    critic = nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.LayerNorm(16), nn.Linear(16, 1))
    for p in critic.parameters():
        if p.dim() > 1:
            nn.init.kaiming_normal_(p, 0.2)
    generator_optimizer = optim.Adam(generator.parameters(), lr=0.001, betas=(0.0, 0.9))
    critic_optimizer = optim.Adam(critic.parameters(), lr=0.001, betas=(0.0, 0.9))
    for it in range(6):
        for _ in range(3):
            real = torch.randn(8, 2) @ torch.tensor([[1.0, 0.5], [0.0, 0.5]]) + 2
            fake = generator(torch.randn(8, 2)).detach()
            critic_loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(critic, real, fake)
            critic_optimizer.zero_grad()
            critic_loss.backward()
            critic_optimizer.step()
        for p in critic.parameters():
            p.requires_grad_(False)
        generator_loss = -critic(generator(torch.randn(8, 2))).mean()
        generator_optimizer.zero_grad()
        generator_loss.backward()
        generator_optimizer.step()
        for p in critic.parameters():
            p.requires_grad_(True)
        if it % 2:
            print(f'{it} {critic_loss.item():.4f} {generator_loss.item():.4f}')
    print(sum((p.grad.pow(2).sum() for p in critic.parameters() if p.grad is not None)).sqrt())
