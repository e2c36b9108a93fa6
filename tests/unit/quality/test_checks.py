"""Every check, in a sound lake and with faults that make it warn and fail."""

from dataclasses import fields, replace
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from tests.fakes.lake import AS_OF, DAYS, LIMITS, PEOPLE, PlantedLake, a_load, iso, sound_lake

from mia.quality.check import Check, Status
from mia.quality.checks import RULES
from mia.quality.limits import Limit, Limits
from mia.quality.report import Report
from mia.timeline import EPOCH


@pytest.fixture(scope="module")
def sound() -> Report:
    return sound_lake().validate()


def check_of(report: Report, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def test_there_is_a_check_for_every_limit_and_a_limit_for_every_check() -> None:
    assert list(RULES) == [field.name for field in fields(Limits) if isinstance(field.default, Limit)]


@pytest.mark.parametrize("name", RULES)
def test_a_sound_lake_passes(sound: Report, name: str) -> None:
    check = check_of(sound, name)
    assert (check.status, check.examples) == (Status.PASS, ())
    assert check.value is not None


def stop(lake: PlantedLake, days: int, kind: str | None = None, region: str | None = None) -> None:
    lake.keep(~lake.where(kind, region, range(DAYS - days, DAYS)))


def lose(lake: PlantedLake, days: list[int], kind: str | None = None, region: str | None = None) -> None:
    lake.keep(~lake.where(kind, region, days))


def thin(lake: PlantedLake, left: int) -> None:
    chosen = np.flatnonzero(lake.where("data", "Kurgan", [60]))
    kept = np.ones(len(lake.usage["kind"]), bool)
    kept[chosen[left:]] = False
    lake.keep(kept)


def swell(lake: PlantedLake, times: int) -> None:
    lake.repeat(lake.where("data", "Kurgan", [60]), times - 1)


def silence(lake: PlantedLake, number: int, days: int) -> None:
    """The first subscribers of Kurgan hand their latest records to the last one."""
    last = lake.where(region="Kurgan", days=range(DAYS - days, DAYS)) & (lake.usage["kind"] != "top_up")
    whose = lake.usage["subscriber_id"]
    lake.usage["subscriber_id"] = np.where(last & (whose < f"K{number:02d}"), f"K{PEOPLE - 1}", whose)


def load(lake: PlantedLake, **given: int) -> None:
    lake.loads["k3"] = a_load("bad.csv", 500, **given)


def load_at(lake: PlantedLake, days_ago: int) -> None:
    lake.loads = {"k1": a_load("old.csv", 500, day=AS_OF - days_ago)}


def delay(lake: PlantedLake, every: int) -> None:
    lake.usage["known_day"][::every] += 3


def correct(lake: PlantedLake, every: int) -> None:
    chosen = np.arange(len(lake.usage["kind"])) % every == 0
    later = lake.usage["known_day"].max()
    lake.repeat(chosen, sign=-1, known_day=later)
    chosen = np.append(chosen, np.zeros(chosen.sum(), bool))
    lake.repeat(chosen, version=2, known_day=later)


def withdraw(lake: PlantedLake, every: int) -> None:
    lake.repeat(np.arange(len(lake.usage["kind"])) % every == 0, sign=-1)


def unname(lake: PlantedLake, every: int) -> None:
    chosen = np.flatnonzero(lake.where("data"))[::every]
    lake.usage["category"][chosen] = np.where(chosen % 2, " ", None)


def activate(lake: PlantedLake, day: int) -> None:
    lake.people["activated_on"][3] = EPOCH + timedelta(days=AS_OF - DAYS + day)


def scale(lake: PlantedLake, factor: float) -> None:
    lake.usage["quantity"][lake.where("voice", days=[60])] *= factor


def explode(lake: PlantedLake, factor: float) -> None:
    lake.usage["quantity"][np.flatnonzero(lake.where("voice", days=[60]))[7]] *= factor


def forget(lake: PlantedLake, column: str, number: int) -> None:
    lake.people[column][:number] = [None] * number


PLANTED: dict[str, Any] = {
    "newest_usage": (partial(stop, days=2), partial(stop, days=4), "the newest day with usage"),
    "lagging_kind_region": (
        partial(stop, days=3, kind="content", region="Rostov"),
        partial(stop, days=8, kind="content", region="Rostov"),
        "content, Rostov: the newest of it",
    ),
    "newest_load": (partial(load_at, days_ago=2), partial(load_at, days_ago=4), "old.csv"),
    "missing_days": (partial(lose, days=[60]), partial(lose, days=[60, 70, 71]), f"{iso(60)}: no record at all"),
    "missing_cells": (
        partial(lose, days=[60], kind="content", region="Rostov"),
        partial(lose, days=list(range(40, 90, 6)), kind="content", region="Rostov"),
        "content, Rostov: none, usually 12",
    ),
    "sudden_drop": (partial(thin, left=24), partial(thin, left=6), f"{iso(60)}, data, Kurgan: "),
    "sudden_rise": (partial(swell, times=4), partial(swell, times=12), f"{iso(60)}, data, Kurgan: "),
    "silent_30_days": (
        partial(silence, number=6, days=30),
        partial(silence, number=12, days=30),
        "Kurgan, K00: ",
    ),
    "silent_90_days": (partial(silence, number=3, days=90), partial(silence, number=8, days=90), "Kurgan, K00: "),
    "duplicate_rows": (partial(load, duplicates=20), partial(load, duplicates=200), "bad.csv: "),
    "rejected_rows": (partial(load, rejected=20), partial(load, rejected=200), "bad.csv: "),
    "late_records": (partial(delay, every=10), partial(delay, every=3), "records arrived late"),
    "corrected_records": (partial(correct, every=20), partial(correct, every=5), "records corrected"),
    "withdrawn_records": (partial(withdraw, every=50), partial(withdraw, every=15), "records withdrawn"),
    "unknown_category": (partial(unname, every=20), partial(unname, every=3), "data, "),
    "before_activation": (partial(activate, day=1), partial(activate, day=95), "K03: "),
    "value_jump": (partial(scale, factor=5), partial(scale, factor=1_000), f"{iso(60)}, voice: "),
    "extreme_value": (partial(explode, factor=4_000), partial(explode, factor=1e7), f"{iso(60)}, voice, "),
    "no_tariff": (partial(forget, column="tariff", number=2), partial(forget, column="tariff", number=8), "K00: one"),
    "no_allowance": (
        partial(forget, column="tariff_sms", number=2),
        partial(forget, column="tariff_sms", number=8),
        "start, K00: ",
    ),
}

# Faults that leave each other alone lie in one lake.
LAKES = (
    "newest_usage sudden_drop silent_30_days duplicate_rows late_records unknown_category extreme_value no_tariff",
    "lagging_kind_region sudden_rise silent_90_days rejected_rows corrected_records before_activation value_jump "
    "no_allowance",
    "missing_days withdrawn_records",
    "missing_cells newest_load",
)


@cache
def planted(name: str, place: int) -> Report:
    """The report on the lake with the faults of this check, mild (0) or grave (1), and those beside them."""
    lake = sound_lake()
    for each in next(names.split() for names in LAKES if name in names.split()):
        PLANTED[each][place](lake)
    return lake.validate()


def test_every_check_has_faults_planted() -> None:
    assert set(PLANTED) == set(RULES)


@pytest.mark.parametrize(("place", "status"), [(0, Status.WARN), (1, Status.FAIL)])
@pytest.mark.parametrize("name", RULES)
def test_a_fault_is_found_where_it_lies_and_by_how_bad_it_is(name: str, place: int, status: Status) -> None:
    check = check_of(planted(name, place), name)
    assert check.status is status, (check.value, check.note)
    assert check.examples
    assert len(check.examples) <= LIMITS.examples
    assert any(PLANTED[name][2] in str(example) for example in check.examples), list(map(str, check.examples))


def value(lake: PlantedLake, name: str, limits: Limits = LIMITS, as_of: int = AS_OF) -> float | None:
    return check_of(lake.validate(limits, as_of), name).value


def test_values_are_what_was_planted() -> None:
    lake = sound_lake()
    thin(lake, left=24)
    explode(lake, factor=1e4)
    unname(lake, every=20)
    forget(lake, "tariff_sms", 4)
    report = lake.validate()
    found = {name: check_of(report, name).value for name in RULES}
    assert found["sudden_drop"] == pytest.approx(0.6)
    assert found["extreme_value"] == pytest.approx(1e4 * 1.2 / 1.5, rel=0.02)
    assert found["unknown_category"] == pytest.approx(0.05, abs=0.001)
    assert found["no_allowance"] == 0.1
    drop = check_of(report, "sudden_drop").examples[0]
    assert drop.to_json() == {
        "day": iso(60),
        "kind": "data",
        "region": "Kurgan",
        "found": "24 records, usually 60",
        "value": pytest.approx(0.6),
    }


def test_pay_days_are_neither_drops_nor_rises(sound: Report) -> None:
    """Top-ups are four times as many every second week: the weekday tells nothing of them, the month does."""
    assert check_of(sound, "sudden_drop").value == pytest.approx(0.0, abs=0.3)
    lake = sound_lake()
    lake.keep(~lake.where("top_up", days=range(76, 100)))
    check = check_of(lake.validate(), "sudden_drop")
    assert check.status is Status.FAIL
    assert "top_up" in str(check.examples[0])
    assert "a day over 28 days" in str(check.examples[0])


def test_a_week_of_outage_does_not_hide_the_next() -> None:
    lake = sound_lake()
    lose(lake, [60, 67, 74], kind="data")
    check = check_of(lake.validate(), "missing_cells")
    assert sum("data" in str(example) for example in check.examples) == LIMITS.examples
    assert check.note.startswith("9 of ")


def test_small_volumes_and_regions_are_not_judged() -> None:
    lake = sound_lake()
    thin(lake, left=6)
    silence(lake, number=12, days=30)
    limits = replace(LIMITS, minimum_records=150, minimum_subscribers=50)
    report = lake.validate(limits)
    assert check_of(report, "sudden_drop").status is Status.SKIP
    assert check_of(report, "missing_cells").status is Status.SKIP
    assert check_of(report, "lagging_kind_region").status is Status.SKIP
    assert check_of(report, "value_jump").status is Status.SKIP
    assert check_of(report, "extreme_value").status is Status.SKIP
    assert check_of(report, "silent_30_days").value == 12 / 40


def test_what_cannot_be_judged_is_skipped_and_says_so() -> None:
    lake = sound_lake()
    lake.keep(lake.where(days=range(20)))
    lake.loads = {"k1": {"load": "x", "file": "usage.csv", "table": "usage", "open": False}}
    lake.usage["category"][:] = None
    lake.people["tariff"] = [None] * len(lake.people["tariff"])
    report = lake.validate(as_of=AS_OF - DAYS + 20)
    skipped = {check.name: check.note for check in report.checks if check.status is Status.SKIP}
    assert set(skipped) == {
        "newest_load",
        "missing_cells",
        "sudden_drop",
        "sudden_rise",
        "silent_30_days",
        "silent_90_days",
        "duplicate_rows",
        "rejected_rows",
        "unknown_category",
        "value_jump",
        "no_tariff",
        "no_allowance",
    }
    assert all(skipped.values())
    assert report.status is Status.PASS


def test_nobody_is_silent_before_being_there_long_enough() -> None:
    lake = sound_lake()
    silence(lake, number=12, days=30)
    lake.people["activated_on"][:12] = [EPOCH + timedelta(days=AS_OF - 20)] * 12
    assert value(lake, "silent_30_days") == 0.0
    lake.people["activated_on"] = [date(2030, 1, 1)] * len(lake.people["activated_on"])
    check = check_of(lake.validate(), "silent_30_days")
    assert (check.status, check.note) == (Status.SKIP, "nobody has been a subscriber for 30 days")


def test_days_of_grace_are_not_late() -> None:
    lake = sound_lake()
    delay(lake, every=2)
    assert value(lake, "late_records") == pytest.approx(0.5, abs=1e-4)
    assert value(lake, "late_records", replace(LIMITS, late_after_days=3)) == 0.0


def test_a_correction_is_no_withdrawal_and_a_corrected_record_counts_once() -> None:
    lake = sound_lake()
    before = len(lake.usage["kind"])
    correct(lake, every=10)
    report = lake.validate()
    assert check_of(report, "withdrawn_records").value == 0.0
    assert check_of(report, "corrected_records").value == pytest.approx(0.1, abs=1e-3)
    assert report.to_json()["records"] == before


def test_a_bad_first_file_is_not_hidden_by_many_good_ones() -> None:
    lake = sound_lake()
    load(lake, duplicates=200)
    lake.loads |= {f"good{number}": a_load(f"good{number}.csv", 100_000) for number in range(5)}
    assert value(lake, "duplicate_rows") == 0.4


@pytest.mark.parametrize(
    ("given", "named"),
    [({"days": 0}, "days"), ({"weeks": 2}, "weeks"), ({"examples": -1}, "examples"), ({"minimum_records": 0}, "mini")],
)
def test_limits_that_cannot_be_are_refused(given: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Limits(**given)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="warn <= fail"):
        Limit(2, 1)
