"""The classifiers of classifiers.py in PyTorch, channels last; prints JSON."""

import json
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

name, file, batch, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with np.load(file) as arrays:
    x = torch.from_numpy(arrays["x"]).permute(0, 3, 1, 2)
    x = x.contiguous(memory_format=torch.channels_last)
    y = torch.from_numpy(arrays["y"]).long()
DECAY = {"resnet20": 1e-4, "densenet_40_12": 1e-4, "vgg11": 5e-4}
RATE = {"resnet20": 0.1, "densenet_40_12": 0.1, "vgg11": 0.01}


class Rescaling(nn.Module):
    """Grey levels from 0 to 1 in another range."""

    def __init__(self, scale, offset):
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, images):
        return images * self.scale + self.offset


def convolution(channels, filters, size=3, stride=1, bias=False):
    """A convolution with a border of zeros."""
    return nn.Conv2d(channels, filters, size, stride, size // 2, bias=bias)


class Residual(nn.Module):
    """Two convolutions and what goes around them."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.way = nn.Sequential(
            convolution(channels, filters, 3, stride),
            nn.BatchNorm2d(filters),
            nn.ReLU(True),
            convolution(filters, filters),
            nn.BatchNorm2d(filters),
        )
        self.stride, self.more = stride, filters - channels

    def forward(self, maps):
        around = maps
        if self.more:
            around = maps[:, :, :: self.stride, :: self.stride]
            around = functional.pad(around, (0, 0, 0, 0, 0, self.more))
        return functional.relu(around + self.way(maps))


class Dense(nn.Module):
    """A layer whose maps are put beside those it is given."""

    def __init__(self, channels):
        super().__init__()
        self.way = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(True), convolution(channels, 12))

    def forward(self, maps):
        return torch.cat([maps, self.way(maps)], 1)


class Mean(nn.Module):
    """The mean of each map."""

    def forward(self, maps):
        return maps.mean((2, 3))


def lenet5():
    """The modern form."""
    return [
        *(Rescaling(1.275, -0.1), nn.Conv2d(1, 6, 5), nn.Tanh(), nn.AvgPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)),
    ]


def mlp():
    """A hidden layer of 128 units."""
    return [nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(True), nn.Linear(128, 10)]


def resnet20():
    """Three stages of three blocks."""
    parts = [Rescaling(2.0, -1.0), convolution(1, 16), nn.BatchNorm2d(16), nn.ReLU(True)]
    channels = 16
    for stage in range(3):
        for block in range(3):
            parts.append(Residual(channels, 16 * 2**stage, 2 if stage and not block else 1))
            channels = 16 * 2**stage
    return [*parts, Mean(), nn.Linear(64, 10)]


def densenet_40_12():
    """Three blocks of twelve layers."""
    parts, channels = [Rescaling(2.0, -1.0), convolution(1, 16)], 16
    for block in range(3):
        for _ in range(12):
            parts.append(Dense(channels))
            channels += 12
        parts += [nn.BatchNorm2d(channels), nn.ReLU(True)]
        if block < 2:
            parts += [convolution(channels, channels, 1), nn.AvgPool2d(2)]
    return [*parts, Mean(), nn.Linear(channels, 10)]


def vgg11():
    """Eight convolutions and two dense layers."""
    parts, channels = [Rescaling(2.0, -1.0)], 1
    for filters, count in ((64, 1), (128, 1), (256, 2), (512, 2), (512, 2)):
        for _ in range(count):
            parts += [convolution(channels, filters, bias=True), nn.ReLU(True)]
            channels = filters
        parts.append(nn.MaxPool2d(2))
    parts.append(nn.Flatten())
    for _ in range(2):
        parts += [nn.Linear(512, 512), nn.ReLU(True), nn.Dropout(0.5)]
    return [*parts, nn.Linear(512, 10)]


model = nn.Sequential(*globals()[name]()).to(memory_format=torch.channels_last)
if name in RATE:
    optimizer = torch.optim.SGD(
        model.parameters(),
        RATE[name],
        0.9,
        weight_decay=DECAY[name],
        nesterov=name.startswith("densenet"),
    )
else:
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
criterion = nn.CrossEntropyLoss()
found, steps = [], len(x) // batch
for _ in range(epochs + 1):
    begin = time.perf_counter()
    total, right = 0.0, 0
    for index in torch.randperm(len(x)).split(batch):
        images, labels = x[index], y[index]
        scores = model(images)
        loss = criterion(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        # Loss and accuracy are logged as in Keras.
        total += loss.detach() * len(index)
        right += (scores.detach().argmax(1) == labels).sum()
    float(total), int(right)
    found.append((time.perf_counter() - begin) / steps)
print(
    json.dumps(
        {
            "step": found[1:],
            "parameters": sum(p.numel() for p in model.parameters() if p.requires_grad),
            "loss": float(total) / len(x),
        }
    )
)
