"""Record what subscribers did: what a client sends becomes a complete event, or is refused with a reason."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import isclose
from typing import Annotated, Any, Protocol
from zoneinfo import ZoneInfo

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from mia.domain.decision import Decision, RankedOffer
from mia.domain.event import Channel, Event, EventKind
from mia.domain.following import offer_shown
from mia.domain.offer import Offer
from mia.domain.region import Region
from mia.errors import LedgerUnavailable, MiaError, UnknownDecision, UnknownOffer
from mia.timeline import DAY_SECONDS, MICROSECONDS, day_of, epoch_micros, timestamp_of

EARLIEST = day_of(date(1990, 1, 1)) * DAY_SECONDS * MICROSECONDS
"""The first time an event may have, in microseconds since the epoch."""
CLOCK_SKEW = 300 * MICROSECONDS
"""How far a client's clock may be ahead of ours, in microseconds."""
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?")


def _read_timestamp(value: object) -> int:
    """Microseconds since the epoch of an RFC 3339 date-time; without an offset it is UTC."""
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 date-time, for example 2021-06-01T12:00:00+05:00")
    try:
        return epoch_micros(datetime.fromisoformat(value.upper()))
    except ValueError as error:
        raise ValueError(f"is no date-time: {error}") from error


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Ids from outside: any text of 1 to 200 characters without control characters."""
Timestamp = Annotated[
    int,
    BeforeValidator(_read_timestamp),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339; UTC unless it has an offset"}),
]


class EventBody(BaseModel):
    """One event as a client sends it."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="Event")

    event_id: Identifier = Field(description="idempotency key: the same id counts once")
    occurred_at: Timestamp
    subscriber_id: Identifier
    offer_id: Identifier
    kind: EventKind
    channel: Channel
    decision_id: Identifier | None = Field(
        None,
        validation_alias=AliasChoices("decision_id", "external_id", "externalId"),
        description="the decision that the event follows; `external_id` and `externalId` say the same",
    )
    position: int | None = Field(
        None, ge=1, le=1_000, strict=True, description="position shown, from 1; else the decision's"
    )
    propensity: float | None = Field(None, gt=0, le=1, strict=True, description="else the decision's")
    region: Identifier | None = Field(None, description="else the subscriber's")


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that is not recorded, and why; `event_id` is None when it has none that can be read."""

    event_id: str | None
    reason: str


class Catalogue(Protocol):
    """What recording asks of the catalogue."""

    def offer(self, offer_id: str) -> Offer:
        """One offer; raises UnknownOffer."""


class LocalFacts(Protocol):
    """Where a subscriber belongs; region and macro-region are None for one that is not known."""

    @property
    def region(self) -> str | None:
        """Region of the contract."""

    @property
    def macro_region(self) -> str | None:
        """Group of regions."""

    @property
    def timezone(self) -> str:
        """IANA time zone that the subscriber's days are counted in."""

    @property
    def arm(self) -> str:
        """Experiment arm."""


class Facts(Protocol):
    """What recording asks of the decision maker."""

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""

    def find_decisions(self, decision_ids: Sequence[str]) -> Mapping[str, Decision]:
        """Those of the decisions that are stored, by id; raises LedgerUnavailable."""

    def local_facts(self, subscriber_id: str) -> LocalFacts:
        """What the events of a subscriber are filled in with."""


