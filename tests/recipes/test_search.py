from typing import Annotated

import keras_tuner
import pytest

from amalthea.recipes.search import (
    Activation,
    BatchSize,
    Choice,
    Domain,
    Dropout,
    Float,
    Given,
    ImageShape,
    Int,
    LatentDim,
    LearningRate,
    Momentum,
    NumClasses,
    Rank,
    Seed,
    Units,
    WeightDecay,
    Widths,
    carried,
)


def domain(annotation) -> Domain:
    (found,) = carried(annotation, Domain)
    return found


@pytest.mark.parametrize(
    ("domain", "valid", "invalid"),
    [
        (Float(1e-4, 1e-1, log=True), [1e-4, 0.5, 7], [0, -1, float("nan"), "1", True, None]),
        (Float(0, 0.5, below=1), [0, 0.99], [1, 1.5, -0.1]),
        (Int(2, 8), [1, 8, 100], [0, -3, 2.0, True, "2"]),
        (Choice(32, 64), [32, 48, 1], [0, -1, 1.5]),
        (Choice("a", "b"), ["a", "b"], ["c", "", 1]),
        (Widths(4, 8, depth=(1, 3)), [(4,), [5, 6], (1, 1, 1, 1)], [(), (0,), (4, -1), 4, (2.5,)]),
        (Widths(4, 8, depth=(0, 3)), [()], [(-1,)]),
        (domain(ImageShape), [(8, 8, 1), [2, 3, 4]], [(8, 8), (8, 8, 0), "888", 8, (8, 8, 1.0)]),
        (domain(NumClasses), [2, 10], [1, 0, 2.0]),
        (domain(Seed), [None, 0, 3], [-1, 1.5]),
        (domain(Activation), ["relu", "softplus"], ["rellu", "", 3, "glu", "get"]),
    ],
)
def test_a_domain_tells_valid_values_from_others(domain, valid, invalid):
    for value in valid:
        domain.check(value)
    for value in invalid:
        with pytest.raises(ValueError, match=r"must be .*, got ") as error:
            domain.check(value)
        assert repr(value) in str(error.value)


def test_tuples_of_widths_have_a_tuned_length():
    widths = Widths(4, 64, depth=(0, 3))
    hp = keras_tuner.HyperParameters()
    tuned = {"units", "units_depth"}
    assert widths.suggest(hp, "units", (16, 8), tuned) == (16, 8)
    assert [p.name for p in hp.space] == ["units_depth", "units_0", "units_1", "units_2"]

    for depth in range(4):
        hp.values = {"units_depth": depth, "units_0": 10, "units_1": 11, "units_2": 12}
        assert widths.suggest(hp, "units", (16, 8), tuned) == (10, 11, 12)[:depth]
    hp.values["units_depth"] = 1
    active = [p.name for p in hp.space if hp.is_active(p)]
    assert active == ["units_depth", "units_0"], "deeper layers are no hyperparameters then"


@pytest.mark.parametrize(
    ("tuned", "names"),
    [
        (set(), []),
        ({"units"}, ["units_0", "units_1"]),
        ({"units_depth"}, ["units_depth"]),
    ],
)
def test_widths_and_depth_are_tuned_apart(tuned, names):
    hp = keras_tuner.HyperParameters()
    assert Widths(4, 64, depth=(0, 3)).suggest(hp, "units", (16, 8), tuned) == (16, 8)
    assert [p.name for p in hp.space] == names


def test_a_greater_depth_alone_repeats_the_last_width():
    hp = keras_tuner.HyperParameters()
    hp.values = {"units_depth": 3}
    found = Widths(4, 64, depth=(0, 3)).suggest(hp, "units", (16, 8), {"units_depth"})
    assert found == (16, 8, 8)


@pytest.mark.parametrize("drawn", [Float(1e-4, 1, log=True), Int(1, 9), Choice("a", "b", "c")])
def test_a_search_draws_valid_values_inside_the_range(drawn):
    hp = keras_tuner.HyperParameters()
    default = {"Float": 1e-2, "Int": 3, "Choice": "b"}[type(drawn).__name__]
    assert drawn.suggest(hp, "x", default, {"x"}) == default
    values = {hp.space[0].random_sample(seed) for seed in range(50)}
    assert len(values) > 2
    assert all(drawn.contains(value) and drawn.is_valid(value) for value in values)


def test_scales_are_logarithmic_where_the_quantity_is():
    hp = keras_tuner.HyperParameters()
    domain(LearningRate).suggest(hp, "learning_rate", 1e-3, {"learning_rate"})
    assert hp.space[0].sampling == "log"
    below = sum(hp.space[0].random_sample(seed) < 1e-3 for seed in range(200))
    assert 60 < below < 140, "half of the draws lie in the lower half of the decades"


def test_shared_aliases_are_ranked_in_the_order_in_which_tuning_matters():
    order = [LearningRate, Momentum, BatchSize, Units, Dropout, Activation]
    ranks = [domain(alias).rank for alias in order]
    assert ranks == sorted(ranks)
    assert domain(LatentDim).rank == domain(Units).rank == Rank.UNITS
    assert domain(WeightDecay).rank == Rank.REGULARIZATION


def test_an_annotation_without_a_domain_has_none():
    assert carried(int, Domain) == carried(Annotated[int, "words"], Domain) == ()
    (given,) = carried(Annotated[int, Given(lambda v: v == 1, "1")], Domain)
    assert given.hyperparameters("x") == {}
