"""A training row and a snapshot see what had happened and arrived before their day, and nothing of another contract."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ibis.expr.types import NumericValue, Table
from tests.fakes.frames import OFFERS
from tests.fakes.ledger import FakeLedger
from tests.fakes.profiles import append_subscribers, append_usage

from mia.domain.event import Event, EventKind
from mia.frames import Profiles
from mia.profiles.exact import QUANTITY_GRAINS
from mia.ranking.local_time import Zones
from mia.services.refresh import ProfileBuilder
from mia.services.refresh.sums import WindowSums
from mia.services.train.examples import build_examples
from mia.storage.engine import DuckDBEngine, Session
from mia.storage.lake import ParquetLake
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = 18_800
MICROS = DAY_SECONDS * MICROSECONDS
CALL = {"subscriber_id": "s1", "kind": "voice", "quantity": 60.0, "charge": 1.0, "item": "plain"}
LATE = {**CALL, "local_day": DAY - 3, "known_day": DAY, "quantity": 600.0, "category": "films", "item": "late"}
Leak = Callable[[Table], NumericValue]


class LeakyEngine:
    """The engine, but the day on which records were known is read wrongly from every table that has one."""

    def __init__(self, leak: Leak) -> None:
        self.leak = leak

    def open(self) -> Session:
        session = DuckDBEngine(threads=1).open()
        honest = session.read

        def read(paths: Sequence[str]) -> Table:
            table = honest(paths)
            return table.mutate(known_day=self.leak(table)) if "known_day" in table.columns else table

        session.read = read
        return session


LEAKS: dict[str, Leak] = {
    "arrival is left out of account": lambda table: table["local_day"],
    "known by the end of the day instead of before it": lambda table: table["known_day"] - 1,
}


def impression(number: int, day: int) -> Event:
    at = day * MICROS + MICROS // 2
    return Event(f"e{number}", at, "s1", OFFERS[0].id, EventKind.IMPRESSION, "app", day, "mia", "Kurgan", "Urals")


@pytest.fixture
def builder(tmp_path: Path) -> ProfileBuilder:
    """A call of a minute known at once, one of ten minutes known three days later, an impression then and a day on."""
    lake, ledger = ParquetLake(tmp_path / "lake"), FakeLedger()
    append_subscribers(lake, ["s1", "s2"])
    append_usage(lake, [{**CALL, "local_day": DAY - 5}, LATE], "usage")
    ledger.append_events([impression(1, DAY), impression(2, DAY + 1)])
    honest = ProfileBuilder(lake, ledger, DuckDBEngine(threads=1))
    honest.fold()
    return honest


def minutes_and_keys(profiles: Profiles, row: int) -> tuple[float, list[str]]:
    """What a profile says of the last week's calls, and which categories and items it has."""
    keys = profiles.usage.take(np.asarray([row]))
    minutes = profiles.column("voice_minutes_7d")
    assert minutes is not None
    return float(minutes[row]), sorted(keys.vocabulary[keys.codes].tolist())


def in_training(builder: ProfileBuilder) -> list[Any]:
    """What the rows of both impressions know."""
    examples = build_examples(
        builder.ledger, builder.of_spine, OFFERS, zones=Zones({}, "UTC"), attribution_days=1, until=(DAY + 9) * MICROS
    )
    assert examples.impressions.local_day.tolist() == [DAY, DAY + 1]
    return [minutes_and_keys(examples.pairs.profiles, row) for row in examples.pairs.rows]


def in_sums(builder: ProfileBuilder) -> list[Any]:
    """What the sums that the snapshots of both days are made of know of the subscriber."""
    found = []
    for day in (DAY, DAY + 1):
        WindowSums(builder.lake, builder.engine).bring(day)
        windows, keys = (pq.read_table(builder.lake.paths(name, [day])) for name in ("window_sums", "key_sums"))
        (seconds,) = windows["quantity_7d_voice"].to_pylist()
        found.append((seconds / QUANTITY_GRAINS / 60, sorted(keys["key"].to_pylist())))
    return found


def check(found: list[Any]) -> None:
    assert found == [(1.0, ["item:plain"]), (11.0, ["category:films", "item:late", "item:plain"])]


@pytest.mark.parametrize("known", [in_training, in_sums])
def test_what_arrived_on_the_day_or_later_is_not_known(
    builder: ProfileBuilder, known: Callable[[ProfileBuilder], list[Any]]
) -> None:
    check(known(builder))


@pytest.mark.parametrize("known", [in_training, in_sums])
@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_does_not_pass_that_check(
    builder: ProfileBuilder, leak: str, known: Callable[[ProfileBuilder], list[Any]]
) -> None:
    found = known(ProfileBuilder(builder.lake, builder.ledger, LeakyEngine(LEAKS[leak])))
    assert found[0][0] == 11.0
    with pytest.raises(AssertionError):
        check(found)


def test_what_was_taken_back_is_known_until_then(builder: ProfileBuilder) -> None:
    append_usage(builder.lake, [{**CALL, "local_day": DAY - 5, "known_day": DAY, "sign": -1}], "withdrawn")
    builder.fold()
    assert in_training(builder) == [(1.0, ["item:plain"]), (10.0, ["category:films", "item:late"])]


def test_a_number_that_was_handed_on_brings_no_history_along(builder: ProfileBuilder) -> None:
    # One number, two contracts: s1 until the day before, s2 since; what is still billed to s1 stays with s1.
    append_usage(builder.lake, [{**CALL, "local_day": DAY - 9, "known_day": DAY + 1, "quantity": 6e4}], "still billed")
    builder.ledger.append_events([impression(3, DAY - 1)])
    builder.fold()
    spine = pa.table({"subscriber_id": ["s1", "s2", "nobody"], "as_of": [DAY + 2] * 3})
    profiles = builder.of_spine(OFFERS, spine)
    nobody, first, second = range(3)
    assert profiles.subscriber_ids.tolist() == ["nobody", "s1", "s2"]
    tenure = profiles.names.index("tenure_days")
    with_history, without = np.delete(profiles.numeric, tenure, axis=1)[[first, second]]
    assert np.array_equal(without, np.delete(profiles.numeric, tenure, axis=1)[nobody], equal_nan=True)
    assert not np.array_equal(with_history, without, equal_nan=True)
    assert np.diff(profiles.usage.indptr).tolist() == [0, 3, 0]
    assert np.diff(profiles.responses.indptr).tolist() == [0, 2, 0]
