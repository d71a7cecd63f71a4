"""What input.py times of PyTorch's DataLoader; prints JSON."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

workers, folder = sys.argv[1:]
SIDE, BATCH = 64, 64


class Folder(torch.utils.data.Dataset):
    """Pictures of a folder of class folders."""

    def __init__(self, folder):
        classes = sorted(path for path in Path(folder).iterdir() if path.is_dir())
        self.files = [(f, n) for n, path in enumerate(classes) for f in sorted(path.iterdir())]

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        file, label = self.files[index]
        picture = Image.open(file).convert("RGB")
        picture = ImageOps.fit(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)
        return torch.from_numpy(np.array(picture)), label


begin = time.perf_counter()
batches = torch.utils.data.DataLoader(
    Folder(folder), BATCH, shuffle=True, num_workers=int(workers), persistent_workers=True
)
iterator = iter(batches)
next(iterator)
first = time.perf_counter() - begin
del iterator
begin, count = time.perf_counter(), 0
for _ in range(2):
    for images, _ in batches:
        count += len(images.float() / 255)
print(json.dumps({"first": first, "a_second": count / (time.perf_counter() - begin)}))
