import keras
import numpy as np
import pytest
from keras import ops

from amalthea.optimizers import CoupledSGD


@pytest.mark.parametrize("nesterov", [False, True])
def test_decay_goes_through_the_momentum_and_leaves_biases(nesterov):
    random = np.random.default_rng(0)
    start = random.normal(size=(3, 2)), random.normal(size=2)
    kernel, bias = (keras.Variable(value, dtype="float32") for value in start)
    optimizer = CoupledSGD(0.1, 0.9, nesterov, l2=0.01)
    values, velocities = list(start), [0.0, 0.0]
    for _ in range(5):
        slopes = [random.normal(size=value.shape).astype("float32") for value in start]
        optimizer.apply([ops.convert_to_tensor(slope) for slope in slopes], [kernel, bias])
        for i, decay in enumerate((0.01, 0.0)):
            gradient = slopes[i] + decay * values[i]
            velocities[i] = 0.9 * velocities[i] - 0.1 * gradient
            step = 0.9 * velocities[i] - 0.1 * gradient if nesterov else velocities[i]
            values[i] = values[i] + step
    np.testing.assert_allclose(ops.convert_to_numpy(kernel), values[0], rtol=1e-5)
    np.testing.assert_allclose(ops.convert_to_numpy(bias), values[1], rtol=1e-5)


def test_the_step_is_that_of_a_penalty_in_the_loss():
    images, targets = np.random.default_rng(0).random((2, 8, 3)).astype("float32")
    kernels = []
    for penalty, l2 in ((keras.regularizers.L2(0.25), 0.0), (None, 0.5)):
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(3, kernel_regularizer=penalty)]
        )
        model.layers[0].set_weights([np.eye(3, dtype="float32"), np.zeros(3, "float32")])
        model.compile(CoupledSGD(0.1, 0.9, l2=l2), "mean_squared_error")
        model.fit(images, targets, epochs=3, batch_size=8, verbose=0)
        kernels.append(model.layers[0].get_weights()[0])
    np.testing.assert_allclose(kernels[0], kernels[1], rtol=1e-4)


def test_its_config_says_everything():
    optimizer = CoupledSGD(0.1, 0.9, True, l2=0.5)
    config = optimizer.get_config()
    assert CoupledSGD.from_config(config).get_config() == config
    assert keras.optimizers.deserialize(keras.optimizers.serialize(optimizer)).l2 == 0.5
