"""Log records as lines: JSON for machines, text for people."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from mia.logs.exchange import current_exchange

LINES = "mia_lines"
"""Attribute of a record that stands for many lines: a list of mappings, each with its `time` in seconds."""


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, or its lines."""
        common = {"level": record.levelname.lower(), "logger": record.name}
        many = getattr(record, LINES, None)
        if many is not None:
            return "\n".join(_json({**common, **line, "time": _time(line["time"])}) for line in many)
        line: dict[str, Any] = {"time": _time(record.created), **common, "message": record.getMessage()}
        exchange = current_exchange()
        if exchange is not None:
            line["request_id"] = exchange.request_id
        error = _error(self, record)
        if error:
            line["error"] = error
        return _json(line)


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record, with an error behind it, or its lines."""
        many = getattr(record, LINES, None)
        if many is not None:
            return "\n".join(_text(record, line["time"], _fields(line)) for line in many)
        exchange = current_exchange()
        about = "" if exchange is None else f"[{exchange.request_id}] "
        line = _text(record, record.created, about + record.getMessage())
        error = _error(self, record)
        return f"{line}\n{error}" if error else line


def _json(line: Mapping[str, Any]) -> str:
    return orjson.dumps(line, default=str).decode()


def _text(record: logging.LogRecord, seconds: float, message: str) -> str:
    # Control characters would let a client write lines of its own.
    shown = "".join(sign if sign.isprintable() else " " for sign in message)
    return f"{_time(seconds)} {record.levelname:<7} {record.name}: {shown}"


def _fields(line: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in line.items() if name != "time" and value != "")


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return record.exc_text or (formatter.formatException(record.exc_info) if record.exc_info else "")
