"""What was published, held against what is."""

import pyarrow as pa

from mia.uptake.restatement import PUBLISHED_SCHEMA, restatements


def published(at: int, *rows: tuple[str, str, str | None, int]) -> pa.Table:
    zeros = {"impressions": 0, "clicks": 0, "disconnections": 0, "cumulative": 0, "net_active": 0}
    values = [
        {"published_at": at, "month": month, "by": by, "group": group, "connections": count} | zeros
        for month, by, group, count in rows
    ]
    return pa.Table.from_pylist(values, schema=PUBLISHED_SCHEMA)


def told(before: pa.Table, now: pa.Table) -> list[tuple]:
    names = ("month", "by", "group", "published", "now", "published_at")
    return [tuple(row[name] for name in names) for row in restatements(before, now).to_pylist()]


def test_what_is_as_it_was_is_no_restatement() -> None:
    rows = (("2021-01", "total", "total", 5), ("2021-01", "region", None, 2))
    assert told(published(1, *rows), published(9, *rows)) == []
    assert told(PUBLISHED_SCHEMA.empty_table(), published(9, *rows)) == []


def test_changed_new_and_vanished_groups_are_listed_with_what_was_published() -> None:
    before = published(1, ("2021-01", "region", None, 2), ("2021-01", "region", "A", 3), ("2021-01", "region", "", 1))
    now = published(9, ("2021-01", "region", None, 4), ("2021-01", "region", "B", 7), ("2021-01", "region", "", 1))
    assert sorted(told(before, now), key=str) == [
        ("2021-01", "region", "A", 3, 0, 1),
        ("2021-01", "region", "B", 0, 7, 1),
        ("2021-01", "region", None, 2, 4, 1),
    ]


def test_months_that_were_not_published_are_left_out() -> None:
    before, now = published(1, ("2021-01", "total", "total", 5)), published(9, ("2021-02", "total", "total", 8))
    assert told(before, pa.concat_tables([published(9, ("2021-01", "total", "total", 5)), now])) == []


def test_the_newest_publication_stands() -> None:
    twice = pa.concat_tables(
        [
            published(1, ("2021-01", "arm", "mia", 5), ("2021-01", "arm", "x", 1)),
            published(2, ("2021-01", "arm", "mia", 6)),
        ]
    )
    assert told(twice, published(9, ("2021-01", "arm", "mia", 6))) == []
    assert told(twice, published(9, ("2021-01", "arm", "mia", 5))) == [("2021-01", "arm", "mia", 6, 5, 2)]
