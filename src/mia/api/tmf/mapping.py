"""From the words of the standard to a request for a decision, and from a decision back to them."""

from typing import Any

from mia.api.services import Offers
from mia.api.tmf.paths import Addresses
from mia.api.tmf.wire import ITEM, KEPT, MIA_ITEM, MIA_QUERY, QUERY, QueryCreate
from mia.domain.decision import Decision, DecisionRequest, RankedOffer
from mia.domain.offer import Language
from mia.timeline import timestamp_of

CONTEXT_KEY = "tmf"
"""Where the context of a decision keeps what came with a query and does not steer it."""


def request_of(query: QueryCreate, *, at: int, language: Language) -> DecisionRequest:
    """The request for a decision; `at` in microseconds since the epoch."""
    told = query.model_dump(by_alias=True, exclude_none=True, include=set(KEPT))
    return DecisionRequest(
        subscriber_id=query.related_party.id,
        channel=query.channel[0].id.value,
        at=at,
        placement=query.placement,
        limit=query.limit,
        language=language,
        context={**(query.context or {}), **({CONTEXT_KEY: told} if told else {})},
        request_id=query.request_id,
    )


def query_of(decision: Decision, catalogue: Offers, addresses: Addresses) -> dict[str, Any]:
    """A decision as a query with its recommendations; what is not known is left out, as the standard has no nulls."""
    request, versions = decision.request, decision.versions
    context = dict(request.context)
    told = context.pop(CONTEXT_KEY, {})
    told = dict(told) if isinstance(told, dict) else {}
    answer = {
        "id": decision.decision_id,
        "href": addresses.query(decision.decision_id),
        **told,
        "instantSyncRecommendation": True,
        "state": "done",
        "validFor": {"startDateTime": timestamp_of(request.at).isoformat().replace("+00:00", "Z")},
        "channel": [{"id": request.channel}],
        "relatedParty": {"id": request.subscriber_id, "@referredType": "Customer"},
        "recommendationItem": [
            _item(ranked, decision, catalogue, addresses.schema(MIA_ITEM)) for ranked in decision.offers
        ],
        "placement": request.placement,
        "limit": request.limit,
        "context": context or None,
        "requestId": request.request_id,
        "decisionId": decision.decision_id,
        "arm": decision.arm,
        "modelVersion": versions.model,
        "catalogueVersion": versions.catalogue,
        "fallback": decision.fallback,
        "explored": decision.explored,
        "@type": MIA_QUERY,
        "@baseType": QUERY,
        "@schemaLocation": addresses.schema(MIA_QUERY),
    }
    return {name: value for name, value in answer.items() if value is not None}


def _item(ranked: RankedOffer, decision: Decision, catalogue: Offers, schema: str) -> dict[str, Any]:
    offer, language = catalogue.offer(ranked.offer_id), decision.request.language
    offering = {"id": offer.id, "name": offer.name.in_language(language), "@referredType": "ProductOffering"}
    return {
        "id": offer.id,
        "priority": ranked.position,
        "productOffering": offering,
        "product": {
            "name": offering["name"],
            "description": offer.description.in_language(language),
            "productOffering": offering,
            "productPrice": [{"priceType": offer.kind, "price": {"taxIncludedAmount": {"value": offer.price}}}],
        },
        "decisionId": decision.decision_id,
        "score": ranked.acceptance,
        "expectedValue": ranked.expected_value,
        "propensity": ranked.propensity,
        "reason": [{"code": reason.code, "text": reason.text} for reason in ranked.reasons],
        "@type": MIA_ITEM,
        "@baseType": ITEM,
        "@schemaLocation": schema,
    }
