"""Collaborative filtering: users and items as embeddings with biases, in batches of a DataLoader."""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, random_split


class Ratings(Dataset):
    def __init__(self, users, items, ratings):
        self.users, self.items, self.ratings = users, items, ratings

    def __len__(self):
        return len(self.ratings)

    def __getitem__(self, i):
        return self.users[i], self.items[i], self.ratings[i]


class MF(nn.Module):
    def __init__(self, users, items, dim):
        super().__init__()
        self.user, self.item = nn.Embedding(users, dim), nn.Embedding(items, dim)
        self.user_bias, self.item_bias = nn.Embedding(users, 1), nn.Embedding(items, 1)
        nn.init.normal_(self.user.weight, std=0.1)
        nn.init.normal_(self.item.weight, std=0.1)
        nn.init.zeros_(self.user_bias.weight)
        nn.init.zeros_(self.item_bias.weight)

    def forward(self, user, item):
        dot = (self.user(user) * self.item(item)).sum(1)
        return dot + self.user_bias(user).squeeze() + self.item_bias(item).squeeze() + 3


def main(seed):
    torch.manual_seed(seed)
    truth = torch.randn(8, 2) @ torch.randn(2, 10) + 3
    users, items = torch.randint(8, (60,)), torch.randint(10, (60,))
    dataset = Ratings(users, items, truth[users, items].clamp(1, 5))
    train, test = random_split(dataset, [48, 12])
    model = MF(8, 10, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05, weight_decay=1e-4)
    loader = DataLoader(train, batch_size=16, shuffle=True)

    def step(user, item, rating):
        loss = nn.functional.mse_loss(model(user, item), rating)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(1, 9):
        total = 0
        for user, item, rating in loader:
            total += step(user, item, rating).item() * len(rating)
        if epoch % 2 == 0:
            print(f'epoch {epoch} rmse {(total / len(train)) ** 0.5:.4f}')
    with torch.no_grad():
        user, item, rating = next(iter(DataLoader(test, batch_size=12)))
        print(f'test mae {(model(user, item) - rating).abs().mean().item():.4f}')


if __name__ == '__main__':
    main(0)
