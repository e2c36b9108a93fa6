"""Growth: connections by period, cumulative in two readings, and each against a baseline month."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.errors import InvalidInput
from mia.frames import Floats, Ints
from mia.timeline import month_number, month_start, month_text
from mia.uptake.dimensions import Groups
from mia.uptake.periods import MONTH, Grain

TOTAL = "total"
UNKNOWN = "(unknown)"
"""Name of the group of events that carry no value, wherever a group must have a name; in JSON it is null."""
SMALL_BASE = 30
"""Below this many a base is small: by chance alone a count of 30 is off by 18 %, one standard deviation."""

GROUP, SUBGROUP = "group", "subgroup"
SHOWN_MEASURES = ("impressions", "clicks", "connections", "disconnections")
UPTAKE_SCHEMA = pa.schema(
    [
        pa.field(MONTH.name, pa.string(), nullable=False),
        pa.field(GROUP, pa.string()),
        *(pa.field(measure, pa.int64(), nullable=False) for measure in SHOWN_MEASURES),
        pa.field("cumulative", pa.int64(), nullable=False),
        pa.field("index", pa.float64()),
        pa.field("growth_percent", pa.float64()),
        pa.field("complete", pa.bool_(), nullable=False),
        pa.field("net_active", pa.int64(), nullable=False),
        pa.field("since_baseline", pa.int64()),
        pa.field("since_baseline_index", pa.float64()),
        pa.field("since_baseline_growth_percent", pa.float64()),
        pa.field("active_subscribers", pa.int64()),
        pa.field("per_1000_active", pa.float64()),
        pa.field("matured_impressions", pa.int64(), nullable=False),
        pa.field("accepted_impressions", pa.int64(), nullable=False),
        pa.field("acceptance_percent", pa.float64()),
        pa.field("small_base", pa.bool_(), nullable=False),
    ]
)
"""Rows of figures; docs/uptake.md defines each. The first column is named after the grain, and `subgroup` follows
`group` where figures are grouped by two dimensions.
"""


@dataclass(frozen=True, slots=True)
class Span:
    """The local days of the oldest and the newest event known, of any kind, and the last day whose events have all
    arrived (by default the day before the newest).
    """

    first_day: int
    last_day: int
    arrived_day: int | None = None

    @property
    def months(self) -> range:
        """Every month from the first to the last."""
        return self.periods(MONTH)

    def periods(self, grain: Grain) -> range:
        """Every period from the first to the last."""
        return range(grain.number(self.first_day), grain.number(self.last_day) + 1)

    def is_complete(self, period: int, grain: Grain = MONTH) -> bool:
        """Whether all events of the period have arrived.

        >>> Span(18_628, 18_658).is_complete(month_number("2021-01"))  # the newest event is of 31 January
        False
        >>> Span(18_628, 18_659).is_complete(month_number("2021-01"))
        True
        """
        arrived = self.last_day - 1 if self.arrived_day is None else self.arrived_day
        return grain.end(period) <= arrived


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of g groups in p consecutive periods from `first`, all g x p and >= 0.

    `groups` name one value for each dimension. `matured` are impressions of days whose attribution window has arrived
    in whole, and `accepted` those of them that a connection followed within it. `before` and `upto` are connections
    before the first day of the month `baseline` and up to its last (g).
    """

    groups: tuple[tuple[str | None, ...], ...]
    grain: Grain
    first: int
    baseline: int
    impressions: Ints
    clicks: Ints
    connections: Ints
    disconnections: Ints
    matured: Ints
    accepted: Ints
    before: Ints
    upto: Ints

    @property
    def cumulative(self) -> Ints:
        """Connections since the first event there is."""
        total: Ints = np.cumsum(self.connections, axis=1)
        return total

    @property
    def net_active(self) -> Ints:
        """Connection periods that have begun and not ended by the end of the period."""
        net: Ints = np.cumsum(self.connections - self.disconnections, axis=1)
        return net

    @property
    def since_baseline(self) -> Ints:
        """Connections since the first day of the baseline month."""
        since: Ints = np.maximum(self.cumulative - self.before[:, None], 0)
        return since

    def index(self, smallest: int = 1) -> Floats:
        """Cumulative connections divided by those at the end of the baseline month; NaN where those are fewer than
        `smallest`, at least 1.
        """
        return _ratio(self.cumulative, self.upto[:, None], smallest)

    def since_baseline_index(self, smallest: int = 1) -> Floats:
        """Connections since the first day of the baseline month divided by those of that month; NaN where those are
        fewer than `smallest`.
        """
        return _ratio(self.since_baseline, (self.upto - self.before)[:, None], smallest)