class _Refused(MiaError):
    """An event contradicts what MIA knows."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """Validates and completes events.

    `clock` gives microseconds since the epoch; `regions` are those of the settings by name, for events that name
    another region than their subscriber's.
    """

    facts: Facts
    clock: Callable[[], int]
    regions: Mapping[str, Region]

    def prepare(self, raw: Sequence[Any]) -> tuple[list[Event], list[Rejected]]:
        """Complete events in the order given, and those that must be refused.

        A bad event does not sink its neighbours. While decisions cannot be looked up, events that follow one are taken
        unfinished: without position and propensity, which the writer fills in when the ledger is back.
        """
        latest = self.clock() + CLOCK_SKEW
        read = [_read(item) for item in raw]
        known = _Known(self.facts, read)
        events: list[Event] = []
        rejected: list[Rejected] = []
        for one in read:
            if isinstance(one, Rejected):
                rejected.append(one)
                continue
            try:
                events.append(self._complete(one, latest, known))
            except (_Refused, UnknownOffer, UnknownDecision) as error:
                rejected.append(Rejected(one.event_id, str(error)))
        return events, rejected

    def _complete(self, body: EventBody, latest: int, known: "_Known") -> Event:
        if not EARLIEST <= body.occurred_at <= latest:
            raise _Refused("occurred_at: must lie between 1990 and now")
        position, propensity = body.position, body.propensity
        if body.decision_id is None:
            self.facts.catalogue.offer(body.offer_id)
        else:
            decision = known.decision(body.decision_id)
            shown = None if decision is None else _offer_shown(decision, body)
            position, propensity = (None, None) if shown is None else (shown.position, shown.propensity)
        facts = known.subscriber(body.subscriber_id)
        region, macro_region, timezone = facts.region, facts.macro_region, facts.timezone
        if body.region is not None and body.region != region:
            named = self.regions.get(body.region)
            # The subscriber's own day counts, wherever the event happened; a stranger's is that of the region.
            timezone = named.timezone if named is not None and region is None else timezone
            region, macro_region = body.region, named.macro_region if named is not None else None
        return Event(
            event_id=body.event_id,
            occurred_at=body.occurred_at,
            subscriber_id=body.subscriber_id,
            offer_id=body.offer_id,
            kind=body.kind,
            channel=body.channel.value,
            local_day=day_of(timestamp_of(body.occurred_at).astimezone(ZoneInfo(timezone)).date()),
            arm=facts.arm,
            region=region,
            macro_region=macro_region,
            decision_id=body.decision_id,
            position=position,
            propensity=propensity,
        )


class _Known:
    """What is known of the decisions and subscribers of one batch: each is looked up once, decisions all at once."""

    def __init__(self, facts: Facts, read: Sequence[EventBody | Rejected]) -> None:
        self._facts = facts
        named = {one.decision_id for one in read if isinstance(one, EventBody)} - {None}
        self._subscribers: dict[str, LocalFacts] = {}
        self._decisions: Mapping[str, Decision] | None = {}
        if named:
            try:
                self._decisions = facts.find_decisions([one for one in named if one is not None])
            except LedgerUnavailable:
                self._decisions = None

    def decision(self, decision_id: str) -> Decision | None:
        """The decision, None while the ledger is away; raises UnknownDecision."""
        if self._decisions is None:
            return None
        found = self._decisions.get(decision_id)
        if found is None:
            raise UnknownDecision(decision_id)
        return found

    def subscriber(self, subscriber_id: str) -> LocalFacts:
        """Where a subscriber belongs."""
        found = self._subscribers.get(subscriber_id)
        if found is None:
            found = self._subscribers[subscriber_id] = self._facts.local_facts(subscriber_id)
        return found


def _read(item: object) -> EventBody | Rejected:
    """One event as it came, or why it is none."""
    try:
        return EventBody.model_validate(item)
    except ValidationError as error:
        return Rejected(_readable_id(item), _explain(error))


def _offer_shown(decision: Decision, body: EventBody) -> RankedOffer:
    """The offer of the decision that an event is about; raises when the two contradict each other."""
    if decision.request.subscriber_id != body.subscriber_id:
        raise _Refused(f"decision_id: decision {decision.decision_id!r} was for another subscriber")
    shown = offer_shown(decision, body.offer_id)
    if shown is None:
        raise _Refused(f"offer_id: decision {decision.decision_id!r} does not hold offer {body.offer_id!r}")
    if body.position is not None and body.position != shown.position:
        raise _Refused(f"position: the decision put this offer at {shown.position}")
    if body.propensity is not None and not isclose(body.propensity, shown.propensity, rel_tol=1e-6):
        raise _Refused(f"propensity: the decision put this offer there with {shown.propensity}")
    return shown


def _readable_id(item: object) -> str | None:
    """The id of an event that is otherwise malformed."""
    found = item.get("event_id") if isinstance(item, dict) else None
    return found if isinstance(found, str) and found.isprintable() else None


def _explain(error: ValidationError) -> str:
    """Every broken rule of an event in one line, without the values that broke them."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'event'}: {item['msg'].removeprefix('Value error, ')}"
        for item in error.errors(include_url=False, include_input=False)
    )
