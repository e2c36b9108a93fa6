"""Reading a snapshot: one profile at a time in microseconds, or many at once."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import orjson
from numpy.typing import NDArray

from mia.errors import BrokenSnapshot
from mia.frames import Floats, Ints, Objects, Profiles, Singles, SparseBlock
from mia.storage.profile_store.keys import BEHIND, key_of, keys_of
from mia.storage.profile_store.manifest import Manifest
from mia.storage.profile_store.packing import unpack, unpack_at, unpack_one
from mia.storage.profile_store.vocabulary import FULL, objects, value_of

PIECE = 512
"""Rows that are unpacked at a time: few enough for their numbers to stay in the cache of a core."""


class Snapshot:
    """An opened snapshot. Raises BrokenSnapshot for one that is not whole."""

    def __init__(self, folder: Path) -> None:
        manifest = Manifest.read(folder)
        try:
            self._env = lmdb.open(str(folder), readonly=True, lock=False)
        except (lmdb.InvalidError, lmdb.VersionMismatchError, lmdb.CorruptedError) as error:
            raise BrokenSnapshot(folder.name, str(error)) from error
        if self._env.stat()["entries"] != manifest.rows:
            self._env.close()
            raise BrokenSnapshot(folder.name, "rows are missing")
        self.fingerprint, self.history = manifest.fingerprint, manifest.history
        self._manifest = manifest
        self._layout = manifest.layout
        self._as_of = np.asarray([manifest.as_of], np.int64)
        vocabularies = list(manifest.attributes.values())
        # The values of all attributes one after the other, to be looked up at once.
        self._values = objects([value_of(plain) for values in vocabularies for plain in values])
        self._begin = np.cumsum([0, *map(len, vocabularies)])[: len(vocabularies)]
        # Of each attribute its place in a row, and where its values begin.
        places = enumerate(zip(manifest.attributes, self._begin.tolist(), strict=True), len(manifest.names))
        self._columns = {name: (place, begin) for place, (name, begin) in places}
        self._usage_keys, self._response_keys = objects(manifest.usage_keys), objects(manifest.response_keys)
        self._no_usage = SparseBlock.empty(1, manifest.usage)
        self._no_responses = SparseBlock.empty(1, manifest.responses)
        self.used = 0

    @property
    def as_of(self) -> int:
        """Its day."""
        return self._manifest.as_of

    @property
    def rows(self) -> int:
        """Number of profiles."""
        return self._manifest.rows

    @property
    def blank(self) -> Profiles:
        """A row of nothing: every feature unknown, no attribute, no keys."""
        names = self._manifest.names
        nothing = np.full((1, len(names)), np.nan, np.float32)
        return Profiles(objects([""]), self._as_of, names, nothing, {}, self._no_usage, self._no_responses)

    def known(self, subscriber_ids: Sequence[str]) -> NDArray[np.bool_]:
        """Which of n ids have a profile (n)."""
        with self._env.begin(buffers=True) as reader:
            return np.fromiter((reader.get(key) is not None for key in keys_of(subscriber_ids)), bool)

    def first(self, most: int) -> list[str]:
        """Ids of the first few subscribers whose ids are keys as they are."""
        with self._env.begin() as reader, reader.cursor() as cursor:
            cursor.set_range(BEHIND)
            keys = cursor.iternext(keys=True, values=False)
            return [key.decode(errors="surrogatepass") for key in islice(keys, most)]

    def close(self) -> None:
        """Let go of the memory map."""
        self._env.close()

    def find(self, subscriber_id: str) -> Profiles | None:
        """The profile of one subscriber; its vocabularies hold just its own keys."""
        with self._env.begin() as reader:
            value = reader.get(key_of(subscriber_id))
        if value is None:
            return None
        usage, responses, numbers, tail = unpack_one(self._layout, value)
        manifest = self._manifest
        width, fixed = len(manifest.names), self._layout.fixed
        codes = numbers[width:fixed].astype(np.int64)
        values = self._values.take(codes + self._begin)
        if tail < len(value):
            values[codes == FULL] = [value_of(plain) for plain in orjson.loads(value[tail:])]
        answered = fixed + usage * self._layout.usage
        end = answered + responses * self._layout.responses
        return Profiles(
            objects([subscriber_id]),
            self._as_of,
            manifest.names,
            numbers[:width].astype(np.float32, copy=False).reshape(1, width),
            dict(zip(manifest.attributes, values.reshape(-1, 1), strict=True)),
            _own(numbers[fixed:answered], self._no_usage, self._usage_keys),
            _own(numbers[answered:end], self._no_responses, self._response_keys),
        )

    def attributes(self, subscriber_id: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Some attributes of one subscriber alone, those that there are; None when it has no profile."""
        with self._env.begin() as reader:
            value = reader.get(key_of(subscriber_id))
        if value is None:
            return None
        columns = [(name, self._columns[name]) for name in names if name in self._columns]
        codes = unpack_at(self._layout, value, [place for _, (place, _) in columns])
        if FULL in codes:
            found = self.find(subscriber_id)
            return None if found is None else {name: found.attributes[name][0] for name, _ in columns}
        return {name: self._values[begin + int(code)] for (name, (_, begin)), code in zip(columns, codes, strict=True)}

    def find_many(self, subscriber_ids: Sequence[str]) -> tuple[Profiles, NDArray[np.bool_]]:
        """Profiles of those that are known, in the order asked for; and which of the ids are."""
        with self._env.begin() as reader:
            found: list[bytes | None] = list(map(reader.get, keys_of(subscriber_ids)))
        known = np.fromiter((value is not None for value in found), bool, len(found))
        return self._profiles(objects(subscriber_ids)[known], [value for value in found if value is not None]), known

    def _profiles(self, ids: Objects, packed: list[bytes]) -> Profiles:
        manifest, fixed = self._manifest, self._layout.fixed
        width = len(manifest.names)
        numeric = np.empty((len(ids), width), np.float32)
        values = np.empty((len(ids), fixed - width), object)
        used, answered = _Keys(self._layout.usage), _Keys(self._layout.responses)
        for start in range(0, len(ids), PIECE):
            piece = packed[start : start + PIECE]
            together = b"".join(piece)
            rows, tails, ends = unpack(self._layout, together, np.fromiter(map(len, piece), np.int64, len(piece)))
            numbers = rows.numbers.take(rows.starts[:, None] + np.arange(fixed))
            numeric[start : start + PIECE] = numbers[:, :width]
            codes = numbers[:, width:].astype(np.int64)
            values[start : start + PIECE] = self._values.take(codes + self._begin)
            own = np.flatnonzero(tails < ends).tolist()
            values[start : start + PIECE][codes == FULL] = [
                value_of(plain) for row in own for plain in orjson.loads(together[tails[row] : ends[row]])
            ]
            begin = rows.starts + fixed
            used.add(rows.numbers, begin, rows.usage)
            answered.add(rows.numbers, begin + rows.usage * self._layout.usage, rows.responses)
        return Profiles(
            ids,
            np.full(len(ids), manifest.as_of, np.int64),
            manifest.names,
            numeric,
            dict(zip(manifest.attributes, values.T.copy(), strict=True)),
            used.block(self._usage_keys, manifest.usage),
            answered.block(self._response_keys, manifest.responses),
        )


