"""The training set: every matured impression with its answer, in order of time.

The label is 1 when the subscriber connected that offer within the attribution window after the impression and this is
the latest impression before the connection; an impression whose window had not ended by `until` is too young and left
out, since a connection could still come.
"""

import hashlib
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.errors import NotEnoughData
from mia.frames import Floats, Ints, Objects
from mia.tables import (
    CHANNEL,
    DECISION_ID,
    KIND,
    LOCAL_DAY,
    OCCURRED_AT,
    OFFER_ID,
    POSITION,
    PROPENSITY,
    REGION,
    SUBSCRIBER_ID,
)
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of


@dataclass(frozen=True, slots=True)
class Impressions:
    """R impressions in order of time; `slate` numbers the request each belongs to, `labels` are 0 or 1.

    `decision_ids` are None where no decision is known.
    """

    subscriber_ids: Objects
    offer_ids: Objects
    occurred_at: Ints
    local_day: Ints
    channel: Objects
    region: Objects
    position: Floats
    propensity: Floats
    slate: Ints
    labels: Floats
    decision_ids: Objects

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def window(self) -> tuple[str, str]:
        """First and last local day, as ISO dates."""
        return date_of(int(self.local_day.min())).isoformat(), date_of(int(self.local_day.max())).isoformat()

    @property
    def fingerprint(self) -> str:
        """A digest of who was shown what when, and of the answers: the same for the same data."""
        digest = hashlib.blake2b(digest_size=8)
        for part in (self.subscriber_ids, self.offer_ids):
            digest.update("\x1f".join(map(str, part)).encode(errors="surrogatepass"))
        for numbers in (self.occurred_at, self.labels):
            digest.update(np.ascontiguousarray(numbers).tobytes())
        return digest.hexdigest()

    def take(self, rows: Ints) -> "Impressions":
        """The given impressions, in their order."""
        return Impressions(*(getattr(self, field.name)[rows] for field in fields(self)))


def build_impressions(events: pa.Table, *, attribution_days: int, until: int) -> Impressions:
    """Matured impressions before `until` (microseconds) with their labels, from the ledger's events.

    Raises NotEnoughData when there is none.
    """
    window = attribution_days * DAY_SECONDS * MICROSECONDS
    known = events.filter(pc.less(events[OCCURRED_AT], until)).sort_by(
        [(OCCURRED_AT, "ascending"), (SUBSCRIBER_ID, "ascending"), (POSITION, "ascending"), ("event_id", "ascending")]
    )
    shown = known.filter(pc.equal(known[KIND], "impression"))
    taken = known.filter(pc.equal(known[KIND], "connection"))
    if not len(shown):
        raise NotEnoughData("no impressions before that date", column=OCCURRED_AT)
    keys = pa.chunked_array([*_pair_keys(shown).chunks, *_pair_keys(taken).chunks]).combine_chunks().dictionary_encode()
    codes = keys.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    shown_at, taken_at = (table[OCCURRED_AT].to_numpy() for table in (shown, taken))
    labels = _attribute(codes[: len(shown)], shown_at, codes[len(shown) :], taken_at, window)
    matured = np.flatnonzero(shown_at + window < until)
    if not len(matured):
        raise NotEnoughData(f"no impression is older than the attribution window of {attribution_days} days")
    kept = shown.take(pa.array(matured))
    return Impressions(
        _objects(kept[SUBSCRIBER_ID]),
        _objects(kept[OFFER_ID]),
        kept[OCCURRED_AT].to_numpy(),
        kept[LOCAL_DAY].to_numpy().astype(np.int64),
        _objects(kept[CHANNEL]),
        _objects(kept[REGION]),
        pc.fill_null(kept[POSITION], 1).to_numpy().astype(float),
        kept[PROPENSITY].to_numpy(zero_copy_only=False).astype(float),
        _slates(kept),
        labels[matured],
        _objects(kept[DECISION_ID]),
    )


def _attribute(shown_key: Ints, shown_at: Ints, taken_key: Ints, taken_at: Ints, window: int) -> Floats:
    """Give each connection to the latest impression of the same pair at or before it, if inside the window."""
    labels = np.zeros(len(shown_key))
    order = np.lexsort((shown_at, shown_key))
    by_key, by_time = shown_key[order], shown_at[order]
    if not len(order) or not len(taken_key):
        return labels
    start = np.searchsorted(by_key, taken_key, side="left")
    end = np.searchsorted(by_key, taken_key, side="right")
    # Times are compared inside each pair by one search over (pair, rank of time).
    moments = np.unique(by_time)
    rank = np.searchsorted(moments, by_time)
    limit = np.searchsorted(moments, taken_at, side="right")
    width = len(moments) + 1
    place = np.searchsorted(by_key * width + rank, taken_key * width + limit, side="left") - 1
    inside = (place >= start) & (place < end)
    hit = place[inside]
    fresh = taken_at[inside] - by_time[hit] <= window
    labels[order[hit[fresh]]] = 1.0
    return labels


def _pair_keys(table: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(
        table[SUBSCRIBER_ID].cast(pa.string()), table[OFFER_ID].cast(pa.string()), "\x1f"
    )


def _slates(table: pa.Table) -> Ints:
    keys = pc.binary_join_element_wise(
        table[SUBSCRIBER_ID].cast(pa.string()), table[OCCURRED_AT].cast(pa.string()), "\x1f"
    )
    codes = keys.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.to_numpy(zero_copy_only=False), np.int64)


def _objects(values: pa.ChunkedArray) -> Objects:
    out = np.empty(len(values), object)
    out[:] = values.to_pylist()
    return out
