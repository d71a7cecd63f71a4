import numpy as np

from amalthea.callbacks import FreeEnergyGap
from amalthea.recipes import get_recipe, rbm


def test_the_gap_is_that_of_the_free_energies_and_is_logged():
    model = rbm((4, 4, 1), hidden_units=3, seed=0)
    images = np.random.default_rng(0).random((40, 4, 4, 1), dtype="float32")
    bind = get_recipe("rbm").endpoints["free_energy"].bind
    gap = FreeEnergyGap(bind, images[:10], images[10:20])
    history = model.fit(images, epochs=2, callbacks=[gap], verbose=0).history
    energies = np.asarray(bind(model)({"images": images[:20]})["free_energies"])
    expected = energies[10:].mean() - energies[:10].mean()
    np.testing.assert_allclose(history["free_energy_gap"][-1], expected, rtol=1e-4)
