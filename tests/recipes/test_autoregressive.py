import itertools
import math

import keras
import numpy as np
import pytest
from keras import ops
from scipy.stats import chisquare, logistic

from amalthea.errors import UserError
from amalthea.layers.seed_stream import SeedStream
from amalthea.recipes import (
    conditional_gated_pixelcnn,
    gated_pixelcnn,
    get_recipe,
    pixelcnn,
    pixelrnn,
)
from amalthea.recipes.autoregressive.likelihoods import (
    LARGEST,
    SMALLEST,
    Bernoulli,
    Categorical,
    LogisticMixture,
)
from amalthea.recipes.endpoint import Function, Images, Whole

from harness import call_endpoint, one_sentence

SLOW = pytest.mark.slow
# Tiny, but wide enough for nothing to be dead.
MAKE = {
    "pixelcnn": lambda shape, **k: pixelcnn(
        shape, **{"filters": 16, "blocks": 2, "head_units": (16,)} | k
    ),
    "gated": lambda shape, **k: gated_pixelcnn(
        shape, **{"filters": 12, "blocks": 2, "head_units": (16,)} | k
    ),
    "row_lstm": lambda shape, **k: pixelrnn(
        shape, layer="row_lstm", units=9, blocks=2, head_units=(16,), **k
    ),
    "diagonal": lambda shape, **k: pixelrnn(shape, units=9, blocks=2, head_units=(16,), **k),
}
LIKELIHOODS = {
    "bernoulli": {},
    "categorical": {"likelihood": "categorical", "levels": 4},
    "mixture": {"likelihood": "logistic_mixture", "levels": 4, "components": 2},
}


def made(kind, shape, **arguments):
    """A small model whose weights are larger than they begin, so that pixels matter much."""
    model = MAKE[kind](shape, **{"seed": 0} | arguments)
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        value = ops.convert_to_numpy(weight)
        weight.assign(1.5 * value + random.normal(size=value.shape, scale=0.1))
    return model


def images(count, shape, levels=2, seed=0):
    drawn = np.random.default_rng(seed).integers(levels, size=(count, *shape))
    return (drawn / (levels - 1)).astype("float32")


def seen(model, levels=2, least=1e-6):
    """Whether outputs of a value depend on a value, `(values, values)`, in raster order."""
    shape = model.inputs[0].shape[1:]
    size = math.prod(shape)
    given = np.repeat(images(1, shape, levels), size, axis=0)
    changed = given.copy()
    changed.reshape(size, size)[np.diag_indices(size)] = 1 - given[0].ravel()
    outputs = [model.predict(x, verbose=0) for x in (given, changed)]
    moved = np.abs(outputs[1] - outputs[0]).max(axis=3)  # (inputs, height, width, channels)
    return least < moved.reshape(size, size).T


# What a pixel sees


@pytest.mark.parametrize("shape", [pytest.param((4, 5, 1), marks=SLOW), (3, 4, 3)], ids=str)
@pytest.mark.parametrize("kind", MAKE)
def test_no_output_depends_on_its_own_or_a_later_value(kind, shape):
    found = seen(made(kind, shape, likelihood="categorical", levels=4), levels=4)
    values = np.arange(len(found))
    assert not found[values[None] >= values[:, None]].any()
    assert found[-1, -shape[-1] - 1]  # the one before, and with it the probe, counts


def test_gates_and_diagonals_see_all_earlier_pixels_and_the_first_net_has_a_blind_spot():
    shape, pairs = (6, 7, 1), 42 * 41 // 2
    assert seen(made("gated", shape, blocks=6)).sum() == pairs == 861
    # Diagonals see all but the end of the row above, where the first convolution, which is all that
    # there is between, does not reach so far to the right.
    diagonal, pixels = seen(made("diagonal", shape), least=0), np.arange(42)
    rows, columns = np.divmod(pixels, 7)
    end = (columns[None] == 6) & (rows[None] == rows[:, None] - 1) & (columns[:, None] < 3)
    np.testing.assert_array_equal(diagonal, (pixels[None] < pixels[:, None]) & ~end)
    blind = seen(made("pixelcnn", shape, blocks=6, first_kernel_size=3))
    # Of the pixel at (3, 2) the one at (2, 4): beyond the slope that kernels of 3 go up by.
    assert not blind[3 * 7 + 2, 2 * 7 + 4]
    assert blind[3 * 7 + 2, 2 * 7 + 3]
    assert blind.sum() < pairs


# Probabilities


