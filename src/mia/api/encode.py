"""Decisions as JSON bytes. Names come from the decision's catalogue, in the language it was asked in."""

from typing import Any

import orjson

from mia.api.services import Offers
from mia.domain.decision import Decision, RankedOffer
from mia.domain.offer import Language
from mia.services.decide import Traced
from mia.timeline import timestamp_of


def encode_decision(decision: Decision, catalogue: Offers) -> bytes:
    """The answer to a request for a decision."""
    return orjson.dumps(_answer(decision, catalogue))


def encode_trace(traced: Traced, catalogue: Offers) -> bytes:
    """The answer, everything it takes to rebuild it, and what became of the other offers."""
    decision = traced.decision
    request, versions = decision.request, decision.versions
    trace = {
        "request": {
            "channel": request.channel,
            "placement": request.placement,
            "limit": request.limit,
            "language": request.language.value,
            "context": dict(request.context),
            "request_id": request.request_id,
            "region": request.region,
            "at": timestamp_of(request.at),
        },
        "versions": {
            "model": versions.model,
            "catalogue": versions.catalogue,
            "profile": versions.profile,
            "policy": versions.policy,
        },
        "seed": decision.seed,
        "ledger_position": decision.ledger_position,
        "stages": [{"name": stage.name, "entered": stage.entered, "passed": stage.passed} for stage in decision.stages],
        "dropped": dict(decision.dropped),
        "incomplete": traced.incomplete,
    }
    return orjson.dumps(_answer(decision, catalogue) | trace, option=orjson.OPT_UTC_Z)


def _answer(decision: Decision, catalogue: Offers) -> dict[str, Any]:
    language = decision.request.language
    return {
        "decision_id": decision.decision_id,
        "subscriber_id": decision.request.subscriber_id,
        "arm": decision.arm,
        "model_version": decision.versions.model,
        "catalogue_version": decision.versions.catalogue,
        "fallback": decision.fallback,
        "explored": decision.explored,
        "offers": [_offer(ranked, language, catalogue) for ranked in decision.offers],
        "empty_reason": decision.empty_reason,
    }


def _offer(ranked: RankedOffer, language: Language, catalogue: Offers) -> dict[str, Any]:
    offer = catalogue.offer(ranked.offer_id)
    return {
        "offer_id": ranked.offer_id,
        "position": ranked.position,
        "name": offer.name.in_language(language),
        "description": offer.description.in_language(language),
        "category": offer.category,
        "price": offer.price,
        "acceptance": ranked.acceptance,
        "expected_value": ranked.expected_value,
        "propensity": ranked.propensity,
        "reasons": [{"code": reason.code, "text": reason.text} for reason in ranked.reasons],
    }
