"""Reading a snapshot: one profile at a time in microseconds, or many at once."""

from collections.abc import Sequence
from pathlib import Path

import lmdb
import numpy as np
import orjson
from numpy.typing import NDArray

from mia.errors import BrokenSnapshot
from mia.frames import Floats, Ints, Objects, Profiles, SparseBlock
from mia.storage.profile_store.keys import key_of, keys_of
from mia.storage.profile_store.manifest import Manifest
from mia.storage.profile_store.packing import unpack, unpack_one
from mia.storage.profile_store.vocabulary import FULL, objects, value_of

PIECE = 2048


class Snapshot:
    """An opened snapshot. Raises BrokenSnapshot for one that is not whole."""

    def __init__(self, folder: Path) -> None:
        manifest = Manifest.read(folder)
        try:
            self._env = lmdb.open(str(folder), readonly=True, lock=False)
        except lmdb.Error as error:
            raise BrokenSnapshot(folder.name, str(error)) from error
        if self._env.stat()["entries"] != manifest.rows:
            self._env.close()
            raise BrokenSnapshot(folder.name, "rows are missing")
        self.fingerprint, self.history = manifest.fingerprint, manifest.history
        self._manifest = manifest
        self._layout = manifest.layout
        self._as_of = np.asarray([manifest.as_of], np.int64)
        self._attributes = {
            name: objects([value_of(plain) for plain in values]) for name, values in manifest.attributes.items()
        }
        self._usage_keys, self._response_keys = objects(manifest.usage_keys), objects(manifest.response_keys)
        self.used = 0

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
        codes = numbers[width:fixed].astype(np.int64).tolist()
        attributes = {
            name: vocabulary[code : code + 1]
            for (name, vocabulary), code in zip(self._attributes.items(), codes, strict=True)
        }
        if FULL in codes:
            given = iter(orjson.loads(value[tail:]))
            for name, code in zip(attributes, codes, strict=True):
                if code == FULL:
                    attributes[name] = objects([value_of(next(given))])
        answered = fixed + usage * self._layout.usage
        return Profiles(
            objects([subscriber_id]),
            self._as_of,
            manifest.names,
            numbers[:width].astype(np.float32).reshape(1, width),
            attributes,
            _own(numbers[fixed:], usage, self._usage_keys, manifest.usage),
            _own(numbers[answered:], responses, self._response_keys, manifest.responses),
        )

    def find_many(self, subscriber_ids: Sequence[str]) -> tuple[Profiles, NDArray[np.bool_]]:
        """Profiles of those that are known, in the order asked for; and which of the ids are."""
        ids = objects(subscriber_ids)
        with self._env.begin() as reader:
            found: list[bytes | None] = list(map(reader.get, keys_of(subscriber_ids)))
        known = np.ones(len(ids), bool)
        if None in found:
            known = np.fromiter((value is not None for value in found), bool, len(found))
        values = [value for value in found if value is not None]
        manifest, count = self._manifest, len(values)
        width = len(manifest.names)
        numeric = np.empty((count, width), np.float32)
        codes = np.empty((count, len(self._attributes)), np.int64)
        given: dict[tuple[int, int], object] = {}
        used, answered = _Keys(1 + len(manifest.usage)), _Keys(1 + len(manifest.responses))
        for start in range(0, count, PIECE):
            piece = values[start : start + PIECE]
            packed = b"".join(piece)
            rows, tails, ends = unpack(self._layout, packed, np.fromiter(map(len, piece), np.int64, len(piece)))
            stop = start + len(piece)
            fixed = rows.numbers[rows.starts[:, None] + np.arange(self._layout.fixed)]
            numeric[start:stop], codes[start:stop] = fixed[:, :width], fixed[:, width:]
            begin = rows.starts + self._layout.fixed
            used.add(rows.numbers, begin, rows.usage)
            answered.add(rows.numbers, begin + rows.usage * self._layout.usage, rows.responses)
            for row in np.flatnonzero(tails < ends).tolist():
                places = np.flatnonzero(codes[start + row] == FULL).tolist()
                for place, plain in zip(places, orjson.loads(packed[tails[row] : ends[row]]), strict=True):
                    given[start + row, place] = value_of(plain)
        attributes = {
            name: vocabulary.take(codes[:, place]) for place, (name, vocabulary) in enumerate(self._attributes.items())
        }
        columns = list(attributes.values())
        for (row, place), value in given.items():
            columns[place][row] = value
        profiles = Profiles(
            ids[known],
            np.full(count, manifest.as_of, np.int64),
            manifest.names,
            numeric,
            attributes,
            used.block(self._usage_keys, manifest.usage),
            answered.block(self._response_keys, manifest.responses),
        )
        return profiles, known


class _Keys:
    """Sparse entries of rows as they are read, each with its number first."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._counts: list[Ints] = []
        self._entries: list[Floats] = []

    def add(self, numbers: Floats, begin: Ints, counts: Ints) -> None:
        """Further rows, whose entries begin at `begin`."""
        self._counts.append(counts)
        before = np.cumsum(counts) - counts
        entries = np.repeat(begin - self._size * before, counts) + self._size * np.arange(counts.sum())
        self._entries.append(numbers[entries[:, None] + np.arange(self._size)])

    def block(self, vocabulary: Objects, measures: tuple[str, ...]) -> SparseBlock:
        """All rows together."""
        counts = np.concatenate([np.zeros(1, np.int64), *self._counts])
        entries = np.concatenate([np.empty((0, self._size)), *self._entries])
        return SparseBlock(np.cumsum(counts), entries[:, 0].astype(np.int64), vocabulary, entries[:, 1:], measures)


def _own(numbers: Floats, count: int, vocabulary: Objects, measures: tuple[str, ...]) -> SparseBlock:
    """The entries of one row, under its own keys alone."""
    size = 1 + len(measures)
    entries = numbers[: count * size].reshape(count, size)
    return SparseBlock(
        np.asarray([0, count], np.int64),
        np.arange(count),
        vocabulary.take(entries[:, 0].astype(np.int64)),
        entries[:, 1:],
        measures,
    )
