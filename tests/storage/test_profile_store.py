"""Profile snapshots come back as they were published, and a reader never sees half of one."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mia.errors import UnknownSnapshot, WorkspaceBusy
from mia.frames import OfferHistory, Profiles, SparseBlock
from mia.storage.files import only_writer
from mia.storage.profile_store import LmdbProfileStore
from mia.timeline import day_of_text

DAY = day_of_text("2021-07-01")
NAMES = ("x", "y")
USED, ANSWERED = ("records", "charge"), ("impressions",)
HISTORY = OfferHistory(
    np.asarray([DAY]), ("Урал", ""), ("o1", "o2", "o3"), np.arange(6.0).reshape(1, 2, 3), np.ones((1, 2, 3)) / 3
)
NO_HISTORY = OfferHistory(np.asarray([DAY]), (), (), np.zeros((1, 0, 0)), np.zeros((1, 0, 0)))

Row = tuple[list[float], dict[str, Any], dict[str, list[float]], dict[str, list[float]]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LmdbProfileStore]:
    opened = LmdbProfileStore(tmp_path / "profiles")
    yield opened
    opened.close()


def objects(values: list[Any]) -> np.ndarray:
    out = np.empty(len(values), object)
    out[:] = values
    return out


def block(rows: list[dict[str, list[float]]], measures: tuple[str, ...]) -> SparseBlock:
    vocabulary = sorted({key for row in rows for key in row})
    codes = [vocabulary.index(key) for row in rows for key in row]
    values = [measured for row in rows for measured in row.values()]
    return SparseBlock(
        np.cumsum([0, *map(len, rows)]),
        np.asarray(codes, np.int64),
        objects(vocabulary),
        np.asarray(values, float).reshape(len(codes), len(measures)),
        measures,
    )


def profiles_of(people: dict[str, Row], day: int = DAY) -> Profiles:
    rows = list(people.values())
    attributes = list(rows[0][1]) if rows else []
    return Profiles(
        objects(list(people)),
        np.full(len(rows), day),
        NAMES,
        np.asarray([row[0] for row in rows], float).reshape(len(rows), len(NAMES)),
        {name: objects([row[1][name] for row in rows]) for name in attributes},
        block([row[2] for row in rows], USED),
        block([row[3] for row in rows], ANSWERED),
    )


def row_of(profiles: Profiles) -> Row:
    """The one row of a frame as it was given to `profiles_of`."""

    def keys(part: SparseBlock) -> dict[str, list[float]]:
        assert part.indptr.tolist() == [0, len(part.codes)]
        return dict(zip(part.vocabulary[part.codes].tolist(), part.values.tolist(), strict=True))

    assert (len(profiles), profiles.names) == (1, NAMES)
    assert (profiles.usage.measures, profiles.responses.measures) == (USED, ANSWERED)
    assert profiles.usage.values.shape[1] == len(USED)
    attributes = {name: values[0] for name, values in profiles.attributes.items()}
    return profiles.numeric[0].tolist(), attributes, keys(profiles.usage), keys(profiles.responses)


ANNA: Row = ([0.1 + 0.2, -1e300], {"region": "Курган", "age": 41.0}, {"item:ж": [1.0, 0.5]}, {"offer:o1": [3.0]})
BOB: Row = ([0.0, 5e-324], {"region": None, "age": None}, {}, {})


def test_rows_come_back_as_they_were(store: LmdbProfileStore) -> None:
    name = store.publish(profiles_of({"anna": ANNA, "боб": BOB}), HISTORY, "f1")
    assert name == store.current() == "2021-07-01.1"
    assert store.fingerprint(name) == "f1"
    for who, row in (("anna", ANNA), ("боб", BOB)):
        found = store.find(name, who)
        assert found is not None
        assert row_of(found) == row
        assert (found.subscriber_ids.tolist(), found.as_of.tolist()) == ([who], [DAY])
    assert store.find(name, "carol") is None


def test_unknown_numbers_stay_unknown(store: LmdbProfileStore) -> None:
    name = store.publish(profiles_of({"a": ([math.nan, math.inf], {"age": math.nan}, {}, {})}), HISTORY, "f")
    found = store.find(name, "a")
    assert found is not None
    assert np.isnan(found.numeric[0, 0])
    assert found.numeric[0, 1] == math.inf
    assert found.attributes["age"].tolist() == [None]


@pytest.mark.parametrize("history", [HISTORY, NO_HISTORY])
def test_the_history_of_offers_comes_back(store: LmdbProfileStore, history: OfferHistory) -> None:
    name = store.publish(profiles_of({"a": ANNA}), history, "f")
    found = store.history(name)
    assert (found.days.tolist(), found.regions, found.offer_ids) == ([DAY], history.regions, history.offer_ids)
    assert np.array_equal(found.impressions, history.impressions)
    assert np.array_equal(found.connections, history.connections)


def test_every_id_can_be_kept_and_asked_for(store: LmdbProfileStore) -> None:
    ids = ["a", "\x00meta", "\x00", "x" * 511, "x" * 512, "ж" * 400, "\x00" + "m" * 32, " "]
    name = store.publish(profiles_of({who: ([n, n], {}, {}, {}) for n, who in enumerate(ids)}), HISTORY, "f")
    for number, who in enumerate(ids):
        found = store.find(name, who)
        assert found is not None
        assert (found.numeric[0, 0], found.subscriber_ids[0]) == (number, who)
    for stranger in ("", "meta", "x" * 513, "\ud800", "\x00other"):
        assert store.find(name, stranger) is None
    assert store.fingerprint(name) == "f"


def test_what_is_not_there_is_named(store: LmdbProfileStore) -> None:
    assert store.current() is None
    for ask in (lambda: store.find("2021-07-01.1", "a"), lambda: store.fingerprint("x"), lambda: store.history("x")):
        with pytest.raises(UnknownSnapshot):
            ask()


def test_snapshots_of_a_day_are_numbered_and_the_earlier_ones_stay(store: LmdbProfileStore) -> None:
    first = store.publish(profiles_of({"a": ANNA}), HISTORY, "f1")
    second = store.publish(profiles_of({"a": BOB}), HISTORY, "f2")
    earlier = store.publish(profiles_of({"a": BOB}, DAY - 1), HISTORY, "f3")
    assert (first, second, earlier) == ("2021-07-01.1", "2021-07-01.2", "2021-06-30.1")
    assert store.current() == earlier
    rows = [store.find(name, "a") for name in (first, second)]
    assert [row_of(row) for row in rows if row is not None] == [ANNA, BOB]
    assert [store.fingerprint(name) for name in (first, second)] == ["f1", "f2"]


def test_a_number_is_never_given_twice(store: LmdbProfileStore) -> None:
    for _ in range(3):
        store.publish(profiles_of({"a": ANNA}), HISTORY, "f")
    for name in ("2021-07-01.1", "2021-07-01.2"):
        (store.folder / name / "data.mdb").unlink()
        (store.folder / name / "lock.mdb").unlink(missing_ok=True)
        (store.folder / name).rmdir()
    assert store.publish(profiles_of({"a": BOB}), HISTORY, "f") == "2021-07-01.4"


def test_a_snapshot_is_of_one_day(store: LmdbProfileStore) -> None:
    both = profiles_of({"a": ANNA, "b": ANNA})
    mixed = Profiles(
        both.subscriber_ids,
        np.asarray([DAY, DAY + 1]),
        both.names,
        both.numeric,
        both.attributes,
        both.usage,
        both.responses,
    )
    for wrong in (mixed, profiles_of({})):
        with pytest.raises(ValueError, match="one day"):
            store.publish(wrong, HISTORY, "f")
    assert store.current() is None


def test_a_publication_that_dies_is_not_seen_and_swept(store: LmdbProfileStore) -> None:
    name = store.publish(profiles_of({"a": ANNA}), HISTORY, "f")
    broken = profiles_of({"a": ([1.0, 2.0], {"region": object()}, {}, {})})
    with pytest.raises(TypeError):
        store.publish(broken, HISTORY, "f")
    (store.folder / "staging-dead").mkdir()
    (store.folder / "staging-dead" / "data.mdb").write_bytes(b"half")
    assert store.current() == name
    assert store.publish(profiles_of({"a": BOB}), HISTORY, "f") == "2021-07-01.2"
    assert not list(store.folder.glob("staging-*"))


def test_only_one_process_publishes(store: LmdbProfileStore) -> None:
    with only_writer(store.folder), pytest.raises(WorkspaceBusy):
        store.publish(profiles_of({"a": ANNA}), HISTORY, "f")


def test_readers_see_whole_snapshots_while_others_are_published(store: LmdbProfileStore) -> None:
    people = {f"s{n}": ANNA for n in range(50)}
    store.publish(profiles_of(people), HISTORY, "0")
    seen: list[tuple[str, set[float]]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            name = str(store.current())
            rows = [store.find(name, who) for who in ("s0", "s25", "s49")]
            seen.append((store.fingerprint(name), {float(row.numeric[0, 0]) for row in rows if row is not None}))

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for number in range(1, 12):
        rows: Row = ([float(number), 0.0], ANNA[1], ANNA[2], ANNA[3])
        store.publish(profiles_of(dict.fromkeys(people, rows)), HISTORY, str(number))
    done.set()
    for reader in readers:
        reader.join()
    assert len(seen) >= 3
    for fingerprint, values in seen:
        assert values == {ANNA[0][0] if fingerprint == "0" else float(fingerprint)}


numbers = st.floats(allow_nan=False, width=64)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        texts,
        st.tuples(
            st.lists(numbers, min_size=2, max_size=2),
            st.fixed_dictionaries({"a": st.none() | texts | numbers.filter(math.isfinite)}),
            st.dictionaries(texts, st.lists(numbers, min_size=2, max_size=2), max_size=3),
            st.dictionaries(texts, st.lists(numbers, min_size=1, max_size=1), max_size=3),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_profiles_come_back(tmp_path_factory: pytest.TempPathFactory, people: dict[str, Row]) -> None:
    store = LmdbProfileStore(tmp_path_factory.mktemp("store"))
    name = store.publish(profiles_of(people), HISTORY, "f")
    for who, row in people.items():
        found = store.find(name, who)
        assert found is not None
        assert row_of(found) == row
    store.close()
