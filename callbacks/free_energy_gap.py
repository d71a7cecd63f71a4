"""How much better an energy model knows its training data than other data."""

import keras
import numpy as np


class FreeEnergyGap(keras.callbacks.Callback):
    """Logs the mean free energy of held-out images minus that of training images.

    The partition function cancels, so that the gap, unlike a likelihood, costs next to nothing.
    While it grows from epoch to epoch the model overfits.

    Args:
        free_energy: From the model to another that gives `free_energies`, `(batch,)`, of `images`:
            the `bind` of a recipe's endpoint `free_energy`.
        training: Some training images, `(count, height, width, channels)`.
        held_out: As many held-out ones.

    Reference:
        Hinton 2010, "A Practical Guide to Training Restricted Boltzmann Machines", section 6:
        https://www.cs.toronto.edu/~hinton/absps/guideTR.pdf
    """

    def __init__(self, free_energy, training: np.ndarray, held_out: np.ndarray):
        super().__init__()
        self.free_energy = free_energy
        self.training = np.asarray(training, "float32")
        self.held_out = np.asarray(held_out, "float32")

    def on_train_begin(self, logs=None):
        # Compiled once, as a prediction is.
        self._energies = self.free_energy(self.model).predict_on_batch

    def on_epoch_end(self, epoch, logs=None):
        training, held_out = (
            float(np.mean(self._energies({"images": images})["free_energies"]))
            for images in (self.training, self.held_out)
        )
        if logs is not None:
            logs["free_energy_gap"] = held_out - training
