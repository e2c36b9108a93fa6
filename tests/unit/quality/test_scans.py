"""What is counted of usage and subscribers, on rows few enough to count by hand."""

from datetime import date
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from mia.quality.scans import count_amended, count_cells, count_people, count_tariffs, measure_values
from mia.storage.engine import DuckDBEngine, Session

ENGINE = DuckDBEngine(threads=1)
RECORD = {
    "subscriber_id": "s1",
    "local_day": 100,
    "known_day": 100,
    "sign": 1,
    "version": 1,
    "kind": "data",
    "quantity": 1.0,
    "charge": 0.0,
    "category": "video",
    "record_id": "r",
}
SCHEMA = pa.schema(
    [(name, pa.string() if isinstance(value, str) else pa.scalar(value).type) for name, value in RECORD.items()]
)
PEOPLE = pa.table(
    {
        "subscriber_id": ["s1", "s2", "s3"],
        "region": ["Kurgan", "Kurgan", None],
        "activated_on": pa.array([date(1970, 1, 1), date(1970, 4, 12), date(1970, 1, 1)]),
        "tariff": ["a", " ", "a"],
        "tariff_sms": [1, 2, None],
    }
)


def usage_of(session: Session, *rows: dict[str, Any]) -> ibis.Table:
    return session.table(pa.Table.from_pylist([{**RECORD, **row} for row in rows], SCHEMA))


def cells(*rows: dict[str, Any], late_after: int = 0) -> dict[tuple[Any, ...], dict[str, Any]]:
    with ENGINE.open() as session:
        counted = count_cells(usage_of(session, *rows), session.table(PEOPLE), late_after=late_after)
        found = session.fetch(counted).to_pylist()
    return {(row["local_day"], row["kind"], row["region"]): row for row in found}


def test_records_are_counted_by_day_kind_and_region() -> None:
    found = cells({}, {}, {"subscriber_id": "s3"}, {"subscriber_id": "gone"}, {"kind": "sms"}, {"local_day": 99})
    assert {place: row["records"] for place, row in found.items()} == {
        (100, "data", "Kurgan"): 2,
        (100, "data", "(unknown)"): 2,
        (100, "sms", "Kurgan"): 1,
        (99, "data", "Kurgan"): 1,
    }


def test_lateness_is_counted_of_first_versions_by_how_late_they_are() -> None:
    delays = [0, 1, 2, 7, 8, 40]
    later = {"known_day": 140, "version": 2}
    rows = [{"known_day": 100 + days} for days in delays]
    (row,) = cells(*rows, later, {**later, "version": 1, "sign": -1}, {"sign": 0, "known_day": 120}).values()
    assert (row["records"], row["arrived"], row["late"]) == (6, 6, 5)
    assert [row[f"delayed_{days}"] for days in (1, 2, 8, 31)] == [5, 4, 2, 1]
    assert row["newest_known"] == 140
    (row,) = cells(*rows, late_after=7).values()
    assert row["late"] == 2


def test_what_is_nameless_or_before_the_contract_is_counted_once_corrections_are_taken_in() -> None:
    early = {"subscriber_id": "s2"}
    found = cells(
        {"category": None},
        {"category": " ", "sign": -1},
        {"category": ""},
        early,
        {**early, "local_day": 101},
        {**early, "local_day": 99},
        {**early, "local_day": 99, "sign": -1},
    )
    assert {place[0]: (row["nameless"], row["early"], row["early_subscriber"]) for place, row in found.items()} == {
        100: (1, 1, "s2"),
        101: (0, 0, None),
        99: (0, 0, "s2"),
    }


def test_what_was_taken_back_is_corrected_if_it_counts_again_and_else_withdrawn() -> None:
    taken, again = {"sign": -1, "known_day": 105}, {"version": 2, "known_day": 105}
    moved = {"record_id": "m"}
    with ENGINE.open() as session:
        usage = usage_of(
            session,
            {"record_id": "untouched"},
            {"record_id": "w"},
            {"record_id": "w", **taken},
            {"record_id": "c", "kind": "sms"},
            {"record_id": "c", "kind": "sms", **taken},
            {"record_id": "c", "kind": "sms", **again},
            moved,
            {**moved, **taken},
            {**moved, **again, "local_day": 101},
        )
        found = session.fetch(count_amended(usage)).to_pylist()
    places = {(row["local_day"], row["kind"]): (row["corrected"], row["withdrawn"]) for row in found}
    assert places == {(100, "data"): (1, 1), (100, "sms"): (1, 0)}


def test_values_above_zero_have_quantiles_and_an_owner_of_the_largest() -> None:
    rows = [{"quantity": float(number), "charge": 0.0} for number in range(101)]
    rows += [{"quantity": 5_000.0, "subscriber_id": "s2"}, {"quantity": 9e9, "sign": -1}]
    with ENGINE.open() as session:
        (row,) = session.fetch(measure_values(usage_of(session, *rows))).to_pylist()
    assert row["quantity_count"] == 101
    assert row["quantity_quantiles"][0] == pytest.approx(51, rel=0.05)
    assert (row["quantity_largest"], row["quantity_subscriber"]) == (5_000.0, "s2")
    assert (row["charge_count"], row["charge_largest"]) == (0, None)


def test_who_was_active_in_a_window_is_not_silent_in_it() -> None:
    """Many at once, each in a region of its own: what each did decides, whatever it was and whenever."""
    rng = np.random.default_rng(5)
    kinds = rng.choice(["voice", "fee", "top_up"], (60, 3))
    days, begun = rng.integers(0, 125, (60, 3)), rng.integers(0, 125, 60)
    names = [f"p{number}" for number in range(60)]
    rows = [
        {"subscriber_id": name, "local_day": int(day), "kind": kind, "sign": sign}
        for name, mine, these in zip(names, days, kinds, strict=True)
        for day, kind, sign in zip(mine, these, (1, 1, 0), strict=True)
    ]
    people = pa.table(
        {
            "subscriber_id": names,
            "region": names,
            "activated_on": pa.array(begun.tolist(), pa.int32()).cast(pa.date32()),
        }
    )
    with ENGINE.open() as session:
        counted = count_people(usage_of(session, *rows), session.table(people), as_of=110)
        found = {row["region"]: row for row in session.fetch(counted).to_pylist()}
    for name, mine, these, first in zip(names, days, kinds, begun, strict=True):
        active = [day for day, kind in zip(mine[:2], these[:2], strict=True) if kind == "voice" and day < 110]
        row = found[name]
        assert row["begun"] == int(first < 110)
        for window in (30, 90):
            asked = first <= 110 - window
            silent = asked and not any(day >= 110 - window for day in active)
            assert (row[f"begun_{window}"], row[f"silent_{window}"]) == (int(asked), int(silent))
            assert row[f"silent_{window}_subscriber"] == (name if silent else None)
    assert sum(row["silent_30"] for row in found.values()) > sum(row["silent_90"] for row in found.values()) > 0


def test_tariffs_and_the_allowances_that_there_are() -> None:
    with ENGINE.open() as session:
        found = {
            name: session.fetch(count_tariffs(session.table(PEOPLE), names)).to_pylist()
            for name, names in (("some", ["tariff_sms", "tariff_data_mb"]), ("none", ["tariff_data_mb"]))
        }
    some = {row["tariff"]: (row["subscribers"], row["lacking"], row["lacking_subscriber"]) for row in found["some"]}
    assert some == {"a": (2, 1, "s3"), None: (1, 0, None)}
    assert [row["lacking"] for row in found["none"]] == [0, 0]
