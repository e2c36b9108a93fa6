"""Profiles of a day as one frame, and usage put straight into a lake."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mia.domain.offer import Offer
from mia.frames import Profiles
from mia.profiles.daily import ENGINE_TYPES
from mia.services.refresh import ProfileBuilder
from mia.storage.lake import ParquetLake
from mia.tables import KNOWN_DAY, LAKE_USAGE, LOCAL_DAY

ARROW_TYPES = {"string": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "boolean": pa.bool_()}
USAGE_SCHEMA = pa.schema([(column.name, ARROW_TYPES[ENGINE_TYPES[column.dtype]]) for column in LAKE_USAGE.columns])


def profiles_of_day(builder: ProfileBuilder, offers: tuple[Offer, ...], as_of: int) -> Profiles:
    """Profiles of everybody as of a day, where they are so few that they come in one part."""
    (built,) = builder.of_day(offers, as_of)
    return built.profiles


def same(a: Profiles, b: Profiles) -> bool:
    """Whether two frames agree bit for bit."""
    blocks = [(a.usage, b.usage), (a.responses, b.responses)]
    return (
        a.subscriber_ids.tolist() == b.subscriber_ids.tolist()
        and a.as_of.tolist() == b.as_of.tolist()
        and np.array_equal(a.numeric.view(np.int32), b.numeric.view(np.int32))
        and {name: values.tolist() for name, values in a.attributes.items()}
        == {name: values.tolist() for name, values in b.attributes.items()}
        and all(
            x.indptr.tolist() == y.indptr.tolist()
            and x.vocabulary[x.codes].tolist() == y.vocabulary[y.codes].tolist()
            and np.array_equal(x.values, y.values)
            for x, y in blocks
        )
    )


def append_subscribers(lake: ParquetLake, ids: Iterable[str]) -> None:
    """Put these subscribers into the lake, in the place of all others."""
    people = [{"subscriber_id": name, "region": "Kurgan", "activated_on": date(2020, 3, 1)} for name in ids]
    with lake.change() as change:
        path = change.folder() / "subscribers.parquet"
        pq.write_table(pa.Table.from_pylist(people), path)
        change.drop("subscribers")
        change.add("subscribers", path, rows=len(people), load="people")
        change.commit()


def append_usage(lake: ParquetLake, rows: Iterable[Mapping[str, Any]], load: str) -> None:
    """Put usage rows into the lake as a load of theirs, a file a local day; what a row leaves out is plain."""
    plain = {"occurred_at": 0, "local_hour": 12, "quantity": 1.0, "charge": 0.0, "sign": 1, "version": 1}
    by_day: dict[int, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_day.setdefault(row[LOCAL_DAY], []).append({KNOWN_DAY: row[LOCAL_DAY], **plain, **row})
    with lake.change() as change:
        for day, found in by_day.items():
            path = change.folder() / f"usage-{day}.parquet"
            pq.write_table(pa.Table.from_pylist(found, USAGE_SCHEMA), path)
            change.add("usage", path, rows=len(found), load=load, day=day)
        change.commit()
