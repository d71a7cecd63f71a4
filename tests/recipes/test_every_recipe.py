"""Properties that every registered recipe must have; a new recipe needs no new test here."""

import collections
import doctest
import functools
import inspect
import itertools
import json
import os
import subprocess
import sys

import keras
import keras_tuner
import numpy as np
import pytest

from amalthea.callbacks import Backup
from amalthea.recipes import get_recipe, list_recipes

from harness import arrays, batch, build, build_under, one_sentence, stored

RECIPES = list_recipes()
every_recipe = pytest.mark.parametrize("name", RECIPES)
# What is trained in stages is traced anew in each, and two networks are traced for long. Of those
# that have a model in common, one shows it.
STAGED = {name for name in RECIPES if get_recipe(name).schedule}
SLOW = STAGED | {n for n in RECIPES if get_recipe(n).family in ("gans", "autoencoders")}
SLOW -= {"toy_gan", "autoencoder"}
# Whose like is traced on JAX and on two replicas, too.
LIKE_ANOTHER = {
    "conditional_variational_autoencoder",
    "dbn",
    "greedy_classifier",
    "multimodal_dbn",
    "stylegan",
}


def marks(name):
    staged = name in STAGED - LIKE_ANOTHER
    return [pytest.mark.slow] * (name in SLOW) + [pytest.mark.staged] * staged


every_recipe_trained = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=marks(name)) for name in RECIPES]
)


def stages(name):
    """What trains the model in stages, if it is: a list of one callback, or of none."""
    entry = get_recipe(name)
    return [entry.schedule(build(name).origin.arguments)] if entry.schedule else []


def state(model):
    return arrays(model.variables) + arrays(model.optimizer.variables)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", list_recipes(variants=True))
def test_published_parameter_counts(name):
    for published in get_recipe(name).published:
        model = get_recipe(name).build(**published.arguments)
        counts = [int(np.prod(v.shape)) for v in model.trainable_variables]
        assert sum(counts) == published.parameters, published.configuration


