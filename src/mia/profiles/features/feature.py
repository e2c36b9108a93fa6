"""What a feature is, and the few forms most of them take."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import IntegerValue, NumericValue, Table

from mia.profiles.bits import binary, bit_count
from mia.profiles.daily import PASSIVE_KINDS
from mia.profiles.exact import MONEY_GRAINS, QUANTITY_GRAINS
from mia.profiles.windows import BITS, EVERY_KIND, WINDOWS, DaysSeen, Kinds, LastCharge, Ramp, WindowSum

MEBIBYTE = float(2**20)
MINUTE = 60.0 * QUANTITY_GRAINS
UNITS = QUANTITY_GRAINS
MONEY = MONEY_GRAINS
LOG_STEPS = float(2**30)
LEAST_ENTROPY = 1e-8
ACTIVE = DaysSeen(Kinds(PASSIVE_KINDS, but=True))
"""Days with any record but fees and top-ups."""

Column = Callable[[Table], NumericValue]


@dataclass(frozen=True, slots=True)
class Total:
    """A column of the window sums in the unit of a feature: divided by so many grains."""

    column: WindowSum | Ramp | LastCharge
    divisor: float = 1.0

    def of(self, sums: Table) -> NumericValue:
        """The feature; 0 where there is no sum."""
        return sums[self.column.name].fill_null(0.0) / self.divisor


@dataclass(frozen=True, slots=True)
class Feature:
    """One profile column: name, unit, window in days (None: no window), one line about it, and how it is made.

    Exactly one of three: `total` is a window sum of the subscriber, `tally` adds up its key sums (a row a category or
    kind), `derive` computes from the columns that the others gave. A `total` or `tally` is 0 where there is no row.
    `part` columns are needed by others only and do not leave the query. `seen` are days that `derive` looks at.
    """

    name: str
    unit: str
    window: int | None
    about: str
    total: Total | None = None
    tally: Column | None = None
    derive: Column | None = None
    seen: DaysSeen | None = None
    part: bool = False


def total(of: str, days: int, *kinds: str, divisor: float = 1.0) -> Total:
    """The sum of a roll-up column over a window and some kinds, all when none is named."""
    return Total(WindowSum(of, days, Kinds(kinds) if kinds else EVERY_KIND), divisor)


def total_but(of: str, days: int, *kinds: str, divisor: float = 1.0) -> Total:
    """The sum of a roll-up column over a window and all other kinds."""
    return Total(WindowSum(of, days, Kinds(kinds, but=True)), divisor)


def windowed(
    name: str, unit: str, about: str, of: Callable[[int], Total], days: tuple[int, ...] = WINDOWS
) -> list[Feature]:
    """One feature for each window."""
    return [Feature(f"{name}_{each}d", unit, each, f"{about} in the last {each} days", total=of(each)) for each in days]


def part(name: str, of: Total) -> Feature:
    """A sum that only other features need."""
    return Feature(name, "", None, "", total=of, part=True)


def ratio(
    name: str, about: str, over: str, under: str, window: int, *, unit: str = "share", scale: float = 1.0
) -> Feature:
    """One column over another; null where there is nothing to divide by."""
    return Feature(name, unit, window, about, derive=lambda row: row[over] / row[under].nullif(0.0) * scale)


def seen_days(row: Table, seen: DaysSeen, days: int) -> NumericValue:
    """On how many of the last `days` days a bit is set."""
    if days <= BITS:
        return bit_count(row[seen.recent] & (2**days - 1)).cast("float64")
    older = bit_count(row[seen.older] & (2 ** (days - BITS) - 1))
    return bit_count(row[seen.recent]).cast("float64") + older.cast("float64")


def days_since(row: Table, seen: DaysSeen) -> NumericValue:
    """Days from the newest set bit to as_of; null without one."""
    recent, older = row[seen.recent], row[seen.older]
    return ibis.cases(
        (recent > 0, _trailing_zeros(recent) + 1.0),
        (older > 0, _trailing_zeros(older) + (BITS + 1.0)),
        else_=ibis.null("float64"),
    )


def days_since_first(row: Table, seen: DaysSeen) -> NumericValue:
    """Days from the oldest set bit to as_of; null without one."""
    recent, older = row[seen.recent], row[seen.older]
    return ibis.cases(
        (older > 0, binary(older).length().cast("float64") + float(BITS)),
        (recent > 0, binary(recent).length().cast("float64")),
        else_=ibis.null("float64"),
    )


def longest_silence(row: Table, seen: DaysSeen) -> NumericValue:
    """The most days in a row without a set bit, of the 2 x BITS days."""
    pattern = binary(row[seen.older]).lpad(BITS, "0") + binary(row[seen.recent]).lpad(BITS, "0")
    return pattern.split("1").map(lambda silence: silence.length()).maxs().cast("float64")


def entropy(counts: NumericValue, logs: NumericValue) -> NumericValue:
    """Shannon entropy in nats of counts with sum `counts` and sum of n ln n `logs`; null without a count.

    Off by 5e-10 at most, and exactly 0 where there is one sort only: what lies below LEAST_ENTROPY can only be what
    `log_mass` rounded away, since the entropy of n records of several sorts is ln n / n or more.
    """
    some = counts.nullif(0.0)
    found = some.ln() - logs / some
    return (found < LEAST_ENTROPY).ifelse(0.0, found)


def log_mass(count: NumericValue) -> NumericValue:
    """n ln n in whole steps, so that it adds up to the same bits in any order; 0 for 0."""
    mass = (count > 1).ifelse(count * ibis.greatest(count, 1.0).ln(), 0.0) * LOG_STEPS + 0.5
    return mass - mass % 1.0


def _trailing_zeros(number: IntegerValue) -> NumericValue:
    return bit_count((number & -number) - 1).cast("float64")
