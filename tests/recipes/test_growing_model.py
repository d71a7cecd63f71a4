import itertools
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

from amalthea.callbacks import Backup, ProgressiveGrowing
from amalthea.recipes import progan, stylegan
from amalthea.recipes.gans.growing import bounded_leaky_relu

from harness import call_endpoint

IMAGES = np.random.default_rng(0).random((12, 16, 16, 1), dtype="float32")
LATENTS = np.random.default_rng(1).standard_normal((3, 4)).astype("float32")

# What has nothing to do with a backend; JAX compiles each operation of it for long.
ON_TENSORFLOW = pytest.mark.tensorflow


def build(recipe, size=16, **arguments):
    small = {"latent_dim": 4, "width": 4, "seed": 0, "average_decay": 0.9}
    if recipe is stylegan:
        small |= {"mapping_layers": 2}
    return recipe((size, size, 1), **{**small, **arguments})


def moved(recipe, **arguments):
    """A model whose weights are all unlike those at first, noise strengths among them."""
    model, random = build(recipe, **arguments), np.random.default_rng(2)
    for network in (model.generator, model.discriminator):
        for weight in network.trainable_variables:
            weight.assign_add(0.3 * random.standard_normal(weight.shape))
    model.average.set_weights(model.generator.get_weights())
    return model


def doubled(images):
    return np.asarray(images).repeat(2, axis=1).repeat(2, axis=2)


def made(model, latents=LATENTS):
    return ops.convert_to_numpy(model.generate(latents))


def scored(model, images):
    """Scores of images in the size of the stage in use."""
    return ops.convert_to_numpy(model.active(model.discriminator)(images))


def arrays(weights):
    return [np.asarray(weight.value) for weight in weights]


def equal(one, other):
    return [np.array_equal(a, b) for a, b in zip(one, other, strict=True)]


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


@ON_TENSORFLOW
def test_every_stage_of_1024_has_the_parameters_of_the_papers_table():
    model = progan((1024, 1024, 3), average_decay=0.0)
    of = [512, 512, 512, 512, 256, 128, 64, 32, 16]

    def conv(size, inputs, outputs):
        return size * size * inputs * outputs + outputs

    generator = 512 * 16 * 512 + 512 + conv(3, 512, 512)
    judge = conv(3, 513, 512) + 16 * 512 * 512 + 512 + 512 + 1
    expected = [(6_556_163, judge + conv(1, 3, 512))]
    for stage in range(1, 9):
        before, own = of[stage - 1], of[stage]
        generator += conv(3, before, own) + conv(3, own, own)
        judge += conv(3, own, own) + conv(3, own, before)
        # With the convolutions of the stage that is faded out.
        rgb = conv(1, own, 3) + conv(1, before, 3), conv(1, 3, own) + conv(1, 3, before)
        expected.append((generator + rgb[0], judge + rgb[1]))
    found = []
    for stage in range(9):
        model.enter(stage)
        networks = model.active(model.generator), model.active(model.discriminator)
        found.append(tuple(count(network.trainable_variables) for network in networks))
    assert found == expected


@pytest.mark.parametrize("recipe", [progan, stylegan])
@pytest.mark.parametrize("stage", [1, 2])
def test_a_stage_begins_as_the_one_before_to_the_last_bit(recipe, stage):
    model = moved(recipe)
    model.enter(stage - 1)
    before = made(model)
    small = IMAGES[:, : 4 * 2 ** (stage - 1), : 4 * 2 ** (stage - 1)]
    scores = scored(model, small)
    model.enter(stage, fade_images=100)
    np.testing.assert_array_equal(made(model), doubled(before))
    np.testing.assert_array_equal(scored(model, doubled(small)), scores)
    model.enter(stage)
    assert not np.array_equal(made(model), doubled(before))


@ON_TENSORFLOW
def test_what_is_faded_out_has_no_say_at_the_end():
    model = moved(progan)
    images, scores = made(model), scored(model, IMAGES)
    for network, name in (
        (model.average, "to_rgb_8"),
        (model.discriminator, "from_rgb_8"),
    ):
        network.get_layer(name).kernel.assign_add(np.ones(network.get_layer(name).kernel.shape))
    np.testing.assert_array_equal(made(model), images)
    np.testing.assert_array_equal(scored(model, IMAGES), scores)