def require_month(text: str, name: str) -> int:
    """Month number of a parameter; raises InvalidInput that names it.

    >>> require_month("2021-02", "baseline") == month_number("2021-01") + 1
    True
    """
    try:
        month = month_number(text)
    except ValueError:
        month = -1
    if month < 0 or month_text(month) != text:
        raise InvalidInput(f"must be a month such as 2021-01, not {text!r}", parameter=name)
    return month


def require_month_within(text: str, name: str, months: range) -> int:
    """Month number of a parameter that must lie within the months there are."""
    month = require_month(text, name)
    if month not in months:
        known = f"{month_text(months[0])} to {month_text(months[-1])}"
        raise InvalidInput(f"there are no events of {text}; it may be any month from {known}", parameter=name)
    return month


def build_series(
    sums: pa.Table,
    span: Span,
    groups: Sequence[Groups],
    *,
    baseline: int,
    matured_day: int | None,
    grain: Grain = MONTH,
) -> Series:
    """Add up sums of cells (`local_day`, one column of codes for each of `groups` in their order, and the measures).

    Groups in which nothing is counted are left out; periods without events hold zeros.
    """
    days = sums["local_day"].to_numpy().astype(np.int64)
    codes, sizes = np.zeros(len(days), np.int64), []
    for position, group in enumerate(groups):
        places = np.array(group.place, np.int64)[sums.column(1 + position).to_numpy()]
        codes = codes * len(group.names) + places
        sizes.append(group.names)
    names = list(product(*sizes)) if groups else [(TOTAL,)]
    periods = span.periods(grain)
    cells = codes * len(periods) + (grain.numbers(days) - periods[0])
    values = {name: sums[name].to_numpy().astype(np.int64) for name in (*SHOWN_MEASURES, "accepted")}
    old = days <= matured_day if matured_day is not None else np.zeros(len(days), bool)
    values["matured"], values["accepted"] = values["impressions"] * old, values["accepted"] * old
    shape = (len(names), len(periods))
    added = {name: _added(cells, value, shape) for name, value in values.items()}
    base = [
        _added(codes, values["connections"] * (days < month_start(month)), (len(names), 1))[:, 0]
        for month in (baseline, baseline + 1)
    ]
    kept = np.flatnonzero(sum(np.abs(added[name]).sum(axis=1) for name in SHOWN_MEASURES) if groups else np.ones(1))
    whole = {name: value[kept] for name, value in added.items()}
    return Series(
        tuple(names[place] for place in kept),
        grain,
        periods[0],
        baseline,
        before=base[0][kept],
        upto=base[1][kept],
        **whole,
    )


def newest_settled(active: Sequence[int], span: Span) -> int | None:
    """The newest complete month of those that anything counted in, None while there is none.

    A month in which nothing was even shown says nothing about growth: one event dated far from the others would
    otherwise end every line in months of zeros.
    """
    return max((month for month in active if span.is_complete(month)), default=None)


