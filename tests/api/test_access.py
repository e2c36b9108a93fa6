"""Keys and scopes."""

import pytest
from tests.fakes.door import Door

from mia.api.access import FRESH_FOR as REMEMBERED_FOR

DOORS = {
    ("POST", "/v1/decisions"): "offers",
    ("POST", "/v1/events"): "events",
    ("GET", "/v1/uptake"): "uptake",
    ("GET", "/v1/uptake/restatements"): "uptake",
    ("GET", "/v1/decisions/d1"): "admin",
}


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_no_key_and_a_bad_key_are_401(door: Door, method: str, path: str) -> None:
    for options in (
        {},
        {"key": "nobody"},
        {"headers": {"Authorization": "Basic bWlh"}},
        {"headers": {"X-API-Key": ""}},
    ):
        answer = door.call(method, path, **options)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), DOORS)
@pytest.mark.parametrize("scope", ["offers", "events", "uptake"])
def test_each_scope_opens_its_own_door_only(door: Door, method: str, path: str, scope: str) -> None:
    status = door.call(method, path, key=scope).status_code
    assert (status == 403) == (DOORS[method, path] != scope)


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_admin_opens_every_door(door: Door, method: str, path: str) -> None:
    assert door.call(method, path, key="admin").status_code not in (401, 403)


def test_missing_scope_is_named(door: Door) -> None:
    assert "'uptake'" in door.get("/v1/uptake", key="events").json()["detail"]


def test_both_headers_carry_the_key(door: Door) -> None:
    assert door.get("/v1/uptake", headers={"X-API-Key": "mia_uptake"}).status_code == 200
    assert door.get("/v1/uptake", headers={"Authorization": "bearer mia_uptake"}).status_code == 200


def test_look_ups_are_remembered_for_seconds_and_no_longer(door: Door) -> None:
    for _ in range(3):
        assert door.get("/v1/uptake", key="uptake").status_code == 200
    assert door.keys.asked == 1
    del door.keys.keys["mia_uptake"]
    door.clock.now += REMEMBERED_FOR - 1
    assert door.get("/v1/uptake", key="uptake").status_code == 200
    door.clock.now += 1
    assert door.get("/v1/uptake", key="uptake").status_code == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/dashboard/login", "/docs", "/openapi.json"])
def test_open_doors_need_no_key(door: Door, path: str) -> None:
    assert door.get(path).status_code == 200
