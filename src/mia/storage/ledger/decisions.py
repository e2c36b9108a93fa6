"""Decisions in the ledger: columns to look them up by, and a JSON body that holds the rest exactly."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, func, or_, select

from mia.domain.decision import Decision, DecisionRequest, Fallback, RankedOffer, Reason, Stage, Versions
from mia.domain.event import EventKind
from mia.domain.offer import Language
from mia.errors import InvalidInput, MiaError, RequestConflict
from mia.storage.ledger.dialect import Dialect
from mia.storage.ledger.schema import DECISIONS, EVENTS

_WRITTEN = tuple(DECISIONS.c.keys())
# Below the number of variables that SQLite takes in one statement.
_LOOKUP = 5_000


def append(connection: Connection, dialect: Dialect, decisions: Sequence[Decision]) -> list[Decision | MiaError]:
    """Append decisions in order. Each answer is the decision that now stands, or why this one was not kept:
    RequestConflict, or InvalidInput when its id belongs to another decision.
    """
    encoded = [_encode(decision) for decision in decisions]
    by_request: dict[str, Decision] = {}
    by_id: dict[str, Decision] = {}
    for start in range(0, len(decisions), _LOOKUP):
        chunk = decisions[start : start + _LOOKUP]
        ids = [decision.decision_id for decision in chunk]
        requests = [decision.request.request_id for decision in chunk if decision.request.request_id is not None]
        for earlier in _find(connection, or_(DECISIONS.c.decision_id.in_(ids), DECISIONS.c.request_id.in_(requests))):
            _remember(earlier, by_request, by_id)
    answers: list[Decision | MiaError] = []
    fresh: list[tuple[Any, ...]] = []
    for decision, row in zip(decisions, encoded, strict=True):
        request_id = decision.request.request_id
        known = by_request.get(request_id) if request_id is not None else None
        if known is not None and request_id is not None:
            answers.append(known if is_same_request(known.request, decision.request) else RequestConflict(request_id))
        elif decision.decision_id in by_id:
            known = by_id[decision.decision_id]
            rule = f"decision {decision.decision_id!r} is there already with another content"
            answers.append(known if _encode(known) == row else InvalidInput(rule))
        else:
            _remember(decision, by_request, by_id)
            fresh.append(row)
            answers.append(decision)
    if fresh:
        dialect.insert(connection, DECISIONS, _WRITTEN, fresh)
    return answers


def is_same_request(one: DecisionRequest, other: DecisionRequest) -> bool:
    """Whether a repeated request id stands for the same request."""
    return (one.subscriber_id, one.channel, one.placement, one.limit) == (
        other.subscriber_id,
        other.channel,
        other.placement,
        other.limit,
    )


def by_decision_id(connection: Connection, decision_id: str) -> Decision | None:
    """One decision, None when there is none of this id."""
    return next(iter(_find(connection, DECISIONS.c.decision_id == decision_id)), None)


def by_request_id(connection: Connection, request_id: str) -> Decision | None:
    """The decision that answered a request id, None when there is none."""
    return next(iter(_find(connection, DECISIONS.c.request_id == request_id)), None)


def latest(connection: Connection, offset: int, limit: int) -> list[Decision]:
    """A page of the decisions, the newest first."""
    newest = select(DECISIONS).order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.decision_id)
    return [_decode(row) for row in connection.execute(newest.offset(offset).limit(limit))]


def count(connection: Connection) -> int:
    """Number of decisions."""
    return connection.execute(select(func.count()).select_from(DECISIONS)).scalar_one()


def explored_impressions(connection: Connection) -> tuple[int, int]:
    """Impressions of decisions that explored, and of all decisions."""
    shown = EVENTS.join(DECISIONS, EVENTS.c.decision_id == DECISIONS.c.decision_id)
    counted = (
        select(DECISIONS.c.explored, func.count())
        .select_from(shown)
        .where(EVENTS.c.kind == EventKind.IMPRESSION.value)
        .group_by(DECISIONS.c.explored)
    )
    counts = {bool(explored): number for explored, number in connection.execute(counted)}
    return counts.get(True, 0), sum(counts.values())


def _find(connection: Connection, condition: ColumnElement[bool]) -> list[Decision]:
    return [_decode(row) for row in connection.execute(select(DECISIONS).where(condition))]


def _remember(decision: Decision, by_request: dict[str, Decision], by_id: dict[str, Decision]) -> None:
    by_id[decision.decision_id] = decision
    if decision.request.request_id is not None:
        by_request[decision.request.request_id] = decision


def _encode(decision: Decision) -> tuple[Any, ...]:
    for offer in decision.offers:
        if not all(math.isfinite(value) for value in (offer.acceptance, offer.expected_value, offer.propensity)):
            raise InvalidInput(f"decision {decision.decision_id!r}: figures of {offer.offer_id!r} must be finite")
    request, versions = decision.request, decision.versions
    body = {
        "request": {
            "placement": request.placement,
            "limit": request.limit,
            "language": request.language,
            "context": request.context,
        },
        # orjson writes dataclasses field by field.
        "offers": decision.offers,
        "stages": decision.stages,
        "dropped": decision.dropped,
    }
    try:
        text = orjson.dumps(body, default=_plain, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError as error:
        raise InvalidInput(f"decision {decision.decision_id!r}: {error}") from error
    return (
        decision.decision_id,
        request.request_id,
        int(request.at),
        request.subscriber_id,
        str(request.channel),
        decision.arm,
        versions.model,
        versions.catalogue,
        versions.profile,
        versions.policy,
        str(int(decision.seed)),
        int(decision.ledger_position),
        bool(decision.explored),
        None if decision.fallback is None else decision.fallback.value,
        text,
    )


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping | MappingProxyType):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _decode(row: Row[Any]) -> Decision:
    body = orjson.loads(row.body)
    request = body["request"]
    return Decision(
        decision_id=row.decision_id,
        request=DecisionRequest(
            subscriber_id=row.subscriber_id,
            channel=row.channel,
            at=row.decided_at,
            placement=request["placement"],
            limit=request["limit"],
            language=Language(request["language"]),
            context=request["context"],
            request_id=row.request_id,
        ),
        arm=row.arm,
        versions=Versions(row.model_version, row.catalogue_version, row.profile_version, row.policy_version),
        seed=int(row.seed),
        ledger_position=row.ledger_position,
        explored=bool(row.explored),
        fallback=None if row.fallback is None else Fallback(row.fallback),
        offers=tuple(
            RankedOffer(
                offer["offer_id"],
                offer["position"],
                offer["acceptance"],
                offer["expected_value"],
                offer["propensity"],
                tuple(Reason(reason["code"], reason["text"]) for reason in offer["reasons"]),
            )
            for offer in body["offers"]
        ),
        stages=tuple(Stage(**stage) for stage in body["stages"]),
        dropped=body["dropped"],
    )
