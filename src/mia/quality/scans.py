"""What is read of the lake, as Ibis expressions: each aggregates in the engine and leaves a table that stays small
however many records and subscribers there are.

`count_cells` and `measure_values` read all judged days, and hardly a column of the usage twice; `count_amended` reads
ids, and only where something was taken back; `count_people` reads who was active in the longest window.
"""

from collections.abc import Sequence

import ibis
from ibis.expr.types import BooleanValue, NumericValue, StringValue, Table, Value

from mia.quality.grid import PASSIVE_KINDS
from mia.tables import (
    ACTIVATED_ON,
    CATEGORY,
    CHARGE,
    KIND,
    KNOWN_DAY,
    LOCAL_DAY,
    QUANTITY,
    RECORD_ID,
    REGION,
    SIGN,
    SUBSCRIBER_ID,
    TARIFF,
    VERSION,
)
from mia.timeline import DAY_SECONDS

UNKNOWN = "(unknown)"
DELAYS = (1, 2, 8, 31)
"""Lateness is counted in classes that begin at these numbers of days."""
SILENCES = (30, 90)
"""Windows in days within which a subscriber should have used something."""
VALUES = (QUANTITY, CHARGE)
QUANTILES = (0.5, 0.99)


def count_cells(usage: Table, subscribers: Table, *, late_after: int) -> Table:
    """Counts of every (local_day, kind, region) that has records; days that came later are to be left out before.

    `records` count what holds after corrections; `arrived` are first versions, of which `late` came more than
    `late_after` days after their day and `delayed_N` N days or more; `nameless` are without category, and `early` from
    before the contract, of which `early_subscriber` has one.
    """
    people = subscribers.select(SUBSCRIBER_ID, REGION, activated_day=_day(subscribers[ACTIVATED_ON]))
    rows = usage.left_join(people, SUBSCRIBER_ID)
    first = (rows[SIGN] == 1) & (rows[VERSION] == 1)
    delay = rows[KNOWN_DAY] - rows[LOCAL_DAY]
    nameless = rows[CATEGORY].fill_null("").strip() == ""
    early = rows[LOCAL_DAY] < rows.activated_day
    delayed = {f"delayed_{days}": rows.count(where=first & (delay >= days)) for days in DELAYS}
    return rows.group_by([LOCAL_DAY, KIND, rows[REGION].fill_null(UNKNOWN).name(REGION)]).aggregate(
        records=_net(rows),
        arrived=rows.count(where=first),
        late=rows.count(where=first & (delay > late_after)),
        **delayed,
        nameless=_net(rows, nameless),
        early=_net(rows, early),
        early_subscriber=rows[SUBSCRIBER_ID].min(where=early & (rows[SIGN] == 1)),
        newest_known=rows[KNOWN_DAY].max(),
    )


def count_amended(usage: Table) -> Table:
    """Records that were taken back, by the (local_day, kind) they were first of: those that count again in a later
    version are `corrected`, the others `withdrawn`.
    """
    taken = usage.filter(usage[SIGN] == -1)
    rows = usage.semi_join(taken, RECORD_ID)
    records = rows.group_by(RECORD_ID).aggregate(
        local_day=rows[LOCAL_DAY].argmin(rows[VERSION]),
        kind=rows[KIND].argmin(rows[VERSION]),
        net=rows.count(where=rows[SIGN] == 1) - rows.count(where=rows[SIGN] == -1),
    )
    return records.group_by([LOCAL_DAY, KIND]).aggregate(
        corrected=records.count(where=records.net > 0), withdrawn=records.count(where=records.net <= 0)
    )


def measure_values(usage: Table) -> Table:
    """Distribution of quantity and charge of every (local_day, kind), over what is above 0.

    For each: `_count`, `_quantiles` (of QUANTILES, approximate), `_largest`, and `_subscriber` whose the largest is.
    """
    rows = usage.filter(usage[SIGN] == 1)
    measured: dict[str, Value] = {}
    for name in VALUES:
        positive = rows[name] > 0
        measured |= {
            f"{name}_count": rows.count(where=positive),
            f"{name}_quantiles": rows[name].approx_quantile(list(QUANTILES), where=positive),
            f"{name}_largest": rows[name].max(where=positive),
            f"{name}_subscriber": rows[SUBSCRIBER_ID].argmax(rows[name], where=positive),
        }
    return rows.group_by([LOCAL_DAY, KIND]).aggregate(**measured)


def count_people(usage: Table, subscribers: Table, *, as_of: int) -> Table:
    """Subscribers of every region as of a day: `begun` in all, and for each N of SILENCES those that had begun N days
    ago (`begun_N`), those of them without activity since (`silent_N`), and one of these (`silent_N_subscriber`).
    """
    window = (usage[LOCAL_DAY] >= as_of - max(SILENCES)) & (usage[LOCAL_DAY] < as_of)
    active = usage.filter(window & (usage[SIGN] == 1) & usage[KIND].notin(sorted(PASSIVE_KINDS)))
    last = active.group_by(SUBSCRIBER_ID).aggregate(last_day=active[LOCAL_DAY].max())
    people = subscribers.select(
        SUBSCRIBER_ID,
        region=subscribers[REGION].fill_null(UNKNOWN),
        activated_day=_day(subscribers[ACTIVATED_ON]),
    ).left_join(last, SUBSCRIBER_ID)
    counted = {"begun": people.count(where=people.activated_day < as_of)}
    for days in SILENCES:
        begun = people.activated_day <= as_of - days
        silent = begun & (people.last_day.fill_null(as_of - days - 1) < as_of - days)
        counted |= {
            f"begun_{days}": people.count(where=begun),
            f"silent_{days}": people.count(where=silent),
            f"silent_{days}_subscriber": people[SUBSCRIBER_ID].min(where=silent),
        }
    return people.group_by(REGION).aggregate(**counted)


def count_tariffs(subscribers: Table, allowances: Sequence[str]) -> Table:
    """Subscribers of every tariff (null: of none), those of them that lack one of the allowances, and one of these.

    An allowance that is no column of the subscribers is not asked for.
    """
    asked = [subscribers[name].isnull() for name in allowances if name in subscribers.columns]
    lacking = ibis.or_(*asked) if asked else ibis.literal(False)
    tariff = _known(subscribers[TARIFF])
    rows = subscribers.select(SUBSCRIBER_ID, tariff=tariff, lacking=lacking)
    return rows.group_by(TARIFF).aggregate(
        subscribers=rows.count(),
        lacking=rows.count(where=rows.lacking),
        lacking_subscriber=rows[SUBSCRIBER_ID].min(where=rows.lacking),
        subscriber=rows[SUBSCRIBER_ID].min(),
    )


def _known(text: StringValue) -> StringValue:
    return text.strip().nullif("")


def _day(date: NumericValue) -> NumericValue:
    return (date.cast("timestamp").epoch_seconds() / float(DAY_SECONDS)).floor().cast("int64")


def _net(rows: Table, condition: BooleanValue | None = None) -> NumericValue:
    """Records that hold, of those that meet a condition: each that counts, less each that was taken back."""
    counted, taken = rows[SIGN] == 1, rows[SIGN] == -1
    if condition is not None:
        counted, taken = counted & condition, taken & condition
    return rows.count(where=counted) - rows.count(where=taken)
