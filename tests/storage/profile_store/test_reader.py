"""A snapshot that somebody keeps open."""

import gc

import numpy as np
from tests.storage.profile_store.people import ANNA, ANSWERED, BOB, DAY, HISTORY, NAMES, USED, profiles_of

from mia.storage.profile_store import LmdbProfileStore
from mia.storage.profile_store.store import MOST_OPEN

IDS = sorted(["anna", "bob", "\x00odd", "", "x" * 600])


def published(store: LmdbProfileStore, day: int = DAY) -> str:
    return store.publish(day, [profiles_of(dict.fromkeys(IDS, BOB) | {"anna": ANNA}, day)], HISTORY, "f")


def test_it_knows_its_day_its_size_and_its_people(store: LmdbProfileStore) -> None:
    reader = store.reader(published(store))
    assert (reader.as_of, reader.rows) == (DAY, len(IDS))
    asked = ["bob", "nobody", *IDS, "\x00other"]
    assert reader.known(asked).tolist() == [one in IDS for one in asked]
    assert reader.known([]).tolist() == []
    assert reader.first(1) == ["anna"]
    assert reader.first(9) == ["anna", "bob"]


def test_a_blank_row_fits_to_the_others_and_says_nothing(store: LmdbProfileStore) -> None:
    blank = store.reader(published(store)).blank
    assert (blank.names, blank.as_of.tolist(), blank.attributes) == (NAMES, [DAY], {})
    assert np.isnan(blank.numeric).all()
    assert (blank.usage.measures, blank.responses.measures) == (USED, ANSWERED)
    assert len(blank.usage.codes) == len(blank.responses.codes) == 0


def test_it_stays_open_while_it_is_kept_and_is_never_opened_twice(store: LmdbProfileStore) -> None:
    name = published(store)
    reader = store.reader(name)
    for later in range(MOST_OPEN + 1):
        store.find(published(store, DAY + later), "bob")
    assert name not in store._open
    assert reader.find("anna") is not None
    assert store.reader(name) is reader
    for later in range(MOST_OPEN + 1):
        store.find(published(store, DAY + later), "bob")
    del reader
    gc.collect()
    assert name not in store._held
    assert store.find(name, "anna") is not None
