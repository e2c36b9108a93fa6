"""One person: everything that is held, handed out or forgotten."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from mia.domain.decision import Decision
from mia.frames import Profiles, SparseBlock
from mia.ports import Lake, LakeFile, Ledger, ProfileStore
from mia.tables import AMENDED, RECORD_ID, SUBSCRIBER_ID, SUBSCRIBERS, USAGE
from mia.timeline import date_of

Progress = Callable[[str, int, int], None]


class PersonFiles(Protocol):
    """The rows of one person in files of the lake and of rejects."""

    def rows_of(self, path: Path, column: str, values: Collection[str]) -> pa.Table:
        """The rows of a parquet file that have one of the values in a column; none where there is no such column."""

    def write_without(self, path: Path, out: Path, column: str, values: Collection[str]) -> int:
        """Write a parquet file without the rows that have one of the values in a column; returns the rows that stay."""

    def rejects_of(self, path: Path, subscriber_id: str) -> pa.Table:
        """Rows of a file of rejects whose raw values name a subscriber."""

    def drop_rejects(self, path: Path, subscriber_id: str) -> int:
        """Leave such rows out of a file of rejects; returns how many there were."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was forgotten: rows of the lake's tables, rejected rows, events that go on without a name, decisions; and
    the profile snapshots that still know the person.
    """

    rows: dict[str, int]
    rejects: int
    events: int
    decisions: int
    snapshots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PersonRecords:
    """Finds and forgets what is held of one subscriber. `paths` gives the whole path of a file of the lake."""

    lake: Lake
    ledger: Ledger
    profiles: ProfileStore
    files: PersonFiles
    rejects: Path
    path_of: Callable[[LakeFile], Path]

    def export(self, subscriber_id: str, progress: Progress | None = None) -> dict[str, Any]:
        """All that is held of a subscriber, as values that JSON can tell: what was brought in, what MIA made of it for
        the newest snapshot, what happened and what was decided.
        """
        found: dict[str, list[Any]] = {SUBSCRIBERS.name: [], USAGE.name: []}
        for table, rows in found.items():
            for file in self._files(table, progress):
                rows += self.files.rows_of(self.path_of(file), SUBSCRIBER_ID, [subscriber_id]).to_pylist()
        events, decisions = self.ledger.person(subscriber_id)
        current = self.profiles.current()
        profile = None if current is None else self.profiles.find(current, subscriber_id)
        return {
            SUBSCRIBER_ID: subscriber_id,
            **found,
            "events": events.to_pylist(),
            "decisions": [_plain(decision) for decision in decisions],
            "profile": None if profile is None else _of_profile(profile),
            "rejects": [
                row for path in self._rejects() for row in self.files.rejects_of(path, subscriber_id).to_pylist()
            ],
        }

    def erase(self, subscriber_id: str, alias: str, progress: Progress | None = None) -> Erased:
        """Remove a subscriber from lake, rejects and decisions; its events go on as those of `alias`, so that no figure
        of uptake changes. Done again after a crash, it does the rest. Raises WorkspaceBusy.
        """
        rows = self._erase_rows(subscriber_id, progress)
        rejects = sum(self.files.drop_rejects(path, subscriber_id) for path in self._rejects())
        events, decisions = self.ledger.erase(subscriber_id, alias)
        return Erased(rows, rejects, events, decisions, tuple(self.profiles.holding(subscriber_id)))

    def _erase_rows(self, subscriber_id: str, progress: Progress | None) -> dict[str, int]:
        gone: dict[str, int] = {}
        with self.lake.change() as change:
            records = self._record_ids(subscriber_id)
            for number, file in enumerate(self._files(None, progress)):
                amended = file.table == AMENDED.name
                column, values = (RECORD_ID, records) if amended else (SUBSCRIBER_ID, {subscriber_id})
                path = self.path_of(file)
                found = self.files.rows_of(path, column, values).num_rows
                if found:
                    fresh = change.folder() / f"{number}.parquet"
                    change.rewrite(file, fresh, self.files.write_without(path, fresh, column, values))
                    gone[file.table] = gone.get(file.table, 0) + found
            if gone:
                change.commit()
        return gone

    def _record_ids(self, subscriber_id: str) -> set[str]:
        """Ids of the person's records, where other files tell of records by their id alone."""
        if not self.lake.files(AMENDED.name):
            return set()
        usage = (
            self.files.rows_of(self.path_of(file), SUBSCRIBER_ID, [subscriber_id])
            for file in self.lake.files(USAGE.name)
        )
        return {one for rows in usage for one in rows[RECORD_ID].to_pylist() if one is not None}

    def _files(self, table: str | None, progress: Progress | None) -> Iterator[LakeFile]:
        found = [file for file in self.lake.files(table) if file.path.endswith(".parquet")]
        for done, file in enumerate(found, start=1):
            yield file
            if progress:
                progress(table or "every table", done, len(found))

    def _rejects(self) -> list[Path]:
        return sorted(self.rejects.glob("*.csv"))


def _plain(decision: Decision) -> dict[str, Any]:
    """A decision as JSON can tell it; the losers are nobody's data."""
    told = asdict(replace(decision, request=replace(decision.request, context={}), dropped={}, stages=()))
    del told["dropped"], told["stages"]
    return told | {"request": told["request"] | {"context": dict(decision.request.context)}}


def _of_profile(profile: Profiles) -> dict[str, Any]:
    """A profile of one row: features and attributes, what is used and what was answered; None where unknown."""
    numbers = profile.numeric[0].astype(float)
    return {
        "as_of": date_of(int(profile.as_of[0])).isoformat(),
        "features": {
            name: value if isfinite(value) else None
            for name, value in zip(profile.names, numbers.tolist(), strict=True)
        },
        "attributes": {name: values[0] for name, values in profile.attributes.items()},
        "used": _of_block(profile.usage),
        "answered": _of_block(profile.responses),
    }


def _of_block(block: SparseBlock) -> dict[str, dict[str, float]]:
    keys = block.vocabulary[block.codes].tolist()
    return {
        key: dict(zip(block.measures, values, strict=True))
        for key, values in zip(keys, block.values.tolist(), strict=True)
    }
