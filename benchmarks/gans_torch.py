"""The peers of gans.py in PyTorch: the same networks, in its faster layout; prints JSON.

The steps are those of PyTorch's DCGAN example and of Gulrajani's algorithm 1.
"""

import json
import sys
import time

import numpy as np
import torch
from report import peak_memory
from torch import nn

file, kind, batch, steps, epochs = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
WIDTH, LATENTS = 64, 100 if kind == "dcgan" else 128
layout = torch.channels_last
with np.load(file) as arrays:
    data = torch.from_numpy(arrays["x"]).permute(0, 3, 1, 2).contiguous(memory_format=layout)


class Generator(nn.Module):
    """28×28 images of latents, by way of 7×7 and 14×14."""

    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(LATENTS, 49 * 2 * WIDTH, bias=False)
        self.layers = nn.Sequential(
            nn.BatchNorm2d(2 * WIDTH),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1, bias=False),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
            nn.ConvTranspose2d(WIDTH, 1, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, latents):
        maps = self.dense(latents).view(-1, 2 * WIDTH, 7, 7).contiguous(memory_format=layout)
        return self.layers(maps) / 2 + 0.5


class Discriminator(nn.Module):
    """Scores of images; normalised in the DCGAN alone."""

    def __init__(self):
        super().__init__()
        normalised = kind == "dcgan"
        self.layers = nn.Sequential(
            nn.Conv2d(1, WIDTH, 4, 2, 1, bias=not normalised),
            nn.LeakyReLU(0.2),
            nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1, bias=not normalised),
            nn.BatchNorm2d(2 * WIDTH) if normalised else nn.Identity(),
            nn.LeakyReLU(0.2),
            nn.Flatten(),
            nn.Linear(49 * 2 * WIDTH, 1, bias=False),
        )

    def forward(self, images):
        return self.layers(2 * images - 1)[:, 0]


def started(module):
    """The DCGAN's initial weights."""
    for parameter in module.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, 0.0, 0.02)
    return module.to(memory_format=layout)


def dcgan_step(real):
    """One of PyTorch's example: the discriminator first, then the generator against it."""
    fake = generator(2 * torch.rand(len(real), LATENTS) - 1)
    of_discriminator.zero_grad()
    loss = softplus(-discriminator(real)).mean() + softplus(discriminator(fake.detach())).mean()
    loss.backward()
    of_discriminator.step()
    of_generator.zero_grad()
    softplus(-discriminator(fake)).mean().backward()
    of_generator.step()


def wgan_step(real, generator_update):
    """One of the critic, and in every fifth one of the generator."""
    with torch.no_grad():
        fake = generator(torch.randn(len(real), LATENTS))
    share = torch.rand(len(real), 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(between).sum(), between, create_graph=True)
    penalty = (slope.flatten(1).square().sum(1).add(1e-12).sqrt() - 1).square().mean()
    of_discriminator.zero_grad()
    (discriminator(fake).mean() - discriminator(real).mean() + 10 * penalty).backward()
    of_discriminator.step()
    if generator_update:
        of_generator.zero_grad()
        (-discriminator(generator(torch.randn(len(real), LATENTS))).mean()).backward()
        of_generator.step()


softplus = nn.functional.softplus
generator, discriminator = started(Generator()), started(Discriminator())
rate, betas = (2e-4, (0.5, 0.999)) if kind == "dcgan" else (1e-4, (0.0, 0.9))
of_generator, of_discriminator = (
    torch.optim.Adam(network.parameters(), rate, betas) for network in (generator, discriminator)
)
seconds = []
for _ in range(epochs):
    begin = time.perf_counter()
    for step in range(steps):
        real = data[torch.randint(len(data), (batch,))]
        if kind == "dcgan":
            dcgan_step(real)
        else:
            wgan_step(real, step % 5 == 4)
    seconds.append((time.perf_counter() - begin) / steps)
memory = peak_memory()
print(json.dumps({"seconds": seconds[1:], "memory": memory}))
