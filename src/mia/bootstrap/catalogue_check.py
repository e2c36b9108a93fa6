"""The check of a catalogue: with the subscribers and the champion of a workspace where there is one."""

import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa

from mia.bootstrap.parts import MODELS, is_workspace, wall_clock
from mia.bootstrap.workspace import Workspace, require_workspace
from mia.domain.offer import Offer
from mia.errors import MiaError
from mia.frames import Profiles
from mia.quality.catalogue import CatalogueReport
from mia.ranking.history import OfferRates
from mia.ranking.offer_table import OfferTable
from mia.services.score import BestOffers
from mia.services.validate import Order, People, validate_catalogue
from mia.settings import Settings
from mia.storage.engine import DuckDBEngine
from mia.storage.ledger.events import LEDGER_SCHEMA
from mia.tables import SUBSCRIBERS
from mia.timeline import DAY_SECONDS, MICROSECONDS

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


def check_catalogue_file(
    settings: Settings,
    path: Path,
    as_of: int | None = None,
    *,
    clock: Callable[[], int] = wall_clock,
    progress: Progress | None = None,
) -> CatalogueReport:
    """Judge a catalogue as of a day, today by default; a folder that is no workspace is neither asked nor made."""
    day = clock() // (DAY_SECONDS * MICROSECONDS) if as_of is None else as_of
    opened = require_workspace(settings) if is_workspace(settings) else None
    try:
        return validate_catalogue(
            path,
            connect=DuckDBEngine(settings.threads, settings.memory_limit).connect,
            limits=settings.catalogue,
            as_of=day,
            people=None if opened is None else _people(opened),
            order=None if opened is None else _order(opened),
            progress=progress,
        )
    finally:
        if opened is not None:
            opened.close()


def _people(opened: Workspace) -> People | None:
    snapshot = opened.profiles.current()
    if snapshot is None or not opened.lake.files(SUBSCRIBERS.name):
        return None
    return People(opened.lake, opened.engine, opened.profiles, snapshot)


def _order(opened: Workspace) -> Order | None:
    """The order of the champion; None without one, or without profiles that it can read."""
    snapshot = opened.profiles.current()
    if snapshot is None or not (opened.home / MODELS).exists():
        return None
    version = opened.registry.champion()
    if version is None:
        return None
    try:
        ranker = opened.ranker(version)
    except MiaError:
        log.exception("model %s cannot be used; offers are put in order by value alone", version)
        return None
    history = opened.profiles.history(snapshot)

    def best(offers: tuple[Offer, ...], as_of: int, k: int, people: Profiles) -> pa.Table:
        rates = OfferRates.build(history, OfferTable.build(offers))
        everyone = BestOffers(ranker, offers, rates, {}, opened.policy(), as_of, k, opened.settings.threads)
        return everyone.rank(people, LEDGER_SCHEMA.empty_table())

    return Order(f"model {version}", best)
