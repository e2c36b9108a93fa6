"""Signing in to the dashboard, and everything that tries to get around it."""

import asyncio
import re
from hashlib import sha256
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.fakes.door import Door

from mia.api.access.schemes import SESSION_COOKIE
from mia.api.dashboard.login import FORM_COOKIE, local_address
from mia.sections import DoorSettings
from mia.timeline import MICROSECONDS

BROWSER = {"Accept": "text/html,*/*"}


def form_of(door: Door, next_page: str = "/dashboard") -> tuple[dict[str, str], str]:
    """Fields of the form as the page has them, and the cookie that came with it."""
    answer = door.get("/dashboard/login", params={"next": next_page}, headers=BROWSER)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
    return {name: unescape(value) for name, value in fields.items()}, answer.cookies[FORM_COOKIE]


def enter(door: Door, key: str, headers: dict[str, str] | None = None, **changes: str) -> httpx.Response:
    fields, cookie = form_of(door)
    headers = {"Cookie": f"{FORM_COOKIE}={cookie}"} | (headers or {})
    return door.post("/dashboard/login", data=fields | {"key": f"mia_{key}"} | changes, headers=headers)


def session_of(door: Door, key: str = "uptake") -> dict[str, str]:
    answer = enter(door, key)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard")
    return {"Cookie": f"{SESSION_COOKIE}={answer.cookies[SESSION_COOKIE]}"}


@pytest.mark.parametrize(
    "path",
    [
        "/dashboard",
        "/dashboard/index.svg",
        "/dashboard/uptake.csv",
        "/dashboard/monitor",
        "/dashboard/models/7/card",
        "/dashboard/models/99/card",
    ],
)
def test_nothing_is_seen_without_signing_in(door: Door, path: str) -> None:
    answer = door.get(path)
    assert answer.status_code == 401
    assert "Model 7" not in answer.text
    assert door.get(path, key="events").status_code == 403
    assert door.get(path, headers={"Cookie": f"{SESSION_COOKIE}=made.up"}).status_code == 401
    assert door.get(path, headers=session_of(door)).status_code in (200, 404)


def test_a_browser_is_led_to_the_form_and_back(door: Door) -> None:
    answer = door.get("/dashboard?by=arm&lang=en", headers=BROWSER)
    assert answer.status_code == 303
    location = urlsplit(answer.headers["location"])
    assert location.path == "/dashboard/login"
    assert parse_qs(location.query) == {"next": ["/dashboard?by=arm&lang=en"]}
    fields, _ = form_of(door, "/dashboard?by=arm&lang=en")
    assert fields["next"] == "/dashboard?by=arm&lang=en"


@pytest.mark.parametrize("key", ["uptake", "admin"])
def test_keys_that_may_see_uptake_sign_in(door: Door, key: str) -> None:
    page = door.get("/dashboard", headers=session_of(door, key))
    assert page.status_code == 200
    assert 'action="/dashboard/logout"' in page.text


@pytest.mark.parametrize("key", ["offers", "events", "nobody", ""])
def test_other_keys_do_not(door: Door, key: str) -> None:
    answer = enter(door, key)
    assert answer.status_code == 403
    assert SESSION_COOKIE not in answer.cookies
    assert 'role="alert"' in answer.text
    assert not key or f"mia_{key}" not in answer.text


def test_the_cookie_is_for_this_site_alone(door: Door) -> None:
    cookie = enter(door, "uptake").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/dashboard", "Max-Age=3600"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    fields, nonce = form_of(door)
    headers = {"Cookie": f"{FORM_COOKIE}={nonce}"}
    secure = door.post("https://mia/dashboard/login", data=fields | {"key": "mia_uptake"}, headers=headers)
    assert "Secure" in secure.headers["set-cookie"]
    assert "max-age=" in secure.headers["strict-transport-security"]
    form = door.get("/dashboard/login").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict"} <= set(form.split("; "))


def test_a_session_ends_with_its_time_and_with_its_key(door: Door) -> None:
    session = session_of(door)
    assert door.get("/dashboard", headers=session).status_code == 200
    door.clock.now += 3_600 * MICROSECONDS
    assert door.get("/dashboard", headers=session).status_code == 401
    session = session_of(door)
    del door.keys.keys["mia_uptake"]
    door.clock.now += 6 * MICROSECONDS
    assert door.get("/dashboard", headers=session).status_code == 401


