import numpy as np
from matplotlib.image import imread

from amalthea.callbacks import SampleGrid
from amalthea.recipes import get_recipe, rbm


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
