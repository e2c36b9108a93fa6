"""Decisions a second of one worker, and how long they take, beside a bare route that returns the same bytes.

`make bench-serving` runs the demo into a scratch workspace first; `python benchmarks/serving.py --home HOME` works on
a copy of a workspace, so that its ledger stays as it is. Each figure is the median of the repeats; the load comes from
a second process and rotates through all subscribers.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from mia.bootstrap import open_workspace
from mia.settings import Settings

HERE = Path(__file__).parent
PATH = "/v1/decisions"
FACTORIES = {"mia": "mia.api.serve:serve_factory", "bare": "bare:bare_factory"}
FIGURES = ("per_second", "p50_ms", "p99_ms")


@contextmanager
def served(factory: str, environment: dict[str, str]) -> Iterator[int]:
    """One uvicorn worker on a free port, up and answering."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", factory, "--factory", "--port", str(port), "--app-dir", str(HERE)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    with subprocess.Popen(command, env=os.environ | environment) as process:
        try:
            while process.poll() is None:
                try:
                    httpx.get(f"http://127.0.0.1:{port}/openapi.json")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield port
        finally:
            process.terminate()


def measure(port: int, key: str, bodies: bytes, requests: int, connections: int) -> dict[str, float]:
    """One run of the load in a process of its own."""
    command = [sys.executable, str(HERE / "load.py"), "--port", str(port), "--path", PATH, "--key", key]
    command += ["--requests", str(requests), "--connections", str(connections)]
    return json.loads(subprocess.run(command, input=bodies, stdout=subprocess.PIPE, check=True).stdout)


def prepare(home: Path) -> tuple[str, bytes]:
    """A key for the load, and one body a subscriber."""
    workspace = open_workspace(Settings(home=home))
    key = workspace.keys.create(f"benchmark {time.time_ns()}", ["offers"])
    ids = pq.read_table(workspace.lake.paths("subscribers"), columns=["subscriber_id"])["subscriber_id"].to_pylist()
    workspace.close()
    return key, b"\n".join(json.dumps({"subscriber_id": found, "channel": "app", "limit": 3}).encode() for found in ids)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="workspace with offers, profiles and a champion; else the demo's")
    parser.add_argument("--requests", type=int, default=600, help="requests a run")
    parser.add_argument("--connections", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as scratch:
        home, answer = Path(scratch) / "home", Path(scratch) / "answer.json"
        if chosen.home is None:
            demo = [sys.executable, "-c", "from mia.cli.main import main; main()", "demo", "--no-serve"]
            subprocess.run([*demo, "--home", str(home)], stdout=subprocess.DEVNULL, check=True)
        else:
            shutil.copytree(chosen.home, home)
        key, bodies = prepare(home)
        runs: dict[tuple[str, int], list[dict[str, float]]] = {}
        with served(FACTORIES["mia"], {"MIA_HOME": str(home)}) as mia:
            ready = httpx.get(f"http://127.0.0.1:{mia}/readyz").json()
            if not ready["personalised"]:
                raise SystemExit(f"this workspace has no model to measure: {ready}")
            body = bodies.split(b"\n", 1)[0]
            headers = {"X-API-Key": key, "Content-Type": "application/json"}
            answer.write_bytes(httpx.post(f"http://127.0.0.1:{mia}{PATH}", content=body, headers=headers).content)
            with served(FACTORIES["bare"], {"BARE_ANSWER": str(answer)}) as bare:
                for port in (mia, bare):
                    measure(port, key, bodies, chosen.requests // 2, 8)
                # Taking turns, so that whatever else this machine does falls on both alike.
                for _ in range(chosen.repeats):
                    for connections in chosen.connections:
                        for name, port in (("mia", mia), ("bare", bare)):
                            found = measure(port, key, bodies, chosen.requests, connections)
                            runs.setdefault((name, connections), []).append(found)
        table = Table(
            "server", "connections", "per second", "p50 ms", "p99 ms", caption=f"{answer.stat().st_size} bytes"
        )
        for (name, connections), found in sorted(runs.items()):
            figures = [median(run[figure] for run in found) for figure in FIGURES]
            table.add_row(name, str(connections), f"{figures[0]:,.0f}", f"{figures[1]:.2f}", f"{figures[2]:.2f}")
        console.print(table)


if __name__ == "__main__":
    main()
