"""Publish: the profiles of a day become a snapshot that serving reads, and a file when asked for."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from mia.domain.offer import Offer
from mia.errors import NotEnoughData
from mia.frames import Profiles
from mia.ports import ProfileStore
from mia.profiles.features import feature_fingerprint
from mia.ranking.history import build_history
from mia.ranking.offer_table import OfferTable
from mia.services.refresh.builder import ProfileBuilder
from mia.services.refresh.tables import Progress
from mia.tables import AS_OF, SUBSCRIBER_ID


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh did: the snapshot it published, its size, and how many days it had to fold."""

    snapshot: str
    subscribers: int
    days_folded: int


OpenTable = Callable[[Path], AbstractContextManager[Callable[[pa.Table], None]]]


def refresh(
    builder: ProfileBuilder,
    store: ProfileStore,
    offers: tuple[Offer, ...],
    *,
    learnt: pa.Table,
    as_of: int,
    out: Path | None = None,
    open_table: OpenTable,
    progress: Progress | None = None,
) -> Refreshed:
    """Bring roll-ups up to date, publish the snapshot of a day, and write its features to `out` when asked to.

    The rates of the offers come from the events to be learnt from, `learnt`.
    """
    folded = builder.fold(progress)
    history = build_history(learnt, OfferTable.build(offers), np.asarray([as_of], np.int64))
    parts = builder.of_day(offers, as_of, progress)
    size = 0

    def published(write: Callable[[pa.Table], None] | None) -> Iterator[Profiles]:
        nonlocal size
        for part in parts:
            if write is not None:
                write(_dated(part.features))
            size += len(part.profiles)
            yield part.profiles
        if not size:
            raise NotEnoughData("no subscriber had been activated by that day", column="as_of")

    with nullcontext() if out is None else open_table(out) as write:
        snapshot = store.publish(as_of, published(write), history, feature_fingerprint())
    return Refreshed(snapshot, size, folded)


def _dated(features: pa.Table) -> pa.Table:
    """Features as people read them: as_of as a date, in the order of subscribers."""
    place = features.column_names.index(AS_OF)
    dates = features[AS_OF].cast(pa.int32()).cast(pa.date32())
    return features.set_column(place, AS_OF, dates).sort_by([(SUBSCRIBER_ID, "ascending")])
