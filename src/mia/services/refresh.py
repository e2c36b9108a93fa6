"""Refresh: fold the days that changed into roll-ups, then build and publish the profiles of a day."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.frames import Ints, Profiles
from mia.ports import Lake, LakeChange, LakeFile, Ledger, ProfileStore
from mia.profiles.assemble import assemble_profiles
from mia.profiles.features import build_features, feature_fingerprint, spine_of_day
from mia.profiles.keys import USAGE_HORIZON, build_response_keys, build_usage_keys
from mia.profiles.measures import complete, roll_up, roll_up_fingerprint, roll_up_keys
from mia.ranking.history import build_history
from mia.ranking.offer_table import OfferTable
from mia.tables import AS_OF, LOCAL_DAY, SUBSCRIBER_ID

Progress = Callable[[str, int, int], None]
DAILY, DAILY_KEYS, SUBSCRIBERS, USAGE = "daily", "daily_keys", "subscribers", "usage"
CHUNK_DAYS = 31
SPINE = pa.schema([(SUBSCRIBER_ID, pa.string()), (AS_OF, pa.int64())])
NO_KEYS = pa.schema(
    [
        (SUBSCRIBER_ID, pa.string()),
        (LOCAL_DAY, pa.int64()),
        ("key", pa.string()),
        ("records", pa.float64()),
        ("charge", pa.float64()),
    ]
).empty_table()


class Engine(Protocol):
    """Opens sessions that read, run and write Ibis expressions."""

    def open(self) -> Any:  # noqa: ANN401 - the session of mia.storage.engine
        """A fresh session, to be used as a context."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did: the snapshot it published, its size, and how many days it had to fold."""

    snapshot: str
    subscribers: int
    days_folded: int


@dataclass(frozen=True, slots=True)
class ProfileBuilder:
    """Builds profiles from the lake and the ledger, for whole days and for training spines alike."""

    lake: Lake
    ledger: Ledger
    engine: Engine

    def fold(self, progress: Progress | None = None) -> int:
        """Roll up the days whose usage files, or whose measures, changed since they were folded; returns how many."""
        sources: dict[int, list[LakeFile]] = defaultdict(list)
        for file in self.lake.files(USAGE):
            sources[int(file.day or 0)].append(file)
        recipe = roll_up_fingerprint()
        wanted = {day: _digest(recipe, files) for day, files in sources.items()}
        folded = {int(file.day or 0): file.load for file in self.lake.files(DAILY)}
        stale = sorted(day for day, digest in wanted.items() if folded.get(day) != digest)
        gone = [day for day in folded if day not in wanted]
        if not stale and not gone:
            return 0
        with self.lake.change() as change:
            for table in (DAILY, DAILY_KEYS):
                change.drop(table, [*stale, *gone])
            for start in range(0, len(stale), CHUNK_DAYS):
                days = stale[start : start + CHUNK_DAYS]
                self._fold_days(change, days, wanted)
                if progress:
                    progress("folding days", start + len(days), len(stale))
            change.commit()
        return len(stale)

    def _fold_days(self, change: LakeChange, days: list[int], digests: Mapping[int, str]) -> None:
        with self.engine.open() as session:
            usage = complete(session.read(self.lake.paths(USAGE, days)))
            for table, expression, order in (
                (DAILY, roll_up(usage), [SUBSCRIBER_ID]),
                (DAILY_KEYS, roll_up_keys(usage), [SUBSCRIBER_ID, "key"]),
            ):
                folder = change.folder() / f"{table}-{days[0]}"
                written = session.write_by_day(expression, folder, column=LOCAL_DAY, order_by=order)
                for day, path, rows in written:
                    change.add(table, path, rows=rows, load=digests[day], day=day)

    def profiles(
        self, offers: tuple[Offer, ...], *, as_of: int | None = None, spine: pa.Table | None = None
    ) -> Profiles:
        """Profiles of every subscriber as of a day, or of the distinct (subscriber_id, as_of) rows of `spine`.

        Rows come sorted by (as_of, subscriber_id). Raises NotEnoughData without subscribers or usage, and ValueError
        when the spine names a profile twice.
        """
        for table, what in ((SUBSCRIBERS, "subscribers"), (DAILY, "usage records")):
            if not self.lake.files(table):
                raise NotEnoughData(f"the lake holds no {what}; `mia ingest` loads them")
        with self.engine.open() as session:
            people = session.read(self.lake.paths(SUBSCRIBERS))
            near = _days_before([int(as_of or 0)] if spine is None else spine[AS_OF].to_numpy())
            daily = session.read(self.lake.paths(DAILY, near) or self.lake.paths(DAILY))
            if spine is None:
                spine = session.fetch(spine_of_day(people, daily, int(as_of or 0)))
            rows = session.table(spine.select([SUBSCRIBER_ID, AS_OF]).cast(SPINE))
            daily_keys = self.lake.paths(DAILY_KEYS, near) or self.lake.paths(DAILY_KEYS)
            # Records need not name a category or an item, so there may be no key at all.
            used = session.read(daily_keys) if daily_keys else session.table(NO_KEYS)
            categories = pa.table(
                {
                    "offer_id": pa.array([offer.id for offer in offers], pa.string()),
                    "category": pa.array([offer.category for offer in offers], pa.string()),
                }
            )
            events = self.ledger.events().select([SUBSCRIBER_ID, LOCAL_DAY, "offer_id", "kind"])
            return assemble_profiles(
                session.fetch(build_features(daily, people, rows)),
                session.fetch(build_usage_keys(used, rows)),
                session.fetch(build_response_keys(session.table(events), session.table(categories), rows)),
                session.fetch(people),
            )


def refresh(
    builder: ProfileBuilder,
    store: ProfileStore,
    offers: tuple[Offer, ...],
    *,
    as_of: int,
    out: Path | None = None,
    write: Callable[[pa.Table, Path], None],
    progress: Progress | None = None,
) -> Refreshed:
    """Bring roll-ups up to date, publish the snapshot of a day, and write it to `out` when asked to."""
    folded = builder.fold(progress)
    profiles = builder.profiles(offers, as_of=as_of)
    if not len(profiles):
        raise NotEnoughData("no subscriber had been activated by that day", column="as_of")
    if out is not None:
        write(profile_table(profiles), out)
    history = build_history(builder.ledger.events(), OfferTable.build(offers), np.asarray([as_of], np.int64))
    return Refreshed(store.publish(as_of, [profiles], history, feature_fingerprint()), len(profiles), folded)


def profile_table(profiles: Profiles) -> pa.Table:
    """Profiles as a table: subscriber_id, as_of (date), then the features."""
    columns: dict[str, Any] = {
        SUBSCRIBER_ID: pa.array(profiles.subscriber_ids, pa.string()),
        AS_OF: pa.array(profiles.as_of.astype("int32"), pa.int32()).cast(pa.date32()),
    }
    for place, name in enumerate(profiles.names):
        columns[name] = pa.array(profiles.numeric[:, place].astype(np.float64), from_pandas=True)
    return pa.table(columns)


def _days_before(days: Sequence[int] | Ints) -> range:
    """The days whose roll-ups can matter to profiles as of some days."""
    return range(int(np.min(days)) - USAGE_HORIZON, int(np.max(days))) if len(days) else range(0)


def _digest(recipe: str, files: list[LakeFile]) -> str:
    return hashlib.sha256("\n".join([recipe, *sorted(file.path for file in files)]).encode()).hexdigest()[:16]
