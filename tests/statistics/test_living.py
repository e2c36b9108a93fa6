"""The loop closed: `mia demo` lives for three months, MIA learns three times, and its lift shows."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from tests.cli.test_serve import free_port

from mia.bootstrap import open_workspace
from mia.services.simulate import simulate
from mia.settings import load_settings
from mia.simulator.scenario import Scenario
from mia.timeline import date_of, month_text

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-c", "from mia.cli.main import main; main()", "demo"]
SCENARIO = Scenario(subscribers=700, months=3, seed=21)
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


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C means something to processes that are started, also where the tests themselves run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_after_three_retrainings_the_interval_of_the_lift_excludes_zero(
    tmp_path: Path, empty_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, home = tmp_path / "world", tmp_path / "home"
    for name, value in (SETTINGS | {"MIA_HOME": str(home)}).items():
        monkeypatch.setenv(name, value)
    simulate(SCENARIO, world)
    copytree(empty_models, home / "models")
    told = _lived([*COMMAND, "--source", str(world), "--months", "3", "--port", str(free_port())])
    retrained = [line for line in told if line.startswith("retrained: ")]
    assert len(retrained) == 3
    passed = ["passed the gate, is champion and in force" in line for line in retrained]
    # A gate may refuse what is no better than the champion: then it says so, and the months go on.
    assert any(passed)
    refusals = (line for line, good in zip(retrained, passed, strict=True) if not good)
    assert all("is refused: " in line and "stays champion" in line for line in refusals)
    assert all(any(line.startswith(f"{month_text(LIVED + later)}: ") for line in told) for later in range(3))
    opened = open_workspace(load_settings())
    try:
        assert len(opened.registry.versions()) == 4
        assert opened.registry.champion() == str(2 + max(place for place, good in enumerate(passed) if good))
        report = opened.lift.report()
        assert report.began is not None
        assert str(date_of(report.began)).startswith(month_text(LIVED))
        lift = report.total.connections
        assert lift.relative is not None
        assert lift.relative > 0
        # The interval for one look, as this is one, at a moment fixed before: the third retraining.
        assert lift.interval.excludes_zero, lift
        # The same people with arms drawn anew show none, so it is not the measure that finds it.
        assert not opened.lift.report(aa=5).total.connections.interval.excludes_zero
        assert report.crossed == 0
        assert report.total.assigned.p_value > 0.001
        assert any(f"arm mia connects {lift.relative:+.1%} against control" in line for line in told)
    finally:
        opened.close()


def _lived(command: list[str]) -> list[str]:
    """What the demo says until its months are over; Ctrl-C then ends it cleanly."""
    told: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        try:
            assert demo.stdout is not None
            for line in demo.stdout:
                told.append(line.rstrip())
                if line.startswith("see the arms apart "):
                    break
        finally:
            demo.send_signal(signal.SIGINT)
            _, log = demo.communicate(timeout=60)
    assert told[-1].startswith("see the arms apart "), log
    assert demo.returncode == 0
    assert "Traceback" not in log
    return told
