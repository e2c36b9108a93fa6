"""The simulated world as canonical tables, and parquet files whose bytes depend on nothing but their rows."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from mia.simulator import usage, visits
from mia.simulator.catalogue import OfferArrays
from mia.simulator.lifestyles import CHANNELS, DEVICE_CLASSES, LIFESTYLES
from mia.simulator.population import NEVER, REGION_NAMES, Population
from mia.simulator.scenario import ZONES, Clock
from mia.simulator.tariffs import DATA_MB, FEE, SMS, TARIFFS, VOICE_MINUTES
from mia.simulator.usage import Records
from mia.simulator.visits import FAR, Offered
from mia.timeline import DAY_SECONDS

_SUFFIXES = ("", "c", "k", "d", "x")  # of event ids, by kind
_DELTA_STRINGS = ("record_id", "event_id")
_DELTA_NUMBERS = ("occurred_at",)


class ParquetFile:
    """One parquet file, written table by table: zstd, no Arrow schema, ids and times as differences."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.rows = path, 0
        self._writer: Any = None

    def __enter__(self) -> "ParquetFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, table: pa.Table) -> None:
        """Append the rows of an Arrow table as one row group."""
        if self._writer is None:
            encodings = {name: "DELTA_BYTE_ARRAY" for name in _DELTA_STRINGS if name in table.column_names}
            encodings |= {name: "DELTA_BINARY_PACKED" for name in _DELTA_NUMBERS if name in table.column_names}
            self._writer = pq.ParquetWriter(
                self.path,
                table.schema,
                compression="zstd",
                compression_level=9,
                store_schema=False,
                use_dictionary=[name for name in table.column_names if name not in encodings],
                column_encoding=encodings,
            )
        self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self.rows += table.num_rows


def subscribers_table(people: Population) -> pa.Table:
    """The canonical table of subscribers, with the tariff and the device as further columns."""
    ends = np.concatenate([[0], np.cumsum(people.consent.sum(axis=1))])
    consent = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), _words(np.nonzero(people.consent)[1], CHANNELS))
    return pa.table(
        {
            "subscriber_id": _ids(people.number),
            "region": _words(people.region, REGION_NAMES),
            "activated_on": pa.array(people.activated.astype("datetime64[D]")),
            "tariff": _words(people.tariff, [tariff.name for tariff in TARIFFS]),
            "birth_year": people.born,
            "timezone": _words(np.where(people.moved, people.zone, usage.NONE), ZONES),
            "consent_channels": consent,
            "personalisation": people.personalisation,
            "tariff_fee": FEE[people.tariff],
            "tariff_data_mb": DATA_MB[people.tariff],
            "tariff_voice_minutes": VOICE_MINUTES[people.tariff],
            "tariff_sms": SMS[people.tariff],
            "device_class": _words(people.device_class, DEVICE_CLASSES),
            "device_age_months": people.device_age,
        }
    )


def traits_table(people: Population) -> pa.Table:
    """The hidden traits of the same people; `left_on` is null for who stays."""
    return pa.table(
        {
            "subscriber_id": _ids(people.number),
            "lifestyle": _words(people.lifestyle, [style.name for style in LIFESTYLES]),
            "left_on": pa.array(people.left.astype("datetime64[D]"), mask=people.left >= NEVER),
            "thrift": people.thrift.astype(np.float32),
            "family": people.family.astype(np.float32),
            "responsiveness": people.responsiveness.astype(np.float32),
            "data_mb_wanted": np.round(people.data_mb.mean(axis=1)),
            "voice_minutes_wanted": np.round(people.voice_minutes.mean(axis=1), 1),
            "national_trips_a_month": people.trips[:, 0].astype(np.float32),
            "international_trips_a_month": people.trips[:, 1].astype(np.float32),
        }
    )


def usage_table(people: Population, clock: Clock, records: Records, numbers: NDArray[np.int64]) -> pa.Table:
    """The canonical table of usage records; `numbers` count the records of each subscriber."""
    row = records.row
    return pa.table(
        {
            "subscriber_id": _ids(people.number).take(pa.array(row)),
            "occurred_at": _moments(clock.to_utc(people.zone[row], records.second)),
            "kind": _words(records.kind, usage.KINDS),
            "quantity": records.quantity,
            "charge": np.round(records.charge, 2),
            "record_id": _joined(people.number[row], "-", numbers),
            "direction": _words(records.direction, usage.DIRECTIONS),
            "on_net": pa.array(records.on_net == 1, mask=records.on_net == usage.NONE),
            "roaming": _words(records.roaming, usage.ROAMINGS),
            "category": _words(records.category, usage.CATEGORIES),
            "item": _words(records.item, usage.ITEMS),
        }
    )


def events_table(people: Population, offers: OfferArrays, clock: Clock, offered: Offered, end_day: int) -> pa.Table:
    """The canonical table of events up to `end_day`, by subscriber and time; only impressions have a propensity."""
    times = np.stack([offered.shown, offered.clicked, offered.connected, offered.declined, offered.disconnected])
    kind, place = np.nonzero(times < np.minimum(end_day, people.left[offered.row]) * DAY_SECONDS)
    second, row = times[kind, place], offered.row[place]
    order = np.lexsort((kind, offered.number[place], second, row))
    kind, place, second, row = kind[order], place[order], second[order], row[order]
    answered = kind != visits.IMPRESSION
    suffix = pa.array(_SUFFIXES).take(pa.array(kind))
    return pa.table(
        {
            "event_id": _joined(people.number[row], "-", offered.number[place], suffix),
            "occurred_at": _moments(clock.to_utc(people.zone[row], second)),
            "subscriber_id": _ids(people.number).take(pa.array(row)),
            "offer_id": _words(offered.offer[place], offers.ids),
            "kind": _words(kind, visits.KINDS),
            "channel": _words(offered.channel[place], CHANNELS),
            "decision_id": pa.nulls(len(row), pa.string()),
            "position": pa.array(offered.position[place], mask=answered),
            "propensity": pa.array(offered.propensity[place].astype(np.float64), mask=answered),
            "region": pa.nulls(len(row), pa.string()),
        }
    )


def truth_table(people: Population, offered: Offered) -> pa.Table:
    """Per impression the true probability of connection, and whether it led to one, be it after the last day."""
    order = np.lexsort((offered.number, offered.row))
    row = offered.row[order]
    return pa.table(
        {
            "event_id": _joined(people.number[row], "-", offered.number[order]),
            "acceptance": offered.acceptance[order].astype(np.float32),
            "connected": offered.connected[order] < FAR,
        }
    )


def _ids(numbers: NDArray[np.int64]) -> pa.Array:
    padded = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=7, padding="0")
    return pc.binary_join_element_wise(pa.scalar("s"), padded, "")


def _joined(numbers: NDArray[np.int64], separator: str, ordinals: NDArray[np.int64], *suffix: pa.Array) -> pa.Array:
    left, right = pc.cast(pa.array(numbers), pa.string()), pc.cast(pa.array(ordinals), pa.string())
    joined = pc.binary_join_element_wise(left, right, separator)
    return pc.binary_join_element_wise(joined, *suffix, "") if suffix else joined


def _words(codes: NDArray[Any], words: Sequence[str]) -> pa.Array:
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.array(words, pa.string()).take(indices)


def _moments(seconds: NDArray[np.int64]) -> pa.Array:
    return pa.array(seconds * 1_000).cast(pa.timestamp("ms", tz="UTC"))
