"""Generation: images like those of the data, by models without a likelihood."""

from ...callbacks import CollapseMonitor
from .sampling import GRID, sample_inputs
from .task import Task


class Generation(Task):
    """Adversarial models, whose samples are watched for collapse and compared with images."""

    def watch(self, recipe, arguments, seen, held_out):
        endpoint, images = recipe.endpoints["sample"], seen.given(self.inputs[0])
        given = sample_inputs(endpoint, recipe.num_classes(arguments), len(images))
        given.pop("n", None)
        return [CollapseMonitor(endpoint.bind, images, **given, seed=GRID["seed"])]


GENERATION = Generation("generation", answers=("scores",))
POINT_GENERATION = Generation("generation of points", ("points",), answers=("scores",))
CONDITIONAL_GENERATION = Generation("conditional generation", ("image",), ("label",), ("scores",))
