"""Values that repeat, kept once a snapshot: attributes of subscribers and keys of the sparse halves."""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mia.frames import Ints, Objects

Value = str | float | None
FULL = -1
DOUBLE, BITS = struct.Struct("<d"), struct.Struct("<q")


def plain_of(value: Value) -> str | int | None:
    """A value as JSON can carry it exactly: numbers as the bits of a double.

    >>> value_of(plain_of(-0.0)), value_of(plain_of("x")), plain_of(None)
    (-0.0, 'x', None)
    """
    return int(BITS.unpack(DOUBLE.pack(value))[0]) if isinstance(value, float) else value


def value_of(plain: str | int | None) -> Value:
    """The inverse of `plain_of`."""
    return float(DOUBLE.unpack(BITS.pack(plain))[0]) if isinstance(plain, int) else plain


def objects(values: Sequence[Any]) -> Objects:
    """Values as an array of objects."""
    out = np.empty(len(values), object)
    out[:] = values
    return out


class Vocabulary:
    """Numbers values in the order they come in: None is 0. Takes at most so many values; further ones are `FULL`."""

    def __init__(self, most: int) -> None:
        self._codes: dict[str | int | None, int] = {None: 0}
        self._most = most

    def plain(self) -> list[str | int | None]:
        """The values by number, as JSON can carry them."""
        return list(self._codes)

    def codes(self, values: Objects) -> Ints:
        """Numbers of texts, floats and Nones; raises TypeError for anything else."""
        kinds = set(map(type, values))
        texts = {kind for kind in kinds if issubclass(kind, str)}
        others = kinds - texts - {type(None)}
        for kind in others:
            if not issubclass(kind, float):
                raise TypeError(f"an attribute is a text, a float or None, not {kind.__name__}")
        if texts and others:
            is_text = np.fromiter((isinstance(value, str) for value in values), bool, len(values))
            out = np.zeros(len(values), np.int64)
            out[is_text], out[~is_text] = self.codes(values[is_text]), self.codes(values[~is_text])
            return out
        column = pa.array(values, pa.float64() if others else pa.string(), from_pandas=False)
        if others:
            bits = column.fill_null(0.0).to_numpy().view(np.int64)
            column = pa.array(bits, mask=column.is_null().to_numpy(zero_copy_only=False))
        coded = column.dictionary_encode()
        # One place more, for the nulls.
        numbers = np.asarray([*map(self._number, coded.dictionary.to_pylist()), 0], np.int64)
        places: Ints = coded.indices.fill_null(len(numbers) - 1).to_numpy()
        return numbers[places]

    def _number(self, plain: str | int | None) -> int:
        found = self._codes.get(plain)
        if found is None:
            if len(self._codes) > self._most:
                return FULL
            found = self._codes[plain] = len(self._codes)
        return found
