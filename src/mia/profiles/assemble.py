"""From query results to a `Profiles` frame, rows in the order of the spine."""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Objects, Profiles, Singles
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import RESPONSE_MEASURES, USAGE_MEASURES, RowIndex
from mia.tables import ACTIVATED_ON, AS_OF, CONSENT_SEPARATOR, SUBSCRIBER_ID

NOT_ATTRIBUTES = frozenset({SUBSCRIBER_ID, ACTIVATED_ON})


def assemble_profiles(
    features: pa.Table, usage_keys: pa.Table, response_keys: pa.Table, subscribers: pa.Table
) -> Profiles:
    """Profiles sorted by (as_of, subscriber_id).

    `features` comes from build_features, the long tables from build_usage_keys and build_response_keys, and
    `subscribers` is the lake's table; its columns become attributes (numbers as float, booleans as 0 and 1, lists as
    sorted texts `a;b`). Raises ValueError when a (subscriber_id, as_of) comes twice.
    """
    usage_keys, response_keys = (_with_long_day(table) for table in (usage_keys, response_keys))
    features = _with_long_day(features).sort_by([(AS_OF, "ascending"), (SUBSCRIBER_ID, "ascending")])
    ids = np.asarray(features[SUBSCRIBER_ID].to_pylist(), object)
    as_of = features[AS_OF].to_numpy().astype(np.int64)
    if np.any((ids[1:] == ids[:-1]) & (as_of[1:] == as_of[:-1])):
        raise ValueError("the spine names a profile twice")
    index = RowIndex(ids, as_of)
    places = pc.index_in(features[SUBSCRIBER_ID], subscribers[SUBSCRIBER_ID].combine_chunks())
    return Profiles(
        ids,
        as_of,
        FEATURE_NAMES,
        np.column_stack([_singles(features[name]) for name in FEATURE_NAMES]).reshape(len(ids), len(FEATURE_NAMES)),
        attributes_of(subscribers.select(attribute_names(subscribers.column_names)).take(places)),
        index.block(usage_keys, USAGE_MEASURES),
        index.block(response_keys, RESPONSE_MEASURES),
    )


def attribute_names(columns: Iterable[str]) -> list[str]:
    """Subscriber columns that the model and the eligibility rules may look at.

    A column that is called like a feature gives way to it: one name has one meaning.
    """
    return [name for name in columns if name not in NOT_ATTRIBUTES and name not in FEATURE_NAMES]


def _with_long_day(table: pa.Table) -> pa.Table:
    """Engines narrow integers as they like; joins want one type."""
    return table.set_column(table.column_names.index(AS_OF), AS_OF, table[AS_OF].cast(pa.int64()))


def attributes_of(subscribers: pa.Table) -> dict[str, Objects]:
    """Attributes of the rows of the lake's table, one array a name: texts, floats (booleans as 0 and 1) and None."""
    return {name: _objects(subscribers[name]) for name in attribute_names(subscribers.column_names)}


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


def _singles(values: pa.ChunkedArray) -> Singles:
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float32)
