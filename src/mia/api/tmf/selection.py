"""`fields`, `offset` and `limit` as the standard has them."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import ConfigDict

from mia.api.tmf.wire import QUERY, QueryAnswer
from mia.errors import InvalidInput

ALWAYS = ("id", "href")
"""Named by no one, and in every answer (TMF630, 5.1)."""
MOST = 100
_KNOWN = frozenset(field.alias or name for name, field in QueryAnswer.model_fields.items())
_ONE = f" *({'|'.join(sorted(_KNOWN))}|none)? *"
Fields = Annotated[
    str | None,
    Query(
        description="comma-separated first-level properties; `id` and `href` always come",
        # Told, not asked: whoever names another property hears which one.
        json_schema_extra={"pattern": f"^{_ONE}(,{_ONE})*$"},
    ),
]
Offset = Annotated[int, Query(ge=0, le=2**31 - 1, description="index of the first resource")]
Limit = Annotated[int, Query(ge=0, le=MOST, description="number of resources")]


def _require_always(schema: dict[str, Any]) -> None:
    schema["required"] = list(ALWAYS)


class ChosenAnswer(QueryAnswer):
    """What `fields` chose of a query."""

    model_config = ConfigDict(title=f"{QUERY}_Chosen", json_schema_extra=_require_always)


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
