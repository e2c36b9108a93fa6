"""All that the checks of a catalogue judge by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mia.domain.offer import Offer

FaultKind = Literal["malformed", "duplicate", "unknown_link", "translation"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that breaks a rule: where it is, and which rule. `offer` is the id where it can be read."""

    kind: FaultKind
    rule: str
    file: str
    row: int
    column: str | None = None
    offer: str | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """Whom the offers reach by region and `eligible_if` alone, among so many `sampled` of `subscribers` in all.

    `offers` counts them by offer; `alone` counts, for each offer that reaches nobody, whom each of its rules reaches by
    itself; `unknown_columns` and `unknown_regions` name by offer what no subscriber has.
    """

    subscribers: int
    sampled: int
    offers: Mapping[str, int]
    alone: Mapping[str, Mapping[str, int]]
    unknown_columns: Mapping[str, tuple[str, ...]]
    unknown_regions: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Wins:
    """What arbitration makes of some subscribers without contact history: ordered `by` a model or by value alone.

    Counted by offer: subscribers that may see it (`allowed`), that get it among the first `places`, and in first place.
    Offers that require another one are in none of them.
    """

    by: str
    places: int
    subscribers: int
    allowed: Mapping[str, int]
    shown: Mapping[str, int]
    first: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """`version` is None for a catalogue that could not be loaded; `offers` are those that can be read, by id.

    `contradictions` says by offer why no subscriber can ever satisfy it; `without` says why there is no `reach` and no
    `wins`, where there are none.
    """

    file: str
    version: str | None
    as_of: int
    rows: int
    offers: tuple[Offer, ...]
    faults: tuple[Fault, ...]
    contradictions: Mapping[str, str]
    reach: Reach | None = None
    wins: Wins | None = None
    without: str = ""
