import itertools

import keras
import numpy as np
import pytest

from amalthea.callbacks import Backup, ProgressiveGrowing
from amalthea.recipes import progan, toy_gan

IMAGES = np.random.default_rng(0).random((12, 16, 16, 1), dtype="float32")


def tiny(**arguments):
    return progan((16, 16, 1), latent_dim=4, width=4, seed=0, **arguments)


def test_phases_follow_from_the_images_shown():
    growing = ProgressiveGrowing([4, 8, 16], [10, 20, 30, 40])
    ends = {0: 0, 9: 0, 10: 1, 29: 1, 30: 2, 59: 2, 60: 3, 99: 3, 100: 4, 10**9: 4}
    assert {shown: growing.phase(shown) for shown in ends} == ends


def test_batch_sizes_hold_from_their_resolution_on_and_are_no_more_than_usual():
    growing = ProgressiveGrowing([4, 8, 16], 10, batch_sizes={8: 6, 16: 3, 32: 1})
    assert [growing.batch_size(shown, 8) for shown in (0, 9, 10, 29, 30, 10**9)] == [
        8, 8, 6, 6, 3, 3,
    ]  # fmt: skip
    assert growing.batch_size(0, 4) == growing.batch_size(10, 4) == 4
    assert growing.batch_sizes == {8: 6, 16: 3}


@pytest.mark.slow
def test_phases_begin_with_fresh_optimizers_and_their_learning_rate():
    model, seen = tiny(), []
    growing = ProgressiveGrowing(model.resolutions, 12, learning_rates={8: 0.5, 16: 0.25})

    def look(epoch, logs):
        for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
            moments = [v for v in optimizer.variables if "learning_rate" not in v.path]
            assert not any(np.asarray(v.value).any() for v in moments)
            assert int(optimizer.iterations.numpy()) == 0
        seen.append((model.resolution, float(model.generator_optimizer.learning_rate)))

    looking = keras.callbacks.LambdaCallback(on_epoch_end=look)
    model.fit(IMAGES, epochs=4, callbacks=[growing, looking], verbose=0)
    assert seen == [(8, 0.5), (8, 0.5), (16, 0.25), (16, 0.25)]


@pytest.mark.slow
def test_each_stage_is_compiled_once(monkeypatch):
    model, traced = tiny(), []
    loss = type(model).compute_loss

    def counted(self, *args, **kwargs):
        traced.append(self.resolution)
        return loss(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "compute_loss", counted)
    growing = ProgressiveGrowing(model.resolutions, 12)
    model.fit(IMAGES, batch_size=3, epochs=6, callbacks=[growing], verbose=0)
    # TensorFlow traces what makes variables, as optimizers do in their first step, twice.
    assert [resolution for resolution, _ in itertools.groupby(traced)] == [4, 8, 16]
    assert traced.count(8) == traced.count(16) == 1


@pytest.mark.slow
def test_a_schedule_may_begin_later():
    model = tiny()
    growing = ProgressiveGrowing(model.resolutions[1:], 12)
    history = model.fit(IMAGES, epochs=2, callbacks=[growing], verbose=0).history
    assert history["resolution"] == [8, 16]


def test_wrong_arguments_are_one_sentence():
    with pytest.raises(ValueError, match="needs at least one resolution, got none"):
        ProgressiveGrowing([])
    for wrong in (0, [1, 2, 3]):
        with pytest.raises(ValueError, match=r"images_per_phase must be .*, got .* for 3 phases"):
            ProgressiveGrowing([4, 8], wrong)
    with pytest.raises(ValueError, match=r"batch_sizes must be at least 1, got \{8: 0\}"):
        ProgressiveGrowing([4, 8], 10, batch_sizes={8: 0})
    with pytest.raises(ValueError, match=r"the last ones of .*, \[4, 8, 16\], got \[4, 8\]"):
        tiny().fit(IMAGES, callbacks=[ProgressiveGrowing([4, 8])], verbose=0)
    model, points = toy_gan(), np.zeros((4, 2))
    with pytest.raises(ValueError, match="which does not grow, got"):
        model.fit(points, callbacks=[ProgressiveGrowing([4, 8])], verbose=0)


def test_taken_back_to_an_earlier_state_it_goes_on_from_there(tmp_path):
    model = tiny()
    growing, backup = ProgressiveGrowing(model.resolutions, 12), Backup(tmp_path)
    for callback in (growing, backup):
        callback.set_model(model)
    model.optimizer.build(model.trainable_variables)
    growing.on_train_begin()
    model.images_shown.assign(12)
    growing.on_train_batch_end(0, {"images": 12})
    backup.on_epoch_end(0)
    model.images_shown.assign(24)
    growing.on_train_batch_end(1, {"images": 24})
    assert int(model.phase.numpy()) == 2
    backup.restore(model)
    growing.on_epoch_begin(1)
    model.images_shown.assign(15)
    growing.on_train_batch_end(0, {"images": 15})
    assert (model.resolution, int(model.phase.numpy())) == (8, 1)
    assert float(model.alpha()) == 0.25
