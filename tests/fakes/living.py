"""A service without HTTP around it, and what simulated subscribers connected at it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import DecisionRequest
from mia.domain.event import Outcome
from mia.frames import Floats
from mia.services.play import Decided, Played, play, write_usage
from mia.services.record import Recorder
from mia.services.simulate import simulate
from mia.settings import Settings
from mia.simulator.living import Happening, live_month
from mia.simulator.scenario import Scenario
from mia.timeline import month_start


class WorkspaceDoor:
    """`mia.services.play.Door` on the services of a workspace in this process."""

    def __init__(self, opened: Workspace) -> None:
        self._opened = opened
        self._recorder = Recorder(opened.decisions, opened.clock, opened.regions)

    def decide(self, subscriber_id: str, channel: str, request_id: str, at: int) -> Decided:
        request = DecisionRequest(subscriber_id, channel, at, request_id=request_id)
        stored = self._opened.writer.submit(self._opened.decisions.propose(request)).result()
        return Decided(stored.decision_id, tuple(offer.offer_id for offer in stored.offers))

    def record(self, events: Sequence[dict[str, Any]], at: int) -> list[str]:
        ready, rejected = self._recorder.prepare(events)
        outcomes = self._opened.writer.submit_events(ready).result() if ready else []
        return [one.reason for one in rejected] + [
            str(outcome) for outcome in outcomes if outcome not in (Outcome.ACCEPTED, Outcome.DUPLICATE)
        ]


def lives_in(scenario: Scenario, source: Path, settings: Settings) -> Workspace:
    """A workspace with the world of a scenario, its profiles at the end and a champion; opened."""
    simulate(scenario, source)
    opened = open_workspace(settings)
    opened.ingest(source)
    opened.refresh(scenario.end_day)
    opened.promote(opened.train().version)
    opened.decisions.warm()
    return opened


def live_on(opened: Workspace, scenario: Scenario, number: int, folder: Path, waiting: tuple[Happening, ...]) -> Played:
    """A month at the services of a workspace, its usage, and a retraining that goes live."""
    month = live_month(scenario, number)
    played = play(month, WorkspaceDoor(opened), clients=2, waiting=waiting)
    assert not played.refused
    write_usage(month, folder / f"usage-{number}.parquet")
    opened.ingest(folder / f"usage-{number}.parquet", table="usage")
    before = opened.decisions.model_version
    opened.retrain(as_of=month_start(number + 1))
    opened.decisions.reload()
    assert opened.decisions.model_version not in (None, before)
    return played


def connections_each(opened: Workspace, first_day: int, end_day: int) -> dict[str, Floats]:
    """By arm, the connections of each of its subscribers in the local days [first_day, end_day)."""
    people = pq.read_table(opened.lake.paths("subscribers"), columns=["subscriber_id"])["subscriber_id"]
    events = opened.ledger.events()
    inside = pc.and_(pc.greater_equal(events["local_day"], first_day), pc.less(events["local_day"], end_day))
    taken = events.filter(pc.and_(inside, pc.equal(events["kind"], "connection")))
    place = pc.index_in(taken["subscriber_id"], people.combine_chunks()).to_numpy()
    counts = np.bincount(place, minlength=len(people)).astype(float)
    arms = np.array([opened.arms.arm_of(one).value for one in people.to_pylist()])
    return {arm: counts[arms == arm] for arm in ("mia", "control")}
