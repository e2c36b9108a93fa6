"""Profile snapshots come back as they were published, however they came in and whoever asks."""

import math
import struct
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.profile_store.people import (
    ANNA,
    BOB,
    DAY,
    HISTORY,
    Row,
    objects,
    profiles_of,
    rows_of,
)

from mia.errors import UnknownSnapshot, WorkspaceBusy
from mia.frames import OfferHistory, Profiles
from mia.storage.files import only_writer
from mia.storage.profile_store import LmdbProfileStore
from mia.storage.profile_store.encoder import MOST_VALUES
from mia.storage.profile_store.snapshot import PIECE as READ_PIECE
from mia.storage.profile_store.writer import PIECE as WRITE_PIECE

NO_HISTORY = OfferHistory(np.asarray([DAY]), (), (), np.zeros((1, 0, 0)), np.zeros((1, 0, 0)))


def bits(value: object) -> object:
    return struct.pack("<d", value) if isinstance(value, float) else value


def test_rows_come_back_as_they_were(store: LmdbProfileStore) -> None:
    name = store.publish(DAY, [profiles_of({"anna": ANNA, "боб": BOB})], HISTORY, "f1")
    assert name == store.current() == "2021-07-01.1"
    assert store.fingerprint(name) == "f1"
    for who, row in (("anna", ANNA), ("боб", BOB)):
        found = store.find(name, who)
        assert found is not None
        assert rows_of(found) == [row]
        assert (found.subscriber_ids.tolist(), found.as_of.tolist()) == ([who], [DAY])
    assert store.find(name, "carol") is None


def test_attributes_alone_are_those_of_the_profile(store: LmdbProfileStore) -> None:
    many: dict[str, Row] = {
        f"t{number:06d}": ([0.0, 0.0], {"region": f"r{number}", "age": None}, {"k": [1.0, 1.0]}, {})
        for number in range(MOST_VALUES + 9)
    }
    name = store.publish(DAY, [profiles_of({"anna": ANNA, **many, "боб": BOB})], HISTORY, "f1")
    reader = store.reader(name)
    for who in ("anna", "боб", *islice(reversed(many), 12)):
        found = reader.find(who)
        assert found is not None
        whole = {name: values[0] for name, values in found.attributes.items()}
        assert reader.attributes(who, [*whole, "height"]) == whole
        assert reader.attributes(who, ["age"]) == {"age": whole["age"]}
    assert reader.attributes("carol", ["age"]) is None


def test_many_at_once_are_those_that_one_by_one_are(store: LmdbProfileStore) -> None:
    name = store.publish(DAY, [profiles_of({"anna": ANNA, "боб": BOB, "дима": ANNA})], HISTORY, "f1")
    found, known = store.find_many(name, ["дима", "nobody", "боб", "", "anna", "боб"])
    assert known.tolist() == [True, False, True, False, True, True]
    assert found.subscriber_ids.tolist() == ["дима", "боб", "anna", "боб"]
    assert found.as_of.tolist() == [DAY] * 4
    assert rows_of(found) == [ANNA, BOB, ANNA, BOB]
    for ids in (["nobody"], []):
        found, known = store.find_many(name, ids)
        assert (rows_of(found), known.tolist()) == ([], [False] * len(ids))


def test_numbers_come_back_to_the_bit(store: LmdbProfileStore) -> None:
    numbers = [math.nan, math.inf, -0.0, 1e-45, 255.0, 256.0, -1.0, 0.0]
    measured = [math.nan, -math.inf, -0.0, 5e-324, 255.0, 0.1, 2.0**53 + 2, 1e300]
    people: dict[str, Row] = {
        f"s{place}": ([number, number], {"age": given}, {"k": [given, given]}, {})
        for place, (number, given) in enumerate(zip(numbers, measured, strict=True))
    }
    profiles = profiles_of(people)
    name = store.publish(DAY, [profiles], HISTORY, "f")
    many, _ = store.find_many(name, list(people))
    for place, who in enumerate(people):
        found = store.find(name, who)
        assert found is not None
        for one, row in ((found, 0), (many, place)):
            assert one.numeric[row].tobytes() == profiles.numeric[place].tobytes()
            assert one.usage.values[row].tobytes() == profiles.usage.values[place].tobytes()
            assert bits(one.attributes["age"][row]) == bits(profiles.attributes["age"][place])


