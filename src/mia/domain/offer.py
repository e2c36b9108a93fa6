"""An offer: anything that can be connected, with the rules of who may see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any


class Language(StrEnum):
    """Languages a subscriber can be answered in."""

    RU = "ru"
    EN = "en"


class Op(StrEnum):
    """Comparisons of `eligible_if`."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    IN = "in"
    NOT_IN = "not_in"
    BETWEEN = "between"
    IS_NULL = "is_null"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    ru: str
    en: str

    def in_language(self, language: Language) -> str:
        """The text in one language."""
        return self.ru if language is Language.RU else self.en


@dataclass(frozen=True, slots=True)
class Condition:
    """`column op value` over profile and subscriber columns.

    A null column satisfies `is_null: true`, `ne` and `not_in` only.
    """

    column: str
    op: Op
    value: Any


@dataclass(frozen=True, slots=True)
class Limits:
    """How often an offer may be connected: per subscriber, and in all. None is no limit."""

    per_subscriber: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer of a catalogue; fields as in section 4.1 of the design.

    `price`, `value` (expected margin of a connection) and `discount` (share of the price, 0 to 1) in currency
    units; `gives` are allowances by name (`data_mb`, `voice_minutes`, `sms_count`). Empty `channels` and
    `regions` mean all. A `mandatory` offer comes before all others and passes caps and cooldowns.
    """

    id: str
    name: Text
    description: Text
    category: str
    kind: str
    price: float = 0.0
    value: float = 1.0
    discount: float = 0.0
    gives: Mapping[str, float] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    channels: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    eligible_if: tuple[Condition, ...] = ()
    requires: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()
    limits: Limits = Limits()
    priority: float = 1.0
    mandatory: bool = False
    attributes: Mapping[str, str | float | None] = field(default_factory=dict)
