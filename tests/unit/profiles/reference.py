"""Profiles worked out slowly from raw records, apart from the code they check; and records to try both on."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

KINDS = ("voice", "sms", "data", "content", "fee", "top_up", "purchase")
ZONES = ("Europe/Kaliningrad", "Asia/Yekaterinburg", "Asia/Vladivostok", "Europe/Berlin", "America/New_York", "UTC")
CONTRACT = (
    *(
        f"{name}_{days}d"
        for name in (
            "voice_minutes",
            "voice_out_minutes",
            "sms_count",
            "data_mb",
            "charge_sum",
            "top_up_sum",
            "top_up_count",
            "active_days",
        )
        for days in (7, 30, 90)
    ),
    "data_night_share_30d",
    "data_weekend_share_30d",
    "days_since_top_up",
    "tenure_days",
)


@dataclass(frozen=True)
class Person:
    subscriber_id: str
    zone: str
    activated_on: date


@dataclass(frozen=True)
class Record:
    subscriber_id: str
    occurred_at: datetime
    kind: str
    quantity: float
    charge: float
    direction: str | None = None
    discount: float | None = None


def profile_of(person: Person, records: list[Record], as_of: date) -> dict[str, float | None]:
    """The contract columns of one subscriber as of a day."""
    own = [
        (record.occurred_at.astimezone(ZoneInfo(person.zone)), record)
        for record in records
        if record.subscriber_id == person.subscriber_id
    ]
    profile: dict[str, float | None] = {}
    for days in (7, 30, 90):
        window = [
            (moment, record)
            for moment, record in own
            if as_of - timedelta(days=days) <= moment.date() <= as_of - timedelta(days=1)
        ]
        voice = [record for _, record in window if record.kind == "voice"]
        top_ups = [record for _, record in window if record.kind == "top_up"]
        data = [(moment, record) for moment, record in window if record.kind == "data"]
        profile[f"voice_minutes_{days}d"] = sum(record.quantity for record in voice) / 60
        profile[f"voice_out_minutes_{days}d"] = (
            sum(record.quantity for record in voice if record.direction == "out") / 60
        )
        profile[f"sms_count_{days}d"] = sum(record.quantity for _, record in window if record.kind == "sms")
        profile[f"data_mb_{days}d"] = sum(record.quantity for _, record in data) / 2**20
        profile[f"charge_sum_{days}d"] = sum(record.charge for _, record in window if record.kind != "top_up")
        profile[f"top_up_sum_{days}d"] = sum(record.charge for record in top_ups)
        profile[f"top_up_count_{days}d"] = len(top_ups)
        profile[f"active_days_{days}d"] = len(
            {moment.date() for moment, record in window if record.kind not in ("fee", "top_up")}
        )
        if days == 30:
            whole = sum(record.quantity for _, record in data)
            night = sum(record.quantity for moment, record in data if moment.hour >= 22 or moment.hour < 6)
            weekend = sum(record.quantity for moment, record in data if moment.strftime("%a") in ("Sat", "Sun"))
            profile["data_night_share_30d"] = night / whole if whole else None
            profile["data_weekend_share_30d"] = weekend / whole if whole else None
        if days == 90:
            paid = [moment.date() for moment, record in window if record.kind == "top_up"]
            profile["days_since_top_up"] = (as_of - max(paid)).days if paid else None
    profile["tenure_days"] = max((as_of - person.activated_on).days, 0)
    return profile


EDGES = (-91, -90, -89, -31, -30, -29, -8, -7, -6, -1, 0, 1)
HOURS = (time(0), time(5, 59, 59), time(6), time(21, 59, 59), time(22), time(23, 59, 59))


@st.composite
def operators(draw: st.DrawFn, *, whole: bool = False) -> tuple[list[Person], list[Record], date]:
    """People in several time zones, their records around a day, and the day. `whole` seconds, bytes and messages."""
    as_of = draw(st.dates(date(2021, 1, 1), date(2021, 12, 31)))
    people = [
        Person(f"s{number}", zone, as_of - timedelta(days=draw(st.integers(-2, 800))))
        for number, zone in enumerate(draw(st.permutations(ZONES))[:3])
    ]
    amounts = st.integers(0, 10**7).map(float)
    quantities = amounts if whole else amounts | st.floats(0, 1e7)
    money = st.integers(0, 10**5).map(lambda kopecks: kopecks / 100)
    record = st.builds(
        lambda person, day, clock, kind, quantity, charge, direction: Record(
            person.subscriber_id,
            datetime.combine(as_of + timedelta(days=day), clock, ZoneInfo(person.zone)).astimezone(UTC),
            kind,
            quantity,
            charge,
            direction,
        ),
        st.sampled_from(people),
        st.sampled_from(EDGES) | st.integers(-95, 3),
        st.sampled_from(HOURS) | st.times().map(lambda clock: clock.replace(microsecond=0)),
        st.sampled_from(KINDS),
        quantities,
        money,
        st.sampled_from((None, "in", "out")),
    )
    return people, draw(st.lists(record, max_size=40)), as_of
