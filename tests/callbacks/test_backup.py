import keras
import numpy as np
import pytest

from amalthea.callbacks import Backup
from amalthea.errors import UserError

X = np.random.default_rng(0).random((24, 4)).astype("float32")


def build(seed=0, noise=True):
    keras.utils.set_random_seed(seed)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(8, activation="relu")(inputs)
    if noise:
        x = keras.layers.Dropout(0.5)(x)
    model = keras.Model(inputs, keras.layers.Dense(4)(x))
    model.compile(keras.optimizers.Adam(0.01), "mean_squared_error")
    return model


def fit(model, backup, epochs):
    first = backup.restore(model)
    model.fit(
        X, X, batch_size=8, shuffle=False, initial_epoch=first, epochs=epochs,
        callbacks=[backup], verbose=0,
    )  # fmt: skip
    return model


def state(model):
    return [np.asarray(v.value) for v in (*model.variables, *model.optimizer.variables)]


def test_goes_on_exactly_with_the_noise_that_would_have_come(tmp_path):
    whole = fit(build(), Backup(tmp_path / "whole"), 5)
    fit(build(), Backup(tmp_path / "cut"), 2)
    # A process that starts anew draws other seeds and other weights before it restores.
    resumed = fit(build(seed=9), Backup(tmp_path / "cut"), 5)
    for a, b in zip(state(whole), state(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_a_backup_there_is_nothing_to_restore(tmp_path):
    model = build()
    before = state(model)
    assert Backup(tmp_path / "none").restore(model) == 0
    for a, b in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_only_the_newest_state_is_kept(tmp_path):
    fit(build(), Backup(tmp_path), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00003.npz"]


@pytest.mark.parametrize("dies_in", ["write", "rename"])
def test_a_failure_while_writing_leaves_the_last_whole_state(tmp_path, monkeypatch, dies_in):
    fit(build(), Backup(tmp_path), 2)

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    model = build()
    if dies_in == "rename":
        monkeypatch.setattr("os.replace", fail)
    else:
        monkeypatch.setattr("numpy.savez", fail)
    with pytest.raises(OSError, match="No space"):
        fit(model, Backup(tmp_path), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00002.npz"]
    assert Backup(tmp_path).restore(build()) == 2


def test_what_a_kill_left_half_written_is_not_restored(tmp_path):
    fit(build(), Backup(tmp_path), 2)
    (tmp_path / "partial").write_bytes(b"half")
    assert Backup(tmp_path).restore(build()) == 2
    fit(build(), Backup(tmp_path), 3)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-00003.npz"]


def test_the_state_of_another_model_is_refused(tmp_path):
    fit(build(), Backup(tmp_path), 1)
    with pytest.raises(ValueError, match="backup of another model"):
        Backup(tmp_path).restore(build(noise=False))


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_damaged_backup_is_one_sentence(tmp_path, size):
    fit(build(), Backup(tmp_path), 1)
    state = tmp_path / "epoch-00001.npz"
    state.write_bytes(state.read_bytes()[:size])
    with pytest.raises(UserError, match=r"epoch-00001.npz is damaged"):
        Backup(tmp_path).restore(build())
