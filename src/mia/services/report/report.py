"""Report uptake: figures of growth, read from the roll-up."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from mia.errors import InvalidInput, WorkspaceBusy
from mia.ports import Lake
from mia.services.report.active import count_active
from mia.services.report.figures import Figures
from mia.services.report.published import PublishedFigures
from mia.services.report.roll_up import Progress, RollUp, State, no_progress
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_text
from mia.uptake.dimensions import CATEGORY, DIMENSIONS, FILTERS, build_groups, codes_of, require_dimensions
from mia.uptake.growth import (
    SMALL_BASE,
    UNKNOWN,
    Series,
    Span,
    build_series,
    build_table,
    newest_settled,
    require_month,
    require_month_within,
    uptake_schema,
)
from mia.uptake.headline import Headline, build_headline
from mia.uptake.periods import MONTH, Grain, require_grain
from mia.uptake.restatement import PUBLISHED_SCHEMA, RESTATEMENT_SCHEMA, published_rows, restatements
from mia.uptake.watermark import arrived_day

PUBLISHED_BY = (None, "macro_region", "region", "offer", "channel", "arm")
"""Dimensions whose monthly figures are kept when they are published."""
Only = Mapping[str, Sequence[str]]
"""Values of dimensions that figures are narrowed to."""
_NO_FILTER: Only = {}


@dataclass(frozen=True, slots=True)
class Terms:
    """What figures are judged by; see `[uptake]` in the settings.

    `zones` are the time zones that days are counted in, `categories` gives the category of every offer, `people` the
    active subscribers as `ActiveSubscribers.table`.
    """

    late_share: float = 0.001
    history_days: int = 45
    small_base: int = SMALL_BASE
    zones: Sequence[str] = ("UTC",)
    categories: Callable[[], Mapping[str, str]] = field(default=dict)
    people: Callable[[], pa.Table | None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True)
class _Known:
    """What the roll-up says of itself: `matured_day` is the last day whose impressions have matured."""

    state: State
    span: Span
    matured_day: int | None


class UptakeReport:
    """Figures of uptake; safe to share between threads.

    With `on_read` each reading takes in what is new in the ledger first; without, only `refresh` does, and readings
    never wait.
    """

    def __init__(
        self,
        roll_up: RollUp,
        lake: Lake,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        clock: Callable[[], int],
        terms: Terms | None = None,
        *,
        on_read: bool = True,
    ) -> None:
        self._roll_up, self._clock = roll_up, clock
        self._terms = Terms() if terms is None else terms
        self._figures, self._published = Figures(lake, connect), PublishedFigures(lake, connect)
        self._on_read = on_read

    def refresh(self, progress: Progress = no_progress) -> None:
        """Take in what is new in the ledger, and publish the months that are complete for the first time.

        Raises LedgerUnavailable, and WorkspaceBusy while another process does so.
        """
        self._roll_up.refresh(progress)
        with suppress(WorkspaceBusy):
            # Another process that is at it publishes the same.
            self._publish(self._fresh_months())

    def rebuild(self, progress: Progress = no_progress) -> None:
        """Count everything anew from the ledger; what was published stays."""
        self._roll_up.rebuild(progress)

    def position(self) -> int:
        """The position of the ledger up to which figures go."""
        return self._roll_up.state().position

    def table(
        self,
        baseline: str,
        by: str | None = None,
        start: str | None = None,
        end: str | None = None,
        *,
        grain: str = MONTH.name,
        only: Only = _NO_FILTER,
    ) -> pa.Table:
        """Uptake as `mia.uptake.growth.UPTAKE_SCHEMA`, one row a period and group, by period and then by group.

        Months as `YYYY-MM`; `by` is one of `DIMENSIONS`, two of them as `one,other`, or None for the total; `grain` is
        month, week or day; `start` and `end` are the first and last month to show and leave cumulative figures as they
        are; `only` narrows what is counted. Every group has a row for every period from the first event to the newest.
        Raises InvalidInput that names the parameter. No events, no rows.
        """
        base, dimensions, size = require_month(baseline, "baseline"), require_dimensions(by), require_grain(grain)
        first = None if start is None else require_month(start, "from")
        last = None if end is None else require_month(end, "to")
        if first is not None and last is not None and first > last:
            raise InvalidInput(f"must not be later than {end}, where the figures end", parameter="from")
        for name in only:
            if name not in FILTERS:
                raise InvalidInput(f"there is no such filter; there are {', '.join(FILTERS)}", parameter=name)
        while True:
            known = self._known()
            if known is None:
                return uptake_schema(size, pairs=len(dimensions) > 1).empty_table()
            require_month_within(baseline, "baseline", known.span.months)
            series = self._series(known, dimensions, base, size, only)
            if series is not None:
                break
        return build_table(
            series,
            known.span,
            start=first,
            end=last,
            active=self._active(known, dimensions, series, only),
            small_base=self._terms.small_base,
        )

    def headline(
        self, macro_region: str, baseline: str, month: str | None = None, *, only: Only = _NO_FILTER
    ) -> Headline:
        """Growth of one macro-region from the baseline month to `month`.

        By default that is the newest complete month with events, for a running month is no growth of a month; the
        newest there is while none is complete, and the baseline when that is later. Raises InvalidInput that names the
        parameter (`macro_region`, `baseline`, `month`). Without events all figures are 0.
        """
        base = require_month(baseline, "baseline")
        now = None if month is None else require_month(month, "month")
        while True:
            known = self._known()
            if known is None:
                return Headline(macro_region, baseline, month or baseline, 0, 0, 0, 0, complete=False)
            months = known.span.months
            require_month_within(baseline, "baseline", months)
            if month is not None:
                require_month_within(month, "month", months)
            series = self._series(known, ("macro_region",), base, MONTH, only)
            if series is not None:
                break
        if now is None:
            settled = _settled(series, known.span)
            now = max(months[-1] if settled is None else settled, base)
        if (macro_region,) not in series.groups:
            groups = ", ".join(group for (group,) in series.groups if group)
            raise InvalidInput(f"no events of {macro_region!r}; it may be one of {groups}", parameter="macro_region")
        return build_headline(series, known.span, macro_region, now, self._terms.small_base)

    def months(self) -> list[str]:
        """Months that figures can be asked for and that can be a baseline, oldest first."""
        known = self._known()
        return [] if known is None else [month_text(month) for month in known.span.months]

    def newest_settled(self) -> str | None:
        """The newest complete month with events, None while there is none."""
        while (known := self._known()) is not None:
            series = self._series(known, (), known.span.months[0], MONTH, _NO_FILTER)
            if series is not None:
                month = _settled(series, known.span)
                return None if month is None else month_text(month)
        return None

    def span(self) -> Span | None:
        """The local days that figures go from and to, and up to which all events arrived; None without events."""
        known = self._known()
        return None if known is None else known.span

    def values(self, dimension: str) -> list[str]:
        """What figures can be narrowed to in a dimension, by name."""
        state = self._roll_up.state()
        names = state.names.get(DIMENSIONS[dimension], [])
        return [name for name in build_groups(dimension, names, self._terms.categories()).names if name is not None]

    def publish(self) -> list[str]:
        """Publish all complete months as they are now, restated ones too; returns the months. Raises WorkspaceBusy."""
        return self._publish(self._complete_months())

    def restated(self) -> pa.Table:
        """Figures that changed since they were published last, as `mia.uptake.restatement.RESTATEMENT_SCHEMA`."""
        published, now = self._published.load(), self._publishable()
        if now is None:
            return RESTATEMENT_SCHEMA.empty_table()
        return restatements(published, now)

    def _publish(self, months: Sequence[str]) -> list[str]:
        rows = self._publishable() if months else None
        if rows is not None:
            self._published.add(rows, months)
        return list(months)

    def _complete_months(self) -> list[str]:
        known = self._known_now()
        if known is None:
            return []
        return [month_text(month) for month in known.span.months if known.span.is_complete(month)]

    def _fresh_months(self) -> list[str]:
        done = self._published.months()
        return [month for month in self._complete_months() if month not in done]

    def _publishable(self) -> pa.Table | None:
        """Figures of all months as they would be published now."""
        known = self._known_now()
        if known is None:
            return None
        parts = []
        for by in PUBLISHED_BY:
            series = self._series(known, require_dimensions(by), known.span.months[0], MONTH, _NO_FILTER)
            if series is None:
                return self._publishable()
            parts.append(published_rows(build_table(series, known.span), by or "total", self._clock()))
        return pa.concat_tables(parts).cast(PUBLISHED_SCHEMA)

    def _known(self) -> _Known | None:
        if self._on_read:
            self.refresh()
        return self._known_now()

    def _known_now(self) -> _Known | None:
        state = self._roll_up.state()
        if state.first_day is None or state.last_day is None:
            return None
        hours = state.arrivals.lateness(self._terms.late_share, self._terms.history_days * 24)
        arrived = arrived_day(state.arrivals, hours, self._terms.zones)
        window = state.window // (DAY_SECONDS * MICROSECONDS)
        return _Known(
            state, Span(state.first_day, state.last_day, arrived), None if arrived is None else arrived - window
        )

    def _series(
        self, known: _Known, dimensions: Sequence[str], baseline: int, grain: Grain, only: Only
    ) -> Series | None:
        """The series; None when the roll-up went on meanwhile."""
        names = known.state.names
        categories = self._terms.categories() if CATEGORY in (*dimensions, *only) else {}
        columns = list(dict.fromkeys(DIMENSIONS[name] for name in dimensions))
        codes: dict[str, list[int]] = {}
        for name, wanted in only.items():
            column = DIMENSIONS[name]
            found = codes_of(name, [_named(value) for value in wanted], names.get(column, []), categories)
            # Offer and category narrow the same column: what both leave stays.
            codes[column] = found if column not in codes else sorted(set(found) & set(codes[column]))
        sums = self._figures.sums(known.state, columns, codes, monthly=grain is MONTH, matured_day=known.matured_day)
        if sums is None:
            return None
        groups = [build_groups(name, names.get(DIMENSIONS[name], []), categories) for name in dimensions]
        keyed = sums.select(
            ["local_day", *(DIMENSIONS[name] for name in dimensions), *sums.column_names[1 + len(columns) :]]
        )
        return build_series(keyed, known.span, groups, baseline=baseline, matured_day=known.matured_day, grain=grain)

    def _active(self, known: _Known, dimensions: Sequence[str], series: Series, only: Only) -> np.ndarray | None:
        people = self._terms.people()
        if people is None:
            return None
        periods = known.span.periods(series.grain)
        ends = np.array([series.grain.end(period) for period in periods], np.int64)
        narrowed = {DIMENSIONS[name]: [_named(value) for value in values] for name, values in only.items()}
        return count_active(people, [DIMENSIONS[name] for name in dimensions], series, ends, narrowed)


def _settled(series: Series, span: Span) -> int | None:
    counted = series.impressions + series.clicks + series.connections + series.disconnections
    return newest_settled((series.first + np.flatnonzero(counted.sum(axis=0))).tolist(), span)


def _named(value: str) -> str | None:
    return None if value == UNKNOWN else value
