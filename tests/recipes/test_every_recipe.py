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

from amalthea.recipes import get_recipe, list_recipes

from harness import arrays, batch, build, build_under, one_sentence
from kinds import KINDS, RECIPES, SAME_CLASS, SAME_PARTS, each_recipe
from life import state


def in_stages(name):
    entry = get_recipe(name)
    arguments = {p.name: p.default for p in entry.parameters}
    return entry.schedule is not None and len(entry.schedule(arguments).starts) > 1


every_recipe = pytest.mark.parametrize("name", RECIPES)
# One of each family shows in the default tests what one of each kind shows in the slow ones.
QUICK = {"autoencoder", "lenet5", "linear_regression", "rbm", "toy_gan"}
# Those that are tried on JAX, too: what is trained in stages, and what no other is like.
ON_JAX = {name for name in KINDS if in_stages(name)}
ON_JAX |= {"boltzmann_machine", "hopfield", "localizer", "resnet", "skip_gram"}


@pytest.fixture
def without_values(monkeypatch):
    """Where nobody looks at the values of weights: to draw a hundred million takes its time."""
    from keras.src.initializers import random_initializers

    def zeros(shape, *args, dtype=None, **kwargs):
        return keras.ops.convert_to_tensor(np.zeros(shape, "float32"), dtype)

    for draw in ("normal", "truncated_normal", "uniform"):
        monkeypatch.setattr(random_initializers.random, draw, zeros)


@functools.cache
def unchanged(name):
    """The small model of a recipe, all of whose weights are 0, for tests that leave it alone."""
    return build(name)


# Kinds of a class that another is of, too, unless they have ways of their own on JAX.
SIMILAR = SAME_CLASS.keys() - ON_JAX
every_recipe_trained = each_recipe(QUICK, like=SIMILAR, jax=ON_JAX)
# What a backend hardly changes is tried on JAX with those of the default tests.
every_recipe_at_a_price = each_recipe(QUICK, like=SIMILAR)


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name not in RECIPES))
        for name in list_recipes(variants=True)
    ],
)
def test_published_parameter_counts(name, without_values):
    for published in get_recipe(name).published:
        model = get_recipe(name).build(**published.arguments)
        counts = [int(np.prod(v.shape)) for v in model.trainable_variables]
        assert sum(counts) == published.parameters, published.configuration


@every_recipe_trained
def test_two_steps_of_fit_move_every_trainable_weight(name, life):
    assert np.isfinite(life.logs["loss"]).all()
    _said_to_be_incomparable_is_logged(name, life.logs)
    still = {
        variable.path
        for variable, old, new in zip(life.model.weights, life.initial, life.first, strict=False)
        if variable.trainable and np.array_equal(old, new)
    }
    assert still == get_recipe(name).frozen


@pytest.mark.tensorflow
@every_recipe_trained
def test_a_step_is_traced_once(name, life):
    assert life.traces == 1


