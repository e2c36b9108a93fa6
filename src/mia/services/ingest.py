"""Load records: judge every row, then let the whole load into ledger and lake, or nothing of it."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from mia.domain.region import Region
from mia.domain.subscriber import ArmSplit
from mia.errors import InvalidInput, NotEnoughMemory
from mia.intake import events, subscribers, usage
from mia.intake.amendments import SETTLED, Settled, settle_amendments, write_amended
from mia.intake.duplicates import DUPLICATES, find_duplicates
from mia.intake.mapping import load_mapping
from mia.intake.offers import read_offers
from mia.intake.pseudonyms import install_pseudonyms
from mia.intake.rejects import count_rejects, create_rejects, write_rejects
from mia.intake.report import IngestReport, TableReport
from mia.intake.rules import know_offers
from mia.intake.sources import Source, find_sources
from mia.intake.staging import Plan, create_staged, curable_files, note_faults, open_staging, stage, staged_rows
from mia.intake.tally import tally_usage
from mia.offers.catalogue import Catalogue, build_catalogue, load_rows
from mia.ports import Lake, LakeChange, Ledger
from mia.storage.catalogues import load_catalogue_of, load_offers_ever, store_catalogue
from mia.storage.files import scratch_folder
from mia.storage.policies import keep_policy
from mia.tables import AMENDED, EVENTS, OFFERS, SUBSCRIBERS, USAGE

LOADS = "loads"

Progress = Callable[[str, int, int], None]


def no_progress(label: str, done: int, total: int) -> None:
    """Report to nobody."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a load is judged and completed by: regions with their time zones, kinds of usage, arms, arrival.

    With a `pseudonym_key` phone numbers that are subscriber ids become keyed hashes, in every table of the load.
    """

    regions: Mapping[str, Region] = field(default_factory=dict)
    default_timezone: str = "UTC"
    usage_kinds: tuple[str, ...] = ()
    arms: ArmSplit = field(default_factory=ArmSplit)
    arrival: usage.Arrival = "occurred"
    pseudonym_key: bytes | None = None


def ingest(
    source: Path,
    *,
    lake: Lake,
    ledger: Ledger,
    rejects: Path,
    scratch: Path,
    connect: Callable[[], duckdb.DuckDBPyConnection],
    now: int,
    terms: Terms,
    mapping: Path | None = None,
    table: str | None = None,
    progress: Progress = no_progress,
) -> IngestReport:
    """Load a file or folder; `now` in microseconds since the epoch, `rejects` the folder for rejected rows,
    `scratch` one that holds what does not fit into memory while the load lasts.

    A file that was loaded before is left alone, unless some of its rows were rejected for a reason that lies
    outside of it (an unknown subscriber, say): then those get another chance. The ledger commits before the lake,
    so a load that is cut off in between is completed by running it again. Raises InvalidInput, which changes nothing.
    """
    if mapping is not None and table is not None:
        raise InvalidInput("a mapping names its tables itself; leave --table out")
    found = load_mapping(mapping, source) if mapping is not None else find_sources(source, table)
    if terms.pseudonym_key is not None:
        found = replace(found, sources=tuple(replace(item, pseudonymise=True) for item in found.sources))
    keys = [item.key() for item in found.sources]
    # The lake stays as it is from the first look at it to the commit.
    with lake.change() as change, scratch_folder(scratch), closing(connect()) as connection:
        seen: dict[str, Any] = lake.noted(LOADS) or {}
        chosen = [number for number in range(len(keys)) if _is_wanted(number, found.sources, keys, seen)]
        load = sha256("".join(sorted(keys[number] for number in chosen)).encode()).hexdigest()[:12]
        already = tuple(item.name for number, item in enumerate(found.sources) if number not in set(chosen))
        if not chosen:
            return IngestReport(load, (), already, found.ignored)
        _prepare(connection, scratch)
        open_staging(connection, [found.sources[number] for number in chosen], scratch)
        if terms.pseudonym_key is not None:
            install_pseudonyms(connection, terms.pseudonym_key)
        work = _Load(
            connection=connection,
            lake=lake,
            load=load,
            terms=terms,
            now=now,
            sources={number: found.sources[number] for number in chosen},
            keys={number: keys[number] for number in chosen},
            again={number for number in chosen if keys[number] in seen},
            progress=progress,
        )
        try:
            return work.run(change, ledger, (rejects, scratch), seen, already, found.ignored)
        except duckdb.OutOfMemoryException as error:
            raise NotEnoughMemory("nothing was loaded; fewer files at a time take less") from error


def _is_wanted(number: int, sources: Sequence[Source], keys: Sequence[str], seen: Mapping[str, Any]) -> bool:
    if keys[number] in keys[:number]:
        return False
    # A catalogue is a state: loading an earlier one makes it current again.
    return sources[number].table == OFFERS.name or keys[number] not in seen or seen[keys[number]]["open"]


def _prepare(connection: duckdb.DuckDBPyConnection, scratch: Path) -> None:
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET temp_directory = ?", [str(scratch)])
    # Row numbers of CSV files are the order in which their rows arrive.
    connection.execute("SET preserve_insertion_order = true")
    create_rejects(connection)


@dataclass
class _Load:
    """One load at work on one connection. Numbers of files are their places among the sources found."""

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    load: str
    terms: Terms
    now: int
    sources: Mapping[int, Source]
    keys: Mapping[int, str]
    again: Collection[int]
    progress: Progress
    done: int = 0
    unread: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    duplicates: dict[str, int] = field(default_factory=dict)
    open: set[int] = field(default_factory=set)
    amended: Settled = field(default_factory=Settled)

    def run(
        self,
        change: LakeChange,
        ledger: Ledger,
        folders: tuple[Path, Path],
        seen: Mapping[str, Any],
        already: tuple[str, ...],
        ignored: tuple[str, ...],
    ) -> IngestReport:
        """Judge everything, then write everything; rejects go to the first of `folders` by way of the second."""
        catalogue = self._read_catalogue()
        self._merge_subscribers()
        usage_plan = usage.usage_plan(self.terms.usage_kinds, self.now, self.terms.arrival)
        events_plan = events.events_plan(self.now)
        for plan in (usage_plan, events_plan):
            self._stage(plan)
        self._step()
        if catalogue is not None:
            store_catalogue(self.lake, change, catalogue)
        keep_policy(self.lake, change)
        self._write_subscribers(change)
        self._write_usage(change, usage_plan)
        self._record_events(ledger, events_plan)
        counts = count_rejects(self.connection)
        file = write_rejects(self.connection, *folders, self.load) if counts else None
        change.note(LOADS, {**seen, **self._notes(usage_plan, seen)})
        change.commit()
        self._step()
        reports = tuple(
            TableReport(
                table,
                files=sum(source.table == table for source in self.sources.values()),
                rows=self.rows[table],
                accepted=self.accepted[table],
                duplicates=self.duplicates[table],
                rejected=counts.get(table, ()),
                corrected=self.amended.corrected if table == USAGE.name else 0,
                withdrawn=self.amended.withdrawn if table == USAGE.name else 0,
            )
            for table in self.rows
        )
        version = None if catalogue is None else catalogue.version
        return IngestReport(self.load, reports, already, (*ignored, *self.unread), version, file)

    def _of(self, table: str) -> Iterator[tuple[int, Source]]:
        for number, source in self.sources.items():
            if source.table == table:
                self._step()
                yield number, source

    def _step(self) -> None:
        self.progress("ingest", self.done, len(self.sources) + 1)
        self.done += 1

    def _count(self, table: str, *, rows: int = 0, accepted: int = 0, duplicates: int = 0) -> None:
        for counts, number in ((self.rows, rows), (self.accepted, accepted), (self.duplicates, duplicates)):
            counts[table] = counts.get(table, 0) + number

    def _read_catalogue(self) -> Catalogue | None:
        """The catalogue that this load brings, None when it brings none; offers become known either way."""
        rows: list[Mapping[str, Any]] = []
        places: list[tuple[str, int]] = []
        names: list[str] = []
        for number, source in self._of(OFFERS.name):
            yaml = source.format == "yaml"
            found = load_rows(source.path, source.name) if yaml else read_offers(self.connection, source, number)
            rows += found
            places += [(source.name, place) for place in range(1, len(found) + 1)]
            names.append(source.name)
        current = load_catalogue_of(self.lake)
        fresh = build_catalogue(rows, file=", ".join(names), places=places) if names else None
        if fresh is not None:
            same = current is not None and current.version == fresh.version
            self._count(
                OFFERS.name,
                rows=len(fresh),
                accepted=0 if same else len(fresh),
                duplicates=len(fresh) if same else 0,
            )
        # What was connected before an offer was withdrawn stays connected, so every catalogue there was counts.
        brought = [] if fresh is None else [offer.id for offer in fresh.offers]
        know_offers(self.connection, [*load_offers_ever(self.lake), *brought])
        return fresh

    def _merge_subscribers(self) -> None:
        connection, plan = self.connection, subscribers.subscribers_plan(self.now)
        subscribers.open_subscribers(connection, self.lake.paths(SUBSCRIBERS.name))
        for number, source in self._of(SUBSCRIBERS.name):
            before = staged_rows(connection, SUBSCRIBERS.name)
            brought = stage(connection, plan, source, number)
            rows = staged_rows(connection, SUBSCRIBERS.name, plan) - before
            note_faults(connection, plan, {number: source})
            accepted, duplicates = subscribers.merge_subscribers(connection, plan, brought.read)
            self._count(SUBSCRIBERS.name, rows=rows, accepted=accepted, duplicates=duplicates)
        subscribers.know_subscribers(connection, self.terms.regions, self.terms.default_timezone)

    def _stage(self, plan: Plan) -> None:
        table = plan.table.name
        create_staged(self.connection, plan)
        mine: dict[int, Source] = {}
        for number, source in self._of(table):
            brought = stage(self.connection, plan, source, number)
            self.unread += [f"{source.name}: column {name}" for name in brought.unread]
            mine[number] = source
        if not mine:
            return
        self._count(table, rows=staged_rows(self.connection, table, plan))
        note_faults(self.connection, plan, mine)
        self.open |= curable_files(self.connection, plan)

    def _write_subscribers(self, change: LakeChange) -> None:
        if not self.accepted.get(SUBSCRIBERS.name):
            return
        path = change.folder() / "subscribers.parquet"
        rows = subscribers.write_subscribers(self.connection, path)
        change.drop(SUBSCRIBERS.name)
        change.add(SUBSCRIBERS.name, path, rows=rows, load=self.load)

    def _write_usage(self, change: LakeChange, plan: Plan) -> None:
        if USAGE.name not in self.rows:
            return
        settled = settle_amendments(self.connection, plan, self.terms.arrival, self.lake.paths)
        duplicates = find_duplicates(
            self.connection, plan, self.keys, self.again, lambda days: self.lake.paths(USAGE.name, days)
        )
        written = usage.write_usage(
            self.connection,
            plan,
            self.keys,
            change.folder(),
            apart=DUPLICATES if duplicates else None,
            besides=SETTLED if settled.rows else None,
        )
        for file in written:
            change.add(USAGE.name, file.path, rows=file.rows, load=self.load, day=file.day)
        if settled.listed:
            path = change.folder() / "amended.parquet"
            write_amended(self.connection, path)
            change.add(AMENDED.name, path, rows=settled.listed, load=self.load)
        as_they_are = sum(file.rows for file in written) - settled.rows
        self._count(USAGE.name, accepted=as_they_are + settled.accepted, duplicates=duplicates + settled.duplicates)
        self.amended = settled

    def _record_events(self, ledger: Ledger, plan: Plan) -> None:
        if EVENTS.name not in self.rows:
            return
        repeats = events.order_events(self.connection, plan)
        accepted, duplicates, conflicts = ledger.load_events(
            events.build_events(self.connection, plan, self.terms.arms)
        )
        mine = {number: source for number, source in self.sources.items() if source.table == EVENTS.name}
        events.note_conflicts(self.connection, plan, mine, conflicts)
        self._count(EVENTS.name, accepted=accepted, duplicates=duplicates + repeats)

    def _notes(self, usage_plan: Plan, seen: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        before = {number: seen.get(self.keys[number], {}).get("counts", {}) for number in self.again}
        counts = tally_usage(self.connection, usage_plan, self.sources, before) if USAGE.name in self.rows else {}
        return {
            self.keys[number]: {
                "load": self.load,
                "file": source.name,
                "table": source.table,
                "open": number in self.open,
                "at": self.now,
                **({"counts": counts[number]} if number in counts else {}),
            }
            for number, source in self.sources.items()
            if source.table != OFFERS.name
        }
