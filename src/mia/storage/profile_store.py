"""Profile snapshots in LMDB: memory-mapped, immutable, one folder each, published by rename.

A value is the row of one subscriber: a small JSON head (attributes and keys) behind its length, then the features,
the usage measures and the response measures as float64.
"""

import shutil
import struct
import threading
import uuid
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import lmdb
import numpy as np
import orjson

from mia.errors import UnknownSnapshot
from mia.frames import OfferHistory, Profiles, SparseBlock
from mia.storage.files import only_writer, replace_durably, sync
from mia.timeline import date_of

META = b"\x00meta"
CURRENT = "current"
HEAD = struct.Struct("<I")
PAGE = 4096
LONGEST_KEY = 511


class LmdbProfileStore:
    """Snapshots below one folder. Readers share the pages of a snapshot; a snapshot never changes.

    LMDB lets a process open a snapshot only once, so a process keeps one store a folder, or closes one for the next.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, _Snapshot] = {}
        self._opening = threading.Lock()

    def publish(self, profiles: Profiles, history: OfferHistory, fingerprint: str) -> str:
        """Write a snapshot of one as-of day, make it visible as a whole, return its name.

        The name is the as-of date and a running number: `2021-07-01.1`. Raises ValueError when the rows are not all of
        one day, and WorkspaceBusy while another process publishes.
        """
        days = np.unique(profiles.as_of)
        if len(days) != 1:
            raise ValueError("a snapshot holds the profiles of exactly one day")
        with only_writer(self.folder):
            for stray in self.folder.glob("staging-*"):
                shutil.rmtree(stray)
            name = self._next_name(date_of(int(days[0])).isoformat())
            staging = self.folder / f"staging-{uuid.uuid4().hex}"
            _write(staging, sorted(_encode(profiles)), _meta(profiles, history, fingerprint))
            staging.rename(self.folder / name)
            replace_durably(self.folder / CURRENT, name.encode())
        return name

    def current(self) -> str | None:
        """Name of the newest snapshot, None when there is none yet."""
        try:
            return (self.folder / CURRENT).read_text()
        except FileNotFoundError:
            return None

    def fingerprint(self, snapshot: str) -> str:
        """Fingerprint of the feature schema the snapshot was made with; raises UnknownSnapshot."""
        return self._snapshot(snapshot).fingerprint

    def history(self, snapshot: str) -> OfferHistory:
        """What was known of the offers on the day of the snapshot; raises UnknownSnapshot."""
        return self._snapshot(snapshot).history

    def find(self, snapshot: str, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber as a frame of one row; raises UnknownSnapshot."""
        return self._snapshot(snapshot).find(subscriber_id)

    def close(self) -> None:
        """Let go of the snapshots; what was found in them stays valid."""
        with self._opening:
            while self._open:
                self._open.popitem()[1].close()

    def _snapshot(self, name: str) -> "_Snapshot":
        found = self._open.get(name)
        if found is None:
            with self._opening:
                found = self._open.get(name)
                if found is None:
                    if not (self.folder / name / "data.mdb").exists():
                        raise UnknownSnapshot(name)
                    found = self._open[name] = _Snapshot(self.folder / name)
        return found

    def _next_name(self, day: str) -> str:
        taken = [int(path.name.rpartition(".")[2]) for path in self.folder.glob(f"{day}.*")]
        return f"{day}.{1 + max(taken, default=0)}"


