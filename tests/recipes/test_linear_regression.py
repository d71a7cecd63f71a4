import numpy as np
import pytest

from amalthea import jobs
from amalthea.data import read
from amalthea.errors import UserError
from amalthea.recipes import linear_regression

RANDOM = np.random.default_rng(0)


def test_it_comes_to_the_closed_form():
    values = RANDOM.normal(size=(256, 4)) * [1, 100, 0.01, 5] + [0, 1000, -3, 2]
    targets = values @ RANDOM.normal(size=(4, 2)) * [1, 20] + RANDOM.normal(size=(256, 2))
    kwargs = {
        "means": values.mean(0),
        "deviations": values.std(0),
        "target_means": targets.mean(0),
        "target_deviations": targets.std(0),
    }
    given = {name: tuple(map(float, numbers)) for name, numbers in kwargs.items()}
    model = linear_regression(4, 2, **given, learning_rate=0.03, seed=0)
    again = [np.tile(numbers, (500, 1)) for numbers in (values, targets)]
    model.fit(*again, batch_size=256, shuffle=False, verbose=0)
    design = np.column_stack([values, np.ones(256)])
    exact = design @ np.linalg.lstsq(design, targets, rcond=None)[0]
    predicted = model.predict(values, verbose=0)
    np.testing.assert_allclose(predicted, exact, atol=2e-3 * targets.std())
    assert model.evaluate(values, targets, verbose=0)[2] > 0.99


def test_a_table_is_learnt_and_predicted(tmp_path, capsys):
    values = RANDOM.normal(50, 20, size=(100, 2))
    lines = [f"{a},{b},{2 * a - b}" for a, b in values]
    (tmp_path / "table.csv").write_text("\n".join(["height,width,price", *lines]))
    data = f"table:{tmp_path / 'table.csv'}"
    run = jobs.train("linear_regression", data, out=tmp_path / "run", epochs=3, verbose=0)
    assert run.settings["features"]["values"]["names"] == ["height", "width"]
    train = read(data, "train").columns["values"]
    np.testing.assert_allclose(run.settings["arguments"]["means"], train.mean(0), rtol=1e-4)
    assert (run.path / "samples").exists()
    figures = jobs.evaluate(run.path)
    assert {"loss", "mean_absolute_error", "r2_score"} <= figures.keys()
    assert (run.path / "predictions.png").exists()
    # Columns are found by their names, whatever stands before them.
    swapped = [f"x,{b},{a}".replace("x", "0") for a, b in values[:5]]
    (tmp_path / "new.csv").write_text("\n".join(["id;width;height".replace(";", ","), *swapped]))
    by_name = jobs.predict(run.path, tmp_path / "new.csv")
    of_arrays = jobs.predict(run.path, np.float32(values[:5]))
    np.testing.assert_allclose(
        by_name.outputs["predictions"], of_arrays.outputs["predictions"], rtol=1e-5
    )
    assert [set(row) for row in by_name.rows()] == [{"row", "predictions"}] * 5
    with pytest.raises(UserError, match=r"takes values of shape \(2,\), .* of shape \(3,\)"):
        jobs.predict(run.path, np.zeros((5, 3)))
    with pytest.raises(UserError, match=r"takes values: name one file \.npz or \.csv"):
        jobs.predict(run.path, tmp_path)


def test_arrays_without_names_are_values_and_targets(tmp_path):
    values = RANDOM.normal(size=(60, 3))
    run = jobs.train(
        "linear_regression", (values, values.sum(1)), out=tmp_path / "a", epochs=1, verbose=0
    )
    assert run.settings["arguments"]["num_values"] == 3
    with pytest.raises(UserError, match=r"the data is a tuple of 3, but must be \(values,\) or"):
        jobs.train("linear_regression", (values,) * 3, out=tmp_path / "b", verbose=0)
    with pytest.raises(UserError, match="learns from targets, and the data has none"):
        jobs.train("linear_regression", values, out=tmp_path / "b", verbose=0)
