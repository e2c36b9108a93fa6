"""Usage files with damage in known places: what a load must make of every single row."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.intake import SUBSCRIBER, write_csv

SUBSCRIBERS = 500
SHARE = 0.03
HEADER = (
    *("subscriber_id", "occurred_at", "kind", "quantity", "charge", "record_id", "direction", "on_net", "roaming"),
    *("discount", "category", "arrived_at", "version", "withdrawn"),
)
RAGGED = (None, "ragged row")

Fields = dict[str, str]


def _with(column: str, value: str) -> Callable[[Fields], bytes]:
    return lambda fields: _line({**fields, column: value})


def _without_id(fields: Fields) -> bytes:
    return _line({**fields, "record_id": "", "version": "2"})


def _broken_bytes(fields: Fields) -> bytes:
    return _line({**fields, "category": "@"}).replace(b"@", "фильмы".encode("cp1251"))


def _too_few(fields: Fields) -> bytes:
    return _line(fields).rsplit(b",", 5)[0] + b"\n"


def _too_many(fields: Fields) -> bytes:
    return _line(fields)[:-1] + b",one,more\n"


def _line(fields: Fields) -> bytes:
    return (",".join(fields[name] for name in HEADER) + "\n").encode()


# Each sort of damage: column and rule that it is to be rejected for, and what it makes of a sound row.
SORTS: tuple[tuple[tuple[str | None, str], Callable[[Fields], bytes]], ...] = (
    (("subscriber_id", "missing value"), _with("subscriber_id", "")),
    (("subscriber_id", "unknown subscriber"), _with("subscriber_id", "nobody")),
    (("subscriber_id", "not a text"), _with("subscriber_id", "s\0")),
    (("occurred_at", "missing value"), _with("occurred_at", " ")),
    (("occurred_at", "not a timestamp"), _with("occurred_at", "2021-02-30T10:00:00Z")),
    (("occurred_at", "in the future"), _with("occurred_at", "2031-01-01T10:00:00Z")),
    (("occurred_at", "before 1990"), _with("occurred_at", "1970-01-01T00:00:00Z")),
    (("kind", "missing value"), _with("kind", "")),
    (("kind", "unknown kind"), _with("kind", "fax")),
    (("quantity", "missing value"), _with("quantity", "")),
    (("quantity", "not a number"), _with("quantity", "many")),
    (("quantity", "not finite"), _with("quantity", "NaN")),
    (("quantity", "below 0"), _with("quantity", "-1")),
    (("charge", "not a number"), _with("charge", '"1,5"')),
    (("charge", "not finite"), _with("charge", "inf")),
    (("charge", "below 0"), _with("charge", "-0.01")),
    (("record_id", "needed to amend a record"), _without_id),
    (("direction", "unknown direction"), _with("direction", "up")),
    (("on_net", "not true or false"), _with("on_net", "perhaps")),
    (("roaming", "unknown roaming"), _with("roaming", "lunar")),
    (("discount", "below 0"), _with("discount", "-5")),
    (("category", "not encoded in UTF-8"), _broken_bytes),
    (("category", "text behind a quoted value"), _with("category", '"films"s')),
    (("arrived_at", "not a timestamp"), _with("arrived_at", "later")),
    (("arrived_at", "before occurred_at"), _with("arrived_at", "2020-12-31T23:59:59Z")),
    (("version", "below 1"), _with("version", "0")),
    (("version", "not an integer"), _with("version", "1.5")),
    (("withdrawn", "not true or false"), _with("withdrawn", "gone")),
    (RAGGED, _too_few),
    (RAGGED, _too_many),
)


@dataclass(frozen=True)
class Damaged:
    """A file of usage: the rule that each damaged row breaks, by row number; how many rows repeat an earlier one; and
    the number of sound rows with the sum of their quantities.
    """

    usage: Path
    subscribers: Path
    rejected: dict[int, tuple[str | None, str]] = field(default_factory=dict)
    repeats: int = 0
    sound: int = 0
    quantity: int = 0


def write_damaged(folder: Path, rows: int, seed: int) -> Damaged:
    """Write subscribers and that many usage records, of which every sort of damage befalls about as many."""
    rng = random.Random(seed)
    people = [f"s{number}" for number in range(SUBSCRIBERS)]
    regions = ("Kurgan", "Moscow", "Vladivostok")
    subscribers = write_csv(
        folder / "subscribers.csv",
        ({**SUBSCRIBER, "subscriber_id": one, "region": rng.choice(regions)} for one in people),
    )
    usage = folder / "usage.csv"
    rejected: dict[int, tuple[str | None, str]] = {}
    repeats = sound = quantity = hurt = 0
    last = b""
    with usage.open("wb") as file:
        file.write((",".join(HEADER) + "\n").encode())
        for row in range(1, rows + 1):
            amount = rng.randrange(100_000)
            line_of, fields = _line, _sound(rng, row, amount, people)
            if rng.random() < SHARE:
                place = hurt % (len(SORTS) + 1)
                hurt += 1
                if place < len(SORTS):
                    rejected[row], line_of = SORTS[place]
                elif last:
                    repeats += 1
                    file.write(last)
                    continue
            line = line_of(fields)
            file.write(line)
            if row not in rejected:
                last = line
                sound, quantity = sound + 1, quantity + amount
    return Damaged(usage, subscribers, rejected, repeats, sound, quantity)


def _sound(rng: random.Random, row: int, amount: int, people: list[str]) -> Fields:
    day, late = rng.randrange(150), rng.random() < 0.02
    month, date = day // 28 + 1, day % 28 + 1
    moment = f"2021-{month:02d}-{date:02d}T{rng.randrange(24):02d}:00:00Z"
    return {
        "subscriber_id": rng.choice(people),
        "occurred_at": moment,
        "kind": rng.choice(("voice", "sms", "data")),
        "quantity": str(amount),
        "charge": f"{rng.randrange(1_000) / 100}",
        "record_id": f"r{row}",
        "direction": rng.choice(("in", "out", "")),
        "on_net": rng.choice(("true", "false", "")),
        "roaming": rng.choice(("home", "national", "")),
        "discount": "",
        # Delimiters, quotes and line breaks inside of quotes are no damage.
        "category": rng.choice(("films", "музыка", "", '"a, ""b""\nc"')),
        "arrived_at": f"2021-06-{date:02d}T23:30:00Z" if late else "",
        "version": "1" if late else "",
        "withdrawn": "",
    }
