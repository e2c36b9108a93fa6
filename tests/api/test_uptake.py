"""GET /v1/uptake."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.fakes.door import MACRO_REGIONS, MONTHS, Door, build_history, open_door

from mia.domain.event import EventKind

COLUMNS = [
    "month",
    "group",
    "impressions",
    "clicks",
    "connections",
    "disconnections",
    "cumulative",
    "index",
    "growth_percent",
    "complete",
    "net_active",
    "since_baseline",
    "since_baseline_index",
    "since_baseline_growth_percent",
    "active_subscribers",
    "per_1000_active",
    "matured_impressions",
    "accepted_impressions",
    "acceptance_percent",
    "small_base",
]


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        opened.fill()
        yield opened


def test_rows_by_month_and_group(door: Door) -> None:
    body = door.get("/v1/uptake?baseline=2021-01&by=macro_region", key="uptake").json()
    assert (body["baseline"], body["by"]) == ("2021-01", "macro_region")
    assert [row["month"] for row in body["rows"]] == [month for month in MONTHS for _ in range(8)]
    assert {row["group"] for row in body["rows"]} == {None, *MACRO_REGIONS}
    assert list(body["rows"][0]) == COLUMNS
    urals = [row for row in body["rows"] if row["group"] == "Urals"]
    assert (urals[0]["index"], urals[0]["complete"], urals[-1]["complete"]) == (1.0, True, False)
    assert urals[-1]["cumulative"] == sum(row["connections"] for row in urals)


def test_without_a_dimension_it_is_the_total(door: Door) -> None:
    body = door.get("/v1/uptake?baseline=2021-01&by=&from=&to=", key="uptake").json()
    assert body == door.get("/v1/uptake", key="uptake").json()
    assert [row["month"] for row in body["rows"]] == list(MONTHS)
    assert {row["group"] for row in body["rows"]} == {"total"}


def test_window_leaves_the_cumulative_figures_as_they_are(door: Door) -> None:
    whole = door.get("/v1/uptake?by=arm", key="uptake").json()["rows"]
    part = door.get("/v1/uptake?by=arm&from=2021-02&to=2021-03", key="uptake").json()["rows"]
    assert part == [row for row in whole if row["month"] in ("2021-02", "2021-03")]


def test_empty_ledger_has_no_rows() -> None:
    with open_door() as door:
        answer = door.get("/v1/uptake?baseline=2021-01&by=region", key="uptake")
        assert answer.json() == {"baseline": "2021-01", "by": "region", "grain": "month", "rows": []}
        text = door.get("/v1/uptake", key="uptake", headers={"Accept": "text/csv"}).text
        assert text.strip().replace('"', "").split(",") == COLUMNS


def test_csv_carries_the_same_rows(door: Door) -> None:
    rows = door.get("/v1/uptake?by=region", key="uptake").json()["rows"]
    answer = door.get("/v1/uptake?by=region", key="uptake", headers={"Accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["vary"] == "Accept"
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["group"], row["cumulative"]) for row in table] == [
        (row["group"] or "(unknown)", str(row["cumulative"])) for row in rows
    ]
    assert "(unknown)" in {row["group"] for row in table}
    assert list(table[0]) == COLUMNS


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("baseline=2021-13", "baseline"),
        ("baseline=now", "baseline"),
        ("baseline=2019-12", "baseline"),
        ("by=colour", "by"),
        ("from=2021", "from"),
        ("from=2021-05&to=2021-02", "from"),
        ("by=region,region", "by"),
        ("grain=year", "grain"),
        ("start=2021-05", "start"),
        ("Baseline=2021-01", "Baseline"),
    ],
)
def test_malformed_queries_are_422_and_name_the_parameter(door: Door, query: str, parameter: str) -> None:
    answer = door.get(f"/v1/uptake?{query}", key="uptake")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == parameter


def test_refusals_say_what_a_parameter_may_be(door: Door) -> None:
    assert door.get("/v1/uptake?baseline=soon", key="uptake").json()["errors"] == [
        {"detail": "must be a month such as 2021-01", "parameter": "baseline"}
    ]
    unknown = door.get("/v1/uptake?start=2021-05", key="uptake").json()["detail"]
    assert unknown == (
        "parameter start: there is no such parameter; there are baseline, by, from, to, "
        "grain, region, macro_region, category, offer, channel, arm"
    )


def test_two_dimensions_grains_and_filters(door: Door) -> None:
    rows = door.get("/v1/uptake?by=region,arm&grain=week&macro_region=Urals", key="uptake").json()["rows"]
    assert list(rows[0])[:3] == ["week", "group", "subgroup"]
    assert {row["group"] for row in rows} == {"Land 0"}
    total = door.get("/v1/uptake?macro_region=Urals&channel=", key="uptake").json()["rows"]
    assert sum(row["connections"] for row in rows) == total[-1]["cumulative"]
    both = door.get("/v1/uptake?macro_region=Urals&macro_region=South&arm=mia", key="uptake").json()["rows"]
    each = [
        door.get(f"/v1/uptake?macro_region={name}&arm=mia", key="uptake").json()["rows"] for name in ("Urals", "South")
    ]
    assert both[-1]["cumulative"] == sum(rows[-1]["cumulative"] for rows in each)
    unknown = door.get("/v1/uptake?region=(unknown)&by=region", key="uptake").json()["rows"]
    assert {row["group"] for row in unknown} == {None}
    nobody = door.get("/v1/uptake?region=Atlantis", key="uptake").json()["rows"]
    assert {row["cumulative"] for row in nobody} == {0}


def test_what_changed_since_it_was_published_is_listed() -> None:
    with open_door() as door:
        door.fill()
        assert door.get("/v1/uptake/restatements", key="uptake").json() == {"rows": []}
        door.get("/v1/uptake", key="uptake")
        late = replace(build_history()[0], event_id="late", subscriber_id="late", kind=EventKind.CONNECTION)
        door.ledger.append_events([late])
        door.get("/v1/uptake", key="uptake")
        rows = door.get("/v1/uptake/restatements", key="uptake").json()["rows"]
        first = next(row for row in rows if row["by"] == "total" and row["figure"] == "connections")
        assert (first["month"], first["now"] - first["published"]) == ("2021-01", 1)
        assert first["published_at"].endswith("+00:00")
