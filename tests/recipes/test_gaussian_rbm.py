import numpy as np
from scipy.stats import norm

from amalthea.recipes import gaussian_rbm, get_recipe

from harness import states


def test_the_measured_density_is_that_of_the_mixture_of_gaussians_over_pixels():
    random = np.random.default_rng(0)
    model = gaussian_rbm((1, 3, 1), hidden_units=2, seed=0)
    rbm, visible = model.get_layer("rbm"), model.get_layer("visible")
    for weight in rbm.trainable_variables:
        weight.assign(random.standard_normal(weight.shape))
    mean, deviation = np.array([0.2, 0.5, 0.9]), np.array([0.3, 0.2, 0.15])
    visible.mean.assign(mean)
    visible.variance.assign(deviation**2)

    kernel, biases, hidden_bias = (
        np.asarray(w, "float64") for w in (rbm.kernel, rbm.visible_biases, rbm.hidden_bias)
    )
    hidden = states(2).astype("float64")
    centers = hidden @ kernel.T + biases  # of standardised pixels, one row for each hidden state
    shares = hidden @ hidden_bias + np.square(centers).sum(1) / 2
    shares = np.exp(shares - np.logaddexp.reduce(shares))
    images = random.random((50, 1, 3, 1)).astype("float32")
    density = [
        shares @ norm.pdf(image.ravel(), mean + deviation * centers, deviation).prod(1)
        for image in images
    ]
    found = get_recipe("gaussian_rbm").measures(model, images, None, 32)
    assert np.isclose(found["log_density"], np.log(density).mean(), atol=0.1)
