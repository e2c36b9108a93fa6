"""Eligibility: which offers a subscriber may see, as a mask that carries the rule which dropped each other one.

Works on n subscribers and m offers at once; a single request is the case n = 1. Rules apply in the order of
`mia.domain.decision.Rule`, and the first that drops an offer is the one that is kept.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.domain.decision import Rule
from mia.domain.offer import Condition, Offer, Op
from mia.frames import Profiles
from mia.offers.contact import ContactHistory, ContactPolicy
from mia.tables import REGION

Mask = NDArray[np.bool_]
RULES: tuple[Rule, ...] = tuple(Rule)
PASSED = -1


def _missing(values: NDArray[Any]) -> Mask:
    if values.dtype == object:
        return np.fromiter((value is None for value in values), bool, len(values))
    return np.asarray(np.isnan(values))


def _ordered(compare: Callable[[NDArray[Any], Any], NDArray[Any]]) -> Callable[[NDArray[Any], Any], Mask]:
    def holds(values: NDArray[Any], bound: Any) -> Mask:  # noqa: ANN401 - a bound is any comparable value
        known = ~_missing(values)
        out = np.zeros(len(values), bool)
        try:
            out[known] = compare(values[known], bound)
        except TypeError:  # text against a number: the condition does not hold
            out[:] = False
        return out

    return holds


def _one_of(values: NDArray[Any], bound: Iterable[Any]) -> Mask:
    allowed = set(bound)
    return np.fromiter((value in allowed for value in values), bool, len(values))


OPERATORS: dict[Op, Callable[[NDArray[Any], Any], Mask]] = {
    Op.EQ: _ordered(lambda values, bound: values == bound),
    Op.NE: lambda values, bound: ~_ordered(lambda known, other: known == other)(values, bound),
    Op.GT: _ordered(lambda values, bound: values > bound),
    Op.GE: _ordered(lambda values, bound: values >= bound),
    Op.LT: _ordered(lambda values, bound: values < bound),
    Op.LE: _ordered(lambda values, bound: values <= bound),
    Op.IN: _one_of,
    Op.NOT_IN: lambda values, bound: ~_one_of(values, bound),
    Op.BETWEEN: _ordered(lambda values, bound: (values >= bound[0]) & (values <= bound[1])),
    Op.IS_NULL: lambda values, bound: _missing(values) == bool(bound),
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """n x m verdicts: -1 passed, else the place in RULES of the rule that dropped the offer."""

    verdict: NDArray[np.int8]

    @property
    def passed(self) -> Mask:
        """n x m: the offer may be shown."""
        return np.asarray(self.verdict == PASSED)

    def dropped(self, row: int, offers: Sequence[Offer]) -> dict[str, str]:
        """Offer id -> rule for one subscriber."""
        return {
            offer.id: str(RULES[code])
            for offer, code in zip(offers, self.verdict[row].tolist(), strict=True)
            if code != PASSED
        }


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The rules of one catalogue under one contact policy."""

    offers: tuple[Offer, ...]
    contact: ContactPolicy

    def check(self, profiles: Profiles | None, history: ContactHistory, *, channel: str | None, on: date) -> Candidates:
        """Verdict of every (subscriber, offer).

        Without profiles (an unknown subscriber, n = 1) every offer with an `eligible_if` or regions is dropped: what
        cannot be checked is not shown. `channel` None skips the channel rule (batch scoring).
        """
        rows = len(history.connected)
        verdict = np.full((rows, len(self.offers)), PASSED, np.int8)

        def drop(rule: Rule, mask: Mask) -> None:
            verdict[(verdict == PASSED) & mask] = RULES.index(rule)

        drop(Rule.NOT_YET_VALID, self._each(lambda offer: offer.valid_from is not None and on < offer.valid_from))
        drop(Rule.EXPIRED, self._each(lambda offer: offer.valid_to is not None and on > offer.valid_to))
        if channel is not None:
            drop(Rule.CHANNEL, self._each(lambda offer: bool(offer.channels) and channel not in offer.channels))
        drop(Rule.REGION, self._outside_region(profiles, rows))
        drop(Rule.CONDITION, self._failing_condition(profiles, rows))
        drop(Rule.REQUIRES, self._lacking(history.connected))
        drop(Rule.EXCLUDES, self._excluded(history.connected))
        drop(Rule.CONNECTED, history.connected)
        drop(Rule.SUBSCRIBER_LIMIT, history.connections >= self._limit(lambda offer: offer.limits.per_subscriber))
        drop(Rule.TOTAL_LIMIT, history.total_connections >= self._limit(lambda offer: offer.limits.total))
        drop(Rule.DECLINED, history.days_since_decline < self.contact.decline_cooldown_days)
        drop(Rule.SEEN_TOO_OFTEN, history.impressions >= self.contact.impression_cap)
        return Candidates(verdict)

    def _each(self, test: Callable[[Offer], bool]) -> Mask:
        return np.asarray([test(offer) for offer in self.offers], bool)

    def _limit(self, limit: Callable[[Offer], int | None]) -> NDArray[np.float64]:
        return np.asarray([np.inf if limit(offer) is None else limit(offer) for offer in self.offers], float)

    def _outside_region(self, profiles: Profiles | None, rows: int) -> Mask:
        out = np.zeros((rows, len(self.offers)), bool)
        regions = None if profiles is None else profiles.attributes.get(REGION)
        for place, offer in enumerate(self.offers):
            if offer.regions:
                out[:, place] = True if regions is None else ~_one_of(regions, offer.regions)
        return out

    def _failing_condition(self, profiles: Profiles | None, rows: int) -> Mask:
        out = np.zeros((rows, len(self.offers)), bool)
        for place, offer in enumerate(self.offers):
            for condition in offer.eligible_if:
                out[:, place] |= True if profiles is None else ~holds(condition, profiles)
        return out

    def _lacking(self, connected: Mask) -> Mask:
        places = self._places()
        out = np.zeros(connected.shape, bool)
        for place, offer in enumerate(self.offers):
            for other in offer.requires:
                out[:, place] |= ~connected[:, places[other]]
        return out

    def _excluded(self, connected: Mask) -> Mask:
        places = self._places()
        out = np.zeros(connected.shape, bool)
        for place, offer in enumerate(self.offers):
            for other in offer.excludes:
                out[:, place] |= connected[:, places[other]]
        return out

    def _places(self) -> dict[str, int]:
        return {offer.id: place for place, offer in enumerate(self.offers)}


def holds(condition: Condition, profiles: Profiles) -> Mask:
    """Whether one condition holds, for each of n subscribers; a column nobody has counts as missing."""
    values = profiles.column(condition.column)
    if values is None:
        values = np.full(len(profiles), None, object)
    return OPERATORS[condition.op](values, condition.value)
