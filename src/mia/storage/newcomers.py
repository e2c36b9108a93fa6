"""Subscribers that the lake knows and a profile snapshot does not: whoever came after it was made."""

from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from numpy.typing import NDArray

from mia.tables import ACTIVATED_ON, SUBSCRIBER_ID

MOST = 500_000
"""Newcomers that are held in memory; beyond them the snapshot is too old to serve from."""
BATCH = 65_536


def load_newcomers(
    paths: Sequence[str], as_of: date, profiles: int, known: Callable[[Sequence[str]], NDArray[np.bool_]]
) -> pa.Table:
    """Rows of the subscribers in the files who have no profile in a snapshot of the day `as_of` with so many profiles.

    A snapshot holds everybody whose contract had begun by its day, so that most often only later ones are looked at.
    `known` says which of some ids have a profile. At most MOST rows.
    """
    files = ds.dataset(list(paths), format="parquet")
    begun = ds.field(ACTIVATED_ON) <= pa.scalar(as_of)
    if files.count_rows(filter=begun) <= profiles:
        files = files.filter(~begun)
    found, rows = [], 0
    for batch in files.to_batches(batch_size=BATCH):
        lacking = batch.filter(pa.array(~known(batch.column(SUBSCRIBER_ID).to_pylist())))
        found.append(lacking)
        rows += lacking.num_rows
        if rows >= MOST:
            break
    table = pa.Table.from_batches(found, files.schema).slice(0, MOST)
    return table.set_column(
        table.column_names.index(ACTIVATED_ON), ACTIVATED_ON, pc.cast(table[ACTIVATED_ON], pa.date32())
    )
