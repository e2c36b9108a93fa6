"""What another policy would have earned in the first place of the slate, read off the logged propensities."""

from dataclasses import dataclass

import numpy as np

from mia.evaluation.intervals import clusters
from mia.evaluation.off_policy import OffPolicy, estimate_value
from mia.frames import Floats, Ints, Profiles
from mia.offers.contact import ContactPolicy, no_history
from mia.offers.eligibility import Eligibility
from mia.ranking.arbitration import expected_value
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.rankers.base import Ranker
from mia.services.train.examples import Examples
from mia.timeline import date_of

MOST = 20_000


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Estimates for greedy policies over one set of examples: the best offer by expected value comes first.

    Candidates are the offers that the catalogue's rules allowed on the day; what the contact policy then dropped is
    not in the log.
    """

    examples: Examples
    contact: ContactPolicy

    def value_of(self, ranker: Ranker, *, seed: int) -> OffPolicy:
        """Connections an impression in first place, had the ranker chosen. Raises NotEnoughData without support."""
        impressions = self.examples.impressions
        first = np.flatnonzero((impressions.position == 1) & (impressions.propensity > 0))
        if len(first) > MOST:
            first = first[np.linspace(0, len(first) - 1, MOST).astype(np.int64)]
        log = self.examples.take(first)
        profiles = log.pairs.profiles.take(np.unique(log.pairs.rows))
        row = np.searchsorted(np.unique(log.pairs.rows), log.pairs.rows)
        chosen = self._best(ranker, profiles)[row] == log.pairs.cols
        cluster = clusters(log.impressions.subscriber_ids)
        return estimate_value(log.impressions.labels, log.impressions.propensity, chosen, cluster, seed=seed)

    def _best(self, ranker: Ranker, profiles: Profiles) -> Ints:
        table = self.examples.moment.table
        passed = self._passed(profiles)
        rows, cols = (found.astype(np.int64) for found in np.nonzero(passed))
        rates = self.examples.moment.rates(profiles)
        pairs = build_pairs(profiles, table, rates, rows, cols, Context.constant(len(rows), None))
        value, priority = (
            np.asarray([getattr(offer, name) for offer in table.offers]) for name in ("value", "priority")
        )
        worth: Floats = np.full(passed.shape, -np.inf)
        worth[rows, cols] = expected_value(ranker.score(pairs), value[cols], priority[cols])
        return np.asarray(np.argmax(worth, axis=1), np.int64)

    def _passed(self, profiles: Profiles) -> np.ndarray:
        eligibility = Eligibility(self.examples.moment.table.offers, self.contact)
        passed = np.zeros((len(profiles), len(eligibility.offers)), bool)
        for day in np.unique(profiles.as_of):
            rows = np.flatnonzero(profiles.as_of == day)
            history = no_history(len(rows), eligibility.offers, {})
            verdicts = eligibility.check(profiles.take(rows), history, channel=None, on=date_of(int(day)))
            passed[rows] = verdicts.passed
        return passed
