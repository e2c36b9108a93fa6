"""Statements on the driver itself: the few that every request runs, without the price of building them anew."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection

AMONG = "[among]"
"""Stands in a statement for `is one of the list that is the next parameter`."""


class Raw:
    """The driver's connection inside a SQLAlchemy one; statements are written with `?` for both databases."""

    def __init__(self, connection: Connection) -> None:
        self.postgres = connection.dialect.name == "postgresql"
        self._driver: Any = connection.connection.driver_connection

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a statement."""
        found: list[tuple[Any, ...]] = self._driver.execute(_spelled(statement, self.postgres), parameters).fetchall()
        return found

    def run(self, statement: str, parameters: Sequence[Any] = ()) -> int:
        """Run a statement that answers nothing; the number of rows it touched."""
        touched: int = self._driver.execute(_spelled(statement, self.postgres), parameters).rowcount
        return touched

    def many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of parameters."""
        self._driver.cursor().executemany(_spelled(statement, self.postgres), rows)

    def listed(self, values: Iterable[str]) -> Any:  # noqa: ANN401 - what the driver takes
        """A list of texts as the parameter of `[among]`."""
        return list(values) if self.postgres else orjson.dumps(list(values)).decode()


@lru_cache(maxsize=256)
def _spelled(statement: str, postgres: bool) -> str:
    if postgres:
        return statement.replace("?", "%s").replace(AMONG, "= ANY(%s::text[])")
    return statement.replace(AMONG, "IN (SELECT value FROM json_each(?))")
