"""The fields of a policy file as they came, read into their types or refused with file, path and rule."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from mia.domain.policy import DAY_MINUTES
from mia.errors import InvalidInput

TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class Fields:
    """One mapping of the file. Every field has to be asked for; `close` refuses what was not."""

    def __init__(self, given: Any, *, file: str, path: str = "") -> None:  # noqa: ANN401 - whatever the file holds
        self._file, self._path = file, path
        if not isinstance(given, Mapping):
            raise InvalidInput("must be a mapping of names to values", file=file, path=path or None)
        self._given = {str(name): value for name, value in given.items()}
        self._asked: list[str] = []

    def close(self) -> None:
        """Refuse what nobody asked for, most often a misspelt name."""
        for name in self._given:
            if name not in self._asked:
                raise self.refusal(name, f"unknown; there are {', '.join(self._asked)}")

    def refusal(self, name: str, rule: str) -> InvalidInput:
        """The error of one field."""
        return InvalidInput(rule, file=self._file, path=self._under(name))

    def number(
        self, name: str, minimum: float, maximum: float, *, above: bool = False, default: float | None = None
    ) -> float:
        """A number within bounds; with `above` it must exceed the lower one."""
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.refusal(name, f"must be a number, not {value!r}")
        if not minimum <= value <= maximum or (above and value == minimum):
            raise self.refusal(name, f"must be {'above' if above else 'from'} {minimum:g} and up to {maximum:g}")
        return float(value)

    def count(self, name: str, minimum: int) -> int:
        """A whole number."""
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.refusal(name, f"must be a whole number, not {value!r}")
        if value < minimum:
            raise self.refusal(name, f"must be at least {minimum}")
        return value

    def word(self, name: str, choices: Collection[str]) -> str:
        """One of some words."""
        value = self._value(name)
        if not isinstance(value, str) or value not in choices:
            raise self.refusal(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def truth(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if not isinstance(value, bool):
            raise self.refusal(name, f"must be true or false, not {value!r}")
        return value

    def words(self, name: str, choices: Collection[str] = ()) -> frozenset[str]:
        """A list of words, none of them by default, each one of `choices` where there are any."""
        value = self._value(name, [])
        if not isinstance(value, list) or not all(isinstance(word, str) and word for word in value):
            raise self.refusal(name, "must be a list of words")
        for place, word in enumerate(value):
            if choices and word not in choices:
                raise self.refusal(f"{name}[{place}]", f"must be one of {', '.join(choices)}, not {word!r}")
        return frozenset(value)

    def minute(self, name: str) -> int:
        """A time of the day as minutes after midnight. YAML reads 21:30 without quotes as that number already."""
        value = self._value(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < DAY_MINUTES:
            return value
        found = TIME.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.refusal(name, f'must be a time of the day such as "21:30", not {value!r}')
        return 60 * int(found[1]) + int(found[2])

    def section(self, name: str) -> "Fields":
        """A mapping below this one."""
        return Fields(self._value(name), file=self._file, path=self._under(name))

    def optional(self, name: str) -> "Fields | None":
        """A mapping below this one, None where there is none."""
        if self._given.get(name) is None:
            self._asked.append(name)
            return None
        return self.section(name)

    def sections(self, name: str) -> Iterable["Fields"]:
        """A list of mappings below this one."""
        value = self._value(name)
        if not isinstance(value, list):
            raise self.refusal(name, "must be a list, [] for none")
        return [Fields(part, file=self._file, path=f"{self._under(name)}[{place}]") for place, part in enumerate(value)]

    def _under(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def _value(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        self._asked.append(name)
        value = self._given.get(name)
        if value is None:
            value = default
        if value is None:
            raise self.refusal(name, "missing")
        return value
