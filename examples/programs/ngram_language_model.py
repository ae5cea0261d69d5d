"""An n-gram language model (PyTorch's tutorial of word embeddings): two words predict the third."""
import torch
from torch import nn
import torch.nn.functional as F

TEXT = """when forty winters shall besiege thy brow and dig deep trenches in thy beauty's field
thy youth's proud livery so gazed on now will be a tattered weed of small worth held""".split()


class NGramLanguageModeler(nn.Module):
    def __init__(self, vocab_size, embedding_dim, context_size):
        super().__init__()
        self.embeddings = nn.Embedding(vocab_size, embedding_dim)
        self.linear1 = nn.Linear(context_size * embedding_dim, 32)
        self.linear2 = nn.Linear(32, vocab_size)

    def forward(self, inputs):
        embeds = self.embeddings(inputs).view((1, -1))
        out = F.relu(self.linear1(embeds))
        return F.log_softmax(self.linear2(out), dim=1)


def main(seed):
    torch.manual_seed(seed)
    trigrams = [([TEXT[i], TEXT[i + 1]], TEXT[i + 2]) for i in range(len(TEXT) - 2)]
    word_to_ix = {word: i for i, word in enumerate(sorted(set(TEXT)))}
    model = NGramLanguageModeler(len(word_to_ix), 6, 2)
    loss_function = nn.NLLLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    def step(context, target):
        model.zero_grad()
        log_probs = model(context)
        loss = loss_function(log_probs, target)
        loss.backward()
        optimizer.step()
        return loss

    for epoch in range(4):
        total_loss = 0
        for context, target in trigrams:
            context_idxs = torch.tensor([word_to_ix[w] for w in context], dtype=torch.long)
            target_idx = torch.tensor([word_to_ix[target]], dtype=torch.long)
            total_loss += step(context_idxs, target_idx).item()
        print(f'epoch {epoch} loss {total_loss:.3f}')


if __name__ == '__main__':
    main(0)
