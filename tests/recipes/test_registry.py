import functools
import inspect
import os
import subprocess
import sys
import textwrap
from typing import Annotated

import keras
import keras_tuner
import numpy as np
import pytest

from amalthea import recipes
from amalthea.data import ImageSet
from amalthea.errors import UserError
from amalthea.recipes import (
    Objective,
    Part,
    Published,
    get_recipe,
    list_recipes,
    recipe,
    variant,
)
from amalthea.recipes.search import (
    Changes,
    Flag,
    FromData,
    ImageShape,
    Int,
    LearningRate,
    Seed,
    Widths,
    at_least,
)
from amalthea.recipes.tasks import CLASSIFICATION, RECONSTRUCTION

from harness import one_sentence

DOCSTRING = """One line.

Args:
    image_shape: The shape.
    units: The units.
    learning_rate: The rate.
    flag: The flag.
    seed: The seed.

Returns:
    A model.

Raises:
    UserError: Never.

Example:
    >>> 1 + 1
    2

Reference:
    A paper.
"""


@pytest.fixture(autouse=True)
def _own_registry(monkeypatch):
    from amalthea.recipes import registry

    monkeypatch.setattr(registry, "_recipes", dict(registry._recipes))


def register(build, **changes):
    build.__doc__ = changes.pop("doc", DOCSTRING)
    facts = {
        "family": "tests",
        "task": RECONSTRUCTION,
        "data": "digits",
        "paper": "none",
        "objective": Objective("val_loss", "min"),
        "endpoints": {"serve": Part("images", "images")},
        "smoke": {},
        "published": (Published("tiny", 1, "here"),),
    }
    return recipe(**(facts | changes))(build)


def tiny(
    image_shape: ImageShape = (2, 2, 1),
    *,
    units: Annotated[tuple[int, ...], Widths(2, 9, depth=(1, 2))] = (4,),
    learning_rate: LearningRate = 0.01,
    flag: Flag = False,
    seed: Seed = None,
):
    inputs = keras.Input(image_shape)
    outputs = keras.layers.Flatten()(inputs)
    for width in units:
        outputs = keras.layers.Dense(width)(outputs)
    model = keras.Model(inputs, outputs, name="tiny")
    model.compile(keras.optimizers.SGD(learning_rate), "mean_squared_error")
    return model


def test_names_match_shell_style_patterns():
    assert "lenet5" in list_recipes()
    assert list_recipes("*autoencoder*") == [n for n in list_recipes() if "autoencoder" in n]
    assert list_recipes("nothing*") == []


def test_an_unknown_name_gets_the_nearest_ones():
    with pytest.raises(UserError, match="did you mean lenet5") as error:
        get_recipe("lenet")
    one_sentence(error)


def test_the_decorator_reads_everything_from_the_signature():
    build = register(tiny)
    entry = get_recipe("tiny")
    assert entry.summary == "One line."
    assert entry["units"].default == (4,)
    assert entry["units"].help == "The units."
    assert entry["units"].type_name == "ints"
    assert entry["seed"].type_name == "int"
    assert not entry["flag"].tunable
    assert list(entry.hyperparameters()) == ["learning_rate", "batch_size", "units", "units_depth"]
    assert build.__name__ == "tiny"
    assert build(units=(3,)).output_shape == (None, 3)


def test_a_model_knows_its_origin():
    model = register(tiny)(units=(3, 5), seed=4)
    assert model.origin.recipe == "tiny"
    assert model.origin.arguments["units"] == (3, 5)
    assert model.origin.arguments["learning_rate"] == 0.01


