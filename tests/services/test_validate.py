"""The report on a lake: what it reads, what it leaves alone, and when there is nothing to report on."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.fakes.intake import NOW, SUBSCRIBER, USAGE, Operator
from tests.fakes.lake import AS_OF, DAYS, FIRST, LIMITS, iso, sound_lake
from tests.fakes.world import AS_OF as WORLD_DAY
from tests.fakes.world import World

from mia.bootstrap import open_workspace
from mia.errors import InvalidInput, NotEnoughData
from mia.quality.check import Status
from mia.quality.grid import history_days
from mia.quality.limits import Limits
from mia.quality.report import Report
from mia.services.validate import validate
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of_text


def values(report: Report) -> dict[str, float | None]:
    return {check.name: check.value for check in report.checks}


def test_only_the_days_that_are_judged_or_say_what_is_usual_are_read() -> None:
    lake = sound_lake()
    limits = replace(LIMITS, days=10, weeks=3)
    report = lake.validate(limits)
    usage, recent = lake.days_read
    assert usage == list(range(AS_OF - 10 - history_days(3), AS_OF))
    assert recent == list(range(AS_OF - 90, AS_OF))
    known = report.to_json()
    assert (known["first_day"], known["newest_day"], len(known["days"])) == (iso(90), iso(99), 10)


def test_days_from_as_of_on_do_not_exist_yet() -> None:
    lake = sound_lake()
    lake.usage["quantity"][lake.where("voice", days=[90])] *= 1_000
    then = lake.validate(as_of=FIRST + 90)
    lake.keep(~lake.where(days=range(90, DAYS)))
    assert values(then) == values(lake.validate(as_of=FIRST + 90))
    assert then.to_json()["newest_day"] == iso(89)


def test_a_fault_outside_of_the_judged_days_is_not_reported() -> None:
    lake = sound_lake()
    lake.keep(~lake.where(days=[40]))
    lake.usage["known_day"][lake.where(days=range(50))] += 5
    lake.usage["quantity"][lake.where("voice", days=[45])] *= 1e9
    report = lake.validate(replace(LIMITS, days=30))
    assert report.status is Status.PASS
    assert lake.validate().status is Status.FAIL


def test_figures_by_day_kind_and_region_add_up() -> None:
    lake = sound_lake()
    lake.keep(~lake.where("data", "Kurgan", days=[99]))
    known = lake.validate().to_json()
    assert known["records"] == len(lake.usage["kind"])
    for name in ("kinds", "regions", "kinds_in_regions", "days"):
        assert sum(row["records"] for row in known[name]) == known["records"]
    pair = next(row for row in known["kinds_in_regions"] if (row["kind"], row["region"]) == ("data", "Kurgan"))
    assert pair == {
        "kind": "data",
        "region": "Kurgan",
        "records": 60 * 99,
        "newest_usage": iso(98),
        "completeness": pytest.approx(29 / 30),
        "newest_arrival": iso(98),
    }
    day = known["days"][-1]
    assert (day["day"], day["kinds"]["data"], day["usual"]) == (iso(99), 60, 224.0)
    assert day["completeness"] == pytest.approx(day["records"] / 224)
    assert known["regions"][0]["silent_30_days"] == 0.0


def test_a_region_without_any_record_is_still_listed() -> None:
    lake = sound_lake()
    lake.keep(~lake.where(region="Rostov"))
    rostov = lake.validate().to_json()["regions"][1]
    assert (rostov["region"], rostov["records"], rostov["newest_usage"], rostov["silent_90_days"]) == (
        "Rostov",
        0,
        None,
        1.0,
    )


def test_progress_is_told_of_every_scan() -> None:
    lake, told = sound_lake(), []
    validate(lake, lake, LIMITS, as_of=AS_OF, progress=lambda *step: told.append(step))  # type: ignore[arg-type]
    assert told == [("validate", done, 5) for done in range(1, 6)]


def test_an_empty_lake_is_refused_by_what_is_missing(tmp_path: Path) -> None:
    empty, engine = ParquetLake(tmp_path), DuckDBEngine(threads=1)
    with pytest.raises(NotEnoughData, match="holds no subscribers; `mia ingest`"):
        validate(empty, engine, LIMITS, as_of=AS_OF)
    lake = sound_lake()
    lake.keep(lake.where(days=[-1]))
    with pytest.raises(NotEnoughData, match="holds no usage records"):
        lake.validate()
    with pytest.raises(
        InvalidInput, match="as_of: no usage in the 366 days before 2020-01-01; the lake holds 2021-01-01"
    ):
        sound_lake().validate(as_of=day_of_text("2020-01-01"))


# On what ingest leaves behind.


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path).begin()


def counts(operator: Operator) -> dict[str, Any]:
    return {note["file"]: note.get("counts") for note in operator.lake.noted("loads").values()}


def records(*rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**USAGE, "record_id": f"r{number}", **row} for number, row in enumerate(rows)]


def test_ingest_notes_what_became_of_the_rows_of_each_file(operator: Operator) -> None:
    good, broken, again = {}, {"quantity": "-1"}, {"record_id": "r0"}
    operator.write("usage/a.csv", *records(good, broken, good, again))
    operator.write("usage/b.csv", *records(again, {"record_id": "x"}))
    operator.load(operator.folder / "in" / "usage")
    found = counts(operator)
    assert found["a.csv"] == {"rows": 4, "accepted": 2, "duplicates": 1, "rejected": 1}
    assert found["b.csv"] == {"rows": 2, "accepted": 1, "duplicates": 1, "rejected": 0}
    assert found["subscribers.csv"] is None
    assert {note["at"] for note in operator.lake.noted("loads").values()} == {NOW}


def test_a_file_that_is_tried_again_does_not_turn_into_duplicates(operator: Operator) -> None:
    path = operator.write("usage.csv", *records({}, {"subscriber_id": "s2"}, {}, {"record_id": "r0"}, {}))
    operator.load(path)
    assert counts(operator)["usage.csv"] == {"rows": 5, "accepted": 3, "duplicates": 1, "rejected": 1}
    operator.load(path)
    assert counts(operator)["usage.csv"] == {"rows": 5, "accepted": 3, "duplicates": 1, "rejected": 1}
    operator.write("subscribers.csv", {**SUBSCRIBER, "subscriber_id": "s2"})
    operator.load(operator.folder / "in")
    assert counts(operator)["usage.csv"] == {"rows": 5, "accepted": 4, "duplicates": 1, "rejected": 0}


def test_shares_of_a_load_reach_the_report(operator: Operator) -> None:
    operator.load(operator.write("usage.csv", *records(*([{}] * 6), {"record_id": "r0"}, {"kind": "fax"})))
    limits = Limits(minimum_records=1)
    report = validate(operator.lake, DuckDBEngine(threads=1), limits, as_of=day_of_text("2021-07-04"))
    found = {check.name: check for check in report.checks}
    assert found["duplicate_rows"].value == found["rejected_rows"].value == 1 / 8
    assert str(found["rejected_rows"].examples[0]) == "2021-07-01, usage.csv: 1 rejected of 8 rows"
    assert found["newest_load"].value == 3.0
    assert found["newest_usage"].value == 32.0


def test_the_simulated_operator_is_sound(world: World) -> None:
    opened = open_workspace(world.settings(), clock=lambda: WORLD_DAY * DAY_SECONDS * MICROSECONDS)
    report = opened.validate()
    opened.close()
    assert report.status is Status.PASS, [str(check) for check in report.checks if check.status is not Status.PASS]
    known = report.to_json()
    assert (known["as_of"], known["newest_day"], known["subscribers"]) == ("2021-05-01", "2021-04-30", 250)
    assert {row["kind"] for row in known["kinds"]} == {"voice", "sms", "data", "content", "fee", "top_up"}
    assert orjson.loads(orjson.dumps(known)) == known
    assert [check["name"] for check in known["checks"] if check["status"] == "SKIP"] == []
