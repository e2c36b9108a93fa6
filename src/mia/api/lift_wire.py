"""Lift as it crosses the wire."""

from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Field, WithJsonSchema

from mia.api.wire import IF_GIVEN

LiftBy = Literal["region", "macro_region", "category", "channel"]
OptionalLiftBy = Annotated[LiftBy | None, IF_GIVEN, WithJsonSchema({"type": "string", "enum": [*get_args(LiftBy), ""]})]
_DAY = r"^(\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$"
OptionalDay = Annotated[
    str | None,
    IF_GIVEN,
    WithJsonSchema({"type": "string", "pattern": _DAY, "examples": ["2021-01-31", "2021-01"]}),
]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
OptionalSeed = Annotated[Seed | None, IF_GIVEN]


class IntervalAnswer(BaseModel):
    """Both ends; null where there is no bound to tell."""

    low: float | None
    high: float | None


class EffectAnswer(BaseModel):
    """Per subscriber; means are adjusted for what was known before the experiment."""

    control: float
    mia: float
    difference: float
    relative: float | None = Field(description="mia / control - 1")
    standard_error: float | None
    interval: IntervalAnswer = Field(description="of the difference, for one look fixed before")
    anytime_interval: IntervalAnswer = Field(description="of the difference, for every look together")
    relative_interval: IntervalAnswer
    anytime_relative_interval: IntervalAnswer
    anytime_p_value: float | None
    variance_removed: float = Field(description="share of the variance that CUPED took away")


class ArmAnswer(BaseModel):
    """One arm of a group."""

    subscribers: int = Field(description="assigned to the arm, with events or without")
    reached: int = Field(description="of them, shown something in the period")
    connections: int
    value: float = Field(description="sum of the offers' values, currency units")


class ArmsAnswer(BaseModel):
    """Both arms."""

    control: ArmAnswer
    mia: ArmAnswer


class PooledAnswer(BaseModel):
    """Difference in connections per subscriber after partial pooling over regions."""

    difference: float
    interval: IntervalAnswer


class IncrementalAnswer(BaseModel):
    """What MIA caused in arm mia."""

    connections: float
    interval: IntervalAnswer
    anytime_interval: IntervalAnswer
    baseline_connections: int
    index: float | None = Field(description="1 + connections caused / connections up to the baseline")
    index_interval: IntervalAnswer
    index_anytime_interval: IntervalAnswer
    total_index: float | None = Field(description="1 + all connections of the period / those up to the baseline")


class BalanceAnswer(BaseModel):
    """Sizes of the arms against plan."""

    share: float | None = Field(description="share of control")
    planned: float
    p_value: float = Field(description="exact, for one look")
    anytime_p_value: float = Field(description="for every look together")


class GroupLiftAnswer(BaseModel):
    """One group."""

    group: str | None = Field(description="null: subscribers or events that carry no value")
    arms: ArmsAnswer
    connections: EffectAnswer
    value: EffectAnswer
    pooled: PooledAnswer | None
    incremental: IncrementalAnswer
    assigned: BalanceAnswer
    reached: BalanceAnswer
    small_base: bool = Field(description="too few connections for an interval of its own")


class LiftAnswer(BaseModel):
    """Lift in all and by group."""

    by: LiftBy | None
    start: str = Field(alias="from")
    end: str = Field(alias="to")
    began: str | None = Field(description="day of the first event that follows a decision of MIA")
    pre_from: str
    pre_to: str
    baseline: str = Field(description="last day of the baseline")
    control_share: float
    level: float
    aa: int | None
    total: GroupLiftAnswer
    groups: list[GroupLiftAnswer]
    spread: float | None = Field(description="standard deviation of the difference between groups")
    crossed: int = Field(description="subscribers with events in an arm other than theirs")
    crossed_share: float
    outside: int = Field(description="connections of subscribers that are not in the lake")
    unvalued: int = Field(description="connections of offers that no catalogue holds")
    notes: list[str]
