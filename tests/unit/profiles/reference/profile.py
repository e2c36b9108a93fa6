"""The whole profile of one subscriber, worked out slowly from raw records, apart from the code it checks."""

from datetime import date

from tests.unit.profiles.reference.habits import habits
from tests.unit.profiles.reference.money import money, package
from tests.unit.profiles.reference.people import Person, Record, known
from tests.unit.profiles.reference.trends import trends
from tests.unit.profiles.reference.volumes import volumes

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
"""Columns that outside tools rely on."""


def profile_of(person: Person, records: list[Record], as_of: date) -> dict[str, float | None]:
    """Every feature of one subscriber as of a day."""
    seen = known(person, records, as_of)
    return volumes(seen) | habits(seen) | trends(seen) | money(seen) | package(seen)
