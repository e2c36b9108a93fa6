"""What a feature is, and the few forms most of them take."""

from collections.abc import Callable
from dataclasses import dataclass

import ibis
from ibis.expr.types import IntegerValue, NumericValue, Table

from mia.profiles.bits import binary, bit_count, bit_or
from mia.profiles.exact import MONEY_GRAINS, QUANTITY_GRAINS
from mia.profiles.windows import BITS, OLDER, RECENT, WINDOWS
from mia.tables import KIND

MEBIBYTE = float(2**20)
MINUTE = 60.0 * QUANTITY_GRAINS
UNITS = QUANTITY_GRAINS
MONEY = MONEY_GRAINS
LOG_STEPS = float(2**30)
LEAST_ENTROPY = 1e-8

Column = Callable[[Table], NumericValue]


@dataclass(frozen=True, slots=True)
class Feature:
    """One profile column: name, unit, window in days (None: no window), one line about it, and how it is made.

    Exactly one of three: `total` adds up the window sums of one subscriber (a row a kind), `tally` its key sums (a row
    a category), `derive` computes from the columns that the others gave. A `total` or `tally` is 0 where there is no
    row. `part` columns are needed by others only and do not leave the query.
    """

    name: str
    unit: str
    window: int | None
    about: str
    total: Column | None = None
    tally: Column | None = None
    derive: Column | None = None
    part: bool = False


def total(column: str, *kinds: str, divisor: float = 1.0) -> Column:
    """The window sum of a column over some kinds, all when none is named."""

    def of(sums: Table) -> NumericValue:
        values = sums[KIND].isin(kinds).ifelse(sums[column], 0.0) if kinds else sums[column]
        return values.sum() / divisor

    return of


def total_but(column: str, *kinds: str, divisor: float = 1.0) -> Column:
    """The window sum of a column over all other kinds."""
    return lambda sums: sums[KIND].isin(kinds).ifelse(0.0, sums[column]).sum() / divisor


def windowed(
    name: str, unit: str, about: str, of: Callable[[int], Column], days: tuple[int, ...] = WINDOWS
) -> list[Feature]:
    """One feature for each window."""
    return [Feature(f"{name}_{each}d", unit, each, f"{about} in the last {each} days", total=of(each)) for each in days]


def part(name: str, of: Column) -> Feature:
    """A sum that only other features need."""
    return Feature(name, "", None, "", total=of, part=True)


def bits(name: str, *kinds: str, but: bool = False) -> list[Feature]:
    """The days on which a record of some kinds was seen, as two columns of bits; of all others with `but`."""

    def of(column: str) -> Column:
        def seen(sums: Table) -> NumericValue:
            where = sums[KIND].notin(kinds) if but else sums[KIND].isin(kinds)
            return bit_or(where.ifelse(sums[column], ibis.literal(0, "int64"))).fill_null(0)

        return seen

    return [part(f"{name}_{column}", of(column)) for column in (RECENT, OLDER)]


def ratio(
    name: str, about: str, over: str, under: str, window: int, *, unit: str = "share", scale: float = 1.0
) -> Feature:
    """One column over another; null where there is nothing to divide by."""
    return Feature(name, unit, window, about, derive=lambda row: row[over] / row[under].nullif(0.0) * scale)


def days_seen(row: Table, name: str, days: int) -> NumericValue:
    """On how many of the last `days` days a bit is set."""
    if days <= BITS:
        return bit_count(row[f"{name}_{RECENT}"] & (2**days - 1)).cast("float64")
    older = bit_count(row[f"{name}_{OLDER}"] & (2 ** (days - BITS) - 1))
    return bit_count(row[f"{name}_{RECENT}"]).cast("float64") + older.cast("float64")


def days_since(row: Table, name: str) -> NumericValue:
    """Days from the newest set bit to as_of; null without one."""
    recent, older = row[f"{name}_{RECENT}"], row[f"{name}_{OLDER}"]
    return ibis.cases(
        (recent > 0, _trailing_zeros(recent) + 1.0),
        (older > 0, _trailing_zeros(older) + (BITS + 1.0)),
        else_=ibis.null("float64"),
    )


def days_since_first(row: Table, name: str) -> NumericValue:
    """Days from the oldest set bit to as_of; null without one."""
    recent, older = row[f"{name}_{RECENT}"], row[f"{name}_{OLDER}"]
    return ibis.cases(
        (older > 0, binary(older).length().cast("float64") + float(BITS)),
        (recent > 0, binary(recent).length().cast("float64")),
        else_=ibis.null("float64"),
    )


def longest_silence(row: Table, name: str) -> NumericValue:
    """The most days in a row without a set bit, of the 2 x BITS days."""
    pattern = binary(row[f"{name}_{OLDER}"]).lpad(BITS, "0") + binary(row[f"{name}_{RECENT}"]).lpad(BITS, "0")
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
