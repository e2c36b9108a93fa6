"""Score pairs: acceptance of given (subscriber, offer, time) rows, each with what was known then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.domain.region import Region
from mia.errors import InvalidInput, NotEnoughData
from mia.frames import Ints, Objects
from mia.offers.catalogue import Catalogue
from mia.ports import Lake, Ledger
from mia.ranking.arbitration import expected_value
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.point_in_time import BuildProfiles, PointInTime
from mia.ranking.rankers.base import Ranker
from mia.tables import (
    ACCEPTANCE,
    CHANNEL,
    EXPECTED_VALUE,
    LOCAL_DAY,
    OCCURRED_AT,
    OFFER_ID,
    REGION,
    SUBSCRIBER_ID,
    TIMEZONE,
)
from mia.timeline import DAY_SECONDS

Progress = Callable[[str, int, int], None]
CHUNK = 100_000
NEEDED = (SUBSCRIBER_ID, OFFER_ID, OCCURRED_AT)
LOCAL_DAYS = f"""
    SELECT zones.zone IS NOT NULL AS known,
        try_cast(floor(epoch(timezone(zones.zone, moment)) / {DAY_SECONDS}) AS INTEGER) AS {LOCAL_DAY}
    FROM (
        SELECT number, CAST({SUBSCRIBER_ID} AS VARCHAR) AS subscriber,
            try_cast(CAST({OCCURRED_AT} AS VARCHAR) AS TIMESTAMPTZ) AS moment
        FROM keys
    ) AS asked
    LEFT JOIN zones ON asked.subscriber = zones.{SUBSCRIBER_ID}
    ORDER BY number
"""  # noqa: S608 - made of constants alone


@dataclass(frozen=True, slots=True)
class PairScorer:
    """Scores rows of a file with one ranker over one catalogue."""

    ranker: Ranker
    catalogue: Catalogue
    lake: Lake
    ledger: Ledger
    build_profiles: BuildProfiles
    connect: Callable[[], duckdb.DuckDBPyConnection]
    regions: Mapping[str, Region]
    default_timezone: str

    def score(self, path: Path, progress: Progress | None = None) -> pa.Table:
        """The rows of `path` with acceptance and expected_value added (or replaced), in their order.

        Every row is scored with what was known at 00:00 of its local day. Raises InvalidInput naming file, row and
        column for a missing column, an unreadable time, an unknown subscriber or an unknown offer.
        """
        given, days = self._read(path)
        table = OfferTable.build(self.catalogue.offers)
        cols = _places(given[OFFER_ID], list(table.places))
        _require(cols >= 0, "no such offer in the catalogue", path, OFFER_ID)
        moment = PointInTime(table, self.ledger.events(), self.build_profiles)
        subscribers = _objects(given[SUBSCRIBER_ID])
        channel = _objects(given[CHANNEL]) if CHANNEL in given.column_names else np.full(len(given), None, object)
        profiles, rows = moment.profiles(subscribers, days)
        rates = moment.rates(profiles)
        order = np.argsort(rows, kind="stable")
        acceptance = np.zeros(len(given))
        for start in range(0, len(given), CHUNK):
            part = order[start : start + CHUNK]
            context = Context(channel[part], np.ones(len(part)))
            acceptance[part] = self.ranker.score(build_pairs(profiles, table, rates, rows[part], cols[part], context))
            if progress:
                progress("scoring", min(start + CHUNK, len(given)), len(given))
        worth = expected_value(acceptance, table.value[cols], table.priority[cols])
        kept = given.drop_columns([name for name in (ACCEPTANCE, EXPECTED_VALUE) if name in given.column_names])
        return kept.append_column(ACCEPTANCE, pa.array(acceptance)).append_column(EXPECTED_VALUE, pa.array(worth))

    def _read(self, path: Path) -> tuple[pa.Table, Ints]:
        """The rows of the file as they are, and the local day of each."""
        if not path.is_file():
            raise InvalidInput("no such file", file=str(path))
        with self.connect() as connection:
            connection.execute("SET preserve_insertion_order = true")
            try:
                given = (
                    connection.read_parquet(str(path), hive_partitioning=False)
                    if path.suffix == ".parquet"
                    else connection.read_csv(str(path), all_varchar=True, header=True)
                ).to_arrow_table()
            except duckdb.Error as error:
                raise InvalidInput(f"cannot be read: {str(error).splitlines()[0]}", file=str(path)) from error
            for name in NEEDED:
                if name not in given.column_names:
                    raise InvalidInput("column is missing", file=str(path), column=name)
            keys = given.select([SUBSCRIBER_ID, OCCURRED_AT]).append_column("number", pa.array(np.arange(len(given))))
            connection.register("keys", keys)
            connection.register("zones", self._zones(connection))
            found = connection.sql(LOCAL_DAYS).to_arrow_table()
        _require(found["known"].to_numpy(zero_copy_only=False), "no such subscriber in the lake", path, SUBSCRIBER_ID)
        readable = pc.is_valid(found[LOCAL_DAY]).to_numpy(zero_copy_only=False)
        _require(readable, "not a timestamp", path, OCCURRED_AT)
        return given, found[LOCAL_DAY].to_numpy().astype(np.int64)

    def _zones(self, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """Time zone of every subscriber: its own, else that of its region, else the default."""
        people = self._people(connection)
        columns = [name for name in (SUBSCRIBER_ID, REGION, TIMEZONE) if name in people.columns]
        known = people.project(*columns).to_arrow_table()
        zones = {name: region.timezone for name, region in self.regions.items()}
        of_region = pa.array([zones.get(region, self.default_timezone) for region in known[REGION].to_pylist()])
        own = known[TIMEZONE] if TIMEZONE in columns else pa.nulls(len(known), pa.string())
        return pa.table({SUBSCRIBER_ID: known[SUBSCRIBER_ID], "zone": pc.coalesce(own, of_region)})

    def _people(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
        paths = self.lake.paths("subscribers")
        if not paths:
            raise NotEnoughData("the lake holds no subscribers; `mia ingest` loads them")
        return connection.read_parquet(paths, hive_partitioning=False)


def _require(holds: np.ndarray, rule: str, path: Path, column: str) -> None:
    broken = np.flatnonzero(~holds)
    if len(broken):
        raise InvalidInput(rule, file=str(path), row=int(broken[0]) + 1, column=column)


def _places(values: pa.ChunkedArray, known: list[str]) -> Ints:
    found = pc.fill_null(pc.index_in(values.cast(pa.string()), pa.array(known, pa.string())), -1)
    return np.asarray(found.to_numpy(), np.int64)


def _objects(values: pa.ChunkedArray) -> Objects:
    out = np.empty(len(values), object)
    out[:] = values.cast(pa.string()).to_pylist()
    return out
