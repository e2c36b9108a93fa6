"""What every ledger must do, the same for memory, SQLite and PostgreSQL."""

import shutil
import threading
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fakes.ledger import FakeLedger
from tests.storage.records import DECISIONS, EVENTS, a_decision, a_table, an_event

from mia.domain.decision import Fallback
from mia.domain.event import EventKind, Outcome, Response
from mia.errors import InvalidInput, RequestConflict, UnknownDecision
from mia.ports import Ledger, Proposal
from mia.storage.ledger import SqlLedger, open_ledger
from mia.storage.ledger.events import LEDGER_SCHEMA

ACCEPTED, DUPLICATE, CONFLICT = Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.CONFLICT
MODEST = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def ids(ledger: Ledger) -> list[str]:
    return ledger.events()["event_id"].to_pylist()


def test_an_empty_ledger(ledger: Ledger) -> None:
    assert ledger.position() == 0
    assert ledger.events().schema == LEDGER_SCHEMA
    assert ledger.events().num_rows == 0
    assert ledger.decisions_count() == 0
    assert ledger.connections_by_offer() == {}
    assert ledger.responses("s1") == []
    assert ledger.answered("r1") is None
    assert ledger.append_events([]) == []
    assert ledger.append_decisions([]) == []
    assert ledger.load_events(a_table([])) == (0, 0, [])


def test_an_event_comes_back_whole(ledger: Ledger) -> None:
    bare = an_event("e2", region=None, macro_region=None, decision_id=None, position=None, propensity=None)
    empty = an_event("e3", region="", macro_region='"', decision_id="a,b\nc", offer_id="'")
    events = [an_event(), bare, empty]
    assert ledger.append_events(events) == [ACCEPTED] * 3
    rows = ledger.events().to_pylist()
    assert [{name: row[name] for name in asdict(events[0])} for row in rows] == [asdict(event) for event in events]
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert rows[-1]["seq"] == ledger.position()


def test_the_same_event_again_is_a_duplicate(ledger: Ledger) -> None:
    ledger.append_events([an_event()])
    before = ledger.position()
    assert ledger.append_events([an_event()]) == [DUPLICATE]
    assert ledger.position() == before
    assert ids(ledger) == ["e1"]


@pytest.mark.parametrize(
    "change",
    [
        {"occurred_at": 1},
        {"subscriber_id": "s2"},
        {"offer_id": "video"},
        {"kind": EventKind.CLICK},
        {"channel": "web"},
        {"decision_id": None},
        {"position": 2},
        {"propensity": 0.3},
    ],
)
def test_the_same_id_with_another_content_is_a_conflict(ledger: Ledger, change: dict[str, object]) -> None:
    ledger.append_events([an_event()])
    assert ledger.append_events([an_event(**change)]) == [CONFLICT]
    assert ledger.load_events(a_table([an_event(**change)])) == (0, 0, ["e1"])
    assert ledger.events().drop(["seq"]).equals(a_table([an_event()]))


def test_what_mia_fills_in_does_not_make_a_conflict(ledger: Ledger) -> None:
    ledger.append_events([an_event()])
    moved = an_event(region="Rostov", macro_region="South", arm="control", local_day=18_646)
    assert ledger.append_events([moved]) == [DUPLICATE]
    assert ledger.load_events(a_table([moved])) == (0, 1, [])


def test_repeats_inside_one_batch(ledger: Ledger) -> None:
    batch = [an_event("a"), an_event("b"), an_event("a"), an_event("b", offer_id="video"), an_event("a")]
    assert ledger.append_events(batch) == [ACCEPTED, ACCEPTED, DUPLICATE, CONFLICT, DUPLICATE]
    assert ids(ledger) == ["a", "b"]


def test_repeats_inside_one_load(ledger: Ledger) -> None:
    batch = [an_event("a"), an_event("b"), an_event("a"), an_event("b", offer_id="video"), an_event("a")]
    assert ledger.load_events(a_table(batch)) == (2, 2, ["b"])
    assert ledger.load_events(a_table(batch)) == (0, 4, ["b"])
    assert ids(ledger) == ["a", "b"]


