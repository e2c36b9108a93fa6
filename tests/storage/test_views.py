"""SQL views for other dashboards: the same figures as those of the report, on both databases."""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text
from tests.fakes.population import FakePopulation
from tests.fakes.uptake import CONNECT, report_of
from tests.unit.uptake.reference import DAY, an_event

from mia.domain.event import Event, EventKind, Outcome
from mia.services.lift import LiftMeter
from mia.services.report import UptakeReport
from mia.storage.ledger import SqlLedger, open_ledger
from mia.uptake.lift.rules import LiftRules

DOCS = Path(__file__).parents[2] / "docs"
VIEWS = {"uptake_counted", "uptake_monthly", "uptake_growth", "uptake_funnel", "uptake_lift_inputs"}
MEASURES = ("impressions", "clicks", "connections", "disconnections")
SUMS = ", ".join(f"CAST(sum({name}) AS BIGINT)" for name in MEASURES)
DAYS = (18_627, 18_628, 18_658, 18_659, 18_686, 18_687)
"""The first and last days of December to March."""
PLACES = {"Kurgan": "Urals", "Rostov": "South", None: None}
BEGAN = 18_659
COLUMNS = {"region": "region", "macro_region": "macro_region", "offer": "offer_id", "channel": "channel", "arm": "arm"}


