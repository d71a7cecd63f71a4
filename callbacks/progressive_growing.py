"""A schedule by which a model grows from small images to large ones."""

import bisect
import itertools
from collections.abc import Mapping, Sequence

from .greedy_layerwise import refresh
from .schedule import Schedule


class ProgressiveGrowing(Schedule):
    """Leads a growing model through its resolutions, under plain `fit`.

    The first phase is one of the first resolution. Each further resolution has two: one in which
    its blocks fade in, and one in which they are there. Each phase begins with a fresh state of the
    optimizers. Which one it is follows from the number of images that the model has been shown, so
    a training that is resumed goes on in the right one. A phase ends with the batch, or with the
    execution of several, that reaches its number of images.

    `fit` takes what batches it is given. Those of
    `Examples.batches(lambda shown: growing.batch_size(shown, 64))` have the sizes of the schedule.

    Args:
        resolutions: Heights of the images, from the first stage to the last: a growing model's
            `resolutions`, or the last ones of them.
        images_per_phase: Images shown in each phase but the last, one number for all or one for
            each; the last phase goes on to the end of the training.
        batch_sizes: Images of a batch, by the resolution from which on.
        learning_rates: Learning rates of both networks, by the resolution from which on; below all
            of them those of the optimizers stay.

    Attributes:
        starts: Epochs after whose losses a search begins to compare: none comes before.
        comparable_early: Whether models can be compared before the last phase: they cannot.

    Raises:
        ValueError: If there is no resolution, or `images_per_phase` are not whole numbers of at
            least 1, one for each phase but the last, or a batch size is below 1; when training
            begins, if the model does not grow through these resolutions.

    Example:
        >>> import keras
        >>> from amalthea.callbacks import ProgressiveGrowing
        >>> from amalthea.recipes import progan
        >>> model = progan((8, 8, 1), latent_dim=4, width=4)
        >>> growing = ProgressiveGrowing(model.resolutions, images_per_phase=8)
        >>> images = keras.ops.ones((8, 8, 8, 1))
        >>> history = model.fit(images, epochs=3, callbacks=[growing], verbose=0)
        >>> [int(resolution) for resolution in history.history["resolution"]]
        [4, 8, 8]

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs": https://arxiv.org/abs/1710.10196
    """

    def __init__(
        self,
        resolutions: Sequence[int],
        images_per_phase: int | Sequence[int] = 800_000,
        *,
        batch_sizes: Mapping[int, int] | None = None,
        learning_rates: Mapping[int, float] | None = None,
    ):
        super().__init__()
        self.resolutions = list(resolutions)
        if not self.resolutions:
            raise ValueError("a growing training needs at least one resolution, got none")
        count = 2 * len(self.resolutions) - 2
        whole = isinstance(images_per_phase, int)
        self.images_per_phase = [images_per_phase] * count if whole else list(images_per_phase)
        if len(self.images_per_phase) != count or any(n < 1 for n in self.images_per_phase):
            raise ValueError(
                "images_per_phase must be a whole number of at least 1, or one for each phase but "
                f"the last, got {images_per_phase!r} for {count + 1} phases"
            )
        if any(n < 1 for n in (batch_sizes or {}).values()):
            raise ValueError(f"batch_sizes must be at least 1, got {batch_sizes!r}")
        largest = self.resolutions[-1]
        self.batch_sizes = {r: n for r, n in (batch_sizes or {}).items() if r <= largest}
        self.learning_rates = dict(learning_rates or {})
        self._ends = list(itertools.accumulate(self.images_per_phase))

    def least_epochs(self, images: int) -> int:
        """Epochs of so many images that it takes to reach the last phase."""
        return sum(self.images_per_phase) // images + 1

    def phase(self, shown: int) -> int:
        """Number of the phase, from 0, after so many images."""
        return bisect.bisect_right(self._ends, shown)

    def batch_size(self, shown: int, usual: int) -> int:
        resolution = self.resolutions[(self.phase(shown) + 1) // 2]
        return min(usual, _from(self.batch_sizes, resolution, usual))

    def on_train_begin(self, logs=None):
        of_model = list(getattr(self.model, "resolutions", ()))
        if of_model[-len(self.resolutions) :] != self.resolutions:
            raise ValueError(
                f"resolutions must be the last ones of {self.model.name}, "
                f"{of_model or 'which does not grow'}, got {self.resolutions}"
            )
        self.model.restored()
        self.on_epoch_begin(0)
        self._follow(int(self.model.images_shown.numpy()))

    def on_epoch_begin(self, epoch, logs=None):
        # Another callback may have taken the model back to an earlier state.
        self._phase = int(self.model.phase.numpy())

    def on_train_batch_end(self, batch, logs=None):
        self._follow(int(logs["images"]))

    def _follow(self, shown: int) -> None:
        phase = self.phase(shown)
        if phase == self._phase:
            return
        self._phase = phase
        # On JAX the model has its weights back only between epochs, or when asked.
        getattr(self.model, "jax_state_sync", lambda: None)()
        index, fades = (phase + 1) // 2, phase % 2
        resolution = self.resolutions[index]
        self.model.enter(
            self.model.resolutions.index(resolution),
            fade_images=self.images_per_phase[phase] if fades else 0,
            phase=phase,
        )
        for optimizer in (self.model.generator_optimizer, self.model.discriminator_optimizer):
            refresh(optimizer)
            if rate := _from(self.learning_rates, resolution, None):
                optimizer.learning_rate = rate


def _from(table: Mapping[int, float], resolution: int, usual):
    """The value of the largest resolution that is not above this one."""
    reached = [start for start in table if start <= resolution]
    return table[max(reached)] if reached else usual
