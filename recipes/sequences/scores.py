"""What classifiers of sequences have in common: how they learn."""

import keras


def compile_scores(model: keras.Model, learning_rate: float) -> keras.Model:
    """Compile a model from sequences to scores, to learn integer labels by Adam.

    Gradients are cut to a norm of 1, all of them together, so that they keep their direction.
    """
    model.compile(
        keras.optimizers.Adam(learning_rate, global_clipnorm=1.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model
