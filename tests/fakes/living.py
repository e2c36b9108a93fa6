"""A service that listens in this process, and `mia simulate --live` played at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import sleep

import uvicorn
from fastapi import FastAPI
from tests.cli.test_serve import free_port
from typer.testing import CliRunner, Result

from mia.cli.main import app


@contextmanager
def listening(application: FastAPI) -> Iterator[str]:
    """The address of an application while it listens; leaving the context drains it."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(application, port=port, log_config=None, access_log=False))
    thread = Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def run_live(world: Path, home: Path, url: str, *words: str) -> Result:
    """The command, with its errors raised."""
    given = ["simulate", "--live", "--world", str(world), "--url", url, "--home", str(home), *words]
    return CliRunner().invoke(app, given, catch_exceptions=False)
