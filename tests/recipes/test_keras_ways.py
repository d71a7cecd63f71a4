"""Keras' own ways work with every recipe, or are refused in one sentence."""

import copy
import functools
import pickle

import keras
import numpy as np
import pytest

from amalthea.errors import UserError
from amalthea.recipes import get_recipe

from harness import arrays, batch, build, build_under, one_sentence
from kinds import KINDS, RECIPES, SAME_CLASS, each_recipe
from life import put_back, state

# One of each kind, whose number does not grow as that of recipes does.
every_recipe = each_recipe(KINDS)
every_recipe_of_images = each_recipe(
    KINDS, among=[name for name in RECIPES if get_recipe(name).task.inputs == ("image",)]
)
# What a class of models does is tried on one of each, by default on those of the fewest layers, and
# in the slow tests not on larger ones among those that have their steps in common.
LARGER = {"autoencoder", "conditional_gan", "conditional_gated_pixelcnn", "dbn_classifier"}
LARGER |= {"googlenet", "wgan_gp"}
SIMILAR = SAME_CLASS.keys() | LARGER
every_recipe_at_a_price = each_recipe({"autoencoder", "lenet5", "toy_gan"}, like=SIMILAR)
every_class_of_models = each_recipe([name for name in KINDS if name not in SAME_CLASS])
# What takes longest is tried on one of them.
every_recipe_at_a_high_price = each_recipe({"lenet5"}, like=SIMILAR)
pytestmark = pytest.mark.tensorflow


