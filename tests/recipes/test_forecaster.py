import numpy as np
import pytest

from amalthea import data, jobs
from amalthea.errors import UserError
from amalthea.recipes import forecaster, get_recipe
from amalthea.recipes.sequences.forecaster import skill

from harness import one_sentence

RANDOM = np.random.default_rng(0)
SMALL = {"hidden_units": (5,), "seed": 0}


def waves(count=64, steps=12, scale=1.0, offset=0.0):
    time = RANDOM.uniform(0, 9, (count, 1)) + np.arange(steps + 2)
    values = np.float32(offset + scale * np.sin(time))
    return values[:, :steps, None], values[:, steps:]


def test_in_other_units_the_forecasts_are_the_same_in_these_units():
    series, _ = waves()
    plain = forecaster(12, 1, 2, **SMALL)
    moments = {"means": (50.0,), "deviations": (7.0,)}
    targets = {"target_means": (50.0, 50.0), "target_deviations": (7.0, 7.0)}
    other = forecaster(12, 1, 2, **moments, **targets, **SMALL)
    forecasts = other.predict(50 + 7 * series, verbose=0)
    np.testing.assert_allclose(forecasts, 50 + 7 * plain.predict(series, verbose=0), rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_simple_forecasts_are_the_last_value_and_the_period_before(channels):
    series = np.float32(np.arange(24).reshape(2, 12 // channels, channels))
    targets = series[:, -2:].reshape(2, -1) + 1  # the period before is off by 1

    class Off:
        def predict(self, series, **_):
            return targets + 0.5

    figures = skill(Off(), series, targets, 8)
    assert figures["period_before_error"] == pytest.approx(1)
    last = np.tile(series[:, -1], (1, 2))
    assert figures["last_value_error"] == pytest.approx(np.abs(last - targets).mean())
    simple = min(figures["last_value_error"], figures["period_before_error"])
    assert figures["skill"] == pytest.approx(1 - 0.5 / simple)


def test_a_sum_is_no_forecast_to_compare_with():
    adding = data.read("adding", "test", sequence_length=6)
    model = forecaster(6, 2, 1, **SMALL)
    assert skill(model, adding.given("series"), adding.given("targets"), 256) == {}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    time = np.arange(600)
    level = 60 + 10 * np.sin(time / 3) + 5 * np.sin(time / 7)
    rows = "\n".join(f"day {t},{value:.4f}" for t, value in zip(time, level, strict=True))
    path.write_text(f"date,level\n{rows}\n")
    return path


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    settings = {"sequence_length": 30, "horizon": 5, "epochs": 30, "batch_size": 32, "verbose": 0}
    settings |= {"arguments": {"hidden_units": (24,), "learning_rate": 0.01}}
    out = tmp_path_factory.mktemp("run") / "a"
    return jobs.train("forecaster", f"series:{table}", out=out, **settings)


@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_a_table_is_forecast_better_than_by_its_last_values(run, table, tmp_path):
    figures = jobs.evaluate(run.path)
    assert figures["skill"] > 0.5, figures
    assert (run.path / "forecasts.png").exists()
    assert (run.path / "samples" / "epoch-00030.png").exists()
    settings = run.settings
    assert (settings["sequence_length"], settings["horizon"]) == (30, 5)
    assert settings["arguments"]["num_targets"] == 5
    assert settings["arguments"]["means"][0] == pytest.approx(60, abs=1)
    # The end of a table is what the forecast follows on.
    *head, last = table.read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join(head))
    forecasts = jobs.predict(run.path, tmp_path / "b.csv").outputs["forecasts"]
    assert forecasts.shape == (1, 5)
    assert forecasts[0, 0] == pytest.approx(float(last.split(",")[1]), abs=3)
    resumed = jobs.resume(run.path, epochs=31, verbose=0)
    assert len((resumed.path / "log.csv").read_text().splitlines()) == 32
    (tmp_path / "b.csv").write_text("level\n1\n2\n")
    with pytest.raises(UserError, match=r"takes series of shape \(30, 1\)") as error:
        jobs.predict(run.path, tmp_path / "b.csv")
    one_sentence(error)


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_adding_problem_is_solved_by_cells_with_gates():
    train, test = (data.read("adding", split, sequence_length=12) for split in ("train", "test"))
    arguments = get_recipe("forecaster").from_data(train.features)
    model = forecaster(**arguments, cell="gru", hidden_units=(32,), learning_rate=5e-3, seed=0)
    model.fit(train.given("series"), train.given("targets"), batch_size=64, epochs=10, verbose=0)
    loss, _ = model.evaluate(test.given("series"), test.given("targets"), verbose=0)
    assert loss < 0.02  # 1/6 without
