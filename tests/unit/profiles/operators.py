"""Random operators: people in several time zones with records of all sorts around a day."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from tests.unit.profiles.reference.people import Person, Record
from tests.unit.profiles.reference.volumes import CATEGORIES

KINDS = ("voice", "sms", "data", "data", "content", "fee", "top_up", "top_up", "purchase")
ZONES = ("Europe/Kaliningrad", "Asia/Yekaterinburg", "Asia/Vladivostok", "Europe/Berlin", "America/New_York", "UTC")
EDGES = (-91, -90, -89, -46, -45, -44, -31, -30, -29, -8, -7, -6, -1, 0, 1)
HOURS = (0, 5, 6, 8, 9, 17, 18, 21, 22, 23)
TAGS = (None, "", *CATEGORIES, *CATEGORIES, "video;music", " news ; books;", "a;b;c")
MONTH_ENDS = (date(2021, 3, 1), date(2021, 2, 28), date(2021, 3, 31), date(2021, 11, 1), date(2021, 12, 31))


@dataclass(frozen=True)
class Operator:
    people: list[Person]
    records: list[Record]
    as_of: date


def random_operator(random: Random, people: int, records: int) -> Operator:
    """People, their records in any order, and a day after most of them; the first of several people has no records.

    Seconds, messages and units come in thousandths, bytes whole; money in kopecks. Some records arrive late, some count
    for nothing, some are taken back later.
    """
    as_of = random.choice([*MONTH_ENDS, date(2021, 1, 1) + timedelta(days=random.randint(0, 364))])
    known = [_person(random, number, as_of) for number in range(people)]
    made = [_record(random, random.choice(known[1:] or known), as_of) for _ in range(records)]
    taken = [
        replace(record, sign=-1, late_days=record.late_days + random.randint(0, 5))
        for record in made
        if record.sign == 1 and random.randint(0, 9) == 0
    ]
    return Operator(known, random.sample([*made, *taken], len(made) + len(taken)), as_of)


def small_operators() -> st.SearchStrategy[Operator]:
    """Operators of few people and records, which shrink to what matters."""
    return st.builds(
        random_operator, st.randoms(use_true_random=False), people=st.integers(1, 4), records=st.integers(0, 40)
    )


def _person(random: Random, number: int, as_of: date) -> Person:
    def allowance(high: int) -> float | None:
        return random.choice([None, 0.0, *(float(random.randint(1, high)) for _ in range(4))])

    activated = as_of - timedelta(days=random.randint(-2, 800))
    return Person(
        f"s{number:02}", random.choice(ZONES), activated, allowance(10_000), allowance(300), allowance(20_000)
    )


def _record(random: Random, person: Person, as_of: date) -> Record:
    kind = random.choice(KINDS)
    back = random.choice([random.choice(EDGES), random.randint(-95, 3), *(random.randint(-30, -1) for _ in range(4))])
    clock = time(random.choice([random.choice(HOURS), random.randint(0, 23)]), random.choice([0, 30, 59]))
    return Record(
        person.subscriber_id,
        datetime.combine(as_of + timedelta(days=back), clock, ZoneInfo(person.zone)).astimezone(UTC),
        kind,
        _quantity(random, kind),
        _money(random),
        random.choice([None, "in", "out"]),
        random.choice([None, _money(random)]),
        random.choice([None, True, False]),
        random.choice([None, "home", "national", "international"]),
        random.choice(TAGS),
        random.choice([None, "i1", "i2"]),
        random.choice([0, 0, 0, random.randint(0, 20)]),
        random.choice([1, 1, 1, 1, 1, 1, 1, 0]),
    )


def _quantity(random: Random, kind: str) -> float:
    if kind == "data":
        return float(random.choice([0, *(random.randint(1, 10**9) for _ in range(5))]))
    return random.choice([0.0, *(random.randint(1, 10**6) / random.choice([1000, 100]) for _ in range(5))])


def _money(random: Random) -> float:
    return random.choice([0, random.randint(1, 10**5), random.randint(1, 10**4)]) / 100