@pytest.mark.parametrize("history", [HISTORY, NO_HISTORY])
def test_the_history_of_offers_comes_back(store: LmdbProfileStore, history: OfferHistory) -> None:
    name = store.publish(DAY, [profiles_of({"a": ANNA})], history, "f")
    found = store.history(name)
    assert (found.days.tolist(), found.regions, found.offer_ids) == ([DAY], history.regions, history.offer_ids)
    assert np.array_equal(found.impressions, history.impressions)
    assert np.array_equal(found.connections, history.connections)


def test_every_id_can_be_kept_and_asked_for(store: LmdbProfileStore) -> None:
    ids = sorted(["", "a", "\x00meta", "\x00", "x" * 511, "x" * 512, "ж" * 400, "\x00" + "m" * 32, " ", "\ud800", "z"])
    people: dict[str, Row] = {who: ([n, n], {}, {}, {}) for n, who in enumerate(ids)}
    name = store.publish(DAY, [profiles_of({who: people[who]}) for who in ids], HISTORY, "f")
    many, known = store.find_many(name, ids)
    assert known.all()
    for number, who in enumerate(ids):
        found = store.find(name, who)
        assert found is not None
        assert (found.numeric[0, 0], found.subscriber_ids[0]) == (number, who)
        assert (many.numeric[number, 0], many.subscriber_ids[number]) == (number, who)
    strangers = ["meta", "x" * 513, "\udbff", "\x00other", "\x01"]
    assert [store.find(name, stranger) for stranger in strangers] == [None] * 5
    assert not store.find_many(name, strangers)[1].any()


def test_chunks_of_any_size_make_the_same_snapshot(store: LmdbProfileStore) -> None:
    rng = np.random.default_rng(1)
    count = 2 * WRITE_PIECE + READ_PIECE + 7
    people: dict[str, Row] = {
        f"{number:06d}": (
            [float(number), float(rng.integers(3))],
            {"plan": f"plan {number % 5}", "own": f"{number:x}" if number % 3 else None, "paid": number / 8},
            {f"item:{key}": [float(key), number / 3] for key in rng.integers(9, size=number % 4)},
            {"offer:o": [1.0]} if number % 7 == 0 else {},
        )
        for number in range(count)
    }
    profiles = profiles_of(people)
    whole = store.publish(DAY, [profiles], HISTORY, "f")
    cuts = [0, 0, 1, 5, WRITE_PIECE, WRITE_PIECE + 1, count, count]
    parts = [profiles.take(np.arange(*bounds)) for bounds in pairwise(cuts)]
    chunked = store.publish(DAY, (replace(part) for part in parts), HISTORY, "f")
    assert len({row[1]["own"] for row in people.values()}) > MOST_VALUES // 2
    picked = rng.permutation(count)
    ids = profiles.subscriber_ids[picked].tolist()
    for name in (whole, chunked):
        found, known = store.find_many(name, ids)
        assert known.all()
        assert rows_of(found) == [people[who] for who in ids]
        for who in ids[:200]:
            one = store.find(name, who)
            assert one is not None
            assert rows_of(one) == [people[who]]


def test_an_attribute_that_never_repeats_is_kept_in_the_rows(store: LmdbProfileStore) -> None:
    count = MOST_VALUES + 50
    values = [None if number % 9 == 0 else f"device {number}" for number in range(count)]
    people: dict[str, Row] = {
        f"{number:06d}": ([1.0, 0.0], {"device": values[number], "seen": number + 0.1, "plan": "a"}, {}, {})
        for number in range(count)
    }
    name = store.publish(DAY, [profiles_of(people)], HISTORY, "f")
    found, _ = store.find_many(name, list(people))
    assert found.attributes["device"].tolist() == values
    assert found.attributes["seen"].tolist() == [number + 0.1 for number in range(count)]
    assert set(found.attributes["plan"].tolist()) == {"a"}
    assert {type(value) for value in found.attributes["device"].tolist()} == {str, type(None)}
    last = store.find(name, f"{count - 1:06d}")
    assert last is not None
    assert rows_of(last) == [people[f"{count - 1:06d}"]]


