"""The nets of language.py in PyTorch; prints JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Net(nn.Module):
    """Layers that go on from given states, and scores at each step."""

    def __init__(self, net, tokens):
        super().__init__()
        self.tokens, self.one_hot = tokens, net == "char_rnn"
        units = 128 if self.one_hot else 200
        self.embedding = None if self.one_hot else nn.Embedding(tokens, units)
        self.recurrent = nn.LSTM(tokens if self.one_hot else units, units, 2, batch_first=True)
        self.scores = nn.Linear(units, tokens)

    def forward(self, text, states=None):
        if self.one_hot:
            x = nn.functional.one_hot(text, self.tokens).float()
        else:
            x = self.embedding(text)
        x, states = self.recurrent(x, states)
        return self.scores(x), states


def train(net, file, batch, tokens, epochs):
    """Seconds a step, and losses."""
    batch, tokens, epochs = int(batch), int(tokens), int(epochs)
    with np.load(file) as arrays:
        text = torch.from_numpy(arrays["text"]).long()
    rows, steps = text.shape[0] // batch, text.shape[1] - 1
    streams = text[: rows * batch].reshape(batch, rows, -1)
    model = Net(net, tokens)
    if net == "char_rnn":
        optimizer = torch.optim.RMSprop(model.parameters(), 2e-3, alpha=0.95)
    else:
        for weight in model.parameters():
            nn.init.uniform_(weight, -0.1, 0.1)
        optimizer = torch.optim.SGD(model.parameters(), 1.0 * steps)
    criterion, found, losses = nn.CrossEntropyLoss(), [], []
    for _ in range(epochs + 1):
        begin, states, total, right = time.process_time(), None, 0.0, 0
        for row in range(rows):
            x, y = streams[:, row, :-1], streams[:, row, 1:]
            if states is not None:
                states = tuple(state.detach() for state in states)
            scores, states = model(x, states)
            loss = criterion(scores.reshape(-1, tokens), y.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            if net == "char_rnn":
                nn.utils.clip_grad_value_(model.parameters(), 5.0)
            else:
                nn.utils.clip_grad_norm_(model.parameters(), 5.0 / steps)
            optimizer.step()
            total += loss.item()
            right += (scores.argmax(-1) == y).sum().item()
        found.append((time.process_time() - begin) / rows)
        losses.append(total / rows)
    return {"step": found[1:], "loss": losses}


@torch.inference_mode()
def sample(net, length):
    """Seconds for a text, a step a character."""
    model, found = Net(net, 65), []
    for _ in range(4):
        begin, token, states = time.process_time(), torch.tensor([[5]]), None
        for _ in range(int(length)):
            scores, states = model(token, states)
            token = torch.multinomial(scores[0, -1].softmax(0), 1)[None]
        found.append(time.process_time() - begin)
    return found[1:]


part, *words = sys.argv[1:]
print(json.dumps({"train": train, "sample": sample}[part](*words)))
