"""From coarse to fine: a search space narrowed to where the best of an earlier search lie."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.engine import hyperparameters as kinds

from ...errors import UserError
from ..run import Run
from .record import trials_in
from .scores import best_first

# Of the trials, the part and the number that is looked at at the least.
BEST, LEAST = 0.1, 3
# By how much of its whole range a range goes beyond the best.
MARGIN = 0.1


def narrowed_by(run: Run, hypermodel) -> dict[str, Any]:
    """What `run.json` says of an earlier search, and the space that it leaves.

    Args:
        run: The earlier search.
        hypermodel: The hypermodel of the new one.

    Raises:
        UserError: If it is a search of another recipe, or has too few trials.
    """
    recipe = hypermodel.recipe.name
    if run.settings["recipe"] != recipe:
        raise UserError(
            f"{run.path} is a search of {run.settings['recipe']}: a search of {recipe} is to "
            "follow on one of its own"
        )
    good = best_first(trials_in(run.path), run.settings["objective"][1])
    if len(good) < LEAST:
        raise UserError(
            f"{run.path} has {len(good)} trials with a score: {LEAST} at the least are needed to "
            "narrow a search"
        )
    best = good[: max(LEAST, math.ceil(BEST * len(good)))]
    values = [trial.hyperparameters.values for trial in best]
    space = narrowed(space_of(hypermodel), values)
    return {
        "run": str(run.path.resolve()),
        "trials": [trial.trial_id for trial in best],
        "space": space.get_config(),
    }


def space_of(hypermodel) -> keras_tuner.HyperParameters:
    """All hyperparameters that a recipe declares, those that are not active by default included."""
    hp = keras_tuner.HyperParameters()
    hypermodel.batch_size(hp)
    hypermodel.arguments(hp)
    return hp


def narrowed(
    space: keras_tuner.HyperParameters, best: Sequence[Mapping[str, Any]]
) -> keras_tuner.HyperParameters:
    """A space narrowed to where values lie, the first of which are the new defaults.

    Numbers keep their scale, and a margin beyond the values; of choices those are left that occur.
    What is nowhere among the values keeps its range, and what can no longer be active is left out.

    Args:
        space: All hyperparameters.
        best: The values of good trials, the best first.
    """
    left = keras_tuner.HyperParameters()
    possible: dict[str, set] = {}
    for hp in space.space:
        if not all(possible.get(c.name, set()).intersection(c.values) for c in hp.conditions):
            continue
        seen = [values[hp.name] for values in best if hp.name in values]
        new = _narrowed(hp, seen) if seen else hp
        left.merge([new])
        possible[hp.name] = set(new.values)
    left.values = defaults(left)
    return left


def _narrowed(hp: Any, seen: Sequence[Any]) -> Any:
    """A hyperparameter, narrowed to where it has been."""
    config = hp.get_config() | {"default": seen[0]}
    if isinstance(hp, kinds.Float | kinds.Int):
        places = [hp.value_to_prob(value) for value in seen]
        edges = (max(0.0, min(places) - MARGIN), min(1 - 1e-6, max(places) + MARGIN))
        low, high = (hp.prob_to_value(edge) for edge in edges)
        config |= {"min_value": min(low, *seen), "max_value": max(high, *seen)}
    elif isinstance(hp, kinds.Choice):
        config["values"] = [value for value in hp.values if value in seen]
    return type(hp).from_config(config)


def defaults(space: keras_tuner.HyperParameters) -> dict[str, Any]:
    """The defaults of the hyperparameters that are active by default."""
    hp = space.copy()
    hp.values = {}
    for each in space.space:
        if hp.is_active(each):
            hp.values[each.name] = each.default
    return hp.values
