"""Monitoring on the real parts: the champion of a small world, before and after something moves."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.fakes.world import World

from mia.bootstrap import open_workspace
from mia.domain.event import Event, EventKind
from mia.errors import NoReport, UnknownModel
from mia.evaluation.gate import Colour
from mia.evaluation.health import MonitorLimits
from mia.settings import Settings
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
FEW = MonitorLimits(minimum_rows=50, minimum_positives=5)


@pytest.fixture
def settings(world: World, tmp_path: Path) -> Settings:
    return world.settings(world.copy(tmp_path)).model_copy(update={"monitor": FEW})


def test_the_champion_is_looked_at_and_its_report_kept(settings: Settings) -> None:
    opened = open_workspace(settings)
    with pytest.raises(NoReport):
        opened.health.page()
    health = opened.monitor("champion", days=30)
    assert health.facts.version == "1"
    assert health.facts.recent is not None
    assert len(health.facts.recent) >= 50
    assert "offer_impressions" not in health.facts.columns
    assert {check.name for check in health.checks if check.colour is Colour.GREY} >= {"fallbacks", "exploration"}
    kept = opened.health.report()
    assert kept is not None
    assert kept["checks"] == health.to_json()["checks"]
    assert b"Model 1 in operation" in opened.health.page()
    opened.close()


def test_impressions_of_the_learnt_window_are_no_answers(settings: Settings) -> None:
    opened = open_workspace(settings)
    assert opened.monitor("1", days=30).facts.answers is None
    with pytest.raises(UnknownModel):
        opened.monitor("7", days=30)
    opened.close()


def test_decisions_and_later_answers_are_read(settings: Settings) -> None:
    opened = open_workspace(settings)
    end = opened.end_of_events()
    first = opened.ledger.events().slice(0, 400).to_pylist()
    later = [
        Event(**{name: value for name, value in row.items() if name != "seq"} | {"kind": EventKind(row["kind"])})
        for row in first
    ]
    shift = end - later[0].occurred_at + 20 * DAY
    opened.ledger.append_events(
        [
            replace(
                event,
                event_id=f"later-{event.event_id}",
                occurred_at=event.occurred_at + shift,
                local_day=event.local_day + shift // DAY,
                decision_id=None,
            )
            for event in later
        ]
    )
    health = opened.monitor("1", days=30, until=end + 60 * DAY)
    assert health.facts.answers is not None
    assert health.measures is not None
    assert health.facts.age_days >= 60
    opened.close()
