"""Uptake figures for the door, computed once for each ledger position."""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, TypeVar, cast

import pyarrow as pa

from mia.api.services import Ledger, Uptake
from mia.timeline import MICROSECONDS

Made = TypeVar("Made")
REMEMBERED = 64
ANY_BASELINE = "2021-01"
"""Cumulative connections do not depend on the baseline month."""
HOUR = 3_600 * MICROSECONDS


class Figures:
    """Remembers what uptake said until an event arrives or the hour turns (a month may complete by time alone).

    Its methods block: call them in a worker thread.
    """

    def __init__(self, uptake: Uptake, ledger: Ledger, clock: Callable[[], int]) -> None:
        self._uptake, self._ledger, self._clock = uptake, ledger, clock
        self._lock = Lock()
        self._state = (-1, -1)
        self._found: dict[tuple[Any, ...], Any] = {}

    def table(self, baseline: str, by: str, start: str | None = None, end: str | None = None) -> pa.Table:
        """Uptake by month and group; see `mia.services.report`."""
        return self.remember(("table", baseline, by, start, end), lambda: self._uptake.table(baseline, by, start, end))

    def headline(self, macro_region: str, baseline: str) -> Mapping[str, Any] | None:
        """Growth of one macro-region since the baseline month."""
        return self.remember(
            ("headline", macro_region, baseline), lambda: self._uptake.headline(macro_region, baseline)
        )

    def connections(self) -> dict[str, int]:
        """Connections since the first event, by macro-region."""
        totals: dict[str, int] = {}
        for row in self.table(ANY_BASELINE, "macro_region").to_pylist():
            group = row["group"] or ""
            totals[group] = max(totals.get(group, 0), row["cumulative"])
        return totals

    def remember(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What `make` gives, made again only when the figures may have changed."""
        state = (self._ledger.position(), self._clock() // HOUR)
        with self._lock:
            if state != self._state or len(self._found) >= REMEMBERED:
                self._state, self._found = state, {}
            elif key in self._found:
                return cast("Made", self._found[key])
        made = make()
        with self._lock:
            if state == self._state:
                self._found[key] = made
        return made
