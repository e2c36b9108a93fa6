"""Ids of foreign events that have none: made of what the event says, so that the same event always gets the same id.

The id is a digest of subscriber, offer, kind, channel and time. It does not depend on the file or on the place in it:
exports that overlap bring an event once, and so does one that holds a row twice.
"""

from collections.abc import Mapping

from mia.intake.rules import DUCK, TEXT, raw_value
from mia.tables import CHANNEL, KIND, OCCURRED_AT, OFFER_ID, SUBSCRIBER_ID

MADE = "made-"
SAID = (SUBSCRIBER_ID, OFFER_ID, KIND, CHANNEL)


def made_event_id(expressions: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """SQL of the id and its DuckDB type, from SQL and type of the other columns.

    Subscriber ids that become pseudonyms must be so in `expressions` already: an id must not give a number away.
    """
    when, kind = expressions[OCCURRED_AT]
    came = raw_value(when, kind)
    # One moment may be written in several ways; what is no moment is rejected for that.
    moment = f"CAST(epoch_us({DUCK['timestamp'].parse(came, kind)}) AS VARCHAR)"
    parts = [f"CAST({raw_value(*expressions[name])} AS VARCHAR)" for name in SAID]
    parts.append(f"coalesce({moment}, CAST({came} AS VARCHAR))")
    return f"'{MADE}' || md5(concat_ws(chr(31), {', '.join(parts)}))", TEXT
