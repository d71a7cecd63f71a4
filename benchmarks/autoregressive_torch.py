"""The nets of autoregressive.py in PyTorch; prints JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Masked(nn.Conv2d):
    """A convolution whose weights are masked in each call."""

    def __init__(self, inputs, outputs, side, center):
        super().__init__(inputs, outputs, side, padding=side // 2)
        seen = torch.ones(side, side)
        seen[side // 2, side // 2 + center :] = 0
        seen[side // 2 + 1 :] = 0
        self.register_buffer("seen", seen)

    def forward(self, x):
        self.weight.data *= self.seen
        return super().forward(x)


class Residual(nn.Sequential):
    """What a block gives, and its input."""

    def forward(self, x):
        return x + super().forward(x)


def net(filters, blocks, bottleneck, heads):
    """Rectifiers before the convolutions of blocks and of the end."""
    inside, layers = filters // 2, [Masked(1, filters, 7, center=False)]
    for _ in range(blocks):
        block = [nn.ReLU(), nn.Conv2d(filters, bottleneck, 1)]
        block += [nn.ReLU(), Masked(bottleneck, inside, 3, center=True)]
        layers.append(Residual(*block, nn.ReLU(), nn.Conv2d(inside, filters, 1)))
    for inputs, outputs in zip((filters, *heads), (*heads, 1), strict=True):
        layers += [nn.ReLU(), nn.Conv2d(inputs, outputs, 1)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def started(file, sizes):
    """The net with the kernels of a file."""
    model = net(*json.loads(sizes))
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with np.load(file) as arrays, torch.no_grad():
        for i, layer in enumerate(layers):
            layer.weight.copy_(torch.from_numpy(arrays[f"kernel_{i}"]).permute(3, 2, 0, 1))
            layer.bias.zero_()
    return model


def train(file, sizes, batch, epochs):
    """CPU seconds a step, and nats of an image in each step."""
    model, batch = started(file, sizes), int(batch)
    with np.load(file) as arrays:
        images = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2)
    optimizer = torch.optim.RMSprop(model.parameters(), 1e-3, alpha=0.9, eps=1e-7)
    criterion, found, losses = nn.BCEWithLogitsLoss(reduction="sum"), [], []
    for _ in range(int(epochs) + 1):
        begin, steps = time.process_time(), images.split(batch)
        for x in steps:
            loss = criterion(model(x), x) / batch
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        found.append((time.process_time() - begin) / len(steps))
    return {"step": found[1:], "loss": losses}


@torch.inference_mode()
def sample(file, sizes, count, share):
    """CPU seconds, and seconds, for samples by a whole pass a pixel, by a share of the pixels."""
    model, count = started(file, sizes), int(count)
    with np.load(file) as arrays:
        uniforms = torch.from_numpy(arrays["uniforms"])
    height, width = uniforms.shape[1:]
    images = torch.zeros(count, 1, height, width).to(memory_format=torch.channels_last)
    pixels = range(0, height * width, int(share))
    model(images)
    begin, cpu = time.perf_counter(), time.process_time()
    for pixel in pixels:
        row, column = divmod(pixel, width)
        shares = model(images)[:, 0, row, column].sigmoid()
        images[:, 0, row, column] = (uniforms[:, row, column] < shares).float()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - begin
    per = height * width / len(pixels)
    return {"cpu": per * cpu, "wall": per * wall}


part, *words = sys.argv[1:]
print(json.dumps({"train": train, "sample": sample}[part](*words)))
