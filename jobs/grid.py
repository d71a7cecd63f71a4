"""Grid search that can be resumed."""

import keras_tuner


class GridOracle(keras_tuner.oracles.GridSearchOracle):
    """KerasTuner's oracle of a grid, with all that it needs to go on in its state."""

    def get_state(self):
        ids, order = self._ordered_ids, []
        index = ids._next_index[None]
        while index is not None:
            order.append(ids._memory[index])
            index = ids._next_index[index]
        return {**super().get_state(), "order": order, "populate_next": self._populate_next}

    def set_state(self, state):
        super().set_state(state)
        self._ordered_ids = type(self._ordered_ids)()
        for before, trial in zip([None, *state["order"]], state["order"], strict=False):
            self._ordered_ids.insert(trial, before)
        self._populate_next = list(state["populate_next"])


class Grid(keras_tuner.Tuner):
    """KerasTuner's tuner with a `GridOracle`.

    Args:
        hypermodel: The hypermodel.
        objective: As in KerasTuner.
        max_trials: Number of trials, at the most.
        seed: Seed of the tuner; a grid has no chance.
        max_consecutive_failed_trials: After so many failed trials in a row the search ends.
        **kwargs: Arguments of `keras_tuner.Tuner`.
    """

    def __init__(
        self,
        hypermodel=None,
        objective=None,
        max_trials=None,
        seed=None,
        max_consecutive_failed_trials=3,
        **kwargs,
    ):
        oracle = GridOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
