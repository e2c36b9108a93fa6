"""`fields`, `offset` and `limit` as the standard has them."""

from typing import Annotated, Any

from fastapi import Query

from mia.api.tmf.wire import QueryAnswer
from mia.errors import InvalidInput

ALWAYS = ("id", "href")
"""Named by no one, and in every answer (TMF630, 5.1)."""
MOST = 100
Fields = Annotated[str | None, Query(description="comma-separated first-level properties; `id` and `href` always come")]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="index of the first resource")]
Limit = Annotated[int, Query(ge=0, le=MOST, description="number of resources")]
_KNOWN = frozenset(field.alias or name for name, field in QueryAnswer.model_fields.items())


def chosen_fields(fields: str | None) -> frozenset[str] | None:
    """The properties asked for, None for all; raises InvalidInput for one that there is not.

    >>> sorted(chosen_fields("state,recommendationItem"))
    ['href', 'id', 'recommendationItem', 'state']
    """
    if fields is None:
        return None
    names = [name.strip() for name in fields.split(",")]
    for name in names:
        if name not in _KNOWN and name not in ("", "none"):
            raise InvalidInput(f"there is no property {name!r}", parameter="fields")
    return frozenset(names).difference(("", "none")).union(ALWAYS)


def select(query: dict[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    """A query with only these properties."""
    return query if fields is None else {name: value for name, value in query.items() if name in fields}
