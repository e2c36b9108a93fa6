"""The fields of one offer as they came, read into their types or refused with file, row, column and rule."""

import json
import math
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from mia.domain.event import Channel
from mia.domain.offer import Condition, Op, Text
from mia.errors import InvalidInput

TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class Cells:
    """One row of a catalogue. Blank cells and NaN count as absent, list cells may read `a;b`, nested ones JSON."""

    def __init__(self, fields: Any, *, file: str, row: int) -> None:  # noqa: ANN401 - whatever the file holds
        self._file, self._row = file, row
        if not isinstance(fields, Mapping):
            raise InvalidInput("an offer is a mapping of fields", file=file, row=row)
        self._fields = {str(name): value for name, value in fields.items() if not _is_absent(value)}

    def refusal(self, column: str, rule: str) -> InvalidInput:
        """The error of one field."""
        return InvalidInput(rule, file=self._file, row=self._row, column=column)

    def text(self, name: str, default: str | None = None) -> str:
        """A plain text; required unless it has a default. A number is read as its digits."""
        value = self._fields.get(name, default)
        if value is None:
            raise self.refusal(name, "missing value")
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.refusal(name, "not a text")
        return str(value).strip()

    def both(self, name: str, default: Text | None = None) -> Text:
        """A text in both languages: `{ru, en}`, `<name>_ru` and `<name>_en`, or one text for both."""
        pair = {"ru": self._fields.get(f"{name}_ru"), "en": self._fields.get(f"{name}_en")}
        if name in self._fields:
            value = self._nested(name) if str(self._fields[name]).startswith("{") else self._fields[name]
            if isinstance(value, Mapping):
                unknown = sorted(set(map(str, value)) - pair.keys())
                if unknown:
                    raise self.refusal(f"{name}.{unknown[0]}", "unknown language; ru or en")
                pair = {language: value.get(language) for language in pair}
            else:
                same = self.text(name)
                return Text(same, same)
        if default is not None and all(_is_absent(text) for text in pair.values()):
            return default
        for language, text in pair.items():
            if _is_absent(text):
                raise self.refusal(f"{name}.{language}" if any(pair.values()) else name, "missing value")
            if not isinstance(text, str):
                raise self.refusal(f"{name}.{language}", "not a text")
        return Text(str(pair["ru"]).strip(), str(pair["en"]).strip())

    def number(self, name: str, default: float, *, minimum: float | None = None, maximum: float | None = None) -> float:
        """A finite number within inclusive bounds."""
        if name not in self._fields:
            return default
        return self._bounded(name, self._fields[name], minimum, maximum)

    def truth(self, name: str) -> bool:
        """True or false, false by default; a table may hold them as words or as 1 and 0."""
        value = self._fields.get(name, False)
        found = TRUTHS.get(str(value).strip().lower().removesuffix(".0"))
        if found is None:
            raise self.refusal(name, f"not true or false: {value!r}")
        return found

    def amounts(self, name: str) -> dict[str, float]:
        """Amounts by name, none below 0."""
        return {key: self._bounded(f"{name}.{key}", value, 0.0, None) for key, value in self._mapping(name).items()}

    def counts(self, name: str, keys: Collection[str]) -> dict[str, int | None]:
        """Counts of at least 1 under known keys; an absent one is None."""
        counts: dict[str, int | None] = dict.fromkeys(keys)
        for key, value in self._mapping(name).items():
            if key not in counts:
                raise self.refusal(f"{name}.{key}", f"unknown limit; one of {', '.join(keys)}")
            if _is_absent(value):
                continue
            number = self._bounded(f"{name}.{key}", value, 1.0, None)
            if number != math.floor(number):
                raise self.refusal(f"{name}.{key}", "not an integer")
            counts[key] = int(number)
        return counts

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, in order."""
        value = self._fields.get(name, ())
        if isinstance(value, str):
            value = self._nested(name) if value.startswith("[") else value.split(";")
        if not isinstance(value, list | tuple):
            value = [value]
        if any(isinstance(part, Mapping | list | tuple) or part is None for part in value):
            raise self.refusal(name, "not a list of texts")
        return tuple(text for text in (str(part).strip() for part in value) if text)

    def channels(self, name: str) -> tuple[str, ...]:
        """A list of known channels."""
        channels = self.texts(name)
        for channel in channels:
            if channel not in list(Channel):
                raise self.refusal(name, f"unknown channel {channel!r}; one of {', '.join(Channel)}")
        return channels

    def day(self, name: str) -> date | None:
        """A date, `YYYY-MM-DD`."""
        value = self._fields.get(name)
        if value is None:
            return None
        if isinstance(value, datetime):
            if value.time() == datetime.min.time():
                return value.date()
        elif isinstance(value, date):
            return value
        elif isinstance(value, str):
            try:
                return date.fromisoformat(value.strip())
            except ValueError as error:
                raise self.refusal(name, f"not a date: {value!r}") from error
        raise self.refusal(name, f"not a date: {value!r}")

    def conditions(self, name: str) -> tuple[Condition, ...]:
        """A list of `{column: {op: value}}`, all of which must hold."""
        value = self._fields.get(name, [])
        value = self._nested(name) if isinstance(value, str) else value
        if not isinstance(value, list):
            raise self.refusal(name, "not a list of conditions")
        conditions: list[Condition] = []
        for item in value:
            if not isinstance(item, Mapping) or not item:
                raise self.refusal(name, "a condition reads {column: {op: value}}")
            for column, tests in item.items():
                if not isinstance(tests, Mapping) or not tests:
                    raise self.refusal(f"{name}.{column}", "a condition reads {column: {op: value}}")
                conditions.extend(self._condition(name, str(column), op, bound) for op, bound in tests.items())
        return tuple(conditions)

    def attributes(self, known: Collection[str]) -> dict[str, str | float | None]:
        """Every field that is not known by name: numbers, truth values as 1 and 0, and texts."""
        return {name: self._attribute(name, value) for name, value in self._fields.items() if name not in known}

    def _attribute(self, name: str, value: Any) -> str | float:  # noqa: ANN401
        if isinstance(value, bool | int | float):
            return self._bounded(name, float(value), None, None)
        if isinstance(value, str | date):
            return str(value)
        if isinstance(value, list | tuple) and not any(isinstance(part, Mapping | list) for part in value):
            return ";".join(map(str, value))
        raise self.refusal(name, "an attribute is a number or a text")

    def _condition(self, name: str, column: str, op: Any, bound: Any) -> Condition:  # noqa: ANN401
        where = f"{name}.{column}.{op}"
        if op not in list(Op):
            raise self.refusal(where, f"unknown op; one of {', '.join(Op)}")
        kind = Op(op)
        if kind in (Op.IN, Op.NOT_IN, Op.BETWEEN):
            if not isinstance(bound, list) or not bound:
                raise self.refusal(where, "needs a list of values")
            values = tuple(self._scalar(where, part) for part in bound)
            if kind is Op.BETWEEN:
                self._check_range(where, values)
            return Condition(column, kind, values)
        if kind is Op.IS_NULL:
            if not isinstance(bound, bool):
                raise self.refusal(where, "needs true or false")
            return Condition(column, kind, bound)
        return Condition(column, kind, self._scalar(where, bound))

    def _check_range(self, where: str, values: tuple[Any, ...]) -> None:
        if len(values) != 2 or isinstance(values[0], str) != isinstance(values[1], str):
            raise self.refusal(where, "needs a lower and an upper value")
        if values[0] > values[1]:
            raise self.refusal(where, "the lower value lies above the upper one")

    def _scalar(self, where: str, value: Any) -> str | float | int | bool:  # noqa: ANN401
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, bool | str):
            return value
        if isinstance(value, int | float) and math.isfinite(value):
            return value
        raise self.refusal(where, "needs a number, a text, true or false")

    def _bounded(self, name: str, value: Any, minimum: float | None, maximum: float | None) -> float:  # noqa: ANN401
        try:
            number = float(value)
        except (TypeError, ValueError) as error:
            raise self.refusal(name, f"not a number: {value!r}") from error
        if not math.isfinite(number):
            raise self.refusal(name, "not finite")
        if minimum is not None and number < minimum:
            raise self.refusal(name, f"below {minimum:g}")
        if maximum is not None and number > maximum:
            raise self.refusal(name, f"above {maximum:g}")
        return number

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self._fields.get(name, {})
        value = self._nested(name) if isinstance(value, str) else value
        if not isinstance(value, Mapping):
            raise self.refusal(name, "not a mapping of names to numbers")
        return {str(key): part for key, part in value.items()}

    def _nested(self, name: str) -> Any:  # noqa: ANN401
        try:
            return json.loads(self._fields[name]) if isinstance(self._fields[name], str) else self._fields[name]
        except ValueError as error:
            raise self.refusal(name, "not JSON") from error


def _is_absent(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))