@every_recipe_at_a_price
def test_quick_figures_are_near_the_exact_ones_and_the_objective_is_logged_or_among_them(name):
    entry = get_recipe(name)
    if not entry.objective.measured:
        pytest.skip("its objective is a metric of the model")
    model = build(name)
    images, *targets = batch(name)
    labels = targets[0] if targets else np.arange(len(images)) % 3
    figures = [
        measures(model, images, labels, 8) for measures in (entry.measures, entry.quick_measures)
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
@each_recipe(QUICK, among=sorted(QUICK | {"variational_autoencoder"}), jax=ON_JAX)
def test_labels_are_ignored_by_recipes_that_do_not_learn_from_them(name, life):
    if get_recipe(name).supervised:
        pytest.skip("learns from labels")
    labelled, (images,) = build(name), life.data
    labels = np.arange(len(images))
    labelled.fit(images, labels, batch_size=12, verbose=0, shuffle=False)
    for a, b in zip(life.first, state(labelled), strict=True):
        np.testing.assert_array_equal(a, b)


@every_recipe_trained
def test_a_batch_of_one_and_any_other_size_run(name, life):
    for count in (1, 5):
        outputs = life.model.predict(batch(name, count)[0], verbose=0)
        assert len(outputs) == count
        assert np.isfinite(outputs).all()


@every_recipe_at_a_price
def test_the_output_is_float32_under_mixed_precision(name):
    model = build_under("mixed_bfloat16", name)
    history = model.fit(*batch(name), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    # Numbers of tokens are whole.
    assert model.predict(batch(name)[0], verbose=0).dtype in ("float32", "int32")


@every_recipe_at_a_price
def test_another_seed_makes_another_model(name):
    first, other = (arrays(build(name, seed=seed).variables) for seed in (3, 4))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@every_recipe
def test_untuned_the_space_is_the_signature(name):
    entry = get_recipe(name)
    defaults = {p.name: p.default for p in entry.parameters if p.tunable}
    assert entry.space(keras_tuner.HyperParameters()) == defaults


@every_recipe_at_a_price
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


@each_recipe((), like=SIMILAR)
def test_metrics_of_ones_own_are_added_and_nothing_else_changes(name):
    entry, models = get_recipe(name), []
    for metrics in ([], ["mean_absolute_error"]):
        keras.backend.clear_session(free_memory=False)  # names count anew
        hypermodel = entry.hypermodel(metrics=metrics, **entry.smoke)
        models.append(hypermodel.build(keras_tuner.HyperParameters()))
    config, other = (model.get_compile_config() for model in models)
    own = config.pop("metrics", None) or []
    assert len(other.pop("metrics")) == len(own) + 1
    assert config == other
    assert len({len(model.optimizer.variables) for model in models}) == 1


@every_recipe
def test_a_model_is_small_enough_for_tests(name, without_values):
    assert unchanged(name).count_params() < 100_000
    assert max(batch(name)[0].shape[1:]) <= 32


@pytest.mark.parametrize("name", SAME_CLASS)
def test_a_model_is_of_the_class_that_it_is_said_to_share(name, without_values):
    assert type(unchanged(name)) is type(unchanged(SAME_CLASS[name]))


@pytest.mark.parametrize("name", SAME_PARTS)
def test_layers_and_endpoints_are_among_those_that_they_are_said_to_be(name, without_values):
    def parts(name):
        layers = {type(layer) for layer in unchanged(name)._flatten_layers()}
        ends = {(end, type(part)) for end, part in get_recipe(name).endpoints.items()}
        return layers - {type(unchanged(name)), keras.Model, keras.layers.InputLayer} | ends

    own, others = parts(name), parts(SAME_PARTS[name])
    assert len(own) > 1
    assert own <= others


@every_recipe
def test_a_value_that_cannot_be_used_is_one_sentence(name):
    for p in get_recipe(name).parameters:
        with pytest.raises(ValueError, match=rf"^{name}: {p.name} must be .*, got ") as error:
            build(name, **{p.name: object})
        one_sentence(error)


@every_recipe_at_a_price
def test_the_example_of_the_docstring_runs(name):
    function = inspect.unwrap(get_recipe(name).build)
    tests = doctest.DocTestFinder(recurse=False).find(function, name, globs={})
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0


@each_recipe(KINDS)
def test_endpoints_share_the_models_weights(name, without_values):
    model = unchanged(name)
    for endpoint in get_recipe(name).endpoints.values():
        # What differentiates takes its time, and is exported in the slow tests.
        if (
            endpoint.deterministic
            and "n" not in endpoint.inputs
            and not getattr(endpoint, "differentiates", False)
            # TensorFlow alone has strings.
            and (keras.backend.backend() == "tensorflow" or "texts" not in endpoint.inputs)
        ):
            part = endpoint.bind(model)
            assert tuple(part.input) == endpoint.inputs
            assert tuple(part.output) == endpoint.outputs
            assert {id(v) for v in part.variables} <= {id(v) for v in model.variables}


# A fresh process knows files alone: the seed decides weights, noise and order.
@every_recipe_trained
def test_a_fresh_process_loads_model_and_optimizer_and_trains_on(name, life):
    same(life.afterlife["loaded"], life.learnt(life.half))
    same(life.afterlife["outputs"], [life.half_outputs])
    same(life.afterlife["loaded, trained on"], life.learnt(life.end))


@every_recipe_trained
def test_interrupted_and_resumed_equals_uninterrupted(name, life):
    same(life.afterlife["restored"], life.learnt(life.half))
    if get_recipe(name).schedule:  # of others, what is trained on is all in that state
        same(life.afterlife["restored, trained on"], life.learnt(life.end))


def same(arrays, expected):
    for array, other in zip(arrays, expected, strict=True):
        np.testing.assert_array_equal(array, other)


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


@pytest.mark.tensorflow
@each_recipe((), like=SIMILAR)
def test_no_weight_is_written_while_its_old_value_is_still_to_be_read(name, life):
    import tensorflow as tf
    from tensorflow.python.eager import context

    data = [tf.constant(images) for images in life.data]
    context.enable_run_metadata()
    try:
        tf.function(life.model.train_step)(data)
    finally:
        graphs = context.export_run_metadata().function_graphs
        context.disable_run_metadata()
    assert graphs
    for graph in graphs:
        assert unordered(graph.post_optimization_graph) == []


TWO_REPLICAS = """
import json, sys
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
sys.path.insert(0, {tests!r})
from amalthea.data import Examples
from amalthea.recipes import get_recipe
from harness import arrays, batch, build

def flat(model):
    return np.concatenate([value.ravel() for value in arrays(model.trainable_variables)])

def orders_of(fit):
    seen, draw = [], np.random.default_rng
    def watched(seed):
        seen.append(seed)
        return draw(seed)
    np.random.default_rng = watched
    fit()
    np.random.default_rng = draw
    return [order for order in seen if isinstance(order, tuple)]

for name in json.loads(sys.argv[1]):
    updates, losses, data = [], [], batch(name)
    for devices in (["CPU:0"], ["CPU:0", "CPU:1"]):
        # Collectives between two devices of one process can meet in the wrong order.
        reduction = tf.distribute.ReductionToOneDevice()
        with tf.distribute.MirroredStrategy(devices, cross_device_ops=reduction).scope():
            model = build(name)
            model.optimizer.build(model.trainable_variables)
        before = flat(model)
        history = model.fit(*data, batch_size=12, shuffle=False, verbose=0)
        updates.append(flat(model) - before)
        losses.append(history.history["loss"][0])
    one, two = updates[0], updates[-1]
    if any(v.name == "seed_generator_state" for v in model.variables):
        # Each replica draws for its own images, so only the size of the step is the same.
        ratio = np.linalg.norm(two) / np.linalg.norm(one)
        assert 0.7 < ratio < 1.4, (name, ratio)
        np.testing.assert_allclose(losses[1], losses[0], rtol=0.3, atol=1e-2, err_msg=name)
    else:
        np.testing.assert_allclose(losses[1], losses[0], rtol=1e-3, atol=1e-5, err_msg=name)
        np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-5, err_msg=name)

    entry = get_recipe(name)
    known, task = entry.features(model.origin.arguments), entry.task
    features = dict(zip("xy", (known[column] for column in (*task.inputs, *task.targets))))
    batches = Examples("own", dict(zip("xy", data)), features).batches(12, seed=3)
    orders = orders_of(lambda: model.fit(batches, epochs=2, shuffle=False, verbose=0))
    assert orders == [(3, 0), (3, 1)], (name, orders)
    assert int(model.optimizer.iterations.numpy()) == 6, name
"""


# One of each way of computing a loss: Keras' own, layers' with and without state, several models'.
LOSSES = ["dbm", "lenet5", "pixelcnn", "progan", "rbm", "skip_gram", "toy_gan"]
LOSSES += ["variational_autoencoder"]
OTHERS = [name for name in KINDS if name not in LOSSES]


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "names",
    [
        pytest.param(LOSSES, id="losses"),
        *(
            pytest.param(OTHERS[part::2], id=str(part), marks=pytest.mark.exhaustive)
            for part in range(2)
        ),
    ],
)
def test_steps_on_two_replicas_are_those_on_one_in_the_order_of_each_epoch(names):
    script = TWO_REPLICAS.format(tests=os.path.dirname(os.path.dirname(__file__)))
    command = [sys.executable, "-c", script, json.dumps(names)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
