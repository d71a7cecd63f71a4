import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers, ops

from amalthea.layers.seed_stream import of_rows
from amalthea.recipes.gans.adversarial_model import AdversarialModel
from amalthea.recipes.gans.games import GAMES
from amalthea.recipes.gans.penalties import R1, Drift, GradientPenalty

IMAGES = np.random.default_rng(0).random((32, 4, 4, 1), dtype="float32")
LABELS = np.arange(32) % 3


def networks(num_classes=None, normalized=False):
    latents, images = keras.Input((2,)), keras.Input((4, 4, 1))
    code, pixels = latents, layers.Flatten()(images)
    if num_classes:
        asked, given = keras.Input((num_classes,)), keras.Input((num_classes,))
        code = layers.Concatenate()([code, asked])
        pixels = layers.Concatenate()([pixels, given])
    hidden, features = layers.Dense(8, "tanh")(code), layers.Dense(8, "tanh")(pixels)
    if normalized:
        hidden = layers.BatchNormalization()(hidden)
        features = layers.Dropout(0.3)(layers.BatchNormalization()(features))
    made = layers.Reshape((4, 4, 1))(layers.Dense(16, "sigmoid")(hidden))
    scores = layers.Dense(1)(features)
    if num_classes:
        return keras.Model([latents, asked], made), keras.Model([images, given], scores)
    return keras.Model(latents, made), keras.Model(images, scores)


def tiny(
    num_classes=None,
    normalized=False,
    rates=(0.01, 0.01),
    optimizer=keras.optimizers.Adam,
    **arguments,
):
    model = AdversarialModel(*networks(num_classes, normalized), **{"seed": 0, **arguments})
    model.compile(*(optimizer(rate) for rate in rates))
    return model


def fit(model, epochs=1, batch_size=8):
    data = (IMAGES, LABELS) if model.num_classes else (IMAGES,)
    settings = {"shuffle": False, "batch_size": batch_size, "epochs": epochs, "verbose": 0}
    return model.fit(*data, **settings).history


def values(network):
    return [np.asarray(weight) for weight in network.weights]


def all_of(model):
    return [np.asarray(v.value) for v in (*model.variables, *model.optimizer.variables)]


def same(one, other):
    return all((a == b).all() for a, b in zip(one, other, strict=True))


EVERYTHING = {
    "replay": 6,
    "average_decay": 0.9,
    "instance_noise": 0.1,
    "label_smoothing": 0.1,
    "penalties": [R1(1.0)],
}
WASSERSTEIN = {
    "objective": "wasserstein",
    "penalties": [GradientPenalty(10.0)],
    "critic_steps": 3,
}


@pytest.mark.parametrize("still", [0, 1])
@pytest.mark.parametrize(
    "objective",
    [
        "non_saturating",
        *(
            pytest.param(g, marks=[pytest.mark.slow, pytest.mark.jax])
            for g in GAMES
            if g != "non_saturating"
        ),
    ],
)
def test_each_loss_moves_its_own_network_alone(objective, still):
    """What a network does in a step is the same whether the other moves or not."""
    rates = [0.1, 0.1]
    both = tiny(objective=objective, rates=rates, optimizer=keras.optimizers.SGD)
    rates[still] = 0.0
    one = tiny(objective=objective, rates=rates, optimizer=keras.optimizers.SGD)
    one.set_weights(both.get_weights())
    before = [values(network) for network in (both.generator, both.discriminator)]
    for model in (both, one):
        fit(model, batch_size=32)
    after = [values(network) for network in (one.generator, one.discriminator)]
    moved = [values(network) for network in (both.generator, both.discriminator)]
    assert same(after[still], before[still])
    assert not same(moved[still], before[still])
    assert same(after[1 - still], moved[1 - still])


