"""Every column of every table, once: its name, type, unit and rule. Names live nowhere else.

The canonical tables (`SUBSCRIBERS`, `USAGE`, `EVENTS`, `OFFERS`) are the contract with the outside; the lake
tables are what intake leaves behind and the profiles are made from.
"""

from dataclasses import dataclass
from typing import Literal

from mia.domain.event import Channel, EventKind
from mia.domain.usage import USAGE_KINDS, Direction, Roaming

Dtype = Literal["str", "int", "float", "bool", "date", "timestamp", "list"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `minimum` and `maximum` are inclusive, `above` is an exclusive bound, `choices` is a closed set,
    `unit` is for people.
    """

    name: str
    dtype: Dtype
    required: bool = False
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `key` identifies a row; with `open_columns` every further column is kept as an attribute."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    open_columns: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all declared columns."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns that every source must bring."""
        return tuple(column.name for column in self.columns if column.required)


# Names that the code refers to.
SUBSCRIBER_ID = "subscriber_id"
OFFER_ID = "offer_id"
REGION = "region"
MACRO_REGION = "macro_region"
TARIFF = "tariff"
TIMEZONE = "timezone"
ACTIVATED_ON = "activated_on"
PERSONALISATION = "personalisation"
CONSENT_CHANNELS = "consent_channels"
CONSENT_SEPARATOR = ";"
OCCURRED_AT = "occurred_at"
KIND = "kind"
QUANTITY = "quantity"
CHARGE = "charge"
DISCOUNT = "discount"
RECORD_ID = "record_id"
DIRECTION = "direction"
ON_NET = "on_net"
ROAMING = "roaming"
CATEGORY = "category"
ITEM = "item"
EVENT_ID = "event_id"
DECISION_ID = "decision_id"
CHANNEL = "channel"
PLACEMENT = "placement"
MODEL_VERSION = "model_version"
CONTEXT, DECIDED_AT = "context", "decided_at"
POSITION = "position"
PROPENSITY = "propensity"
LOCAL_DAY = "local_day"
LOCAL_HOUR = "local_hour"
KNOWN_DAY = "known_day"
SIGN = "sign"
VERSION = "version"
ARRIVED_AT = "arrived_at"
WITHDRAWN = "withdrawn"
AMENDS_DAY = "amends_day"
AS_OF = "as_of"
ARM = "arm"
ACCEPTANCE = "acceptance"
EXPECTED_VALUE = "expected_value"

SUBSCRIBERS = Table(
    "subscribers",
    (
        Column(SUBSCRIBER_ID, "str", required=True, about="opaque id of one SIM or contract"),
        Column(REGION, "str", required=True, about="region of the contract"),
        Column(ACTIVATED_ON, "date", required=True, about="first day of the contract"),
        Column(MACRO_REGION, "str", about="group of regions; else from the settings"),
        Column(TARIFF, "str", about="name of the tariff"),
        Column("birth_year", "int", minimum=1900, maximum=2025, about="year of birth"),
        Column(TIMEZONE, "str", about="IANA time zone; else that of the region"),
        Column(CONSENT_CHANNELS, "list", about="channels the subscriber agreed to be contacted on"),
        Column(PERSONALISATION, "bool", about="false: opted out of personalisation"),
    ),
    key=(SUBSCRIBER_ID,),
    open_columns=True,
)

USAGE = Table(
    "usage",
    (
        Column(SUBSCRIBER_ID, "str", required=True, about="whose consumption"),
        Column(OCCURRED_AT, "timestamp", required=True, about="UTC unless it carries an offset"),
        Column(KIND, "str", required=True, choices=tuple(USAGE_KINDS), about="kind of record"),
        Column(QUANTITY, "float", required=True, minimum=0.0, unit="unit of the kind", about="amount consumed"),
        Column(CHARGE, "float", required=True, minimum=0.0, unit="currency", about="charge; for top_up the amount"),
        Column(RECORD_ID, "str", about="identity of the record; duplicates collapse"),
        Column(DIRECTION, "str", choices=tuple(Direction), about="who started it"),
        Column(ON_NET, "bool", about="the other side is on the same network"),
        Column(ROAMING, "str", choices=tuple(Roaming), about="where the subscriber was"),
        Column(DISCOUNT, "float", minimum=0.0, unit="currency", about="taken off the charge by an offer or promo code"),
        Column(CATEGORY, "str", about="application or content category; several read `a;b`"),
        Column(ITEM, "str", about="service, product or content id"),
        Column(ARRIVED_AT, "timestamp", about="when it reached the operator; else known from the day it happened"),
        Column(VERSION, "int", minimum=1, about="a higher version of a record_id amends the lower ones; else 1"),
        Column(WITHDRAWN, "bool", about="true: this version takes the record back; it counts for nothing itself"),
    ),
    key=(RECORD_ID,),
)

EVENTS = Table(
    "events",
    (
        Column(EVENT_ID, "str", required=True, about="idempotency key of the client"),
        Column(OCCURRED_AT, "timestamp", required=True, about="UTC unless it carries an offset"),
        Column(SUBSCRIBER_ID, "str", required=True, about="who"),
        Column(OFFER_ID, "str", required=True, about="which offer"),
        Column(KIND, "str", required=True, choices=tuple(EventKind), about="what happened"),
        Column(CHANNEL, "str", required=True, choices=tuple(Channel), about="where"),
        Column(DECISION_ID, "str", about="the decision that the event follows"),
        Column(POSITION, "int", minimum=1, about="position shown, from 1"),
        Column(PROPENSITY, "float", above=0.0, maximum=1.0, about="probability of the offer at that position"),
        Column(REGION, "str", about="else the subscriber's"),
    ),
    key=(EVENT_ID,),
)

OFFERS = Table(
    "offers",
    (
        Column("id", "str", required=True, about="id of the offer"),
        Column("name", "str", required=True, about="ru and en"),
        Column(CATEGORY, "str", required=True, about="category of the offer"),
    ),
    key=("id",),
    open_columns=True,
)

CANONICAL: dict[str, Table] = {table.name: table for table in (SUBSCRIBERS, USAGE, OFFERS, EVENTS)}

LAKE_USAGE = Table(
    "usage",
    (
        Column(SUBSCRIBER_ID, "str", required=True),
        Column(OCCURRED_AT, "int", required=True, unit="second", about="seconds since the epoch"),
        Column(LOCAL_DAY, "int", required=True, unit="day", about="local day since the epoch, made at intake"),
        Column(LOCAL_HOUR, "int", required=True, unit="hour", minimum=0, maximum=23),
        Column(KNOWN_DAY, "int", required=True, unit="day", about="local day it arrived on, not before local_day"),
        Column(SIGN, "int", required=True, about="1 counts, -1 takes back what an earlier version counted, 0 neither"),
        Column(VERSION, "int", required=True, minimum=1, about="version of the record"),
        Column(KIND, "str", required=True),
        Column(QUANTITY, "float", required=True),
        Column(CHARGE, "float", required=True),
        Column(RECORD_ID, "str"),
        Column(DIRECTION, "str"),
        Column(ON_NET, "bool"),
        Column(ROAMING, "str"),
        Column(DISCOUNT, "float"),
        Column(CATEGORY, "str"),
        Column(ITEM, "str"),
    ),
    key=(RECORD_ID,),
)

AMENDED = Table(
    "amended",
    (
        Column(RECORD_ID, "str", required=True, about="a record of which more than its first version is known"),
        Column(VERSION, "int", required=True, minimum=1),
        Column(WITHDRAWN, "bool", required=True),
        Column(AMENDS_DAY, "int", unit="day", about="from which known_day it amends lower versions; null: all along"),
    ),
    key=(RECORD_ID, VERSION, WITHDRAWN),
)
