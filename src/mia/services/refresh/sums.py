"""Window sums of a day, kept in the lake: made from all days of the windows once, moved on by a day after that."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import ibis
import pyarrow.compute as pc
from ibis.expr.types import Table

from mia.ports import Engine, Lake, LakeChange, Session
from mia.profiles.daily import BY_KEY, BY_KIND, ENGINE_TYPES, complete, merge_known, roll_up, roll_up_keys
from mia.profiles.features import WINDOW_COLUMNS
from mia.profiles.keys import USAGE_HORIZON, advance_keys, edge_days_of_keys, sum_keys
from mia.profiles.windows import LONGEST, advance_windows, edge_days, sum_windows
from mia.services.refresh.tables import (
    DAILY,
    DAILY_KEYS,
    KEY_SUMS,
    LATE,
    NO_KEYS,
    RANGE_SUBSCRIBERS,
    SUBSCRIBERS,
    WINDOW_SUMS,
    Progress,
    day_of_file,
    digest,
)
from mia.tables import AS_OF, KNOWN_DAY, LAKE_USAGE, SUBSCRIBER_ID

MOST_STEPS = 7
RANGES = "window_ranges"


@dataclass(frozen=True, slots=True)
class Range:
    """Subscribers from `lower` (included) to `upper` (not included) in the order of their ids; None is open."""

    lower: str | None
    upper: str | None

    def of(self, table: Table) -> Table:
        """The rows of these subscribers."""
        if self.lower is not None:
            table = table.filter(table[SUBSCRIBER_ID] >= self.lower)
        if self.upper is not None:
            table = table.filter(table[SUBSCRIBER_ID] < self.upper)
        return table


@dataclass(frozen=True, slots=True)
class WindowSums:
    """Brings the window sums of a day into the lake, range by range of subscribers, so that memory is bounded."""

    lake: Lake
    engine: Engine

    def bring(self, as_of: int, progress: Progress | None = None) -> list[Range]:
        """Make sure that the lake holds the sums of `as_of`; returns the ranges of subscribers of their files."""
        if self._is_fresh(as_of):
            return self._ranges(as_of)
        with self.lake.change() as change:
            # Nobody takes the earlier sums away between the look at them and their use.
            start = self._start(as_of)
            if start is None:
                self._make(change, as_of, progress)
            else:
                self._advance(change, start, as_of)
            change.commit()
        return self._ranges(as_of)

    def files(self, table: str, as_of: int, place: int) -> list[str]:
        """The file of one range of the sums of a day."""
        return self.lake.paths(table, [as_of])[place : place + 1]

    def _ranges(self, as_of: int) -> list[Range]:
        return _ranges_between(self.lake.noted(RANGES)[str(as_of)])

    def _is_fresh(self, as_of: int) -> bool:
        made_of = {file.load for file in self.lake.files(WINDOW_SUMS, [as_of])}
        return made_of == {self._made_of(as_of)}

    def _made_of(self, as_of: int) -> str:
        """What the sums of a day are made of: how days are added up, and the roll-ups of its windows."""
        days = range(as_of - USAGE_HORIZON, as_of)
        parts = [f"{file.day} {file.load}" for file in self.lake.files(DAILY, days)]
        return digest(_recipe(), parts)

    def are_late(self, days: Collection[int]) -> bool:
        """Whether records of some days became known on later ones."""
        return any(day in days for day in self._late())

    def _late(self) -> dict[int, int]:
        return {int(day): int(known) for day, known in (self.lake.noted(LATE) or {}).items()}

    def _start(self, as_of: int) -> int | None:
        """The newest day before `as_of` whose sums can be moved on to it; None where they are better made anew."""
        days = {day_of_file(file) for file in self.lake.files(WINDOW_SUMS)}
        for day in sorted(days, reverse=True):
            # What became known in between about days before would be missed.
            known_since = any(known >= day for local, known in self._late().items() if local < as_of)
            if as_of - MOST_STEPS <= day < as_of and self._is_fresh(day) and not known_since and self._still_fits(day):
                return day
        return None

    def _still_fits(self, day: int) -> bool:
        """Whether the ranges of a day have not been outgrown."""
        subscribers = sum(file.rows for file in self.lake.files(SUBSCRIBERS))
        return subscribers <= 2 * RANGE_SUBSCRIBERS * len(self._ranges(day))

    def _make(self, change: LakeChange, as_of: int, progress: Progress | None) -> None:
        bounds = self._bounds()
        self._take_over(change, as_of, bounds)
        for place, only in enumerate(_ranges_between(bounds)):
            with self.engine.open() as session:
                sums = sum_windows(self.days(session, DAILY, as_of, LONGEST, only), WINDOW_COLUMNS, as_of, as_of)
                keys = sum_keys(self.days(session, DAILY_KEYS, as_of, USAGE_HORIZON, only))
                self._write(session, change, as_of, place, sums, keys)
            if progress:
                progress("adding up windows", place + 1, len(bounds) + 1)

    def days(self, session: Session, table: str, as_of: int, horizon: int, only: Range) -> Table:
        """Roll-up rows of a window that ends before `as_of`, known by then, one a day, with the column as_of."""
        days = range(as_of - horizon, as_of)
        rows = only.of(self.read_days(session, table, list(days)))
        return self._merged(rows, table, days, as_of).mutate(**{AS_OF: ibis.literal(as_of, "int64")})

    def read_days(self, session: Session, table: str, days: list[int]) -> Table:
        """The roll-up rows of some days; none where the lake has no such day."""
        paths = self.lake.paths(table, days)
        if paths:
            return session.read(paths)
        other = self.lake.paths(table)
        return session.table(NO_KEYS) if not other else session.read(other[:1]).filter(ibis.literal(False))

    def _advance(self, change: LakeChange, start: int, as_of: int) -> None:
        ranges = self._ranges(start)
        self._take_over(change, as_of, [only.lower for only in ranges[1:]])
        for place, only in enumerate(ranges):
            with self.engine.open() as session:
                sums = session.read(self.files(WINDOW_SUMS, start, place))
                keys = session.read(self.files(KEY_SUMS, start, place))
                for day in range(start + 1, as_of + 1):
                    edges = only.of(self._edges(session, DAILY, edge_days(day), day))
                    sums = advance_windows(sums, edges, WINDOW_COLUMNS, day)
                    edges = only.of(self._edges(session, DAILY_KEYS, edge_days_of_keys(day), day))
                    keys = advance_keys(keys, edges, day)
                self._write(session, change, as_of, place, sums, keys)

    def _edges(self, session: Session, table: str, days: list[int], as_of: int) -> Table:
        return self._merged(self.read_days(session, table, days), table, days, as_of)

    def _merged(self, rows: Table, table: str, days: Collection[int], as_of: int) -> Table:
        """What was known of some days by `as_of`, one row a day."""
        if not self.are_late(days):
            return rows
        return merge_known(rows.filter(rows[KNOWN_DAY] < as_of), by=BY_KIND if table == DAILY else BY_KEY)

    def _write(self, session: Session, change: LakeChange, as_of: int, place: int, sums: Table, keys: Table) -> None:
        made_of = self._made_of(as_of)
        for table, expression in ((WINDOW_SUMS, sums), (KEY_SUMS, keys)):
            path = change.folder() / f"{table}-{as_of}-{place}.parquet"
            rows = session.write(expression, path)
            change.add(table, path, rows=rows, load=made_of, day=as_of)

    def _take_over(self, change: LakeChange, as_of: int, bounds: Sequence[str | None]) -> None:
        """Note the ranges of the sums of this day, and let go of all others but the newest."""
        held = {day_of_file(file) for file in self.lake.files(WINDOW_SUMS)}
        newest = max(held - {as_of}, default=None)
        for table in (WINDOW_SUMS, KEY_SUMS):
            change.drop(table, held - {newest})
        noted = self.lake.noted(RANGES) or {}
        kept = {} if newest is None else {str(newest): noted[str(newest)]}
        change.note(RANGES, {**kept, str(as_of): list(bounds)})

    def _bounds(self) -> list[str]:
        """Ids that part the subscribers into ranges of about equal size."""
        with self.engine.open() as session:
            ids = session.fetch(session.read(self.lake.paths(SUBSCRIBERS)).select(SUBSCRIBER_ID))[SUBSCRIBER_ID]
        if len(ids) <= RANGE_SUBSCRIBERS:
            return []
        ordered = pc.sort_indices(ids)
        places = range(RANGE_SUBSCRIBERS, len(ids), RANGE_SUBSCRIBERS)
        return [ids[ordered[place].as_py()].as_py() for place in places]


def _ranges_between(bounds: Sequence[str]) -> list[Range]:
    return [Range(lower, upper) for lower, upper in zip([None, *bounds], [*bounds, None], strict=True)]


@cache
def _recipe() -> str:
    """Short digest of how days are added up; what was added up under another one is made anew."""
    usage = complete(
        ibis.table({column.name: ENGINE_TYPES[column.dtype] for column in LAKE_USAGE.columns}, LAKE_USAGE.name)
    )
    sources = {AS_OF: ibis.literal(0, "int64")}
    made = (
        sum_windows(roll_up(usage).mutate(**sources), WINDOW_COLUMNS, 0, 0),
        sum_keys(roll_up_keys(usage).mutate(**sources)),
    )
    return digest("", (ibis.to_sql(expression, dialect="duckdb") for expression in made))
