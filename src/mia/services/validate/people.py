"""Some subscribers of the lake with their profiles: whom the offers of a catalogue are held against."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from mia.frames import Profiles
from mia.ports import Lake, ProfileStore
from mia.tables import SUBSCRIBER_ID, SUBSCRIBERS

CHUNK = 10_000


class Engine(Protocol):
    """Opens sessions that read and run Ibis expressions."""

    def open(self) -> Any:  # noqa: ANN401 - the session of mia.storage.engine
        """A fresh session, to be used as a context."""


@dataclass(frozen=True, slots=True)
class People:
    """Subscribers of a lake, and the snapshot that holds their profiles."""

    lake: Lake
    engine: Engine
    profiles: ProfileStore
    snapshot: str

    def sample(self, most: int) -> tuple[int, list[str]]:
        """How many subscribers there are, and the ids of at most so many of them, always the same, in order."""
        with self.engine.open() as session:
            ids = session.read(self.lake.paths(SUBSCRIBERS.name)).select(SUBSCRIBER_ID)
            total = int(session.fetch(ids.aggregate(rows=ids.count()))["rows"][0].as_py())
            step = max(1, total // most)
            some: pa.Table = session.fetch(ids.filter(ids[SUBSCRIBER_ID].hash() % step == 0))
        # Ids fall evenly into steps, not exactly: what is too much of the last one is left out.
        return total, sorted(some[SUBSCRIBER_ID].to_pylist())[:most]

    def chunks(self, subscriber_ids: list[str]) -> Iterator[Profiles]:
        """Profiles of those that the snapshot knows."""
        for start in range(0, len(subscriber_ids), CHUNK):
            found, _ = self.profiles.find_many(self.snapshot, subscriber_ids[start : start + CHUNK])
            yield found
