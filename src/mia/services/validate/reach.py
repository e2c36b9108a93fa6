"""Whom the offers of a catalogue reach by region and conditions, and what arbitration makes of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mia.domain.offer import Offer
from mia.frames import Profiles
from mia.offers.conditions import holds
from mia.offers.contradictions import described
from mia.quality.catalogue import Reach, Wins
from mia.tables import OFFER_ID, POSITION, REGION

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Order:
    """Puts the offers of some subscribers in order: the best `places` of each, as `mia score --top` does, `by` name."""

    by: str
    best: Callable[[tuple[Offer, ...], int, int, Profiles], pa.Table]


@dataclass
class ReachCount:
    """Counts chunk by chunk whom the offers reach."""

    offers: Sequence[Offer]
    sampled: int = 0
    reached: Counter[str] = field(default_factory=Counter)
    alone: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    columns: set[str] = field(default_factory=set)
    regions: set[str] = field(default_factory=set)

    def add(self, people: Profiles) -> None:
        """Further subscribers."""
        self.sampled += len(people)
        self.columns |= {*people.names, *people.attributes}
        regions = people.attributes.get(REGION)
        self.regions |= set() if regions is None else {region for region in regions if region is not None}
        for offer in self.offers:
            rules = rules_of(offer, people)
            self.reached[offer.id] += int(np.logical_and.reduce([*rules.values(), np.ones(len(people), bool)]).sum())
            for rule, mask in rules.items():
                self.alone[offer.id][rule] += int(mask.sum())

    def result(self, subscribers: int) -> Reach:
        """What was counted, of so many subscribers in all."""
        columns = {
            offer.id: tuple(sorted({condition.column for condition in offer.eligible_if} - self.columns))
            for offer in self.offers
        }
        regions = {offer.id: tuple(sorted(offer.regions - self.regions)) for offer in self.offers}
        return Reach(
            subscribers,
            self.sampled,
            {offer.id: self.reached[offer.id] for offer in self.offers},
            {offer.id: dict(self.alone[offer.id]) for offer in self.offers if not self.reached[offer.id]},
            {offer_id: names for offer_id, names in columns.items() if names},
            {offer_id: names for offer_id, names in regions.items() if names},
        )


def rules_of(offer: Offer, people: Profiles) -> dict[str, Mask]:
    """Region and conditions of an offer in words, and which of n subscribers satisfy each."""
    rules = {described(condition): holds(condition, people) for condition in offer.eligible_if}
    if offer.regions:
        given = people.attributes.get(REGION, np.full(len(people), None, object))
        inside = np.fromiter((region in offer.regions for region in given), bool, len(people))
        rules[f"region in {', '.join(sorted(offer.regions))}"] = inside
    return rules


def count_wins(offers: tuple[Offer, ...], people: Profiles, order: Order | None, *, places: int, as_of: int) -> Wins:
    """Who is among the first `places` for whom, of the offers that require no other one.

    Without an order, acceptance counts as equal: by value x priority alone, and who is level with the last place is in.
    """
    free = tuple(offer for offer in offers if not offer.requires)
    allowed = np.ones((len(people), len(free)), bool)
    for place, offer in enumerate(free):
        for mask in rules_of(offer, people).values():
            allowed[:, place] &= mask
    counts = {offer.id: int(number) for offer, number in zip(free, allowed.sum(axis=0), strict=True)}
    if order is not None:
        best = order.best(free, as_of, places, people)
        shown = best[OFFER_ID].to_pylist()
        first = best.filter(pa.compute.equal(best[POSITION], 1))[OFFER_ID].to_pylist()
        return Wins(order.by, places, len(people), counts, Counter(shown), Counter(first))
    return _by_value(free, allowed, counts, places)


def _by_value(offers: Sequence[Offer], allowed: Mask, counts: Mapping[str, int], places: int) -> Wins:
    worth = np.asarray([offer.value * offer.priority for offer in offers], float)
    merit = np.where(allowed, worth, -np.inf)

    def within(most: int) -> dict[str, int]:
        last = min(most, len(offers)) - 1
        least = -np.partition(-merit, last, axis=1)[:, last : last + 1]
        times = (allowed & (merit >= least)).sum(axis=0)
        return {offer.id: int(number) for offer, number in zip(offers, times, strict=True)}

    shown, first = (within(places), within(1)) if offers else ({}, {})
    return Wins("value x priority", places, len(allowed), counts, shown, first)
