"""Sums of cells over fewer columns, kept so that a question reads the fewest rows that can answer it.

Which sums to keep is chosen as in Harinarayan, Rajaraman and Ullman (1996), "Implementing data cubes efficiently": each
of them answers every question about a part of its columns.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mia import tables
from mia.timeline import month_of, month_start
from mia.uptake.dimensions import CODED
from mia.uptake.rolling import MEASURES


@dataclass(frozen=True, slots=True)
class Cube:
    """Sums of cells by `local_day` (with `monthly` by the first day of its month) and some of the coded columns."""

    name: str
    columns: tuple[str, ...]
    monthly: bool = False

    def sums(self, source: str) -> str:
        """A query that adds up cells, or rows of this cube."""
        day = "local_day - day(DATE '1970-01-01' + local_day) + 1" if self.monthly else "local_day"
        day = f"({day})::INTEGER AS local_day"
        added = ", ".join(f"sum({name})::BIGINT AS {name}" for name in MEASURES)
        return (
            f"SELECT {', '.join([day, *self.columns])}, {added} FROM ({source}) GROUP BY ALL "
            f"HAVING {' OR '.join(f'sum({name}) <> 0' for name in MEASURES)} ORDER BY ALL"
        )


CELLS = Cube("cells", CODED)
MONTHS = Cube("months", CODED, monthly=True)
_PLACES = Cube("places", (tables.REGION, tables.MACRO_REGION, tables.CHANNEL, tables.ARM))
_OFFERS = Cube("offers", (tables.OFFER_ID, tables.CHANNEL, tables.ARM))
_MODELS = Cube("models", (tables.CHANNEL, tables.ARM, tables.PLACEMENT, tables.MODEL_VERSION))
_SMALL = (_MODELS, _OFFERS, _PLACES)
CUBES = (*_SMALL, MONTHS, CELLS)


def no_rows(cube: Cube) -> str:
    """A query of a cube that nothing was counted in yet."""
    names = ", ".join(f"0 AS {name}" for name in ("local_day", *cube.columns, *MEASURES))
    return f"SELECT {names} WHERE false"


@dataclass(frozen=True, slots=True)
class Reading:
    """Rows of one cube, of local days from `first` to before `end`."""

    cube: Cube
    first: int | None = None
    end: int | None = None


def choose(columns: Collection[str], *, monthly: bool, matured_day: int | None) -> list[Reading]:
    """What to read for a question about some columns; `monthly` when it asks for whole months.

    The month in which impressions cease to be matured, after `matured_day`, is read by day.

    >>> [reading.cube.name for reading in choose(["region", "arm"], monthly=True, matured_day=None)]
    ['places']
    >>> [reading.cube.name for reading in choose(["region", "offer_id"], monthly=True, matured_day=18_640)]
    ['months', 'months', 'cells']
    """
    for cube in _SMALL:
        if set(columns) <= set(cube.columns):
            return [Reading(cube)]
    if not monthly:
        return [Reading(CELLS)]
    if matured_day is None:
        return [Reading(MONTHS)]
    month = month_of(matured_day + 1)
    first, end = month_start(month), month_start(month + 1)
    return [Reading(MONTHS, None, first), Reading(MONTHS, end, None), Reading(CELLS, first, end)]


def question(readings: Sequence[tuple[Reading, str]], columns: Sequence[str], only: Mapping[str, Sequence[int]]) -> str:
    """The query: sums by `local_day` and columns over readings (each with the source of its rows), narrowed to some
    codes of columns; `only` without any code of a column finds nothing.
    """
    parts = []
    for reading, source in readings:
        bounds = [f"local_day >= {reading.first}"] if reading.first is not None else []
        bounds += [f"local_day < {reading.end}"] if reading.end is not None else []
        bounds += [f"{name} IN ({', '.join(map(str, codes))})" if codes else "false" for name, codes in only.items()]
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        parts.append(f"SELECT {', '.join(['local_day', *columns, *MEASURES])} FROM ({source}){where}")
    added = ", ".join(f"sum({name})::BIGINT AS {name}" for name in MEASURES)
    keys = ", ".join(["local_day", *columns])
    return f"SELECT {keys}, {added} FROM ({' UNION ALL '.join(parts)}) GROUP BY ALL"