def test_a_load_overlapping_with_what_is_there(ledger: Ledger) -> None:
    ledger.append_events([an_event("b"), an_event("x")])
    batch = [an_event("a"), an_event("b"), an_event("x", offer_id="video"), an_event("c")]
    assert ledger.load_events(a_table(batch)) == (2, 1, ["x"])
    assert ids(ledger) == ["b", "x", "a", "c"]


def test_a_load_may_leave_out_optional_columns_and_reorder(ledger: Ledger) -> None:
    content = a_table([an_event()]).select(
        ["arm", "local_day", "channel", "kind", "offer_id", "subscriber_id", "occurred_at", "event_id"]
    )
    assert ledger.load_events(content) == (1, 0, [])
    row = ledger.events().to_pylist()[0]
    assert (row["event_id"], row["region"], row["propensity"]) == ("e1", None, None)


def test_a_load_larger_than_a_chunk_keeps_its_order(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mia.storage.ledger.dialect.CHUNK_ROWS", 500)
    count = 1_300
    base = a_table([an_event()])
    content = pa.table(
        {name: pa.repeat(base[name][0], count) for name in base.column_names}
        | {"event_id": pa.array([f"e{number * 7919 % count}" for number in range(count)])}
    )
    assert ledger.load_events(content) == (count, 0, [])
    assert ledger.load_events(content.slice(count - 10)) == (0, 10, [])
    kept = ledger.events()
    assert kept["event_id"].to_pylist() == content["event_id"].to_pylist()
    assert ledger.append_events([an_event("e5"), an_event("new")]) == [DUPLICATE, ACCEPTED]
    after = kept["seq"][count - 2].as_py()
    assert ledger.events(after)["event_id"].to_pylist() == [content["event_id"][count - 1].as_py(), "new"]


@pytest.mark.parametrize(
    ("column", "values", "row"),
    [
        ("kind", ["click", "purchase"], 2),
        ("subscriber_id", ["s1", None], 2),
        ("offer_id", ["a\0b", "x"], 1),
        ("occurred_at", [1.5, 2.0], None),
    ],
)
def test_a_load_refuses_what_breaks_a_rule_as_a_whole(
    ledger: Ledger, column: str, values: list[object], row: int | None
) -> None:
    content = a_table([an_event("a"), an_event("b")])
    place = content.column_names.index(column)
    with pytest.raises(InvalidInput) as caught:
        ledger.load_events(content.set_column(place, column, pa.array(values)))
    assert (caught.value.column, caught.value.row) == (column, row)
    assert ledger.position() == 0


def test_a_load_names_the_missing_column(ledger: Ledger) -> None:
    with pytest.raises(InvalidInput) as caught:
        ledger.load_events(a_table([an_event()]).drop(["arm"]))
    assert caught.value.column == "arm"


def test_late_and_reordered_events_are_read_by_time(ledger: Ledger) -> None:
    ledger.append_events(
        [an_event("late", occurred_at=9), an_event("b", occurred_at=5, kind=EventKind.CLICK, channel="web")]
    )
    upto = ledger.position()
    ledger.append_events([an_event("a", occurred_at=5), an_event("other", subscriber_id="s2")])
    assert ledger.responses("s1") == [
        Response("music", EventKind.IMPRESSION, 5, "app"),
        Response("music", EventKind.CLICK, 5, "web"),
        Response("music", EventKind.IMPRESSION, 9, "app"),
    ]
    assert [response.occurred_at for response in ledger.responses("s1", upto)] == [5, 9]
    assert ledger.responses("s1", 0) == []


def test_connections_by_offer(ledger: Ledger) -> None:
    def connection(event_id: str, offer_id: str) -> None:
        ledger.append_events([an_event(event_id, offer_id=offer_id, kind=EventKind.CONNECTION)])

    connection("a", "music")
    ledger.append_events([an_event("shown", offer_id="video")])
    upto = ledger.position()
    connection("b", "music")
    connection("c", "video")
    assert ledger.connections_by_offer() == {"music": 2, "video": 1}
    assert ledger.connections_by_offer(upto) == {"music": 1}
    assert ledger.connections_by_offer(after=upto) == {"music": 1, "video": 1}
    assert ledger.connections_by_offer(upto, after=upto) == {}
    assert ledger.connections_by_offer(0) == {}


def test_events_after_a_position(ledger: Ledger) -> None:
    ledger.append_events([an_event("a")])
    first = ledger.position()
    ledger.append_events([an_event("b"), an_event("c")])
    assert ledger.events(first)["event_id"].to_pylist() == ["b", "c"]
    assert ledger.events(ledger.position()).num_rows == 0


def test_a_decision_comes_back_whole(ledger: Ledger) -> None:
    decision = a_decision(request_id="r1")
    assert ledger.append_decisions([decision]) == [decision]
    assert ledger.decision("d1") == decision
    assert ledger.answered("r1") == decision
    assert ledger.answered("r2") is None
    assert ledger.decisions_count() == 1


def test_decisions_are_counted_by_day_model_fallback_and_exploration(ledger: Ledger) -> None:
    day = 86_400 * 1_000_000
    first = a_decision("a")
    start = first.request.at - first.request.at % day
    at = [start, start + day - 1, start + day, start + 3 * day]
    kept = [
        replace(first, request=replace(first.request, at=at[0])),
        replace(first, decision_id="b", request=replace(first.request, at=at[1])),
        replace(first, decision_id="c", request=replace(first.request, at=at[1]), explored=not first.explored),
        replace(first, decision_id="d", request=replace(first.request, at=at[2]), fallback=Fallback.NO_MODEL),
        replace(first, decision_id="e", request=replace(first.request, at=at[3])),
    ]
    ledger.append_decisions(kept)
    rows = ledger.decision_tally(start, at[3]).to_pylist()
    told = {(row["day"] - start // day, row["fallback"], row["explored"]): row["decisions"] for row in rows}
    usual = None if first.fallback is None else first.fallback.value
    assert told == {
        (0, usual, first.explored): 2,
        (0, usual, not first.explored): 1,
        (1, "no_model", first.explored): 1,
    }
    assert {row["model"] for row in rows} == {first.versions.model}
    assert ledger.decision_tally(at[3] + 1, at[3] + 2).num_rows == 0


def test_what_decisions_were_asked_with_is_read_in_columns(ledger: Ledger) -> None:
    assert ledger.decision_contexts().num_rows == 0
    kept = [
        a_decision("b", placement="top", context={"balance": -2, "ratio": 0.1 + 0.2, "page": "home", "on": True}),
        a_decision("a", context={"balance": None, "list": [1, 2], "inner": {"balance": 3}}),
        a_decision("c", placement="'$\u0436", context={'a "$.b" \u0436': 1e-7, "balance": 2**40}),
        a_decision("d", context={}),
    ]
    ledger.append_decisions(kept)
    found = ledger.decision_contexts()
    assert found.column_names == ["decision_id", "decided_at", "placement", "context"]
    rows = {row["decision_id"]: row for row in found.to_pylist()}
    assert set(rows) == {"a", "b", "c", "d"}
    assert {name: dict(row["context"]) for name, row in rows.items()} == {
        "a": {},
        "b": {"balance": -2.0, "ratio": 0.1 + 0.2},
        "c": {'a "$.b" \u0436': 1e-7, "balance": 2.0**40},
        "d": {},
    }
    assert [rows[name]["placement"] for name in "abcd"] == [None, "top", "'$\u0436", None]
    assert {row["decided_at"] for row in rows.values()} == {kept[0].request.at}


def test_impressions_of_decisions_that_explored(ledger: Ledger) -> None:
    assert ledger.explored_impressions() == (0, 0)
    ledger.append_decisions([a_decision("d1", explored=True), a_decision("d2", explored=False)])
    ledger.append_events(
        [
            *(an_event(f"one {n}", decision_id="d1", position=n) for n in (1, 2)),
            *(an_event(f"two {n}", decision_id="d2", position=n) for n in (1, 2, 3)),
            an_event("none", decision_id=None),
            an_event("unknown", decision_id="d3"),
            an_event("other", decision_id="d1", kind=EventKind.CLICK),
        ]
    )
    assert ledger.explored_impressions() == (2, 5)


def test_an_unknown_decision(ledger: Ledger) -> None:
    with pytest.raises(UnknownDecision) as caught:
        ledger.decision("nothing")
    assert caught.value.decision_id == "nothing"


def test_decisions_without_a_request_id_stand_beside_each_other(ledger: Ledger) -> None:
    ledger.append_decisions([a_decision("a"), a_decision("b")])
    assert ledger.decisions_count() == 2


def test_a_repeated_request_gets_the_earlier_decision(ledger: Ledger) -> None:
    first = a_decision("a", "r1")
    later = a_decision("b", "r1", context={}, explored=False)
    ledger.append_decisions([first])
    assert ledger.append_decisions([later]) == [first]
    assert ledger.append_decisions([a_decision("c"), later]) == [a_decision("c"), first]
    assert ledger.decisions_count() == 2
    with pytest.raises(UnknownDecision):
        ledger.decision("b")


def test_a_request_repeated_inside_one_batch(ledger: Ledger) -> None:
    first = a_decision("a", "r1")
    assert ledger.append_decisions([first, a_decision("b", "r1")]) == [first, first]
    assert ledger.decisions_count() == 1


@pytest.mark.parametrize("change", [{"subscriber_id": "s2"}, {"channel": "web"}, {"placement": "top"}, {"limit": 4}])
def test_a_request_id_used_for_another_request(ledger: Ledger, change: dict[str, object]) -> None:
    ledger.append_decisions([a_decision("a", "r1")])
    with pytest.raises(RequestConflict) as caught:
        ledger.append_decisions([a_decision("b"), a_decision("c", "r1", **change)])
    assert caught.value.request_id == "r1"
    assert ledger.decisions_count() == 1


def test_a_decision_handed_in_twice_is_kept_once(ledger: Ledger) -> None:
    assert ledger.append_decisions([a_decision(), a_decision()]) == [a_decision(), a_decision()]
    assert ledger.append_decisions([a_decision()]) == [a_decision()]
    assert ledger.decisions_count() == 1
    with pytest.raises(InvalidInput):
        ledger.append_decisions([replace(a_decision(), seed=1)])
    assert ledger.decision("d1") == a_decision()


def test_a_commit_keeps_the_good_and_names_the_bad(ledger: FakeLedger | SqlLedger) -> None:
    ledger.append_decisions([a_decision("a", "r1")])
    outcomes, answers = ledger.commit(
        [[an_event("x"), an_event("y")], [], [an_event("x")]],
        [Proposal(a_decision("b", "r1", limit=9)), Proposal(a_decision("c", "r2"))],
    )
    assert outcomes == [[ACCEPTED, ACCEPTED], [], [DUPLICATE]]
    assert isinstance(answers[0], RequestConflict)
    assert answers[1] == a_decision("c", "r2")
    assert ledger.decisions_count() == 2


def test_threads_accept_each_event_and_answer_each_request_once(ledger: Ledger) -> None:
    events = [an_event(f"e{number}") for number in range(30)]
    outcomes: list[Outcome] = []
    standing: set[str] = set()
    watermarks: list[bool] = []
    gate = threading.Barrier(5)

    def write(worker: int) -> None:
        shuffled = [events[(number * 7 + worker * 11) % len(events)] for number in range(len(events))]
        gate.wait()
        for start in range(0, len(shuffled), 3):
            outcomes.extend(ledger.append_events(shuffled[start : start + 3]))
            (answer,) = ledger.append_decisions([a_decision(f"d{worker}-{start}", f"r{start}")])
            standing.add(answer.decision_id)

    def watch() -> None:
        gate.wait()
        seen: dict[int, list[str]] = {}
        for _ in range(15):
            upto = ledger.position()
            kept = ledger.events()
            seen[upto] = kept.filter(pa.compute.less_equal(kept["seq"], upto))["event_id"].to_pylist()
        final = ledger.events()
        watermarks.extend(
            final.filter(pa.compute.less_equal(final["seq"], upto))["event_id"].to_pylist() == below
            for upto, below in seen.items()
        )

    workers = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    workers.append(threading.Thread(target=watch))
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert outcomes.count(ACCEPTED) == len(events)
    assert outcomes.count(DUPLICATE) == 3 * len(events)
    assert sorted(ids(ledger)) == sorted(event.event_id for event in events)
    assert ledger.decisions_count() == len(standing) == 10
    assert watermarks
    assert all(watermarks)


@MODEST
@given(
    st.lists(st.tuples(st.booleans(), st.lists(EVENTS, max_size=6)), max_size=4),
    st.integers(0, 10),
)
def test_sqlite_does_what_memory_does(
    tmp_path_factory: pytest.TempPathFactory, migrated_file: Path, batches: list[tuple[bool, list]], upto: int
) -> None:
    fake = FakeLedger()
    file = shutil.copy(migrated_file, tmp_path_factory.mktemp("ledger") / "ledger.db")
    real = open_ledger(f"sqlite:///{file}", lambda: 1)
    for bulk, events in batches:
        if bulk:
            assert real.load_events(a_table(events)) == fake.load_events(a_table(events))
        else:
            assert real.append_events(events) == fake.append_events(events)
    assert real.events().equals(fake.events())
    assert real.events(2).equals(fake.events(2))
    assert real.position() == fake.position()
    assert real.connections_by_offer(upto) == fake.connections_by_offer(upto)
    for subscriber_id in ("s1", "s2", ""):
        assert real.responses(subscriber_id, upto) == fake.responses(subscriber_id, upto)
    real.close()


@MODEST
@given(st.lists(DECISIONS, max_size=5, unique_by=lambda decision: decision.decision_id))
def test_any_decision_comes_back_equal(sql_ledger: SqlLedger, decisions: list) -> None:
    held = [decision for decision in decisions if not _is_taken(sql_ledger, decision.decision_id)]
    assert sql_ledger.append_decisions(held) == held
    assert [sql_ledger.decision(decision.decision_id) for decision in held] == held


def _is_taken(ledger: Ledger, decision_id: str) -> bool:
    try:
        ledger.decision(decision_id)
    except UnknownDecision:
        return False
    return True


def test_decisions_come_in_pages_the_newest_first(ledger: Ledger) -> None:
    first = a_decision("d0", request_id=None)
    for number, minute in enumerate((3, 1, 2, 3)):
        one = a_decision(f"d{number}", request_id=None)
        ledger.append_decisions([replace(one, request=replace(one.request, at=first.request.at + minute))])
    pages = [ledger.latest_decisions(offset, 2) for offset in (0, 2, 4)]
    assert [total for total, _ in pages] == [4, 4, 4]
    assert [[one.decision_id for one in page] for _, page in pages] == [["d0", "d3"], ["d2", "d1"], []]
    assert pages[0][1][0] == ledger.decision("d0")


def test_events_arrive_in_pieces_with_the_time_of_their_commit(ledger: Ledger) -> None:
    ledger.append_events([an_event("a"), an_event("b")])
    ledger.append_events([an_event("c")])
    first, rest = ledger.arrived(0, 2), ledger.arrived(2, 5)
    assert (first["event_id"].to_pylist(), rest["event_id"].to_pylist()) == (["a", "b"], ["c"])
    assert len(set(first["recorded_at"].to_pylist())) == 1
    assert first.drop("recorded_at").equals(ledger.events().slice(0, 2))
    assert ledger.arrived(3, 5).num_rows == 0


def test_what_was_decided_is_found_for_many_at_once(ledger: Ledger) -> None:
    decision = a_decision()
    placed = replace(decision, decision_id="placed", request=replace(decision.request, placement="main"))
    live = replace(decision, decision_id="live", versions=replace(decision.versions, model="7"))
    ledger.append_decisions([decision, placed, live])
    found = ledger.decided(["placed", "gone", "live"]).sort_by("decision_id").to_pylist()
    model, place = decision.versions.model, decision.request.placement
    assert found == [
        {"decision_id": "live", "placement": place, "model_version": "7"},
        {"decision_id": "placed", "placement": "main", "model_version": model},
    ]
    assert ledger.decided([]).num_rows == 0