class _Snapshot:
    def __init__(self, folder: Path) -> None:
        self._env = lmdb.open(str(folder), readonly=True, lock=False, max_readers=512)
        with self._env.begin() as reader:
            meta = orjson.loads(reader.get(META) or b"")
        self.fingerprint: str = meta["fingerprint"]
        self._names = tuple(meta["names"])
        self._usage, self._responses = tuple(meta["usage"]), tuple(meta["responses"])
        self._as_of = np.asarray([meta["as_of"]], np.int64)
        known = meta["history"]
        shape = (len(known["days"]), len(known["regions"]), len(known["offer_ids"]))
        self.history = OfferHistory(
            np.asarray(known["days"], np.int64),
            tuple(known["regions"]),
            tuple(known["offer_ids"]),
            np.asarray(known["impressions"], float).reshape(shape),
            np.asarray(known["connections"], float).reshape(shape),
        )

    def close(self) -> None:
        self._env.close()

    def find(self, subscriber_id: str) -> Profiles | None:
        with self._env.begin(buffers=False) as reader:
            value = reader.get(_key(subscriber_id))
        if value is None:
            return None
        (length,) = HEAD.unpack_from(value)
        head = orjson.loads(value[HEAD.size : HEAD.size + length])
        floats = np.frombuffer(value[HEAD.size + length :], "<f8")
        width, used = len(self._names), len(head["u"]) * len(self._usage)
        return Profiles(
            _objects([subscriber_id]),
            self._as_of,
            self._names,
            floats[:width].reshape(1, -1),
            {name: _objects([given]) for name, given in head["a"].items()},
            _block(head["u"], floats[width : width + used], self._usage),
            _block(head["r"], floats[width + used :], self._responses),
        )


def _objects(values: list[object]) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def _block(keys: list[str], values: np.ndarray, measures: tuple[str, ...]) -> SparseBlock:
    return SparseBlock(
        np.asarray([0, len(keys)], np.int64),
        np.arange(len(keys)),
        np.asarray(keys, object),
        values.reshape(len(keys), len(measures)),
        measures,
    )


def _key(subscriber_id: str) -> bytes:
    """The key of a subscriber; ids that LMDB cannot take, or that look like a key of ours, go by their digest."""
    plain = subscriber_id.encode(errors="surrogatepass")
    unfit = not plain or len(plain) > LONGEST_KEY or plain.startswith(b"\x00")
    return b"\x00" + sha256(plain).digest() if unfit else plain


def _write(folder: Path, rows: list[tuple[bytes, bytes]], meta: bytes) -> None:
    size = len(meta) + sum(len(key) + len(value) + PAGE for key, value in rows)
    with (
        lmdb.open(str(folder), map_size=2 * size + 64 * PAGE, lock=False) as store,
        store.begin(write=True) as out,
    ):
        for key, value in rows:
            out.put(key, value, append=True)
        out.put(META, meta)
    sync(folder)


def _meta(profiles: Profiles, history: OfferHistory, fingerprint: str) -> bytes:
    return orjson.dumps(
        {
            "fingerprint": fingerprint,
            "as_of": int(profiles.as_of[0]),
            "names": profiles.names,
            "usage": profiles.usage.measures,
            "responses": profiles.responses.measures,
            "history": {
                "days": history.days,
                "regions": history.regions,
                "offer_ids": history.offer_ids,
                "impressions": history.impressions,
                "connections": history.connections,
            },
        },
        option=orjson.OPT_SERIALIZE_NUMPY,
    )


def _encode(profiles: Profiles) -> Iterator[tuple[bytes, bytes]]:
    usage, responses = profiles.usage, profiles.responses
    for row, subscriber_id in enumerate(profiles.subscriber_ids):
        used = slice(usage.indptr[row], usage.indptr[row + 1])
        answered = slice(responses.indptr[row], responses.indptr[row + 1])
        head = orjson.dumps(
            {
                "a": {name: values[row] for name, values in profiles.attributes.items()},
                "u": usage.vocabulary[usage.codes[used]].tolist(),
                "r": responses.vocabulary[responses.codes[answered]].tolist(),
            }
        )
        body = b"".join(
            np.ascontiguousarray(part, "<f8").tobytes()
            for part in (profiles.numeric[row], usage.values[used], responses.values[answered])
        )
        yield _key(subscriber_id), HEAD.pack(len(head)) + head + body