@pytest.mark.parametrize("objective", ["non_saturating", "minimax"])
def test_a_discriminator_that_knows_nothing_has_twice_the_log_of_2(objective):
    model = tiny(objective=objective)
    for weight in model.discriminator.weights:
        weight.assign(np.zeros(weight.shape))
    figures = model.evaluate(IMAGES, verbose=0, return_dict=True)
    assert figures["discriminator_loss"] == pytest.approx(2 * np.log(2))
    sign = 1 if objective == "non_saturating" else -1
    assert figures["generator_loss"] == pytest.approx(sign * np.log(2))


@pytest.mark.parametrize(
    ("objective", "real", "fake", "generator"),
    [
        ("non_saturating", 0.126928, 2.126928, 0.126928),
        ("minimax", 0.126928, 2.126928, -2.126928),
        ("least_squares", 0.5, 2, 0.5),
        ("hinge", 0, 3, -2),
        ("wasserstein", -2, 2, -2),
    ],
)
def test_the_losses_of_a_score_of_2(objective, real, fake, generator):
    scores = ops.array([2.0])
    found = [float(loss(scores)[0]) for loss in GAMES[objective]]
    np.testing.assert_allclose(found, [real, fake, generator], rtol=1e-5)


def test_the_input_gradient_is_that_of_finite_differences(float64):
    model = AdversarialModel(*networks(), penalties=[GradientPenalty(10.0)], seed=0)
    images = IMAGES[:3].astype("float64")
    weights = [weight.value for weight in model.discriminator.trainable_variables]
    _, _, gradient = model._discriminate_by_gradient(
        weights, ops.convert_to_tensor(images), [], True
    )
    found = ops.convert_to_numpy(gradient(ops.ones(3)))
    for row, image in enumerate(images):
        for pixel in range(image.size):
            sides = []
            for step in (1e-5, -1e-5):
                other = image.ravel().copy()
                other[pixel] += step
                scores = model.discriminator(other.reshape(1, 4, 4, 1))
                sides.append(float(ops.convert_to_numpy(scores)[0, 0]))
            numeric = (sides[0] - sides[1]) / 2e-5
            assert found[row].ravel()[pixel] == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def test_drift_is_on_the_square_of_real_scores():
    free, held = tiny(), tiny(penalties=[Drift(0.5)])
    held.set_weights(free.get_weights())
    figures = [m.evaluate(IMAGES, verbose=0, return_dict=True) for m in (free, held)]
    loss, heavier = (figure["discriminator_loss"] for figure in figures)
    scores = free.predict(IMAGES, verbose=0)
    assert heavier - loss == pytest.approx(0.5 * np.square(scores).mean(), rel=1e-3)


@pytest.mark.slow
@pytest.mark.jax
def test_a_lazy_r1_is_as_strong_in_the_mean():
    def losses(**arguments):
        model = tiny(rates=(0.0, 0.0), optimizer=keras.optimizers.SGD, **arguments)
        model.set_weights(start)
        images = IMAGES[:8]
        fits = [model.fit(images, batch_size=8, verbose=0).history for _ in range(6)]
        return np.array([fit["discriminator_loss"][0] for fit in fits])

    start = tiny().get_weights()
    free, always, lazy = (
        losses(penalties=penalties) for penalties in ([], [R1(10.0)], [R1(10.0, interval=3)])
    )
    assert (always - free > 1e-3).all()
    expected = 3 * (always - free) * [1, 0, 0, 1, 0, 0]
    np.testing.assert_allclose(lazy - free, expected, rtol=1e-3, atol=1e-5)


def test_a_critic_of_gradient_norm_1_pays_no_penalty():
    generator, images = networks()[0], keras.Input((4, 4, 1))
    critic = keras.Model(images, layers.Dense(1, use_bias=False)(layers.Flatten()(images)))
    critic.layers[-1].kernel.assign(np.full((16, 1), 0.25))  # of length 1
    model = AdversarialModel(
        generator, critic, "wasserstein", penalties=[GradientPenalty(10.0)], seed=0
    )
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    figures = model.evaluate(IMAGES, verbose=0, return_dict=True)
    expected = figures["fake_score"] - figures["real_score"]
    assert figures["discriminator_loss"] == pytest.approx(expected, abs=1e-5)


