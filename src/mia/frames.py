"""The few typed frames that cross from one room to the next: arrays with stated shapes and units.

n is the number of subscriber rows, p of profile features, m of offers, k of keys.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Objects = NDArray[np.object_]
Matrix = NDArray[Any]
"""What a ranker reads: in single precision where everything that it is made of is."""


@dataclass(frozen=True, slots=True)
class SparseBlock:
    """For every subscriber row a short list of keys with measures: what it uses, what it answered.

    Row i owns entries `indptr[i]:indptr[i + 1]` of `codes` (positions in `vocabulary`) and of `values`
    (entries x measures). Keys read `axis:name`, for example `category:video`, `item:42`, `offer:music_30`.
    """

    indptr: Ints
    codes: Ints
    vocabulary: Objects
    values: Floats
    measures: tuple[str, ...]

    def take(self, rows: Ints) -> "SparseBlock":
        """The block of the given rows, in their order; rows may repeat."""
        lengths = self.indptr[rows + 1] - self.indptr[rows]
        indptr = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        entries = np.repeat(self.indptr[rows] - indptr[:-1], lengths) + np.arange(indptr[-1])
        return SparseBlock(indptr, self.codes[entries], self.vocabulary, self.values[entries], self.measures)

    def trim(self) -> "SparseBlock":
        """The same over a vocabulary of just the keys that its rows have: few look at few."""
        own, codes = np.unique(self.codes, return_inverse=True)
        return SparseBlock(self.indptr, codes, self.vocabulary[own], self.values, self.measures)

    @classmethod
    def empty(cls, rows: int, measures: tuple[str, ...]) -> "SparseBlock":
        """A block of `rows` rows without a single entry."""
        return cls(
            np.zeros(rows + 1, np.int64),
            np.zeros(0, np.int64),
            np.zeros(0, object),
            np.zeros((0, len(measures))),
            measures,
        )


@dataclass(frozen=True, slots=True)
class Profiles:
    """Usage profiles of n (subscriber, day) rows: known at 00:00 local time of `as_of`.

    `numeric` is n x p in the order of `names`, NaN where unknown, in single precision both in training and in serving;
    `attributes` are subscriber columns as given (str, float or None); `usage` and `responses` are the sparse halves.
    """

    subscriber_ids: Objects
    as_of: Ints
    names: tuple[str, ...]
    numeric: Singles
    attributes: Mapping[str, Objects]
    usage: SparseBlock
    responses: SparseBlock

    def __len__(self) -> int:
        return len(self.subscriber_ids)

    def column(self, name: str) -> NDArray[Any] | None:
        """One profile or subscriber column of n values; None when there is none of that name."""
        if name in self.attributes:
            return self.attributes[name]
        place = places_of(self.names).get(name)
        return None if place is None else self.numeric[:, place].astype(np.float64)

    def take(self, rows: Ints) -> "Profiles":
        """The profiles of the given rows, in their order; rows may repeat."""
        return Profiles(
            self.subscriber_ids[rows],
            self.as_of[rows],
            self.names,
            self.numeric[rows],
            {name: values[rows] for name, values in self.attributes.items()},
            self.usage.take(rows),
            self.responses.take(rows),
        )


@lru_cache(maxsize=64)
def places_of(names: tuple[str, ...]) -> Mapping[str, int]:
    """The place of each name, which are those of a few kinds of frames."""
    return {name: place for place, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class OfferHistory:
    """What was known of the offers at 00:00 of each of d days: cumulative counts strictly before it.

    `impressions` and `connections` are d x r x m, over regions and offers; day i is `days[i]`, ascending.
    """

    days: Ints
    regions: tuple[str, ...]
    offer_ids: tuple[str, ...]
    impressions: Floats
    connections: Floats