def all_images(shape, levels):
    values = itertools.product(np.arange(levels) / (levels - 1), repeat=math.prod(shape))
    return np.array(list(values), "float32").reshape(-1, *shape)


SPACES = {
    "binary": ((3, 3, 1), {}, 2),
    "channels": ((1, 2, 3), {}, 2),
    "levels": ((2, 2, 1), LIKELIHOODS["categorical"], 4),
    "mixture": ((2, 2, 1), LIKELIHOODS["mixture"], 4),
    "256": ((2, 1, 1), {"likelihood": "categorical"}, 256),
}


@pytest.mark.parametrize(
    ("kind", "space"),
    [
        pytest.param(kind, space, marks=[] if space == "binary" else SLOW)
        for kind, space in itertools.product(MAKE, SPACES)
    ],
)
def test_probabilities_of_all_images_sum_to_1(kind, space):
    shape, arguments, levels = SPACES[space]
    model = made(kind, shape, **arguments)
    given = all_images(shape, levels)
    found = get_recipe(model.origin.recipe).endpoints["log_likelihood"].bind(model)
    found = found.predict({"images": given}, batch_size=1024, verbose=0)
    probabilities = np.exp(found["log_likelihoods"].astype("float64"))
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert probabilities.std() > 0.01 / len(given)  # and they differ
    bits = -found["log_likelihoods"] / (math.prod(shape) * math.log(2))
    np.testing.assert_allclose(found["bits_per_dim"], bits, rtol=1e-5)


def test_a_mixture_has_the_mass_of_logistic_distributions_between_the_bins():
    likelihood = LogisticMixture(levels=5, components=2)
    outputs = np.float32([[0.3, -0.2], [0.1, -0.4], [0.5, -1.0]]).reshape(6, 1)
    weights = np.exp([0.3, -0.2]) / np.exp([0.3, -0.2]).sum()
    edges = [-np.inf, 0.125, 0.375, 0.625, 0.875, np.inf]
    parts = zip(weights, (0.6, 0.1), np.exp([-1.5, -3.0]), strict=True)
    masses = sum(w * np.diff(logistic.cdf(edges, mean, scale)) for w, mean, scale in parts)
    found = [
        likelihood.log_probability(np.float32([level / 4]), ops.convert_to_tensor(outputs))
        for level in range(5)
    ]
    np.testing.assert_allclose(np.exp(np.ravel(found)), masses, rtol=1e-4)


@pytest.mark.parametrize(
    "likelihood",
    [Bernoulli(), Categorical(4), LogisticMixture(4, 3)],
    ids=lambda x: type(x).__name__,
)
def test_draws_have_the_frequencies_that_probabilities_say(likelihood):
    count = 20_000
    outputs = np.random.default_rng(0).normal(size=(1, likelihood.outputs)).astype("float32")
    rows = ops.convert_to_tensor(np.repeat(outputs, count, axis=0))
    uniforms = keras.random.uniform((count, likelihood.uniforms), SMALLEST, LARGEST, seed=1)
    levels = np.arange(likelihood.levels) / (likelihood.levels - 1)
    log_probability = likelihood.log_probability(
        ops.convert_to_tensor(levels[:, None].astype("float32")), outputs[:, :, None]
    )
    expected = np.exp(ops.convert_to_numpy(log_probability).ravel().astype("float64"))
    drawn = ops.convert_to_numpy(likelihood.sample(rows, uniforms, 1.0))
    found = [np.isclose(drawn, level).sum() for level in levels]
    assert sum(found) == count
    assert chisquare(found, count * expected / expected.sum()).pvalue > 1e-3
    coldest = ops.convert_to_numpy(likelihood.sample(rows, uniforms, 0.0))
    assert len(np.unique(coldest)) == 1
    if not isinstance(likelihood, LogisticMixture):
        assert coldest[0] == pytest.approx(levels[expected.argmax()])


# Sampling


def by_whole_passes(model, given, known, seed, labels=None):
    """Samples as everyone draws them: a pass over the images for each value."""
    pixels, (height, width, channels) = model._pixels, model.inputs[0].shape[1:]
    drawn = np.where(known, given, 0).astype("float32")
    beside = model._beside(labels)
    network = model.network.predict_on_batch
    for i in range(height):
        uniforms = ops.convert_to_numpy(
            keras.random.uniform(
                (width, len(given), channels, pixels.uniforms),
                SMALLEST,
                LARGEST,
                seed=SeedStream(seed, i),
            )
        )
        for j, channel in itertools.product(range(width), range(channels)):
            outputs = network([drawn, *beside] if beside else drawn)
            of_channel = ops.convert_to_tensor(outputs[:, i, j, channel::channels])
            value = pixels.sample(of_channel, uniforms[j, :, channel], 1.0)
            drawn[:, i, j, channel] = np.where(
                known[:, i, j, channel], given[:, i, j, channel], ops.convert_to_numpy(value)
            )
    return drawn


