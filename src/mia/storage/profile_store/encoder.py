"""From profiles to packed rows, a chunk at a time."""

from collections.abc import Iterator

import numpy as np
import orjson

from mia.frames import Ints, OfferHistory, Profiles, SparseBlock
from mia.storage.profile_store.manifest import Manifest
from mia.storage.profile_store.packing import Bytes, Layout, Ragged, pack
from mia.storage.profile_store.vocabulary import FULL, Vocabulary, plain_of

MOST_VALUES = 2**14
"""Distinct values of an attribute that are kept once; what comes later stands in the rows."""


class RowEncoder:
    """Turns profiles into packed rows; keeps the vocabularies that grow meanwhile."""

    def __init__(self, first: Profiles) -> None:
        self._columns = _columns(first)
        self._names, self._usage, self._responses = first.names, first.usage.measures, first.responses.measures
        self._attributes = {name: Vocabulary(MOST_VALUES) for name in first.attributes}
        self._keys: tuple[dict[str, int], dict[str, int]] = ({}, {})
        self._layout = Layout.of(self._names, self._attributes, self._usage, self._responses)

    def require_same_columns(self, chunk: Profiles) -> None:
        """Raise ValueError when a chunk has other columns than the first."""
        if _columns(chunk) != self._columns:
            raise ValueError("the chunks of a snapshot have the same features, attributes and measures")

    def rows(self, profiles: Profiles) -> tuple[Bytes, Ints]:
        """Packed rows and where they end; see `pack`."""
        blocks = (profiles.usage, profiles.responses)
        rows = Ragged.empty(self._layout, *(np.diff(block.indptr) for block in blocks))
        width = len(profiles.names)
        rows.numbers[rows.starts[:, None] + np.arange(width)] = profiles.numeric
        tails: list[list[str | int | None]] | None = None
        for place, (name, vocabulary) in enumerate(self._attributes.items(), start=width):
            values = profiles.attributes[name]
            codes = vocabulary.codes(values)
            rows.numbers[rows.starts + place] = codes
            for row in np.flatnonzero(codes == FULL).tolist():
                tails = tails or [[] for _ in range(len(profiles))]
                tails[row].append(plain_of(values[row]))
        begin = rows.starts + self._layout.fixed
        for block, keys in zip(blocks, self._keys, strict=True):
            size = 1 + len(block.measures)
            entries = np.repeat(begin - size * block.indptr[:-1], np.diff(block.indptr))
            entries += size * np.arange(len(entries))
            rows.numbers[entries] = _codes(block, keys)
            rows.numbers[entries[:, None] + np.arange(1, size)] = block.values
            begin = begin + size * np.diff(block.indptr)
        return pack(rows, None if tails is None else list(_tails(tails)))

    def manifest(self, as_of: int, rows: int, history: OfferHistory, fingerprint: str) -> Manifest:
        """What a reader has to know of the rows."""
        attributes = {name: vocabulary.plain() for name, vocabulary in self._attributes.items()}
        usage_keys, response_keys = (list(keys) for keys in self._keys)
        return Manifest(
            as_of,
            rows,
            fingerprint,
            self._names,
            self._usage,
            self._responses,
            attributes,
            usage_keys,
            response_keys,
            history,
        )


def _columns(chunk: Profiles) -> tuple[tuple[str, ...], ...]:
    return (chunk.names, tuple(sorted(chunk.attributes)), chunk.usage.measures, chunk.responses.measures)


def _codes(block: SparseBlock, keys: dict[str, int]) -> Ints:
    """Numbers of the keys of a block; new keys get the next ones."""
    used = np.unique(block.codes)
    for key in block.vocabulary[used].tolist():
        keys.setdefault(key, len(keys))
    numbers = np.zeros(len(block.vocabulary), np.int64)
    numbers[used] = [keys[key] for key in block.vocabulary[used].tolist()]
    return numbers[block.codes]


def _tails(values: list[list[str | int | None]]) -> Iterator[bytes]:
    for given in values:
        tail = orjson.dumps(given) if given else b""
        yield tail.ljust(-(-len(tail) // 4) * 4)
