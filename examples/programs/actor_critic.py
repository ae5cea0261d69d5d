"""Actor-critic on a corridor: one body, two heads, entropy as a bonus, smooth L1 for the value."""
import torch
from torch import nn
from torch.distributions import Categorical
import torch.nn.functional as F


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)

    def forward(self, x):
        x = torch.tanh(self.body(x))
        return self.action_head(x), self.value_head(x)


def main(seed):
    torch.manual_seed(seed)
    model = ActorCritic()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    one_hot = torch.eye(4)
    for episode in range(1, 13):
        state, log_probs, values, rewards, entropies = 0, [], [], [], []
        while state < 3 and len(rewards) < 12:
            logits, value = model(one_hot[state])
            m = Categorical(logits=logits)
            action = m.sample()
            state = max(0, state + (1 if action.item() == 1 else -1))
            log_probs.append(m.log_prob(action))
            entropies.append(m.entropy())
            values.append(value)
            rewards.append(1.0 if state == 3 else -0.1)
        returns, R = [], 0.0
        for r in reversed(rewards):
            R = r + 0.9 * R
            returns.insert(0, R)
        returns = torch.tensor(returns)
        values = torch.cat(values)
        advantage = returns - values.detach()
        policy_loss = -(torch.stack(log_probs) * advantage).sum()
        loss = policy_loss + F.smooth_l1_loss(values, returns) - 0.01 * torch.stack(entropies).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if episode % 3 == 0:
            print(f'episode {episode} steps {len(rewards)} loss {loss.item():.3f} value {values[0].item():.3f}')


if __name__ == '__main__':
    main(0)
