"""Window sums from nothing: every day of the longest window is added up once."""

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

from mia.profiles.bits import bit_or
from mia.profiles.windows.columns import (
    BITS,
    LONGEST,
    WINDOWS,
    WindowColumns,
    WindowSum,
    exact_sum,
    no_days,
    still_seen,
)
from mia.profiles.windows.days import with_calendar
from mia.tables import AS_OF, KIND, KNOWN_DAY, LOCAL_DAY, SUBSCRIBER_ID

BY = (SUBSCRIBER_ID, AS_OF)
BAND = "band"


def sum_windows(days: Table, columns: WindowColumns, first: int, last: int) -> Table:
    """Window sums of every (subscriber_id, as_of) that was seen in the longest window.

    `days` are rows of the roll-up by kind with the `as_of` they count for; those outside of its windows, or not known
    by then, are left out. `first` and `last` bound the day numbers of as_of.
    """
    rows = with_calendar(days, first - LONGEST, last)
    age = rows[AS_OF] - rows[LOCAL_DAY]
    inside = rows.filter(age >= 1, age <= LONGEST, rows[KNOWN_DAY] < rows[AS_OF])
    return still_seen(_add_bands(_bands(inside, columns), columns))


def _bands(days: Table, columns: WindowColumns) -> Table:
    """Sums by band of age: a row a kind and window that the days fall into first, so that every day is added once."""
    age = days[AS_OF] - days[LOCAL_DAY]
    seen = days["records"] > 0
    banded = days.mutate(
        band=ibis.cases(*((age <= window, window) for window in WINDOWS[:-1]), else_=LONGEST),
        ramp=days["quantity"] * age.cast("float64"),
        recent_bit=_bit(age - 1, seen & (age <= BITS)),
        older_bit=_bit(age - 1 - BITS, seen & (age > BITS)),
    )
    return banded.group_by([*BY, KIND, BAND]).aggregate(
        *(exact_sum(banded[of]).name(of) for of in columns.sources),
        ramp=exact_sum(banded["ramp"]),
        recent=bit_or(banded["recent_bit"]),
        older=bit_or(banded["older_bit"]),
        last_charge=banded["charge"].argmax(banded[LOCAL_DAY], where=banded["records"] > 0),
    )


def _add_bands(bands: Table, columns: WindowColumns) -> Table:
    """Window sums from bands: the window of 30 days is the bands of 7 and of 30."""

    def within(each: WindowSum) -> NumericValue:
        values = bands[each.of]
        if each.days == LONGEST:
            return each.kinds.pick(bands, values)
        recent = bands[BAND] <= each.days
        return (recent & each.kinds.hold(bands) if each.kinds.names else recent).ifelse(values, 0.0)

    last = bands["last_charge"]
    return bands.group_by(BY).aggregate(
        *(exact_sum(within(each)).name(each.name) for each in columns.sums),
        *(exact_sum(each.kinds.pick(bands, bands["ramp"])).name(each.name) for each in columns.ramps),
        *(
            bit_or(each.kinds.pick(bands, bands[half], no_days())).name(name)
            for each in columns.seen
            for half, name in (("recent", each.recent), ("older", each.older))
        ),
        *(
            last.argmin(bands[BAND], where=last.notnull() & (bands[KIND] == each.kind)).name(each.name)
            for each in columns.last
        ),
    )


def _bit(place: IntegerValue, where: BooleanValue) -> IntegerValue:
    # Powers of two are exact in float, and both engines shift integers differently.
    return where.ifelse((ibis.literal(2.0) ** place).cast("int64"), no_days())
