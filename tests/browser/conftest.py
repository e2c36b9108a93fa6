"""A real browser before a real server. Debian's Chromium is needed: without it these tests fail, they do not skip."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright
from tests.fakes.door import Door, open_door

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    assert CHROMIUM.exists(), "install the Debian package `chromium`"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with open_door() as opened:
        opened.fill()
        yield opened


@pytest.fixture(scope="module")
def empty_door() -> Iterator[Door]:
    with open_door() as opened:
        yield opened


@pytest.fixture(scope="module")
def address(door: Door) -> Iterator[str]:
    yield from serve(door)


@pytest.fixture(scope="module")
def empty_address(empty_door: Door) -> Iterator[str]:
    yield from serve(empty_door)


def serve(door: Door) -> Iterator[str]:
    """The door on a free port of this machine, for as long as the generator lives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(door.app, lifespan="off", access_log=False, log_level="warning", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
