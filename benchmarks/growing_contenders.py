"""Steps of `recipes.progan` at each resolution, for growing.py; prints JSON."""

import json
import sys

import numpy as np
from clock import Clock

from amalthea import recipes
from amalthea.data import ImageSet

size, width, batch, steps = map(int, sys.argv[1:5])

model = recipes.progan((size, size, 1), width=width, latent_dim=width, seed=0)
images = np.random.default_rng(0).random((16 * batch, size, size, 1), dtype="float32")
batches = ImageSet("noise", images).batches(batch).repeat()
found = {}
for stage, resolution in enumerate(model.resolutions):
    model.enter(stage, fade_images=10**9)
    clock = Clock()
    # The first step of an execution that is traced anew is an epoch by itself.
    for count, epochs in ((1, 1), (steps, 3)):
        model.fit(
            batches,
            steps_per_epoch=count,
            epochs=epochs,
            callbacks=[clock],
            shuffle=False,
            verbose=0,
        )
    first, _, *others = clock.seconds
    found[resolution] = {"first": first, "seconds": [value / steps for value in others]}
print(json.dumps(found))
