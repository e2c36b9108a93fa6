"""What surrounds every exchange: its id, its headers, its line, its stages, its trace."""

import asyncio
import logging
import subprocess
import sys
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.door import Door

from mia.api.app import create_app
from mia.api.traces import Traces
from mia.logs.lines import LINES

ASK = {"subscriber_id": "subscriber-17", "channel": "app"}


@pytest.mark.parametrize("path", ["/healthz", "/v1/uptake", "/nowhere"])
def test_every_answer_has_an_id_its_own_or_the_clients(door: Door, path: str) -> None:
    made = [door.get(path).headers["x-request-id"] for _ in range(2)]
    assert made[0] != made[1]
    assert door.get(path, headers={"X-Request-Id": "trace-1:2"}).headers["x-request-id"] == "trace-1:2"


@pytest.mark.parametrize("foreign", ["", "a b", "x" * 129, "a\tb", "<script>", "ключ".encode()])
def test_an_id_that_cannot_be_told_on_is_replaced(door: Door, foreign: Any) -> None:
    assert door.get("/healthz", headers={"X-Request-Id": foreign}).headers["x-request-id"] != foreign


def test_an_id_that_is_a_secret_is_told_nobody(door: Door) -> None:
    secret = "mia_" + "x" * 32
    assert secret not in door.get("/healthz", headers={"X-Request-Id": secret}).headers["x-request-id"]


def test_requests_are_lines_without_addresses(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mia.access")

    async def scenario() -> None:
        app = create_app(door.services)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://mia") as client,
        ):
            await client.post("/v1/decisions", json=ASK, headers={"X-API-Key": "mia_offers"})
            await client.get("/v1/decisions/d-unknown-7", headers={"X-API-Key": "mia_admin"})
            await client.get("/nowhere/+79123456789?key=mia_admin")

    asyncio.run(scenario())
    (record,) = [record for record in caplog.records if record.name == "mia.access"]
    lines = getattr(record, LINES)
    assert [(line["method"], line["route"], line["status"], line["key"]) for line in lines] == [
        ("POST", "/v1/decisions", 200, "mia_offers"),
        ("GET", "/v1/decisions/{decision_id}", 404, "mia_admin"),
        ("GET", "other", 404, ""),
    ]
    assert all(line["ms"] > 0 and line["client"] == "127.0.0.1" for line in lines)
    assert "subscriber-17" not in str(lines)
    assert "d-unknown-7" not in str(lines)


def test_lines_are_written_within_moments(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "mia.access")

    async def scenario() -> None:
        transport = httpx.ASGITransport(door.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://mia") as client:
            await client.get("/healthz")
            for _ in range(200):
                if any(record.name == "mia.access" for record in caplog.records):
                    return
                await asyncio.sleep(0.05)
        pytest.fail("the line was never written")

    asyncio.run(scenario())


def test_stages_of_a_request_are_measured(door: Door) -> None:
    door.post("/v1/decisions", key="offers", json=ASK)
    event = {"event_id": "e1", "occurred_at": "2021-06-30T10:00:00Z", "subscriber_id": "s1", "channel": "app"}
    door.post("/v1/events", key="events", json={"events": [event | {"offer_id": "music_30", "kind": "click"}]})
    families = {family.name: family for family in text_string_to_metric_families(door.get("/metrics").text)}
    counts = {
        (sample.labels["route"], sample.labels["stage"])
        for sample in families["mia_stage_seconds"].samples
        if sample.name.endswith("_count") and sample.value == 1
    }
    decided = {("/v1/decisions", stage) for stage in ("read", "wait", "decide", "commit", "encode", "rest")}
    assert decided | {("/v1/events", stage) for stage in ("read", "prepare", "commit", "rest")} == counts
    assert [sample.value for sample in families["mia_commit_queue"].samples] == [0]
    ages = {sample.labels["part"]: sample.value for sample in families["mia_age_seconds"].samples}
    assert ages == {"model": 60, "profile": 43_200}


def test_refusals_are_counted(door: Door) -> None:
    door.get("/v1/uptake")
    door.get("/v1/uptake", key="events")
    door.get("/nowhere")
    families = {family.name: family for family in text_string_to_metric_families(door.get("/metrics").text)}
    counts = {s.labels["status"]: s.value for s in families["mia_refused"].samples if s.name.endswith("_total")}
    assert counts == {"401": 1, "403": 1}


def test_metrics_outlive_ages_that_cannot_be_read(door: Door) -> None:
    def broken() -> dict[str, float]:
        raise RuntimeError("the registry is away")

    answer = door.with_services(ages=broken).get("/metrics")
    assert answer.status_code == 200
    assert "mia_versions_info{" in answer.text


def test_a_request_is_a_span_with_its_stages_inside(door: Door) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = create_app(door.services, traces=Traces(provider))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mia") as client:
            headers = {"X-API-Key": "mia_offers", "traceparent": parent, "X-Request-Id": "r-9"}
            await client.post("/v1/decisions", json=ASK, headers=headers)

    asyncio.run(ask())
    spans = {span.name: span for span in exporter.get_finished_spans()}
    assert set(spans) == {"POST /v1/decisions", "read", "wait", "decide", "commit", "encode", "rest"}
    whole = spans.pop("POST /v1/decisions")
    assert f"{whole.parent.span_id:016x}" == "b7ad6b7169203331"
    assert whole.attributes["mia.request_id"] == "r-9"
    assert whole.attributes["http.response.status_code"] == 200
    assert "subscriber-17" not in whole.to_json()
    for stage in spans.values():
        assert stage.parent.span_id == whole.context.span_id
        assert stage.start_time <= stage.end_time


def test_without_traces_nothing_of_them_is_imported() -> None:
    check = (
        "import sys, mia.api.app, mia.api.serve, mia.api.traces; "
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))]"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
