"""The mean of rows that are losses already."""

import keras


class _RowsMean(keras.losses.Loss):
    """The mean of values that are losses already, which Keras scales for distribution."""

    def call(self, y_true, y_pred):
        return y_pred


ROWS_MEAN = _RowsMean(name="mean", dtype="float32")
