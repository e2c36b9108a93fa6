"""What a server process holds: nothing that only trains, builds profiles or draws."""

import os
import subprocess
import sys
from pathlib import Path

from tests.fakes.world import NOON, World

from mia.storage.registered import RegisteredModels

HEAVY = (
    *("mlflow", "lightgbm", "sklearn", "joblib", "pyspark", "optuna", "ibis", "sqlglot", "altair", "narwhals"),
    *("vl_convert", "alembic", "scipy.stats", "scipy.optimize", "matplotlib"),
)
CHECK = f"found = [name for name in {HEAVY!r} if name in sys.modules]; assert not found, found\n"
DECIDE = f"""
import os, sys
from queue import SimpleQueue
from mia.api.app import create_app
from mia.api.serve import services_of
from mia.bootstrap import Parts
from mia.domain.decision import DecisionRequest
from mia.settings import load_settings

parts = Parts(load_settings(), clock=lambda: {NOON})
services = services_of(parts)
create_app(services)
subscriber = parts.profiles.reader(services.decisions.snapshot).first(1)[0]
(proposal,) = services.decisions.propose([DecisionRequest(subscriber, "app", {NOON})])
decision = proposal.decision
assert (decision.fallback, decision.versions.model) == (None, "1"), decision
answers = SimpleQueue()
services.writer.submit([proposal], answers.put)
assert answers.get(timeout=60) == [(0, decision)]
services.decisions.reload()
services.ages()
assert b"<html" in services.card("champion")
"""


def run(code: str, home: Path) -> None:
    given = {"MIA_HOME": str(home), "MIA_ARMS__CONTROL_SHARE": "0", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | given)


def test_importing_the_application_imports_nothing_heavy(tmp_path: Path) -> None:
    run(f"import sys, mia.api.serve\n{CHECK}", tmp_path)


def test_decisions_of_a_compiled_champion_import_nothing_heavy(world: World, tmp_path: Path) -> None:
    run(DECIDE + CHECK, world.copy(tmp_path))


def test_a_champion_of_unknown_answers_is_checked_against_lightgbm(world: World, tmp_path: Path) -> None:
    home = world.copy(tmp_path)
    path = RegisteredModels(home / "models").fetch("1") / "ranker.json"
    text = path.read_text()
    path.write_text(text.replace('"answers"', '"earlier"'))
    assert path.read_text() != text
    run(f"{DECIDE}assert 'lightgbm' in sys.modules\n", home)


def test_what_a_server_loaded_is_left_alone_by_the_garbage_collector(world: World, tmp_path: Path) -> None:
    code = """
import gc
from mia.api.heap import THRESHOLDS
from mia.api.serve import serve_factory

serve_factory()
assert gc.get_freeze_count() > 10_000, gc.get_freeze_count()
assert gc.get_threshold() == THRESHOLDS
"""
    run(code, world.copy(tmp_path))
