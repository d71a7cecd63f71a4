import keras
import numpy as np
import pytest

from amalthea.callbacks import GradientOverTime
from amalthea.errors import UserError
from amalthea.recipes import forecaster, recurrent_classifier

from harness import one_sentence

RANDOM = np.random.default_rng(0)
SERIES = RANDOM.standard_normal((6, 7, 2)).astype("float32")
TARGETS = RANDOM.standard_normal((6, 1)).astype("float32")


def measured(model, series=SERIES, targets=TARGETS):
    watch = GradientOverTime(series, targets)
    watch.set_model(model)
    watch.on_train_begin()
    return watch.norms[0]


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.5])
def test_through_a_linear_net_it_shrinks_or_grows_by_a_factor_a_step(factor):
    model = forecaster(7, 2, 1, cell="simple", hidden_units=(3,), seed=0)
    cell = model.get_layer("simple_1").cell
    cell.activation = keras.activations.linear
    cell.recurrent_kernel.assign(factor * np.eye(3))
    norms = measured(model)
    np.testing.assert_allclose(norms / norms[-1], factor ** np.arange(6.0, -1, -1), rtol=1e-4)


def test_norms_are_those_of_finite_differences():
    model = forecaster(7, 2, 1, cell="gru", hidden_units=(3,), seed=0)
    gradient, step = np.zeros(SERIES.shape), 1e-2

    def losses(series):
        return ((model.predict(series, verbose=0).astype("float64") - TARGETS) ** 2).mean(1)

    for place in np.ndindex(SERIES.shape[1:]):
        ends = []
        for sign in (1, -1):
            moved = SERIES.copy()
            moved[(slice(None), *place)] += sign * step
            ends.append(losses(moved))
        gradient[(slice(None), *place)] = (ends[0] - ends[1]) / (2 * step)
    expected = np.linalg.norm(gradient, axis=-1).mean(0)
    np.testing.assert_allclose(measured(model), expected, rtol=2e-2, atol=1e-5)


def test_what_reaches_the_first_step_is_logged_and_the_training_is_the_same():
    labels = np.arange(6) % 3
    fit = {"epochs": 3, "batch_size": 2, "shuffle": False, "verbose": 0}
    plain, watched = (
        recurrent_classifier(7, 2, 3, hidden_units=(4,), dropout=0.2, seed=0) for _ in range(2)
    )
    plain.fit(SERIES, labels, **fit)
    watch = GradientOverTime(SERIES, labels)
    history = watched.fit(SERIES, labels, callbacks=[watch], **fit).history
    assert np.shape(watch.norms) == (4, 7)
    reach = [norms[0] / norms[-1] for norms in watch.norms[1:]]
    np.testing.assert_allclose(history["gradient_reach"], reach)
    for one, other in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_numbers_of_words_have_no_gradient():
    with pytest.raises(UserError, match=r"got some of shape \(3, 4\) and type int") as error:
        GradientOverTime(np.zeros((3, 4), int), np.zeros(3))
    one_sentence(error)
