"""The recurrent classifiers of sequences.py in PyTorch; prints JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

cell, file, batch, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
with np.load(file) as arrays:
    x, y = torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"]).long()


class Classifier(nn.Module):
    """A recurrent layer, and scores of what it holds at the end."""

    def __init__(self):
        super().__init__()
        kinds = {"lstm": nn.LSTM, "gru": nn.GRU, "simple": nn.RNN}
        self.recurrent = kinds[cell](28, 128, batch_first=True)
        self.scores = nn.Linear(128, 10)

    def forward(self, series):
        return self.scores(self.recurrent(series)[0][:, -1])


model = Classifier()
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
criterion = nn.CrossEntropyLoss()
found, steps = [], len(x) // batch
for _ in range(epochs + 1):
    begin = time.process_time()
    total, right = 0.0, 0
    for index in torch.randperm(len(x)).split(batch):
        series, labels = x[index], y[index]
        scores = model(series)
        loss = criterion(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item()
        right += (scores.argmax(1) == labels).sum().item()
    found.append((time.process_time() - begin) / steps)
parameters = sum(p.numel() for p in model.parameters())
print(json.dumps({"step": found[1:], "parameters": parameters}))
