"""Tuning: parameters that do best on later days, looked for within the days that the evaluation learns from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mia.evaluation.metrics import log_loss
from mia.evaluation.splits import split_by_time
from mia.frames import Floats, Ints
from mia.ports import Dimension, Study, Tried
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions, Ranker

SPACE = {
    "leaves": Dimension(4, 63, log=True, whole=True),
    "learning_rate": Dimension(0.02, 0.3, log=True),
    "minimum_leaf": Dimension(10, 400, log=True, whole=True),
    "feature_share": Dimension(0.1, 1.0),
    "row_share": Dimension(0.5, 1.0),
    "l2": Dimension(0.1, 100.0, log=True),
    "extra_trees": Dimension(choices=(False, True)),
}
"""What is looked for, and where."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How long a search goes on: until its study holds `trials`, or for `seconds`, whichever ends first.

    The first trial of a study runs in any case. Without `trials` only time ends it.
    """

    seconds: float
    trials: int | None = None

    def allows(self, spent: float, done: int) -> bool:
        """Whether there is time and need for another trial.

        >>> Budget(60.0, trials=3).allows(10.0, 3), Budget(60.0).allows(10.0, 3), Budget(60.0).allows(60.0, 0)
        (False, True, True)
        """
        return done == 0 or (spent < self.seconds and (self.trials is None or done < self.trials))


@dataclass(frozen=True, slots=True)
class Search:
    """A study, a clock in seconds, and how long it may go on."""

    study: Study
    clock: Callable[[], float]
    budget: Budget


@dataclass(frozen=True, slots=True)
class Tuned:
    """The options that did best, and every trial of the study."""

    options: FitOptions
    trials: Sequence[Tried]


def tune(
    search: Search,
    kind: type[Ranker],
    pairs: Pairs,
    labels: Floats,
    days: Ints,
    options: FitOptions,
    *,
    share: float,
    gap: int,
    progress: Callable[[str, int, int], None] | None = None,
) -> Tuned:
    """Options of least log loss on the latest `share` of R pairs in order of time, fitted on those before.

    `days` are the local days of the pairs; `gap` days between the two parts are left out, as in the evaluation. The
    same pairs, options and number of trials give the same options. Raises NotEnoughData when a part is empty.
    """
    earlier, later = split_by_time(days, share, gap=gap)
    seen, unseen = pairs.take(earlier), pairs.take(later).at_first_position()
    started, done = search.clock(), len(search.study.done())
    while search.budget.allows(search.clock() - started, done):
        if progress:
            progress("trials", done, max(search.budget.trials or 0, done + 1))
        tried = replace(options, **search.study.propose())
        search.study.tell(log_loss(kind.fit(seen, labels[earlier], tried).score(unseen), labels[later]))
        done += 1
    trials = search.study.done()
    best = trials[int(np.argmin([one.loss for one in trials]))]
    return Tuned(replace(options, **best.parameters), trials)
