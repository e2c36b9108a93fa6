"""An hour's worth of requests at half load: memory and latency stay where they are after the start.

`FAULT_REQUESTS` is their number; `make test-faults` asks for 20,000. A route that does nothing is asked in between, and
latencies are measured by its own, so that a machine that gets busy or idle meanwhile decides nothing.
"""

import os
import statistics
import sys
import time
from pathlib import Path

import httpx
import pytest
from benchmarks.serving_world import crowd_of, ids_of
from tests.fakes.served import Served
from tests.fakes.world import AS_OF, World

from mia.profiles.features import feature_fingerprint

pytestmark = pytest.mark.slow
REQUESTS = int(os.environ.get("FAULT_REQUESTS", "2000"))
PARTS = 5
BARE_EVERY = 4
GROWTH, SLOWER = 1.05, 1.5
PEOPLE = 20_000
"""So many that nobody comes again and again, and brings a history that grows."""


def resident(pid: int) -> int:
    """Bytes of memory that a process holds and shares with no file."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "RssShmem")))


def test_memory_and_latency_stay(world: World, tmp_path: Path) -> None:
    memory: list[int] = []
    latency: list[float] = []
    served = Served(world.copy(tmp_path))
    opened = served.open()
    offer_id = opened.current_offers()[0].id
    snapshot = str(opened.profiles.current())
    known, _ = opened.profiles.find_many(snapshot, opened.profiles.reader(snapshot).first(200))
    opened.profiles.publish(AS_OF, crowd_of(known, PEOPLE), opened.profiles.history(snapshot), feature_fingerprint())
    opened.close()
    people = ids_of(PEOPLE, REQUESTS)
    with (
        served as service,
        httpx.Client(base_url=service.address, headers={"X-API-Key": service.key}, timeout=120) as client,
    ):

        def timed(method: str, path: str, **options: object) -> float:
            begun = time.perf_counter()
            answer = client.request(method, path, **options)  # type: ignore[arg-type]
            assert answer.status_code == 200, answer.text
            return time.perf_counter() - begun

        for part in range(PARTS + 1):
            asked: list[float] = []
            bare: list[float] = []
            for number in range(REQUESTS // PARTS):
                one = people[part * (REQUESTS // PARTS) % REQUESTS + number]
                took = timed("POST", "/v1/decisions", json={"subscriber_id": one, "channel": "app"})
                asked.append(took)
                # Half load: as long as a request takes, nothing is asked.
                time.sleep(took)
                if number % BARE_EVERY == 0:
                    bare.append(timed("GET", "/healthz"))
                    event = {"event_id": f"steady-{part}-{number}", "occurred_at": "2021-04-30T10:00:00Z"}
                    event |= {"subscriber_id": one, "kind": "click", "channel": "app", "offer_id": offer_id}
                    timed("POST", "/v1/events", json={"events": [event]})
            memory.append(resident(service.pid))
            latency.append(statistics.median(asked) / statistics.median(bare))
    # The first part warms up.
    growth, slower = memory[-1] / memory[1], latency[-1] / latency[1]
    sys.stdout.write(
        f"{REQUESTS:,} requests after {REQUESTS // PARTS:,} to warm up: memory {memory[1] / 2**20:.0f} MiB "
        f"x {growth:.3f}, latency of a decision {latency[1]:.2f} of a bare route x {slower:.2f}\n"
    )
    assert growth <= GROWTH
    assert slower <= SLOWER
