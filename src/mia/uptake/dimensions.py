"""What figures can be grouped by and filtered on, and the codes that stand for the values in the roll-ups.

A roll-up holds the place of a value in a list of names, from 1 on; 0 stands for events that carry no value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from mia import tables
from mia.errors import InvalidInput

CODED = (
    tables.REGION,
    tables.MACRO_REGION,
    tables.OFFER_ID,
    tables.CHANNEL,
    tables.ARM,
    tables.PLACEMENT,
    tables.MODEL_VERSION,
)
"""Columns of events that roll-ups keep apart; placement and model version are those of the event's decision."""

DIMENSIONS: Mapping[str, str] = {
    "region": tables.REGION,
    "macro_region": tables.MACRO_REGION,
    "offer": tables.OFFER_ID,
    "channel": tables.CHANNEL,
    "arm": tables.ARM,
    "category": tables.OFFER_ID,
    "placement": tables.PLACEMENT,
    "model_version": tables.MODEL_VERSION,
}
"""What figures can be grouped by, and the coded column that holds it; a category is that of the offer."""

CATEGORY = "category"
FILTERS = ("region", "macro_region", "category", "offer", "channel", "arm")
"""What figures can be narrowed to."""

Names = Mapping[str, Sequence[str]]
"""The names of each coded column, in the order of their codes."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each code of a column: `place[code]` is the place of its name in `names`."""

    names: tuple[str | None, ...]
    place: tuple[int, ...]


def require_dimensions(by: str | None) -> tuple[str, ...]:
    """The dimensions of `by`: none for the total, one, or two that are separated by a comma.

    Raises InvalidInput for one that there is not.

    >>> require_dimensions("region,arm"), require_dimensions(None)
    (('region', 'arm'), ())
    """
    if by is None:
        return ()
    asked = tuple(by.split(","))
    unknown = [name for name in asked if name not in DIMENSIONS]
    if unknown:
        raise InvalidInput(f"must be one of {', '.join(DIMENSIONS)}, not {unknown[0]!r}", parameter="by")
    if len(asked) > 2 or len(set(asked)) < len(asked):
        raise InvalidInput(f"must be one or two different dimensions, not {by!r}", parameter="by")
    return asked


def extend_names(names: Names, events: pa.Table) -> dict[str, list[str]]:
    """The names with those that events carry and nobody had yet, which come last, by name."""
    longer = {}
    for column in CODED:
        known = list(names.get(column, ()))
        fresh = set(pc.unique(events[column].drop_null()).to_pylist()) - set(known)
        longer[column] = known + sorted(fresh)
    return longer


def encode(values: pa.ChunkedArray, names: Sequence[str]) -> pa.ChunkedArray:
    """The codes of n values.

    >>> encode(pa.chunked_array([["b", None, "a"]]), ["a", "b"]).to_pylist()
    [2, 0, 1]
    """
    places = pc.index_in(values.cast(pa.string()), pa.array(names, pa.string()), skip_nulls=True)
    return pc.add(places.fill_null(-1), 1).cast(pa.int32())


def build_groups(dimension: str, names: Sequence[str], categories: Mapping[str, str]) -> Groups:
    """The groups of a dimension over the codes of its column; an offer that `categories` does not know has none.

    The group of no value comes first, the others by name.
    """
    values: list[str | None] = [None, *names]
    if dimension == CATEGORY:
        values = [None if name is None else categories.get(name) for name in values]
    groups: list[str | None] = [None, *sorted({value for value in values if value is not None})]
    places = {group: place for place, group in enumerate(groups)}
    return Groups(tuple(groups), tuple(places[value] for value in values))


def codes_of(
    dimension: str, wanted: Sequence[str | None], names: Sequence[str], categories: Mapping[str, str]
) -> list[int]:
    """Codes of a column whose value of a dimension is wanted; values that nothing carries have none."""
    groups = build_groups(dimension, names, categories)
    return [code for code, place in enumerate(groups.place) if groups.names[place] in wanted]
