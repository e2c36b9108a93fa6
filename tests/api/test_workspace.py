"""The door over a real workspace: lake, profile store, registry and SQLite ledger."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mia.api.app import create_app
from mia.api.serve import services_of
from mia.api.services import Services
from mia.bootstrap import Workspace, open_workspace
from mia.settings import Settings, UptakeSettings

# MLflow's own queries use what SQLAlchemy is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
ASK = {"subscriber_id": "s1", "channel": "app", "request_id": "r1"}


@pytest.fixture(scope="module")
def workspace(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    home = copytree(tiny_home, tmp_path_factory.mktemp("workspace") / "home")
    opened = open_workspace(Settings(home=home, uptake=UptakeSettings(small_base=1)))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def services(workspace: Workspace) -> Services:
    return services_of(workspace)


@pytest.fixture(scope="module")
def app(services: Services) -> FastAPI:
    return create_app(services)


@pytest.fixture(scope="module")
def headers(workspace: Workspace) -> dict[str, str]:
    return {"X-API-Key": workspace.keys.create("in this process", ["admin"])}


def call(app: FastAPI, method: str, path: str, **options: Any) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mia") as client:
            return await client.request(method, path, **options)

    return asyncio.run(exchange())


def test_ready_without_a_model(app: FastAPI) -> None:
    answer = call(app, "GET", "/readyz")
    assert (answer.status_code, answer.json()["personalised"]) == (200, False)


def test_the_loop_closes(app: FastAPI, headers: dict[str, str], workspace: Workspace, services: Services) -> None:
    first = call(app, "POST", "/v1/decisions", json=ASK, headers=headers)
    decision = first.json()
    assert decision["fallback"] == "no_model"
    assert {offer["offer_id"] for offer in decision["offers"]} == {"music_30", "data_10", "urals_1"}
    assert call(app, "POST", "/v1/decisions", json=ASK, headers=headers).content == first.content
    conflict = call(app, "POST", "/v1/decisions", json=ASK | {"limit": 1}, headers=headers)
    assert conflict.status_code == 409

    shown = decision["offers"][0]
    event = {"subscriber_id": "s1", "offer_id": shown["offer_id"], "channel": "app"}
    event |= {"decision_id": decision["decision_id"], "occurred_at": "2021-06-15T20:00:00Z"}
    events = [event | {"event_id": kind, "kind": kind} for kind in ("impression", "connection")]
    for outcome in ("accepted", "duplicate"):
        answer = call(app, "POST", "/v1/events", json={"events": events}, headers=headers)
        assert answer.json()[outcome] == ["impression", "connection"]
    stored = workspace.ledger.events().to_pylist()
    assert [(row["region"], row["propensity"]) for row in stored] == [("Kurgan", shown["propensity"])] * 2

    trace = call(app, "GET", f"/v1/decisions/{decision['decision_id']}", headers=headers).json()
    assert {name: trace[name] for name in decision} == decision
    assert workspace.decisions.replay(decision["decision_id"]).differences == ()

    assert call(app, "GET", "/v1/uptake?baseline=2021-06", headers=headers).json()["rows"] == []
    services.uptake.refresh()
    rows = call(app, "GET", "/v1/uptake?baseline=2021-06&by=region", headers=headers).json()["rows"]
    assert [(row["group"], row["connections"], row["index"]) for row in rows] == [("Kurgan", 1, 1.0)]
    page = call(app, "GET", "/dashboard?lang=en", headers=headers).text
    assert 'id="connections">1<' in page


def test_connected_offer_is_not_offered_again(app: FastAPI, headers: dict[str, str]) -> None:
    event = {"event_id": "c9", "subscriber_id": "s3", "offer_id": "data_10", "channel": "app", "kind": "connection"}
    event |= {"occurred_at": "2021-06-15T20:00:00Z"}
    call(app, "POST", "/v1/events", json={"events": [event]}, headers=headers)
    decision = call(
        app, "POST", "/v1/decisions", json={"subscriber_id": "s3", "channel": "app"}, headers=headers
    ).json()
    assert [offer["offer_id"] for offer in decision["offers"]] == ["music_30"]
    trace = call(app, "GET", f"/v1/decisions/{decision['decision_id']}", headers=headers).json()
    assert trace["dropped"] == {"data_10": "already_connected", "urals_1": "region"}
