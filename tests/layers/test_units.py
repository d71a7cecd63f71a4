import numpy as np
import pytest
from keras import ops

from amalthea.layers.units import UNITS


@pytest.mark.parametrize("kind", UNITS)
def test_the_rise_of_the_log_sum_is_that_of_its_formula(kind):
    """Also where units are as good as certain."""
    units, sides = UNITS[kind], np.linspace(-30, 30, 41)
    inputs, change = np.meshgrid(sides, sides)
    given = [ops.convert_to_tensor(array.astype("float32")) for array in (inputs, change)]
    found = units.log_sum_rise(given[0], units.mean(given[0]), given[1])
    if kind == "bernoulli":
        expected = np.logaddexp(0, inputs + change) - np.logaddexp(0, inputs)
    else:
        expected = ((inputs + change) ** 2 - inputs**2) / 2
    np.testing.assert_allclose(ops.convert_to_numpy(found), expected, rtol=1e-5, atol=1e-5)
