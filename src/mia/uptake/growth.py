"""Growth: connections by month, cumulative, and against the end of a baseline month."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.domain.event import EventKind
from mia.errors import InvalidInput
from mia.frames import Floats, Ints
from mia.timeline import month_number, month_of, month_start, month_text
from mia.uptake.counting import COUNT, DIMENSIONS, MONTH

TOTAL = "total"
UNKNOWN = "(unknown)"
"""Name of the group of events that carry no value, wherever a group must have a name; in JSON it is null."""

MEASURES = {
    "impressions": EventKind.IMPRESSION,
    "clicks": EventKind.CLICK,
    "connections": EventKind.CONNECTION,
    "disconnections": EventKind.DISCONNECTION,
}
_CONNECTIONS = list(MEASURES).index("connections")

UPTAKE_SCHEMA = pa.schema(
    [
        pa.field(MONTH, pa.string(), nullable=False),
        pa.field("group", pa.string()),
        *(pa.field(measure, pa.int64(), nullable=False) for measure in MEASURES),
        pa.field("cumulative", pa.int64(), nullable=False),
        pa.field("index", pa.float64()),
        pa.field("growth_percent", pa.float64()),
        pa.field("complete", pa.bool_(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Span:
    """The local days of the oldest and the newest event known, of any kind."""

    first_day: int
    last_day: int

    @property
    def months(self) -> range:
        """Every month from the first to the last."""
        return range(month_of(self.first_day), month_of(self.last_day) + 1)

    def is_complete(self, month: int) -> bool:
        """Whether the month had ended before the day of the newest event.

        >>> Span(18_628, 18_658).is_complete(month_number("2021-01"))  # the newest event is of 31 January
        False
        >>> Span(18_628, 18_659).is_complete(month_number("2021-01"))
        True
        """
        return month_start(month + 1) <= self.last_day


@dataclass(frozen=True, slots=True)
class Series:
    """Counts of g groups in m consecutive months from `first_month`: `counts` is g x m x measures, >= 0."""

    groups: tuple[str | None, ...]
    first_month: int
    counts: Ints

    @property
    def connections(self) -> Ints:
        """New connections, g x m."""
        return self.counts[:, :, _CONNECTIONS]

    @property
    def cumulative(self) -> Ints:
        """Connections since the first month there is, g x m."""
        return np.cumsum(self.connections, axis=1)

    def index(self, baseline: int) -> Floats:
        """Cumulative connections divided by those at the end of the baseline month, g x m; NaN where those are 0."""
        cumulative = self.cumulative
        base = cumulative[:, [baseline - self.first_month]].astype(np.float64)
        index: Floats = np.divide(cumulative, base, out=np.full(cumulative.shape, np.nan), where=base > 0)
        return index


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


def require_dimension(by: str | None) -> str | None:
    """Column of events of a dimension, None for the total; raises InvalidInput for one that there is not."""
    if by is None:
        return None
    if by not in DIMENSIONS:
        raise InvalidInput(f"must be one of {', '.join(DIMENSIONS)}, not {by!r}", parameter="by")
    return DIMENSIONS[by]


def build_series(cells: pa.Table, span: Span, column: str | None) -> Series:
    """Add cells up by the values of a column (None: all into one group); months without events hold zeros.

    Events that carry no value are in the group None, which comes first.
    """
    months = span.months
    if column is None:
        groups, codes = pa.array([TOTAL]), np.zeros(cells.num_rows, np.int64)
    else:
        values = cells[column].cast(pa.string())
        known = sorted(pc.unique(values.drop_null()).to_pylist())
        groups = pa.array([None] * bool(values.null_count) + known, pa.string())
        codes = pc.index_in(values, groups).to_numpy()
    measures = pc.index_in(cells[tables.KIND], pa.array([kind.value for kind in MEASURES.values()])).to_numpy()
    counts = np.zeros((len(groups), len(months), len(MEASURES)), np.int64)
    np.add.at(counts, (codes, cells[MONTH].to_numpy() - months[0], measures), cells[COUNT].to_numpy())
    return Series(tuple(groups.to_pylist()), months[0], counts)


def newest_settled(cells: pa.Table, span: Span) -> int | None:
    """The newest complete month that anything counted in, None while there is none.

    A month in which nothing was even shown says nothing about growth: one event dated far from the others would
    otherwise end every line in months of zeros.
    """
    months: list[int] = pc.unique(cells[MONTH]).to_pylist()
    return max((month for month in months if span.is_complete(month)), default=None)


def build_table(series: Series, span: Span, baseline: int, start: int | None, end: int | None) -> pa.Table:
    """The series from month `start` to month `end` as `UPTAKE_SCHEMA`, by month and then by group."""
    months = [month for month in span.months if (start is None or month >= start) and (end is None or month <= end)]
    places = np.array(months, np.int64) - series.first_month

    def column(values: Ints | Floats) -> pa.Array:
        return pa.array(values[:, places].T.ravel(), from_pandas=True)

    index = series.index(baseline)
    count = len(series.groups)
    columns = {
        MONTH: np.repeat(np.array([month_text(month) for month in months], object), count),
        "group": np.tile(np.array(series.groups, object), len(months)),
        **{name: column(series.counts[:, :, place]) for place, name in enumerate(MEASURES)},
        "cumulative": column(series.cumulative),
        "index": column(index),
        "growth_percent": column((index - 1) * 100),
        "complete": np.repeat([span.is_complete(month) for month in months], count).astype(bool),
    }
    return pa.table(columns, schema=UPTAKE_SCHEMA)


def name_unknown(table: pa.Table) -> pa.Table:
    """Uptake with a name for the group of events that carry no value."""
    return table.set_column(1, UPTAKE_SCHEMA.field("group"), pc.fill_null(table["group"], UNKNOWN))