def test_in_a_larger_range_of_pixels_the_gradient_is_smaller():
    start, losses = tiny().get_weights(), {}
    for r1, pixel_range in ((0.0, 1.0), (4.0, 1.0), (4.0, 2.0)):
        model = tiny(penalties=[R1(r1, pixel_range=pixel_range)])
        model.set_weights(start)
        figures = model.evaluate(IMAGES, verbose=0, return_dict=True)
        losses[r1, pixel_range] = figures["discriminator_loss"]
    one, two = (losses[4.0, pixel_range] - losses[0.0, 1.0] for pixel_range in (1.0, 2.0))
    assert one == pytest.approx(4 * two, rel=1e-3)


def test_the_generator_has_its_turn_every_third_step():
    model = tiny(**WASSERSTEIN)
    for step in range(1, 7):
        before = values(model.generator), values(model.discriminator)
        model.fit(IMAGES[:8], batch_size=8, verbose=0)
        assert same(values(model.generator), before[0]) == (step % 3 != 0)
        assert not same(values(model.discriminator), before[1])


def test_the_generators_step_does_not_depend_on_how_many_the_critic_makes():
    steps, start = [], tiny(objective="wasserstein").get_weights()
    for critic_steps in (1, 4):
        model = tiny(
            objective="wasserstein",
            critic_steps=critic_steps,
            rates=(0.1, 0.0),
            optimizer=keras.optimizers.SGD,
        )
        model.set_weights(start)
        before = values(model.generator)
        model.fit(
            np.repeat(IMAGES[:1], 4 * 4096, 0),
            batch_size=4096,
            steps_per_epoch=critic_steps,
            verbose=0,
        )
        after = values(model.generator)
        steps.append(np.concatenate([(a - b).ravel() for a, b in zip(after, before, strict=True)]))
    assert np.linalg.norm(steps[1] - steps[0]) < 0.2 * np.linalg.norm(steps[0])


@pytest.mark.slow
@pytest.mark.jax
@pytest.mark.parametrize(
    "arguments",
    [
        {"normalized": True},
        {"normalized": True, "critic_steps": 2, **EVERYTHING},
        WASSERSTEIN,
        {"num_classes": 3},
    ],
)
def test_saved_and_loaded_it_trains_on_exactly(arguments, tmp_path):
    model = tiny(**arguments)
    fit(model)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert same(all_of(twin), all_of(model))
    assert fit(twin) == fit(model)
    assert same(all_of(twin), all_of(model))


