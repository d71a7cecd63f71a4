import numpy as np
import pytest
from PIL import Image

from amalthea.callbacks import Reconstructions, draw_rows
from amalthea.recipes import tied_autoencoder


def test_draws_one_picture_an_epoch(tmp_path):
    images = np.random.rand(6, 8, 8, 1).astype("float32")
    model = tied_autoencoder((8, 8, 1), hidden_units=(), latent_dim=2)
    callback = Reconstructions(images[:4], tmp_path / "samples")
    model.fit(images, epochs=2, verbose=0, callbacks=[callback])
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == ["epoch-00001.png", "epoch-00002.png"]


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (3, 8, 6, 3), (3, 8, 8), (1, 28, 28, 1)])
def test_the_picture_shows_dark_rows_above_bright_ones(tmp_path, shape):
    path = tmp_path / "rows.png"
    draw_rows({"dark": np.zeros(shape), "bright": np.full(shape, 0.8)}, path)
    picture = np.asarray(Image.open(path).convert("L"), "float32")
    rows = picture[:, picture.shape[1] // 2 :].min(axis=1)  # right of the labels
    assert rows[len(rows) // 4] < 10
    assert 190 < rows[3 * len(rows) // 4] < 220
