"""Facts of one pair that a text may state: the numbers it names, or None where the fact does not hold."""

from collections.abc import Callable, Mapping

import numpy as np

from mia.domain.offer import Offer
from mia.frames import places_of
from mia.ranking.pairs import Pairs

Fact = Callable[[Pairs, int], Mapping[str, float] | None]
ROUNDING = 1e-9
NO_NUMBERS: Mapping[str, float] = {}


def number_of(pairs: Pairs, row: int, name: str) -> float:
    """A profile or subscriber column of the pair's subscriber; NaN where it is unknown."""
    people, person = pairs.profiles, pairs.rows[row]
    place = places_of(people.names).get(name)
    if place is not None:
        return float(people.numeric[person, place])
    value = people.attributes[name][person] if name in people.attributes else None
    return float(value) if isinstance(value, int | float) else np.nan


def profile(name: str, least: float, most: float = np.inf, scale: float = 1.0) -> Fact:
    """The column lies in [least, most]: `value`, in units of `scale`."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value = number_of(pairs, row, name) / scale
        return {"value": value} if least <= value <= most else None

    return fact


def used_of(used: str, allowance: str, share: float, scale: float = 1.0) -> Fact:
    """At least a share of an allowance of 1 or more is used up: `used` and `of`, in units of `scale`."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value, limit = number_of(pairs, row, used) / scale, number_of(pairs, row, allowance) / scale
        return {"used": value, "of": limit} if limit >= 1.0 and value >= share * limit else None

    return fact


def pair(name: str, least: float) -> Fact:
    """The pair feature is at least so much: `value`."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value = pairs.cell(row, name)
        return {"value": value} if value >= least else None

    return fact


def above(name: str, broader: str, least: float) -> Fact:
    """A smoothed rate that lies above the broader one it is shrunk to: only connections of its own lift it there."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value, other = pairs.cell(row, name), pairs.cell(row, broader)
        return NO_NUMBERS if value >= least and value > other * (1 + ROUNDING) else None

    return fact


def grown(name: str, least: float) -> Fact:
    """A ratio of a newer to an older time is at least so much: `more`, in percent."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value = number_of(pairs, row, name)
        return {"more": 100.0 * (value - 1.0)} if value >= least else None

    return fact


def percent(name: str, least: float) -> Fact:
    """A share is at least so much: `share`, in percent."""

    def fact(pairs: Pairs, row: int) -> Mapping[str, float] | None:
        value = number_of(pairs, row, name)
        return {"share": 100.0 * value} if value >= least else None

    return fact


def gives(column: str, then: Fact) -> Fact:
    """The fact, but only for offers that give something in that column."""
    return where(lambda pairs, row: pairs.offers.column(column)[pairs.cols[row]] > 0, then)


def tagged(tags: tuple[str, ...], then: Fact) -> Fact:
    """The fact, but only for offers of one of these tags or categories."""

    def speaks(pairs: Pairs, row: int) -> bool:
        offer: Offer = pairs.offers.offers[pairs.cols[row]]
        return any(tag in offer.tags or tag == offer.category for tag in tags)

    return where(speaks, then)


def discounted(then: Fact) -> Fact:
    """The fact, but only for offers at a discount."""
    return gives("offer_discount", then)


def where(holds: Callable[[Pairs, int], bool], then: Fact) -> Fact:
    """The fact, but only where something holds."""
    return lambda pairs, row: then(pairs, row) if holds(pairs, row) else None


def unless(other: Fact, then: Fact) -> Fact:
    """The fact, but only where the other one does not hold."""
    return where(lambda pairs, row: other(pairs, row) is None, then)