def make_events() -> list[Event]:
    """Few subscribers, offers and instants, so that reconnections, repeats and ties are common.

    Ids are of either case: ordered by a language they would stand otherwise than by their bytes.
    """
    rng = random.Random(7)
    events = []
    for number in range(1_600):
        day, person, region = rng.choice(DAYS), rng.randrange(12), rng.choice(list(PLACES))
        events.append(
            an_event(
                f"{rng.choice('aB')}{number}",
                rng.choice(list(EventKind)),
                day,
                occurred_at=day * DAY + rng.randrange(2),
                subscriber_id=f"s{person}",
                offer_id=rng.choice(["music", "video"]),
                channel=rng.choice(["app", "web"]),
                arm="control" if person % 3 == 0 else "mia",
                region=region,
                macro_region=PLACES[region],
                decision_id=f"d{number}" if day >= BEGAN else None,
            )
        )
    return events


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlLedger]:
    """Events that arrived in no order, some of them twice."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('views')}/ledger.db"
    else:
        url = request.getfixturevalue("fresh_schema")()
    ledger = open_ledger(url, lambda: 1_625_140_800_000_000)
    events = make_events()
    random.Random(8).shuffle(events)
    for start in range(0, len(events), 400):
        ledger.append_events(events[start : start + 400])
    assert set(ledger.append_events(events[::3])) == {Outcome.DUPLICATE}
    yield ledger
    ledger.close()


@pytest.fixture(scope="module")
def report(filled: SqlLedger, tmp_path_factory: pytest.TempPathFactory) -> UptakeReport:
    return report_of(filled, tmp_path_factory.mktemp("report"))


def rows_of(ledger: SqlLedger, query: str) -> list[tuple]:
    with ledger.database.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@pytest.mark.parametrize("by", [*COLUMNS, "region,arm", "offer,channel"])
def test_monthly_uptake_is_that_of_the_report(filled: SqlLedger, report: UptakeReport, by: str) -> None:
    columns = ", ".join(COLUMNS[name] for name in by.split(","))
    found = rows_of(filled, f"SELECT month, {columns}, {SUMS} FROM uptake_monthly GROUP BY month, {columns}")
    names = ["month", "group", "subgroup"][: 1 + len(by.split(","))] + list(MEASURES)
    rows = report.table("2021-01", by).to_pylist()
    told = [tuple(row[name] for name in names) for row in rows if any(row[name] for name in MEASURES)]
    assert len(told) > 5
    assert sorted(found, key=str) == sorted(told, key=str)


def test_growth_is_that_of_the_report(filled: SqlLedger, report: UptakeReport) -> None:
    names = ("month", "macro_region", "connections", "disconnections", "cumulative", "net_active")
    found = rows_of(filled, f"SELECT {', '.join(names)} FROM uptake_growth")
    rows = report.table("2021-01", "macro_region").to_pylist()
    assert len(rows) == 12
    assert sorted(found, key=str) == sorted(
        [tuple(row["group" if name == "macro_region" else name] for name in names) for row in rows], key=str
    )


def test_growth_goes_on_where_nothing_was_connected(sql_ledger: SqlLedger) -> None:
    sql_ledger.append_events(
        [
            an_event("a", EventKind.CONNECTION, 18_628, macro_region="Urals"),
            an_event("b", EventKind.CONNECTION, 18_660, macro_region="South", subscriber_id="s2"),
        ]
    )
    found = rows_of(
        sql_ledger, "SELECT month, macro_region, cumulative FROM uptake_growth ORDER BY month, macro_region"
    )
    assert found == [
        ("2021-01", "South", 0),
        ("2021-01", "Urals", 1),
        ("2021-02", "South", 1),
        ("2021-02", "Urals", 1),
    ]


def test_the_funnel_is_that_of_the_report(filled: SqlLedger, report: UptakeReport) -> None:
    found = rows_of(
        filled,
        "SELECT channel, step_number, CAST(sum(events) AS BIGINT) FROM uptake_funnel GROUP BY channel, step_number",
    )
    rows = report.table("2021-01", "channel").to_pylist()
    told = {
        (channel, step): sum(row[name] for row in rows if row["group"] == channel)
        for channel in ("app", "web")
        for step, name in enumerate(MEASURES[:3], 1)
    }
    assert {(channel, step): events for channel, step, events in found} == told
    steps = rows_of(filled, "SELECT DISTINCT step_number, step FROM uptake_funnel ORDER BY step_number")
    assert steps == [(1, "impression"), (2, "click"), (3, "connection")]


def test_inputs_of_lift_are_those_of_the_meter(filled: SqlLedger) -> None:
    people = [(f"s{n}", "Kurgan", "Urals", 18_000, "control" if n % 3 == 0 else "mia") for n in range(12)]
    population = FakePopulation(people, share=1 / 3)
    meter = LiftMeter(filled, population, dict, CONNECT, LiftRules())  # type: ignore[arg-type]
    lift = meter.report()
    ((began,),) = rows_of(filled, "SELECT min(local_day) FROM uptake_lift_inputs WHERE decided > 0")
    assert began == lift.began == BEGAN
    found = rows_of(
        filled,
        "SELECT arm, CAST(sum(connections) AS BIGINT) FROM uptake_lift_inputs "
        f"WHERE local_day BETWEEN {lift.start} AND {lift.end} GROUP BY arm",
    )
    assert dict(found) == {arm: lift.total.arms[arm].connections for arm in ("control", "mia")}
    assert all(dict(found).values())


def test_dates_stand_beside_months_and_days(filled: SqlLedger) -> None:
    days = rows_of(filled, "SELECT DISTINCT day, month, month_start FROM uptake_counted ORDER BY day")
    assert [tuple(map(str, row)) for row in days] == [
        ("2020-12-31", "2020-12", "2020-12-01"),
        ("2021-01-01", "2021-01", "2021-01-01"),
        ("2021-01-31", "2021-01", "2021-01-01"),
        ("2021-02-01", "2021-02", "2021-02-01"),
        ("2021-02-28", "2021-02", "2021-02-01"),
        ("2021-03-01", "2021-03", "2021-03-01"),
    ]


def test_every_column_is_documented_and_every_view_there(sql_ledger: SqlLedger) -> None:
    inspector = inspect(sql_ledger.database.engine)
    assert set(inspector.get_view_names()) == VIEWS
    lines = (DOCS / "dashboards.md").read_text("utf-8").splitlines()
    for view in VIEWS:
        (line,) = (line for line in lines if line.startswith(f"| `{view}` | one") and line.count("|") == 4)
        told = set(re.findall(r"`(\w+)`", line)[1:]) | (set(MEASURES) if "the four counts" in line else set())
        named = {column["name"] for column in inspector.get_columns(view)}
        assert named <= told
        assert told - named <= {"impression", "click", "connection"}


def test_queries_of_the_documents_run(filled: SqlLedger) -> None:
    queries = re.findall(r"```sql\n(.*?)```", (DOCS / "dashboards.md").read_text("utf-8"), re.DOTALL)
    queries = [query for query in queries if ".parquet" not in query]
    assert len(queries) == 3
    for query in queries:
        assert rows_of(filled, query)


def test_queries_of_the_grafana_dashboard_run(filled: SqlLedger) -> None:
    dashboard = json.loads((DOCS / "grafana" / "uptake.json").read_text("utf-8"))
    fields = {one["name"]: one["query"] for one in dashboard["templating"]["list"] if one["type"] == "textbox"}
    asked = 0
    for panel in dashboard["panels"]:
        for query in (target["rawSql"] for target in panel["targets"] if "rawSql" in target):
            filled_in = re.sub(r"\$\{(\w+)\}", lambda found: fields[found[1]], query)
            with filled.database.reading() as connection:
                result = connection.execute(text(filled_in))
                columns, rows = set(result.keys()), result.all()
            assert rows, panel["title"]
            for change in panel.get("transformations", []):
                options = change["options"]
                assert {options[name] for name in ("columnField", "rowField", "valueField")} == columns
            asked += 1
    assert asked == 5