def test_a_session_cannot_be_made_up_or_changed(door: Door) -> None:
    (value,) = session_of(door).values()
    packed, _, signature = value.removeprefix(f"{SESSION_COOKIE}=").partition(".")
    link = door.services.sign_in.link("0" * 64)
    for forged in (packed, f"{packed}.", f"{packed}.{signature[:-1]}0", f"A{packed[1:]}.{signature}", link, "é.x", "."):
        headers = {"Cookie": f"{SESSION_COOKIE}={forged}".encode()}
        assert door.get("/dashboard", headers=headers).status_code == 401, forged


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        ({"Origin": "https://evil.example"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
        ({"Cookie": ""}, {}),
        ({"Cookie": f"{FORM_COOKIE}=another"}, {}),
        ({"Content-Type": "text/plain"}, {}),
        ({}, {"stamp": "made.up"}),
        ({}, {"stamp": ""}),
        ({}, {"next": "x" * 5_000}),
    ],
)
def test_a_form_of_another_site_signs_nobody_in(door: Door, headers: dict[str, str], changes: dict[str, str]) -> None:
    answer = enter(door, "uptake", headers, **changes)
    assert answer.status_code == 403
    assert SESSION_COOKIE not in answer.cookies


def test_signing_out_needs_our_own_form(door: Door) -> None:
    session = session_of(door)
    page = door.get("/dashboard", headers=session).text
    stamp = re.search(r'name="stamp" value="([^"]+)"', page)[1]
    assert door.post("/dashboard/logout", data={"stamp": "x"}, headers=session).status_code == 403
    assert door.post("/dashboard/logout", data={"stamp": stamp}).status_code == 403
    answer = door.post("/dashboard/logout", data={"stamp": stamp}, headers=session)
    assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/login")
    assert f'{SESSION_COOKIE}=""' in answer.headers["set-cookie"]
    assert door.get("/dashboard/logout", headers=session).status_code == 405


def test_a_link_works_once_and_within_the_hour(door: Door) -> None:
    digest = sha256(b"mia_uptake").hexdigest()
    link = door.services.sign_in.link(digest)
    first = door.get("/dashboard/login", params={"link": link})
    assert (first.status_code, first.headers["location"]) == (303, "/dashboard")
    session = {"Cookie": f"{SESSION_COOKIE}={first.cookies[SESSION_COOKIE]}"}
    assert door.get("/dashboard", headers=session).status_code == 200
    assert door.get("/dashboard/login", params={"link": link}).status_code == 401
    late = door.services.sign_in.link(digest)
    door.clock.now += 3_601 * MICROSECONDS
    assert door.get("/dashboard/login", params={"link": late}).status_code == 401


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example",
        "/dashboard/../v1",
        "/dashboard\\evil",
        "/dashboard//evil.example",
        "/dashboard?x=\n",
        "/dashboardevil",
        "javascript:alert(1)",
        "/dashboard/%2e%2e/x",
        "",
    ],
)
def test_nobody_is_led_elsewhere(door: Door, address: str) -> None:
    assert local_address(address) == "/dashboard"
    fields, _ = form_of(door, address)
    assert fields["next"] == "/dashboard"


@pytest.mark.parametrize(
    "address", ["/dashboard", "/dashboard/monitor", "/dashboard/models/7/card", "/dashboard?a=%41&b=2"]
)
def test_pages_of_ours_are_found_again(address: str) -> None:
    assert local_address(address) == address


def test_without_login_only_this_machine_sees_it(door: Door) -> None:
    opened = door.with_settings(DoorSettings(dashboard_login=False))
    assert opened.get("/dashboard").status_code == 200
    assert opened.get("/v1/uptake").status_code == 401

    async def from_elsewhere() -> int:
        transport = httpx.ASGITransport(opened.app, client=("192.0.2.7", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://mia") as client:
            return (await client.get("/dashboard")).status_code

    assert asyncio.run(from_elsewhere()) == 401


def test_metrics_can_be_closed(door: Door) -> None:
    closed = door.with_settings(DoorSettings(open_metrics=False))
    assert closed.get("/metrics").status_code == 401
    assert closed.get("/metrics", key="events").status_code == 403
    assert closed.get("/metrics", key="uptake").status_code == 200
