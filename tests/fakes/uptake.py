"""A report of uptake over a ledger, with its roll-up in a folder of its own."""

from pathlib import Path
from typing import Any

from tests.fakes.ledger import FakeLedger

from mia.services.report import RollUp, Terms, UptakeReport
from mia.storage.engine import DuckDBEngine
from mia.storage.lake import ParquetLake

CONNECT = DuckDBEngine(threads=1).connect


def roll_up_of(ledger: FakeLedger, folder: Path, **options: Any) -> RollUp:
    return RollUp(ledger, ParquetLake(folder), CONNECT, **({"attribution_days": 14} | options))


def report_of(
    ledger: FakeLedger, folder: Path, *, chunk: int = 500_000, on_read: bool = True, **terms: Any
) -> UptakeReport:
    """Every base is large enough unless `small_base` says otherwise."""
    return UptakeReport(
        roll_up_of(ledger, folder, chunk=chunk),
        ParquetLake(folder),
        CONNECT,
        lambda: 1_625_140_800_000_000,
        Terms(**({"small_base": 1} | terms)),
        on_read=on_read,
    )
