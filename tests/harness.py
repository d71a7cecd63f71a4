"""Checks that every layer passes, a gradient check, and small machines, on any backend."""

import keras
import numpy as np
import pytest
from keras import ops

from amalthea.layers import RBM
from amalthea.recipes import get_recipe

SAMPLES = 8


def check_layer(
    make,
    input_shape,
    output_shape,
    *,
    trainable=0,
    non_trainable=0,
    call=None,
    batch_isolated=True,
):
    """Everything that must be true of a layer of ours.

    Args:
        make: Builds the layer, passing keyword arguments on to it.
        input_shape: Shape of an input, without the batch.
        output_shape: Shape of the output, without the batch.
        trainable: Number of its trainable weight tensors.
        non_trainable: Number of its other weight tensors.
        call: Calls the layer on inputs, where that is not `layer(inputs)`.
        batch_isolated: Whether each output depends on its own input only.
    """
    call = call or (lambda layer, inputs: layer(inputs))
    inputs = np.random.default_rng(0).random((3, *input_shape)).astype("float32")

    layer = make()
    outputs = call(layer, inputs)
    assert tuple(outputs.shape) == (3, *output_shape)
    assert len(layer.trainable_weights) == trainable
    assert len(layer.non_trainable_weights) == non_trainable
    outputs = ops.convert_to_numpy(outputs)

    # Batch 1, and every image on its own, give what the batch gives.
    one = ops.convert_to_numpy(call(layer, inputs[:1]))
    assert one.shape == (1, *output_shape)
    if batch_isolated:
        np.testing.assert_allclose(one, outputs[:1], rtol=1e-5, atol=1e-6)

    # The config says everything: a twin with the same weights does the same.
    config = layer.get_config()
    twin = type(layer).from_config(config)
    assert twin.get_config() == config
    call(twin, inputs)
    twin.set_weights(layer.get_weights())
    np.testing.assert_allclose(ops.convert_to_numpy(call(twin, inputs)), outputs, rtol=1e-6)
    assert keras.saving.get_registered_name(type(layer)).startswith("amalthea>")

    # Symbolic shapes agree, with an unknown batch, and the model saves, loads and is cloned.
    symbolic = keras.Input(input_shape)
    model = keras.Model(symbolic, call(layer, symbolic))
    assert model.output_shape == (None, *output_shape)
    clone = keras.models.clone_model(model)
    assert len(clone.weights) == len(model.weights)
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(clone.predict(inputs, verbose=0), outputs, rtol=1e-5, atol=1e-6)

    # A step of training runs, with any size of batch, and moves what is trainable.
    if layer.trainable_weights:
        model.compile(keras.optimizers.SGD(0.1), "mean_squared_error")
        before = [ops.convert_to_numpy(w) for w in layer.trainable_weights]
        targets = np.random.default_rng(1).random((3, *output_shape)).astype("float32")
        assert np.isfinite(model.train_on_batch(inputs, targets))
        assert np.isfinite(model.train_on_batch(inputs[:2], targets[:2]))
        for weight, old in zip(layer.trainable_weights, before, strict=True):
            assert np.any(ops.convert_to_numpy(weight) != old), f"{weight.path} does not move"

    # Mixed precision: variables in float32, computation in the lower precision.
    mixed = make(dtype="mixed_bfloat16")
    assert keras.backend.standardize_dtype(call(mixed, inputs).dtype) == "bfloat16"
    assert call(mixed, symbolic).dtype == "bfloat16"
    assert all(weight.dtype == "float32" for weight in mixed.weights)


