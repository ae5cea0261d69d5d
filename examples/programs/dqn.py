"""Deep Q-learning on a corridor: a replay buffer, a target network, epsilon-greedy actions, smooth L1."""
from collections import deque

import torch
from torch import nn
import torch.nn.functional as F

SIZE = 5


def env_step(state, action):
    state = max(0, min(SIZE - 1, state + (1 if action == 1 else -1)))
    done = state == SIZE - 1
    return state, (1.0 if done else -0.1), done


def main(seed):
    torch.manual_seed(seed)
    policy = nn.Sequential(nn.Linear(SIZE, 16), nn.ReLU(), nn.Linear(16, 2))
    target = nn.Sequential(nn.Linear(SIZE, 16), nn.ReLU(), nn.Linear(16, 2))
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
    memory = deque(maxlen=200)

    def optimize(states, actions, rewards, next_states, done):
        q = policy(F.one_hot(states, SIZE).float()).gather(1, actions.unsqueeze(1)).squeeze(1)
        with torch.no_grad():
            next_q = target(F.one_hot(next_states, SIZE).float()).max(1)[0]
        expected = rewards + 0.9 * next_q * (1 - done)
        loss = F.smooth_l1_loss(q, expected)
        optimizer.zero_grad()
        loss.backward()
        for p in policy.parameters():
            p.grad.data.clamp_(-1, 1)
        optimizer.step()
        return loss

    for episode in range(1, 9):
        state, done, steps, total = 0, False, 0, 0.0
        while not done and steps < 15:
            if torch.rand(1).item() < 0.3:
                action = torch.randint(0, 2, (1,)).item()
            else:
                with torch.no_grad():
                    action = policy(F.one_hot(torch.tensor([state]), SIZE).float()).max(1)[1].item()
            next_state, reward, done = env_step(state, action)
            memory.append((state, action, reward, next_state, float(done)))
            state, steps, total = next_state, steps + 1, total + reward
            if len(memory) >= 8:
                batch = [memory[i] for i in torch.randperm(len(memory))[:8].tolist()]
                s, a, r, n, d = zip(*batch)
                loss = optimize(torch.tensor(s), torch.tensor(a), torch.tensor(r), torch.tensor(n), torch.tensor(d))
        if episode % 2 == 0:
            target.load_state_dict(policy.state_dict())
            print(f'episode {episode} steps {steps} return {total:.1f} loss {loss.item():.4f}')
    print(policy(torch.eye(SIZE)).argmax(1).tolist()[0])


if __name__ == '__main__':
    main(0)
