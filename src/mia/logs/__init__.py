"""What a server tells of itself: one line an event, as JSON or for people, never with what identifies somebody."""

from mia.logs.config import log_config
from mia.logs.discretion import Discretion, redact
from mia.logs.exchange import Exchange, current_exchange, exchange_of, set_exchange
from mia.logs.lines import JsonLines, TextLines

__all__ = [
    "Discretion",
    "Exchange",
    "JsonLines",
    "TextLines",
    "current_exchange",
    "exchange_of",
    "log_config",
    "redact",
    "set_exchange",
]
