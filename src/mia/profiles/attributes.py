"""The attributes of subscribers: what the lake says of them besides their features."""

from collections.abc import Collection, Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Objects
from mia.tables import ACTIVATED_ON, CONSENT_SEPARATOR, SUBSCRIBER_ID

NOT_ATTRIBUTES = frozenset({SUBSCRIBER_ID, ACTIVATED_ON})


def attribute_names(columns: Iterable[str], features: Collection[str]) -> list[str]:
    """Subscriber columns that the model and the eligibility rules may look at.

    A column that is called like one of the `features` gives way to it: one name has one meaning.
    """
    return [name for name in columns if name not in NOT_ATTRIBUTES and name not in features]


def attributes_of(subscribers: pa.Table, features: Collection[str]) -> dict[str, Objects]:
    """Attributes beside these features, of the rows of the lake's table: one array a name, of texts, floats (booleans
    as 0 and 1) and None.
    """
    return {name: _objects(subscribers[name]) for name in attribute_names(subscribers.column_names, features)}


def _objects(values: pa.ChunkedArray) -> Objects:
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type) or pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    elif pa.types.is_temporal(values.type):
        values = values.cast(pa.string())
    elif pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = _joined(values)
    out = np.empty(len(values), object)
    out[:] = values.to_pylist()
    return out


def _joined(lists: pa.ChunkedArray) -> pa.Array:
    """Each list as one text, its parts in order: few distinct texts whatever order they were given in."""
    values = lists.combine_chunks()
    parts, owner = pc.list_flatten(values), pc.list_parent_indices(values)
    order = pc.sort_indices(pa.table({"owner": owner, "part": parts}), [("owner", "ascending"), ("part", "ascending")])
    offsets = np.concatenate([[0], np.cumsum(pc.fill_null(pc.list_value_length(values), 0).to_numpy())])
    ordered = pa.ListArray.from_arrays(
        pa.array(offsets, pa.int32()), parts.take(order), mask=pc.is_null(values) if values.null_count else None
    )
    return pc.binary_join(ordered, CONSENT_SEPARATOR)
