"""Report uptake: the ledger's events counted, and how connections grew."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from threading import Lock

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.errors import InvalidInput
from mia.ports import Ledger
from mia.timeline import month_text
from mia.uptake.counting import (
    CELL_KEYS,
    CONNECTED,
    COUNT,
    COUNTED_SCHEMA,
    DIMENSIONS,
    count_connected,
    count_shown,
)
from mia.uptake.growth import (
    UPTAKE_SCHEMA,
    Span,
    build_series,
    build_table,
    newest_settled,
    require_dimension,
    require_month,
    require_month_within,
)
from mia.uptake.headline import Headline, build_headline

_EVENTS = "events"


@dataclass(frozen=True, slots=True)
class _Known:
    """What was counted of the ledger up to `position`.

    Impressions and clicks only add up, so their cells suffice; connections are kept whole, because a late event may
    change which of them begin a period.
    """

    position: int
    span: Span | None
    shown: pa.Table | None
    connected: pa.Table | None
    cells: pa.Table | None


class UptakeReport:
    """Figures of uptake; reads from the ledger only what is new since the last call. Safe to share between threads."""

    def __init__(self, ledger: Ledger, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._ledger, self._connect = ledger, connect
        events = ibis.table(COUNTED_SCHEMA, name=_EVENTS)
        self._count_shown, self._count_connected = (
            ibis.to_sql(count(events), dialect="duckdb") for count in (count_shown, count_connected)
        )
        self._lock = Lock()
        self._known = _Known(0, None, None, None, None)

    def table(self, baseline: str, by: str | None = None, start: str | None = None, end: str | None = None) -> pa.Table:
        """Uptake as `mia.uptake.growth.UPTAKE_SCHEMA`, one row a month and group, by month and then by group.

        Months as `YYYY-MM`; `by` is one of `DIMENSIONS` or None for the total; `start` and `end` are inclusive and
        leave the cumulative figures as they are. Every group has a row for every month from the first event to the
        newest. Raises InvalidInput that names the parameter (`baseline`, `by`, `from`, `to`). No events, no rows.
        """
        base, column = require_month(baseline, "baseline"), require_dimension(by)
        first = None if start is None else require_month(start, "from")
        last = None if end is None else require_month(end, "to")
        if first is not None and last is not None and first > last:
            raise InvalidInput(f"must not be later than {end}, where the figures end", parameter="from")
        known = self._refreshed()
        if known.span is None:
            return UPTAKE_SCHEMA.empty_table()
        require_month_within(baseline, "baseline", known.span.months)
        return build_table(build_series(known.cells, known.span, column), known.span, base, first, last)

    def headline(self, macro_region: str, baseline: str, month: str | None = None) -> Headline:
        """Growth of one macro-region from the baseline month to `month`.

        By default that is the newest complete month with events, for a running month is no growth of a month; the
        newest there is while none is complete, and the baseline when that is later. Raises InvalidInput that names the
        parameter (`macro_region`, `baseline`, `month`). Without events all figures are 0.
        """
        base = require_month(baseline, "baseline")
        now = None if month is None else require_month(month, "month")
        known = self._refreshed()
        if known.span is None:
            return Headline(macro_region, baseline, month or baseline, 0, 0, 0, 0, complete=False)
        months = known.span.months
        require_month_within(baseline, "baseline", months)
        if month is not None:
            require_month_within(month, "month", months)
        if now is None:
            settled = newest_settled(known.cells, known.span)
            now = max(months[-1] if settled is None else settled, base)
        series = build_series(known.cells, known.span, DIMENSIONS["macro_region"])
        if macro_region not in series.groups:
            known_groups = ", ".join(group for group in series.groups if group)
            raise InvalidInput(
                f"no events of {macro_region!r}; it may be one of {known_groups}", parameter="macro_region"
            )
        return build_headline(series, known.span, macro_region, base, now)

    def months(self) -> list[str]:
        """Months that figures can be asked for and that can be a baseline, oldest first."""
        span = self._refreshed().span
        return [] if span is None else [month_text(month) for month in span.months]

    def newest_settled(self) -> str | None:
        """The newest complete month with events, None while there is none."""
        known = self._refreshed()
        month = None if known.span is None else newest_settled(known.cells, known.span)
        return None if month is None else month_text(month)

    def _refreshed(self) -> _Known:
        with self._lock:
            if self._ledger.position() > self._known.position:
                self._known = self._counted(self._known, self._ledger.events(self._known.position))
            return self._known

    def _counted(self, known: _Known, fresh: pa.Table) -> _Known:
        days = pc.min_max(fresh[tables.LOCAL_DAY]).as_py()
        span = Span(
            days["min"] if known.span is None else min(days["min"], known.span.first_day),
            days["max"] if known.span is None else max(days["max"], known.span.last_day),
        )
        events = fresh.select(list(COUNTED_SCHEMA.names))
        connected = events.filter(pc.is_in(events[tables.KIND], pa.array(CONNECTED)))
        if known.connected is not None:
            connected = pa.concat_tables([known.connected, connected]).combine_chunks()
        with closing(self._connect()) as engine:
            shown = engine.register(_EVENTS, events).sql(self._count_shown).to_arrow_table()
            counted = engine.register(_EVENTS, connected).sql(self._count_connected).to_arrow_table()
        if known.shown is not None:
            added = pa.concat_tables([known.shown, shown]).group_by(list(CELL_KEYS)).aggregate([(COUNT, "sum")])
            shown = added.rename_columns([*CELL_KEYS, COUNT]).cast(shown.schema)
        newest = pc.max(fresh["seq"]).as_py()
        return _Known(newest, span, shown, connected, pa.concat_tables([shown, counted]))
