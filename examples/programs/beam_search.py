"""Decoding a small recurrent language model: greedy, beam search with length penalties, top-k, nucleus and temperature."""
import torch
from torch import nn
import torch.nn.functional as F

TEXT = 'the cat sat on the mat . the dog sat on the log . a cat and a dog ran to the mat . '
BOS, EOS, PAD = 0, 1, 2


class Vocab:
    def __init__(self, words):
        self.itos = ['<bos>', '<eos>', '<pad>'] + sorted(set(words) - {'.'})
        self.stoi = {w: i for i, w in enumerate(self.itos)}
        self.stoi['.'] = EOS

    def __len__(self):
        return len(self.itos)

    def decode(self, ids):
        return ' '.join(self.itos[int(i)] for i in ids if i not in (BOS, EOS, PAD))


class LM(nn.Module):
    def __init__(self, vocab, d=24, layers=2):
        super().__init__()
        self.embed = nn.Embedding(vocab, d, padding_idx=PAD)
        self.cells = nn.ModuleList(nn.GRUCell(d, d) for _ in range(layers))
        self.drop = nn.Dropout(0.1)
        self.out = nn.Linear(d, vocab)
        self.out.weight = self.embed.weight

    def step(self, token, state):
        x, new = self.embed(token), []
        for cell, h in zip(self.cells, state):
            x = cell(self.drop(x), h)
            new.append(x)
        return F.log_softmax(self.out(x), dim=-1), torch.stack(new)

    def forward(self, tokens):
        state = tokens.new_zeros(len(self.cells), tokens.shape[0], self.embed.embedding_dim, dtype=torch.float)
        logits = []
        for t in range(tokens.shape[1]):
            y, state = self.step(tokens[:, t], state)
            logits.append(y)
        return torch.stack(logits, dim=1)


@torch.no_grad()
def beam_search(model, k=3, max_len=8, alpha=0.7):
    state = torch.zeros(len(model.cells), 1, model.embed.embedding_dim)
    tokens = torch.full((1, 1), BOS)
    scores = torch.zeros(1)
    done = []
    for step in range(max_len):
        logp, state = model.step(tokens[:, -1], state)
        logp[:, [BOS, PAD]] = float('-inf')
        total = (scores[:, None] + logp).flatten()
        scores, index = total.topk(min(2 * k, total.isfinite().sum().item()))
        beam, token = torch.div(index, logp.size(-1), rounding_mode='floor'), index % logp.size(-1)
        ended = token == EOS
        for b, s in zip(beam[ended][:k], scores[ended][:k]):
            done.append((s.item() / ((5 + step + 1) / 6) ** alpha, tokens[b, 1:].tolist()))
        keep = (~ended).nonzero().squeeze(1)[:k]
        beam, token, scores = beam[keep], token[keep], scores[keep]
        tokens = torch.cat([tokens[beam], token[:, None]], dim=1)
        state = state.index_select(1, beam)
        if len(done) >= k:
            break
    return sorted(done, key=lambda d: d[0], reverse=True)[:k]


def filtered(logp, top_k=0, top_p=1.0):
    logp = logp.clone()
    if top_k:
        logp[logp < logp.topk(top_k)[0][..., -1, None]] = -float('inf')
    if top_p < 1:
        ordered, index = logp.sort(descending=True)
        drop = ordered.softmax(-1).cumsum(-1) > top_p
        drop[..., 1:] = drop[..., :-1].clone()
        drop[..., 0] = False
        logp.masked_fill_(drop.scatter(-1, index, drop), -float('inf'))
    return logp


def main(seed):
    torch.manual_seed(seed)
    sentences = [s.split() for s in TEXT.split('.')[:-1]]
    vocab = Vocab(TEXT.split())
    ids = [torch.tensor([BOS] + [vocab.stoi[w] for w in s] + [EOS]) for s in sentences]
    batch = nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=PAD)
    print(len(vocab), batch.shape, batch[0])
    model = LM(len(vocab))
    opt = torch.optim.RAdam(model.parameters(), lr=0.03)
    nll = nn.NLLLoss(ignore_index=PAD)
    for epoch in range(20):
        model.train()
        opt.zero_grad()
        logp = model(batch[:, :-1])
        loss = nll(logp.transpose(1, 2), batch[:, 1:])
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        if epoch % 10 == 9:
            model.eval()
            with torch.no_grad():
                print(f'epoch {epoch + 1}: loss {loss:.4f}, perplexity {nll(model(batch[:, :-1]).transpose(1, 2), batch[:, 1:]).exp():.3f}')
    model.eval()
    print(sum(p.numel() for p in model.parameters()), model.out.weight is model.embed.weight, model.embed.weight[PAD].abs().sum().item() > 0)
    for score, ids in beam_search(model):
        print(f'{score:8.4f}', vocab.decode(ids))
    for kind in ({'top_k': 3}, {'top_p': 0.8}, {'top_k': 5, 'top_p': 0.9}, {}):
        token, state, words = torch.tensor([BOS]), torch.zeros(2, 1, 24), []
        with torch.no_grad():
            while len(words) < 8 and token.item() != EOS:
                logp, state = model.step(token, state)
                probs = filtered(logp / 0.8, **kind).softmax(-1)
                token = torch.multinomial(probs, 1).squeeze(1)
                words.append(token.item())
        print(kind, '->', vocab.decode(words), f'{(probs > 0).sum().item()}')
    with torch.no_grad():
        near = F.cosine_similarity(model.embed.weight[vocab.stoi['cat']], model.embed.weight, dim=-1)
    print([vocab.itos[i] for i in near.topk(3).indices])


if __name__ == '__main__':
    main(0)