class Batches(keras.utils.PyDataset):
    """Arrays in batches."""

    def __init__(self, *data, size=8):
        super().__init__()
        self.data, self.size = data, size

    def __len__(self):
        return -(-len(self.data[0]) // self.size)

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        parts = tuple(part[rows] for part in self.data)
        return parts if len(parts) > 1 else parts[0]


def dataset(*data, size=8):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(data if len(data) > 1 else data[0]).batch(size)


def generator(*data, size=8):
    batches = Batches(*data, size=size)
    for index in range(len(batches)):
        parts = batches[index]
        yield parts if isinstance(parts, tuple) else (parts,)


@functools.cache
def unchanged(name):
    """The model of a recipe, for tests after which it is what it was."""
    return build(name)


def moved(before, model):
    """Whether any trainable weight has another value."""
    pairs = zip(before, arrays(model.trainable_variables), strict=True)
    return any((old != new).any() for old, new in pairs)


# Data


PIXELS = {
    "bytes": lambda x: (255 * x).astype("uint8"),
    "sixteen grey levels": lambda x: 16 * x,
    "minus one to one": lambda x: 2 * x - 1,
    "one pixel that is NaN": lambda x: np.where(np.arange(x.size).reshape(x.shape) == 5, np.nan, x),
}


@every_recipe_of_images
@pytest.mark.parametrize("pixels", PIXELS)
def test_pixels_that_the_model_does_not_mean_are_refused_before_the_first_step(name, pixels):
    model, (images, *labels) = unchanged(name), batch(name)
    before = arrays(model.variables)
    images = PIXELS[pixels](images)
    ways = [
        lambda: model.fit(images, *labels, verbose=0),
        lambda: model.fit(Batches(images, *labels), verbose=0),
        lambda: model.fit(generator(images, *labels), verbose=0),
        lambda: model.train_on_batch(images, *labels),
        lambda: model.evaluate(images, *labels, verbose=0),
        lambda: model.predict(images, verbose=0),
        lambda: model.predict_on_batch(images),
    ]
    for way in ways:
        with pytest.raises(UserError, match=rf"^{name} takes images of .* in \[0, 1\]") as error:
            way()
        one_sentence(error)
    with pytest.raises(UserError, match="takes images"):
        model.fit(*batch(name), validation_data=(images, *labels), verbose=0)
    for a, b in zip(before, arrays(model.variables), strict=True):
        np.testing.assert_array_equal(a, b)


@every_recipe_of_images
def test_the_first_batch_of_a_dataset_is_looked_at(name):
    model, (images, *labels) = unchanged(name), batch(name)
    with pytest.raises(UserError, match="got values from"):
        model.fit(dataset(16 * images, *labels), verbose=0)


@every_recipe_of_images
def test_images_of_another_shape_are_refused_with_both_shapes(name):
    model, (images, *labels) = unchanged(name), batch(name)
    shape = images.shape[1:]
    for other in (images.repeat(2, axis=1), images.repeat(2, axis=3), images[:, 0, 0]):
        for data in (other, Batches(other, *labels)):
            given = [data] if data is not other else [data, *labels]
            with pytest.raises(UserError) as error:
                model.fit(*given, verbose=0)
            message = one_sentence(error)
            assert str(shape) in message
            assert str(other.shape[1:]) in message


@every_recipe_at_a_price
def test_images_of_any_type_are_the_same_images(name):
    model, images = build(name), (batch(name, 8)[0] > 0.5).astype("float32")
    expected = model.predict(images, verbose=0)
    for kind in ("float64", "bool", "uint8", "float16"):
        np.testing.assert_array_equal(model.predict(images.astype(kind), verbose=0), expected)
    if images.shape[-1] == 1:
        np.testing.assert_array_equal(model.predict(images[..., 0], verbose=0), expected)


LABELS = {
    "one is −1": lambda labels, classes: np.where(np.arange(len(labels)) == 3, -1, labels),
    "they begin at 1": lambda labels, classes: labels + 1,
    "one is NaN": lambda labels, classes: np.where(np.arange(len(labels)) == 3, np.nan, labels),
    "one is ½": lambda labels, classes: np.where(np.arange(len(labels)) == 3, 0.5, labels),
    "they are one-hot": lambda labels, classes: np.eye(classes)[labels],
    "they are texts": lambda labels, classes: np.array(["cat", "dog"] * (len(labels) // 2)),
    "there are none": lambda labels, classes: None,
}


@each_recipe(KINDS, among=[n for n in RECIPES if "label" in get_recipe(n).task.targets])
@pytest.mark.parametrize("labels", LABELS)
def test_labels_that_the_model_does_not_know_are_refused_before_the_first_step(name, labels):
    model, (images, right) = unchanged(name), batch(name)
    known = get_recipe(name).features(model.origin.arguments)["label"]
    if labels == "one is −1" and known.unlabelled:
        pytest.skip("−1 stands for no label")
    wrong = LABELS[labels](right, known.count)
    for way in (model.fit, model.evaluate):
        with pytest.raises(UserError, match=f"^{name} learns from .* whole numbers") as error:
            way(images, wrong, verbose=0)
        one_sentence(error)
    assert not model.optimizer.built


def test_a_sentence_says_what_would_be_right():
    model, (images, labels) = unchanged("lenet5"), batch("lenet5")
    with pytest.raises(UserError, match="begin at 1, so subtract 1"):
        model.fit(images, labels + 1)
    with pytest.raises(UserError, match="take the argmax"):
        model.fit(images, np.eye(3)[labels])


@pytest.mark.parametrize("name", ["autoencoder", "denoising_autoencoder"])
def test_pairs_of_images_are_learnt_from(name):
    random = np.random.default_rng(0)
    model = build(name)
    noisy, clean = random.random((2, 16, *model.inputs[0].shape[1:]), dtype="float32")
    start = state(model)

    def fit(*data):
        put_back(model, start)
        model.fit(*data, batch_size=16, verbose=0, shuffle=False)
        return np.concatenate([weight.ravel() for weight in model.get_weights()])

    alone = fit(noisy)
    np.testing.assert_array_equal(fit(noisy, noisy), alone)
    assert np.abs(fit(noisy, clean) - alone).max() > 1e-5
    with pytest.raises(UserError, match="images as y"):
        fit(noisy, 255 * clean)


def test_what_a_model_cannot_learn_from_is_said_once():
    model, (images,) = build("toy_gan"), batch("toy_gan")
    with pytest.warns(UserWarning, match=r"toy_gan learns from points alone: y, .*, is ignored"):
        model.fit(images, np.zeros((len(images), 2)), verbose=0)
    model.fit(images, np.zeros((len(images), 2)), verbose=0)  # a warning would be an error


@every_recipe_at_a_high_price
def test_the_same_batches_train_alike_whatever_holds_them(name):
    data, model = batch(name), build(name)
    start = state(model)

    def fit(*given, **arguments):
        put_back(model, start)
        model.fit(*given, verbose=0, **arguments)
        return int(model.optimizer.iterations), model.get_weights()

    steps, weights = fit(*data, batch_size=8, shuffle=False)
    unknown = dataset(*data).filter(lambda *_: True)
    for kind, held in {
        "a dataset": dataset(*data),
        "a PyDataset": Batches(*data),
        "data of unknown size": unknown,
        "a generator": generator(*data),
    }.items():
        of_unknown_size = kind in ("data of unknown size", "a generator")
        if of_unknown_size:
            with pytest.warns(UserWarning, match="ran out of data"):  # as Keras always says
                taken, got = fit(held, shuffle=False)
        else:
            taken, got = fit(held, shuffle=False)
        # Where data of unknown size end, Keras counts a step without data unless it looks ahead.
        looks_ahead = model.steps_per_execution > 1
        assert taken - steps == (of_unknown_size and not looks_ahead), kind
        for a, b in zip(got, weights, strict=True):
            # Where the size of a batch is known beforehand, sums are rounded in another order.
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4, err_msg=kind)


# Weights of examples


@every_recipe_at_a_price
def test_weights_of_examples_have_their_effect_or_are_refused(name):
    model, (images, *labels) = build(name), batch(name)
    labels = labels[0] if labels else None
    half = np.repeat([1.0, 0.0], len(images) // 2)
    if not get_recipe(name).weighed:
        with pytest.raises(UserError, match="have no weights, got sample_weight") as error:
            model.fit(images, labels, sample_weight=half, verbose=0)
        one_sentence(error)
        with pytest.raises(UserError, match="have no weights, got class_weight"):
            model.fit(images, labels, class_weight={0: 1.0, 1: 0.0}, verbose=0)
        model.train_on_batch(images, labels)
        with pytest.raises(UserError, match="have no weights, got sample_weight"):
            model.train_on_batch(images, labels, sample_weight=half)  # the second batch, too
        return
    start = model.get_weights()

    def fit(weights):
        model.set_weights(start)
        given = {"sample_weight": weights, "batch_size": len(images), "shuffle": False}
        model.fit(images, labels, **given, verbose=0)
        return np.concatenate([weight.ravel() for weight in arrays(model.trainable_variables)])

    assert np.abs(fit(np.ones(len(images))) - fit(half)).max() > 0


def test_an_image_of_weight_0_does_not_count():
    images = batch("autoencoder")[0]
    other = images.copy()
    other[12:] = 1 - other[12:]
    weights, model, half = [], build("autoencoder"), np.repeat([1.0, 0.0], 12)
    start = state(model)
    for given in (images, other):
        put_back(model, start)
        model.fit(given, sample_weight=half, batch_size=24, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_weights_of_classes_need_labels():
    with pytest.raises(UserError, match="class_weight needs the labels"):
        build("autoencoder").fit(batch("autoencoder")[0], class_weight={0: 1.0}, verbose=0)


# Steps and callbacks


@every_recipe_at_a_price
def test_steps_asked_for_are_steps_done_under_all_callbacks_of_keras(name, tmp_path):
    model, data = build(name), batch(name)
    trained = []
    callbacks = keras.callbacks
    watch = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: trained.append(arrays(model.trainable_variables))
    )
    history = model.fit(
        dataset(*data, size=4).repeat(),
        steps_per_epoch=5,
        epochs=2,
        validation_data=dataset(*data, size=4).repeat(),
        validation_steps=3,
        shuffle=False,
        callbacks=[
            callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.0 if epoch else rate),
            callbacks.ReduceLROnPlateau("val_loss", patience=1, min_lr=0.0),
            callbacks.EarlyStopping(
                "loss", mode="min", patience=5, restore_best_weights=True, start_from_epoch=1
            ),
            callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
            callbacks.ModelCheckpoint(tmp_path / "{epoch}.weights.h5", save_weights_only=True),
            callbacks.TerminateOnNaN(),
            callbacks.BackupAndRestore(tmp_path / "backup"),
            callbacks.TensorBoard(tmp_path / "tensorboard"),
            watch,
        ],
        verbose=0,
    )
    assert int(model.optimizer.iterations) == 10
    rates = [rates for key, rates in history.history.items() if key.startswith("learning_rate")]
    assert rates
    if name == "echo_state":  # is solved for, whatever the rate
        return
    assert all(first > 0 and second == 0 for first, second in rates)
    # With a rate of 0 nothing moves, but what momentum still does.
    optimizers = getattr(model.optimizer, "optimizers", [model.optimizer])
    inner = [getattr(optimizer, "optimizer", optimizer) for optimizer in optimizers]
    if not any(getattr(optimizer, "momentum", 0) for optimizer in inner):
        for before, after in zip(*trained, strict=True):
            np.testing.assert_array_equal(before, after)
    loaded = keras.models.load_model(tmp_path / "2.keras")
    loaded.load_weights(tmp_path / "2.weights.h5")
    assert loaded.origin == model.origin


@pytest.mark.parametrize("steps", [pytest.param(5, marks=pytest.mark.slow), 11])
def test_any_number_of_steps_is_taken_exactly(steps):
    model, (images,) = build("autoencoder"), batch("autoencoder")
    compiled = model.steps_per_execution
    endless = dataset(images, size=2).repeat()
    model.fit(endless, steps_per_epoch=steps, epochs=2, shuffle=False, verbose=0)
    assert model.steps_per_execution == steps  # few executions of many steps, as compiled
    assert int(model.optimizer.iterations) == 2 * steps
    assert len(model.predict(dataset(images, size=2).repeat(), steps=5, verbose=0)) == 10
    model.fit(images, batch_size=2, verbose=0)
    assert model.steps_per_execution == compiled
    assert int(model.optimizer.iterations) == 2 * steps + 12


# Copies


@every_recipe_at_a_price
def test_every_copy_of_a_model_knows_its_origin_and_does_the_same(name, tmp_path):
    model, (images, *_) = build(name), batch(name)
    model.optimizer.build(model.trainable_variables)
    expected = model(images)
    for kind, make in {
        "deepcopy": copy.deepcopy,
        "pickle": lambda model: pickle.loads(pickle.dumps(model)),
        "clone": keras.models.clone_model,
        "config": lambda model: type(model).from_config(model.get_config()),
    }.items():
        other = make(model)
        assert other.origin == model.origin, kind
        if kind in ("clone", "config"):
            other.set_weights(model.get_weights())
        np.testing.assert_array_equal(other(images), expected, err_msg=kind)


@every_class_of_models
def test_weights_go_through_a_file(name, tmp_path):
    model, other = unchanged(name), build(name, seed=2)
    model.save_weights(tmp_path / "a.weights.h5")
    other.load_weights(tmp_path / "a.weights.h5")
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(UserError, match=r"save it as \.keras"):
        model.save(tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


@every_recipe
def test_a_model_says_how_large_it_is_before_it_has_learnt(name):
    model, lines = build(name), []
    model.summary(print_fn=lambda text, **_: lines.append(text))
    text = "".join(lines)
    assert f"{model.count_params():,}" in text
    assert "unbuilt" not in text


@every_recipe
def test_a_model_that_no_machine_could_hold_is_refused_before_it_is_built(name):
    sizes = ("hidden_units", "latent_dim", "width", "units", "filters")
    entry = get_recipe(name)
    largest = [p for p in entry.parameters if p.name in sizes and p.default]
    if not largest:
        pytest.skip("has a size of its images alone")
    p = largest[0]
    value = tuple(10**9 for _ in p.default) if p.type_name == "ints" else 10**9
    with pytest.raises(UserError, match=f"^{name}: .* (GiB of this machine|in memory)") as error:
        entry.build(**{p.name: value})
    one_sentence(error)


# Modes


@every_recipe_at_a_high_price
def test_keras_order_of_axes_changes_nothing(name, life):
    keras.config.set_image_data_format("channels_first")
    try:
        model = build(name)
        model.fit(*life.data, batch_size=12, shuffle=False, verbose=0)
        outputs = model.predict(life.data[0], verbose=0)
    finally:
        keras.config.set_image_data_format("channels_last")
    for a, b in zip(state(model), life.first, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(outputs, life.first_outputs)


@every_recipe_at_a_high_price
@pytest.mark.parametrize("mode", ["run_eagerly", "jit_compile"])
def test_a_step_runs_eagerly_and_compiled_by_xla(name, mode):
    model = build(name)
    if mode == "jit_compile" and not model.supports_jit:
        # XLA lacks the gradient of nearest resizing, and what is done on the host.
        assert name in ("convolutional_autoencoder", "echo_state")
        for alike in (model, keras.models.clone_model(model)):
            with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
                alike.jit_compile = True
            assert not alike.jit_compile
    else:
        setattr(model, mode, True)
    before = arrays(model.trainable_variables)
    history = model.fit(*batch(name), batch_size=12, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert any(
        (a != b).any() for a, b in zip(before, arrays(model.trainable_variables), strict=True)
    )


@every_recipe_at_a_high_price
def test_a_float16_model_moves_within_its_first_steps(name):
    model = build_under("mixed_float16", name)
    before = arrays(model.trainable_variables)
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    model.fit(*batch(name), batch_size=6, callbacks=[halve], verbose=0)
    assert any(
        (a != b).any() for a, b in zip(before, arrays(model.trainable_variables), strict=True)
    )
    assert model.predict(batch(name)[0], verbose=0).dtype in ("float32", "int32")
