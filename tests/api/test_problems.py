"""Errors are RFC 9457 problem documents, and nothing leaks."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.fakes.door import Door

from mia.api.problems import KINDS
from mia.errors import (
    FeatureMismatch,
    InvalidInput,
    LedgerUnavailable,
    MiaError,
    MissingScope,
    NotEnoughData,
    RequestConflict,
    UnknownModel,
)
from mia.sections import DoorSettings

BODY_LIMIT = DoorSettings().body_limit


class BrokenUptake:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def table(self, *_: Any, **__: Any) -> Any:
        raise self.error

    headline = table


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("too odd", parameter="by"), 422),
        (NotEnoughData("nothing there"), 422),
        (UnknownModel("9"), 404),
        (RequestConflict("r"), 409),
        (MissingScope("uptake"), 403),
        (LedgerUnavailable("gone"), 503),
    ],
)
def test_every_known_error_has_its_status(door: Door, error: MiaError, status: int) -> None:
    answer = door.with_services(uptake=BrokenUptake(error)).get("/v1/uptake", key="uptake")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["detail"] == str(error)
    assert body["title"]


@pytest.mark.parametrize("error", [RuntimeError("secret of the house"), FeatureMismatch("secret of the house", "b")])
def test_unexpected_errors_are_500_and_say_nothing(
    door: Door, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    answer = door.with_services(uptake=BrokenUptake(error)).get("/v1/uptake", key="uptake")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:mia:problem:internal-error"
    assert "secret" not in answer.text
    assert "secret of the house" in caplog.text


def test_unknown_path_and_method(door: Door) -> None:
    missing = door.get("/v2/decisions")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:mia:problem:not-found")
    assert missing.headers["content-type"] == "application/problem+json"
    wrong = door.get("/v1/decisions")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "urn:mia:problem:method-not-allowed")
    assert wrong.headers["allow"] == "POST"


def test_large_bodies_are_413_declared_or_not(door: Door) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 65_536 + 1):
            yield b" " * 65_536

    headers = {"Content-Type": "application/json"}
    for content in (b" " * (BODY_LIMIT + 1), drip()):
        answer = door.post("/v1/events", key="events", content=content, headers=headers)
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:mia:problem:content-too-large"
        assert str(BODY_LIMIT) in answer.json()["detail"]
    exact = door.post("/v1/events", key="events", content=b" " * BODY_LIMIT, headers=headers)
    assert exact.status_code == 422


def test_every_answer_carries_security_headers(door: Door) -> None:
    for path in ("/healthz", "/v1/uptake", "/dashboard", "/docs", "/nowhere", "/dashboard/index.svg"):
        headers = door.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


def test_answers_with_data_are_not_kept_by_caches(door: Door) -> None:
    assert door.get("/v1/uptake", key="uptake").headers["cache-control"] == "no-store"


def test_kinds_are_named_apart() -> None:
    assert len({kind.name for kind in KINDS.values()}) == len(KINDS)
