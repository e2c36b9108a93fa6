"""Subscribers and the arms they are assigned to, computed where the data is."""

from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pyarrow as pa

from mia.domain.region import Region
from mia.domain.subscriber import Arm, ArmSplit
from mia.intake.events import arm_sql
from mia.intake.quoting import literal
from mia.intake.subscribers import MERGED, open_subscribers
from mia.tables import ACTIVATED_ON, ARM, MACRO_REGION, REGION, SUBSCRIBER_ID
from mia.timeline import EPOCH

ACTIVATED_DAY = "activated_day"
PEOPLE_SCHEMA = pa.schema(
    [(SUBSCRIBER_ID, pa.string()), (REGION, pa.string()), (MACRO_REGION, pa.string()), (ACTIVATED_DAY, pa.int64())]
)


def read_people(connection: duckdb.DuckDBPyConnection, paths: Sequence[str], regions: Mapping[str, Region]) -> pa.Table:
    """Every subscriber of the lake's files with region, macro-region (else that of the region) and activation day."""
    open_subscribers(connection, paths)
    listed = pa.table(
        {
            REGION: pa.array(list(regions), pa.string()),
            "listed_macro_region": pa.array([region.macro_region for region in regions.values()], pa.string()),
        }
    )
    own = MACRO_REGION in [row[0] for row in connection.execute(f"DESCRIBE {MERGED}").fetchall()]
    macro_region = f"coalesce(m.{MACRO_REGION}, r.listed_macro_region)" if own else "r.listed_macro_region"
    connection.register("listed_regions", listed)
    return (
        connection.sql(
            f"SELECT m.{SUBSCRIBER_ID}, m.{REGION}, {macro_region} AS {MACRO_REGION}, "
            f"date_diff('day', DATE {literal(EPOCH.isoformat())}, m.{ACTIVATED_ON}) AS {ACTIVATED_DAY} "
            f"FROM {MERGED} AS m LEFT JOIN listed_regions AS r ON r.{REGION} = m.{REGION} ORDER BY 1"
        )
        .to_arrow_table()
        .cast(PEOPLE_SCHEMA)
    )


def assign_arms(connection: duckdb.DuckDBPyConnection, ids: pa.ChunkedArray, arms: ArmSplit) -> pa.ChunkedArray:
    """Whether each of n subscriber ids is in arm control, in order, as `ArmSplit.arm_of` says."""
    rows = pa.table({SUBSCRIBER_ID: ids, "place": np.arange(len(ids))})
    connection.register("assigned_ids", rows)
    found = connection.sql(
        f"SELECT ({arm_sql(arms)}) = {literal(Arm.CONTROL)} AS {ARM} FROM assigned_ids ORDER BY place"
    )
    return found.to_arrow_table()[ARM]
