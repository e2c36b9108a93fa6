"""Everything that decisions depend on is changed under four workers at work."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.test_serve import COMMAND, free_port, wait_until_ready
from tests.fakes.world import AS_OF, World

from mia.bootstrap import Workspace, open_workspace
from mia.ports import ChampionChange

pytestmark = pytest.mark.slow

WORKERS, CLIENTS, PATIENCE = 4, 3, 600
KNOWN = [f"s{number:07d}" for number in range(1, 60)]


class Load:
    """Clients that ask until they are told to stop, each request on a connection of its own so that every worker gets
    some of them.
    """

    def __init__(self, address: str, key: str) -> None:
        self.address, self.headers = address, {"X-API-Key": key}
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        number = 0
        while not self._stop.is_set():
            body = {"subscriber_id": KNOWN[number % len(KNOWN)], "channel": "app"}
            answer = httpx.post(f"{self.address}/v1/decisions", json=body, headers=self.headers, timeout=60)
            self.answers.append((answer.status_code, answer.json()))
            number += 1


@pytest.fixture
def opened(world: World, tmp_path: Path) -> Iterator[Workspace]:
    found = open_workspace(world.settings(world.copy(tmp_path)))
    yield found
    found.close()


def workers_with(address: str, wanted: dict[str, str]) -> dict[int, bool]:
    """Of the workers that answered, whether each is ready with these versions."""
    found: dict[int, bool] = {}
    for _ in range(8 * WORKERS):
        state = httpx.get(f"{address}/readyz", timeout=60).json()
        found[state["worker"]] = state["ready"] and wanted.items() <= state["versions"].items()
    return found


def until_all(address: str, **wanted: str) -> None:
    for _ in range(PATIENCE):
        found = workers_with(address, wanted)
        if len(found) == WORKERS and all(found.values()):
            return
        time.sleep(0.2)
    pytest.fail(f"not all workers agree on {wanted}: {found}")


def test_changes_become_visible_in_every_worker_and_no_request_fails(opened: Workspace) -> None:
    key, port = opened.keys.create("load", ["offers"]), free_port()
    address = f"http://127.0.0.1:{port}"
    command = [*COMMAND, "--port", str(port), "--home", str(opened.home), "--workers", str(WORKERS)]
    again = opened.registry.register(folder=opened.registry.fetch("1"), parameters={}, metrics={}, tags={})
    current = str(opened.profiles.current())

    def promote() -> dict[str, str]:
        opened.registry.make_champion(ChampionChange(again, 0, "tests", "gate"))
        return {"model": again}

    def publish() -> dict[str, str]:
        people = [part.profiles for part in opened.builder.of_day(opened.current_offers(), AS_OF + 1)]
        history, fitted = opened.profiles.history(current), opened.profiles.fingerprint(current)
        return {"profile": opened.profiles.publish(AS_OF + 1, people, history, fitted)}

    def put_on_sale() -> dict[str, str]:
        path = opened.home / "offers.yaml"
        one = "{id: fresh, name: {ru: Новое, en: New}, category: data_pack, kind: pack, price: 1, value: 9}"
        path.write_text(f"offers:\n  - {one}\n", "utf-8")
        opened.ingest(path)
        return {"catalogue": opened.catalogue().version}

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until_ready(process, address)
            until_all(address, model="1", profile=current)
            changes: list[Callable[[], dict[str, str]]] = [promote, publish, put_on_sale]
            with Load(address, key) as load:
                for change in changes:
                    until_all(address, **change())
                    seen = len(load.answers)
                    while len(load.answers) < seen + 2 * WORKERS:
                        time.sleep(0.05)
        finally:
            process.terminate()
            process.wait()
    assert {status for status, _ in load.answers} == {200}
    bodies = [body for _, body in load.answers]
    assert {body["model_version"] for body in bodies} == {"1", again}
    assert {body["fallback"] for body in bodies} <= {None, "opted_out"}
    assert all(body["offers"] or body["empty_reason"] for body in bodies)
    assert bodies[-1]["catalogue_version"] == opened.catalogue().version
    for body in bodies[::7]:
        assert opened.decisions.replay(body["decision_id"]).differences == ()
