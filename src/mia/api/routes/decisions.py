"""Decisions: ask for offers, and look up how an answer came about."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from starlette.datastructures import Headers
from starlette.types import Scope

from mia.api import access
from mia.api.access import Access
from mia.api.deciding import Deciding
from mia.api.encode import encode_decision, encode_trace
from mia.api.express import Lane
from mia.api.language import preferred_language
from mia.api.problems import problem_responses
from mia.api.services import Services
from mia.api.wire import DecisionAnswer, DecisionBody, TraceAnswer
from mia.domain.decision import Decision, DecisionRequest
from mia.logs import Exchange, exchange_of

DECISIONS = "/v1/decisions"


def decision_routes(services: Services, door: Access, deciding: Deciding) -> tuple[APIRouter, Lane[DecisionBody]]:
    """Routes under /v1/decisions, and the short way to decisions."""

    async def answer(body: DecisionBody, accept_language: str | None, exchange: Exchange) -> Response:
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
            region=body.region,
        )
        decision, catalogue = await deciding.take(request, exchange)
        content = encode_decision(decision, catalogue)
        exchange.mark("encode")
        return _answer(decision, content)

    async def express(scope: Scope, body: DecisionBody) -> Response:
        await door.admit(scope, access.OFFERS)
        return await answer(body, Headers(scope=scope).get("accept-language"), exchange_of(scope))

    router = APIRouter(tags=["decisions"])

    @router.post(
        DECISIONS,
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
        return await answer(body, accept_language, exchange_of(http.scope))

    @router.get(
        f"{DECISIONS}/{{decision_id}}",
        summary="How a decision came about",
        response_model=TraceAnswer,
        responses=problem_responses(401, 403, 404, 422, 429, 503),
        dependencies=[Depends(door.require(access.ADMIN))],
    )
    async def trace(decision_id: Annotated[str, Path(max_length=200)]) -> Response:
        """The answer, what was in force, and for every candidate that fell out the rule that dropped it."""
        found, catalogue = await deciding.trace(decision_id)
        return _answer(found.decision, encode_trace(found, catalogue))

    return router, Lane(DECISIONS, DecisionBody, express)


def _answer(decision: Decision, content: bytes) -> Response:
    headers = {"Content-Language": decision.request.language.value, "Vary": "Accept-Language"}
    return Response(content, headers=headers, media_type="application/json")
