"""What other policies would have earned, in first place and over whole slates, read off the logged propensities."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from mia.domain.policy import ArbitrationPolicy
from mia.errors import NotEnoughData
from mia.evaluation.intervals import clusters
from mia.evaluation.off_policy import Logged, OffPolicy, PolicyValue, Target, estimate_value
from mia.evaluation.paired import Gain, estimate_gains
from mia.frames import Floats, Ints
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
    arbitration: ArbitrationPolicy

    def values_of(
        self, rankers: Mapping[str, Ranker], targets: Mapping[str, TargetPolicy] | None = None, *, seed: int
    ) -> dict[str, PolicyValue]:
        """What each target would have earned; see `Choices.values`."""
        found = self.choices(rankers, targets)
        return {} if found is None else found.values(seed=seed)

    def choices(
        self, rankers: Mapping[str, Ranker], targets: Mapping[str, TargetPolicy] | None = None
    ) -> "Choices | None":
        """What each target would have done at the logged places; None where the log carries no propensities.

        The greedy policies of the rankers and one that explores are taken by default; `mia` must be among the rankers,
        since its acceptance is the model of rewards.
        """
        rows = self._slates()
        if not len(rows):
            return None
        kept = self.examples.take(rows)
        channels, channel = np.unique(kept.impressions.channel.astype(str), return_inverse=True)
        _, which, member = np.unique(kept.pairs.rows * len(channels) + channel, return_index=True, return_inverse=True)
        audience = Audience(kept.pairs.profiles.take(kept.pairs.rows[which]), kept.impressions.channel[which])
        place = kept.impressions.position.astype(np.int64) - 1
        places = Places(member.astype(np.int64), kept.pairs.cols, place, int(place.max()) + 1)
        plans = Planner(self.examples.moment, self.arbitration, rankers).plans(
            default_targets(rankers) if targets is None else targets, audience, places
        )
        log = Logged(
            kept.impressions.labels,
            kept.impressions.propensity,
            kept.impressions.slate,
            place,
            clusters(kept.impressions.subscriber_ids),
        )
        margin = kept.impressions.labels * self.examples.moment.table.value[places.col]
        return Choices(log, kept.impressions.local_day, margin, plans)

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


@dataclass(frozen=True, slots=True)
class Choices:
    """R logged places with their local days and the margin that came of them, and what each target would have done."""

    log: Logged
    days: Ints
    margin: Floats
    plans: Mapping[str, Plan]

    def values(self, *, seed: int) -> dict[str, PolicyValue]:
        """What each target would have earned an impression in first place, and a slate; `logged` is what was earned.

        Targets that the log cannot speak for, since it shows none of their choices with a propensity, are left out.
        """
        if not self.plans:
            return {}
        everything, first = np.arange(len(self.days)), np.flatnonzero(self.log.place == 0)
        values: dict[str, PolicyValue] = {}
        for name, plan in {LOGGED: _as_logged(self.plans, self.log.propensity), **self.plans}.items():
            with suppress(NotEnoughData):
                values[name] = PolicyValue(
                    self._value(plan, first, seed),
                    self._value(plan, everything, seed) if len(first) < len(everything) else None,
                )
        return values

    def gains(self, name: str, other: str, *, since_day: int) -> dict[str, Gain | None]:
        """How many more connections an impression in first place the one target would have had than the other, as a
        share of the other's, from `since_day` on: by SNIPS and by DR, paired over subscribers. None where the log shows
        nobody's connection for either.
        """
        fresh = np.flatnonzero((self.log.place == 0) & (self.days >= since_day))
        log = self.log.take(fresh)
        ours, theirs = (self.plans[one].connections.take(fresh) for one in (name, other))
        weights = [ours.weight(log), theirs.weight(log)]
        if not all(weight @ log.reward for weight in weights):
            return {"snips": None, "dr": None}
        doubly = [
            target.planned + weight * (log.reward - target.expected)
            for target, weight in zip((ours, theirs), weights, strict=True)
        ]

        def snips(times: Floats) -> float:
            value, base = (float((times * one) @ log.reward) / max(float(times @ one), 1e-12) for one in weights)
            return value / base - 1.0 if base > 0 else float("nan")

        def robust(times: Floats) -> float:
            value, base = (float(times @ one) for one in doubly)
            return value / base - 1.0 if base > 0 else float("nan")

        return {**estimate_gains({"snips": snips, "dr": robust}, log.cluster)}

    def _value(self, plan: Plan, rows: Ints, seed: int) -> OffPolicy:
        log, margin = self.log.take(rows), self.margin[rows]
        return estimate_value(log, plan.connections.take(rows), margin, plan.margin.take(rows), seed=seed)


def _as_logged(plans: Mapping[str, Plan], propensity: Floats) -> Plan:
    """The policy of the log: all weights are 1, and what it plans is what it did."""
    connections, margin = next(iter(plans.values())).connections, next(iter(plans.values())).margin
    return Plan(
        Target(propensity, connections.expected, connections.expected),
        Target(propensity, margin.expected, margin.expected),
    )
