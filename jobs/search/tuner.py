"""A KerasTuner tuner over an oracle of ours."""

from typing import Any

import keras_tuner


class OracleTuner(keras_tuner.Tuner):
    """KerasTuner's tuner with the oracle of its class.

    Args:
        hypermodel: The hypermodel.
        objective: As in KerasTuner.
        max_trials: Number of trials, at the most.
        seed: Seed of what is proposed.
        hyperparameters: Hyperparameters to take in place of those that the hypermodel declares.
        tune_new_entries: Whether those that the hypermodel declares beside them are tuned.
        max_consecutive_failed_trials: After so many failed trials in a row the search ends.
        **kwargs: Arguments of `keras_tuner.Tuner`.
    """

    oracle_class: type[keras_tuner.Oracle]

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        tune_new_entries: bool = True,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ):
        oracle = self.oracle_class(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        super().__init__(oracle, hypermodel, **kwargs)
