"""SIGKILL at random moments under load: all that was acknowledged is there afterwards, once, and nothing else is.

`FAULT_KILLS` is the number of kills in all; `make test-faults` asks for 50.
"""

import os
import random
import sys
import time
from pathlib import Path
from shutil import copytree

import pytest
from tests.fakes.load import Load, require_kept
from tests.fakes.postgres import Postgres
from tests.fakes.served import Served, eventually

pytestmark = pytest.mark.slow
CASES = [("service", "sqlite"), ("worker", "sqlite"), ("service", "postgresql"), ("worker", "postgresql")]
KILLS = -(-int(os.environ.get("FAULT_KILLS", "4")) // len(CASES))


@pytest.mark.parametrize(("victim", "database"), CASES)
def test_what_was_acknowledged_survives(
    tiny_home: Path, tmp_path: Path, victim: str, database: str, request: pytest.FixtureRequest
) -> None:
    home = copytree(tiny_home, tmp_path / "home")
    url = None
    if database == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.fresh(f"killed_{victim}")
    draw = random.Random(f"{victim} {database}")
    with Served(home, ledger_url=url, workers=1 if victim == "service" else 2) as service:
        with Load(service, changed=True) as load:
            for _ in range(KILLS):
                load.goes_on(20)
                time.sleep(draw.uniform(0.0, 0.5))
                if victim == "service":
                    service.kill()
                    service.start()
                else:
                    service.kill_worker()
            load.goes_on(20)
        service.wait_until_ready()
        load.settle()
        eventually(lambda: not service.waits(), "nothing waits in a spool")
    require_kept(service, load.account)
    told = load.account
    assert told.refused
    sys.stdout.write(
        f"{KILLS} kills of a {victim} on {database}: {len(told.decided):,} decisions and {len(told.accepted):,} events "
        f"acknowledged and there once, {len(told.refused):,} refused and not there\n"
    )
