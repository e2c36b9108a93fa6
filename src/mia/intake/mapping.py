"""Mappings: YAML that turns foreign files into canonical tables, column by column, in DuckDB SQL."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import duckdb
import yaml

from mia.errors import InvalidInput
from mia.intake.answers import first_row
from mia.intake.sources import Format, Found, Source, first_line, format_of
from mia.intake.value_maps import ValueMap, build_value_map
from mia.tables import CANONICAL, EVENT_ID, EVENTS, OFFERS, USAGE

KEYS = frozenset({"path", "format", "columns", "values", "filter", "delimiter", "types"})


@dataclass(frozen=True, slots=True)
class Names:
    """Columns that one SQL expression refers to; `bare` when it is nothing but the name of one."""

    columns: frozenset[str]
    bare: bool


def load_mapping(mapping: Path, source: Path) -> Found:
    """Read a mapping and find its files below `source`.

    Per table a list of `{path: glob, format, delimiter, types, filter, columns: {canonical: SQL}, values: {canonical:
    {foreign: ours}}}`. Raises InvalidInput that names the mapping, the table and the column.
    """
    try:
        content = yaml.safe_load(mapping.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidInput(f"the mapping cannot be read: {first_line(error)}", file=mapping.name) from error
    if not isinstance(content, dict) or not content:
        raise InvalidInput("a mapping holds a list of sources for each table", file=mapping.name)
    if not source.exists():
        raise InvalidInput("no such file or folder", file=str(source))
    everything = sorted(path for path in source.rglob("*") if path.is_file()) if source.is_dir() else [source]
    root = source if source.is_dir() else source.parent
    sources: list[Source] = []
    with duckdb.connect() as connection:
        for table, entries in content.items():
            if table not in CANONICAL:
                raise InvalidInput(f"unknown table {table!r}; one of {', '.join(CANONICAL)}", file=mapping.name)
            if not isinstance(entries, list) or not entries:
                raise InvalidInput(f"{table}: needs a list of sources", file=mapping.name)
            for place, entry in enumerate(entries, start=1):
                checked = _Entry(connection, mapping.name, table, place, entry)
                sources.extend(checked.sources(everything, root))
    used = {item.path for item in sources}
    ignored = tuple(str(path.relative_to(root)) for path in everything if path not in used)
    return Found(tuple(sources), ignored)


def names_of(connection: duckdb.DuckDBPyConnection, expression: str) -> Names:
    """Columns an expression refers to, lower case; raises ValueError unless it is exactly one SQL expression."""
    row = first_row(connection, "SELECT json_serialize_sql('SELECT ' || ?::VARCHAR)", [expression])
    parsed = json.loads(row[0] if row else "{}")
    if parsed.get("error", True):
        raise ValueError(parsed.get("error_message", "not SQL"))
    node = parsed["statements"][0]["node"]
    simple = node.get("from_table", {}).get("type") == "EMPTY" and len(node.get("select_list", ())) == 1
    if len(parsed["statements"]) != 1 or not simple or node.get("where_clause") or node.get("modifiers"):
        raise ValueError("must be one expression")
    item = node["select_list"][0]
    return Names(frozenset(_references(item)), bare=item["class"] == "COLUMN_REF")


def _references(node: Any) -> set[str]:  # noqa: ANN401 - any JSON value
    if isinstance(node, list):
        return {name for part in node for name in _references(part)}
    if not isinstance(node, dict):
        return set()
    if node.get("class") == "COLUMN_REF":
        return {str(node["column_names"][-1]).lower()}
    return {name for part in node.values() for name in _references(part)}


class _Entry:
    """One source of a mapping, checked."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        file: str,
        table: str,
        place: int,
        entry: Any,  # noqa: ANN401 - whatever the YAML holds
    ) -> None:
        self.file, self.table, self.where = file, table, f"{table}, source {place}"
        if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
            raise self.refusal("needs a path")
        unknown = set(entry) - KEYS
        if unknown:
            raise self.refusal(f"unknown key {sorted(map(str, unknown))[0]!r}; one of {', '.join(sorted(KEYS))}")
        if entry.get("format", "csv") not in ("csv", "parquet"):
            raise self.refusal("format is csv or parquet")
        self.columns = self._texts(entry, "columns")
        self.types = self._texts(entry, "types")
        self.entry: dict[str, Any] = entry
        self.values = self._value_maps(entry)
        self._check_names()
        self._check_sql(connection)

    def refusal(self, rule: str, column: str | None = None) -> InvalidInput:
        """The error of this source."""
        return InvalidInput(f"{self.where}: {rule}", file=self.file, column=column)

    def sources(self, files: list[Path], root: Path) -> list[Source]:
        """The files that the path of this source matches."""
        matching = [path for path in files if path.relative_to(root).match(self.entry["path"])]
        if not matching:
            raise self.refusal(f"no file matches {self.entry['path']!r}")
        return [self._source(path, str(path.relative_to(root))) for path in matching]

    def _source(self, path: Path, name: str) -> Source:
        kind = self.entry.get("format") or format_of(path)
        if kind not in ("csv", "parquet"):
            raise self.refusal(f"the format of {name} is neither csv nor parquet; say which")
        return Source(
            table=self.table,
            path=path,
            name=name,
            format=cast("Format", kind),
            columns=self._valued_columns(),
            filter=self._whole_filter(),
            delimiter=self.entry.get("delimiter"),
            types=self.types,
            mapping=self.file,
        )

    def _texts(self, entry: Mapping[str, Any], key: str) -> dict[str, str]:
        value = entry.get(key) or {}
        if not isinstance(value, dict):
            raise self.refusal(f"{key} must be a mapping of names")
        return {str(name): str(text) for name, text in value.items()}

    def _value_maps(self, entry: Mapping[str, Any]) -> dict[str, ValueMap]:
        given = entry.get("values") or {}
        if not isinstance(given, dict):
            raise self.refusal("values must be a mapping of columns")
        maps = {}
        for name, pairs in given.items():
            if name not in self.columns:
                raise self.refusal("values of a column that is not mapped", str(name))
            try:
                maps[name] = build_value_map(pairs, self._closed_choices(name))
            except ValueError as error:
                raise self.refusal(str(error), name) from error
        return maps

    def _closed_choices(self, name: str) -> tuple[str, ...]:
        # Further kinds of usage can be declared in the settings, so there the rows are judged, not the mapping.
        if self.table == USAGE.name:
            return ()
        return next((column.choices for column in CANONICAL[self.table].columns if column.name == name), ())

    def _valued_columns(self) -> dict[str, str]:
        return {
            name: self.values[name].ours(text) if name in self.values else text for name, text in self.columns.items()
        }

    def _whole_filter(self) -> str | None:
        given = self.entry.get("filter")
        parts = [] if given is None else [str(given)]
        parts += [kept for name, each in self.values.items() if (kept := each.kept(self.columns[name])) is not None]
        return parts[0] if len(parts) == 1 else " AND ".join(f"({part})" for part in parts) or None

    def _check_names(self) -> None:
        table = CANONICAL[self.table]
        # The catalogue checks its fields itself, as some of them can come in more than one form; ids of events that
        # have none are made (see `mia.intake.event_ids`).
        for name in () if table is OFFERS else table.required:
            if name not in self.columns and (table, name) != (EVENTS, EVENT_ID):
                raise self.refusal("the column is required", name)
        if not table.open_columns:
            for name in self.columns:
                if name not in table.names:
                    raise self.refusal(f"unknown column of {self.table}", name)

    def _check_sql(self, connection: duckdb.DuckDBPyConnection) -> None:
        expressions = dict(self.columns)
        if self.entry.get("filter") is not None:
            expressions["filter"] = str(self.entry["filter"])
        for name, text in expressions.items():
            try:
                names_of(connection, text)
            except ValueError as error:
                raise self.refusal(f"bad SQL: {error}", name) from error
        for name, text in self.types.items():
            try:
                connection.execute(f"SELECT TRY_CAST(NULL AS {text})")
            except duckdb.Error as error:
                raise self.refusal(f"unknown type {text!r}", name) from error
