"""Every notebook runs from top to bottom in a real kernel, on a small world, and warns of nothing."""

from pathlib import Path
from xml.etree import ElementTree

import nbclient
import nbformat
import pytest
from tests.fakes.world import World

from mia.bootstrap import open_workspace

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[2] / "notebooks"
SECONDS = 300
STRICT = """
import warnings
from _pytest.config import parse_warning_filter

warnings.resetwarnings()
for line in {filters!r}:
    warnings.filterwarnings(*parse_warning_filter(line, escape=False))
"""


WITHOUT_WIDGETS = """
import sys
sys.modules["ipywidgets"] = None
from mia.storage.engine import DuckDBEngine
DuckDBEngine(threads=1).connect().execute("SELECT 42").fetchone()
"""


class Ran:
    """What a notebook showed, all cells together."""

    def __init__(self, notebook: nbformat.NotebookNode) -> None:
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        shown = [output.data for output in outputs if output.output_type in ("execute_result", "display_data")]
        self.unasked = [output for output in outputs if output.output_type not in ("execute_result", "display_data")]
        self.drawings = [data["image/svg+xml"] for data in shown if "image/svg+xml" in data]
        self.tables = [data["text/html"] for data in shown if "text/html" in data]
        self.texts = [data["text/plain"] for data in shown if len(data) == 1]


@pytest.fixture(scope="module")
def home(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return world.copy(tmp_path_factory.mktemp("notebooks"))


@pytest.fixture
def run(home: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config):
    """Runs a notebook as a reader does: with its folder as that of the kernel, the workspace in MIA_HOME."""
    monkeypatch.setenv("MIA_HOME", str(home))
    monkeypatch.setenv("MIA_THREADS", "1")
    strict = nbformat.v4.new_code_cell(STRICT.format(filters=pytestconfig.getini("filterwarnings")))
    # The end of a kernel is its own affair.
    lenient = nbformat.v4.new_code_cell("warnings.simplefilter('ignore')")

    def run(topic: str) -> Ran:
        notebook = nbformat.read(FOLDER / f"{topic}.ipynb", as_version=4)
        notebook.cells = [strict, *notebook.cells, lenient]
        nbclient.NotebookClient(
            notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
        ).execute()
        return Ran(notebook)

    return run


def test_usage_and_profiles(run) -> None:
    ran = run("01_usage_and_profiles")
    require_drawings(ran, 4)
    assert ran.texts == ["'profiles as of 2021-05-01'"]
    assert len(ran.tables) == 4


def test_train_and_compare(run, home: Path, world: World) -> None:
    ran = run("02_train_and_compare")
    require_drawings(ran, 3)
    assert len(ran.tables) == 4
    assert ran.texts[0] == "'model 1 is champion'"
    opened = open_workspace(world.settings(home))
    assert [model.version for model in opened.registry.versions()] == ["2", "1"]
    assert opened.registry.champion() == "1"
    assert opened.registry.attached("2", "gate.json") is None
    opened.close()


def test_off_policy_what_if(run) -> None:
    ran = run("03_off_policy_what_if")
    require_drawings(ran, 1)
    assert len(ran.tables) == 3
    assert all("popular_by_region" in table for table in ran.tables)


def test_growth_of_connections(run, home: Path, world: World) -> None:
    ran = run("04_growth_of_connections")
    require_drawings(ran, 3)
    opened = open_workspace(world.settings(home))
    assert repr(opened.uptake.headline("Urals", "2021-01").sentence) in ran.texts
    opened.close()


def test_the_engine_works_in_a_kernel_without_widgets() -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WITHOUT_WIDGETS)])
    nbclient.NotebookClient(notebook, timeout=SECONDS, kernel_name="python3").execute()
    assert Ran(notebook).texts == ["(42,)"]


def require_drawings(ran: Ran, count: int) -> None:
    assert ran.unasked == []
    assert len(ran.drawings) == count
    for drawing in ran.drawings:
        assert "var(" not in drawing
        assert ElementTree.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - our own drawing