class _Keys:
    """Sparse entries of rows as they are read, each with its number first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._counts: list[Ints] = []
        self._entries: list[Floats | Singles] = []

    def add(self, numbers: Floats | Singles, begin: Ints, counts: Ints) -> None:
        """Further rows, whose entries begin at `begin`."""
        self._counts.append(counts)
        before = np.cumsum(counts) - counts
        entries = np.repeat(begin - self._size * before, counts) + self._size * np.arange(counts.sum())
        self._entries.append(numbers.take(entries[:, None] + np.arange(self._size)))

    def block(self, vocabulary: Objects, measures: tuple[str, ...]) -> SparseBlock:
        """All rows together."""
        counts = np.concatenate([np.zeros(1, np.int64), *self._counts])
        entries = np.concatenate([np.empty((0, self._size)), *self._entries])
        return SparseBlock(np.cumsum(counts), entries[:, 0].astype(np.int64), vocabulary, entries[:, 1:], measures)


def _own(numbers: Floats | Singles, empty: SparseBlock, vocabulary: Objects) -> SparseBlock:
    """The entries of one row, under its own keys alone; `empty` is the block of a row without any."""
    if not len(numbers):
        return empty
    entries = numbers.reshape(-1, 1 + len(empty.measures))
    count = len(entries)
    keys = vocabulary.take(entries[:, 0].astype(np.int64))
    return SparseBlock(
        np.asarray([0, count]), np.arange(count), keys, entries[:, 1:].astype(np.float64), empty.measures
    )
