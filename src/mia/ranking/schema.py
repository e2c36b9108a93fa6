"""The columns a ranker was fitted on, and the matrix made of them: numbers as they are, categories as learnt rates."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from mia.frames import Floats, Ints, Objects
from mia.ranking.pairs import Pairs
from mia.tables import PERSONALISATION, TIMEZONE

SMOOTHING = 50.0
NOT_FEATURES = frozenset({TIMEZONE, PERSONALISATION})


@dataclass(frozen=True, slots=True)
class Encoding:
    """A categorical column as numbers: each value's smoothed rate of connection in training, else the overall rate."""

    rates: Mapping[str, float]
    other: float

    @classmethod
    def fit(cls, values: Objects, labels: Floats) -> Self:
        """From one value and one label a row."""
        overall = float(labels.mean())
        codes, texts = _levels(values)
        shown, taken = np.bincount(codes), np.bincount(codes, weights=labels)
        rates = (taken + SMOOTHING * overall) / (shown + SMOOTHING)
        return cls(dict(zip(texts, rates.tolist(), strict=True)), overall)

    def encode(self, values: Objects) -> Floats:
        """One number a value."""
        codes, texts = _levels(values)
        return np.asarray([self.rates.get(text, self.other) for text in texts])[codes]


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    """Names of the columns by origin, in the order of the matrix, with the encodings of the categorical ones."""

    fingerprint: str
    profile: tuple[str, ...]
    attributes: tuple[str, ...]
    offer: tuple[str, ...]
    pair: tuple[str, ...]
    encodings: Mapping[str, Encoding]

    @classmethod
    def fit(cls, pairs: Pairs, labels: Floats, fingerprint: str) -> Self:
        """Which columns there are and how categories are encoded, from training pairs and their labels (0 or 1)."""
        given = {name: values for name, values in pairs.profiles.attributes.items() if name not in NOT_FEATURES}
        numeric = [name for name, values in given.items() if _is_numeric(values)]
        encodings = {
            name: Encoding.fit(values[pairs.rows], labels) for name, values in given.items() if name not in numeric
        }
        encodings |= {
            name: Encoding.fit(values[pairs.cols], labels) for name, values in pairs.offers.categorical.items()
        }
        encodings["channel"] = Encoding.fit(pairs.context.channel, labels)
        return cls(fingerprint, pairs.profiles.names, tuple(numeric), pairs.offers.names, pairs.names, encodings)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the matrix columns in order."""
        return (*self.profile, *self.attributes, *self.offer, *self.pair, *self.encodings, "position")

    def matrix(self, pairs: Pairs) -> Floats:
        """R x columns; what the pairs do not have is NaN."""
        profiles, offers = pairs.profiles, pairs.offers
        by_row = np.column_stack(
            [_profile_column(pairs, name) for name in (*self.profile, *self.attributes)]
            + [self.encodings[name].encode(profiles.attributes[name]) for name in self._of(profiles.attributes)]
        )
        by_col = np.column_stack(
            [offers.column(name) if name in offers.names else np.full(len(offers), np.nan) for name in self.offer]
            + [self.encodings[name].encode(offers.categorical[name]) for name in self._of(offers.categorical)]
        )
        wide = dict(
            zip((*self.profile, *self.attributes, *self._of(profiles.attributes)), range(by_row.shape[1]), strict=True)
        )
        tall = dict(zip((*self.offer, *self._of(offers.categorical)), range(by_col.shape[1]), strict=True))
        out = np.full((len(pairs), len(self.names)), np.nan)
        for place, name in enumerate(self.names):
            if name == "position":
                out[:, place] = pairs.context.position
            elif name == "channel":
                out[:, place] = self.encodings[name].encode(pairs.context.channel)
            elif name in wide:
                out[:, place] = by_row[pairs.rows, wide[name]]
            elif name in tall:
                out[:, place] = by_col[pairs.cols, tall[name]]
            elif name in pairs.names:
                out[:, place] = pairs.feature(name)
            else:
                out[:, place] = self.encodings[name].other
        return out

    def _of(self, given: Mapping[str, Objects]) -> list[str]:
        return [name for name in self.encodings if name in given]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able form."""
        return {
            "fingerprint": self.fingerprint,
            "profile": list(self.profile),
            "attributes": list(self.attributes),
            "offer": list(self.offer),
            "pair": list(self.pair),
            "encodings": {
                name: {"rates": dict(encoding.rates), "other": encoding.other}
                for name, encoding in self.encodings.items()
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            data["fingerprint"],
            tuple(data["profile"]),
            tuple(data["attributes"]),
            tuple(data["offer"]),
            tuple(data["pair"]),
            {name: Encoding(given["rates"], given["other"]) for name, given in data["encodings"].items()},
        )


def _levels(values: Objects) -> tuple[Ints, list[str]]:
    """Codes and texts of a categorical column; a missing value is the empty text."""
    encoded = pa.array(values, pa.string()).fill_null("").dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()


def _is_numeric(values: Objects) -> bool:
    return any(isinstance(value, float) for value in values) and not any(isinstance(value, str) for value in values)


def _profile_column(pairs: Pairs, name: str) -> Floats:
    values = pairs.profiles.column(name)
    if values is None:
        return np.full(len(pairs.profiles), np.nan)
    return values.astype(float)
