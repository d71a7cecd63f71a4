"""The peer of growing.py in PyTorch: the same networks at each resolution; prints JSON.

As public implementations are: layers that double and halve beside the convolutions, a step of the
discriminator with its penalty, then one of the generator.
"""

import copy
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, linear

size, width, batch, steps = map(int, sys.argv[1:5])
layout = torch.channels_last
ROOT_2 = math.sqrt(2)


class Conv(nn.Module):
    """A convolution whose kernel is scaled in each call."""

    def __init__(self, inputs, outputs, kernel, gain=ROOT_2):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale, self.padding = gain / math.sqrt(inputs * kernel**2), kernel // 2

    def forward(self, x):
        return conv2d(x, self.weight * self.scale, self.bias, padding=self.padding)


class Dense(nn.Module):
    """A dense layer whose kernel is scaled in each call."""

    def __init__(self, inputs, outputs, gain=ROOT_2):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = gain / math.sqrt(inputs)

    def forward(self, x):
        return linear(x, self.weight * self.scale, self.bias)


def normalised(x):
    """Each pixel's features, of mean square 1."""
    return x * (x.square().mean(1, keepdim=True) + 1e-8).rsqrt()


def active(x):
    """The leaky rectifier."""
    return leaky_relu(x, 0.2)


def filters(stage):
    """As in the recipe."""
    return max(1, min(width, 8 * width // 2**stage))


class Generator(nn.Module):
    """Images of latents up to a stage, the last one being faded in."""

    def __init__(self, last):
        super().__init__()
        self.first = Dense(width, 16 * width, ROOT_2 / 4)
        self.second = Conv(width, width, 3)
        self.blocks = nn.ModuleList(
            nn.ModuleList((Conv(filters(s - 1), filters(s), 3), Conv(filters(s), filters(s), 3)))
            for s in range(1, last + 1)
        )
        self.to_rgb = nn.ModuleList(Conv(filters(s), 1, 1, 1.0) for s in range(last + 1))

    def forward(self, latents, alpha):
        x = self.first(normalised(latents)).view(-1, width, 4, 4).contiguous(memory_format=layout)
        x = normalised(active(self.second(normalised(active(x)))))
        before = None
        for one, two in self.blocks:
            before = x
            x = normalised(active(one(interpolate(x, scale_factor=2))))
            x = normalised(active(two(x)))
        images = self.to_rgb[-1](x)
        if before is not None:
            old = interpolate(self.to_rgb[-2](before), scale_factor=2)
            images = (1 - alpha) * old + alpha * images
        return images / 2 + 0.5


class Discriminator(nn.Module):
    """Scores of images of a stage, the last one being faded in."""

    def __init__(self, last):
        super().__init__()
        self.from_rgb = nn.ModuleList(Conv(1, filters(s), 1) for s in range(last + 1))
        self.blocks = nn.ModuleList(
            nn.ModuleList((Conv(filters(s), filters(s), 3), Conv(filters(s), filters(s - 1), 3)))
            for s in range(1, last + 1)
        )
        self.conv, self.hidden = Conv(width + 1, width, 3), Dense(16 * width, width)
        self.scores = Dense(width, 1, 1.0)

    def forward(self, images, alpha):
        images = 2 * images - 1
        x = active(self.from_rgb[-1](images))
        for index, (one, two) in enumerate(reversed(self.blocks)):
            x = active(avg_pool2d(two(active(one(x))), 2))
            if not index:
                x = (1 - alpha) * active(self.from_rgb[-2](avg_pool2d(images, 2))) + alpha * x
        groups = x.view(4, -1, *x.shape[1:])
        spread = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat(4)
        spread = spread.view(-1, 1, 1, 1).expand(-1, 1, 4, 4)
        x = active(self.conv(torch.cat([x, spread], 1)))
        return self.scores(active(self.hidden(x.flatten(1))))[:, 0]


def step(real, alpha):
    """One of the critic, one of the generator, and of the average."""
    if real.shape[-1] > 4:
        old = interpolate(avg_pool2d(real, 2), scale_factor=2)
        real = (1 - alpha) * old + alpha * real
    with torch.no_grad():
        fake = generator(torch.randn(batch, width), alpha)
    share = torch.rand(batch, 1, 1, 1)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(between, alpha).sum(), between, create_graph=True)
    length = slope.div(2).flatten(1).square().sum(1).add(1e-12).sqrt()
    real_scores, fake_scores = discriminator(real, alpha), discriminator(fake, alpha)
    of_discriminator.zero_grad()
    loss = fake_scores - real_scores + 10 * (length - 1).square() + 1e-3 * real_scores.square()
    loss.mean().backward()
    of_discriminator.step()
    of_generator.zero_grad()
    discriminator.requires_grad_(False)
    (-discriminator(generator(torch.randn(batch, width), alpha), alpha)).mean().backward()
    discriminator.requires_grad_(True)
    of_generator.step()
    with torch.no_grad():
        for mean, weight in zip(average.parameters(), generator.parameters(), strict=True):
            mean.lerp_(weight, 1e-3)


found = {}
for stage in range(int(math.log2(size)) - 1):
    resolution = 4 * 2**stage
    generator, discriminator = (
        network(stage).to(memory_format=layout) for network in (Generator, Discriminator)
    )
    average = copy.deepcopy(generator)
    of_generator, of_discriminator = (
        torch.optim.Adam(network.parameters(), 1e-3, (0.0, 0.99))
        for network in (generator, discriminator)
    )
    data = torch.rand(16 * batch, 1, resolution, resolution)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        for _ in range(steps):
            step(data[torch.randint(len(data), (batch,))], 0.5)
        seconds.append((time.perf_counter() - begin) / steps)
    found[resolution] = {"seconds": seconds[1:]}
print(json.dumps(found))
