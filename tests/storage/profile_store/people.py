"""Hand-made profiles, and what came back of them."""

from typing import Any

import numpy as np

from mia.frames import OfferHistory, Profiles, SparseBlock
from mia.timeline import day_of_text

DAY = day_of_text("2021-07-01")
NAMES = ("x", "y")
USED, ANSWERED = ("records", "charge"), ("impressions",)
HISTORY = OfferHistory(
    np.asarray([DAY]), ("Урал", ""), ("o1", "o2", "o3"), np.arange(6.0).reshape(1, 2, 3), np.ones((1, 2, 3)) / 3
)

Row = tuple[list[float], dict[str, Any], dict[str, list[float]], dict[str, list[float]]]

THIRD = float(np.float32(1 / 3))
ANNA: Row = ([THIRD, -(2.0**100)], {"region": "Курган", "age": 41.0}, {"item:ж": [0.1 + 0.2, 0.5]}, {"offer:o1": [3.0]})
BOB: Row = ([0.0, 255.0], {"region": None, "age": None}, {}, {})


def objects(values: list[Any]) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def block(rows: list[dict[str, list[float]]], measures: tuple[str, ...]) -> SparseBlock:
    vocabulary = sorted({key for row in rows for key in row})
    places = {key: place for place, key in enumerate(vocabulary)}
    codes = [places[key] for row in rows for key in row]
    values = [measured for row in rows for measured in row.values()]
    return SparseBlock(
        np.cumsum([0, *map(len, rows)]),
        np.asarray(codes, np.int64),
        objects(vocabulary),
        np.asarray(values, float).reshape(len(codes), len(measures)),
        measures,
    )


def profiles_of(people: dict[str, Row], day: int = DAY) -> Profiles:
    """Profiles in the order of their ids; `people` names at least one."""
    ids = sorted(people)
    rows = [people[who] for who in ids]
    return Profiles(
        objects(ids),
        np.full(len(rows), day),
        NAMES,
        np.asarray([row[0] for row in rows], np.float32).reshape(len(rows), len(NAMES)),
        {name: objects([row[1][name] for row in rows]) for name in rows[0][1]},
        block([row[2] for row in rows], USED),
        block([row[3] for row in rows], ANSWERED),
    )


def rows_of(profiles: Profiles) -> list[Row]:
    """The rows of a frame as they were given to `profiles_of`."""

    def keys(part: SparseBlock, row: int) -> dict[str, list[float]]:
        own = slice(part.indptr[row], part.indptr[row + 1])
        return dict(zip(part.vocabulary[part.codes[own]].tolist(), part.values[own].tolist(), strict=True))

    count = len(profiles)
    assert profiles.names == NAMES
    assert (profiles.numeric.shape, profiles.numeric.dtype) == ((count, len(NAMES)), np.float32)
    for part, measures in ((profiles.usage, USED), (profiles.responses, ANSWERED)):
        assert part.measures == measures
        assert (len(part.indptr), part.indptr[0], part.indptr[-1]) == (count + 1, 0, len(part.codes))
        assert (part.values.shape, part.values.dtype) == ((len(part.codes), len(measures)), np.float64)
    return [
        (
            profiles.numeric[row].tolist(),
            {name: values[row] for name, values in profiles.attributes.items()},
            keys(profiles.usage, row),
            keys(profiles.responses, row),
        )
        for row in range(count)
    ]