def test_the_seed_decides_the_weights_and_leaves_the_random_state_alone():
    import random

    build = register(tiny)
    first, again, other = (build(seed=seed).get_weights()[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    state = random.getstate()
    build(seed=1)
    assert random.getstate() == state


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"units": (-1,)},
            r"tiny: units must be a list of 1 or more whole numbers .* got \(-1,\)",
        ),
        ({"units": ()}, r"tiny: units must be .* got \(\)"),
        ({"learning_rate": 0}, "tiny: learning_rate must be a number above 0, got 0"),
        ({"image_shape": (8, 8)}, r"tiny: image_shape must be \(height, width, channels\)"),
        ({"unitts": (1,)}, "tiny has no argument 'unitts': did you mean units"),
    ],
)
def test_a_value_out_of_the_domain_is_one_sentence(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        register(tiny)(**arguments)
    one_sentence(error)


def test_space_draws_exactly_the_builders_arguments():
    register(tiny)
    entry = get_recipe("tiny")
    hp = keras_tuner.HyperParameters()
    assert entry.space(hp) == {"units": (4,), "learning_rate": 0.01}
    assert entry.space(hp, units=(7,), flag=True)["flag"] is True
    hp = keras_tuner.HyperParameters()
    entry.space(hp, learning_rate=0.1)
    assert [p.name for p in hp.space] == ["units_depth", "units_0", "units_1"]


@pytest.mark.parametrize(
    ("top", "names"),
    [
        (1, ["learning_rate"]),
        (2, ["learning_rate", "batch_size"]),
        (3, ["learning_rate", "batch_size", "units_0"]),
        (4, ["learning_rate", "batch_size", "units_0", "units_1", "units_depth"]),
    ],
)
def test_top_tunes_only_the_highest_ranked(top, names):
    register(tiny)
    hp = keras_tuner.HyperParameters()
    get_recipe("tiny").hypermodel(top=top).build(hp)
    assert sorted(p.name for p in hp.space) == sorted(names)


def test_nothing_left_to_tune_is_an_error():
    register(tiny)
    with pytest.raises(UserError, match="none is left"):
        get_recipe("tiny").hypermodel(units=(4,), learning_rate=0.1, batch_size=16)
    with pytest.raises(UserError, match="at least 1, got 0"):
        get_recipe("tiny").hypermodel(top=0)


def test_wrong_fixed_values_are_named_before_any_trial():
    register(tiny)
    for fixed in ({"units": (0,)}, {"batch_size": 0}, {"depth": 3}):
        with pytest.raises(UserError, match=next(iter(fixed))):
            get_recipe("tiny").hypermodel(**fixed)


@pytest.mark.parametrize("data", ["arrays", "dataset", "function"])
def test_a_hypermodel_applies_its_batch_size_to_any_kind_of_data(data):
    import tensorflow as tf

    register(tiny)
    hypermodel = get_recipe("tiny").hypermodel()
    hp = keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    hp.values["batch_size"] = 16
    x, y = np.zeros((40, 2, 2, 1), "float32"), np.zeros((40, 4), "float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, y))
    arguments = {
        "arrays": {"x": x, "y": y, "validation_data": (x, y)},
        "dataset": {"x": dataset.batch(7), "validation_data": dataset.batch(7)},
        "function": {"x": dataset.batch, "validation_data": dataset.batch},
    }[data]
    history = hypermodel.fit(hp, model, epochs=2, verbose=0, **arguments)
    assert int(model.optimizer.iterations) == 2 * 3, "40 images are 3 batches of 16"
    assert len(history.history["val_loss"]) == 2


@pytest.mark.parametrize("data", ["arrays", "dataset", "function"])
def test_held_out_images_come_in_batches_of_one_size_whatever_the_batch_size(data):
    import tensorflow as tf

    class Rows(keras.layers.Layer):
        def call(self, inputs):
            rows = keras.ops.cast(keras.ops.shape(inputs)[0], "float32")
            self.add_loss(rows + 0 * keras.ops.sum(inputs))
            return inputs

    def counted(*args, **kwargs):
        model = tiny(*args, **kwargs)
        model = keras.Model(model.inputs, Rows()(model.output))
        model.compile(keras.optimizers.SGD(0.01))
        return model

    counted = functools.wraps(tiny)(counted)
    register(counted, batch_size=32)
    x = np.zeros((96, 2, 2, 1), "float32")
    dataset = tf.data.Dataset.from_tensor_slices(x)
    arguments = {
        "arrays": {"x": x, "validation_data": (x,)},
        "dataset": {"x": dataset.batch(7), "validation_data": dataset.batch(7)},
        "function": {"x": dataset.batch, "validation_data": dataset.batch},
    }[data]
    for fixed, expected in (({}, 32), ({"batch_size": 48}, 48)):
        hypermodel = get_recipe("tiny").hypermodel(**fixed)
        hp = keras_tuner.HyperParameters()
        model = hypermodel.build(hp)
        hp.values["batch_size"] = 16
        history = hypermodel.fit(hp, model, epochs=1, verbose=0, **arguments).history
        assert history["val_loss"] == [expected]


def annotated(*changes):
    """`tiny`, whose `units` change something."""

    def build(
        image_shape: ImageShape = (2, 2, 1),
        *,
        units: Annotated[tuple[int, ...], Widths(2, 9, depth=(1, 2)), *changes] = (4,),
        learning_rate: LearningRate = 0.01,
        flag: Flag = False,
        seed: Seed = None,
    ):
        return tiny(image_shape, units=units)

    return build


def test_a_tuned_argument_changes_what_its_annotation_says_and_a_fixed_one_nothing():
    unless_flagged = Changes("val_loss", where=lambda arguments: not arguments["flag"])
    good = Objective("val_good", "max")
    register(annotated(unless_flagged, Changes("loss")), objective=good)
    entry = get_recipe("build")
    for name, fixed, expected in [
        ("val_loss", {}, ("units",)),
        ("val_loss", {"flag": True}, ()),
        ("val_loss", {"units": (3,)}, ()),
        ("loss", {"flag": True}, ("units",)),
        ("val_good", {}, ()),
    ]:
        assert entry.hypermodel(**fixed).changing(name) == expected, (name, fixed)
    assert entry.hypermodel(top=1).changing("val_loss") == ()


@pytest.mark.parametrize(
    ("build", "facts"),
    [(annotated(Changes("val_loss")), {}), (tiny, {"incomparable": {"val_loss"}})],
)
def test_no_recipe_has_an_objective_that_is_not_comparable(build, facts):
    with pytest.raises(TypeError, match="its objective val_loss is not comparable"):
        register(build, **facts)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_anyones_own_tuner_takes_a_hypermodel(tmp_path):
    register(tiny)
    x, y = np.random.rand(40, 2, 2, 1), np.zeros((40, 4))
    fixed = get_recipe("tiny").hypermodel(units=(4,))
    tuner = keras_tuner.RandomSearch(
        fixed, "val_loss", max_trials=3, directory=tmp_path, project_name="fixed", seed=1
    )
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    trials = tuner.oracle.get_best_trials(3)
    assert len(trials) == 3
    assert all("batch_size" in trial.hyperparameters.values for trial in trials)


def broken(**changes):
    def build(
        image_shape: ImageShape = (2, 2, 1),
        *,
        units: Annotated[int, Int(1, 9)] = 4,
        learning_rate: LearningRate = 0.01,
        flag: Flag = False,
        seed: Seed = None,
    ):
        return tiny(image_shape)

    build.__annotations__ |= changes.pop("annotations", {})
    build.__kwdefaults__ |= changes.pop("defaults", {})
    return build


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (
            broken(defaults={"units": 10}),
            {},
            "'units' has the default 10, outside its range 1 to 9",
        ),
        (broken(annotations={"units": int}), {}, "'units' has neither a Range"),
        (broken(), {"doc": DOCSTRING.replace("Raises:", "Errors:")}, "its docstring lacks Raises:"),
        (broken(), {"doc": DOCSTRING.replace("    units: The units.\n", "")}, "'units' is missing"),
        (broken(), {"doc": None}, "its docstring lacks Args:"),
        (broken(), {"batch_size": 0}, "the batch size must be a whole number of at least 1"),
    ],
)
def test_a_flaw_is_caught_when_registering(build, changes, message):
    with pytest.raises(TypeError, match=message):
        register(build, **changes)


