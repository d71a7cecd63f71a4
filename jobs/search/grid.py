"""Grid search that can be resumed, and proposes the same whatever the number of workers."""

import keras_tuner
from keras_tuner.engine.trial import TrialStatus

from .tuner import OracleTuner


class GridOracle(keras_tuner.oracles.GridSearchOracle):
    """KerasTuner's oracle of a grid, each trial of which follows on the one begun before it.

    KerasTuner's lets it follow on a trial that has ended, so that which is next depends on who ends
    first, and a search that is resumed does not know where it was. Hyperparameters that only a
    trial declares count from then on.
    """

    def populate_space(self, trial_id):
        if not self.start_order:
            return super().populate_space(trial_id)
        values = self._get_next_combination(
            self.trials[self.start_order[-1]].hyperparameters.values
        )
        if values is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": values}


class Grid(OracleTuner):
    """KerasTuner's tuner with a `GridOracle`.

    Args:
        *args: Arguments of `OracleTuner`, the seed among them: a grid has no chance.
        **kwargs: The same, by name.
    """

    oracle_class = GridOracle
