"""The variational autoencoder in PyTorch for autoencoders.py: pythae's loss and step; prints JSON.

The networks are those of the recipe. Batches are taken from a tensor by index, which is faster than
the loader that pythae uses.
"""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

file, networks, *numbers, rate = sys.argv[1:]
batch, epochs, seed = map(int, numbers)
torch.manual_seed(seed)
dense = networks == "dense"
layout = torch.contiguous_format if dense else torch.channels_last
with np.load(file) as arrays:
    train, test = (
        torch.from_numpy(arrays[name]).permute(0, 3, 1, 2).contiguous(memory_format=layout)
        for name in ("train", "test")
    )


class Halving(nn.Conv2d):
    """A convolution of stride 2 whose padding is that of Keras."""

    def __init__(self, channels, filters):
        super().__init__(channels, filters, 3, 2)

    def forward(self, maps):
        return functional.relu(super().forward(functional.pad(maps, (0, 1, 0, 1))))


class Doubling(nn.ConvTranspose2d):
    """A transposed convolution of stride 2, cut as Keras does."""

    def __init__(self, channels, filters):
        super().__init__(channels, filters, 3, 2)

    def forward(self, maps):
        return functional.relu(super().forward(maps)[..., :-1, :-1])


class Maps(nn.Module):
    """Features as 64 maps of 7×7."""

    def forward(self, features):
        return features.view(-1, 64, 7, 7).contiguous(memory_format=layout)


if dense:
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 32))
    decoder = nn.Sequential(
        nn.Linear(16, 512),
        nn.ReLU(),
        nn.Linear(512, 784),
        nn.Sigmoid(),
        nn.Unflatten(1, (1, 28, 28)),
    )
else:
    encoder = nn.Sequential(
        Halving(1, 32),
        Halving(32, 64),
        nn.Flatten(),
        nn.Linear(3136, 16),
        nn.ReLU(),
        nn.Linear(16, 4),
    )
    decoder = nn.Sequential(
        nn.Linear(2, 16),
        nn.ReLU(),
        nn.Linear(16, 3136),
        nn.ReLU(),
        Maps(),
        Doubling(64, 64),
        Doubling(64, 32),
        nn.ConvTranspose2d(32, 1, 3, padding=1),
        nn.Sigmoid(),
    )
encoder, decoder = (network.to(memory_format=layout) for network in (encoder, decoder))
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], float(rate))


def loss_of(images):
    """Minus the bound of an image."""
    mean, log_variance = encoder(images).chunk(2, dim=1)
    outputs = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
    entropies = functional.binary_cross_entropy(outputs, images, reduction="none")
    divergences = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(dim=1)
    return (entropies.flatten(1).sum(dim=1) + divergences).mean()


seconds = []
for _ in range(epochs):
    begin = time.perf_counter()
    order = torch.randperm(len(train)).split(batch)
    for rows in order:
        optimizer.zero_grad()
        loss_of(train[rows]).backward()
        optimizer.step()
    seconds.append((time.perf_counter() - begin) / len(order))
with torch.no_grad():
    bound = float(torch.stack([loss_of(images) for images in test.split(500)]).mean())
print(json.dumps({"seconds": seconds[1:], "bound": bound}))
