"""The OpenAPI document is a contract: a change of it must be seen.

After a wanted change write it anew with `MIA_WRITE_GOLDEN=1 pytest tests/api/test_openapi.py` and read the diff.
"""

import os
import re
from html import unescape
from pathlib import Path
from typing import Any

import orjson
from tests.fakes.door import Door

GOLDEN = Path(__file__).parents[1] / "golden" / "openapi.json"


def document_of(door: Door) -> dict[str, Any]:
    document = door.get("/openapi.json").json()
    document["info"]["version"] = "any"
    return document


def test_document_is_as_agreed(door: Door) -> None:
    found = document_of(door)
    if os.environ.get("MIA_WRITE_GOLDEN"):
        GOLDEN.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n")
    assert found == orjson.loads(GOLDEN.read_bytes())


def test_every_reference_leads_somewhere(door: Door) -> None:
    document = document_of(door)
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', orjson.dumps(document).decode()))
    assert names <= set(document["components"]["schemas"])
    assert "Problem" in names
    assert "HTTPValidationError" not in names


def test_locked_routes_declare_their_keys(door: Door) -> None:
    document = document_of(door)
    locked = {path for path, methods in document["paths"].items() for op in methods.values() if op.get("security")}
    assert {
        "/v1/decisions",
        "/v1/decisions/{decision_id}",
        "/v1/events",
        "/v1/uptake",
        "/v1/uptake/restatements",
        "/v1/lift",
        "/customer/v4/queryProductRecommendation",
        "/dashboard",
    } <= locked
    assert document["paths"].keys() - locked == {"/healthz", "/readyz", "/metrics"}
    for path in locked:
        for operation in document["paths"][path].values():
            ways = [{"HTTPBearer": []}, {"APIKeyHeader": []}]
            person = [{"APIKeyCookie": []}] if path.startswith("/dashboard") else []
            assert operation["security"] == [*person, *ways]
            assert {"401", "403", "422"} & set(operation["responses"]) >= {"401", "403"}


def test_docs_page_lists_every_route_without_another_host(door: Door) -> None:
    page = unescape(door.get("/docs").text)
    for path in document_of(door)["paths"]:
        assert f"<code>{path}</code>" in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert "<script" not in page
    assert "subscriber_id" in page
