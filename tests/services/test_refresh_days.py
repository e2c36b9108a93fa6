"""Which days profiles can be made of."""

from pathlib import Path

import pytest
from tests.fakes.profiles import append_usage

from mia.errors import InvalidInput, NotEnoughData
from mia.services.refresh import require_as_of
from mia.storage.lake import ParquetLake
from mia.timeline import day_of_text

FIRST, NEWEST = day_of_text("2021-05-30"), day_of_text("2021-06-09")


@pytest.fixture
def lake(tmp_path: Path) -> ParquetLake:
    made = ParquetLake(tmp_path)
    append_usage(made, [{"subscriber_id": "s", "kind": "sms", "local_day": day} for day in (NEWEST, FIRST)], "a")
    return made


@pytest.mark.parametrize("today", [NEWEST - 100, NEWEST, NEWEST + 30])
def test_days_after_the_first_usage_up_to_the_day_after_the_newest_or_tomorrow(lake: ParquetLake, today: int) -> None:
    last = max(NEWEST, today) + 1
    assert [require_as_of(lake, day, today=today) for day in (FIRST + 1, NEWEST, last)] == [FIRST + 1, NEWEST, last]
    assert require_as_of(lake, None, today=today) == NEWEST + 1
    for day, rule in (
        (FIRST, "must be after the first day of usage, 2021-05-30"),
        (last + 1, "must not be later than"),
    ):
        with pytest.raises(InvalidInput, match=f"column as_of.*{rule}"):
            require_as_of(lake, day, today=today)


def test_without_usage_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotEnoughData, match="mia ingest"):
        require_as_of(ParquetLake(tmp_path), None, today=NEWEST)
