"""Log records as lines: JSON for machines, text for people."""

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from mia.logs.exchange import current_exchange

FIELDS = "mia_fields"
"""Attribute of a record that holds further fields of its line, as a mapping."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        exchange = current_exchange()
        if exchange is not None:
            line["request_id"] = exchange.request_id
        line |= getattr(record, FIELDS, {})
        error = _error(self, record)
        if error:
            line["error"] = error
        return orjson.dumps(line, default=str).decode()


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, with an error behind it."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00")
        exchange = current_exchange()
        about = "" if exchange is None else f" [{exchange.request_id}]"
        fields = "".join(f" {name}={value}" for name, value in getattr(record, FIELDS, {}).items())
        error = _error(self, record)
        line = f"{time} {record.levelname:<7} {record.name}{about}: {record.getMessage()}{fields}"
        # Control characters would let a client write lines of its own.
        line = "".join(sign if sign.isprintable() else " " for sign in line)
        return f"{line}\n{error}" if error else line


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return record.exc_text or (formatter.formatException(record.exc_info) if record.exc_info else "")
