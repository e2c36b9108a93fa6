"""Window sums: days of the roll-ups added over the windows that end the day before `as_of`.

Two ways lead to the same bits. `sum_windows` adds up every day of the longest window; `advance_windows` takes the sums
of one day to the next by adding the day that ended and taking away the days that left a window. All sums are exact, so
nothing drifts. Days on which a kind was seen are kept as bits: bit 0 of `recent` is the last day of the window.
"""

from dataclasses import dataclass
from datetime import timedelta

import ibis
from ibis.expr.types import BooleanValue, IntegerValue, NumericValue, Table

from mia.profiles.bits import bit_or
from mia.profiles.daily import PARTS_OF_DAY
from mia.profiles.exact import QUANTITY_GRAINS, WHOLE_KIND, whole
from mia.tables import AS_OF, KIND, KNOWN_DAY, LOCAL_DAY, SUBSCRIBER_ID
from mia.timeline import date_of, day_of

WINDOWS = (7, 30, 90)
LONGEST = max(WINDOWS)
BITS = 45
PAY_DAYS = (5, 10, 20, 25)
STEP_BYTES = 65_536.0
BY = (SUBSCRIBER_ID, AS_OF, KIND)


@dataclass(frozen=True, slots=True)
class WindowSum:
    """The sum of the column `of` over the last `days` days."""

    of: str
    days: int

    @property
    def name(self) -> str:
        """Its column."""
        return f"{self.of}_{self.days}d"


WINDOW_SUMS: tuple[WindowSum, ...] = (
    *(
        WindowSum(of, days)
        for of in ("records", "quantity", "charge", "out_quantity", "away_quantity", "discounted", "discount")
        for days in WINDOWS
    ),
    *(
        WindowSum(of, 30)
        for of in (
            "out_records",
            "on_net_quantity",
            "abroad_quantity",
            "night_quantity",
            "work_quantity",
            "weekend_quantity",
            "home_charge",
            "steps",
            "steps_squared",
            *(f"part_{number}" for number in range(PARTS_OF_DAY)),
        )
    ),
    WindowSum("pay_day_records", LONGEST),
)
RAMP = "quantity_ramp"
RECENT, OLDER, LAST_CHARGE = "recent", "older", "last_charge"


def is_weekend(day: NumericValue) -> BooleanValue:
    """Whether a day number is a Saturday or Sunday; 1970-01-01 was a Thursday."""
    return (day + 3) % 7 >= 5


def pay_days(first: int, last: int) -> list[int]:
    """The day numbers between two, both included, that fall on PAY_DAYS of their month.

    >>> [date_of(day).isoformat() for day in pay_days(day_of(date_of(18628)), 18640)]
    ['2021-01-05', '2021-01-10']
    """
    days = (date_of(first) + timedelta(days=number) for number in range(last - first + 1))
    return [day_of(day) for day in days if day.day in PAY_DAYS]


def sum_windows(days: Table, first: int, last: int) -> Table:
    """Window sums of every (subscriber_id, as_of, kind) that was seen in the longest window.

    `days` are rows of the roll-up by kind with the `as_of` they count for; those outside of its windows, or not known
    by then, are left out. `first` and `last` bound the day numbers of as_of.
    """
    rows = _added_columns(days, pay_days(first - LONGEST, last))
    age = rows[AS_OF] - rows[LOCAL_DAY]
    inside = rows.filter(age >= 1, age <= LONGEST, rows[KNOWN_DAY] < rows[AS_OF])
    return _still_seen(_add_bands(_bands(inside)))


def _bands(days: Table) -> Table:
    """Sums by band of age: a row a kind and window that the days fall into first, so that every day is added once."""
    age = days[AS_OF] - days[LOCAL_DAY]
    seen = days["records"] > 0
    banded = days.mutate(
        band=ibis.cases(*((age <= window, window) for window in WINDOWS[:-1]), else_=LONGEST),
        ramp=days["quantity"] * age.cast("float64"),
        recent_bit=_bit(age - 1, seen & (age <= BITS)),
        older_bit=_bit(age - 1 - BITS, seen & (age > BITS)),
    )
    return banded.group_by([*BY, "band"]).aggregate(
        *(_sum(banded[of]).name(of) for of in dict.fromkeys(each.of for each in WINDOW_SUMS)),
        _sum(banded["ramp"]).name(RAMP),
        bit_or(banded["recent_bit"]).name(RECENT),
        bit_or(banded["older_bit"]).name(OLDER),
        banded["charge"].argmax(banded[LOCAL_DAY], where=banded["records"] > 0).name(LAST_CHARGE),
    )