def test_real_images_are_means_of_pixels_and_faded_as_the_generated_ones():
    model = build(progan)
    small = IMAGES.reshape(12, 8, 2, 8, 2, 1).mean(axis=(2, 4))
    smaller = small.reshape(12, 4, 2, 4, 2, 1).mean(axis=(2, 4))
    model.enter(1, fade_images=100)
    model.discriminator.get_layer("fade_in").alpha.assign(0.25)
    found = ops.convert_to_numpy(model.as_seen(IMAGES))
    np.testing.assert_allclose(found, 0.75 * doubled(smaller) + 0.25 * small, rtol=1e-5)
    model.enter(0)
    np.testing.assert_allclose(ops.convert_to_numpy(model.as_seen(IMAGES)), smaller, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [progan, stylegan])
def test_a_step_moves_the_blocks_in_use_and_nothing_else(recipe):
    model = build(recipe)
    model.enter(1)
    model.optimizer.build(model.trainable_variables)
    in_use = {
        id(weight)
        for network in (model.generator, model.discriminator)
        for weight in model.active(network).trainable_variables
    }
    weights = [w for w in model.trainable_variables if not w.path.endswith("rgb_4/kernel")]
    weights = [w for w in weights if not w.path.endswith("rgb_4/bias")]  # faded out
    before, means = arrays(weights), arrays(model.average.weights)
    model.fit(IMAGES, batch_size=6, verbose=0)
    still = equal(arrays(weights), before)
    assert [w.path for w, same in zip(weights, still, strict=True) if same] == [
        w.path for w in weights if id(w) not in in_use
    ]
    names = {w.path for w in model.active(model.average).weights}
    unmoved = equal(arrays(model.average.weights), means)
    for weight, same in zip(model.average.weights, unmoved, strict=True):
        assert same or weight.path in names
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        of_16 = [v for v in optimizer.variables if "_16" in v.path]
        assert of_16
        assert not any(np.asarray(v.value).any() for v in of_16)
        assert int(optimizer.iterations.numpy()) == 2


@pytest.mark.slow
def test_alpha_grows_with_the_images_shown_and_is_logged():
    model, seen = build(progan, 8), []
    growing = ProgressiveGrowing([4, 8], [6, 12])
    logger = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(
            [float(logs[name]) for name in ("resolution", "phase", "images", "alpha")]
        )
    )
    images = IMAGES[:, :8, :8]
    history = model.fit(
        images,
        batch_size=3,
        epochs=2,
        callbacks=[growing, logger],
        shuffle=False,
        verbose=0,
        validation_data=images,
    )
    assert seen == [
        [4, 0, 3, 1],
        [4, 0, 6, 1],
        [8, 1, 9, 0],
        [8, 1, 12, 0.25],
        [8, 1, 15, 0.5],
        [8, 1, 18, 0.75],
        [8, 2, 21, 1],
        [8, 2, 24, 1],
    ]
    assert history.history["images"] == [12, 24]
    assert history.history["resolution"] == [8, 8]
    assert "val_images" not in history.history
    assert "val_discriminator_loss" in history.history


def test_a_saved_model_is_loaded_in_its_stage(tmp_path):
    model = moved(stylegan, size=8)
    model.enter(0)
    assert float(model.generator.get_layer("styles").active) == 2
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "model.keras")
    twin = keras.saving.load_model(tmp_path / "model.keras")
    assert twin.stage == 0
    assert twin.resolution == 4
    np.testing.assert_array_equal(made(twin), made(model))


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [progan, pytest.param(stylegan, marks=pytest.mark.exhaustive)])
def test_loss_scaling_in_float16(recipe):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build(recipe, 8)
    finally:
        keras.config.set_dtype_policy("float32")
    before = arrays(model.trainable_variables)
    for stage in (0, 1):  # in the first some weights have no gradients
        model.enter(stage)
        # Loss scaling takes some steps to find a scale.
        history = model.fit(IMAGES[:, :8, :8], batch_size=3, epochs=6, verbose=0)
        assert np.isfinite(history.history["loss"]).all()
        assert np.isfinite(made(model)).all()
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert int(optimizer.iterations.numpy()) >= 4
    same = equal(arrays(model.trainable_variables), before)
    still = {w.path for w, s in zip(model.trainable_variables, same, strict=True) if s}
    assert not still


