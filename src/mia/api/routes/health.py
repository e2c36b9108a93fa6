"""How the process is: alive, ready, and its metrics."""

import asyncio
import logging
import os
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from mia.api.access import UPTAKE, Access
from mia.api.metrics import Metrics
from mia.api.services import Services
from mia.errors import MiaError

_LOG = logging.getLogger(__name__)


def health_routes(services: Services, door: Access, metrics: Metrics, *, open_metrics: bool) -> APIRouter:
    """/healthz, /readyz and /metrics; open to everyone inside the network, /metrics only if it is meant to be."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="Alive", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def healthz() -> Response:
        """Answers as long as the process does."""
        return Response("ok\n", media_type="text/plain")

    @router.get("/readyz", summary="Ready to decide", responses={503: {"description": "Not ready"}})
    async def readyz() -> Response:
        """Ready when there are offers to answer with, what is in force is warm and the ledger can be read; a model may
        be missing.
        """
        state = await asyncio.to_thread(_readiness, services)
        return Response(orjson.dumps(state), 200 if state["ready"] else 503, media_type="application/json")

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
        dependencies=[] if open_metrics else [Depends(door.require(UPTAKE))],
    )
    async def show_metrics() -> Response:
        """Counters of this worker, and the state it sees."""
        await asyncio.to_thread(_show_state, services, metrics)
        return Response(metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router


def _readiness(services: Services) -> dict[str, Any]:
    checks: dict[str, str] = {}
    versions: dict[str, str | None] = {"model": None, "catalogue": None, "profile": None, "policy": None}
    trouble: str | None = None
    position: int | None = None
    try:
        decisions = services.decisions
        versions |= {"model": decisions.model_version, "profile": decisions.snapshot, "policy": decisions.policy}
        trouble = decisions.trouble
        checks["warm"] = "ok" if decisions.is_warm else "still warming up"
        versions["catalogue"] = decisions.catalogue.version
        checks["catalogue"] = "ok" if len(decisions.catalogue.offers) else "no offers"
    except MiaError as error:
        checks["catalogue"] = str(error)
    try:
        position = services.ledger.position()
        checks["ledger"] = "ok"
    except MiaError as error:
        checks["ledger"] = str(error)
    return {
        "ready": all(check == "ok" for check in checks.values()),
        "personalised": versions["model"] is not None and versions["profile"] is not None,
        "checks": checks,
        "versions": versions,
        "newer_refused": trouble,
        "worker": os.getpid(),
        "ledger_position": position,
    }


def _show_state(services: Services, metrics: Metrics) -> None:
    report = services.health.report()
    if report is not None:
        metrics.show_health(report)
    metrics.show_queue(services.writer.waiting)
    try:
        metrics.show_ages(services.ages())
    except Exception:
        # A registry or a lake that is away in whatever way takes its ages with it, and nothing else.
        _LOG.exception("the ages of what is in force could not be read for the metrics")
    try:
        metrics.show_state(
            model=services.decisions.model_version,
            catalogue=services.decisions.catalogue.version,
            profile=services.decisions.snapshot,
            policy=services.decisions.policy,
            position=services.ledger.position(),
        )
        metrics.show_uptake(services.uptake)
    except MiaError:
        # The counters of this worker are worth having also when the ledger is away.
        _LOG.exception("the state could not be read for the metrics")
