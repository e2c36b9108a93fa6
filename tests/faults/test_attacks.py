"""What people with bad intentions send: fragments of SQL and of templates in every string, and tricks with paths."""

import asyncio
import socket
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from tests.fakes.door import open_door
from tests.fakes.serving import serving

from mia.api.app import create_app
from mia.api.serve import services_of
from mia.bootstrap import Workspace, open_workspace
from mia.settings import Settings

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
OWN_SCRIPT = '<script src="/dashboard/script.js" defer></script>'
FRAGMENTS = (
    "x'; DROP TABLE events; --",
    "x' OR '1'='1",
    'x" UNION SELECT key_hash, name FROM api_keys --',
    "x'); UPDATE api_keys SET scopes = 'admin'; --",
    "s1%' --",
    "{{7*7191}}",
    "{% for x in ().__class__.__mro__ %}{{x}}{% endfor %}",
    "${7*7191}",
    "#{7*7191}",
    "%(subscriber_id)s",
    "{0.__class__}",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "__proto__",
    "-1 OR SLEEP(9)",
    "$(reboot)",
    "`id`",
    "\u202ename",
)
SOUND = {"event_id": "e1", "occurred_at": "2021-06-30T10:00:00Z", "subscriber_id": "s1", "offer_id": "music_30"}
SOUND |= {"kind": "impression", "channel": "app"}


@pytest.fixture(scope="module")
def workspace(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    opened = open_workspace(Settings(home=copytree(tiny_home, tmp_path_factory.mktemp("attacked") / "home")))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(workspace: Workspace) -> FastAPI:
    return create_app(services_of(workspace))


@pytest.fixture(scope="module")
def key(workspace: Workspace) -> str:
    return workspace.keys.create("attacker", ["admin"])


def call(app: FastAPI, key: str, method: str, path: str, **options: Any) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mia") as client:
            return await client.request(method, path, headers={"X-API-Key": key}, **options)

    return asyncio.run(exchange())


def tables_of(workspace: Workspace) -> dict[str, int]:
    with workspace.ledger.database.reading() as connection:
        names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
    return {name: rows_of(workspace, name) for name in names if not name.startswith("sqlite_")}


def rows_of(workspace: Workspace, name: str) -> int:
    with workspace.ledger.database.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())


def require_answered(answer: httpx.Response, fragment: str) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        kind = answer.headers["content-type"].partition(";")[0]
        assert kind in ("application/problem+json", "text/html")
    assert str(7 * 7191) not in unescape(answer.text).replace(fragment, "")
    if "text/html" in answer.headers["content-type"]:
        # The page's one script is a file of this host; the policy of the page runs no other.
        assert "<script" not in answer.text.replace(OWN_SCRIPT, "", 1)
        assert "<img src=x" not in answer.text


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_string_is_only_a_string(app: FastAPI, key: str, workspace: Workspace, fragment: str) -> None:
    before, keys = tables_of(workspace), workspace.keys.all()
    decided = recorded = 0
    for name in ("subscriber_id", "channel", "placement", "request_id"):
        body = {"subscriber_id": "s1", "channel": "app"} | {name: fragment}
        answer = call(app, key, "POST", "/v1/decisions", json=body)
        require_answered(answer, fragment)
        assert answer.status_code == (422 if name == "channel" else 200)
        if answer.status_code == 200:
            decided += 1
            found = answer.json()
            assert found["subscriber_id"] == body["subscriber_id"]
            require_answered(call(app, key, "GET", f"/v1/decisions/{found['decision_id']}"), fragment)
    context = {"subscriber_id": "s1", "channel": "app", "context": {fragment: {fragment: [fragment]}}}
    answer = call(app, key, "POST", "/v1/decisions", json=context)
    decided += answer.status_code == 200
    trace = call(app, key, "GET", f"/v1/decisions/{answer.json()['decision_id']}").json()
    assert trace["request"]["context"] == context["context"]
    for name in SOUND:
        event = SOUND | {"event_id": f"{name} {fragment}"} | {name: fragment}
        answer = call(app, key, "POST", "/v1/events", json={"events": [event]})
        require_answered(answer, fragment)
        recorded += len(answer.json()["accepted"])
        assert bool(answer.json()["accepted"]) == (name in ("event_id", "subscriber_id"))
    for place in ("decision_id", "region"):
        answer = call(
            app, key, "POST", "/v1/events", json={"events": [SOUND | {"event_id": fragment + place, place: fragment}]}
        )
        require_answered(answer, fragment)
        recorded += len(answer.json()["accepted"])
    after = tables_of(workspace)
    assert after.keys() == before.keys()
    assert after["events"] == before["events"] + recorded
    assert after["decisions"] == before["decisions"] + decided
    assert after["api_keys"] == before["api_keys"]
    assert workspace.keys.all() == keys


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_every_parameter_is_only_a_parameter(app: FastAPI, key: str, fragment: str) -> None:
    for path in ("/dashboard", "/dashboard/index.svg", "/dashboard/uptake.csv", "/v1/uptake", "/dashboard/login"):
        for name in (
            "baseline",
            "by",
            "from",
            "to",
            "macro_region",
            "lang",
            "theme",
            "width",
            "next",
            "link",
            fragment,
        ):
            require_answered(call(app, key, "GET", path, params={name: fragment}), fragment)
    for path in (f"/v1/decisions/{fragment}", f"/dashboard/{fragment}", f"/dashboard/models/{fragment}/card"):
        require_answered(call(app, key, "GET", path.replace("?", "%3f").replace("#", "%23")), fragment)