def test_activations_stay_within_256_in_float16_alone():
    values = np.array([-3000.0, -5.0, 2.0, 400.0], "float16")
    for dtype, expected in (("float16", [-256, -1, 2, 256]), ("float32", [-600, -1, 2, 400])):
        found = ops.convert_to_numpy(bounded_leaky_relu(ops.convert_to_tensor(values, dtype)))
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_a_stage_that_is_not_there_is_one_sentence():
    with pytest.raises(ValueError, match="stage must be a whole number from 0 to 2, got 3"):
        build(progan).enter(3)
    model = build(progan)
    with pytest.raises(ValueError, match="replay must be 0 where images change their size"):
        type(model)(model.generator, model.discriminator, replay=4)
    generator = keras.Model([*model.generator.inputs, keras.Input((3,))], model.generator.outputs)
    with pytest.raises(ValueError, match="must take latents alone, got classes, too"):
        type(model)(generator, model.discriminator)


@ON_TENSORFLOW
@pytest.mark.parametrize("recipe", [progan, stylegan])
def test_an_interpolation_begins_and_ends_with_its_images(recipe):
    model = moved(recipe, size=8)
    start, end = LATENTS[:1], LATENTS[1:2]
    path = call_endpoint(model, "interpolate", start=start, end=end, n=5)["images"]
    assert path.shape == (1, 5, 8, 8, 1)
    np.testing.assert_allclose(path[0, [0]], made(model, start), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(path[0, [-1]], made(model, end), rtol=1e-4, atol=1e-5)
    steps = np.abs(np.diff(path[0], axis=0)).max(axis=(1, 2, 3))
    assert (steps > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [progan, stylegan])
def test_a_projection_comes_nearer_to_an_image(recipe):
    model = moved(recipe, size=8)
    images = made(model, LATENTS)
    begun, found = (
        call_endpoint(model, "project", images=images, steps=steps, seed=3) for steps in (0, 60)
    )
    assert found["images"].shape == images.shape
    assert (found["distances"] < begun["distances"]).all()
    assert found["distances"].mean() < 0.5 * begun["distances"].mean()
    far = np.square(found["images"] - images).mean(axis=(1, 2, 3))
    assert (far <= found["distances"]).all()
    if recipe is progan:
        again = made(model, found["latents"])
    else:
        again = call_endpoint(model, "synthesize", styles=found["styles"])["images"]
    np.testing.assert_allclose(again, found["images"], atol=1e-5)


@ON_TENSORFLOW
def test_samples_depend_on_their_seed_alone_noise_included():
    model = moved(stylegan, size=8)
    inputs = {"n": 4, "truncation": 1.0}
    first, again = (call_endpoint(model, "sample", seed=1, **inputs)["images"] for _ in range(2))
    other = call_endpoint(model, "sample", seed=2, **inputs)["images"]
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(first[0] - first[1]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.jax
@ON_TENSORFLOW
def test_truncated_to_nothing_all_samples_are_one_image():
    model = build(stylegan, 8)
    model.average.get_layer("truncation").mean.assign(np.ones(4))
    spread = {}
    for truncation in (0.0, 0.5, 1.0):
        images = call_endpoint(model, "sample", n=8, seed=1, truncation=truncation)["images"]
        spread[truncation] = images.std(axis=0).mean()
    assert spread[0.0] < 1e-6
    assert 0 < spread[0.5] < spread[1.0]


@pytest.mark.slow
@pytest.mark.jax
def test_styles_are_mixed_from_the_layer_of_the_crossover_on():
    model = moved(stylegan, size=8)
    coarse, fine = LATENTS[:1], LATENTS[1:2]

    def mixed(crossover):
        return call_endpoint(model, "style_mix", coarse=coarse, fine=fine, crossovers=[crossover])

    images = [mixed(crossover)["images"] for crossover in range(5)]
    np.testing.assert_allclose(images[0], made(model, fine), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(images[4], made(model, coarse), rtol=1e-4, atol=1e-5)
    for one, next_ in itertools.pairwise(images):
        assert np.abs(one - next_).max() > 1e-4


@ON_TENSORFLOW
def test_the_output_does_not_depend_on_noise_at_first():
    model = build(stylegan, 8)
    active = model.active(model.generator)
    first, other = (ops.convert_to_numpy(active(LATENTS, training=True)) for _ in range(2))
    unmixed = build(stylegan, 8, mixing_probability=0.0)
    assert np.abs(first - other).max() > 1e-4  # other styles
    active = unmixed.active(unmixed.generator)
    first, other = (ops.convert_to_numpy(active(LATENTS, training=True)) for _ in range(2))
    np.testing.assert_array_equal(first, other)


@pytest.mark.slow
def test_the_mean_style_follows_in_training():
    model = build(stylegan, 8)
    model.fit(IMAGES[:, :8, :8], batch_size=6, verbose=0)
    mean = np.asarray(model.generator.get_layer("truncation").mean)
    assert mean.any()
    np.testing.assert_array_equal(np.asarray(model.average.get_layer("truncation").mean), mean)


def test_weights_that_are_set_bring_their_stage():
    model, other = build(progan), build(progan)
    other.enter(0)
    model.set_weights(other.get_weights())
    assert model.stage == 0


@ON_TENSORFLOW
def test_parts_are_cut_once():
    model = build(stylegan, 8)
    for _ in range(2):
        call_endpoint(model, "synthesize", styles=LATENTS)
        parts = len(model._parts)
    nodes = len(model.average.get_layer("truncation")._inbound_nodes)
    call_endpoint(model, "synthesize", styles=LATENTS)
    assert len(model._parts) == parts
    assert len(model.average.get_layer("truncation")._inbound_nodes) == nodes


@pytest.mark.exhaustive
def test_killed_while_it_fades_a_stylegan_goes_on_to_the_last_bit(tmp_path):
    def fit(model, backup, first, last):
        callbacks = [ProgressiveGrowing([8, 16], [10, 24]), backup]
        settings = {"batch_size": 4, "shuffle": False, "verbose": 0, "callbacks": callbacks}
        model.fit(IMAGES, initial_epoch=first, epochs=last, **settings)
        return arrays((*model.variables, *model.optimizer.variables))

    whole = fit(build(stylegan), Backup(tmp_path / "whole"), 0, 4)
    fit(build(stylegan), Backup(tmp_path / "cut"), 0, 2)
    resumed, backup = build(stylegan), Backup(tmp_path / "cut")
    backup.restore(resumed)
    assert 0 < float(resumed.alpha()) < 1
    assert resumed.resolution == 16
    assert all(equal(fit(resumed, backup, 2, 4), whole))


REPLICAS = """
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from amalthea.callbacks import ProgressiveGrowing
from amalthea.recipes import stylegan

reduction = tf.distribute.ReductionToOneDevice()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"], cross_device_ops=reduction).scope():
    model = stylegan((8, 8, 1), latent_dim=4, width=4, mapping_layers=1, seed=0)
    model.optimizer.build(model.trainable_variables)
images = np.random.default_rng(0).random((24, 8, 8, 1), dtype="float32")
growing = ProgressiveGrowing([4, 8], [24, 48])
history = model.fit(images, batch_size=8, epochs=3, callbacks=[growing], verbose=0).history
assert history["images"] == [24, 48, 72], history["images"]
assert history["resolution"] == [4, 8, 8]
np.testing.assert_allclose(history["alpha"], [1, 16 / 48, 40 / 48], rtol=1e-5)
noise = model.generator.get_layer("noise_0")
with model.distribute_strategy.scope():
    def draw():
        rank = tf.distribute.get_replica_context().replica_id_in_sync_group
        rows = tf.cast(rank, "float32") + tf.ones((2, 3))
        return noise(rows, training=True)
    one, two = model.distribute_strategy.run(tf.function(draw)).values
assert np.abs(one.numpy() - two.numpy()).max() > 0.1
"""


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_on_two_replicas_images_are_counted_once_and_noise_differs():
    done = subprocess.run([sys.executable, "-c", REPLICAS], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
