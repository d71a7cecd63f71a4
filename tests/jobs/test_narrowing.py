"""Spaces narrowed to where the best of an earlier search lie."""

import json

import keras_tuner
import pytest

from amalthea import jobs
from amalthea.errors import UserError
from amalthea.jobs.search.narrowing import defaults, narrowed, space_of
from amalthea.recipes import get_recipe, list_recipes

from harness import one_sentence


def space():
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-5, 1e-1, sampling="log", default=1e-3)
    hp.Int("depth", 1, 3)
    hp.Choice("activation", ["relu", "tanh", "elu"])
    for level, name in ((2, "second"), (3, "third")):
        with hp.conditional_scope("depth", list(range(level, 4))):
            hp.Int(name, 1, 100)
    return hp


BEST = [
    {"rate": 1e-3, "depth": 1, "activation": "elu"},
    {"rate": 1e-2, "depth": 1, "activation": "relu"},
]


def test_ranges_are_those_of_the_best_and_a_margin_on_their_scale():
    new = {hp.name: hp for hp in narrowed(space(), BEST).space}
    # A tenth of four decades on each side.
    assert new["rate"].min_value == pytest.approx(1e-3 / 10**0.4, rel=1e-3)
    assert new["rate"].max_value == pytest.approx(1e-2 * 10**0.4, rel=1e-3)
    assert new["rate"].sampling == "log"
    assert new["activation"].values == ["relu", "elu"]
    assert [hp.default for hp in new.values()] == [1e-3, 1, "elu"]
    # Depths of 2 and 3 are no longer there.
    assert set(new) == {"rate", "depth", "activation"}


def test_what_the_best_do_not_tell_stays_as_it_is():
    new = {hp.name: hp for hp in narrowed(space(), [{"depth": 3}]).space}
    assert (new["rate"].min_value, new["rate"].max_value) == (1e-5, 1e-1)
    assert (new["third"].min_value, new["third"].max_value) == (1, 100)
    assert set(new) == {hp.name for hp in space().space}
    assert defaults(narrowed(space(), [{"depth": 3}]))["third"] == 1


@pytest.mark.parametrize("name", list_recipes())
def test_any_values_of_a_recipe_are_in_what_they_leave(name):
    hypermodel = get_recipe(name).hypermodel()
    whole = space_of(hypermodel)
    oracle = keras_tuner.oracles.RandomSearchOracle("val_loss", 99, hyperparameters=whole, seed=3)
    drawn = [oracle.populate_space(str(number))["values"] for number in range(5)]
    hp = narrowed(whole, drawn)
    for values in drawn:
        for each in hp.space:
            if hasattr(each, "min_value") and each.name in values:
                assert each.min_value <= values[each.name] <= each.max_value
            elif each.name in values:
                assert values[each.name] in each.values
    assert {name for values in drawn for name in values} <= {each.name for each in hp.space}
    hp.values = dict(drawn[0])
    assert hypermodel.arguments(hp) == hypermodel.arguments(_given(whole, drawn[0]))


def _given(space, values):
    hp = space.copy()
    hp.values = dict(values)
    return hp


@pytest.mark.exhaustive
@pytest.mark.usefixtures("no_report")
def test_a_search_that_follows_on_another_draws_near_its_best(arrays, tmp_path):
    settings = {"trials": 3, "epochs": 1, "fixed": {"latent_dim": 2}, "verbose": 0}
    first = jobs.tune("tied_autoencoder", arrays, out=tmp_path / "a", **settings)
    second = jobs.tune(
        "tied_autoencoder", arrays, out=tmp_path / "b", from_run=first.path, **settings
    )
    recorded = json.loads((second.path / "run.json").read_text())["from"]
    assert recorded["run"] == str(first.path)
    trials = [json.loads(path.read_text()) for path in first.path.glob("trials/*/trial.json")]
    trials.sort(key=lambda trial: trial["score"])
    assert recorded["trials"] == [trial["trial_id"] for trial in trials[:3]]
    best = [trial["hyperparameters"]["values"]["learning_rate"] for trial in trials[:3]]
    drawn = [
        json.loads(path.read_text())["hyperparameters"]["values"]
        for path in sorted(second.path.glob("trials/*/trial.json"))
    ]
    assert drawn[0] == trials[0]["hyperparameters"]["values"]
    low, high = min(best) / 10**0.41, max(best) * 10**0.41
    assert all(low <= values["learning_rate"] <= high for values in drawn)
    assert not set(best) & {values["learning_rate"] for values in drawn[1:]}
    again = jobs.resume_search(second.path, trials=4, verbose=0)
    assert len(list(again.path.glob("trials/trial_*"))) == 4

    with pytest.raises(
        UserError, match="is a search of tied_autoencoder: a search of rbm"
    ) as error:
        jobs.tune("rbm", "digits", out=tmp_path / "c", from_run=first.path)
    one_sentence(error)
    record = json.loads((first.path / "trials.json").read_text())
    oracle = json.loads(record["trials/oracle.json"])
    record["trials/oracle.json"] = json.dumps(oracle | {"end_order": oracle["end_order"][:1]})
    (first.path / "trials.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match="has 1 trials with a score: 3 at the least") as error:
        jobs.tune("tied_autoencoder", arrays, out=tmp_path / "c", from_run=first.path)
    one_sentence(error)
