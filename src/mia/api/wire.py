"""The documents that cross the wire: bodies as clients send them and answers as they get them."""

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, WithJsonSchema

from mia.domain.decision import Fallback
from mia.domain.event import Channel
from mia.errors import InvalidInput
from mia.services.record import Identifier
from mia.uptake.dimensions import require_dimensions

_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"


def _require_month(value: str) -> str:
    if re.match(_MONTH, value) is None:
        raise ValueError("must be a month such as 2021-01")
    return value


Month = Annotated[
    str,
    AfterValidator(_require_month),
    WithJsonSchema({"type": "string", "pattern": _MONTH, "examples": ["2021-01"]}),
]
GrainName = Literal["month", "week", "day"]


def _require_by(value: str) -> str:
    try:
        require_dimensions(value)
    except InvalidInput as error:
        raise ValueError(error.rule) from error
    return value


By = Annotated[str, AfterValidator(_require_by), WithJsonSchema({"type": "string", "examples": ["macro_region"]})]
IF_GIVEN = BeforeValidator(lambda value: value or None)
"""An empty query parameter (`from=&to=`), as forms send it, is one that is not given."""
OptionalMonth = Annotated[
    Month | None, IF_GIVEN, WithJsonSchema({"type": "string", "pattern": r"^(\d{4}-(0[1-9]|1[0-2]))?$"})
]
OptionalBy = Annotated[By | None, IF_GIVEN, WithJsonSchema({"type": "string", "examples": ["macro_region"]})]
OptionalName = Annotated[
    Identifier | None,
    IF_GIVEN,
    WithJsonSchema({"type": "string", "maxLength": 200, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}),
]