TRICKS = (
    b"/dashboard/../../etc/passwd",
    b"/dashboard/..%2f..%2fetc%2fpasswd",
    b"/dashboard/%2e%2e/%2e%2e/etc/passwd",
    b"/dashboard/..%252f..%252fetc/passwd",
    b"/dashboard/..\\..\\etc\\passwd",
    b"/dashboard/%5c..%5c..%5cpage.html",
    b"/dashboard/style.css/../page.html",
    b"/dashboard/style.css%00.svg",
    b"/dashboard/page.html",
    b"/dashboard/routes.py",
    b"/dashboard//etc/passwd",
    b"//dashboard",
    b"/dashboard;/x",
    b"/dashboard/./index.svg",
    b"/DASHBOARD",
    b"/dashboard/",
    b"/dashboard%2findex.svg",
    b"/dashboard/models/..%2f..%2f..%2fetc%2fpasswd/card",
    b"/dashboard/models/../card",
    b"/dashboard/models/7%00/card",
    b"/dashboard/models/%2e%2e/card",
    b"/dashboard/" + b"a/" * 2_000,
    b"/dashboard/\xd0\xb6",
    b"http://other.example/dashboard",
)


@pytest.mark.parametrize("key", [b"", b"X-API-Key: mia_uptake\r\n"], ids=["stranger", "known"])
def test_paths_lead_nowhere_else(key: bytes) -> None:
    with open_door() as door, serving(door) as port:
        for trick in TRICKS:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.settimeout(120)
                client.sendall(b"GET " + trick + b" HTTP/1.1\r\nHost: mia\r\nConnection: close\r\n" + key + b"\r\n")
                answer = b""
                while part := client.recv(65_536):
                    answer += part
            status = int(answer.split(b" ", 2)[1])
            allowed = {400, 401, 404, 405, 422} | ({200, 307} if key else {307})
            assert status in allowed, (trick, answer[:200])
            assert b"root:" not in answer
            assert b"{% " not in answer
            assert b"import " not in answer
            if status == 307:
                location = answer.lower().split(b"location: ")[1].split(b"\r\n")[0]
                assert location.startswith((b"/dashboard", b"http://mia/dashboard")), (trick, location)


def test_smuggled_lengths_are_refused_or_closed() -> None:
    """Two messages must never be made of one, nor one of two."""
    body = b'{"events": []}'
    heads = (
        b"Content-Length: 14\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 14\r\nContent-Length: 15\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x0e\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
    )
    with open_door() as door, serving(door) as port:
        for head in heads:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.settimeout(120)
                start = b"POST /v1/events HTTP/1.1\r\nHost: mia\r\nX-API-Key: mia_events\r\nConnection: close\r\n"
                client.sendall(start + head + b"\r\n" + body + b"GET /healthz HTTP/1.1\r\nHost: mia\r\n\r\n")
                answer = b""
                try:
                    while part := client.recv(65_536):
                        answer += part
                except ConnectionResetError:
                    pass
            assert answer.count(b"HTTP/1.1 ") == 1, (head, answer)
            assert b" 200 " not in answer.split(b"\r\n", 1)[0]
