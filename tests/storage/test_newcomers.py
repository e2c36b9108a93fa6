"""Subscribers that came after the snapshot."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mia.storage import newcomers
from mia.storage.newcomers import load_newcomers

AS_OF = date(2021, 6, 1)
EARLY, LATE = date(2020, 1, 1), date(2021, 6, 2)


def load(folder: Path, people: dict[str, date], profiled: set[str]) -> tuple[list[str], list[str]]:
    """Ids of the newcomers, and the ids that were looked up for that."""
    path = folder / "subscribers.parquet"
    rows = [{"subscriber_id": one, "activated_on": day, "region": f"of {one}"} for one, day in people.items()]
    pq.write_table(pa.Table.from_pylist(rows), path)
    asked: list[str] = []

    def known(ids: Sequence[str]) -> np.ndarray:
        asked.extend(ids)
        return np.asarray([one in profiled for one in ids], bool)

    found = load_newcomers([str(path)], AS_OF, len(profiled), known)
    assert found["region"].to_pylist() == [f"of {one}" for one in found["subscriber_id"].to_pylist()]
    return found["subscriber_id"].to_pylist(), asked


def test_only_later_contracts_are_looked_at_where_all_others_have_profiles(tmp_path: Path) -> None:
    people = {"a": EARLY, "b": AS_OF, "c": LATE, "d": LATE}
    assert load(tmp_path, people, {"a", "b"}) == (["c", "d"], ["c", "d"])


def test_who_has_a_profile_before_the_contract_begins_is_none(tmp_path: Path) -> None:
    assert load(tmp_path, {"a": EARLY, "c": LATE}, {"a", "c"}) == ([], ["c"])


def test_everybody_is_looked_at_where_an_early_contract_came_late(tmp_path: Path) -> None:
    people = {"a": EARLY, "b": EARLY, "c": LATE}
    assert load(tmp_path, people, {"a"}) == (["b", "c"], ["a", "b", "c"])


def test_no_more_are_held_than_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newcomers, "MOST", 3)
    monkeypatch.setattr(newcomers, "BATCH", 2)
    assert load(tmp_path, {f"n{number}": LATE for number in range(9)}, set())[0] == ["n0", "n1", "n2"]
