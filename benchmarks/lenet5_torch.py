"""The peer of lenet5.py: the same network in PyTorch; prints the seconds of each epoch as JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

file, epochs, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with np.load(file) as arrays:
    x, y, x_held, y_held = (torch.from_numpy(arrays[k]) for k in ("x", "y", "x_held", "y_held"))
# Channels first, as PyTorch has them; with one channel the memory layout is the same.
x, x_held = x.permute(0, 3, 1, 2), x_held.permute(0, 3, 1, 2)
y, y_held = y.long(), y_held.long()


class Rescaling(nn.Module):
    """The paper's grey levels."""

    def forward(self, images):
        return images * 1.275 - 0.1


model = nn.Sequential(
    nn.ZeroPad2d(2),
    Rescaling(),
    nn.Conv2d(1, 6, 5),
    nn.Tanh(),
    nn.AvgPool2d(2),
    nn.Conv2d(6, 16, 5),
    nn.Tanh(),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Linear(400, 120),
    nn.Tanh(),
    nn.Linear(120, 84),
    nn.Tanh(),
    nn.Linear(84, 10),
)
optimizer = torch.optim.Adam(model.parameters(), 1e-3)
loss_function = nn.CrossEntropyLoss()
seconds = []
for _ in range(epochs):
    begin = time.perf_counter()
    total, right = 0.0, 0
    for index in torch.randperm(len(x)).split(batch):
        images, labels = x[index], y[index]
        scores = model(images)
        loss = loss_function(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Loss and accuracy are logged as in Keras.
        total += loss.detach() * len(index)
        right += (scores.detach().argmax(1) == labels).sum()
    float(total), int(right)
    with torch.no_grad():
        for images, labels in zip(x_held.split(batch), y_held.split(batch), strict=True):
            scores = model(images)
            total += loss_function(scores, labels) * len(labels)
            right += (scores.argmax(1) == labels).sum()
    float(total), int(right)
    seconds.append(time.perf_counter() - begin)
print(json.dumps(seconds))