def gradients(function, weights):
    """Gradients of `function()`, a scalar, with respect to Keras variables, as arrays."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            value = function()
        return [
            tf.convert_to_tensor(g).numpy()
            for g in tape.gradient(value, [w.value for w in weights])
        ]
    import jax

    def stateless(values):
        pairs = list(zip(weights, values, strict=True))
        with keras.StatelessScope(state_mapping=pairs, collect_losses=True):
            return function()

    return [np.asarray(g) for g in jax.grad(stateless)([w.value for w in weights])]


def check_gradients(function, weights, *, step=1e-6, rtol=1e-5, atol=1e-7):
    """Compare the gradients of a scalar with central differences; needs the fixture `float64`."""
    assert keras.config.floatx() == "float64", "finite differences need float64"
    for weight, gradient in zip(weights, gradients(function, weights), strict=True):
        start = ops.convert_to_numpy(weight).copy()
        numeric = np.zeros_like(start)
        for index in np.ndindex(start.shape):
            sides = []
            for sign in (1, -1):
                moved = start.copy()
                moved[index] += sign * step
                weight.assign(moved)
                sides.append(float(function()))
            numeric[index] = (sides[0] - sides[1]) / (2 * step)
        weight.assign(start)
        np.testing.assert_allclose(gradient, numeric, rtol=rtol, atol=atol, err_msg=weight.path)


def errors_of_the_gradient(layer, data, exact, weights=None):
    """Of the gradient that a layer adds by sampling: relative error and its sampling error.

    Args:
        layer: The layer, built.
        data: What it is called on.
        exact: The gradient that it should have: an array for each weight.
        weights: Which weights; all that are trainable if not given.

    Returns:
        Root mean square of the distances of samples to the exact gradient, and to their mean, both
        over its length.
    """

    def loss():
        layer(data, training=True)
        return layer.losses[0]

    def flat(arrays):
        return np.concatenate([np.ravel(array) for array in arrays])

    weights = layer.trainable_variables if weights is None else weights
    exact = flat(exact)
    samples = np.array([flat(gradients(loss, weights)) for _ in range(SAMPLES)])
    errors = np.square(samples - exact).sum(1).mean()
    noise = samples.var(axis=0, ddof=1).sum()
    return np.sqrt([errors, noise]) / np.linalg.norm(exact)


def states(units):
    """All states of binary units, `(2^units, units)`."""
    return (np.arange(2**units)[:, None] >> np.arange(units) & 1).astype("float32")


def machine(visible, hidden, scale=1.0, **arguments):
    """A restricted Boltzmann machine with random weights and biases, and no prior."""
    rbm = RBM(hidden, seed=0, **{"visible_bias_initializer": "zeros", **arguments})
    rbm.build((None, visible))
    random = np.random.default_rng(0)
    for weight in rbm.trainable_variables:
        weight.assign(scale * random.standard_normal(weight.shape))
    return rbm


def call_endpoint(model, name, **inputs) -> dict:
    """Outputs of an endpoint of a recipe's model, as arrays; `n` is constant, as JAX needs it."""
    fixed = {"n": inputs.pop("n")} if "n" in inputs else {}
    bound = get_recipe(model.origin.recipe).endpoints[name].bind(model, **fixed)
    given = {k: ops.convert_to_tensor(v, bound.input[k].dtype) for k, v in inputs.items()}
    return {k: np.asarray(v) for k, v in bound.predict_on_batch(given).items()}


def build(name, **arguments):
    return get_recipe(name).build(**{**get_recipe(name).smoke, "seed": 1, **arguments})


def build_under(policy, name):
    """The same under a policy of Keras, such as `"mixed_float16"`."""
    keras.config.set_dtype_policy(policy)
    try:
        return build(name)
    finally:
        keras.config.set_dtype_policy("float32")


def batch(name, count=24):
    """What a recipe's small model is called with, and what it learns from beside that, if any."""
    entry, random = get_recipe(name), np.random.default_rng(0)
    arguments = {p.name: p.default for p in entry.parameters} | dict(entry.smoke)
    features = entry.features(arguments)
    used = (*entry.task.inputs, *entry.task.targets)
    return tuple(features[column].random(random, count) for column in used)


def arrays(variables):
    return [np.asarray(v.value) for v in variables]


def one_sentence(error) -> str:
    """The message of a caught error, checked to be one line."""
    message = str(error.value) if isinstance(error, pytest.ExceptionInfo) else str(error)
    assert message
    assert "\n" not in message.strip()
    return message


def stored(path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file, which is closed again."""
    with np.load(path) as file:
        return dict(file)