def test_a_chunk_is_let_go_before_the_next_but_one(store: LmdbProfileStore) -> None:
    seen: list[weakref.ref[Profiles]] = []

    def chunks() -> Iterator[Profiles]:
        for number in range(5):
            assert [ref() for ref in seen[:-1]] == [None] * len(seen[:-1])
            chunk = profiles_of({f"{number}": ANNA})
            seen.append(weakref.ref(chunk.numeric))
            yield chunk
            del chunk

    store.publish(DAY, chunks(), HISTORY, "f")
    assert len(seen) == 5


@pytest.mark.parametrize(
    "ids", [["b", "a"], ["a", "a"], ["é", "z"], ["", "x" * 600, "b"], ["\ud800", "\x01"]], ids=repr
)
def test_ids_must_ascend(store: LmdbProfileStore, ids: list[str]) -> None:
    parts = [profiles_of({who: ANNA}) for who in ids]
    together = profiles_of(dict.fromkeys([*ids, "zz"], ANNA)).take(np.zeros(len(ids), np.int64))
    for chunks in (parts, [replace(together, subscriber_ids=objects(ids))]):
        with pytest.raises(ValueError, match="order of their ids"):
            store.publish(DAY, chunks, HISTORY, "f")
    assert store.current() is None
    assert not list(store.folder.glob("staging-*"))


def test_a_snapshot_is_of_one_day(store: LmdbProfileStore) -> None:
    both = profiles_of({"a": ANNA, "b": ANNA})
    mixed = replace(both, as_of=np.asarray([DAY, DAY + 1]))
    for wrong in ([mixed], [both, profiles_of({"c": ANNA}, DAY - 1)]):
        with pytest.raises(ValueError, match="one day"):
            store.publish(DAY, wrong, HISTORY, "f")
    for none in ([], [both.take(np.zeros(0, np.int64))]):
        with pytest.raises(ValueError, match="at least one"):
            store.publish(DAY, none, HISTORY, "f")
    assert store.current() is None


def test_chunks_have_the_same_columns(store: LmdbProfileStore) -> None:
    first, other = profiles_of({"a": ANNA}), profiles_of({"b": ANNA})
    for wrong in (
        replace(other, names=("y", "x")),
        replace(other, attributes={"age": other.attributes["age"]}),
        replace(other, attributes={**other.attributes, "sex": other.attributes["age"]}),
        replace(other, usage=replace(other.usage, measures=("charge", "records"))),
        replace(other, responses=replace(other.responses, measures=("clicks",))),
    ):
        with pytest.raises(ValueError, match="same features"):
            store.publish(DAY, [first, wrong], HISTORY, "f")


def test_attributes_may_come_in_any_order(store: LmdbProfileStore) -> None:
    other = profiles_of({"b": BOB, "c": ANNA})
    turned = replace(other, attributes={name: other.attributes[name] for name in ("age", "region")})
    name = store.publish(DAY, [profiles_of({"a": ANNA}), turned], HISTORY, "f")
    assert rows_of(store.find_many(name, ["a", "b", "c"])[0]) == [ANNA, BOB, ANNA]


def test_an_attribute_that_is_no_value_is_refused(store: LmdbProfileStore) -> None:
    for wrong in (object(), True, 5, ["a"], b"a"):
        with pytest.raises(TypeError, match=type(wrong).__name__):
            store.publish(DAY, [profiles_of({"a": ([1.0, 2.0], {"region": wrong}, {}, {})})], HISTORY, "f")


def test_more_keys_than_can_be_counted_are_refused(store: LmdbProfileStore) -> None:
    many = {f"item:{number}": [1.0, 1.0] for number in range(2**16)}
    with pytest.raises(ValueError, match="65,535 keys"):
        store.publish(DAY, [profiles_of({"a": ([1.0, 2.0], {}, many, {})})], HISTORY, "f")
    fewer = dict(islice(many.items(), 2**16 - 1))
    name = store.publish(DAY, [profiles_of({"a": ([1.0, 2.0], {}, fewer, {})})], HISTORY, "f")
    found = store.find(name, "a")
    assert found is not None
    assert rows_of(found)[0][2] == fewer