def test_statistics_are_of_one_pass_over_real_images_and_one_over_generated_ones():
    """What the gradient of the generator needs counts no second time."""
    model = tiny(normalized=True, rates=(0.0, 0.0), optimizer=keras.optimizers.SGD)
    twin = tiny(normalized=True)
    twin.set_weights(model.get_weights())
    model.fit(IMAGES[:8], batch_size=8, verbose=0)

    generator, discriminator = twin.generator, twin.discriminator
    seeds = of_rows(twin.noise.seed_generator, IMAGES[:8])
    fake = generator(twin.latents(8, seeds), training=True)
    for images in (IMAGES[:8], fake):
        discriminator(images, training=True)
    for network, other in ((model.generator, generator), (model.discriminator, discriminator)):
        for one, two in zip(values(network), values(other), strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


def test_the_average_follows_the_generator():
    model = tiny(average_decay=0.9)
    expected = values(model.generator)
    for _ in range(3):
        now = values(model.generator)
        model.fit(IMAGES[:8], batch_size=8, verbose=0)
        expected = [0.9 * mean + 0.1 * value for mean, value in zip(expected, now, strict=True)]
    for mean, value in zip(values(model.average), expected, strict=True):
        np.testing.assert_allclose(mean, value, rtol=1e-5)
    assert model.sampler is model.average
    assert (plain := tiny()).sampler is plain.generator


def test_a_conditional_model_scores_an_image_as_each_class():
    model = tiny(num_classes=3)
    fit(model)
    scores = model.predict(IMAGES, verbose=0)
    for number in range(3):
        classes = np.eye(3)[np.full(32, number)]
        expected = ops.convert_to_numpy(model.discriminator([IMAGES, classes]))
        np.testing.assert_allclose(scores[:, number], expected[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "policy", [pytest.param("mixed_bfloat16", marks=pytest.mark.slow), "mixed_float16"]
)
def test_trains_in_lower_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = tiny(**EVERYTHING)
    finally:
        keras.config.set_dtype_policy(before)
    start = values(model.generator), values(model.discriminator)
    history = fit(model, epochs=2)
    assert np.isfinite(history["loss"]).all()
    assert not same(values(model.generator), start[0])
    assert not same(values(model.discriminator), start[1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"objective": "wrong"}, "objective must be one of non_saturating, .*, got 'wrong'"),
        ({"prior": "wrong"}, "prior must be one of normal, uniform, got 'wrong'"),
        ({"critic_steps": 0}, "critic_steps must be a whole number of at least 1, got 0"),
        ({"replay": -1}, "replay must be a whole number of at least 0, got -1"),
        ({"label_smoothing": 0.5}, "label_smoothing must be at least 0 and below 0.5, got 0.5"),
        ({"average_decay": 1}, "average_decay must be at least 0 and below 1, got 1"),
    ],
)
def test_wrong_arguments_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdversarialModel(*networks(), **arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: R1(-1), "weight must be at least 0 and finite, got -1"),
        (lambda: GradientPenalty(float("nan")), "weight must be at least 0 and finite, got nan"),
        (lambda: GradientPenalty(1.0, pixel_range=0), "pixel_range must be above 0, got 0"),
        (lambda: R1(interval=0), "interval must be a whole number of at least 1, got 0"),
    ],
)
def test_wrong_penalties_are_one_sentence(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_penalties_by_their_old_arguments_are_the_same_and_said_to_be_deprecated():
    old = {"gradient_penalty": 3.0, "r1": 2.0, "r1_interval": 4, "drift": 0.1, "pixel_range": 2.0}
    with pytest.warns(DeprecationWarning, match=r"give penalties=\[GradientPenalty\("):
        model = AdversarialModel(*networks(), **old)
    assert model.penalties == [GradientPenalty(3.0, 2.0), R1(2.0, 4, 2.0), Drift(0.1)]
    assert AdversarialModel.from_config(model.get_config()).penalties == model.penalties


def test_replay_without_the_classes_of_the_images_is_one_sentence():
    with pytest.raises(ValueError, match="replay must be 0 where the generator takes classes"):
        AdversarialModel(*networks(3), replay=5)


TWO_REPLICAS = """
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from amalthea.recipes import wgan_gp

keras.config.set_dtype_policy("mixed_float16")
images = np.random.default_rng(0).random((12, 8, 8, 1))
found = []
for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
    reduction = tf.distribute.ReductionToOneDevice()
    with tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction).scope():
        model = wgan_gp((8, 8, 1), width=4, critic_steps=2, seed=0)
    for step in range(4):
        before = [v.numpy() for v in model.generator.trainable_variables]
        model.fit(images, batch_size=12, shuffle=False, verbose=0)
        after = [v.numpy() for v in model.generator.trainable_variables]
        moves = [np.linalg.norm(a - b) for a, b in zip(after, before)]
        found.append(np.linalg.norm(moves))
    assert model.generator_optimizer.iterations.numpy() == 2
one, two = found[:4], found[4:]
assert one[0] == two[0] == one[2] == two[2] == 0, found
np.testing.assert_allclose(two, one, rtol=0.1)
assert one[1] > 0
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_generator_has_its_turns_on_two_replicas_with_scaled_losses():
    command = [sys.executable, "-c", TWO_REPLICAS]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
