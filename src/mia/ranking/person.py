"""What the lines of the affinity look at in a person: features, attributes, bends, values of categories, and keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from mia.frames import Floats, Ints, Objects, Profiles, Singles, SparseBlock
from mia.tables import CATEGORY

LEVELS, KEYS = 20, 40
KEY_MEASURES = ("records_30d", "records_365d")
BENT = (
    "tenure_days",
    "data_package_used_share_30d",
    "voice_package_used_share_30d",
    "data_night_share_30d",
    "voice_on_net_share_30d",
)
"""Features that matter from some point on, as attributes such as an age do too."""
QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class PersonColumns:
    """The columns in their order: `numeric` attributes, `knots` where a column may bend, `levels` of categorical
    attributes, and `keys` of usage.
    """

    numeric: tuple[str, ...]
    knots: Mapping[str, tuple[float, ...]]
    levels: Mapping[str, tuple[str, ...]]
    keys: tuple[str, ...]
    _kept: list[tuple[Profiles, Singles]] = field(default_factory=list, compare=False, repr=False)

    @classmethod
    def fit(cls, profiles: Profiles, numeric: tuple[str, ...], levels: Mapping[str, tuple[str, ...]]) -> Self:
        """From the profiles to learn from; a category of more than LEVELS values is left out, and so are keys beyond
        the KEYS that most people use.
        """
        bent = {name: _numbers(profiles, name) for name in (*numeric, *BENT)}
        knots = {name: _knots(values) for name, values in bent.items() if np.isfinite(values).any()}
        return cls(
            numeric,
            {name: found for name, found in knots.items() if len(found) > 1},
            {name: values for name, values in levels.items() if len(values) <= LEVELS},
            _commonest(profiles.usage),
        )

    def build(self, profiles: Profiles, features: NDArray[Any]) -> Singles:
        """n x a, from profiles and their features in the order of the fit.

        One subscriber is looked at several times for one answer, so the latest one alone is kept.
        """
        if len(profiles) > 1:
            return self._build(profiles, features)
        kept = self._kept[0] if self._kept else None
        if kept is None or kept[0] is not profiles:
            kept = (profiles, self._build(profiles, features))
            self._kept[:] = [kept]
        return kept[1]

    def _build(self, profiles: Profiles, features: NDArray[Any]) -> Singles:
        rows = len(profiles)
        blocks: list[NDArray[Any]] = [features]
        if self.numeric:
            blocks.append(np.column_stack([_numbers(profiles, name) for name in self.numeric]))
        if self.knots:
            bent = np.column_stack([_numbers(profiles, name) for name in self.knots])
            place, begin, length = self._bends
            blocks.append(np.maximum(bent[:, place] - begin, 0.0) / length)
        for name, levels in self.levels.items():
            given = profiles.attributes.get(name)
            places = {level: place for place, level in enumerate(levels)}
            codes = [-1] * rows if given is None else [places.get(value, -1) for value in given.tolist()]
            blocks.append(np.asarray(codes)[:, None] == np.arange(len(levels)))
        blocks.append(_usage(profiles.usage, self.keys))
        ends = np.cumsum([block.shape[1] for block in blocks]).tolist()
        out = np.empty((rows, ends[-1]), np.float32)
        for block, end in zip(blocks, ends, strict=True):
            out[:, end - block.shape[1] : end] = block
        return out

    @cached_property
    def _bends(self) -> tuple[Ints, Floats, Floats]:
        """Of every knot the place of its column in `knots`, where it lies, and how far it is to the last one."""
        every = [
            (place, knot, knots[-1] - knots[0]) for place, knots in enumerate(self.knots.values()) for knot in knots
        ]
        place, begin, length = zip(*every, strict=True)
        return np.asarray(place, np.int64), np.asarray(begin), np.asarray(length)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "numeric": list(self.numeric),
            "knots": {name: list(values) for name, values in self.knots.items()},
            "levels": {name: list(values) for name, values in self.levels.items()},
            "keys": list(self.keys),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        knots, levels = ({name: tuple(values) for name, values in data[part].items()} for part in ("knots", "levels"))
        return cls(tuple(data["numeric"]), knots, levels, tuple(data["keys"]))


def _numbers(profiles: Profiles, name: str) -> Floats:
    values: NDArray[Any] | Objects | None = profiles.column(name)
    return np.full(len(profiles), np.nan) if values is None else values.astype(float)


def _knots(values: Floats) -> tuple[float, ...]:
    return tuple(np.unique(np.quantile(values[np.isfinite(values)], QUANTILES)).tolist())


def _commonest(block: SparseBlock) -> tuple[str, ...]:
    users = np.bincount(block.codes, minlength=len(block.vocabulary))
    prefix = f"{CATEGORY}:"
    keys = [(-count, key) for key, count in zip(block.vocabulary, users.tolist(), strict=True) if key[:9] == prefix]
    return tuple(key for _, key in sorted(keys)[:KEYS])


def _usage(block: SparseBlock, keys: tuple[str, ...]) -> Singles:
    """What is used of each key, n x (keys x KEY_MEASURES); 0 where it is not."""
    places = {key: place for place, key in enumerate(keys)}
    column = np.asarray([places.get(key, -1) for key in block.vocabulary], np.int64)[block.codes]
    owner: Ints = np.repeat(np.arange(len(block.indptr) - 1), np.diff(block.indptr))
    known = column >= 0
    out = np.zeros((len(block.indptr) - 1, len(keys), len(KEY_MEASURES)), np.float32)
    for place, measure in enumerate(KEY_MEASURES):
        out[owner[known], column[known], place] = block.values[known, block.measures.index(measure)]
    return out.reshape(len(out), -1)