def _add_bands(bands: Table) -> Table:
    """Window sums from bands: the window of 30 days is the bands of 7 and of 30."""

    def within(each: WindowSum) -> NumericValue:
        return bands[each.of] if each.days == LONGEST else (bands["band"] <= each.days).ifelse(bands[each.of], 0.0)

    return bands.group_by(BY).aggregate(
        *(_sum(within(each)).name(each.name) for each in WINDOW_SUMS),
        _sum(bands[RAMP]).name(RAMP),
        bit_or(bands[RECENT]).name(RECENT),
        bit_or(bands[OLDER]).name(OLDER),
        bands[LAST_CHARGE].argmin(bands["band"], where=bands[LAST_CHARGE].notnull()).name(LAST_CHARGE),
    )


def advance_windows(sums: Table, days: Table, as_of: int) -> Table:
    """The window sums of day `as_of`, from those of the day before and the roll-up of `edge_days(as_of)`."""
    rows = _added_columns(days, pay_days(as_of - 1 - LONGEST, as_of))
    newest = rows[LOCAL_DAY] == as_of - 1
    seen = rows["records"] > 0
    change = rows.group_by([SUBSCRIBER_ID, KIND]).aggregate(
        *(
            _sum(_signed(rows[each.of], newest, rows[LOCAL_DAY] == as_of - 1 - each.days)).name(f"{each.name}_change")
            for each in WINDOW_SUMS
        ),
        _sum(
            newest.ifelse(
                rows["quantity"],
                (rows[LOCAL_DAY] == as_of - 1 - LONGEST).ifelse(rows["quantity"] * -(LONGEST + 1.0), 0.0),
            )
        ).name(f"{RAMP}_change"),
        bit_or((newest & seen).ifelse(1, 0).cast("int64")).name("newest"),
        _sum((newest & seen).ifelse(rows["charge"], 0.0)).name("newest_charge"),
    )
    both = sums.outer_join(change, [SUBSCRIBER_ID, KIND])
    recent, older = (both[name].fill_null(0) for name in (RECENT, OLDER))
    newest_bit = both["newest"].fill_null(0)
    moved = both.select(
        ibis.coalesce(both[SUBSCRIBER_ID], both[f"{SUBSCRIBER_ID}_right"]).name(SUBSCRIBER_ID),
        ibis.literal(as_of, "int64").name(AS_OF),
        ibis.coalesce(both[KIND], both[f"{KIND}_right"]).name(KIND),
        *(
            (both[each.name].fill_null(0.0) + both[f"{each.name}_change"].fill_null(0.0)).name(each.name)
            for each in WINDOW_SUMS
        ),
        (
            both[RAMP].fill_null(0.0)
            + both[f"quantity_{LONGEST}d"].fill_null(0.0)
            + both[f"{RAMP}_change"].fill_null(0.0)
        ).name(RAMP),
        (_shifted(recent) + newest_bit).name(RECENT),
        (_shifted(older) + (recent >= 2 ** (BITS - 1)).ifelse(1, 0)).cast("int64").name(OLDER),
        (newest_bit == 1).ifelse(both["newest_charge"], both[LAST_CHARGE]).name(LAST_CHARGE),
    )
    return _still_seen(moved)


def edge_days(as_of: int) -> list[int]:
    """The local days whose roll-ups take window sums of the day before to those of `as_of`."""
    return [as_of - 1, *(as_of - 1 - days for days in WINDOWS)]


def _added_columns(days: Table, paid_on: list[int]) -> Table:
    """Roll-up rows with what only windows need: parts of days that depend on the calendar, and squares."""
    step = (days[KIND] == WHOLE_KIND).ifelse(STEP_BYTES, QUANTITY_GRAINS)
    steps = whole(days["quantity"] / step)
    return days.mutate(
        weekend_quantity=is_weekend(days[LOCAL_DAY]).ifelse(days["quantity"], 0.0),
        pay_day_records=days[LOCAL_DAY].isin(paid_on).ifelse(days["records"], 0.0),
        steps=steps,
        steps_squared=steps * steps,
    )


def _sum(values: NumericValue) -> NumericValue:
    return values.sum().fill_null(0.0)


def _signed(values: NumericValue, added: BooleanValue, taken: BooleanValue) -> NumericValue:
    return added.ifelse(values, taken.ifelse(-values, 0.0))


def _bit(place: IntegerValue, where: BooleanValue) -> IntegerValue:
    # Powers of two are exact in float, and both engines shift integers differently.
    return where.ifelse((ibis.literal(2.0) ** place).cast("int64"), ibis.literal(0, "int64"))


def _shifted(bits: IntegerValue) -> IntegerValue:
    return (bits % 2 ** (BITS - 1)) * 2


def _still_seen(sums: Table) -> Table:
    return sums.filter((sums[RECENT] > 0) | (sums[OLDER] > 0))
