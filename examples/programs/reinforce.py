"""REINFORCE: a policy of a Categorical, returns discounted and standardised, log_prob."""
import torch
from torch import nn, optim
from torch.distributions import Categorical
import torch.nn.functional as F

eps = 1e-8


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(2, 16)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.affine2(x), dim=1)


def main(seed):
    torch.manual_seed(seed)
    policy = Policy()
    optimizer = optim.Adam(policy.parameters(), lr=2e-2)

    def select_action(position, velocity):
        probs = policy(torch.tensor([[position, velocity]]))
        m = Categorical(probs)
        action = m.sample()
        policy.saved_log_probs.append(m.log_prob(action))
        return action.item(), m.entropy().item()

    def finish_episode():
        R = 0
        returns = []
        for r in policy.rewards[::-1]:
            R = r + 0.95 * R
            returns.insert(0, R)
        returns = torch.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + eps)
        policy_loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns)]
        optimizer.zero_grad()
        loss = torch.cat(policy_loss).sum()
        loss.backward()
        optimizer.step()
        del policy.rewards[:]
        del policy.saved_log_probs[:]
        return loss

    for episode in range(1, 9):
        position, velocity, total = 1.0, 0.0, 0.0
        for _ in range(10):
            action, entropy = select_action(position, velocity)
            velocity = velocity + (0.25 if action == 1 else -0.25)
            position = position + velocity
            reward = -abs(position)
            policy.rewards.append(reward)
            total += reward
        loss = finish_episode()
        if episode % 2 == 0:
            print(f'episode {episode} return {total:.2f} loss {loss.item():.3f} entropy {entropy:.4f}')


if __name__ == '__main__':
    main(0)