def _read_whole(value: object) -> object:
    """JSON has numbers, not integers: 2.0 is 2, but "2" and true are no numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_read_whole)]


LEAST_INTEGER, LARGEST_INTEGER = -(2**63), 2**64 - 1
"""What the ledger can hold of integers as they are."""


def require_storable(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """What the ledger can hold: integers of more than 64 bits are taken for the nearest double, as most readers of JSON
    take them (RFC 8259, section 6). Refuses what is then left, such as an integer beyond all doubles.
    """
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        try:
            value = {name: _with_doubles(part) for name, part in value.items()}
            orjson.dumps(value)
        except (orjson.JSONEncodeError, OverflowError) as error:
            raise ValueError(str(error)) from error
    return value


def _with_doubles(value: JsonValue) -> JsonValue:
    match value:
        case list():
            return [_with_doubles(part) for part in value]
        case dict():
            return {name: _with_doubles(part) for name, part in value.items()}
        case int() if not LEAST_INTEGER <= value <= LARGEST_INTEGER:
            return float(value)
        case _:
            return value


_NAMES = {"minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f]+$"}
Context = Annotated[
    dict[Identifier, JsonValue],
    AfterValidator(require_storable),
    WithJsonSchema({"type": "object", "propertyNames": _NAMES, "additionalProperties": True}),
]


class DecisionBody(BaseModel):
    """A request for a decision."""

    model_config = ConfigDict(
        extra="forbid",
        title="DecisionRequest",
        json_schema_extra={"examples": [{"subscriber_id": "s1", "channel": "app", "placement": "main", "limit": 3}]},
    )

    subscriber_id: Identifier = Field(description="opaque id of the subscriber; an unknown one gets a fallback")
    channel: Channel = Field(description="where the offers will be shown")
    placement: Identifier | None = Field(None, description="the slot inside the channel")
    limit: Whole = Field(3, ge=1, le=50, strict=True, description="how many offers at most")
    context: Context | None = Field(None, description="anything about the moment; kept for replay")
    request_id: Identifier | None = Field(None, description="idempotency key: repeats get the identical answer")
    region: Identifier | None = Field(None, description="where an unknown subscriber is: what is popular there")


class ReasonAnswer(BaseModel):
    """Why this offer."""

    code: str
    text: str = Field(description="in the language of the answer")


class OfferAnswer(BaseModel):
    """One offer of an answer."""

    offer_id: str
    position: int = Field(ge=1)
    name: str
    description: str
    category: str
    price: float = Field(description="currency units")
    acceptance: float = Field(ge=0, le=1, description="modelled probability that it is connected when shown")
    expected_value: float = Field(description="currency units")
    propensity: float = Field(ge=0, le=1, description="probability of this offer at this position under the policy")
    reasons: list[ReasonAnswer]


class DecisionAnswer(BaseModel):
    """A decision: the ranked offers."""

    decision_id: str
    subscriber_id: str
    arm: str = Field(description="experiment group of the subscriber")
    model_version: str | None
    catalogue_version: str
    fallback: Fallback | None = Field(description="why the answer is not the full personalised one")
    explored: bool = Field(description="the order was drawn at random, not by expected value")
    offers: list[OfferAnswer]
    empty_reason: str | None = Field(description="without offers: the stage that dropped the last one")


class RequestTrace(BaseModel):
    """What was asked."""

    channel: str
    placement: str | None
    limit: int
    language: str
    context: dict[str, Any]
    request_id: str | None
    region: str | None
    at: str = Field(description="RFC 3339, UTC")


class VersionsTrace(BaseModel):
    """What was in force."""

    model: str | None
    catalogue: str
    profile: str | None
    policy: str


class StageTrace(BaseModel):
    """How many candidates one stage was given and let through."""

    name: str
    entered: int
    passed: int


class TraceAnswer(DecisionAnswer):
    """A decision with everything it takes to rebuild it."""

    request: RequestTrace
    versions: VersionsTrace
    seed: int
    ledger_position: int = Field(description="the last event the decision could see")
    stages: list[StageTrace] = Field(description="rebuilt, as is `dropped`")
    dropped: dict[str, str] = Field(description="the rule that dropped each candidate that fell out")
    incomplete: str | None = Field(description="why stages and dropped are missing: their versions are gone")


EVENT = "#/components/schemas/Event"


class EventsBody(BaseModel):
    """A batch of events. An event that cannot be read is rejected by itself."""

    model_config = ConfigDict(extra="forbid", title="Events")

    events: list[Annotated[Any, WithJsonSchema({"$ref": EVENT})]] = Field(min_length=1, max_length=1_000)


class RejectedEvent(BaseModel):
    """An event that was not recorded."""

    event_id: str | None
    reason: str


class EventsAnswer(BaseModel):
    """What became of a batch, after the commit."""

    accepted: list[str]
    duplicate: list[str] = Field(description="recorded before with the same content")
    rejected: list[RejectedEvent]


class UptakeRow(BaseModel):
    """One group in one period; docs/uptake.md says what each figure is. Without a value: null."""

    month: str | None = Field(None, description="of the grain month; `week` and `day` hold those of the others")
    week: str | None = Field(None, description="ISO week, such as 2021-W05")
    day: str | None = None
    group: str | None = Field(description="null: events that carry no value")
    subgroup: str | None = Field(None, description="where two dimensions were asked for")
    impressions: int
    clicks: int
    connections: int
    disconnections: int
    cumulative: int = Field(description="connections since the first event")
    index: float | None = Field(description="cumulative divided by that at the end of the baseline month")
    growth_percent: float | None
    complete: bool = Field(description="false while events of the period may still come")
    net_active: int = Field(description="connection periods begun and not ended")
    since_baseline: int | None = Field(description="connections since the first day of the baseline month")
    since_baseline_index: float | None = Field(description="the same divided by the connections of that month")
    since_baseline_growth_percent: float | None
    active_subscribers: int | None = Field(description="activated by the end of the period")
    per_1000_active: float | None = Field(description="connections of the period per 1,000 active subscribers")
    matured_impressions: int = Field(description="impressions whose attribution window has arrived in whole")
    accepted_impressions: int = Field(description="those of them that a connection followed within it")
    acceptance_percent: float | None
    small_base: bool = Field(description="growth would be divided by too few connections to be shown")


class Restatement(BaseModel):
    """A figure that is not any more what was published."""

    month: str
    by: str
    group: str | None
    figure: str
    published: int
    now: int
    published_at: str = Field(description="RFC 3339, UTC")


class RestatementsAnswer(BaseModel):
    """Everything that changed since it was published."""

    rows: list[Restatement]


class UptakeAnswer(BaseModel):
    """Uptake by period and group."""

    baseline: str
    by: By | None
    grain: GrainName
    rows: list[UptakeRow]
