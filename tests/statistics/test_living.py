"""The loop closed: subscribers live on at a real service, MIA learns three times, and its lift shows."""

from pathlib import Path
from shutil import copytree

import pytest
from tests.fakes.living import listening, run_live

from mia.api.living import living_app
from mia.bootstrap import open_workspace
from mia.services.simulate import simulate
from mia.settings import load_settings
from mia.simulator.scenario import Scenario
from mia.timeline import date_of, month_text

pytestmark = [
    pytest.mark.slow,
    # MLflow's own queries use what SQLAlchemy is about to drop.
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),
]
SCENARIO = Scenario(subscribers=1_500, months=3, seed=21)
LIVED = SCENARIO.start + SCENARIO.months
SETTINGS = {
    "MIA_THREADS": "1",
    # As many subscribers in each arm, so that few of them tell much.
    "MIA_ARMS__CONTROL_SHARE": "0.5",
    # The gate's bounds are meant for a larger operator; what it lets pass must prove itself below.
    "MIA_GATE__MINIMUM_POSITIVES": "10",
    "MIA_GATE__MINIMUM_AUC_GAIN": "-1",
    "MIA_GATE__MAXIMUM_CALIBRATION_ERROR": "1",
}


def test_after_three_retrainings_the_interval_of_the_lift_excludes_zero(
    tmp_path: Path, empty_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, home = tmp_path / "world", tmp_path / "home"
    for name, value in (SETTINGS | {"MIA_HOME": str(home)}).items():
        monkeypatch.setenv(name, value)
    simulate(SCENARIO, world)
    copytree(empty_models, home / "models")
    opened = open_workspace(load_settings())
    opened.ingest(world)
    opened.refresh(SCENARIO.end_day)
    first = opened.train().version
    opened.promote(first)
    assert opened.lift.report().began is None
    with listening(living_app(opened)) as url:
        learnt = run_live(world, home, url, "--months", "3")
        # A whole month at the model of the third retraining.
        after = run_live(world, home, url, "--days", "40")
    assert (learnt.exit_code, after.exit_code) == (0, 0)
    retrained = [line for line in learnt.output.splitlines() if line.startswith("retrained: ")]
    assert len(retrained) == 3
    assert all("passed the gate, is champion and in force" in line for line in retrained)
    assert f"{month_text(LIVED + 3)}: " in after.output
    reopened = open_workspace(load_settings())
    try:
        assert reopened.registry.champion() == str(int(first) + 3)
        report = reopened.lift.report(by="category")
        assert report.began is not None
        assert str(date_of(report.began)).startswith(month_text(LIVED))
        lift = report.total.connections
        assert lift.relative is not None
        assert lift.relative > 0
        assert lift.anytime_interval.excludes_zero, lift
        # The same people with arms drawn anew show none, so it is not the measure that finds it.
        assert not reopened.lift.report(aa=5).total.connections.anytime_interval.excludes_zero
        assert report.crossed == 0
        assert report.total.assigned.p_value > 0.001
    finally:
        reopened.close()
