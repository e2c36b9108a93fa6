"""Decisions: ask for offers, and look up how an answer came about."""

import asyncio
import logging
from dataclasses import replace
from functools import lru_cache
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response

from mia.api import access
from mia.api.access import Access
from mia.api.encode import encode_decision, encode_trace
from mia.api.language import preferred_language
from mia.api.metrics import Metrics
from mia.api.problems import problem_responses
from mia.api.services import Offers, Services
from mia.api.wire import DecisionAnswer, DecisionBody, TraceAnswer
from mia.domain.decision import Decision, DecisionRequest, Fallback
from mia.errors import LedgerUnavailable
from mia.logs import exchange_of

OLD_CATALOGUES = 8
_LOG = logging.getLogger(__name__)


def decision_routes(services: Services, door: Access, metrics: Metrics) -> APIRouter:
    """Routes under /v1/decisions."""
    router = APIRouter(tags=["decisions"])
    catalogue_of = lru_cache(maxsize=OLD_CATALOGUES)(services.catalogue)

    async def catalogue_then(decision: Decision) -> Offers:
        """The catalogue that was in force when a decision was taken."""
        current = services.decisions.catalogue
        if current.version == decision.versions.catalogue:
            return current
        return await asyncio.to_thread(catalogue_of, decision.versions.catalogue)

    async def stored(decision: Decision) -> Decision:
        """The decision as the ledger holds it after the commit; the answer is never empty when it cannot."""
        try:
            return await asyncio.shield(asyncio.wrap_future(services.writer.submit_decision(decision)))
        except LedgerUnavailable:
            _LOG.exception("decision %s is answered but not stored", decision.decision_id)
            metrics.count_unstored()
            return replace(decision, fallback=Fallback.LEDGER_UNAVAILABLE)

    @router.post(
        "/v1/decisions",
        summary="The best offers for a subscriber",
        response_model=DecisionAnswer,
        responses=problem_responses(401, 403, 408, 409, 413, 422, 429, 503),
        dependencies=[Depends(door.require(access.OFFERS))],
    )
    async def decide(
        body: DecisionBody,
        http: Request,
        accept_language: Annotated[str | None, Header(description="`ru` (default) or `en`, with weights")] = None,
    ) -> Response:
        """Answered after the decision is committed. An unknown subscriber gets a fallback, which is named."""
        exchange = exchange_of(http.scope)
        exchange.hidden = body.subscriber_id
        exchange.mark("read")
        request = DecisionRequest(
            subscriber_id=body.subscriber_id,
            channel=body.channel.value,
            at=services.clock(),
            placement=body.placement,
            limit=body.limit,
            language=preferred_language(accept_language),
            context=body.context or {},
            request_id=body.request_id,
        )
        decision = services.decisions.decide(request)
        exchange.mark("decide")
        decision = await stored(decision)
        exchange.mark("commit")
        metrics.count_decision(decision)
        content = encode_decision(decision, await catalogue_then(decision))
        exchange.mark("encode")
        return _answer(decision, content)

    @router.get(
        "/v1/decisions/{decision_id}",
        summary="How a decision came about",
        response_model=TraceAnswer,
        responses=problem_responses(401, 403, 404, 422, 429, 503),
        dependencies=[Depends(door.require(access.ADMIN))],
    )
    async def trace(decision_id: Annotated[str, Path(max_length=200)]) -> Response:
        """The answer, what was in force, and for every candidate that fell out the rule that dropped it."""
        decision = await asyncio.to_thread(services.decisions.trace, decision_id)
        return _answer(decision, encode_trace(decision, await catalogue_then(decision)))

    return router


def _answer(decision: Decision, content: bytes) -> Response:
    headers = {"Content-Language": decision.request.language.value, "Vary": "Accept-Language"}
    return Response(content, headers=headers, media_type="application/json")
