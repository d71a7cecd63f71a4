import numpy as np

from amalthea.callbacks import Measurement
from amalthea.recipes import tied_autoencoder


def test_figures_of_held_out_images_are_logged_after_each_epoch():
    images = np.random.default_rng(0).random((8, 4, 4, 1), dtype="float32")

    def brightness(model, held_out, labels, batch_size):
        assert (labels, batch_size) == (None, 4)
        return {"brightness": model.predict(held_out, batch_size, verbose=0).mean()}

    model = tied_autoencoder((4, 4, 1), hidden_units=(), latent_dim=2, seed=0)
    measurement = Measurement(brightness, images, batch_size=4)
    history = model.fit(images, epochs=3, callbacks=[measurement], verbose=0).history
    assert len(history["val_brightness"]) == 3
    last = model.predict(images, verbose=0).mean()
    np.testing.assert_allclose(history["val_brightness"][-1], last, rtol=1e-5)
