"""From query results to a `Profiles` frame, rows in the order of the spine."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.frames import Profiles, Singles
from mia.profiles.attributes import attribute_names, attributes_of
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import RESPONSE_MEASURES, USAGE_MEASURES, RowIndex
from mia.tables import AS_OF, SUBSCRIBER_ID


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
    attributes = subscribers.select(attribute_names(subscribers.column_names, FEATURE_NAMES))
    places = pc.index_in(features[SUBSCRIBER_ID], subscribers[SUBSCRIBER_ID].combine_chunks())
    return Profiles(
        ids,
        as_of,
        FEATURE_NAMES,
        np.column_stack([_singles(features[name]) for name in FEATURE_NAMES]).reshape(len(ids), len(FEATURE_NAMES)),
        attributes_of(attributes.take(places), FEATURE_NAMES),
        index.block(usage_keys, USAGE_MEASURES),
        index.block(response_keys, RESPONSE_MEASURES),
    )


def _with_long_day(table: pa.Table) -> pa.Table:
    """Engines narrow integers as they like; joins want one type."""
    return table.set_column(table.column_names.index(AS_OF), AS_OF, table[AS_OF].cast(pa.int64()))


def _singles(values: pa.ChunkedArray) -> Singles:
    return np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float32)
