"""The time that epochs take."""

import time

import keras


class Clock(keras.callbacks.Callback):
    """Seconds of each epoch, by a timer: those that pass, or those of the processor."""

    def __init__(self, timer=time.perf_counter):
        super().__init__()
        self.timer, self.seconds = timer, []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = self.timer()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(self.timer() - self.begin)