def test_two_recipes_of_one_name_are_refused():
    def lenet5(image_shape: ImageShape = (2, 2, 1), *, seed: Seed = None):
        return tiny(image_shape)

    with pytest.raises(TypeError, match="two recipes are called 'lenet5'"):
        register(lenet5)


@pytest.mark.slow
def test_another_distribution_adds_recipes_through_its_entry_points(tmp_path):
    (tmp_path / "plugin_amalthea.py").write_text(
        textwrap.dedent(
            '''
            import keras
            from amalthea.recipes import Objective, Part, recipe
            from amalthea.recipes.search import ImageShape, LearningRate, Seed
            from amalthea.recipes.tasks import RECONSTRUCTION

            @recipe(family="plugins", task=RECONSTRUCTION, data="digits", paper="none", smoke={},
                    objective=Objective("val_loss", "min"), endpoints={"serve": Part("a", "b")})
            def plugged_in(image_shape: ImageShape = (2, 2, 1), *,
                           learning_rate: LearningRate = 0.01, seed: Seed = None):
                """From elsewhere.

                Args:
                    image_shape: The shape.
                    learning_rate: The rate.
                    seed: The seed.

                Returns:
                    A model.

                Raises:
                    UserError: Never.

                Example:
                    None.

                Reference:
                    None.
                """
                inputs = keras.Input(image_shape)
                model = keras.Model(inputs, keras.layers.Flatten()(inputs))
                model.compile(keras.optimizers.SGD(learning_rate), "mean_squared_error")
                return model
            '''
        )
    )
    (tmp_path / "setup.cfg").write_text(
        textwrap.dedent(
            """
            [metadata]
            name = plugin-amalthea
            version = 1.0
            [options]
            py_modules = plugin_amalthea
            [options.entry_points]
            amalthea.recipes =
                plugin = plugin_amalthea
                broken = no_such_module
            """
        )
    )
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site]
    subprocess.run([*pip, tmp_path], check=True, capture_output=True)
    script = """
        import warnings
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            from amalthea import jobs, recipes
            assert recipes.list_recipes("plugged*") == ["plugged_in"]
            assert recipes.get_recipe("plugged_in").build().output_shape == (None, 4)
            assert jobs.list_recipes("plugged*") == ["plugged_in"]
            assert jobs.describe("plugged_in")["summary"] == "From elsewhere."
        assert any("no_such_module" in str(w.message) for w in caught), [str(w) for w in caught]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_package_re_exports_every_recipe():
    for name in list_recipes(variants=True):
        assert getattr(recipes, name) is get_recipe(name).build


def test_arguments_that_the_data_determine_are_found_by_their_annotation():
    images = ImageSet("some", np.zeros((4, 3, 5, 1), "float32"), np.array([0, 1, 2, 1]))
    shape, features = {"image_shape": (3, 5, 1)}, images.features
    assert get_recipe("gan").from_data(features) == shape
    assert get_recipe("conditional_gan").from_data(features) == shape | {"num_classes": 3}
    words = {"vocabulary_size": 3, "caption_length": 1}
    assert get_recipe("multimodal_dbn").from_data(features) == shape | words
    assert get_recipe("multimodal_dbn").num_classes(words) == 3
    assert get_recipe("gan").num_classes({}) is None

    def build(
        image_shape: ImageShape = (2, 2, 1),
        *,
        units: Annotated[int, at_least(1), FromData("label", "count")] = 4,
        learning_rate: LearningRate = 0.01,
        flag: Flag = False,
        seed: Seed = None,
    ):
        return tiny(image_shape, units=(units,))

    register(build, task=CLASSIFICATION)
    assert get_recipe("build").from_data(features) == shape | {"units": 3}
    assert get_recipe("build").supervised


def test_what_a_task_learns_from_determines_an_argument():
    with pytest.raises(TypeError, match="none of its arguments is determined by the label that cl"):
        register(tiny, task=CLASSIFICATION)


def test_a_size_is_a_recipe_of_its_own_with_other_defaults():
    wide = variant(register(tiny), "tiny_9", units=(9, 9), parameters=1, source="here")
    entry = get_recipe("tiny_9")
    assert wide is entry.build
    assert list(inspect.signature(wide).parameters) == list(inspect.signature(tiny).parameters)
    model = wide(flag=True)
    assert model.origin.recipe == "tiny_9"
    assert model.origin.arguments["units"] == (9, 9)
    assert [layer.units for layer in model.layers if hasattr(layer, "units")][:2] == [9, 9]
    assert [other.name for other in get_recipe("tiny").variants()] == ["tiny_9"]
    assert "tiny_9" in list_recipes(variants=True)
    assert "tiny_9" not in list_recipes()
    assert entry.describe()["variant_of"] == "tiny"
    assert entry.published == (Published("tiny_9", 1, "here"),)


def test_a_search_keeps_what_makes_the_size():
    variant(register(tiny), "tiny_9", units=(9, 9), parameters=1, source="here")
    assert "units" in get_recipe("tiny").hyperparameters()
    assert not {"units", "units_depth"} & get_recipe("tiny_9").hyperparameters().keys()
    drawn = get_recipe("tiny_9").space(keras_tuner.HyperParameters())
    assert drawn["units"] == (9, 9)


def test_a_size_of_other_data_is_refused():
    variant(register(tiny), "tiny_3", image_shape=(3, 3, 1), parameters=1, source="here")
    images = ImageSet("some", np.zeros((4, 3, 5, 1), "float32"))
    with pytest.raises(UserError, match=r"tiny_3 is tiny with image_shape .*: take tiny") as error:
        get_recipe("tiny_3").from_data(images.features)
    one_sentence(error)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"rows": 3}, "tiny has no argument rows"), ({"units": (0,)}, "outside its range")],
)
def test_a_size_that_cannot_be_is_caught_when_registering(arguments, message):
    with pytest.raises(TypeError, match=message):
        variant(register(tiny), "tiny_0", **arguments, parameters=1, source="here")