def _draw(model, images: Images, mask: Images, seed: Whole):
    drawn, outputs = model.sample(images, mask > 0, seed)
    return {"drawn": drawn, "outputs": outputs}


# Each kind of net, of likelihood, and of channels in the default tests; the rest is slow.
QUICK = {
    ("pixelcnn", 3, "bernoulli"),
    ("gated", 3, "mixture"),
    ("row_lstm", 1, "categorical"),
    ("diagonal", 3, "categorical"),
}


@pytest.mark.parametrize(
    ("kind", "channels", "likelihood"),
    [
        pytest.param(*case, marks=[] if case in QUICK else SLOW)
        for case in itertools.product(MAKE, (1, 3), LIKELIHOODS)
    ],
)
def test_samples_are_those_of_a_pass_for_each_pixel(kind, channels, likelihood):
    shape = (3, 4, channels)
    model = made(kind, shape, **LIKELIHOODS[likelihood])
    nothing = np.zeros((3, *shape), "float32")
    draw = Function(_draw, ("drawn", "outputs")).bind(model).predict_on_batch
    found = draw({"images": nothing, "mask": nothing, "seed": np.int32(7)})
    drawn, outputs = found["drawn"], found["outputs"]
    np.testing.assert_array_equal(drawn, by_whole_passes(model, nothing, nothing > 0, 7))
    assert len(np.unique(drawn)) == model._pixels.levels
    # What it says of them is what it says of them whole.
    np.testing.assert_allclose(outputs, model.predict_on_batch(drawn), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", ["gated", pytest.param("diagonal", marks=SLOW)])
def test_frequencies_of_samples_are_probabilities(kind):
    shape, count = (2, 2, 1), 4000
    model = made(kind, shape)
    drawn = call_endpoint(model, "sample", n=count, seed=3, temperature=1.0)["images"]
    given = all_images(shape, 2)
    log_likelihoods = call_endpoint(model, "log_likelihood", images=given)["log_likelihoods"]
    expected = np.exp(log_likelihoods.astype("float64"))
    numbers = (drawn.reshape(count, -1) @ [8, 4, 2, 1]).astype(int)
    found = np.bincount(numbers, minlength=16)
    assert chisquare(found, count * expected / expected.sum()).pvalue > 1e-3


def asked(model, endpoint, **fixed):
    """An endpoint as a function of the rest of its inputs, traced once."""
    bound = get_recipe(model.origin.recipe).endpoints[endpoint].bind(model, **fixed)

    def ask(**inputs):
        given = {k: ops.convert_to_tensor(v, bound.input[k].dtype) for k, v in inputs.items()}
        return {name: np.asarray(value) for name, value in bound.predict_on_batch(given).items()}

    return ask


def test_seeds_and_temperatures_change_samples_and_equal_ones_do_not():
    sample = asked(made("gated", (3, 4, 1)), "sample", n=4)
    settings = [(1, 1.0), (1, 1.0), (2, 1.0), (1, 0.0), (2, 0.0)]
    first, again, other, coldest, cold = (
        sample(seed=seed, temperature=temperature)["images"] for seed, temperature in settings
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(coldest, cold)  # the most probable values
    assert (first != coldest).any()


def test_no_temperature_is_below_zero():
    recipe, model = get_recipe("gated_pixelcnn"), made("gated", (3, 4, 1))
    with pytest.raises(UserError, match="temperature must be at least 0, got -1") as error:
        recipe.task.sample(recipe, model, 2, seed=0, temperature=-1)
    one_sentence(error)


def test_completions_keep_what_is_known_go_on_as_samples_do_and_refuse_what_comes_later():
    model, shape = made("gated", (3, 4, 1)), (3, 4, 1)
    given, mask = images(4, shape), np.zeros((4, *shape), "float32")
    for row, known in enumerate((0, 7, 12)):
        mask[row].reshape(-1)[:known] = 1
    mask[3].reshape(-1)[1:] = 1  # the first alone is not known, but all those after it
    found = call_endpoint(model, "complete", images=given, mask=mask, seed=5)
    np.testing.assert_array_equal(found["steps"], [12, 5, 0, -1])
    completed = found["completions"]
    assert np.isnan(completed[3]).all()
    expected = by_whole_passes(model, given, mask > 0, 5)
    np.testing.assert_array_equal(completed[:3], expected[:3])
    np.testing.assert_array_equal(completed[mask > 0][:19], given[mask > 0][:19])
    assert (completed[1].ravel()[7:] != given[1].ravel()[7:]).any()


@SLOW
@pytest.mark.parametrize("kind", MAKE)
def test_samples_of_a_model_in_lower_precision_are_drawn_in_it_wherever_it_is_asked(kind):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = MAKE[kind]((3, 4, 3))
        here = call_endpoint(model, "sample", n=2, seed=1, temperature=1.0)["images"]
    finally:
        keras.config.set_dtype_policy("float32")
    there = call_endpoint(model, "sample", n=2, seed=1, temperature=1.0)["images"]
    assert set(np.unique(here)) == {0, 1}
    np.testing.assert_array_equal(here, there)


# Classes


def conditional():
    model = conditional_gated_pixelcnn((3, 4, 1), 3, filters=12, blocks=2, head_units=(16,), seed=0)
    random = np.random.default_rng(0)
    for weight in model.trainable_weights:
        value = ops.convert_to_numpy(weight)
        weight.assign(value + random.normal(size=value.shape, scale=0.2))
    return model


def test_classes_have_probabilities_and_samples_of_their_own():
    model, given = conditional(), images(3, (3, 4, 1))
    ask = asked(model, "log_likelihood")
    under = [ask(images=given, labels=np.full(3, label)) for label in range(3)]
    under = np.stack([found["log_likelihoods"] for found in under])
    assert (np.ptp(under, axis=0) > 1e-3).all()
    # Without a class an image is taken under that by which it is most probable.
    best = ops.convert_to_tensor(under.argmax(axis=0))
    outputs = ops.convert_to_numpy(model._outputs(ops.convert_to_tensor(given), best, False))
    np.testing.assert_allclose(model.predict(given, verbose=0), outputs, rtol=1e-5, atol=1e-6)
    sample, labels = asked(model, "sample"), np.arange(12) % 3
    drawn = sample(labels=labels, seed=2, temperature=1.0)["images"]
    nothing = np.zeros_like(drawn)
    np.testing.assert_array_equal(drawn, by_whole_passes(model, nothing, nothing > 0, 2, labels))
    assert (sample(labels=labels[::-1], seed=2, temperature=1.0)["images"] != drawn).any()


# What is learnt from


def test_the_loss_is_minus_the_log_likelihood_in_nats():
    model, given = made("gated", (4, 5, 1)), images(6, (4, 5, 1))
    logged = model.evaluate(given, verbose=0, return_dict=True)
    found = call_endpoint(model, "log_likelihood", images=given)
    assert logged["loss"] == pytest.approx(-found["log_likelihoods"].mean(), rel=1e-5)
    assert logged["bits_per_dim"] == pytest.approx(found["bits_per_dim"].mean(), rel=1e-5)


def test_pixels_are_made_what_the_likelihood_is_of():
    given = np.random.default_rng(0).random((400, 4, 5, 1)).astype("float32")
    drawn = ops.convert_to_numpy(made("gated", (4, 5, 1)).observed(given, seed=1))
    assert set(np.unique(drawn)) == {0, 1}
    high, low = given > 0.9, given < 0.1
    assert drawn[high].mean() > 0.9 > 0.1 > drawn[low].mean()
    threshold = made("gated", (4, 5, 1), binarization="threshold").observed(given)
    np.testing.assert_array_equal(ops.convert_to_numpy(threshold), given >= 0.5)
    levels = ops.convert_to_numpy(
        made("gated", (4, 5, 1), **LIKELIHOODS["categorical"]).observed(given)
    )
    np.testing.assert_allclose(levels, np.round(given * 3) / 3, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"likelihood": "categorical", "binarization": "threshold"}, "binarization must be None"),
        ({"levels": 4}, "levels must be None"),
        ({"likelihood": "gaussian"}, "likelihood must be one of 'bernoulli', 'categorical'"),
        ({"levels": 1}, "levels must be a whole number of at least 2, or None"),
        ({"first_kernel_size": 4}, "first_kernel_size must be an odd whole number"),
    ],
)
def test_what_cannot_be_is_one_sentence(arguments, says):
    with pytest.raises(UserError, match=says) as error:
        gated_pixelcnn((4, 5, 1), **arguments)
    one_sentence(error)
