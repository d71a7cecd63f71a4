"""Density estimation: how probable images are, alone or together with what goes with them."""

from ...callbacks import FreeEnergyGap
from .task import Task


class DensityEstimation(Task):
    """Models of the probability of images, measured by likelihoods and sampled from."""

    def watch(self, recipe, arguments, seen, held_out):
        endpoint = recipe.endpoints.get("free_energy")
        if endpoint is None:
            return []
        return [FreeEnergyGap(endpoint.bind, seen.given("image"), held_out.given("image"))]


ANSWERS = ("reconstructions", "probabilities", "log_likelihoods")
DENSITY_ESTIMATION = DensityEstimation("density estimation", answers=ANSWERS)
JOINT_DENSITY_ESTIMATION = DensityEstimation(
    "joint density estimation", targets=("label",), answers=ANSWERS
)
CONDITIONAL_DENSITY_ESTIMATION = DensityEstimation(
    "conditional density estimation", targets=("label",), answers=ANSWERS
)
