"""What other policies would have earned, in first place and over whole slates, read off the logged propensities."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from mia.errors import NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.off_policy import Logged, OffPolicy, PolicyValue, Target, estimate_value
from mia.frames import Floats, Ints
from mia.offers.contact import ContactPolicy
from mia.ranking.rankers.base import Ranker
from mia.services.train.examples import Examples
from mia.services.train.plans import Audience, Places, Plan, Planner
from mia.services.train.targets import LOGGED, TargetPolicy, default_targets

MOST = 20_000
"""Slates that are valued; of more, as many at equal distances in time."""
PLACES = 10


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Estimates over one set of examples, whose rows `rankers` must not have been fitted on."""

    examples: Examples
    contact: ContactPolicy

    def values_of(
        self, rankers: Mapping[str, Ranker], targets: Mapping[str, TargetPolicy] | None = None, *, seed: int
    ) -> dict[str, PolicyValue]:
        """What each target would have earned an impression in first place, and a slate; `logged` is what was earned.

        The greedy policies of the rankers and one that explores are valued by default; `mia` must be among the rankers,
        since its acceptance is the model of rewards. Targets that the log cannot speak for, since it shows none of
        their choices with a propensity, are left out.
        """
        rows = self._slates()
        if not len(rows):
            return {}
        kept = self.examples.take(rows)
        channels, channel = np.unique(kept.impressions.channel.astype(str), return_inverse=True)
        _, which, member = np.unique(kept.pairs.rows * len(channels) + channel, return_index=True, return_inverse=True)
        audience = Audience(kept.pairs.profiles.take(kept.pairs.rows[which]), kept.impressions.channel[which])
        place = kept.impressions.position.astype(np.int64) - 1
        places = Places(member.astype(np.int64), kept.pairs.cols, place, int(place.max()) + 1)
        plans = Planner(self.examples.moment, self.contact, rankers).plans(
            default_targets(rankers) if targets is None else targets, audience, places
        )
        propensity = kept.impressions.propensity
        log = Logged(
            kept.impressions.labels,
            propensity,
            kept.impressions.slate,
            place,
            clusters(kept.impressions.subscriber_ids),
        )
        margin = kept.impressions.labels * self.examples.moment.table.value[places.col]
        first = np.flatnonzero(place == 0)
        values: dict[str, PolicyValue] = {}
        for name, plan in ({LOGGED: _as_logged(plans, propensity)} | plans if plans else {}).items():
            with suppress(NotEnoughData):
                values[name] = PolicyValue(
                    _value(log, margin, plan, first, seed),
                    _value(log, margin, plan, np.arange(len(rows)), seed) if places.count > 1 else None,
                )
        return values

    def _slates(self) -> Ints:
        """Rows with a propensity of the slates to value: those whose first place is known."""
        impressions = self.examples.impressions
        usable = (
            (impressions.propensity > 0)
            & (impressions.propensity <= 1)
            & (impressions.position >= 1)
            & (impressions.position <= PLACES)
        )
        slates = np.unique(impressions.slate[usable & (impressions.position == 1)])
        if len(slates) > MOST:
            slates = slates[np.linspace(0, len(slates) - 1, MOST).astype(np.int64)]
        return np.flatnonzero(usable & np.isin(impressions.slate, slates))


def _as_logged(plans: Mapping[str, Plan], propensity: Floats) -> Plan:
    """The policy of the log: all weights are 1, and what it plans is what it did."""
    connections, margin = next(iter(plans.values())).connections, next(iter(plans.values())).margin
    return Plan(
        Target(propensity, connections.expected, connections.expected),
        Target(propensity, margin.expected, margin.expected),
    )


def _value(log: Logged, margin: Floats, plan: Plan, rows: Ints, seed: int) -> OffPolicy:
    return estimate_value(log.take(rows), plan.connections.take(rows), margin[rows], plan.margin.take(rows), seed=seed)
