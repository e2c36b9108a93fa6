"""Figures that were published, and what became of them since."""

import pyarrow as pa
import pyarrow.compute as pc

from mia.uptake.growth import GROUP, SHOWN_MEASURES
from mia.uptake.periods import MONTH

KEPT = (*SHOWN_MEASURES, "cumulative", "net_active")
"""Figures that are kept when they are published."""
BY = "by"
KEYS = (MONTH.name, BY, GROUP)

PUBLISHED_SCHEMA = pa.schema(
    [
        pa.field("published_at", pa.int64(), nullable=False),
        pa.field(MONTH.name, pa.string(), nullable=False),
        pa.field(BY, pa.string(), nullable=False),
        pa.field(GROUP, pa.string()),
        *(pa.field(name, pa.int64(), nullable=False) for name in KEPT),
    ]
)
"""`published_at` in microseconds since the epoch; the newest row of a month, dimension and group is what stands."""

RESTATEMENT_SCHEMA = pa.schema(
    [
        pa.field(MONTH.name, pa.string(), nullable=False),
        pa.field(BY, pa.string(), nullable=False),
        pa.field(GROUP, pa.string()),
        pa.field("figure", pa.string(), nullable=False),
        pa.field("published", pa.int64(), nullable=False),
        pa.field("now", pa.int64(), nullable=False),
        pa.field("published_at", pa.int64(), nullable=False),
    ]
)


def published_rows(table: pa.Table, by: str, published_at: int) -> pa.Table:
    """Monthly uptake as rows of `PUBLISHED_SCHEMA`."""
    columns = {name: table[name] for name in (MONTH.name, GROUP, *KEPT)}
    columns |= {"published_at": pa.repeat(published_at, table.num_rows), BY: pa.repeat(by, table.num_rows)}
    return pa.table({field.name: columns[field.name] for field in PUBLISHED_SCHEMA}, schema=PUBLISHED_SCHEMA)


def standing(published: pa.Table) -> pa.Table:
    """The newest publication of each month and dimension, whole."""
    if not published.num_rows:
        return published
    newest = published.group_by([MONTH.name, BY]).aggregate([("published_at", "max")])
    keys = [MONTH.name, BY, "published_at"]
    return published.join(newest.rename_columns(keys), keys, join_type="left semi").select(published.column_names)


def restatements(published: pa.Table, now: pa.Table) -> pa.Table:
    """Figures of `now` that differ from those published last, as `RESTATEMENT_SCHEMA`, in order.

    Both as `PUBLISHED_SCHEMA`; a group that was not there, or is not there any more, counted nothing. Months that were
    never published are left out.
    """
    old = standing(published)
    if not old.num_rows:
        return RESTATEMENT_SCHEMA.empty_table()
    # Joins never match nulls, so the group of no value needs a mark of its own.
    old, new = (_marked(table) for table in (old, now))
    at = old.group_by([MONTH.name, BY]).aggregate([("published_at", "max")])
    new = new.drop(["published_at"]).join(at, [MONTH.name, BY], join_type="inner")
    both = old.drop(["published_at"]).join(
        new, [*KEYS, "unknown"], join_type="full outer", left_suffix="_then", right_suffix="_now"
    )
    both = both.drop(["published_at_max"]).join(at, [MONTH.name, BY], join_type="inner")
    found = []
    for figure in KEPT:
        then, current = (pc.fill_null(both[f"{figure}_{when}"], 0) for when in ("then", "now"))
        changed = pc.not_equal(then, current)
        rows = {name: both[name].filter(changed) for name in (MONTH.name, BY)}
        rows[GROUP] = pc.if_else(both["unknown"], None, both[GROUP]).filter(changed)
        rows |= {"figure": pa.repeat(figure, len(rows[BY])), "published": then.filter(changed)}
        rows |= {"now": current.filter(changed), "published_at": both["published_at_max"].filter(changed)}
        found.append(pa.table(rows, schema=RESTATEMENT_SCHEMA))
    listed = pa.concat_tables(found)
    return listed.sort_by([(name, "ascending") for name in (*KEYS, "figure")])


def _marked(table: pa.Table) -> pa.Table:
    unknown = pc.is_null(table[GROUP])
    place = table.column_names.index(GROUP)
    return table.set_column(place, GROUP, pc.fill_null(table[GROUP], "")).append_column("unknown", unknown)
