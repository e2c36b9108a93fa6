"""What the columns of window sums are: a sum, a weighted sum, days seen or a last charge, of some kinds of records."""

from collections.abc import Iterable
from dataclasses import dataclass

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

from mia.tables import KIND

WINDOWS = (7, 30, 90)
LONGEST = max(WINDOWS)
BITS = 45
"""Days that one column of bits holds; bit 0 of `recent` is the last day of the window."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """Kinds of usage records: those named, or with `but` all others."""

    names: tuple[str, ...]
    but: bool = False

    @property
    def label(self) -> str:
        """How columns are called after them."""
        if not self.names:
            return "all"
        return "_".join((*(["but"] if self.but else []), *self.names))

    def pick(self, table: Table, values: NumericValue, other: NumericValue | float = 0.0) -> NumericValue:
        """The values in rows of these kinds, `other` in the rest."""
        return values if not self.names else self.hold(table).ifelse(values, other)

    def hold(self, table: Table) -> BooleanValue:
        """Whether a row is of these kinds."""
        if len(self.names) == 1:
            return (table[KIND] != self.names[0]) if self.but else (table[KIND] == self.names[0])
        return table[KIND].notin(self.names) if self.but else table[KIND].isin(self.names)


EVERY_KIND = Kinds((), but=True)


@dataclass(frozen=True, slots=True)
class WindowSum:
    """The sum of the roll-up column `of` over the last `days` days."""

    of: str
    days: int
    kinds: Kinds = EVERY_KIND

    @property
    def name(self) -> str:
        """Its column."""
        return f"{self.of}_{self.days}d_{self.kinds.label}"


@dataclass(frozen=True, slots=True)
class Ramp:
    """The sum of each day's quantity times its age in days, 1 for yesterday, over the longest window."""

    kinds: Kinds

    @property
    def name(self) -> str:
        """Its column."""
        return f"ramp_{self.kinds.label}"

    @property
    def total(self) -> WindowSum:
        """What the ramp grows by from one day to the next, when nothing comes or goes."""
        return WindowSum("quantity", LONGEST, self.kinds)


@dataclass(frozen=True, slots=True)
class DaysSeen:
    """The days with a record, as two columns of BITS bits: the later half of the longest window, and the earlier."""

    kinds: Kinds = EVERY_KIND

    @property
    def recent(self) -> str:
        """The column of the later days; bit 0 is yesterday."""
        return f"recent_{self.kinds.label}"

    @property
    def older(self) -> str:
        """The column of the earlier days; bit 0 is the day before the recent ones."""
        return f"older_{self.kinds.label}"


@dataclass(frozen=True, slots=True)
class LastCharge:
    """The charges of the last day with a record of one kind; null without one in the longest window."""

    kind: str

    @property
    def name(self) -> str:
        """Its column."""
        return f"last_charge_{self.kind}"

    @property
    def seen(self) -> DaysSeen:
        """The days that say whether there is one still."""
        return DaysSeen(Kinds((self.kind,)))


WindowColumn = WindowSum | Ramp | DaysSeen | LastCharge


@dataclass(frozen=True, slots=True)
class WindowColumns:
    """The columns of window sums by sort, each once, with those that the others need to be moved on by a day."""

    sums: tuple[WindowSum, ...]
    ramps: tuple[Ramp, ...]
    seen: tuple[DaysSeen, ...]
    last: tuple[LastCharge, ...]

    @classmethod
    def of(cls, columns: Iterable[WindowColumn]) -> "WindowColumns":
        """From what is asked for, in any order and number."""
        distinct = list(dict.fromkeys([DaysSeen(), *columns]))
        ramps = tuple(each for each in distinct if isinstance(each, Ramp))
        last = tuple(each for each in distinct if isinstance(each, LastCharge))
        sums = [each for each in distinct if isinstance(each, WindowSum)]
        seen = [each for each in distinct if isinstance(each, DaysSeen)]
        return cls(
            tuple(dict.fromkeys([*sums, *(each.total for each in ramps)])),
            ramps,
            tuple(dict.fromkeys([*seen, *(each.seen for each in last)])),
            last,
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """The roll-up columns that are added up."""
        return tuple(dict.fromkeys(each.of for each in self.sums))


def exact_sum(values: NumericValue) -> NumericValue:
    """The sum of whole numbers of grains; 0 of none."""
    return values.sum().fill_null(0.0)


def still_seen(sums: Table) -> Table:
    """The subscribers with a record in the longest window."""
    seen = DaysSeen()
    return sums.filter((sums[seen.recent] > 0) | (sums[seen.older] > 0))


def no_days() -> IntegerValue:
    """Bits of no day."""
    return ibis.literal(0, "int64")
