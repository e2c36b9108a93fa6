"""Uptake of groups over months, named for readers: what the charts over months draw."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """Rows of uptake by month; `groups` are in order of size."""

    rows: Sequence[Row]
    groups: Sequence[str]

    @property
    def months(self) -> list[str]:
        """The months, oldest first."""
        return list(dict.fromkeys(row["month"] for row in self.rows))

    @property
    def indexed(self) -> list[str]:
        """Groups with an index: those with enough connections by the end of the baseline month."""
        found = {row["group"] for row in self.rows if row["index"] is not None}
        return [group for group in self.groups if group in found]

    @property
    def connected(self) -> list[str]:
        """Groups with a connection in the months shown."""
        found = {row["group"] for row in self.rows if row["connections"]}
        return [group for group in self.groups if group in found]


def build_series(rows: Sequence[Row], name_of: Callable[[str | None], str]) -> Series:
    """Uptake rows with their groups named, the largest group first."""
    named = [row | {"group": name_of(row["group"])} for row in rows]
    largest: dict[str, int] = {}
    for row in named:
        largest[row["group"]] = max(largest.get(row["group"], 0), row["cumulative"])
    return Series(named, sorted(largest, key=lambda group: (-largest[group], group)))
