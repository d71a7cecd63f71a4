"""Two networks that train against each other and grow together, from small images to large."""

import keras
from keras import ops

from ...layers import StyleMixing
from .adversarial_model import AdversarialModel
from .only_active import OnlyActive


class Latest(keras.metrics.Metric):
    """The number that was given last."""

    def __init__(self, name: str, dtype: str):
        super().__init__(name=name)
        self.latest = self.add_variable(
            (), "zeros", dtype, aggregation="only_first_replica", name="latest"
        )

    def update_state(self, value):
        self.latest.assign(value)

    def result(self):
        return ops.copy(self.latest)


@keras.saving.register_keras_serializable("amalthea")
class GrowingModel(AdversarialModel):
    """Adversarial networks that hold the blocks of all resolutions and use those of a stage.

    Stage s makes and judges images whose sides are those of the first stage, doubled s times. What
    a stage does not use costs no time in it and does not move. A new model is in its last stage;
    the callback `ProgressiveGrowing` leads it through all of them.

    Where a stage fades in, its share `alpha` grows linearly from 0, where the networks are those of
    the stage before to the last bit, to 1.

    Args:
        generator: A functional model from latents, `(batch, latent_dim)`, to a list of images, one
            tensor for each stage. Its layer `fade_in` fades the newest block in.
        discriminator: A functional model from such a list to a list of scores, `(batch, 1)`, each
            made of the image of its stage alone. It has a layer `fade_in`, too.
        objective: As that of an `AdversarialModel`.
        **kwargs: Its other arguments; `replay` must be 0, as images change their size.

    Attributes:
        stage: The stage that is in use, from 0.
        images_shown: Images of the data that the model has trained on, a weight.

    Call arguments:
        inputs: Images of the last stage's size, `(batch, height, width, channels)`; in an earlier
            stage the means of their pixels are taken.
        training: In training there is no output: the loss calls the networks itself.

    Returns:
        Scores, `(batch, 1)`.

    Raises:
        ValueError: If an argument is out of its range.

    Reference:
        Karras et al. 2017, "Progressive Growing of GANs": https://arxiv.org/abs/1710.10196
    """

    def __init__(self, generator: keras.Model, discriminator: keras.Model, *args, **kwargs):
        super().__init__(generator, discriminator, *args, **kwargs)
        if self.replay:
            raise ValueError(f"replay must be 0 where images change their size, got {self.replay}")
        if self.num_classes:
            raise ValueError("a generator that grows must take latents alone, got classes, too")
        last = len(generator.outputs) - 1
        self._stage_state = self._counter("stage", last)
        self.phase = self._counter("phase", -1)
        self.images_shown = self._counter("images_shown", 0)
        # Of one step, of all replicas; to add to a sum would add the sums of all of them.
        self._batch = self._counter("batch", 0, aggregation="sum")
        self._fade_start = self._counter("fade_start", 0)
        self._fade_images = self._counter("fade_images", 0)
        self.growth = [
            *(Latest(name, "int32") for name in ("resolution", "phase", "images")),
            Latest("alpha", "float32"),
        ]
        # Cut from the networks as they are asked for, and no more than views of them: were they
        # attributes, Keras would save them, too.
        self.__dict__["_parts"] = {}
        self._stage = last

    def _counter(self, name, value, aggregation="only_first_replica"):
        """A whole number that is saved with the model."""
        return self.add_weight(
            name=name,
            shape=(),
            dtype="int32",
            initializer=keras.initializers.Constant(value),
            trainable=False,
            aggregation=aggregation,
        )

    @property
    def inputs(self):
        """The images of the last stage, symbolically: a list of one."""
        return self.discriminator.inputs[-1:]

    @property
    def stage(self) -> int:
        """The stage that is in use, from 0."""
        return self._stage

    @property
    def resolution(self) -> int:
        """Height of the images of the stage that is in use."""
        return self.generator.outputs[self.stage].shape[1]

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Heights of the images of all stages."""
        return tuple(images.shape[1] for images in self.generator.outputs)

    def active(self, network: keras.Model) -> keras.Model:
        """The part of a network that is in use: what makes or judges images of the stage."""
        judges = network is self.discriminator
        inputs = network.inputs[self.stage] if judges else network.input
        return self.cut(f"{network.name}_{self.resolution}", inputs, network.outputs[self.stage])

    def cut(self, name: str, inputs, outputs) -> keras.Model:
        """The part of a network between tensors, always the same one: a new one has its price.

        Args:
            name: Name of the part.
            inputs: Symbolic tensors of the network.
            outputs: One that is made of them.
        """
        key = name, id(outputs)
        if key not in self._parts:
            self._parts[key] = keras.Model(inputs, outputs, name=name)
        return self._parts[key]

    def enter(self, stage: int, *, fade_images: int = 0, phase: int = 0) -> None:
        """Go over to a stage.

        Args:
            stage: The stage, from 0.
            fade_images: During how many images its newest block is faded in; with 0 it is there at
                once.
            phase: Number of the phase of training, for the logs.

        Raises:
            ValueError: If there is no such stage.
        """
        if stage not in range(len(self.generator.outputs)):
            raise ValueError(
                f"stage must be a whole number from 0 to {len(self.generator.outputs) - 1}, "
                f"got {stage!r}"
            )
        self._stage_state.assign(stage)
        self.phase.assign(phase)
        self._fade_start.assign(int(self.images_shown.numpy()))
        self._fade_images.assign(fade_images if stage else 0)
        networks = [self.generator, self.discriminator, *([self.average] if self.average else [])]
        for network in networks:
            for layer in network.layers:
                if isinstance(layer, StyleMixing):
                    layer.active.assign(layer.count // len(self.generator.outputs) * (stage + 1))
            network.get_layer("fade_in").alpha.assign(self.alpha())
        self.restored()

    def restored(self) -> None:
        """Follow the weights, where they have been set from outside, to their stage."""
        stage = int(self._stage_state.numpy())
        if stage == self._stage:
            return
        self._stage = stage
        # Keras traces a step once, and would go on with the stage before.
        self.test_function = self.predict_function = None
        if self.train_function is not None:
            self.make_train_function(force=True)

    def set_weights(self, weights):
        super().set_weights(weights)
        self.restored()

    def load_own_variables(self, store):
        super().load_own_variables(store)
        self.restored()

    def alpha(self):
        """Share of the newest block, in [0, 1]."""
        shown = ops.cast(self.images_shown - self._fade_start, "float32")
        length = ops.cast(self._fade_images, "float32")
        return ops.where(length > 0, ops.clip(shown / ops.maximum(length, 1), 0, 1), 1.0)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        if not training:
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        alpha = self.alpha()
        for network in (self.generator, self.discriminator):
            network.get_layer("fade_in").alpha.assign(alpha)
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        self._batch.assign(ops.shape(x)[0])
        self.images_shown.assign_add(self._batch.value)
        values = (self.resolution, self.phase.value, self.images_shown.value, alpha)
        for metric, value in zip(self.growth, values, strict=True):
            metric.update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        if y_pred is None:  # in training
            return logs
        names = {metric.name for metric in self.growth}
        return {name: value for name, value in logs.items() if name not in names}

    def as_seen(self, images):
        # As the paper does: means of pixels, and the last doubling faded in.
        last = len(self.generator.outputs) - 1
        images = _means(ops.cast(images, "float32"), 2 ** (last - self.stage))
        if not self.stage:
            return images
        coarse = _means(images, 2)
        coarse = ops.repeat(ops.repeat(coarse, 2, axis=1), 2, axis=2)
        return self.discriminator.get_layer("fade_in")([coarse, images])

    def _of_active(self, optimizer):
        def active():
            networks = self.active(self.generator), self.active(self.discriminator)
            return {id(weight) for network in networks for weight in network.trainable_variables}

        return OnlyActive(optimizer, active)


def _means(images, size):
    """Means of squares of pixels."""
    if size == 1:
        return images
    return ops.average_pool(images, size, size, data_format="channels_last")
