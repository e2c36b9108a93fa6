"""Score pairs: acceptance of given (subscriber, offer, time) rows, each with what was known then."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.domain.policy import ArbitrationPolicy
from mia.errors import InvalidInput, NotEnoughData
from mia.frames import Floats, Ints, Objects
from mia.offers.catalogue import Catalogue
from mia.ports import Lake, LearningLog
from mia.ranking.arbitration import Arbitration
from mia.ranking.local_time import Zones
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import GIVEN, Context, build_pairs
from mia.ranking.point_in_time import BuildProfiles, PointInTime
from mia.ranking.rankers.base import Ranker
from mia.tables import (
    ACCEPTANCE,
    CHANNEL,
    EXPECTED_VALUE,
    LOCAL_DAY,
    OCCURRED_AT,
    OFFER_ID,
    PLACEMENT,
    REGION,
    SUBSCRIBER_ID,
    TIMEZONE,
)
from mia.timeline import DAY_SECONDS

Progress = Callable[[str, int, int], None]
CHUNK = 100_000
NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
NEEDED = (SUBSCRIBER_ID, OFFER_ID, OCCURRED_AT)
LOCAL_DAYS = f"""
    SELECT zones.zone IS NOT NULL AS known, epoch_us(moment) AS moment,
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
    ledger: LearningLog
    build_profiles: BuildProfiles
    connect: Callable[[], duckdb.DuckDBPyConnection]
    zones: Zones
    arbitration: ArbitrationPolicy

    def score(self, path: Path, progress: Progress | None = None) -> pa.Table:
        """The rows of `path` with acceptance and expected_value added (or replaced), in their order.

        Every row is scored with what was known at 00:00 of its local day, in the context that its columns `channel`,
        `placement` and `context_NAME` tell, at its local hour. Raises InvalidInput naming file, row and column for a
        missing column, an unreadable time or number, an unknown subscriber or an unknown offer.
        """
        given, days, moments = self._read(path)
        table = OfferTable.build(self.catalogue.offers)
        cols = _places(given[OFFER_ID], list(table.places))
        _require(cols >= 0, "no such offer in the catalogue", path, OFFER_ID)
        moment = PointInTime(table, self.ledger.events(), self.build_profiles)
        subscribers = _objects(given[SUBSCRIBER_ID])
        profiles, rows = moment.profiles(subscribers, days)
        rates, shown = moment.rates(profiles), _context(given, path)
        shown = replace(shown, numbers={**shown.numbers, **self.zones.clock(profiles, rows, moments)})
        order = np.argsort(rows, kind="stable")
        acceptance = np.zeros(len(given))
        for start in range(0, len(given), CHUNK):
            part = order[start : start + CHUNK]
            pairs = build_pairs(profiles, table, rates, rows[part], cols[part], shown.take(part))
            acceptance[part] = self.ranker.score(pairs)
            if progress:
                progress("scoring", min(start + CHUNK, len(given)), len(given))
        arbitration = Arbitration.build(self.arbitration, table)
        worth = arbitration.worth_of(acceptance, cols, shown.channel, shown.placement)
        kept = given.drop_columns([name for name in (ACCEPTANCE, EXPECTED_VALUE) if name in given.column_names])
        return kept.append_column(ACCEPTANCE, pa.array(acceptance)).append_column(EXPECTED_VALUE, pa.array(worth))

    def _read(self, path: Path) -> tuple[pa.Table, Ints, Ints]:
        """The rows of the file as they are, and the local day and the microseconds of each."""
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
        return given, *(found[name].to_numpy().astype(np.int64) for name in (LOCAL_DAY, "moment"))

    def _zones(self, connection: duckdb.DuckDBPyConnection) -> pa.Table:
        """Time zone of every subscriber: its own, else that of its region, else the default."""
        people = self._people(connection)
        columns = [name for name in (SUBSCRIBER_ID, REGION, TIMEZONE) if name in people.columns]
        known = people.project(*columns).to_arrow_table()
        zones = self.zones.regions
        of_region = pa.array([zones.get(region, self.zones.default) for region in known[REGION].to_pylist()])
        own = known[TIMEZONE] if TIMEZONE in columns else pa.nulls(len(known), pa.string())
        return pa.table({SUBSCRIBER_ID: known[SUBSCRIBER_ID], "zone": pc.coalesce(own, of_region)})

    def _people(self, connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
        paths = self.lake.paths("subscribers")
        if not paths:
            raise NotEnoughData("the lake holds no subscribers; `mia ingest` loads them")
        return connection.read_parquet(paths, hive_partitioning=False)


def _context(given: pa.Table, path: Path) -> Context:
    """Where the rows are shown, as far as their columns tell."""
    channel = _objects(given[CHANNEL]) if CHANNEL in given.column_names else np.full(len(given), None, object)
    placement = _objects(given[PLACEMENT]) if PLACEMENT in given.column_names else None
    numbers = {}
    for name in given.column_names:
        if name.startswith(GIVEN):
            found = _numbers(given[name])
            _require(
                pc.is_null(given[name], nan_is_null=True).to_numpy() | np.isfinite(found), "not a number", path, name
            )
            numbers[name] = found
    return Context(channel, np.ones(len(given)), placement, numbers)


def _numbers(values: pa.ChunkedArray) -> Floats:
    """As numbers, NaN for what is missing or none."""
    text = values.cast(pa.string())
    readable = pc.fill_null(pc.match_substring_regex(text, NUMBER), False)
    return np.asarray(pc.if_else(readable, text, None).cast(pa.float64()).to_numpy(), float)


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
