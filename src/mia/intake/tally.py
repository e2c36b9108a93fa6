"""What became of the rows of each file of usage, to be noted with the load."""

from collections.abc import Mapping
from typing import Any

import duckdb

from mia.intake.duplicates import DUPLICATES
from mia.intake.rejects import REJECTS
from mia.intake.sources import Source
from mia.intake.staging import FAULT, FILE, Plan


def tally_usage(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    sources: Mapping[int, Source],
    before: Mapping[int, Mapping[str, Any]],
) -> dict[int, dict[str, int]]:
    """Numbers of `rows`, `accepted`, `duplicates` and `rejected` of each file of usage, by its number in `sources`.

    `before` are the counts of files that were loaded before, for the sake of rows that were rejected then: what they
    brought at that time is no duplicate now. Staged rows, duplicates and rejects must be complete.
    """
    sound, twice, rejected = (
        dict(connection.execute(f"SELECT {key}, count(*) FROM {table} GROUP BY ALL").fetchall())
        for key, table in (
            (f'"{FILE}"', f'{plan.staged} WHERE "{FAULT}" <= 0'),
            (f'"{FILE}"', DUPLICATES),
            ("source_file", f"{REJECTS} WHERE \"table\" = '{plan.table.name}'"),
        )
    )
    counts = {}
    for number, source in sources.items():
        if source.table == plan.table.name:
            refused, good = rejected.get(source.name, 0), sound.get(number, 0)
            accepted = min(good, good - twice.get(number, 0) + before.get(number, {}).get("accepted", 0))
            counts[number] = {
                "rows": good + refused,
                "accepted": accepted,
                "duplicates": good - accepted,
                "rejected": refused,
            }
    return counts
