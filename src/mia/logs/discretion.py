"""Nothing that identifies or admits somebody reaches a log: keys, tokens, passwords, phone numbers, subscriber ids."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mia.logs.exchange import current_exchange

_IDS = ("subscriber_id", "subscriberId")
_PATTERNS = (
    (re.compile(r"\bmia_[A-Za-z0-9_-]{30,}"), "[key]"),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]*\.[\w-]*"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [token]"),
    (re.compile(r"(?<=://)([^/\s:@]*):[^/\s@]+@"), r"\1:[password]@"),
    (re.compile(r"(?<![\w.+-])(\+\d{10,15}|[78]\d{10}|9\d{9})(?![\w.-])"), "[phone]"),
)
_PLAIN = logging.Formatter()


def redact(text: str, hidden: Any = None) -> str:  # noqa: ANN401 - an id, or any JSON
    """The text without secrets, phone numbers and the `hidden` ids.

    >>> redact("key mia_0123456789012345678901234567890- of s17: +79123456789", "s17")
    'key [key] of [subscriber]: [phone]'
    """
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    ids = sorted({name for name in _ids_of(hidden) if name and name in text}, key=len, reverse=True)
    if ids:
        text = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, ids))})(?!\w)", "[subscriber]", text)
    return text


def _ids_of(hidden: Any, depth: int = 4) -> Iterator[str]:  # noqa: ANN401
    if isinstance(hidden, str):
        yield hidden
    elif isinstance(hidden, Mapping) and depth:
        for name, value in hidden.items():
            if name in _IDS or not isinstance(value, str):
                yield from _ids_of(value, depth - 1)
    elif isinstance(hidden, Sequence) and depth:
        for value in hidden:
            if not isinstance(value, str):
                yield from _ids_of(value, depth - 1)


class Discretion(logging.Filter):
    """Rewrites a record, and the errors it tells of, before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted."""
        exchange = current_exchange()
        hidden = None if exchange is None else exchange.hidden
        record.msg, record.args = redact(record.getMessage(), hidden), ()
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = redact(_PLAIN.formatException(record.exc_info), hidden)
            record.exc_info = None
        return True
