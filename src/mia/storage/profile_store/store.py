"""The store: publishes snapshots below one folder, opens them, and prunes the old ones."""

import re
import shutil
import threading
import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import count
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb
import numpy as np
from numpy.typing import NDArray

from mia.errors import BrokenSnapshot, UnknownSnapshot
from mia.frames import OfferHistory, Profiles
from mia.storage.files import only_writer, replace_durably
from mia.storage.profile_store.snapshot import Snapshot
from mia.storage.profile_store.writer import write_snapshot
from mia.timeline import date_of, day_of, day_of_text

CURRENT, PRUNED = "current", "pruned"
NAME = re.compile(r"(?P<day>\d{4}-\d{2}-\d{2})\.(?P<number>\d+)")
KEEP = 8
MOST_OPEN = 8


class LmdbProfileStore:
    """Snapshots below one folder. Readers share the pages of a snapshot; a snapshot never changes.

    The newest `keep` snapshots by as-of day stay, and beside them the current one and those that this store has open.
    Other processes go on reading a snapshot that was pruned after they opened it. LMDB lets a process open a snapshot
    only once, so a process keeps one store a folder, or closes one for the next.
    """

    def __init__(self, folder: Path, keep: int = KEEP) -> None:
        self.folder, self.keep = folder, keep
        self._open: dict[str, Snapshot] = {}
        # Those that others keep while this store has let them go: opened once more, LMDB would refuse.
        self._held: WeakValueDictionary[str, Snapshot] = WeakValueDictionary()
        self._opening = threading.Lock()
        self._ticks = count()

    def publish(self, as_of: int, chunks: Iterable[Profiles], history: OfferHistory, fingerprint: str) -> str:
        """Write a snapshot of one as-of day, make it visible as a whole, prune old ones, return its name.

        It becomes the current one unless that is of a later day. Chunks are written as they come; rows ascend by
        subscriber_id (in the order of its bytes) within and over chunks. The name is the as-of date and a running
        number, never given twice: `2021-07-01.1`. Raises ValueError when a row is of another day or out of order, or
        there is none, and WorkspaceBusy while another process publishes.
        """
        with only_writer(self.folder):
            for stray in self.folder.glob("staging-*"):
                shutil.rmtree(stray)
            name = self._next_name(date_of(as_of).isoformat())
            staging = self.folder / f"staging-{uuid.uuid4().hex}"
            try:
                write_snapshot(staging, as_of, chunks, history, fingerprint)
            except BaseException:
                shutil.rmtree(staging, ignore_errors=True)
                raise
            staging.rename(self.folder / name)
            current = self.current()
            if current is None or _day_of(name) >= _day_of(current):
                replace_durably(self.folder / CURRENT, name.encode())
            self._prune(name)
        return name

    def current(self) -> str | None:
        """Name of the newest snapshot of the latest day that was published, None when there is none yet."""
        try:
            return (self.folder / CURRENT).read_text()
        except FileNotFoundError:
            return None

    def fingerprint(self, snapshot: str) -> str:
        """Fingerprint of the feature schema the snapshot was made with; raises UnknownSnapshot and BrokenSnapshot."""
        return self._snapshot(snapshot).fingerprint

    def history(self, snapshot: str) -> OfferHistory:
        """What was known of the offers on the day of the snapshot; raises UnknownSnapshot and BrokenSnapshot."""
        return self._snapshot(snapshot).history

    def find(self, snapshot: str, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber as a frame of one row; raises UnknownSnapshot and BrokenSnapshot."""
        return self._snapshot(snapshot).find(subscriber_id)

    def reader(self, snapshot: str) -> Snapshot:
        """The snapshot itself, open as long as the caller keeps it; raises UnknownSnapshot and BrokenSnapshot."""
        return self._snapshot(snapshot)

    def find_many(self, snapshot: str, subscriber_ids: Sequence[str]) -> tuple[Profiles, NDArray[np.bool_]]:
        """Profiles of the known ids of n, in the order asked for (ids may repeat), and which are known (n).

        Raises UnknownSnapshot and BrokenSnapshot.
        """
        return self._snapshot(snapshot).find_many(subscriber_ids)

    def day(self, snapshot: str) -> int:
        """The as-of day of a snapshot."""
        return day_of_text(_day_of(snapshot))

    def holding(self, subscriber_id: str) -> list[str]:
        """Snapshots that know a subscriber, oldest first."""
        names = self._names() if self.folder.exists() else []
        return [name for name in names if self.find(name, subscriber_id) is not None]

    def retire(self, snapshots: Sequence[str]) -> None:
        """Remove snapshots, but never the current one; decisions that name them cannot be rebuilt any more."""
        with only_writer(self.folder):
            for name in snapshots:
                self._open.pop(name, None)
            self._remove([name for name in snapshots if name != self.current()])

    def close(self) -> None:
        """Let go of the snapshots; what was found in them stays valid."""
        with self._opening:
            while self._open:
                self._open.popitem()[1].close()
            for held in self._held.values():
                held.close()
            self._held.clear()

    def _snapshot(self, name: str) -> Snapshot:
        found = self._open.get(name)
        if found is None:
            with self._opening:
                found = self._open.get(name) or self._opened(name)
        found.used = next(self._ticks)
        return found

    def _opened(self, name: str) -> Snapshot:
        folder = self.folder / name
        try:
            found = self._held.get(name) or Snapshot(folder)
        except (BrokenSnapshot, lmdb.Error) as error:
            if folder.is_dir():
                raise
            # It was never there, or another process has pruned it just now.
            raise UnknownSnapshot(name, pruned=name in self._pruned()) from error
        while len(self._open) >= MOST_OPEN:
            # It is closed when the last thread that reads it is done, and frees the disk if it was pruned meanwhile.
            del self._open[min(self._open, key=lambda other: self._open[other].used)]
        self._open[name] = self._held[name] = found
        return found

    def _next_name(self, day: str) -> str:
        names = map(NAME.fullmatch, [*self._names(), *self._pruned()])
        taken = [int(name["number"]) for name in names if name is not None and name["day"] == day]
        return f"{day}.{1 + max(taken, default=0)}"

    def _names(self) -> list[str]:
        """The snapshots there are, by as-of day and number."""
        found = [match for path in self.folder.iterdir() if (match := NAME.fullmatch(path.name))]
        return [match.string for match in sorted(found, key=lambda match: (match["day"], int(match["number"])))]

    def _pruned(self) -> list[str]:
        try:
            return (self.folder / PRUNED).read_text().split()
        except FileNotFoundError:
            return []

    def _prune(self, published: str) -> None:
        names = self._names()
        kept = {published, self.current(), *self._held, *names[-self.keep :]}
        self._remove([name for name in names if name not in kept])

    def _remove(self, gone: Sequence[str]) -> None:
        if not gone:
            return
        # Their names are never given again: a decision that names one must not be rebuilt from another.
        replace_durably(self.folder / PRUNED, "".join(f"{name}\n" for name in [*self._pruned(), *gone]).encode())
        for name in gone:
            # A snapshot goes as it came, by rename, so that nobody opens half of one.
            doomed = (self.folder / name).rename(self.folder / f"staging-{uuid.uuid4().hex}")
            shutil.rmtree(doomed)


def _day_of(name: str) -> str:
    return name.rpartition(".")[0]


def day_of_snapshot(name: str) -> int:
    """As-of day of a snapshot, by its name.

    >>> day_of_snapshot("1970-01-03.1")
    2
    """
    return day_of(date.fromisoformat(_day_of(name)))
