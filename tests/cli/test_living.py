"""`mia simulate --live` over real HTTP."""

from pathlib import Path

import pytest
from tests.fakes.living import listening, run_live
from tests.fakes.world import World
from typer.testing import CliRunner, Result

from mia.api.app import create_app
from mia.api.living import living_app
from mia.api.serve import services_of
from mia.bootstrap import open_workspace
from mia.cli.main import app
from mia.errors import InvalidInput
from mia.simulator.living import live_month
from mia.simulator.scenario import Scenario
from mia.timeline import MICROSECONDS, month_number

MAY = month_number("2021-05")


def run(world: World, home: Path, url: str, *words: str) -> Result:
    return run_live(world.source, home, url, *words)


def test_days_are_played_at_a_running_service_once(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    opened = open_workspace(world.settings(home))
    before = opened.ledger.position()
    with listening(living_app(opened)) as url:
        first = run(world, home, url, "--days", "3", "--clients", "4")
        assert first.exit_code == 0
        position = opened.ledger.position()
        again = run(world, home, url, "--days", "3")
        assert again.exit_code == 0
        assert opened.ledger.position() == position
        events = opened.ledger.events(before)
    month = live_month(Scenario(subscribers=250, months=4, seed=11), MAY)
    span = month.at[0], month.at[0] + 3 * 86_400 * MICROSECONDS
    assert set(events["kind"].to_pylist()) >= {"impression", "click"}
    assert all(span[0] <= at <= span[1] for at in events["occurred_at"].to_pylist())
    assert events["decision_id"].null_count == 0
    assert set(events["arm"].to_pylist()) <= {"mia", "control"}
    assert "2021-05: " in first.output
    assert "against control" in first.output


def test_a_service_that_keeps_the_real_time_is_left_alone(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    opened = open_workspace(world.settings(home))
    position = opened.ledger.position()
    with (
        listening(create_app(services_of(opened))) as url,
        pytest.raises(InvalidInput, match=r"option --url: .* keeps the real time"),
    ):
        run(world, home, url)
    reopened = open_workspace(world.settings(home))
    assert reopened.ledger.position() == position
    reopened.close()


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["--live", "--seed", "1"], "option --seed: does not go with --live"),
        (["--live", "--world", "/nowhere"], "holds no simulated world"),
        (["--days", "3"], "option --days: only goes with --live"),
        (["--months", "3", "--seed", "1"], "option --subscribers: is needed, unless it is --live"),
    ],
)
def test_options_of_the_two_ways_do_not_mix(words: list[str], rule: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=rule):
        CliRunner().invoke(app, ["simulate", *words, "--home", str(tmp_path)], catch_exceptions=False)


def test_another_operator_is_not_played(world: World, tiny_home: Path) -> None:
    with pytest.raises(InvalidInput, match=r"option --world: the workspace holds other subscribers"):
        run(world, tiny_home, "http://127.0.0.1:9")