@every_recipe_trained
def test_two_steps_of_fit_move_every_trainable_weight(name):
    model = build(name)
    before = arrays(model.trainable_variables)
    history = model.fit(*batch(name), batch_size=12, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    _said_to_be_incomparable_is_logged(name, history.history)
    still = {
        v.path
        for v, old in zip(model.trainable_variables, before, strict=True)
        if np.array_equal(v.value, old)
    }
    assert still == get_recipe(name).frozen


@every_recipe
def test_quick_figures_are_near_the_exact_ones_and_the_objective_is_logged_or_among_them(name):
    entry = get_recipe(name)
    if not entry.objective.measured:
        pytest.skip("its objective is a metric of the model")
    model = build(name)
    images = batch(name)[0]
    figures = [
        measures(model, images, np.arange(len(images)) % 3, 8)
        for measures in (entry.measures, entry.quick_measures)
    ]
    assert entry.objective.name.removeprefix("val_") in figures[0]
    assert figures[0].keys() == figures[1].keys()
    for figure, exact in figures[0].items():
        assert np.isclose(figures[1][figure], exact, rtol=0.05, atol=0.2), figure


def _said_to_be_incomparable_is_logged(name, logs):
    entry = get_recipe(name)
    said = {name for p in entry.parameters for c in p.changes for name in c.logged}
    assert {name.removeprefix("val_") for name in said | entry.incomparable} <= logs.keys()


# Of models that have their objective in common one shows it.
@pytest.mark.parametrize("name", sorted({*RECIPES} - SLOW | {"variational_autoencoder"}))
def test_labels_are_ignored_by_recipes_that_do_not_learn_from_them(name):
    if get_recipe(name).supervised:
        pytest.skip("learns from labels")
    (images,) = batch(name)
    alone, labelled = (build(name) for _ in range(2))
    alone.fit(images, verbose=0, shuffle=False)
    labelled.fit(images, np.arange(len(images)), verbose=0, shuffle=False)
    for a, b in zip(state(alone), state(labelled), strict=True):
        np.testing.assert_array_equal(a, b)


@every_recipe_trained
def test_a_batch_of_one_and_any_other_size_run(name):
    model = build(name)
    for count in (1, 5):
        outputs = model.predict(batch(name, count)[0], verbose=0)
        assert len(outputs) == count
        assert np.isfinite(outputs).all()


@every_recipe_trained
def test_the_output_is_float32_under_mixed_precision(name):
    model = build_under("mixed_bfloat16", name)
    history = model.fit(*batch(name), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.predict(batch(name)[0], verbose=0).dtype == "float32"


@every_recipe
def test_another_seed_makes_another_model(name):
    first, other = (arrays(build(name, seed=seed).variables) for seed in (3, 4))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


# So the seed alone decides weights and noise: they are two models.
@every_recipe_trained
def test_interrupted_and_resumed_equals_uninterrupted(name, tmp_path):
    def fit(model, backup, first, last):
        callbacks = [*stages(name), backup]
        fit = {"batch_size": 8, "shuffle": False, "verbose": 0, "callbacks": callbacks}
        model.fit(*batch(name), initial_epoch=first, epochs=last, **fit)

    whole = build(name)
    fit(whole, Backup(tmp_path / "whole"), 0, 4)
    fit(build(name), Backup(tmp_path / "cut"), 0, 2)
    resumed, backup = build(name), Backup(tmp_path / "cut")
    assert backup.restore(resumed) == 2
    fit(resumed, backup, 2, 4)
    for a, b in zip(state(whole), state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


@every_recipe
def test_untuned_the_space_is_the_signature(name):
    entry = get_recipe(name)
    defaults = {p.name: p.default for p in entry.parameters if p.tunable}
    assert entry.space(keras_tuner.HyperParameters()) == defaults


@every_recipe_trained
def test_drawn_arguments_build(name):
    entry = get_recipe(name)
    hypermodel = entry.hypermodel(**entry.smoke)
    hp = keras_tuner.HyperParameters()
    hypermodel.build(hp)
    for seed in range(3):
        drawn = keras_tuner.HyperParameters()
        for p in hp.space:
            drawn.values[p.name] = p.random_sample(seed)
        model = hypermodel.build(drawn)
        assert model.origin.recipe == name


@every_recipe
def test_a_model_is_small_enough_for_tests(name):
    assert build(name).count_params() < 100_000
    assert max(batch(name)[0].shape[1:]) <= 16


@every_recipe
def test_a_value_that_cannot_be_used_is_one_sentence(name):
    for p in get_recipe(name).parameters:
        with pytest.raises(ValueError, match=rf"^{name}: {p.name} must be .*, got ") as error:
            build(name, **{p.name: object})
        one_sentence(error)


@every_recipe_trained
def test_the_example_of_the_docstring_runs(name):
    function = inspect.unwrap(get_recipe(name).build)
    tests = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0


@every_recipe
def test_endpoints_share_the_models_weights(name):
    model = build(name)
    for endpoint in get_recipe(name).endpoints.values():
        if endpoint.deterministic and "n" not in endpoint.inputs:
            part = endpoint.bind(model)
            assert tuple(part.input) == endpoint.inputs
            assert tuple(part.output) == endpoint.outputs
            assert {id(v) for v in part.variables} <= {id(v) for v in model.variables}


RELOADER = """
import json, sys
import numpy as np
import keras, amalthea

recipes = amalthea.recipes
for name, folder in json.loads(sys.argv[1]).items():
    given = np.load(folder + "/given.npz")
    data = [given[key] for key in ("images", "labels") if key in given]
    entry = recipes.get_recipe(name)
    arguments = {p.name: p.default for p in entry.parameters} | dict(entry.smoke)
    stages = [entry.schedule(arguments)] if entry.schedule else []
    model = keras.models.load_model(folder + "/model.keras")
    assert model.origin.recipe == name, model.origin
    outputs = model.predict(data[0], verbose=0)
    optimizer = [np.asarray(v.value) for v in model.optimizer.variables]
    model.fit(*data, batch_size=12, shuffle=False, callbacks=stages, verbose=0)
    weights = model.get_weights()
    np.savez(folder + "/got.npz", outputs=outputs,
             **{f"optimizer{i}": v for i, v in enumerate(optimizer)},
             **{f"weights{i}": v for i, v in enumerate(weights)})
"""


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory):
    """For slow recipes or the others, what a fresh process makes of saved models."""
    return functools.cache(lambda slow: _reloaded(tmp_path_factory, slow))


def _reloaded(tmp_path_factory, slow):
    """What is expected of each saved model, and what a fresh process makes of it."""
    folders, expected = {}, {}
    names = [name for name in RECIPES if (name in SLOW) == slow]
    if slow and keras.backend.backend() != "tensorflow":
        names = [name for name in names if name in STAGED - LIKE_ANOTHER]
    for name in names:
        folder = folders[name] = str(tmp_path_factory.mktemp(name))
        data = batch(name)
        np.savez(f"{folder}/given.npz", **dict(zip(("images", "labels"), data, strict=False)))
        model = build(name)
        fit = {"batch_size": 12, "shuffle": False, "callbacks": stages(name), "verbose": 0}
        model.fit(*data, **fit)
        model.save(f"{folder}/model.keras")
        expected[name] = {"outputs": model.predict(data[0], verbose=0)}
        for i, value in enumerate(arrays(model.optimizer.variables)):
            expected[name][f"optimizer{i}"] = value
        model.fit(*data, **fit)
        for i, value in enumerate(model.get_weights()):
            expected[name][f"weights{i}"] = value
    command = [sys.executable, "-c", RELOADER, json.dumps(folders)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return {name: (expected[name], stored(f"{folders[name]}/got.npz")) for name in names}


@every_recipe_trained
def test_a_fresh_process_loads_model_and_optimizer_and_trains_on(name, reloaded):
    expected, got = reloaded(name in SLOW)[name]
    assert set(got) == set(expected)
    assert any(key.startswith("optimizer") for key in expected)
    for key, value in expected.items():
        np.testing.assert_array_equal(got[key], value, err_msg=key)


def unordered(graph):
    """Reads and writes of the same weight of which neither has to wait for the other."""
    later = collections.defaultdict(set)
    for node in graph.node:
        for name in node.input:
            later[name.lstrip("^").split(":")[0]].add(node.name)

    @functools.cache
    def after(name):
        found, todo = set(), [name]
        while todo:
            new = later[todo.pop()] - found
            found |= new
            todo += new
        return found

    reads, writes = collections.defaultdict(list), collections.defaultdict(list)
    for node in graph.node:
        if node.op in ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
            writes[node.input[0]].append(node.name)
        elif node.op == "ReadVariableOp":
            reads[node.input[0]].append(node.name)
    return [
        (read, write)
        for weight in writes
        for read, write in itertools.product(reads[weight], writes[weight])
        if write not in after(read) and read not in after(write)
    ]


@pytest.mark.slow
@pytest.mark.tensorflow
@every_recipe
def test_no_weight_is_written_while_its_old_value_is_still_to_be_read(name):
    import tensorflow as tf
    from tensorflow.python.eager import context

    # Whatever models of other tests have switched off is on at first, as it is for a user.
    tf.config.optimizer.set_experimental_options({"dependency_optimization": True})
    model = build(name)
    data = [tf.constant(images) for images in batch(name)]
    model.fit(*data, verbose=0)
    context.enable_run_metadata()
    try:
        tf.function(model.train_step)(data)
    finally:
        graphs = context.export_run_metadata().function_graphs
        context.disable_run_metadata()
    assert graphs
    for graph in graphs:
        assert unordered(graph.post_optimization_graph) == []


TWO_REPLICAS = """
import sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, {tests!r})
import test_every_recipe as here

for name in sorted(set(here.RECIPES) - here.LIKE_ANOTHER):
    updates = []
    for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
        # Collectives between two devices of one process can meet in the wrong order.
        reduction = tf.distribute.ReductionToOneDevice()
        with tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction).scope():
            model = here.build(name)
            model.optimizer.build(model.trainable_variables)
        before = np.concatenate([v.numpy().ravel() for v in model.trainable_variables])
        model.fit(*here.batch(name), batch_size=12, shuffle=False, verbose=0)
        after = np.concatenate([v.numpy().ravel() for v in model.trainable_variables])
        updates.append(after - before)
    one, two = updates
    if any(v.name == "seed_generator_state" for v in model.variables):
        # Each replica draws for its own images, so only the size of the step is the same.
        ratio = np.linalg.norm(two) / np.linalg.norm(one)
        assert 0.7 < ratio < 1.4, (name, ratio)
    else:
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5, err_msg=name)
"""


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_step_on_two_replicas_equals_the_step_on_one():
    script = TWO_REPLICAS.format(tests=os.path.dirname(__file__))
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.path.dirname(os.path.dirname(__file__))},
    )
    assert done.returncode == 0, done.stderr
