"""Checks of the records themselves: how they arrived, what they lack, what cannot be."""

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mia.quality.check import Example, Finding
from mia.quality.facts import Facts, Load
from mia.quality.limits import Limits
from mia.tables import KIND, LOCAL_DAY, REGION
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of


def _share_of_rows(count: str, facts: Facts, limits: Limits) -> Finding:
    if not facts.loads:
        return Finding(None, "no load has noted its counts")
    rows, bad = (sum(getattr(load, name) for load in facts.loads) for name in ("rows", count))
    judged = [load for load in facts.loads if load.rows >= limits.minimum_records]
    shares = sorted(((getattr(load, count) / load.rows, load) for load in judged), key=lambda item: -item[0])
    overall = bad / max(rows, 1)
    examples = [_file(share, getattr(load, count), count, load) for share, load in shares]
    return Finding(shares[0][0] if shares else overall, f"{bad:,} of {rows:,} rows of all files", examples)


def _file(share: float, number: int, count: str, load: Load) -> Example:
    day = date_of(load.at // (DAY_SECONDS * MICROSECONDS)).isoformat()
    return Example(f"{number:,} {count} of {load.rows:,} rows", {"day": day, "file": load.file}, share)


duplicate_rows = partial(_share_of_rows, "duplicates")
rejected_rows = partial(_share_of_rows, "rejected")


def late_records(facts: Facts, limits: Limits) -> Finding:
    """Share of first versions that arrived after their day."""
    return _share_of_records(facts.cells, "late", facts.total("arrived"), limits, "arrived late")


def corrected_records(facts: Facts, limits: Limits) -> Finding:
    """Share of records that a later version replaced."""
    return _share_of_records(facts.amended, "corrected", facts.total("arrived"), limits, "corrected")


def withdrawn_records(facts: Facts, limits: Limits) -> Finding:
    """Share of records that were taken back and not replaced."""
    return _share_of_records(facts.amended, "withdrawn", facts.total("arrived"), limits, "withdrawn")


def unknown_category(facts: Facts, limits: Limits) -> Finding:
    """Share of records without category in the worst kind of those that should, and sometimes do, name one."""
    cells = facts.cells.filter(pc.is_in(facts.cells[KIND], pa.array(limits.categorised_kinds, pa.string())))
    kinds = cells.group_by([KIND]).aggregate([("records", "sum"), ("nameless", "sum")]).to_pylist()
    shares = {
        row[KIND]: row["nameless_sum"] / row["records_sum"]
        for row in kinds
        if row["records_sum"] > 0 and row["nameless_sum"] < row["records_sum"]
    }
    if not shares:
        return Finding(None, "no record names a category")
    worst = max(shares, key=lambda kind: shares[kind])
    places = cells.group_by([KIND, REGION]).aggregate([("records", "sum"), ("nameless", "sum")]).to_pylist()
    examples = [
        Example(
            f"{row['nameless_sum']:,} of {row['records_sum']:,} records without category",
            {"kind": row[KIND], "region": row[REGION]},
            row["nameless_sum"] / row["records_sum"],
        )
        for row in places
        if row[KIND] in shares and row["records_sum"] >= limits.minimum_records
    ]
    examples.sort(key=lambda example: -(example.value or 0.0))
    return Finding(shares[worst], f"worst kind: {worst}", examples)


def before_activation(facts: Facts, limits: Limits) -> Finding:
    """Share of records from before the contract of their subscriber."""
    return _share_of_records(facts.cells, "early", facts.total("records"), limits, "before activation")


def _share_of_records(table: pa.Table, column: str, of: int, limits: Limits, word: str) -> Finding:
    """The counts of a column as a share of all; the examples have the largest counts."""
    counts = table[column].to_numpy()
    number = int(counts.sum())
    order = np.argsort(-counts, kind="stable")[: limits.examples]
    examples = [
        Example(f"{row[column]:,} records {word}", _place(row, row.get(f"{column}_subscriber")))
        for row in table.take(pa.array(order)).to_pylist()
        if row[column] > 0
    ]
    return Finding(number / max(of, 1), f"{number:,} of {of:,} records", examples)


def _place(row: dict[str, Any], subscriber: str | None) -> dict[str, str]:
    place = {"day": date_of(row[LOCAL_DAY]).isoformat(), "kind": row[KIND], "region": row.get(REGION)}
    return {key: value for key, value in {**place, "subscriber": subscriber}.items() if value is not None}
