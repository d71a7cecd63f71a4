"""Models whose top machine learns images together with something else."""

import keras
from keras import ops

from ...compatibility import keep_order
from ..model import FromRecipe


@keras.saving.register_keras_serializable("amalthea")
class JointModel(FromRecipe, keras.Model):
    """A functional model whose layer `joint` learns from what it is called with and from `y`.

    To the losses of its layers, and to what it is compiled with, it adds what the layer gives when
    it is called with its input and `y`: its loss.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        keep_order()

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        joint = self.get_layer("joint")
        features = keras.Model(self.inputs, joint.input)(x)
        return loss + _Joint(joint, training)(y, features)


class _Joint(keras.losses.Loss):
    """The loss of a joint layer, which Keras scales for distribution as it does any loss."""

    def __init__(self, layer: keras.layers.Layer, training: bool):
        super().__init__(name="joint")
        self.layer = layer
        self.training = training

    def call(self, y_true, y_pred):
        loss = self.layer(y_pred, ops.cast(y_true, "int32"), training=self.training)
        return ops.cast(loss, self.dtype)[None]  # a scalar would not be scaled
