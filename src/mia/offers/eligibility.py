"""Eligibility: which offers a subscriber may see, as a mask that carries the rule which dropped each other one.

Works on n subscribers and m offers at once; a single request is the case n = 1. Rules apply in the order of
`mia.domain.decision.Rule`, and the first that drops an offer is the one that is kept.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mia.domain.decision import Rule
from mia.domain.offer import Condition, Offer, Op
from mia.frames import Floats, Ints, Profiles
from mia.offers.contact import ContactHistory, ContactPolicy
from mia.tables import PERSONALISATION, REGION

Mask = NDArray[np.bool_]
RULES: tuple[Rule, ...] = tuple(Rule)
PLACES = {rule: place for place, rule in enumerate(RULES)}
PASSED = -1


def _missing(values: NDArray[Any]) -> Mask:
    if values.dtype == object:
        # A value that is not equal to itself is NaN.
        return np.asarray((values == np.asarray(None)) | (values != values), np.bool_)
    return np.asarray(np.isnan(values))


def _ordered(compare: Callable[[NDArray[Any], Any], NDArray[Any]]) -> Callable[[NDArray[Any], Any], Mask]:
    def holds(values: NDArray[Any], bound: Any) -> Mask:  # noqa: ANN401 - a bound is any comparable value
        try:
            if values.dtype != object:  # no comparison holds for NaN
                return np.asarray(compare(values, bound), bool)
            known = ~_missing(values)
            out = np.zeros(len(values), bool)
            out[known] = compare(values[known], bound)
        except TypeError:  # text against a number: the condition does not hold
            return np.zeros(len(values), bool)
        return out

    return holds


def _one_of(values: NDArray[Any], bound: Iterable[Any]) -> Mask:
    allowed = set(bound)
    return np.fromiter((value is not None and value in allowed for value in values), bool, len(values))


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


@dataclass(frozen=True)
class Eligibility:
    """The rules of one catalogue under one contact policy; what depends on the offers alone is worked out once."""

    offers: tuple[Offer, ...]
    contact: ContactPolicy

    def check(
        self,
        profiles: Profiles | None,
        history: ContactHistory,
        *,
        channel: str | None,
        on: date,
        region: str | None = None,
    ) -> Candidates:
        """Verdict of every (subscriber, offer).

        Without profiles (an unknown subscriber, n = 1) every offer with an `eligible_if` or regions is dropped: what
        cannot be checked is not shown, unless `region` says where an unknown subscriber is. Of a history that is not
        known, offers drop out that require or exclude others. `channel` None skips the channel rule (batch scoring).
        """
        rows = len(history.connected)
        verdict = np.full((rows, len(self.offers)), PASSED, np.int8)

        def drop(rule: Rule, mask: Mask) -> None:
            verdict[(verdict == PASSED) & mask] = PLACES[rule]

        first_day, last_day = self._validity
        drop(Rule.NOT_YET_VALID, first_day > on.toordinal())
        drop(Rule.EXPIRED, last_day < on.toordinal())
        if channel is not None:
            drop(Rule.CHANNEL, self._off_channel.outside(channel))
        drop(Rule.REGION, self._off_region.outside(region) if profiles is None else self._outside_region(profiles))
        drop(Rule.CONDITION, self._failing_condition(profiles, rows))
        drop(Rule.REQUIRES, _any_of(self._required, ~history.connected))
        drop(Rule.EXCLUDES, _any_of(self._excluded, history.connected if history.is_known else ~history.connected))
        drop(Rule.CONNECTED, history.connected)
        per_subscriber, total = self._limits
        drop(Rule.SUBSCRIBER_LIMIT, history.connections >= per_subscriber)
        drop(Rule.TOTAL_LIMIT, history.total_connections >= total)
        drop(Rule.DECLINED, history.days_since_decline < self.contact.decline_cooldown_days)
        drop(Rule.SEEN_TOO_OFTEN, history.impressions >= self.contact.impression_cap)
        return Candidates(verdict)

    @cached_property
    def _validity(self) -> tuple[Ints, Ints]:
        """First and last day of each offer, as ordinals."""
        first = [(offer.valid_from or date.min).toordinal() for offer in self.offers]
        last = [(offer.valid_to or date.max).toordinal() for offer in self.offers]
        return np.asarray(first, np.int64), np.asarray(last, np.int64)

    @cached_property
    def _off_channel(self) -> "_Bounds":
        return _Bounds.build([offer.channels for offer in self.offers])

    @cached_property
    def _off_region(self) -> "_Bounds":
        return _Bounds.build([offer.regions for offer in self.offers])

    @cached_property
    def _required(self) -> dict[int, Ints]:
        return self._named([offer.requires for offer in self.offers])

    @cached_property
    def _excluded(self) -> dict[int, Ints]:
        return self._named([offer.excludes for offer in self.offers])

    @cached_property
    def _limits(self) -> tuple[Floats, Floats]:
        """Connections that each offer may have: of one subscriber, and in all."""
        return (
            _or_unlimited([offer.limits.per_subscriber for offer in self.offers]),
            _or_unlimited([offer.limits.total for offer in self.offers]),
        )

    @cached_property
    def _conditions(self) -> tuple[tuple[int, Condition], ...]:
        return tuple((place, condition) for place, offer in enumerate(self.offers) for condition in offer.eligible_if)

    def _outside_region(self, profiles: Profiles) -> Mask:
        regions = profiles.attributes.get(REGION)
        if regions is None:
            return self._off_region.outside(None)
        names = dict.fromkeys(regions)
        places = {name: place for place, name in enumerate(names)}
        outside = np.asarray([self._off_region.outside(name) for name in names], bool).reshape(-1, len(self.offers))
        return np.asarray(outside[[places[name] for name in regions]], np.bool_)

    def _failing_condition(self, profiles: Profiles | None, rows: int) -> Mask:
        out = np.zeros((rows, len(self.offers)), bool)
        for place, condition in self._conditions:
            out[:, place] |= True if profiles is None else ~holds(condition, profiles)
        return out

    def _named(self, others: Sequence[Collection[str]]) -> dict[int, Ints]:
        """Places of the offers that each offer names, for those that name any."""
        places = {offer.id: place for place, offer in enumerate(self.offers)}
        return {
            place: np.asarray([places[offer_id] for offer_id in sorted(named)], np.int64)
            for place, named in enumerate(others)
            if named
        }


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Offers bound to certain names (channels, regions): `of` holds for each name the offers that are out there."""

    of: dict[str, Mask]
    bound: Mask

    @classmethod
    def build(cls, allowed: Sequence[Collection[str]]) -> "_Bounds":
        bound = np.asarray([bool(names) for names in allowed], bool)
        named = {name for names in allowed for name in names}
        outside = {name: np.asarray([bool(names) and name not in names for names in allowed], bool) for name in named}
        return cls(outside, bound)

    def outside(self, name: str | None) -> Mask:
        """m: the offer is bound to other names. A name that no offer knows is outside of every bound one."""
        return self.bound if name is None else self.of.get(name, self.bound)


def _or_unlimited(limits: Sequence[int | None]) -> Floats:
    return np.asarray([np.inf if limit is None else limit for limit in limits], float)


def _any_of(named: dict[int, Ints], mask: Mask) -> Mask:
    """n x m: the mask holds at one of the offers that this offer names."""
    out = np.zeros(mask.shape, bool)
    for place, others in named.items():
        out[:, place] = mask[:, others].any(axis=1)
    return out


def opted_out(profiles: Profiles) -> Mask:
    """Whether each of n subscribers refused personalisation; who said nothing did not."""
    given = profiles.attributes.get(PERSONALISATION)
    return np.zeros(len(profiles), bool) if given is None else np.asarray(given == 0, bool)


def holds(condition: Condition, profiles: Profiles) -> Mask:
    """Whether one condition holds, for each of n subscribers; a column nobody has counts as missing."""
    values = profiles.column(condition.column)
    if values is None:
        values = np.full(len(profiles), None, object)
    return OPERATORS[condition.op](values, condition.value)
