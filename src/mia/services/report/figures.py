"""Sums read from the roll-up, the last ones kept."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from threading import Lock

import duckdb
import pyarrow as pa

from mia.ports import Lake
from mia.services.report.roll_up import STATE, State
from mia.services.report.segments import reading
from mia.uptake.cubes import Reading, choose, no_rows, question

KEPT = 128
"""Answers that are kept while the roll-up stands still."""

_Key = tuple[object, ...]


class Figures:
    """Reads sums of cells; safe to share between threads, and while another process carries the roll-up on."""

    def __init__(self, lake: Lake, connect: Callable[[], duckdb.DuckDBPyConnection]) -> None:
        self._lake, self._connect = lake, connect
        self._lock = Lock()
        # Opening an engine costs more than asking it.
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._position = -1
        self._kept: OrderedDict[_Key, pa.Table] = OrderedDict()

    def sums(
        self,
        state: State,
        columns: Sequence[str],
        only: Mapping[str, Sequence[int]],
        *,
        monthly: bool,
        matured_day: int | None,
    ) -> pa.Table | None:
        """Sums of the measures by `local_day` and columns, narrowed to codes of some columns; `monthly` lets days be
        the first of their month where all of it is or is not matured.

        None when the roll-up has gone on since `state`.
        """
        key = (tuple(columns), tuple((name, tuple(codes)) for name, codes in only.items()), monthly, matured_day)
        with self._lock:
            if self._position != state.position:
                self._position, self._kept = state.position, OrderedDict()
            elif key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._read(state, columns, only, choose([*columns, *only], monthly=monthly, matured_day=matured_day))
        if found is not None:
            with self._lock:
                if self._position == state.position:
                    self._kept[key] = found
                    while len(self._kept) > KEPT:
                        self._kept.popitem(last=False)
        return found

    def _read(
        self, state: State, columns: Sequence[str], only: Mapping[str, Sequence[int]], readings: Sequence[Reading]
    ) -> pa.Table | None:
        sources = [(one, reading(self._lake.paths(one.cube.name), no_rows(one.cube))) for one in readings]
        noted = self._lake.noted(STATE)
        if noted is None or noted["position"] != state.position:
            return None
        with self._lock:
            if self._engine is None:
                self._engine = self._connect()
            cursor = self._engine.cursor()
        with closing(cursor):
            try:
                return cursor.sql(question(sources, columns, only)).to_arrow_table()
            except duckdb.IOException:
                # Files that were merged go away after a while; what took their place is read next.
                if self._lake.noted(STATE)["position"] == state.position:
                    raise
                return None
