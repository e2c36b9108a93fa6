import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledger import FakeLedger
from tests.fakes.uptake import report_of
from tests.unit.uptake.reference import COLUMN, an_event, event_lists, month_name, splits, uptake_rows

from mia.domain.event import Event, EventKind
from mia.errors import InvalidInput, LedgerUnavailable
from mia.uptake.growth import SHOWN_MEASURES, UPTAKE_SCHEMA

CONNECTION = EventKind.CONNECTION


class CountingLedger(FakeLedger):
    """Remembers from where events were read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[int] = []

    def arrived(self, after: int, limit: int):
        self.reads.append(after)
        return super().arrived(after, limit)


def growing_ledger() -> CountingLedger:
    """The Urals: 2 connections in January, 4 in all by the end of June; the South: 1 in February."""
    ledger = CountingLedger()
    ledger.append_events(
        [
            an_event("a", EventKind.IMPRESSION, 18_628),
            an_event("b", CONNECTION, 18_629),
            an_event("c", CONNECTION, 18_640, subscriber_id="s2"),
            an_event("d", CONNECTION, 18_660, subscriber_id="s3", region="Rostov", macro_region="South"),
            an_event("e", CONNECTION, 18_790, subscriber_id="s4"),
            an_event("f", CONNECTION, 18_791, subscriber_id="s5"),
        ]
    )
    return ledger


NOT_IN_REFERENCE = (
    "complete",
    "active_subscribers",
    "per_1000_active",
    "matured_impressions",
    "accepted_impressions",
    "acceptance_percent",
)


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.data(), event_lists(), st.sampled_from([None, *COLUMN]), st.sampled_from(["month", "week", "day"]))
def test_figures_are_those_of_the_reference_however_the_events_arrive(
    data: st.DataObject, events: list[Event], by: str | None, grain: str
) -> None:
    ledger = FakeLedger()
    baseline = month_name(data.draw(st.sampled_from(events)).local_day)
    with TemporaryDirectory() as folder:
        report = report_of(ledger, Path(folder), chunk=data.draw(st.integers(1, 40)))
        for batch in data.draw(splits(events)):
            ledger.append_events(batch)
            if data.draw(st.booleans()):
                report.months()
        table = report.table(baseline, by, grain=grain)
        assert table.drop(NOT_IN_REFERENCE).to_pylist() == uptake_rows(events, baseline, by, grain)
        report.rebuild()
        assert report.table(baseline, by, grain=grain).drop("complete").equals(table.drop("complete"))


@settings(max_examples=4, deadline=None, derandomize=True)
@given(event_lists())
def test_groups_add_up_to_the_total(events: list[Event]) -> None:
    ledger = FakeLedger()
    ledger.append_events(events)
    with TemporaryDirectory() as folder:
        report = report_of(ledger, Path(folder))
        baseline = report.months()[0]
        total = report.table(baseline).to_pylist()
        for by in (*COLUMN, "region,arm", "placement", "category,channel"):
            rows = report.table(baseline, by).to_pylist()
            for whole in total:
                own = [row for row in rows if row["month"] == whole["month"]]
                for name in (*SHOWN_MEASURES, "cumulative", "net_active", "since_baseline", "accepted_impressions"):
                    assert sum(row[name] for row in own) == whole[name]


def test_only_new_events_are_read(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    first = report.table("2021-01", "macro_region")
    assert report.table("2021-01", "macro_region").equals(first)
    report.headline("Urals", "2021-01")
    assert ledger.reads == [0]
    ledger.append_events([an_event("late", EventKind.DISCONNECTION, 18_629, occurred_at=18_629 * 86_400_000_000 + 1)])
    changed = report.table("2021-01", "macro_region")
    assert ledger.reads == [0, 6]
    assert sum(changed["disconnections"].to_pylist()) == 1
    assert sum(first["disconnections"].to_pylist()) == 0


def test_a_late_event_changes_which_connection_counts(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    assert report.table("2021-01", start="2021-06")["cumulative"].to_pylist() == [5]
    ledger.append_events([an_event("earlier", CONNECTION, 18_628, subscriber_id="s4")])
    after = report.table("2021-01")
    assert after["connections"].to_pylist() == [3, 1, 0, 0, 0, 1]
    ledger.append_events([an_event("older", EventKind.CLICK, 18_600), an_event("newer", EventKind.CLICK, 18_810)])
    assert report.months() == ["2020-12", *after["month"].to_pylist(), "2021-07"]
    longer = report.table("2021-01")
    assert longer["connections"].to_pylist() == [0, 3, 1, 0, 0, 0, 1, 0]
    assert longer["complete"].to_pylist() == [True] * 7 + [False]


def test_the_headline(tmp_path: Path) -> None:
    report = report_of(growing_ledger(), tmp_path)
    headline = report.headline("Urals", "2021-01")
    # June is running, and nothing happened from March to May.
    assert (headline.month, headline.connections, headline.complete, headline.index) == ("2021-02", 0, True, 1.0)
    june = report.headline("Urals", "2021-01", "2021-06")
    assert (june.month, june.connections_at_baseline, june.connections) == ("2021-06", 2, 2)
    assert (june.cumulative_at_baseline, june.cumulative, june.index) == (2, 4, 2.0)
    assert (june.growth_percent, june.monthly_growth_percent, june.complete) == (100.0, 0.0, False)
    february = report.headline("South", "2021-01", "2021-02")
    assert (february.connections, february.index, february.complete) == (1, None, True)


def test_one_event_far_from_the_others_does_not_move_the_headline(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    ledger.append_events([an_event("stray", EventKind.IMPRESSION, 20_700)])
    assert (report.months()[-1], report.newest_settled()) == ("2026-09", "2021-06")
    headline = report.headline("Urals", "2021-01")
    assert (headline.month, headline.connections, headline.complete) == ("2021-06", 2, True)
    assert report.headline("Urals", "2021-08").month == "2021-08"


def test_the_headline_of_the_first_month_is_that_of_the_running_one(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events([an_event("a", CONNECTION, 18_629)])
    report = report_of(ledger, tmp_path)
    assert report.newest_settled() is None
    headline = report.headline("Urals", "2021-01")
    assert (headline.month, headline.complete) == ("2021-01", False)


def test_an_empty_ledger(tmp_path: Path) -> None:
    report = report_of(FakeLedger(), tmp_path)
    table = report.table("2021-01", "region")
    assert (table.num_rows, table.schema) == (0, UPTAKE_SCHEMA)
    assert (report.months(), report.newest_settled()) == ([], None)
    assert report.headline("Urals", "2021-01").sentence == "Urals: no connections up to 2021-01."


def test_events_that_count_for_nothing_still_span_their_months(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events([an_event("a", EventKind.DECLINE, 18_628), an_event("b", EventKind.DISCONNECTION, 18_660)])
    report = report_of(ledger, tmp_path)
    assert report.table("2021-01")["cumulative"].to_pylist() == [0, 0]
    assert report.table("2021-01", "region").num_rows == 0


@pytest.mark.parametrize(
    ("arguments", "parameter", "says"),
    [
        (("2021-13",), "baseline", "2021-01"),
        (("2020-12",), "baseline", "2021-01 to 2021-06"),
        (("2021-01", "colour"), "by", "macro_region"),
        (("2021-01", None, "x"), "from", "2021-01"),
        (("2021-01", None, None, "2021"), "to", "2021-01"),
        (("2021-01", None, "2021-03", "2021-02"), "from", "2021-02"),
    ],
)
def test_a_bad_parameter_is_named_with_what_it_may_be(
    tmp_path: Path, arguments: tuple, parameter: str, says: str
) -> None:
    report = report_of(growing_ledger(), tmp_path)
    with pytest.raises(InvalidInput) as caught:
        report.table(*arguments)
    assert caught.value.parameter == parameter
    assert says in caught.value.rule


@pytest.mark.parametrize(
    ("arguments", "parameter", "says"),
    [
        (("Mars", "2021-01"), "macro_region", "South, Urals"),
        (("Urals", "2021-07"), "baseline", "2021-06"),
        (("Urals", "2021-01", "2021-07"), "month", "2021-06"),
        (("Urals", "2021-01", "June"), "month", "2021-01"),
    ],
)
def test_a_bad_parameter_of_the_headline(tmp_path: Path, arguments: tuple, parameter: str, says: str) -> None:
    report = report_of(growing_ledger(), tmp_path)
    with pytest.raises(InvalidInput) as caught:
        report.headline(*arguments)
    assert caught.value.parameter == parameter
    assert says in caught.value.rule


def test_a_ledger_that_is_down_is_not_reported_as_empty(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    ledger.down = True
    with pytest.raises(LedgerUnavailable):
        report.table("2021-01")
    ledger.down = False
    assert report.table("2021-01").num_rows == 6
    ledger.down = True
    assert report_of(ledger, tmp_path, on_read=False).table("2021-01").num_rows == 6


def test_threads_share_one_report(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    tables = []
    threads = [threading.Thread(target=lambda: tables.append(report.table("2021-01", "arm"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.reads == [0]
    assert len(tables) == 6
    assert all(table.equals(tables[0]) for table in tables)


def test_figures_stand_still_while_they_are_held_and_go_on_after(tmp_path: Path) -> None:
    ledger = growing_ledger()
    report = report_of(ledger, tmp_path)
    with report.still():
        ledger.append_events([an_event("g", CONNECTION, 18_791, subscriber_id="s6")])
        assert report.table("2021-01")["cumulative"].to_pylist()[-1] == 5
    assert report.table("2021-01")["cumulative"].to_pylist()[-1] == 6


def test_facts_add_up_to_the_figures(tmp_path: Path) -> None:
    report = report_of(growing_ledger(), tmp_path, categories=lambda: {"music": "fun"})
    facts = report.facts().to_pylist()
    assert [(row["month"], row["region"], row["category"], row["connections"]) for row in facts] == [
        ("2021-01", "Kurgan", "fun", 2),
        ("2021-02", "Rostov", "fun", 1),
        ("2021-06", "Kurgan", "fun", 2),
    ]
    assert facts[0]["placement"] == "(unknown)"
    assert report_of(FakeLedger(), tmp_path / "empty").facts().num_rows == 0


def test_a_published_month_that_is_no_longer_complete_is_not_restated_to_nothing(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events([an_event("a", CONNECTION, 18_640), an_event("b", EventKind.CLICK, 18_661)])
    report = report_of(ledger, tmp_path, late_share=0.0)
    assert report.table("2021-01")["complete"].to_pylist() == [True, False]
    ledger.append_events([an_event("c", CONNECTION, 18_650, subscriber_id="s2")])
    assert report.table("2021-01")["complete"].to_pylist() == [False, False]
    changed = [row for row in report.restated().to_pylist() if row["by"] == "total"]
    assert {row["figure"]: (row["published"], row["now"]) for row in changed} == {
        "connections": (1, 2),
        "cumulative": (1, 2),
        "net_active": (1, 2),
    }
    assert report.publish() == ["2021-01"]
