"""Subscribers, their records, and what of them is known on a day: all that the slow reference starts from."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

PASSIVE = ("fee", "top_up")


@dataclass(frozen=True)
class Person:
    subscriber_id: str
    zone: str
    activated_on: date
    tariff_data_mb: float | None = None
    tariff_voice_minutes: float | None = None
    tariff_sms: float | None = None


@dataclass(frozen=True)
class Record:
    """A usage record. `late_days` is how long after its local day it arrived; with sign -1 it takes an equal one back,
    with sign 0 it counts for nothing.
    """

    subscriber_id: str
    occurred_at: datetime
    kind: str
    quantity: float = 1.0
    charge: float = 0.0
    direction: str | None = None
    discount: float | None = None
    on_net: bool | None = None
    roaming: str | None = None
    category: str | None = None
    item: str | None = None
    late_days: int = 0
    sign: int = 1

    def what(self) -> tuple[object, ...]:
        """Everything but when it arrived and what it does."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__ if name not in ("late_days", "sign"))


@dataclass(frozen=True)
class Use:
    """A record that counts, on its local day and hour."""

    day: date
    hour: int
    record: Record


@dataclass(frozen=True)
class Known:
    """What is known of one subscriber at 00:00 local time of `as_of`."""

    person: Person
    as_of: date
    uses: list[Use] = field(default_factory=list)

    def last(self, days: int, *kinds: str) -> list[Use]:
        """Records of the local days of a window, of some kinds or of all."""
        first = self.as_of - timedelta(days=days)
        return [use for use in self.uses if first <= use.day < self.as_of and (not kinds or use.record.kind in kinds)]

    def active(self, days: int) -> list[Use]:
        """Records but fees and top-ups."""
        return [use for use in self.last(days) if use.record.kind not in PASSIVE]

    def days(self, length: int) -> list[date]:
        """The days of a window, oldest first."""
        return [self.as_of - timedelta(days=back) for back in range(length, 0, -1)]


def known(person: Person, records: list[Record], as_of: date) -> Known:
    """The records of a person that had happened and arrived before a day, without those that were taken back."""
    zone = ZoneInfo(person.zone)
    counted: list[Record] = []
    taken: list[Record] = []
    for record in records:
        day = record.occurred_at.astimezone(zone).date()
        if record.subscriber_id == person.subscriber_id and day + timedelta(days=record.late_days) < as_of:
            if record.sign == 1:
                counted.append(record)
            elif record.sign == -1:
                taken.append(record)
    for record in taken:
        counted.remove(next(one for one in counted if one.what() == record.what()))
    moments = [(record.occurred_at.astimezone(zone), record) for record in counted]
    return Known(person, as_of, [Use(moment.date(), moment.hour, record) for moment, record in moments])
