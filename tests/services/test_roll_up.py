"""The roll-up of a ledger: carried on, taken up again, thrown away when it is of another one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.ledger import FakeLedger
from tests.fakes.uptake import CONNECT, report_of, roll_up_of
from tests.storage.records import a_decision
from tests.unit.uptake.reference import DAY, an_event

from mia.domain.event import EventKind
from mia.domain.region import REGIONS
from mia.domain.subscriber import ArmSplit
from mia.errors import WorkspaceBusy
from mia.services.record import Recorder
from mia.services.report import ActiveSubscribers
from mia.services.report.segments import MOST_FILES
from mia.storage.lake import ParquetLake

IMPRESSION, CONNECTION = EventKind.IMPRESSION, EventKind.CONNECTION


def test_many_small_refreshes_leave_few_files_and_the_same_figures(tmp_path: Path) -> None:
    ledger = FakeLedger()
    roll_up = roll_up_of(ledger, tmp_path)
    for number in range(MOST_FILES + 4):
        person = f"s{number % 5}"
        ledger.append_events(
            [
                an_event(f"i{number}", IMPRESSION, 18_628 + number, subscriber_id=person),
                an_event(f"c{number}", CONNECTION, 18_628 + number, subscriber_id=person, occurred_at=number),
            ]
        )
        roll_up.refresh()
    lake = ParquetLake(tmp_path)
    assert 0 < len(lake.files("cells")) <= MOST_FILES
    assert len(lake.files("connected")) <= MOST_FILES
    carried = report_of(ledger, tmp_path).table("2021-01")
    assert carried.drop("complete").equals(report_of(ledger, tmp_path / "anew").table("2021-01").drop("complete"))
    # What was merged goes away with the next change.
    live = {path for table in ("cells", "months", "connected", "shown") for path in lake.paths(table)}
    roll_up.rebuild()
    with lake.change():
        assert live.isdisjoint(str(path) for path in tmp_path.rglob("*.parquet"))


def test_a_refresh_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events(
        [an_event(f"e{number}", CONNECTION, 18_628, subscriber_id=f"s{number}") for number in range(9)]
    )

    def stop(_label: str, done: int, _total: int) -> None:
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        roll_up_of(ledger, tmp_path, chunk=2).refresh(stop)
    assert roll_up_of(ledger, tmp_path).state().position == 4
    assert report_of(ledger, tmp_path).table("2021-01")["cumulative"].to_pylist() == [9]


class BusyLedger(FakeLedger):
    """Somebody records one more event whenever its position is asked for first."""

    def position(self) -> int:
        found = super().position()
        if found == 1:
            self.append_events([an_event("later", CONNECTION, 18_629, subscriber_id="s2")])
        return found


def test_events_that_come_during_a_refresh_do_not_keep_it_from_ending(tmp_path: Path) -> None:
    ledger = BusyLedger()
    ledger.append_events([an_event("early", CONNECTION, 18_628, subscriber_id="s1")])
    steps: list[int] = []

    def few(_label: str, done: int, _total: int) -> None:
        steps.append(done)
        assert len(steps) < 5

    assert roll_up_of(ledger, tmp_path).refresh(few).position == 2


def test_another_ledger_and_another_window_begin_anew(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events([an_event("a", IMPRESSION, 18_628), an_event("b", CONNECTION, 18_638)])
    assert roll_up_of(ledger, tmp_path).refresh().position == 2
    fewer = FakeLedger()
    fewer.append_events([an_event("a", IMPRESSION, 18_628)])
    assert roll_up_of(fewer, tmp_path).refresh().position == 1
    assert report_of(fewer, tmp_path).table("2021-01")["connections"].to_pylist() == [0]
    assert roll_up_of(ledger, tmp_path, attribution_days=5).refresh().position == 2
    cells = pa.concat_tables([pq.read_table(path) for path in ParquetLake(tmp_path).paths("cells")])
    assert sum(cells["accepted"].to_pylist()) == 0


def test_who_waits_for_another_process_is_served_by_its_work(tmp_path: Path) -> None:
    ledger = FakeLedger()
    ledger.append_events([an_event("a", CONNECTION, 18_628)])
    waits = []
    with ParquetLake(tmp_path).change() as held:
        roll_up = roll_up_of(ledger, tmp_path, patience=3, sleep=waits.append)
        with pytest.raises(WorkspaceBusy):
            roll_up.refresh()
        held.commit()
    assert len(waits) == 3
    assert roll_up.refresh().position == 1


def test_placement_and_model_version_are_those_of_the_decision(tmp_path: Path) -> None:
    ledger = FakeLedger()
    decision = a_decision()
    decision = replace(decision, request=replace(decision.request, placement="banner"))
    ledger.append_decisions([decision])
    shown = an_event("a", IMPRESSION, 18_628, decision_id=decision.decision_id)
    ledger.append_events(
        [shown, replace(shown, event_id="b", decision_id="gone"), replace(shown, event_id="c", decision_id=None)]
    )
    report = report_of(ledger, tmp_path)
    for by, value in (("placement", decision.request.placement), ("model_version", decision.versions.model)):
        assert value is not None
        rows = report.table("2021-01", by).to_pylist()
        assert [(row["group"], row["impressions"]) for row in rows] == [(None, 2), (value, 1)]


def test_categories_and_filters_meet(tmp_path: Path) -> None:
    ledger = FakeLedger()
    offers = ("rock", "jazz", "film", "gone")
    ledger.append_events([an_event(name, CONNECTION, 18_628, offer_id=name) for name in offers])
    categories = {"rock": "music", "jazz": "music", "film": "video"}
    report = report_of(ledger, tmp_path, categories=lambda: categories)
    rows = report.table("2021-01", "category").to_pylist()
    assert [(row["group"], row["connections"]) for row in rows] == [(None, 1), ("music", 2), ("video", 1)]
    for only, count in (
        ({"category": ["music"]}, 2),
        ({"category": ["music"], "offer": ["rock", "film"]}, 1),
        ({"category": ["(unknown)"]}, 1),
        ({"category": ["video"], "offer": ["rock"]}, 0),
    ):
        assert report.table("2021-01", only=only)["connections"].to_pylist() == [count]
    assert report.values("category") == ["music", "video"]


def test_active_subscribers_are_counted_from_their_activation(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path / "lake")
    people = pa.table(
        {
            "subscriber_id": [f"s{number}" for number in range(40)],
            "region": ["Kurgan"] * 30 + ["Rostov"] * 9 + ["Elsewhere"],
            "activated_on": pa.array([18_000 + 20 * number for number in range(40)], pa.int32()).cast(pa.date32()),
        }
    )
    with lake.change() as change:
        path = change.folder() / "people.parquet"
        pq.write_table(people, path)
        change.add("subscribers", path, rows=40, load="x")
        change.commit()
    arms = ArmSplit(control_share=0.3)
    active = ActiveSubscribers(lake, CONNECT, arms, REGIONS)
    ledger = FakeLedger()
    ledger.append_events(
        [
            an_event(f"{name}{number}", CONNECTION, 18_600 + 40 * number, region=region, macro_region=name, arm=arm)
            for number, arm in enumerate(("mia", "control"))
            for name, region in (("Urals", "Kurgan"), ("South", "Rostov"))
        ]
    )
    report = report_of(ledger, tmp_path / "uptake", people=active.table)
    ends = {"2020-12": 18_627, "2021-01": 18_658}

    def expected(month: str, **named: str) -> int:
        return sum(
            day <= ends[month]
            and named.get("macro_region", macro) == macro
            and named.get("arm", arms.arm_of(person).value) == arms.arm_of(person).value
            for person, macro, day in zip(
                people["subscriber_id"].to_pylist(),
                ["Urals"] * 30 + ["South"] * 9 + ["nowhere"],
                people["activated_on"].cast(pa.int32()).to_pylist(),
                strict=True,
            )
        )

    for by in ("macro_region", "arm", "offer"):
        for row in report.table("2020-12", by).to_pylist():
            named = {} if by == "offer" else {by: row["group"]}
            assert row["active_subscribers"] == expected(row["month"], **named)
    for row in report.table("2020-12", "arm", only={"macro_region": ["South"]}).to_pylist():
        assert row["active_subscribers"] == expected(row["month"], macro_region="South", arm=row["group"])


@settings(max_examples=30, deadline=None)
@given(st.integers(1_600_000_000, 1_640_000_000), st.lists(st.integers(-14, 14), min_size=2, max_size=4))
def test_the_offset_an_event_is_written_with_changes_nothing(seconds: int, offsets: list[int]) -> None:
    zone = "Europe/Berlin"
    facts = SimpleNamespace(region="Kurgan", macro_region="Urals", timezone=zone, arm="mia")
    catalogue = SimpleNamespace(offer=lambda _: None)
    known = SimpleNamespace(catalogue=catalogue, local_facts=lambda _: facts)
    recorder = Recorder(known, lambda: 1_700_000_000_000_000, REGIONS)
    moment = datetime.fromtimestamp(seconds, UTC)
    raw = {"event_id": "a", "subscriber_id": "s", "offer_id": "o", "kind": "connection", "channel": "app"}
    written = [
        raw | {"occurred_at": (moment + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S") + f"{hours:+03d}:00"}
        for hours in offsets
    ]
    events, rejected = recorder.prepare(written)
    assert not rejected
    assert len(set(events)) == 1
    assert events[0].occurred_at // DAY - 1 <= events[0].local_day <= events[0].occurred_at // DAY + 1
