"""Newcomers: subscribers whose attributes are known while no usage profile was made of them yet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa

from mia.frames import Objects, Profiles
from mia.profiles.attributes import attributes_of
from mia.tables import ACTIVATED_ON, SUBSCRIBER_ID

TENURE = "tenure_days"
Attributes = Mapping[str, str | float | None]


@dataclass(frozen=True, slots=True)
class Newcomers:
    """What is known of each of n newcomers, looked up by id."""

    rows: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, Objects] = field(default_factory=dict)

    @classmethod
    def build(cls, subscribers: pa.Table, as_of: int, features: Collection[str]) -> Self:
        """From rows of the lake's subscribers; their tenure is counted to the day `as_of` of the snapshot, and its
        features are no attributes.
        """
        begun = subscribers[ACTIVATED_ON].cast(pa.int32()).to_numpy().astype(np.int64)
        tenure = np.empty(len(begun), object)
        tenure[:] = np.maximum(as_of - begun, 0).astype(float).tolist()
        ids = subscribers[SUBSCRIBER_ID].to_pylist()
        return cls({one: row for row, one in enumerate(ids)}, {**attributes_of(subscribers, features), TENURE: tenure})

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, subscriber_id: str) -> dict[str, Any] | None:
        """The attributes of a newcomer, None of anybody else."""
        row = self.rows.get(subscriber_id)
        return None if row is None else {name: _plain(values[row]) for name, values in self.columns.items()}


def profile_of(subscriber_id: str, attributes: Attributes, blank: Profiles) -> Profiles:
    """A profile of attributes alone: `blank` is a row of the snapshot with nothing in it, and usage stays unknown."""
    numeric = blank.numeric.copy()
    for place, name in enumerate(blank.names):
        if name in attributes:
            numeric[0, place] = attributes[name]
    one = np.empty(1, object)
    one[0] = subscriber_id
    given = {name: _one(value) for name, value in attributes.items() if name not in blank.names}
    return replace(blank, subscriber_ids=one, numeric=numeric, attributes=given)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a text, a number or None
    # A number that is none has no place in JSON, and none has a meaning that None has not.
    return None if value is None or value != value else value


def _one(value: str | float | None) -> Objects:
    out = np.empty(1, object)
    out[0] = value
    return out
