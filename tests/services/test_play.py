"""Subscribers who are played: in order, once, and with what they do told before they come again."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow.parquet as pq
import pytest

from mia.errors import InvalidInput, Overloaded
from mia.services.play import Decided, HttpDoor, keep_waiting, play, read_waiting, write_usage
from mia.services.simulate import simulate
from mia.simulator.living import LivingMonth, live_month
from mia.simulator.scenario import Scenario
from mia.timeline import DAY_SECONDS, MICROSECONDS, timestamp_of

SCENARIO = Scenario(subscribers=120, months=1, seed=3)
NEXT = SCENARIO.start + 1
DAY = DAY_SECONDS * MICROSECONDS
OFFERS = ("data_5", "music_month")


class Notebook:
    """A service that writes down what it is told, and refuses clicks."""

    def __init__(self) -> None:
        self.lock, self.told = Lock(), defaultdict[str, list[tuple[int, str, dict[str, Any]]]](list)

    def decide(self, subscriber_id: str, channel: str, request_id: str, at: int) -> Decided:
        with self.lock:
            self.told[subscriber_id].append((at, request_id, {}))
        return Decided(f"for {request_id}", OFFERS)

    def record(self, events: Sequence[dict[str, Any]], at: int) -> list[str]:
        with self.lock:
            for event in events:
                self.told[event["subscriber_id"]].append((at, event["event_id"], event))
        return ["no clicks" for event in events if event["kind"] == "click"]


@pytest.fixture(scope="module")
def month() -> LivingMonth:
    return live_month(SCENARIO, NEXT)


def test_a_month_happens_in_the_order_of_each_life(month: LivingMonth) -> None:
    door = Notebook()
    played = play(month, door, clients=4)
    assert played.visits == len(month) > 100
    assert played.kinds["impression"] == 2 * played.visits
    assert played.refused == {"no clicks": played.kinds["click"]}
    for told in door.told.values():
        happened = [event["occurred_at"] if event else timestamp_of(at).isoformat() for at, _, event in told]
        assert happened == sorted(happened)
        assert [at for at, _, _ in told] == sorted(at for at, _, _ in told)
        for place, (at, request_id, event) in enumerate(told):
            if event:
                continue
            mine = [one["event_id"] for _, _, one in told[place + 1 :] if one.get("decision_id") == f"for {request_id}"]
            assert mine[:2] == [f"{request_id}-1", f"{request_id}-2"]
            assert all(earlier <= at for earlier, _, _ in told[:place])


def test_what_is_still_to_come_is_told_in_later_months(month: LivingMonth, tmp_path: Path) -> None:
    first = play(month, Notebook(), clients=2)
    assert {one.kind for one in first.waiting} >= {"disconnection"}
    end = (int(month.at[-1]) // DAY + 1) * DAY
    assert all(one.at >= end for one in first.waiting)
    keep_waiting(tmp_path / "live" / "waiting.jsonl", first.waiting)
    waiting = read_waiting(tmp_path / "live" / "waiting.jsonl")
    assert waiting == first.waiting
    assert read_waiting(tmp_path / "nothing") == ()
    door = Notebook()
    second = play(live_month(SCENARIO, NEXT + 1), door, clients=2, waiting=waiting)
    told = {event["event_id"] for lines in door.told.values() for _, _, event in lines if event}
    later = {one.event_id for one in second.waiting}
    assert all((one.event_id in told) != (one.event_id in later) for one in waiting)
    assert any(one.event_id in told for one in waiting)


def test_only_the_first_days_are_played_when_they_are_asked_for(month: LivingMonth) -> None:
    steps: list[tuple[int, int]] = []
    played = play(month, Notebook(), clients=1, days=3, progress=lambda _, at, of: steps.append((at, of)))
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert 0 < played.visits < len(month) / 3


def test_usage_of_a_month_lived_has_the_records_of_that_month_and_new_ids(month: LivingMonth, tmp_path: Path) -> None:
    rows = write_usage(month, tmp_path / "usage.parquet")
    simulate(SCENARIO, tmp_path / "world")
    fresh = pq.read_table(tmp_path / "usage.parquet")
    before = pq.read_table(tmp_path / "world" / "usage" / "2021-01.parquet")
    assert len(fresh) == rows
    assert fresh.schema == before.schema
    assert 0.5 < rows / len(before) < 2
    ids = fresh["record_id"].to_pylist() + before["record_id"].to_pylist()
    assert len(set(ids)) == len(ids)
    moments = sorted(fresh["occurred_at"].to_pylist())
    assert (moments[0].strftime("%m-%d"), moments[-1].strftime("%m")) in (("01-31", "02"), ("02-01", "02"))


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://here", "http://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match=r"option --url: must be an address"):
        HttpDoor(url, "key")


def test_a_service_that_does_not_answer_is_waited_for_and_then_named() -> None:
    pauses: list[float] = []
    door = HttpDoor("http://127.0.0.1:9", "key", pauses.append)
    with pytest.raises(InvalidInput, match=r"option --url: nothing answers at http://127.0.0.1:9"):
        door.require_ready(seconds=2)
    assert sum(pauses) == 2


def test_a_busy_service_is_asked_again_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    door = HttpDoor("http://127.0.0.1:9", "key", pauses.append)
    answers = [(503, {"Retry-After": "2"}, b""), (200, {}, b'{"decision_id": "d", "offers": [{"offer_id": "o"}]}')]
    monkeypatch.setattr(door, "_exchange", lambda *_: answers.pop(0))
    assert door.decide("s", "app", "r", 5) == Decided("d", ("o",))
    assert pauses == [2.0]
    monkeypatch.setattr(door, "_exchange", lambda *_: (429, {}, b""))
    with pytest.raises(Overloaded, match="was busy 5 times"):
        door.decide("s", "app", "r", 5)