def test_what_is_not_there_is_named(store: LmdbProfileStore) -> None:
    assert store.current() is None
    for ask in (
        lambda: store.find("2021-07-01.1", "a"),
        lambda: store.find_many("2021-07-01.1", ["a"]),
        lambda: store.fingerprint("x"),
        lambda: store.history("x"),
    ):
        with pytest.raises(UnknownSnapshot, match="mia profile") as caught:
            ask()
        assert not caught.value.pruned


def test_snapshots_of_a_day_are_numbered_and_the_earlier_ones_stay(store: LmdbProfileStore) -> None:
    first = store.publish(DAY, [profiles_of({"a": ANNA})], HISTORY, "f1")
    second = store.publish(DAY, [profiles_of({"a": BOB})], HISTORY, "f2")
    earlier = store.publish(DAY - 1, [profiles_of({"a": BOB}, DAY - 1)], HISTORY, "f3")
    assert (first, second, earlier) == ("2021-07-01.1", "2021-07-01.2", "2021-06-30.1")
    rows = [store.find(name, "a") for name in (first, second)]
    assert [rows_of(row) for row in rows if row is not None] == [[ANNA], [BOB]]
    assert [store.fingerprint(name) for name in (first, second, earlier)] == ["f1", "f2", "f3"]


def test_the_current_snapshot_is_never_of_an_earlier_day_than_before(store: LmdbProfileStore) -> None:
    published = ((0, True), (-1, False), (0, True), (-1, False), (3, True), (2, False), (3, True))
    for shift, becomes_current in published:
        before = store.current()
        name = store.publish(DAY + shift, [profiles_of({"a": ANNA}, DAY + shift)], HISTORY, "f")
        assert store.current() == (name if becomes_current else before)


def test_a_publication_that_fails_leaves_nothing_behind(store: LmdbProfileStore) -> None:
    name = store.publish(DAY, [profiles_of({"a": ANNA})], HISTORY, "f")

    def chunks() -> Iterator[Profiles]:
        yield profiles_of({"a": ANNA})
        raise OSError("the lake went away")

    with pytest.raises(OSError, match="lake"):
        store.publish(DAY, chunks(), HISTORY, "f")
    assert not list(store.folder.glob("staging-*"))
    assert store.current() == name
    assert store.publish(DAY, [profiles_of({"a": BOB})], HISTORY, "f") == "2021-07-01.2"


def test_only_one_process_publishes(store: LmdbProfileStore) -> None:
    with only_writer(store.folder), pytest.raises(WorkspaceBusy):
        store.publish(DAY, [profiles_of({"a": ANNA})], HISTORY, "f")


numbers = st.floats(allow_nan=False, width=64)
singles = st.floats(allow_nan=False, width=32)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=6),
        st.tuples(
            st.lists(singles, min_size=2, max_size=2),
            st.fixed_dictionaries({"a": st.none() | texts | numbers, "b": st.none() | texts, "c": st.none() | numbers}),
            st.dictionaries(texts, st.lists(numbers, min_size=2, max_size=2), max_size=3),
            st.dictionaries(texts, st.lists(numbers, min_size=1, max_size=1), max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_any_profiles_come_back(
    tmp_path_factory: pytest.TempPathFactory, people: dict[str, Row], data: st.DataObject
) -> None:
    store = LmdbProfileStore(tmp_path_factory.mktemp("store"))
    ids = sorted(people)
    cut = data.draw(st.integers(0, len(ids)))
    chunks = [profiles_of({who: people[who] for who in part}) for part in (ids[:cut], ids[cut:]) if part]
    name = store.publish(DAY, chunks, HISTORY, "f")
    many, known = store.find_many(name, ids)
    assert known.all()
    assert rows_of(many) == [people[who] for who in ids]
    for who, row in people.items():
        found = store.find(name, who)
        assert found is not None
        assert rows_of(found) == [row]
    store.close()
