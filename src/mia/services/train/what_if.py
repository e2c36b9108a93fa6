"""What other policies would have earned in the first place of the slate, read off the logged propensities."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from mia.errors import NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.off_policy import OffPolicy, estimate_value
from mia.frames import Floats, Ints, Profiles
from mia.offers.contact import ContactPolicy, no_history
from mia.offers.eligibility import Eligibility, Mask
from mia.ranking.arbitration import expected_value
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.rankers.base import Ranker
from mia.services.train.examples import Examples
from mia.timeline import date_of

MOST = 20_000
CHUNK = 100_000
NOBODY = -1


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Estimates for greedy policies over one set of examples: the best offer by a ranker's objective comes first.

    Candidates are the offers that the catalogue's rules allowed on the day; what the contact policy then dropped is
    not in the log.
    """

    examples: Examples
    contact: ContactPolicy

    def values_of(self, rankers: Mapping[str, Ranker], *, seed: int) -> dict[str, OffPolicy]:
        """Connections an impression in first place, had each ranker chosen. Rankers that the log cannot speak for,
        since it shows none of their choices with a propensity, are left out.
        """
        impressions = self.examples.impressions
        first = np.flatnonzero((impressions.position == 1) & (impressions.propensity > 0))
        if len(first) > MOST:
            first = first[np.linspace(0, len(first) - 1, MOST).astype(np.int64)]
        log = self.examples.take(first)
        wanted, row = np.unique(log.pairs.rows, return_inverse=True)
        cluster = clusters(log.impressions.subscriber_ids)
        values: dict[str, OffPolicy] = {}
        for name, best in self._best(rankers, log.pairs.profiles.take(wanted)).items():
            with suppress(NotEnoughData):
                chosen = best[row] == log.pairs.cols
                values[name] = estimate_value(
                    log.impressions.labels, log.impressions.propensity, chosen, cluster, seed=seed
                )
        return values

    def _best(self, rankers: Mapping[str, Ranker], profiles: Profiles) -> dict[str, Ints]:
        """The offer that each ranker puts first for each profile; NOBODY where none is allowed."""
        table, rates = self.examples.moment.table, self.examples.moment.rates(profiles)
        passed = self._passed(profiles)
        best = {name: np.full(len(profiles), NOBODY, np.int64) for name in rankers}
        step = max(1, CHUNK // max(len(table), 1))
        for start in range(0, len(profiles), step):
            part = np.arange(start, min(start + step, len(profiles)))
            rows, cols = (found.astype(np.int64) for found in np.nonzero(passed[part]))
            if not len(rows):
                continue
            context = Context.constant(len(rows), None)
            pairs = build_pairs(profiles.take(part), table, rates, rows, cols, context)
            for name, ranker in rankers.items():
                merit: Floats = np.full((len(part), len(table)), -np.inf)
                acceptance = ranker.score(pairs)
                earned = expected_value(acceptance, table.value[cols], table.priority[cols])
                merit[rows, cols] = ranker.objective.merit(acceptance, earned)
                best[name][part] = np.where(passed[part].any(axis=1), merit.argmax(axis=1), NOBODY)
        return best

    def _passed(self, profiles: Profiles) -> Mask:
        eligibility = Eligibility(self.examples.moment.table.offers, self.contact)
        passed = np.zeros((len(profiles), len(eligibility.offers)), bool)
        for day in np.unique(profiles.as_of):
            rows = np.flatnonzero(profiles.as_of == day)
            history = no_history(len(rows), eligibility.offers, {})
            verdicts = eligibility.check(profiles.take(rows), history, channel=None, on=date_of(int(day)))
            passed[rows] = verdicts.passed
        return passed
