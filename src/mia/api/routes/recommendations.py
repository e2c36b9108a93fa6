"""The TM Forum face: queries for product recommendations (TMF680 v4), and the product orders that follow them."""

import asyncio
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Body, Depends, Header, HTTPException, Path, Request, Response

from mia.api import access
from mia.api.access import Access
from mia.api.deciding import Deciding
from mia.api.language import preferred_language
from mia.api.recording import Recording
from mia.api.services import Services
from mia.api.tmf.errors import error_responses
from mia.api.tmf.mapping import query_of, request_of
from mia.api.tmf.orders import OrderEvent, OrderTaken, events_of
from mia.api.tmf.paths import ORDERS, QUERIES, SCHEMAS, Addresses
from mia.api.tmf.schemas import extended_schemas
from mia.api.tmf.selection import ChosenAnswer, Fields, Limit, Offset, chosen_fields, select
from mia.api.tmf.wire import QueryAnswer, QueryBody
from mia.domain.decision import Decision
from mia.logs import exchange_of

DEFAULT_LIMIT = 20
_COUNTS = {
    "X-Result-Count": {"description": "queries in this answer", "schema": {"type": "integer"}},
    "X-Total-Count": {"description": "queries in all", "schema": {"type": "integer"}},
}


def recommendation_routes(services: Services, door: Access, deciding: Deciding, recording: Recording) -> APIRouter:
    """Routes under /customer/v4."""
    router = APIRouter(tags=["TMF680"])
    schemas = {name: orjson.dumps(schema) for name, schema in extended_schemas().items()}

    @router.post(
        QUERIES,
        summary="Creates a QueryProductRecommendation",
        status_code=201,
        response_model=QueryAnswer,
        responses=error_responses(400, 401, 403, 405, 409, 500),
        dependencies=[Depends(door.require(access.OFFERS))],
    )
    async def create(
        request: Request,
        body: Annotated[QueryBody, Body()],
        accept_language: Annotated[str | None, Header(description="`ru` (default) or `en`, with weights")] = None,
    ) -> Response:
        """The same decision as `POST /v1/decisions`, answered after its commit."""
        language = preferred_language(accept_language)
        asked, exchange = request_of(body, at=services.clock(), language=language), exchange_of(request.scope)
        exchange.hidden = asked.subscriber_id
        decision, catalogue = await deciding.take(asked, exchange)
        query = query_of(decision, catalogue, Addresses(request))
        headers = _of_language(decision) | {"Location": query["href"]}
        return Response(orjson.dumps(query), 201, headers, "application/json")

    @router.get(
        QUERIES,
        summary="List or find QueryProductRecommendation objects",
        response_model=list[ChosenAnswer],
        responses={200: {"headers": _COUNTS}, **error_responses(400, 401, 403, 405, 500)},
        dependencies=[Depends(door.require(access.ADMIN))],
    )
    async def find_all(
        request: Request, fields: Fields = None, offset: Offset = 0, limit: Limit = DEFAULT_LIMIT
    ) -> Response:
        """The newest first. Everybody's decisions, so it wants the scope `admin`."""
        chosen, addresses = chosen_fields(fields), Addresses(request)
        total, page = await asyncio.to_thread(services.ledger.latest_decisions, offset, limit)
        found = [
            select(query_of(decision, await deciding.catalogue_then(decision), addresses), chosen) for decision in page
        ]
        headers = {"X-Total-Count": str(total), "X-Result-Count": str(len(found))}
        return Response(orjson.dumps(found), headers=headers, media_type="application/json")

    @router.get(
        f"{QUERIES}/{{id}}",
        summary="Retrieves a QueryProductRecommendation by ID",
        response_model=ChosenAnswer,
        responses=error_responses(400, 401, 403, 404, 405, 500),
        dependencies=[Depends(door.require(access.OFFERS))],
    )
    async def find_one(
        request: Request,
        decision_id: Annotated[str, Path(alias="id", max_length=200)],
        fields: Fields = None,
    ) -> Response:
        """As it was answered when it was created."""
        chosen = chosen_fields(fields)
        decision, catalogue = await deciding.find(decision_id)
        query = select(query_of(decision, catalogue, Addresses(request)), chosen)
        return Response(orjson.dumps(query), headers=_of_language(decision), media_type="application/json")

    @router.post(
        ORDERS,
        summary="Client listener for entity ProductOrderStateChangeEvent",
        status_code=201,
        response_model=OrderTaken,
        responses=error_responses(400, 401, 403, 404, 405, 500),
        dependencies=[Depends(door.require(access.EVENTS))],
    )
    async def take_order(request: Request, body: OrderEvent) -> Response:
        """A product order (TMF622 v4) whose `externalId` is a decision id: each completed item that adds an offer of
        that decision connects it, each that deletes one disconnects it. Answered after the commit; an order that comes
        again counts once.
        """
        order = body.event.product_order
        decision = await asyncio.to_thread(services.decisions.trace, order.external_id)
        events = list(events_of(order, decision.request, body.event_time))
        taken = await recording.take(events, exchange_of(request.scope))
        answer = {"id": body.event_id, "callback": Addresses(request).orders(), **taken}
        return Response(orjson.dumps(answer), 201, media_type="application/json")

    @router.get(f"{SCHEMAS}/{{name}}.json", include_in_schema=False)
    async def show_schema(name: str) -> Response:
        if name not in schemas:
            raise HTTPException(404, f"there is no schema {name!r}; there are {', '.join(schemas)}")
        return Response(schemas[name], media_type="application/schema+json")

    return router


def _of_language(decision: Decision) -> dict[str, Any]:
    return {"Content-Language": decision.request.language.value, "Vary": "Accept-Language"}