def build_table(
    series: Series,
    span: Span,
    *,
    start: int | None = None,
    end: int | None = None,
    active: Ints | None = None,
    small_base: int = SMALL_BASE,
) -> pa.Table:
    """The series as `UPTAKE_SCHEMA`, by period and then by group.

    `start` and `end` are the first and the last month to show; `active` are active subscribers (g x p).
    """
    grain = series.grain
    shown = [
        period
        for period in span.periods(grain)
        if (start is None or grain.end(period) >= month_start(start))
        and (end is None or grain.start(period) < month_start(end + 1))
    ]
    places = np.array(shown, np.int64) - series.first
    groups = len(series.groups)

    def column(values: Ints | Floats) -> pa.Array:
        return pa.array(values[:, places].T.ravel(), from_pandas=True)

    def percent(index: Floats) -> pa.Array:
        return column((index - 1) * 100)

    smallest = max(small_base, 1)
    index, since = series.index(smallest), series.since_baseline_index(smallest)
    bases = np.minimum(series.upto, series.upto - series.before)[:, None]
    # Before the baseline month begins nothing can have been counted since then.
    early = np.repeat([grain.end(period) < month_start(series.baseline) for period in shown], groups).astype(bool)
    unknown = pa.nulls(len(shown) * groups)
    columns = {
        grain.name: np.repeat(np.array([grain.text(period) for period in shown], object), groups),
        GROUP: np.tile(np.array([group[0] for group in series.groups], object), len(shown)),
        SUBGROUP: np.tile(np.array([group[-1] for group in series.groups], object), len(shown)),
        **{name: column(getattr(series, name)) for name in SHOWN_MEASURES},
        "cumulative": column(series.cumulative),
        "index": column(index),
        "growth_percent": column((index - 1) * 100),
        "complete": np.repeat([span.is_complete(period, grain) for period in shown], groups).astype(bool),
        "net_active": column(series.net_active),
        "since_baseline": pc.if_else(early, None, column(series.since_baseline)),
        "since_baseline_index": pc.if_else(early, None, column(since)),
        "since_baseline_growth_percent": pc.if_else(early, None, column((since - 1) * 100)),
        "active_subscribers": unknown if active is None else column(active),
        "per_1000_active": unknown if active is None else column(_ratio(series.connections, active, smallest) * 1_000),
        "matured_impressions": column(series.matured),
        "accepted_impressions": column(series.accepted),
        "acceptance_percent": column(_ratio(series.accepted, series.matured, smallest) * 100),
        "small_base": column(np.broadcast_to(bases < smallest, series.cumulative.shape)),
    }
    schema = uptake_schema(grain, pairs=any(len(group) > 1 for group in series.groups))
    return pa.table({field.name: columns[field.name] for field in schema}, schema=schema)


def uptake_schema(grain: Grain = MONTH, *, pairs: bool = False) -> pa.Schema:
    """`UPTAKE_SCHEMA` of a grain, with a `subgroup` where figures are of `pairs` of groups."""
    period = UPTAKE_SCHEMA.field(0).with_name(grain.name)
    between = [UPTAKE_SCHEMA.field(GROUP).with_name(SUBGROUP)] if pairs else []
    return pa.schema([period, UPTAKE_SCHEMA.field(GROUP), *between, *list(UPTAKE_SCHEMA)[2:]])


def name_unknown(table: pa.Table) -> pa.Table:
    """Uptake with a name for the group of events that carry no value."""
    for name in {GROUP, SUBGROUP} & set(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, table.field(place), pc.fill_null(table[name], UNKNOWN))
    return table


def _ratio(above: Ints, below: Ints, smallest: int) -> Floats:
    """`above / below`, NaN where `below` is less than `smallest`."""
    whole = np.broadcast_to(below, above.shape).astype(np.float64)
    ratio: Floats = np.divide(above, whole, out=np.full(above.shape, np.nan), where=whole >= max(smallest, 1))
    return ratio


def _added(places: Ints, values: Ints, shape: tuple[int, int]) -> Ints:
    added = np.zeros(shape[0] * shape[1], np.int64)
    np.add.at(added, places, values)
    return added.reshape(shape)
