"""A small operator on disk, and a way to load files into it."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml
from tests.fakes.ledger import FakeLedger

from mia.domain.region import REGIONS
from mia.domain.subscriber import ArmSplit
from mia.intake.report import IngestReport
from mia.services.ingest import Terms, ingest
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake
from mia.timeline import DAY_SECONDS, MICROSECONDS, month_number, month_start

NOW = month_start(month_number("2021-07")) * DAY_SECONDS * MICROSECONDS
"""2021-07-01T00:00:00Z."""

SUBSCRIBER: Mapping[str, Any] = {"subscriber_id": "s1", "region": "Sverdlovsk", "activated_on": "2020-03-01"}
USAGE: Mapping[str, Any] = {
    "subscriber_id": "s1",
    "occurred_at": "2021-06-01T10:00:00Z",
    "kind": "voice",
    "quantity": "60",
    "charge": "1.5",
    "record_id": "r1",
}
EVENT: Mapping[str, Any] = {
    "event_id": "e1",
    "occurred_at": "2021-06-01T10:00:00Z",
    "subscriber_id": "s1",
    "offer_id": "music",
    "kind": "impression",
    "channel": "app",
}
OFFER: Mapping[str, Any] = {"id": "music", "name": "Music", "category": "music"}


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]], delimiter: str = ",") -> Path:
    """Write rows; the header is every name that occurs, in order."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path


class Operator:
    """A workspace below a folder: a real lake, a ledger in memory, and the files to load."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lake = ParquetLake(folder / "lake")
        self.ledger = FakeLedger()
        self.rejects = folder / "rejects"
        self.connect = DuckDBEngine(threads=1).connect
        self.terms = Terms(REGIONS, "UTC", (), ArmSplit())

    def write(self, name: str, *rows: Mapping[str, Any]) -> Path:
        """Write a CSV file of rows, or a YAML catalogue."""
        path = self.folder / "in" / name
        if path.suffix != ".yaml":
            return write_csv(path, rows)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"offers": [dict(row) for row in rows]}, allow_unicode=True), "utf-8")
        return path

    def begin(self) -> "Operator":
        """Load one subscriber and one offer."""
        self.write("subscribers.csv", SUBSCRIBER)
        self.write("offers.yaml", OFFER)
        self.load(self.folder / "in")
        return self

    def load(self, source: Path, **options: Any) -> IngestReport:
        """Ingest a file or folder."""
        given = {"terms": self.terms, "now": NOW, **options}
        folders = {"rejects": self.rejects, "scratch": self.folder / "scratch"}
        return ingest(source, lake=self.lake, ledger=self.ledger, connect=self.connect, **folders, **given)

    def rows(self, table: str, order: str = "ALL") -> list[dict[str, Any]]:
        """Rows of a lake table."""
        paths = self.lake.paths(table)
        if not paths:
            return []
        with duckdb.connect() as connection:
            query = f"SELECT * FROM read_parquet({paths}, union_by_name = true) ORDER BY {order}"
            return connection.sql(query).to_arrow_table().to_pylist()

    def rejected(self, report: IngestReport) -> list[dict[str, Any]]:
        """Rejected rows of a load as kept, raw values read back."""
        assert report.rejects is not None
        with report.rejects.open(newline="", encoding="utf-8") as file:
            return [
                {**row, "raw": json.loads(row["raw"]) if row["raw"].startswith("{") else row["raw"]}
                for row in csv.DictReader(file)
            ]

    def state(self) -> tuple[Any, ...]:
        """Everything that a load may change."""
        manifest = self.lake.folder / "manifest.json"
        return manifest.read_bytes() if manifest.exists() else b"", self.ledger.events().to_pylist()
