"""The roll-up of uptake: what the ledger's events add up to, kept in the workspace and carried on by what is new."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.errors import WorkspaceBusy
from mia.ports import Lake, LakeChange, Ledger
from mia.services.report.segments import Segments, parts_of, reading
from mia.timeline import DAY_SECONDS, MICROSECONDS
from mia.uptake import rolling
from mia.uptake.cubes import CUBES, Cube
from mia.uptake.dimensions import extend_names
from mia.uptake.watermark import Arrivals, extend_arrivals

CHUNK = 500_000
"""Events that are folded at a time, which bounds the memory that takes."""
FORMAT = 1
STATE, SHOWN, CONNECTED = "uptake", "shown", "connected"
PART = 32 * DAY_SECONDS * MICROSECONDS
"""Kept impressions are parted by `occurred_at`, in microseconds."""
PAUSE = 0.1
"""Seconds between looks at what another process is rolling up."""
PATIENCE = 6_000
"""How often to look."""

Progress = Callable[[str, int, int], None]


def no_progress(_label: str, _done: int, _total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class State:
    """What the roll-up knows of the ledger up to `position`; days are those of the oldest and newest event.

    `names` are those of the coded columns, `window` is the attribution window in microseconds.
    """

    window: int
    position: int = 0
    first_day: int | None = None
    last_day: int | None = None
    arrivals: Arrivals = field(default_factory=Arrivals)
    names: Mapping[str, list[str]] = field(default_factory=dict)
    form: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """As it is noted in the lake."""
        late = {str(hours): count for hours, count in self.arrivals.late.items()}
        return asdict(self) | {"arrivals": asdict(self.arrivals) | {"late": late}}

    @classmethod
    def of_json(cls, noted: Mapping[str, Any]) -> "State":
        """As it was noted."""
        late = {int(hours): count for hours, count in noted["arrivals"]["late"].items()}
        return cls(**{**noted, "arrivals": Arrivals(**{**noted["arrivals"], "late": late})})


class RollUp:
    """Carries the roll-up of one ledger on. Any number of processes may read it, one at a time writes."""

    def __init__(
        self,
        ledger: Ledger,
        lake: Lake,
        connect: Callable[[], duckdb.DuckDBPyConnection],
        *,
        attribution_days: int,
        chunk: int = CHUNK,
        patience: int = PATIENCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ledger, self._lake, self._connect = ledger, lake, connect
        self._window = attribution_days * DAY_SECONDS * MICROSECONDS
        self._chunk, self._patience, self._sleep = chunk, patience, sleep
        self._lock = Lock()

    def state(self) -> State:
        """What is rolled up now."""
        noted = self._lake.noted(STATE)
        return State(self._window) if noted is None or noted["form"] != FORMAT else State.of_json(noted)

    def refresh(self, progress: Progress = no_progress) -> State:
        """Take in what the ledger holds now; returns what is rolled up then.

        Raises LedgerUnavailable, and WorkspaceBusy when another process does so and does not come to an end.
        """
        with self._lock:
            target = self._ledger.position()
            for _ in range(self._patience):
                try:
                    return self._refreshed(target, progress)
                except WorkspaceBusy:
                    # Whoever holds the lock is at the same work, or has just begun with it.
                    self._sleep(PAUSE)
            return self._refreshed(target, progress)

    def rebuild(self, progress: Progress = no_progress) -> State:
        """Count everything anew from the ledger."""
        with self._lake.change() as change:
            _forget(self._lake, change)
            change.note(STATE, State(self._window).to_json())
            change.commit()
        return self.refresh(progress)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody carries the roll-up on as long as the context lasts; they wait. Raises WorkspaceBusy.

        Nothing is taken in meanwhile by this one either.
        """
        with ExitStack() as stack:
            for _ in range(self._patience):
                with suppress(WorkspaceBusy):
                    stack.enter_context(self._lake.change())
                    break
                self._sleep(PAUSE)
            else:
                stack.enter_context(self._lake.change())
            yield

    def _refreshed(self, target: int, progress: Progress) -> State:
        state = self.state()
        start = state.position
        while state.position < target or not self._continues(state, target):
            state = self._step()
            progress("rolling up events", min(state.position, target) - start, target - start)
        return state

    def _continues(self, state: State, target: int) -> bool:
        """Whether the roll-up is of this ledger, and counted by the same rules."""
        # Events that came since the target was read may be rolled up already, here or by another process.
        known = state.position <= target or state.position <= self._ledger.position()
        return state.window == self._window and known

    def _step(self) -> State:
        with self._lake.change() as change:
            state, target = self.state(), self._ledger.position()
            if not self._continues(state, target):
                _forget(self._lake, change)
                state = State(self._window)
                change.note(STATE, state.to_json())
                change.commit()
                return state
            arrived = self._ledger.arrived(state.position, self._chunk)
            if not arrived.num_rows:
                return state
            newer = self._fold(state, arrived, change)
            change.note(STATE, newer.to_json())
            change.commit()
            return newer

    def _fold(self, state: State, arrived: pa.Table, change: LakeChange) -> State:
        events = self._with_decisions(arrived)
        names = extend_names(state.names, events)
        with closing(self._connect()) as engine:
            rolling.fold(
                engine,
                events,
                names,
                connected=reading(self._lake.paths(CONNECTED), rolling.NO_CONNECTED),
                shown_between=self._shown_between,
                window=self._window,
            )
            segments = Segments(self._lake, change, engine)
            for cube in CUBES:
                segments.add(cube.name, cube.sums(rolling.CELLS), cube.sums)
            segments.add(CONNECTED, f"{rolling.CONNECTED} ORDER BY subscriber", _by_subscriber)
            for part in _parts(engine):
                segments.add(SHOWN, _of_part(part), _by_subscriber, part)
        days = pc.min_max(arrived[tables.LOCAL_DAY]).as_py()
        first, last = days["min"], days["max"]
        return State(
            self._window,
            pc.max(arrived["seq"]).as_py(),
            first if state.first_day is None else min(first, state.first_day),
            last if state.last_day is None else max(last, state.last_day),
            extend_arrivals(state.arrivals, arrived["recorded_at"].to_numpy(), arrived[tables.OCCURRED_AT].to_numpy()),
            names,
        )

    def _with_decisions(self, arrived: pa.Table) -> pa.Table:
        """The events with placement and model version of their decisions; null where there is none."""
        ids = arrived[tables.DECISION_ID].cast(pa.string())
        decided = self._ledger.decided(pc.unique(ids.drop_null()).to_pylist())
        places = pc.index_in(ids, decided[tables.DECISION_ID].combine_chunks(), skip_nulls=True)
        for name in (tables.PLACEMENT, tables.MODEL_VERSION):
            arrived = arrived.append_column(name, decided[name].combine_chunks().take(places.combine_chunks()))
        return arrived

    def _shown_between(self, low: int, high: int) -> str:
        wanted = range(low // PART, high // PART + 1)
        parts = [part for part in parts_of(self._lake.files(SHOWN)) if part in wanted]
        return reading(self._lake.paths(SHOWN, parts), rolling.NO_SHOWN)


def _parts(engine: duckdb.DuckDBPyConnection) -> Iterator[int]:
    yield from (
        int(row[0])
        for row in engine.execute(f"SELECT DISTINCT occurred_at // {PART} FROM ({rolling.SHOWN}) ORDER BY 1").fetchall()
    )


def _of_part(part: int) -> str:
    return f"SELECT * FROM ({rolling.SHOWN}) WHERE occurred_at // {PART} = {part} ORDER BY subscriber"


def _by_subscriber(source: str) -> str:
    # Sorted, so that the statistics of the files tell where a subscriber can be.
    return f"SELECT * FROM ({source}) ORDER BY subscriber"


def _forget(lake: Lake, change: LakeChange) -> None:
    for table in (*(cube.name for cube in CUBES), SHOWN, CONNECTED):
        if lake.files(table):
            change.drop(table)


def source_of(lake: Lake, cube: Cube) -> str:
    """A query of the rows of a cube; empty text when it has none."""
    return reading(lake.paths(cube.name))
