import keras
import numpy as np
import pytest

from amalthea.callbacks import LearningRateDecay, steps

DATA = np.ones((4, 1)), np.ones(4)


def rates(multiplier, **fit):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    decay = LearningRateDecay(0.5, multiplier)
    return model.fit(*DATA, callbacks=[decay], verbose=0, **fit).history["learning_rate"]


@pytest.mark.parametrize("epochs", [4, 8, 20])
def test_falls_at_shares_of_a_training_of_any_length(epochs):
    falls = rates(steps(0.5, 0.75), epochs=epochs)
    expected = [0.5] * (epochs // 2) + [0.05] * (epochs // 4) + [0.005] * (epochs // 4)
    assert falls == pytest.approx(expected)


def test_what_is_resumed_goes_on_where_it_was():
    whole = rates(lambda share: 1 - share, epochs=6)
    assert whole == pytest.approx([0.5 * (1 - epoch / 6) for epoch in range(6)])
    assert rates(lambda share: 1 - share, epochs=6, initial_epoch=4) == whole[4:]
