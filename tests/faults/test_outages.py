"""PostgreSQL away under load: decisions go on, what is taken meanwhile is delivered once, and nobody sees an error.

`FAULT_OUTAGE_SECONDS` is how long it stays away; `make test-faults` asks for 30.
"""

import os
import sys
import time
from pathlib import Path
from shutil import copytree

import pytest
from tests.fakes.load import Load, require_kept
from tests.fakes.postgres import Postgres
from tests.fakes.served import Served, eventually

pytestmark = pytest.mark.slow
SECONDS = float(os.environ.get("FAULT_OUTAGE_SECONDS", "3"))
CUTS = max(3, int(SECONDS))
DECISIONS, EVENTS = "/v1/decisions", "/v1/events"


@pytest.fixture
def home(tiny_home: Path, tmp_path: Path) -> Path:
    return copytree(tiny_home, tmp_path / "home")


def test_a_server_that_is_stopped_and_started_again(home: Path, postgres: Postgres) -> None:
    with Served(home, ledger_url=postgres.fresh("stopped")) as service:
        with Load(service) as load:
            told = load.account
            load.goes_on(50)
            assert not told.count(DECISIONS, 200, "ledger_unavailable")
            postgres.stop()
            try:
                time.sleep(SECONDS)
                load.goes_on(50)
            finally:
                postgres.start()
            sheltered = told.count(DECISIONS, 200, "ledger_unavailable")
            eventually(lambda: not service.waits(), "all that waited is delivered")
            seen = told.count(DECISIONS, 200, "unknown_subscriber")
            eventually(lambda: told.count(DECISIONS, 200, "unknown_subscriber") > seen, "the ledger is used again")
        load.settle()
        eventually(lambda: not service.waits(), "all that waited is delivered")
        require_kept(service, told)
    assert sheltered
    assert {status for _, status, _ in told.statuses} <= {200, 422}
    sys.stdout.write(
        f"PostgreSQL away for {SECONDS:g} s: {told.acknowledged:,} acknowledged and there once, "
        f"{sheltered:,} decisions meanwhile, no 5xx\n"
    )


def test_connections_that_are_cut(home: Path, postgres: Postgres) -> None:
    with Served(home, ledger_url=postgres.fresh("cut")) as service:
        with Load(service) as load:
            cut = 0
            for _ in range(CUTS):
                load.goes_on(10)
                cut += postgres.cut()
            load.goes_on(10)
        load.settle()
        eventually(lambda: not service.waits(), "all that waited is delivered")
        require_kept(service, load.account)
    assert cut >= CUTS
    assert {status for _, status, _ in load.account.statuses} <= {200, 422}
    sys.stdout.write(f"{cut} connections cut: {load.account.acknowledged:,} acknowledged and there once, no 5xx\n")


def test_beyond_the_spool_events_are_refused_and_decisions_go_on(home: Path, postgres: Postgres) -> None:
    url = postgres.fresh("beyond")
    with Served(home, ledger_url=url, variables={"MIA_QUEUE__SPOOL_MEGABYTES": "1"}) as service:
        with Load(service, clients=2, batch=100) as load:
            told = load.account
            load.goes_on(50)
            postgres.stop()
            try:
                eventually(lambda: told.count(EVENTS, 503), "there is no room for events")
                decided = told.count(DECISIONS, 200, "ledger_unavailable")
                eventually(
                    lambda: told.count(DECISIONS, 200, "ledger_unavailable") > decided + 5, "decisions still go on"
                )
            finally:
                postgres.start()
            eventually(lambda: not service.waits(), "all that waited is delivered")
        load.settle()
        eventually(lambda: not service.waits(), "all that waited is delivered")
        require_kept(service, told)
    assert {(path, status) for path, status, _ in told.statuses if status >= 500} == {(EVENTS, 503)}
    assert told.retry_after == {"1"}
