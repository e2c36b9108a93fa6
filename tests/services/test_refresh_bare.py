"""Profiles of records that name neither category nor item."""

from datetime import date
from pathlib import Path

from tests.fakes.intake import USAGE, Operator

from mia.services.refresh import ProfileBuilder
from mia.storage.engine import DuckDBEngine
from mia.timeline import day_of


def test_records_without_category_and_item_have_profiles(tmp_path: Path) -> None:
    operator = Operator(tmp_path).begin()
    operator.load(operator.write("usage.csv", USAGE))
    builder = ProfileBuilder(operator.lake, operator.ledger, DuckDBEngine(threads=1))
    assert builder.fold() == 1
    profiles = builder.profiles((), as_of=day_of(date(2021, 6, 2)))
    minutes = profiles.column("voice_minutes_7d")
    assert minutes is not None
    assert (profiles.subscriber_ids.tolist(), minutes.tolist()) == (["s1"], [1.0])
    assert len(profiles.usage.codes) == 0
