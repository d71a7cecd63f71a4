import numpy as np
import pytest

from amalthea.callbacks import GreedyLayerwise
from amalthea.recipes import dbn, tied_autoencoder

from harness import one_sentence

IMAGES = (np.random.default_rng(0).random((40, 4, 4, 1)) < 0.4).astype("float32")


def small():
    return dbn((4, 4, 1), hidden_units=(6, 4), seed=0)


def weights(model):
    """Weights, chains and running means of each machine."""
    return {
        name: [np.asarray(w) for w in model.get_layer(name).weights] for name in ("rbm_1", "rbm_2")
    }


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def fit(model, callback, first, last):
    epochs = {"initial_epoch": first, "epochs": last}
    return model.fit(
        IMAGES, batch_size=10, callbacks=[callback], verbose=0, shuffle=False, **epochs
    )


def test_each_stage_leaves_all_other_layers_as_they_are_to_the_last_bit():
    model, schedule = small(), GreedyLayerwise(["rbm_1", "rbm_2"], 2)
    start = weights(model)
    fit(model, schedule, 0, 2)
    first = weights(model)
    assert not same(first["rbm_1"], start["rbm_1"])
    assert same(first["rbm_2"], start["rbm_2"])
    history = fit(model, schedule, 2, 4).history
    second = weights(model)
    assert same(second["rbm_1"], first["rbm_1"])
    assert not same(second["rbm_2"], first["rbm_2"])
    assert history["stage"] == [2, 2]


def test_one_fit_through_all_stages_is_as_one_fit_a_stage():
    whole, parts = small(), small()
    fit(whole, GreedyLayerwise(["rbm_1", "rbm_2"], 2), 0, 4)
    for first in range(4):
        fit(parts, GreedyLayerwise(["rbm_1", "rbm_2"], 2), first, first + 1)
    for name, values in weights(whole).items():
        assert same(values, weights(parts)[name]), name


def test_the_optimizer_begins_each_stage_anew():
    model, schedule = small(), GreedyLayerwise(["rbm_1", "rbm_2"], 1, [0.02, 0.01])
    fit(model, schedule, 0, 1)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)
    assert int(model.optimizer.iterations) == 4
    fit(model, schedule, 1, 2)
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    assert int(model.optimizer.iterations) == 4


def test_the_last_stage_goes_on_and_stages_have_lengths_of_their_own():
    model = dbn((4, 4, 1), hidden_units=(6, 4, 3), seed=0)
    schedule = GreedyLayerwise(["rbm_1", "rbm_2", "rbm_3"], [2, 1])
    assert fit(model, schedule, 0, 6).history["stage"] == [1, 1, 2, 3, 3, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stages": [], "epochs": 1}, "needs at least one stage, got none"),
        ({"stages": ["a", "b"], "epochs": 0}, "got 0 for 2 stages"),
        ({"stages": ["a", "b"], "epochs": [1, 2]}, "got [1, 2] for 2 stages"),
        ({"stages": ["a"], "epochs": 1, "learning_rates": [1, 2]}, "one for each of 1 stages"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match="got") as error:
        GreedyLayerwise(**arguments)
    assert message in one_sentence(error)


@pytest.mark.parametrize(
    ("model", "has"), [(small, "rbm_1, rbm_2"), (lambda: tied_autoencoder((4, 4, 1)), "none")]
)
def test_a_layer_that_is_not_there_is_one_sentence(model, has):
    with pytest.raises(ValueError, match=f"no layer 'rbm_9' .* it has {has}") as error:
        fit(model(), GreedyLayerwise(["rbm_9"], 1), 0, 1)
    one_sentence(error)
