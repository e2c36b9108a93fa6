"""Searches for good parameters, kept by Optuna in a SQLite file, so that one that was stopped goes on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from mia.ports import Dimension, Tried


class OptunaStudy:
    """`mia.ports.Study`: one search by name, the lowest loss wins.

    Each trial is proposed by a sampler that was seeded with its number, so that a search that was stopped and taken up
    again proposes what an undisturbed one would have. Bergstra, J. et al. (2011), tree-structured Parzen estimators.
    """

    def __init__(self, path: Path, name: str, space: Mapping[str, Dimension], *, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._seed = seed
        self._space = {key: _distribution(one) for key, one in space.items()}
        self._study = optuna.create_study(storage=f"sqlite:///{path}", study_name=name, load_if_exists=True)
        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            # Left by a process that was killed: it is proposed anew under the next number.
            self._study.tell(trial.number, state=TrialState.FAIL)

    def done(self) -> list[Tried]:
        """Trials that came to an end, in order."""
        found = self._study.get_trials(states=(TrialState.COMPLETE,))
        return [Tried(place, trial.params, float(trial.values[0])) for place, trial in enumerate(found)]

    def propose(self) -> dict[str, Any]:
        """Parameters of the next trial."""
        self._study.sampler = optuna.samplers.TPESampler(seed=self._seed + len(self.done()), n_startup_trials=8)
        self._trial = self._study.ask(self._space)
        return dict(self._trial.params)

    def tell(self, loss: float) -> None:
        """The loss of the trial that was proposed last."""
        self._study.tell(self._trial, loss)


def _distribution(one: Dimension) -> BaseDistribution:
    if one.choices:
        return CategoricalDistribution(one.choices)
    if one.whole:
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(one.low, one.high, log=one.log)
