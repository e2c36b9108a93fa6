"""The files of one load: which there are, which table each belongs to, and what makes two of them the same."""

import csv
import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import duckdb

from mia.errors import InvalidInput
from mia.tables import CANONICAL, EVENTS, OFFERS, SUBSCRIBERS, USAGE

Format = Literal["csv", "parquet", "yaml"]

SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".yaml": "yaml",
    ".yml": "yaml",
}
PREFIXES: dict[str, str] = {
    SUBSCRIBERS.name: SUBSCRIBERS.name,
    USAGE.name: USAGE.name,
    OFFERS.name: OFFERS.name,
    "catalogue": OFFERS.name,
    EVENTS.name: EVENTS.name,
}
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read into one table.

    `name` is how messages call it. `columns` maps canonical columns to DuckDB SQL; None means that the file
    carries canonical columns itself. `types` are DuckDB types of columns of a CSV file that is mapped. With
    `pseudonymise` no phone number that is a subscriber id may leave it.
    """

    table: str
    path: Path
    name: str
    format: Format
    columns: Mapping[str, str] | None = None
    filter: str | None = None
    delimiter: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    mapping: str | None = None
    pseudonymise: bool = False

    def key(self) -> str:
        """Identity of what this source says: hash of the file's content and of how it is read, 32 hex digits."""
        reading = [self.table, self.columns and dict(self.columns), self.filter, self.delimiter, dict(self.types)]
        reading += ["pseudonymise"] if self.pseudonymise else []
        digest = hashlib.sha256(json.dumps(reading, sort_keys=True).encode())
        with self.path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at a place: the sources to read, and the names of everything that is left alone."""

    sources: tuple[Source, ...]
    ignored: tuple[str, ...]


def format_of(path: Path) -> Format | None:
    """Format by the ending of the name, None when it is none of ours.

    >>> format_of(Path("usage_2021.csv.gz"))
    'csv'
    """
    name = path.name.lower()
    return next((SUFFIXES[suffix] for suffix in sorted(SUFFIXES, key=len) if name.endswith(suffix)), None)


def table_named(name: str) -> str | None:
    """Table that a file or folder name stands for, None when it names none.

    >>> table_named("Catalogue_2021.yaml")
    'offers'
    """
    return next((table for prefix, table in PREFIXES.items() if name.lower().startswith(prefix)), None)


def find_sources(source: Path, table: str | None = None) -> Found:
    """Find what to read in a file or folder; `table` overrides what names and columns tell.

    Raises InvalidInput when nothing is there or a file's table cannot be told.
    """
    if table is not None and table not in CANONICAL:
        raise InvalidInput(f"unknown table {table!r}; one of {', '.join(CANONICAL)}")
    if not source.exists():
        raise InvalidInput("no such file or folder", file=str(source))
    if source.is_file():
        return Found((_single(source, table),), ())
    whole = table
    if whole is None and not any(table_named(entry.name) for entry in source.iterdir()):
        whole = table_named(source.name)
    sources: list[Source] = []
    ignored: list[str] = []
    for entry in sorted(source.iterdir()):
        owner = whole or table_named(entry.name)
        if owner is None:
            ignored.append(entry.name)
            continue
        files = sorted(path for path in entry.rglob("*") if path.is_file()) if entry.is_dir() else [entry]
        for path in files:
            name, kind = str(path.relative_to(source)), format_of(path)
            if kind is None or (kind == "yaml" and owner != OFFERS.name):
                ignored.append(name)
            else:
                sources.append(Source(owner, path, name, kind))
    if not sources:
        raise InvalidInput(f"holds no file of {', '.join(f'{prefix}*' for prefix in PREFIXES)}", file=str(source))
    return Found(tuple(sources), tuple(ignored))


def _single(path: Path, table: str | None) -> Source:
    kind = format_of(path)
    if kind is None:
        raise InvalidInput(f"unknown format; one of {', '.join(SUFFIXES)}", file=path.name)
    owner = table or table_named(path.name) or (OFFERS.name if kind == "yaml" else _table_by_columns(path, kind))
    return Source(owner, path, path.name, kind)


def _table_by_columns(path: Path, kind: Format) -> str:
    names = set(csv_header(path)[0] if kind == "csv" else parquet_columns(path))
    fitting = [table for table in CANONICAL.values() if names.issuperset(table.required)]
    if not fitting:
        raise InvalidInput("neither its name nor its columns tell the table; say which with --table", file=path.name)
    return max(fitting, key=lambda table: len(names.intersection(table.names))).name


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Names of the columns of a parquet file; raises InvalidInput when it is damaged."""
    with duckdb.connect() as connection:
        try:
            described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
        except duckdb.Error as error:
            raise InvalidInput(f"cannot be read: {first_line(error)}", file=path.name) from error
    return tuple(row[0] for row in described)


def csv_header(path: Path, delimiter: str | None = None, called: str | None = None) -> tuple[tuple[str, ...], str]:
    """Column names of a CSV file, and its delimiter: the one that yields the most canonical names unless given.

    Messages call the file `called`, else by its name.

    Raises InvalidInput on an empty file, one that is not UTF-8, and on names that are blank or come twice.
    """
    called = called or path.name
    try:
        packed = path.name.lower().endswith(".gz")
        with gzip.open(path) if packed else path.open("rb") as file:
            line = file.readline().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("is not encoded in UTF-8", file=called) from error
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"cannot be unpacked: {error}", file=called) from error
    if not line.strip():
        raise InvalidInput("the file is empty", file=called)
    if "\0" in line:
        raise InvalidInput("is not encoded in UTF-8", file=called)
    known = {name for table in CANONICAL.values() for name in table.names}
    headers = {sign: _names(line, sign) for sign in ((delimiter,) if delimiter else DELIMITERS)}
    sign = max(headers, key=lambda each: (len(known.intersection(headers[each])), len(headers[each])))
    lowered = [name.lower() for name in headers[sign]]
    for place, name in enumerate(lowered):
        if not name:
            raise InvalidInput(f"column {place + 1} has no name", file=called)
        if name in lowered[:place]:
            raise InvalidInput("the column comes twice", file=called, column=name)
    return headers[sign], sign


def _names(line: str, delimiter: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter)))


def first_line(error: Exception) -> str:
    """First line of an error's message; the engine adds paragraphs of advice."""
    return str(error).strip().splitlines()[0]
