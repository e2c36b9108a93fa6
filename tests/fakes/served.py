"""`mia serve` over a workspace as processes that tests may kill and start again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
from tests.cli.test_serve import COMMAND, free_port
from tests.fakes.process import start_mia

from mia.bootstrap import Workspace, open_workspace
from mia.settings import Settings

PATIENCE = 180.0
# A busy machine is no failure.
PATIENT = {"MIA_QUEUE__PATIENCE_SECONDS": "60", "MIA_DECISIONS__LEDGER_BUDGET_MS": "20000"}


def eventually(condition: Any, what: str, patience: float = PATIENCE) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"it never came to be that {what}"
        time.sleep(0.05)


class Served:
    """The service on a port of its own; `log` is a file with what all its processes said."""

    def __init__(
        self,
        home: Path,
        *,
        ledger_url: str | None = None,
        workers: int = 1,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.home, self.workers, self.port = home, workers, free_port()
        self.settings = Settings(home=home, ledger_url=ledger_url)
        self.log = home.parent / f"{home.name}.log"
        self.address = f"http://127.0.0.1:{self.port}"
        self._variables = {**PATIENT, **variables, **({} if ledger_url is None else {"MIA_LEDGER_URL": ledger_url})}
        # Each question on a connection of its own, so that any worker may answer it.
        once = httpx.Limits(max_keepalive_connections=0)
        self._asking = httpx.Client(base_url=self.address, timeout=60, limits=once)
        self._process: ForkServerProcess | subprocess.Popen[bytes] | None = None
        opened = self.open()
        self.key = opened.keys.create("clients", ["admin"])
        opened.close()

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._asking.close()

    @property
    def pid(self) -> int:
        """Id of the first process of the service."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    def open(self) -> Workspace:
        """The workspace beside the service."""
        return open_workspace(self.settings)

    def start(self) -> None:
        """Start the service and wait until it is ready."""
        words = ["--port", str(self.port), "--home", str(self.home), "--workers", str(self.workers)]
        if self.workers == 1:
            self._process = start_mia("serve", *words, variables=self._variables, log=self.log)
        else:
            with self.log.open("ab") as log:
                environment = {**os.environ, **self._variables}
                self._process = subprocess.Popen(
                    [*COMMAND, *words], stderr=log, env=environment, start_new_session=True
                )
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until somebody answers that it is ready."""
        eventually(lambda: self.state().get("ready"), f"the service is ready: {self.log}")

    def state(self) -> dict[str, Any]:
        """What /readyz of any worker says; nothing while nobody answers."""
        try:
            return dict(self._asking.get("/readyz").json())
        except httpx.TransportError:
            return {}

    def kill_worker(self) -> None:
        """SIGKILL the worker that answers next; nobody where none answers."""
        worker = self.state().get("worker")
        if worker is not None:
            os.kill(worker, signal.SIGKILL)

    def kill(self) -> None:
        """SIGKILL every process of the service at once."""
        process, self._process = self._process, None
        if isinstance(process, subprocess.Popen):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        elif process is not None:
            process.kill()
            process.join()

    def stop(self) -> None:
        """Let the service end in peace."""
        assert self._process is not None
        self._process.terminate()
        getattr(self._process, "join", getattr(self._process, "wait", None))()
        self._process = None

    def waits(self) -> bool:
        """Whether anything waits in a spool."""
        return any(path.stat().st_size for path in (self.home / "spool").glob("*.spool"))
