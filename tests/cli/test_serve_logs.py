"""A run of the real server: its log is JSON, and tells of nobody; SIGTERM under load loses nothing it took."""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from shutil import copytree

import httpx
import pytest
from tests.cli.test_serve import COMMAND, free_port, wait_until_ready

from mia.bootstrap import open_workspace
from mia.errors import InvalidSettings
from mia.settings import Settings

PHONE = "79123456780"
SUBSCRIBER = "subscriber-of-this-test"


@pytest.fixture
def home(tiny_home: Path, tmp_path: Path) -> Path:
    return copytree(tiny_home, tmp_path / "home")


def make_key(home: Path) -> str:
    opened = open_workspace(Settings(home=home))
    try:
        return opened.keys.create("of this run", ["offers", "events", "uptake"])
    finally:
        opened.close()


@pytest.mark.parametrize("form", ["json", pytest.param("text", marks=pytest.mark.slow)])
def test_no_log_tells_of_anybody(home: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIA_LOGGING__FORMAT", form)
    monkeypatch.setenv("MIA_LOGGING__LEVEL", "debug")
    key, port = make_key(home), free_port()
    address = f"http://127.0.0.1:{port}"
    token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"  # noqa: S105 - made up
    with subprocess.Popen([*COMMAND, "--port", str(port), "--home", str(home)], stderr=subprocess.PIPE) as process:
        try:
            wait_until_ready(process, address)
            with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=300) as client:
                for subscriber in (SUBSCRIBER, PHONE, f"+{PHONE}", f"{SUBSCRIBER}\u0436"):
                    client.post("/v1/decisions", json={"subscriber_id": subscriber, "channel": "app"})
                    client.post("/v1/decisions", json={"subscriber_id": subscriber, "channel": "none"})
                    event = {"event_id": f"e-{subscriber}", "subscriber_id": subscriber, "offer_id": "music_30"}
                    event |= {"occurred_at": "2021-06-30T10:00:00Z", "kind": "click", "channel": "app"}
                    client.post("/v1/events", json={"events": [event]})
                    client.post("/v1/events", json={"events": [event | {"kind": "connection"}]})
                    client.get(f"/v1/decisions/{subscriber}?key={key}")
                    client.get(f"/customers/{subscriber}", params={"subscriber_id": subscriber, "token": token})
                client.get("/v1/uptake", headers={"Authorization": f"Bearer {token}", "X-Request-Id": key})
                client.get("/dashboard/login", params={"link": "made-up-link", "next": f"/{SUBSCRIBER}"})
                client.post("/dashboard/login", data={"key": key})
                client.get("/v1/uptake", headers={"X-Request-Id": "of-the-client"})
            # The database goes away under the server: errors are told with all they quote.
            for file in home.glob("ledger.db*"):
                file.write_bytes(b"no database" * 1_000)
            with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=300) as client:
                client.post("/v1/decisions", json={"subscriber_id": SUBSCRIBER, "channel": "app"})
        finally:
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=300)
    text = log.decode()
    for secret in (key, PHONE, SUBSCRIBER, token, "made-up-link"):
        assert secret not in text
    assert "of-the-client" in text
    assert "/v1/decisions" in text
    if form == "json":
        lines = [json.loads(line) for line in text.splitlines()]
        assert {"time", "level", "logger"} <= set.intersection(*(set(line) for line in lines))
        assert {"mia.access", "uvicorn.error"} <= {line["logger"] for line in lines}
        statuses = {line["status"] for line in lines if line["logger"] == "mia.access"}
        assert {200, 401, 403, 404, 409, 422} <= statuses


def count_decisions(home: Path) -> int:
    opened = open_workspace(Settings(home=home))
    try:
        return opened.ledger.decisions_count()
    finally:
        opened.close()


def keep_asking(address: str, key: str, stop: threading.Event, answered: list[str], failed: list[str]) -> None:
    """Ask for decisions until told to stop or until nobody answers any more."""
    with httpx.Client(base_url=address, headers={"X-API-Key": key}, timeout=300) as client:
        while not stop.is_set():
            try:
                answer = client.post("/v1/decisions", json={"subscriber_id": "s1", "channel": "app"})
            except httpx.TransportError as error:
                failed.append(type(error).__name__)
                return
            assert answer.status_code == 200
            answered.append(answer.json()["decision_id"])


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.slow)])
def workers(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def test_sigterm_under_load_answers_what_was_taken(home: Path, workers: int) -> None:
    key, port = make_key(home), free_port()
    address = f"http://127.0.0.1:{port}"
    command = [*COMMAND, "--port", str(port), "--home", str(home), "--workers", str(workers)]
    answered: list[str] = []
    failed: list[str] = []
    stop, enough = threading.Event(), 60
    before = count_decisions(home)
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        wait_until_ready(process, address)
        told = (address, key, stop, answered, failed)
        clients = [threading.Thread(target=keep_asking, args=told) for _ in range(8)]
        for client in clients:
            client.start()
        while len(answered) < enough and any(client.is_alive() for client in clients):
            stop.wait(0.01)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=300)
        stop.set()
        for client in clients:
            client.join()
    assert len(answered) >= enough
    assert "Traceback" not in log.decode()
    opened = open_workspace(Settings(home=home))
    try:
        # Every decision that was committed was answered, and every answer is committed.
        assert opened.ledger.decisions_count() - before == len(answered) == len(set(answered))
        assert all(opened.ledger.decision(found).request.subscriber_id == "s1" for found in answered)
    finally:
        opened.close()


def test_an_open_dashboard_is_for_loopback_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mia.cli.serve import serve

    monkeypatch.setenv("MIA_DOOR__DASHBOARD_LOGIN", "false")
    with pytest.raises(InvalidSettings, match="on loopback only"):
        serve(host="0.0.0.0", port=0, home=home)  # noqa: S104 - that is what is refused


def test_the_secret_of_sessions_is_made_once_and_for_its_owner(home: Path) -> None:
    secrets = []
    for _ in range(2):
        opened = open_workspace(Settings(home=home))
        secrets.append(opened.sign_in.session("d"))
        assert opened.sign_in.read_session(secrets[0]) == "d"
        opened.close()
    file = home / "session.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(file.read_bytes()) == 32


def test_ages_are_those_of_what_is_in_the_workspace(home: Path) -> None:
    opened = open_workspace(Settings(home=home))
    ages = opened.ages()
    assert set(ages) == {"catalogue", "profile"}
    assert 0 <= ages["catalogue"] < 36_000
    assert ages["profile"] > 365 * 86_400
    opened.close()


def test_traces_without_the_extra_are_refused_in_words() -> None:
    check = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "from mia.api.traces import build_traces\n"
        "from mia.errors import InvalidSettings\n"
        "try: build_traces()\n"
        "except InvalidSettings as error: assert 'mia[otel]' in str(error)\n"
        "else: sys.exit(1)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
