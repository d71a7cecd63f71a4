"""A classifier that learns with further heads, which it is used without."""

import keras

from ..model import FromRecipe


@keras.saving.register_keras_serializable("amalthea")
class WithAuxiliaryHeads(FromRecipe, keras.Model):
    """A classifier whose loss has a share of those of heads at earlier layers.

    The heads take part in training alone: in inference, and in what is exported, there are none.

    Args:
        network: From images to a list: the scores, `(batch, num_classes)`, and those of each head.
        weight: Share of the loss of each head.
        origin: What the model was built from.
        **kwargs: Arguments of `keras.Model`.

    Call arguments:
        inputs: Images, as the network takes them.
        training: Whether the scores of the heads are given, too.

    Returns:
        The scores; in training a list, with those of the heads after them.

    Reference:
        Szegedy et al. 2014, "Going Deeper with Convolutions", section 5:
        https://arxiv.org/abs/1409.4842
    """

    def __init__(self, network: keras.Model, weight: float = 0.3, *, origin=None, **kwargs):
        super().__init__(origin=origin, **kwargs)
        self.network = network
        self.weight = weight
        # What is used, which shares the layers of the network.
        self.classifier = keras.Model(network.inputs[0], network.outputs[0], name="classifier")
        self.built = True

    def call(self, inputs, training=False):
        if training:
            return self.network(inputs, training=True)
        return self.classifier(inputs, training=False)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        scores, *heads = y_pred if isinstance(y_pred, list | tuple) else [y_pred]
        loss = super().compute_loss(x, y, scores, sample_weight, training=training)
        for head in heads:
            loss = loss + self.weight * self._compile_loss(y, head, sample_weight)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        scores = y_pred[0] if isinstance(y_pred, list | tuple) else y_pred
        return super().compute_metrics(x, y, scores, sample_weight)

    def get_config(self):
        return {
            **super().get_config(),
            "network": keras.saving.serialize_keras_object(self.network),
            "weight": self.weight,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        network = keras.saving.deserialize_keras_object(config["network"], custom_objects)
        return cls(**config | {"network": network})
