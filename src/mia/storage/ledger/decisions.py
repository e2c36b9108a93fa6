"""Decisions in the ledger: columns to look them up by, and a JSON body that holds the rest exactly.

What a decision left out and why is rebuilt by replay, so it takes no place here.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, func, select

from mia.domain.decision import Decision, DecisionRequest, Fallback, RankedOffer, Reason, Versions
from mia.domain.event import EventKind
from mia.domain.offer import Language
from mia.errors import InvalidInput
from mia.storage.ledger.dialect import Dialect
from mia.storage.ledger.raw import AMONG, Raw
from mia.storage.ledger.schema import DECISIONS, EVENTS

# Below the number of variables that SQLite takes in one statement.
_LOOKUP = 5_000
COLUMNS = tuple(column.name for column in DECISIONS.columns if column.name != "seq")
"""Of the table, without the position that the database gives."""
_DECIDED_AT = COLUMNS.index("decided_at")
_KNOWN = f"""
SELECT decision_id FROM decisions WHERE decision_id {AMONG}
UNION SELECT decision_id FROM decisions WHERE request_id {AMONG}
"""  # noqa: S608 - no value in it

Row = tuple[Any, ...]


def insert(connection: Connection, dialect: Dialect, rows: list[Row]) -> None:
    """Append encoded decisions, in order."""
    if rows:
        dialect.prepare_months(connection, {row[_DECIDED_AT] for row in rows})
        dialect.insert(connection, DECISIONS, COLUMNS, rows)


def known(connection: Connection, raw: Raw, decision_ids: list[str], request_ids: list[str]) -> list[Decision]:
    """Decisions that are kept under one of these ids or request ids."""
    if not decision_ids and not request_ids:
        return []
    found = raw.rows(_KNOWN, (raw.listed(decision_ids), raw.listed(request_ids)))
    return by_decision_ids(connection, [row[0] for row in found])


def is_same_request(one: DecisionRequest, other: DecisionRequest) -> bool:
    """Whether a repeated request id stands for the same request."""
    return (one.subscriber_id, one.channel, one.placement, one.limit) == (
        other.subscriber_id,
        other.channel,
        other.placement,
        other.limit,
    )


def by_decision_ids(connection: Connection, decision_ids: Sequence[str]) -> list[Decision]:
    """Those of the decisions that are kept."""
    return [
        decision
        for start in range(0, len(decision_ids), _LOOKUP)
        for decision in _find(connection, DECISIONS.c.decision_id.in_(decision_ids[start : start + _LOOKUP]))
    ]


def by_decision_id(connection: Connection, decision_id: str) -> Decision | None:
    """One decision, None when there is none of this id."""
    return next(iter(_find(connection, DECISIONS.c.decision_id == decision_id)), None)


def by_request_id(connection: Connection, request_id: str) -> Decision | None:
    """The decision that answered a request id, None when there is none."""
    return next(iter(_find(connection, DECISIONS.c.request_id == request_id)), None)


def of_subscriber(connection: Connection, subscriber_id: str) -> list[Decision]:
    """All decisions of one subscriber, in order of time."""
    found = _find(connection, DECISIONS.c.subscriber_id == subscriber_id)
    return sorted(found, key=lambda decision: (decision.request.at, decision.decision_id))


def latest(connection: Connection, offset: int, limit: int) -> list[Decision]:
    """A page of the decisions, the newest first."""
    newest = select(DECISIONS).order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.decision_id)
    return [decode(row._asdict()) for row in connection.execute(newest.offset(offset).limit(limit))]


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
    return [decode(row._asdict()) for row in connection.execute(select(DECISIONS).where(condition))]


def encode(decision: Decision) -> Row:
    """A decision as a row of the table; raises InvalidInput for what the ledger cannot hold."""
    for offer in decision.offers:
        if not all(math.isfinite(value) for value in (offer.acceptance, offer.expected_value, offer.propensity)):
            raise InvalidInput(f"decision {decision.decision_id!r}: figures of {offer.offer_id!r} must be finite")
    request, versions = decision.request, decision.versions
    body: dict[str, Any] = {
        "request": {
            "placement": request.placement,
            "limit": request.limit,
            "language": request.language,
            "context": request.context,
        },
        # orjson writes dataclasses field by field.
        "offers": decision.offers,
    }
    if decision.exhausted:
        body["exhausted"] = decision.exhausted
    if request.region is not None:
        body["request"]["region"] = request.region
    if decision.empty_reason is not None:
        body["empty_reason"] = decision.empty_reason
    if decision.attributes is not None:
        body["attributes"] = decision.attributes
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
        int(decision.decision_position),
        int(decision.reserved_until),
        bool(decision.explored),
        None if decision.fallback is None else decision.fallback.value,
        orjson.dumps([offer.offer_id for offer in decision.offers]).decode(),
        text,
    )


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping | MappingProxyType):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def decode(row: Mapping[str, Any]) -> Decision:
    """A decision from the columns of its row."""
    body = orjson.loads(row["body"])
    request = body["request"]
    return Decision(
        decision_id=row["decision_id"],
        request=DecisionRequest(
            subscriber_id=row["subscriber_id"],
            channel=row["channel"],
            at=row["decided_at"],
            placement=request["placement"],
            limit=request["limit"],
            language=Language(request["language"]),
            context=request["context"],
            request_id=row["request_id"],
            region=request.get("region"),
        ),
        arm=row["arm"],
        versions=Versions(
            row["model_version"], row["catalogue_version"], row["profile_version"], row["policy_version"]
        ),
        seed=int(row["seed"]),
        ledger_position=row["ledger_position"],
        explored=bool(row["explored"]),
        fallback=None if row["fallback"] is None else Fallback(row["fallback"]),
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
        decision_position=row["decision_position"],
        reserved_until=row["reserved_until"],
        exhausted=tuple(body.get("exhausted", ())),
        empty_reason=body.get("empty_reason"),
        attributes=body.get("attributes"),
    )
