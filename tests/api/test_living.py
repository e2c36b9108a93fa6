"""The service of a demonstration takes the time of a decision from its visitors; that of an operator never does."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from mia.api.app import create_app
from mia.api.living import living_app
from mia.api.serve import services_of
from mia.bootstrap import Workspace, open_workspace
from mia.services.play.http_door import SIMULATED_TIME
from mia.settings import Settings

# MLflow's own queries use what SQLAlchemy is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
JULY = 1_625_140_800_000_000
ASK = {"subscriber_id": "s1", "channel": "app"}


@pytest.fixture(scope="module")
def opened(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    opened = open_workspace(Settings(home=copytree(tiny_home, tmp_path_factory.mktemp("living") / "home")))
    yield opened
    opened.close()


@dataclass
class Visitor:
    app: FastAPI
    key: str

    def call(self, method: str, path: str, told: str | None = None, **options: Any) -> httpx.Response:
        headers = {"X-API-Key": self.key} | ({} if told is None else {SIMULATED_TIME: told})

        async def exchange() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://mia") as client:
                return await client.request(method, path, headers=headers, **options)

        return asyncio.run(exchange())

    def decided_at(self, answer: httpx.Response) -> str:
        assert answer.status_code == 200
        return str(self.call("GET", f"/v1/decisions/{answer.json()['decision_id']}").json()["request"]["at"])


@pytest.fixture(scope="module")
def found(opened: Workspace) -> Visitor:
    """Somebody at the door of a demonstration."""
    return Visitor(living_app(opened), opened.keys.create("player", ("admin",)))


def test_a_decision_is_taken_at_the_time_that_its_request_names(found: Visitor) -> None:
    played = found.call("POST", "/v1/decisions", str(JULY), json=ASK)
    assert played.headers[SIMULATED_TIME] == str(JULY)
    assert found.decided_at(played).startswith("2021-07-01T12:00:00")
    real = found.call("POST", "/v1/decisions", json=ASK)
    assert SIMULATED_TIME not in real.headers
    assert not found.decided_at(real).startswith("2021")


def test_the_service_of_an_operator_keeps_the_real_time_whatever_it_is_told(opened: Workspace) -> None:
    found = Visitor(create_app(services_of(opened)), opened.keys.create("operator", ("admin",)))
    answer = found.call("POST", "/v1/decisions", str(JULY), json=ASK)
    assert SIMULATED_TIME not in answer.headers
    assert not found.decided_at(answer).startswith("2021")


def test_a_revoked_key_does_not_pass_by_travelling_to_before_it_was_revoked(found: Visitor, opened: Workspace) -> None:
    other = Visitor(found.app, opened.keys.create("thief", ("offers",)))
    opened.keys.revoke("thief")
    answer = other.call("POST", "/v1/decisions", str(JULY), json=ASK)
    assert answer.status_code == 401


@pytest.mark.parametrize("told", ["yesterday", "-1", "", "1.5", "9" * 17])
def test_a_time_that_is_none_is_refused(found: Visitor, told: str) -> None:
    answer = found.call("POST", "/v1/decisions", told, json=ASK)
    assert answer.status_code == 422
    assert "microseconds" in answer.json()["detail"]


def test_no_setting_and_no_command_but_the_demo_knows_of_it() -> None:
    source = Path(__file__).parents[2] / "src" / "mia"
    knowing = {
        str(path.relative_to(source)) for path in source.rglob("*.py") if "mia.api.living" in path.read_text("utf-8")
    }
    assert knowing == {"cli/demo.py"}
