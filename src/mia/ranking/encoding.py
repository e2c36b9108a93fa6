"""Categories as numbers: the smoothed rate of connection of each value."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from mia.frames import Floats, Ints, Objects

SMOOTHING = 50.0


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

    def encode(self, values: Iterable[Any]) -> Floats:
        """One number a value; a missing value is the empty text."""
        rates, other = self.rates, self.other
        return np.asarray([rates.get("" if value is None else value, other) for value in values], np.float64)


def rates_before(values: Objects, labels: Floats) -> Floats:
    """For each row the smoothed rate of its value over the rows before it.

    Prokhorenkova, L. et al. (2018), CatBoost: ordered target statistics, here in the order of time.

    >>> values = np.asarray(["a", "b", "a"], object)
    >>> [round(rate, 4) for rate in rates_before(values, np.asarray([1.0, 0.0, 1.0])).tolist()]
    [0.6667, 0.6667, 0.6732]
    """
    codes, _ = _levels(values)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    before = np.concatenate([[0.0], np.cumsum(labels[order])])
    shown, taken = np.arange(len(order)) - starts, before[:-1] - before[starts]
    rates = np.empty(len(order))
    rates[order] = (taken + SMOOTHING * labels.mean()) / (shown + SMOOTHING)
    return rates


def encoding_json(encoding: Encoding) -> dict[str, Any]:
    """A JSON-able form; the inverse is `Encoding(**...)`."""
    return {"rates": dict(encoding.rates), "other": encoding.other}


def _levels(values: Objects) -> tuple[Ints, list[str]]:
    """Codes and texts of a categorical column; a missing value is the empty text."""
    encoded = pa.array(values, pa.string()).fill_null("").dictionary_encode()
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), encoded.dictionary.to_pylist()
