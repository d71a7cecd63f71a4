import functools
import warnings

import numpy as np
import pytest

from amalthea.callbacks import CollapseMonitor
from amalthea.recipes import get_recipe, toy_gan

from harness import one_sentence

POINTS = np.random.default_rng(0).random((64, 2), dtype="float32")
BIND = get_recipe("toy_gan").endpoints["sample"].bind


@functools.cache
def collapsed():
    """A net whose generator makes one point of all latents, and learns in no test."""
    model = toy_gan(units=4, seed=0)
    for weight in model.generator.trainable_variables:
        weight.assign(np.zeros(weight.shape))
    model.generator_optimizer.learning_rate = 0.0
    return model


def fit(model, epochs=2, **arguments):
    monitor = CollapseMonitor(BIND, POINTS, **{"seed": 0, "patience": 0, **arguments})
    return model.fit(POINTS, epochs=epochs, callbacks=[monitor], verbose=0).history


def told(caught):
    """Number of warnings of ours, among those of libraries."""
    return sum(warning.category is UserWarning for warning in caught)


def test_a_healthy_training_is_left_alone_and_logged():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        history = fit(toy_gan(seed=0), least_spread=1e-6)
    assert len(history["sample_spread"]) == 2
    for margin, real, fake in zip(
        *(history[name] for name in ("score_margin", "real_score", "fake_score")), strict=True
    ):
        assert margin == pytest.approx(real - fake)


def test_equal_samples_are_told_of():
    with pytest.warns(UserWarning, match="after epoch 1 two samples differ 0 times") as caught:
        history = fit(collapsed())
    assert told(caught) == 1
    assert history["sample_spread"] == [0, 0]
    one_sentence(next(w.message for w in caught if w.category is UserWarning))


def test_an_untrained_generator_may_make_all_alike():
    with pytest.warns(UserWarning, match="after epoch 3 two samples differ 0 times") as caught:
        fit(collapsed(), patience=2, epochs=4)
    assert told(caught) == 1


def test_a_collapsed_training_can_be_stopped():
    with pytest.warns(UserWarning, match="has collapsed.*; the training ends"):
        assert len(fit(collapsed(), action="stop")["loss"]) == 1


def test_a_collapsed_training_goes_back_to_the_last_good_epoch(tmp_path):
    model = toy_gan(units=4, seed=0)
    monitor = CollapseMonitor(
        BIND, POINTS, seed=0, action="roll back", directory=tmp_path / "good", least_spread=1e-3
    )
    model.fit(POINTS, epochs=1, callbacks=[monitor], verbose=0)
    good = [np.asarray(v) for v in (*model.weights, *model.optimizer.variables)]
    for weight in model.generator.trainable_variables:
        weight.assign(np.zeros(weight.shape))
    model.generator_optimizer.learning_rate.assign(0.0)
    with pytest.warns(UserWarning, match="has collapsed.*; back to epoch 1"):
        model.fit(POINTS, initial_epoch=1, epochs=2, callbacks=[monitor], verbose=0)
    back = [np.asarray(v) for v in (*model.weights, *model.optimizer.variables)]
    for one, other in zip(good, back, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_good_epoch_it_says_so(tmp_path):
    with pytest.warns(UserWarning, match="there was no good epoch before"):
        fit(collapsed(), action="roll back", directory=tmp_path / "good", epochs=1)


def test_a_discriminator_that_has_won_is_told_of():
    model = toy_gan(learning_rate=0.01, seed=0)
    model.generator_optimizer.learning_rate = 0.0
    with pytest.warns(UserWarning, match="the discriminator scores real images .* it has won"):
        fit(model, least_spread=1e-6, most_margin=1e-3, epochs=10)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"action": "wait"}, "action must be one of warn, stop, roll back, got 'wait'"),
        ({"action": "roll back"}, "action 'roll back' needs a directory, got None"),
        ({"least_spread": 0}, "least_spread must be above 0, got 0"),
        ({"most_margin": -1}, "most_margin must be above 0, got -1"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        CollapseMonitor(BIND, POINTS, seed=0, **arguments)


def test_one_image_has_no_variety():
    with pytest.raises(ValueError, match="images must be at least 2, got 1"):
        CollapseMonitor(BIND, POINTS[:1], seed=0)


def test_equal_images_have_no_variety():
    with pytest.raises(ValueError, match=r"images must differ, .*, got 64 equal ones") as error:
        CollapseMonitor(BIND, np.full_like(POINTS, 0.5), seed=0)
    one_sentence(error)
