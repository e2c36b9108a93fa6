"""Writing a snapshot: chunks of profiles in the order of their ids, appended as they come."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import lt
from pathlib import Path

import lmdb
import numpy as np

from mia.frames import Ints, OfferHistory, Profiles
from mia.storage.files import sync
from mia.storage.profile_store.encoder import RowEncoder
from mia.storage.profile_store.keys import all_fit, is_unfit, plains_of, stand_in
from mia.storage.profile_store.packing import Bytes

PIECE = 8192
ROOM = 2**20


def write_snapshot(
    folder: Path, as_of: int, chunks: Iterable[Profiles], history: OfferHistory, fingerprint: str
) -> None:
    """Write a snapshot into a new folder; memory goes with the largest chunk.

    Raises ValueError when a profile is of another day, ids do not ascend strictly, chunks differ in their columns, or
    there is no profile at all.
    """
    encoder: RowEncoder | None = None
    with lmdb.open(str(folder), map_size=ROOM, lock=False, sync=False) as store:
        rows = _Rows(store)
        for chunk in chunks:
            if np.any(chunk.as_of != as_of):
                raise ValueError("a snapshot holds the profiles of exactly one day")
            encoder = encoder or RowEncoder(chunk)
            encoder.require_same_columns(chunk)
            for start in range(0, len(chunk), PIECE):
                piece = chunk.take(np.arange(start, min(start + PIECE, len(chunk))))
                rows.append(plains_of(piece.subscriber_ids.tolist()), *encoder.rows(piece))
        if encoder is None or not rows.count:
            raise ValueError("a snapshot holds at least one profile")
        rows.finish()
        store.sync(True)
    encoder.manifest(as_of, rows.count, history, fingerprint).write(folder)
    sync(folder)


class _Rows:
    """The rows of a snapshot that is being written."""

    def __init__(self, store: lmdb.Environment) -> None:
        self._store = store
        self._last: bytes | None = None
        self._aside: list[tuple[bytes, bytes]] = []
        self.count = 0

    def append(self, plain: list[bytes], packed: Bytes, ends: Ints) -> None:
        """Rows of further subscribers."""
        self._require_ascending(plain)
        values = map(memoryview(packed.tobytes()).__getitem__, map(slice, ends[:-1].tolist(), ends[1:].tolist()))
        items = list(zip(plain, values, strict=True))
        if not all_fit(plain):
            # Their digests come in no order: they wait until everything else has been appended.
            self._aside += [(stand_in(key), bytes(value)) for key, value in items if is_unfit(key)]
            items = [(key, value) for key, value in items if not is_unfit(key)]
        self._put(items, append=True)
        self.count += len(plain)

    def finish(self) -> None:
        """Put in what had to wait."""
        self._put(self._aside, append=False)

    def _put(self, items: Sequence[tuple[bytes, bytes | memoryview]], *, append: bool) -> None:
        page = self._store.stat()["psize"]
        used = page * (1 + self._store.info()["last_pgno"])
        # A page is at least half full, and a value of more than half a page has pages of its own.
        self._store.set_mapsize(used + 4 * sum(len(key) + len(value) + 16 for key, value in items) + 64 * page)
        with self._store.begin(write=True) as out, out.cursor() as cursor:
            cursor.putmulti(items, append=append)

    def _require_ascending(self, plain: list[bytes]) -> None:
        whole = plain if self._last is None else [self._last, *plain]
        if not all(map(lt, whole, whole[1:])):
            one, other = next((one, other) for one, other in pairwise(whole) if one >= other)
            raise ValueError(f"profiles come in the order of their ids, each once: {other!r} follows {one!r}")
        self._last = plain[-1]
