"""Eligibility: which offers a subscriber may see, as a mask that carries the rule which dropped each other one.

Works on n subscribers and m offers at once; a single request is the case n = 1. Rules apply in the order of
`mia.domain.decision.Rule`, and the first that drops an offer is the one that is kept.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mia.domain.decision import Rule
from mia.domain.offer import Offer
from mia.domain.policy import CapScope, ContactPolicy
from mia.frames import Floats, Ints, Profiles
from mia.offers.conditions import ConditionTable, Mask
from mia.offers.consent import consented
from mia.offers.contact import ContactBook, ContactHistory
from mia.tables import REGION

RULES: tuple[Rule, ...] = tuple(Rule)
PLACES = {rule: place for place, rule in enumerate(RULES)}
PASSED = -1
CAPS = {
    CapScope.OFFER: Rule.SEEN_TOO_OFTEN,
    CapScope.CATEGORY: Rule.CATEGORY_CAP,
    CapScope.CHANNEL: Rule.CHANNEL_CAP,
    CapScope.ALL: Rule.TOTAL_CAP,
}


@dataclass(frozen=True, slots=True)
class Candidates:
    """n x m verdicts: -1 passed, else the place in RULES of the rule that dropped the offer."""

    verdict: NDArray[np.int8]

    @property
    def passed(self) -> Mask:
        """n x m: the offer may be shown."""
        return np.asarray(self.verdict == PASSED)

    def without(self, rule: Rule, places: Ints) -> "Candidates":
        """The same, with further offers of a single subscriber dropped."""
        verdict = self.verdict.copy()
        verdict[0, places] = PLACES[rule]
        return Candidates(verdict)

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
        minute: int | None = None,
        region: str | None = None,
    ) -> Candidates:
        """Verdict of every (subscriber, offer) on a local day, at a local `minute` after midnight.

        Without profiles (an unknown subscriber, n = 1) every offer with an `eligible_if` or regions is dropped: what
        cannot be checked is not shown, unless `region` says where an unknown subscriber is. Of a history that is not
        known, offers drop out that require or exclude others. `channel` None skips what asks for a channel (batch
        scoring): channel, consent, quiet hours and caps per channel; `minute` None skips the quiet hours. A mandatory
        offer passes caps and cooldowns, but no other rule.
        """
        rows = len(history.connected)
        verdict = np.full((rows, len(self.offers)), PASSED, np.int8)

        def drop(rule: Rule, mask: Mask) -> None:
            np.copyto(verdict, PLACES[rule], where=(verdict == PASSED) & mask)

        first_day, last_day = self._validity
        drop(Rule.NOT_YET_VALID, first_day > on.toordinal())
        drop(Rule.EXPIRED, last_day < on.toordinal())
        outbound = channel in self.contact.outbound
        if channel is not None:
            drop(Rule.CHANNEL, self._off_channel.outside(channel))
            if outbound:
                drop(Rule.CONSENT, ~consented(profiles, rows, channel)[:, None])
        drop(Rule.REGION, self._off_region.outside(region) if profiles is None else self._outside_region(profiles))
        drop(Rule.CONDITION, self._conditions.failing(profiles, rows))
        if self._required.is_any:
            drop(Rule.REQUIRES, self._required.any_of(~history.connected))
        if self._excluded.is_any:
            drop(Rule.EXCLUDES, self._excluded.any_of(history.connected if history.is_known else ~history.connected))
        drop(Rule.CONNECTED, history.connected)
        per_subscriber, total = self._limits
        if per_subscriber is not None:
            drop(Rule.SUBSCRIBER_LIMIT, history.connections >= per_subscriber)
        quiet = self.contact.quiet
        if outbound and minute is not None and quiet is not None and quiet.hold(minute):
            drop(Rule.QUIET_HOURS, np.ones(1, bool))
        self._check_frequency(verdict, history, channel)
        if total is not None:
            drop(Rule.TOTAL_LIMIT, history.total_connections >= total)
        return Candidates(verdict)

    def _check_frequency(self, verdict: NDArray[np.int8], history: ContactHistory, channel: str | None) -> None:
        """Cooldowns and caps, which a mandatory offer passes."""
        contact, optional = self.contact, self._optional

        def drop(rule: Rule, mask: Mask) -> None:
            np.copyto(verdict, PLACES[rule], where=(verdict == PASSED) & optional & mask)

        drop(Rule.DECLINED, history.days_since_decline < contact.after_decline_days)
        if contact.after_connection_days:
            drop(Rule.RECENTLY_CONNECTED, history.days_since_connection < contact.after_connection_days)
        if contact.unanswered is not None:
            many = history.unanswered >= contact.unanswered.impressions
            drop(Rule.UNANSWERED, many & (history.days_since_unanswered < contact.unanswered.rest_days))
        for place in self._caps_in_order:
            cap = contact.caps[place]
            shown = self.book.of_offers(cap, history.shown[place], channel)
            if shown is not None:
                drop(CAPS[cap.per], shown >= cap.at_most)

    @cached_property
    def book(self) -> ContactBook:
        """What contact histories are counted by."""
        return ContactBook(self.offers, self.contact)

    @cached_property
    def mandatory(self) -> Mask:
        """m: the offer comes before all others."""
        return np.asarray([offer.mandatory for offer in self.offers], bool)

    @cached_property
    def _optional(self) -> Mask:
        return ~self.mandatory

    @cached_property
    def _caps_in_order(self) -> list[int]:
        """Places of the caps, in the order of their rules."""
        caps = self.contact.caps
        return sorted(range(len(caps)), key=lambda place: PLACES[CAPS[caps[place].per]])

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
    def _required(self) -> "_Links":
        return _Links.build(self.book.places, [offer.requires for offer in self.offers])

    @cached_property
    def _excluded(self) -> "_Links":
        return _Links.build(self.book.places, [offer.excludes for offer in self.offers])

    @cached_property
    def _limits(self) -> tuple[Floats | None, Floats | None]:
        """Connections that each offer may have: of one subscriber, and in all; None where no offer is limited."""
        return (
            _or_unlimited([offer.limits.per_subscriber for offer in self.offers]),
            _or_unlimited([offer.limits.total for offer in self.offers]),
        )

    @cached_property
    def _conditions(self) -> ConditionTable:
        return ConditionTable.build(self.offers)

    def _outside_region(self, profiles: Profiles) -> Mask:
        regions = profiles.attributes.get(REGION)
        if regions is None:
            return self._off_region.outside(None)
        names = dict.fromkeys(regions)
        places = {name: place for place, name in enumerate(names)}
        outside = np.asarray([self._off_region.outside(name) for name in names], bool).reshape(-1, len(self.offers))
        return np.asarray(outside[[places[name] for name in regions]], np.bool_)


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


@dataclass(frozen=True, slots=True)
class _Links:
    """Offers that name others: those of `places` (k) name `others[starts[i]:starts[i + 1]]`."""

    places: Ints
    others: Ints
    starts: Ints

    @classmethod
    def build(cls, places: dict[str, int], named: Sequence[Collection[str]]) -> "_Links":
        linked = [(place, [places[offer_id] for offer_id in sorted(ids)]) for place, ids in enumerate(named) if ids]
        sizes = [len(others) for _, others in linked]
        return cls(
            np.asarray([place for place, _ in linked], np.int64),
            np.asarray([other for _, others in linked for other in others], np.int64),
            np.cumsum([0, *sizes])[:-1].astype(np.int64),
        )

    @property
    def is_any(self) -> bool:
        """Whether any offer names others."""
        return len(self.places) > 0

    def any_of(self, mask: Mask) -> Mask:
        """n x m: the mask holds at one of the offers that this offer names."""
        out = np.zeros(mask.shape, bool)
        out[:, self.places] = np.logical_or.reduceat(mask[:, self.others], self.starts, axis=1)
        return out


def _or_unlimited(limits: Sequence[int | None]) -> Floats | None:
    if all(limit is None for limit in limits):
        return None
    return np.asarray([np.inf if limit is None else limit for limit in limits], float)
