"""The whole loop as a stranger runs it, on a small world instead of the sample."""

from pathlib import Path

import pytest
from tests.fakes.world import World
from typer.testing import CliRunner

from mia.bootstrap import open_workspace
from mia.cli.main import app
from mia.errors import InvalidInput

runner = CliRunner()


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate that lets the small world's model pass."""
    for name, value in (("MINIMUM_POSITIVES", "10"), ("MINIMUM_AUC_GAIN", "-1"), ("MAXIMUM_CALIBRATION_ERROR", "1")):
        monkeypatch.setenv(f"MIA_GATE__{name}", value)


@pytest.mark.usefixtures("lenient")
def test_the_demo_ends_with_the_headline_and_leaves_a_working_workspace(world: World) -> None:
    home = world.source.parent / "demo"
    arguments = ["demo", "--no-serve", "--source", str(world.source), "--home", str(home)]
    first = runner.invoke(app, arguments, catch_exceptions=False)
    assert first.exit_code == 0
    assert "curl -s http://127.0.0.1:8080/v1/decisions -H 'X-API-Key: mia_" in first.output
    assert "-H 'Accept-Language: en' -d '{\"subscriber_id\"" in first.output
    assert f"export MIA_HOME={home}\nmia uptake --baseline 2021-01 --by macro_region\n" in first.output
    opened = open_workspace(world.settings(home))
    try:
        assert opened.uptake.headline("Urals", "2021-01", "2021-04").sentence in first.output
        assert opened.registry.champion() == "1"
        position = opened.ledger.position()
        assert position > 0
        again = runner.invoke(app, arguments, catch_exceptions=False)
        assert again.exit_code == 0
        assert "already loaded" in again.output
        assert opened.ledger.position() == position
    finally:
        opened.close()


def test_without_the_sample_the_demo_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such folder"):
        runner.invoke(app, ["demo", "--source", str(tmp_path / "nowhere")], catch_exceptions=False)
