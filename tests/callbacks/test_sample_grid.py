import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

from amalthea.callbacks import SampleGrid
from amalthea.recipes import get_recipe, progan, rbm, toy_gan


def test_every_epoch_has_a_grid_drawn_from_the_model_as_it_is(tmp_path):
    model = rbm((4, 4, 1), hidden_units=3, learning_rate=0.1, seed=0)
    bind = get_recipe("rbm").endpoints["sample"].bind
    grid = SampleGrid(bind, tmp_path / "samples", n=9, steps=3, seed=0)
    model.fit(np.ones((64, 4, 4, 1)), batch_size=2, epochs=2, callbacks=[grid], verbose=0)
    first, second = (
        imread(tmp_path / "samples" / f"epoch-0000{epoch}.png")[..., 0] for epoch in (1, 2)
    )
    assert first.shape == second.shape
    assert second.mean() > first.mean()  # it learns that all is white
    with Image.open(tmp_path / "samples" / "training.gif") as moving:
        assert moving.n_frames == 2


def test_points_are_drawn_where_they_are(tmp_path):
    model = toy_gan(units=4, seed=0)
    for weight in model.generator.trainable_variables:
        weight.assign(np.zeros(weight.shape))
    model.generator.trainable_variables[-1].assign([-4.0, 4.0])  # the point (0.1, 0.9)
    bind = get_recipe("toy_gan").endpoints["sample"].bind
    grid = SampleGrid(bind, tmp_path, n=5, seed=0)
    grid.set_model(model)
    grid.on_train_begin()
    grid.on_epoch_end(0)
    picture = imread(tmp_path / "epoch-00001.png")[..., :3]
    height, width = picture.shape[:2]
    corner = picture[: height // 4, : width // 4]
    inside = slice(height // 4, 3 * height // 4), slice(width // 4, 3 * width // 4)
    blue = np.array([0.12, 0.47, 0.71])
    assert np.abs(corner - blue).sum(-1).min() < 0.1
    np.testing.assert_array_equal(picture[inside], 1)


@pytest.mark.slow
@pytest.mark.jax
def test_each_stage_of_a_growing_model_is_drawn_in_its_size(tmp_path):
    model = progan((16, 16, 1), latent_dim=4, width=4, seed=0)
    grid = SampleGrid(get_recipe("progan").endpoints["sample"].bind, tmp_path, n=4, seed=0)
    grid.set_model(model)
    grid.on_train_begin()
    for stage in range(3):
        model.enter(stage)
        grid.on_epoch_end(stage)
    grid.on_train_end()
    # Two images a side, and a gap of one pixel below and beside each but the last ones.
    for stage, pixels in enumerate((9, 17, 33)):
        height = imread(tmp_path / f"epoch-0000{stage + 1}.png").shape[0]
        assert height % pixels == 0
    with Image.open(tmp_path / "training.gif") as moving:
        assert moving.n_frames == 3
