"""Window sums of a day from those of the day before: the day that ended comes, the days that left a window go."""

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

from mia.profiles.bits import bit_or
from mia.profiles.windows.columns import (
    BITS,
    LONGEST,
    WINDOWS,
    LastCharge,
    Ramp,
    WindowColumns,
    WindowSum,
    exact_sum,
    no_days,
    still_seen,
)
from mia.profiles.windows.days import with_calendar
from mia.tables import AS_OF, KIND, LOCAL_DAY, SUBSCRIBER_ID

FULL = 2 ** (BITS - 1)
"""The bit of the earliest day of a column."""


def edge_days(as_of: int) -> list[int]:
    """The local days whose roll-ups take window sums of the day before to those of `as_of`."""
    return [as_of - 1, *(as_of - 1 - days for days in WINDOWS)]


def advance_windows(sums: Table, days: Table, columns: WindowColumns, as_of: int) -> Table:
    """The window sums of day `as_of`, from those of the day before and the roll-up of `edge_days(as_of)`."""
    both = sums.outer_join(_changes(days, columns, as_of), [SUBSCRIBER_ID])

    def moved(name: str) -> NumericValue:
        return both[name].fill_null(0.0) + both[_change(name)].fill_null(0.0)

    def moved_ramp(each: Ramp) -> NumericValue:
        return moved(each.name) + both[each.total.name].fill_null(0.0)

    def newest(name: str) -> NumericValue:
        return both[_change(name)].fill_null(0)

    found = still_seen(
        both.select(
            ibis.coalesce(both[SUBSCRIBER_ID], both[f"{SUBSCRIBER_ID}_right"]).name(SUBSCRIBER_ID),
            ibis.literal(as_of, "int64").name(AS_OF),
            *(moved(each.name).name(each.name) for each in columns.sums),
            *(moved_ramp(each).name(each.name) for each in columns.ramps),
            *(
                half
                for each in columns.seen
                for half in (
                    (_shifted(both[each.recent].fill_null(0)) + newest(each.recent)).name(each.recent),
                    _carried(both[each.recent].fill_null(0), both[each.older].fill_null(0)).name(each.older),
                )
            ),
            *(ibis.coalesce(both[_change(each.name)], both[each.name]).name(each.name) for each in columns.last),
        )
    )
    return found.mutate(**{each.name: _while_seen(found, each) for each in columns.last})


def _changes(days: Table, columns: WindowColumns, as_of: int) -> Table:
    """What the edge days add to the sums of each subscriber, a row a subscriber."""
    rows = with_calendar(days, as_of - 1 - LONGEST, as_of)
    newest = rows[LOCAL_DAY] == as_of - 1
    seen = newest & (rows["records"] > 0)
    # Signed once, for all kinds that pick from it.
    signed = dict.fromkeys((each.of, each.days) for each in columns.sums)
    rows = rows.mutate(
        **{
            _signed_name(*each): _signed(rows[each[0]], newest, rows[LOCAL_DAY] == as_of - 1 - each[1])
            for each in signed
        },
        ramp=newest.ifelse(
            rows["quantity"],
            (rows[LOCAL_DAY] == as_of - 1 - LONGEST).ifelse(rows["quantity"] * -(LONGEST + 1.0), 0.0),
        ),
        newest_bit=seen.ifelse(ibis.literal(1, "int64"), no_days()),
        newest_charge=seen.ifelse(rows["charge"], ibis.null("float64")),
    )

    def change_of(each: WindowSum) -> NumericValue:
        return exact_sum(each.kinds.pick(rows, rows[_signed_name(each.of, each.days)]))

    return rows.group_by([SUBSCRIBER_ID]).aggregate(
        *(change_of(each).name(_change(each.name)) for each in columns.sums),
        *(exact_sum(each.kinds.pick(rows, rows["ramp"])).name(_change(each.name)) for each in columns.ramps),
        *(
            bit_or(each.kinds.pick(rows, rows["newest_bit"], no_days())).name(_change(each.recent))
            for each in columns.seen
        ),
        *(
            (rows[KIND] == each.kind).ifelse(rows["newest_charge"], ibis.null("float64")).sum().name(_change(each.name))
            for each in columns.last
        ),
    )


def _change(name: str) -> str:
    return f"{name}_change"


def _signed_name(of: str, days: int) -> str:
    return f"{of}_{days}d_signed"


def _signed(values: NumericValue, added: BooleanValue, taken: BooleanValue) -> NumericValue:
    return added.ifelse(values, taken.ifelse(-values, 0.0))


def _while_seen(sums: Table, each: LastCharge) -> NumericValue:
    some = (sums[each.seen.recent] > 0) | (sums[each.seen.older] > 0)
    return some.ifelse(sums[each.name], ibis.null("float64"))


def _shifted(bits: IntegerValue) -> IntegerValue:
    return (bits % FULL) * 2


def _carried(recent: IntegerValue, older: IntegerValue) -> IntegerValue:
    return (_shifted(older) + (recent >= FULL).ifelse(1, 0)).cast("int64")
