"""Validate a catalogue before it is loaded: by itself, and against the subscribers of the lake where there is one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from mia.errors import InvalidInput
from mia.intake.offers import read_offers
from mia.intake.rejects import create_rejects
from mia.intake.sources import find_sources
from mia.offers.catalogue import build_catalogue, load_rows
from mia.offers.contradictions import find_contradiction
from mia.offers.lenient import Blemish, read_leniently
from mia.quality.catalogue import CatalogueFacts, CatalogueLimits, CatalogueReport, Fault, Reach, Wins, check_catalogue
from mia.services.validate.people import People
from mia.services.validate.reach import Order, ReachCount, count_wins
from mia.tables import OFFERS

Progress = Callable[[str, int, int], None]
NO_PEOPLE = "no profiles to hold it against; `mia ingest` and `mia profile` make them"


def validate_catalogue(
    path: Path,
    *,
    connect: Callable[[], duckdb.DuckDBPyConnection],
    limits: CatalogueLimits,
    as_of: int,
    people: People | None = None,
    order: Order | None = None,
    progress: Progress | None = None,
) -> CatalogueReport:
    """Judge the offers of a file or folder as of a day; nothing is loaded.

    Without `people` what needs subscribers is left out, without `order` offers are arbitrated by value alone. Raises
    InvalidInput for a file that is no catalogue at all.
    """
    rows, places = _load(path, connect)
    offers, blemishes = read_leniently(rows, places)
    reach, wins = (None, None) if people is None else _held_against(people, order, offers, limits, as_of, progress)
    contradictions = {offer.id: why for offer in offers if (why := find_contradiction(offer)) is not None}
    facts = CatalogueFacts(
        path.name,
        None if blemishes else build_catalogue(rows, file=path.name, places=places).version,
        as_of,
        len(rows),
        offers,
        tuple(map(_fault, blemishes)),
        contradictions,
        reach,
        wins,
        NO_PEOPLE if people is None else "",
    )
    return check_catalogue(facts, limits)


def _load(
    path: Path, connect: Callable[[], duckdb.DuckDBPyConnection]
) -> tuple[Sequence[Mapping[str, Any]], list[tuple[str, int]]]:
    rows: list[Mapping[str, Any]] = []
    places: list[tuple[str, int]] = []
    with closing(connect()) as connection:
        create_rejects(connection)
        # Row numbers of CSV files are the order in which their rows arrive.
        connection.execute("SET preserve_insertion_order = true")
        for number, source in enumerate(find_sources(path, OFFERS.name).sources):
            yaml = source.format == "yaml"
            found = load_rows(source.path, source.name) if yaml else read_offers(connection, source, number)
            rows += found
            places += [(source.name, place) for place in range(1, len(found) + 1)]
    if not rows:
        raise InvalidInput("a catalogue needs at least one offer", file=path.name)
    return rows, places


def _held_against(
    people: People,
    order: Order | None,
    offers: tuple[Any, ...],
    limits: CatalogueLimits,
    as_of: int,
    progress: Progress | None,
) -> tuple[Reach, Wins]:
    total, ids = people.sample(limits.sample)
    count = ReachCount(offers)
    for chunk in people.chunks(ids):
        count.add(chunk)
        if progress:
            progress("reach", min(count.sampled, len(ids)), len(ids))
    few = ids[:: max(1, -(-len(ids) // limits.arbitrated))]
    arbitrated = next(people.chunks(few))
    return count.result(total), count_wins(offers, arbitrated, order, places=limits.places, as_of=as_of)


def _fault(blemish: Blemish) -> Fault:
    error = blemish.error
    return Fault(blemish.kind, error.rule, error.file or "", error.row or 0, error.column, blemish.offer_id)
