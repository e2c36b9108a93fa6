"""`mia serve` as a process of its own."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

import httpx
import pytest

from mia.bootstrap import open_workspace
from mia.cli.serve import require_free, serve
from mia.errors import InvalidInput, NotEnoughData
from mia.settings import Settings
from mia.storage.ledger import open_ledger

COMMAND = [sys.executable, "-c", "from mia.cli.main import main; main()", "serve"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_ready(process: subprocess.Popen[bytes], address: str) -> None:
    for _ in range(600):
        assert process.poll() is None
        try:
            if httpx.get(f"{address}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail("the server never became ready")


def test_it_serves_until_it_is_told_to_stop(tiny_home: Path, tmp_path: Path) -> None:
    home = copytree(tiny_home, tmp_path / "home")
    opened = open_workspace(Settings(home=home))
    key = opened.keys.create("another process", ["offers", "events"])
    opened.close()
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with subprocess.Popen([*COMMAND, "--port", str(port), "--home", str(home)], stderr=subprocess.PIPE) as process:
        try:
            wait_until_ready(process, address)
            headers = {"Authorization": f"Bearer {key}"}
            ask = {"subscriber_id": "s2", "channel": "web"}
            decision = httpx.post(f"{address}/v1/decisions", json=ask, headers=headers).json()
            assert len(decision["offers"]) == 2
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
    assert b"Traceback" not in log
    assert b"Application shutdown complete" in log
    opened = open_workspace(Settings(home=home))
    assert opened.ledger.decision(decision["decision_id"]).request.subscriber_id == "s2"
    opened.close()


def test_it_refuses_a_workspace_without_offers(tmp_path: Path) -> None:
    open_ledger(f"sqlite:///{tmp_path}/ledger.db", lambda: 1).close()
    with pytest.raises(NotEnoughData, match="offers yet; `mia ingest`"):
        serve(home=tmp_path, port=0)


def test_it_refuses_a_taken_port_before_any_work(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(
            InvalidInput, match=f"option --port: port {port} of 127.0.0.1 is taken; .* --port {port + 1}"
        ):
            serve(port=port, home=tmp_path)
    require_free("127.0.0.1", port)


def test_it_refuses_an_address_that_is_not_of_this_machine() -> None:
    with pytest.raises(InvalidInput, match=r"option --host: cannot listen on 192\.0\.2\.1"):
        require_free("192.0.2.1", 0)
