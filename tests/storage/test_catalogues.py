"""Every version of a catalogue can be read back from the lake."""

from pathlib import Path

from mia.offers.catalogue import build_catalogue
from mia.storage.catalogues import load_catalogue_of, store_catalogue
from mia.storage.lake import ParquetLake

FIRST = build_catalogue([{"id": "a", "name": "А", "category": "data", "valid_to": "2021-06-30", "hue": 1}], file="c")
SECOND = build_catalogue([{"id": "b", "name": "B", "category": "data"}], file="c")


def test_an_empty_lake_has_none(tmp_path: Path) -> None:
    assert load_catalogue_of(ParquetLake(tmp_path)) is None


def test_versions_are_kept_once_and_the_last_stored_is_current(tmp_path: Path) -> None:
    lake = ParquetLake(tmp_path)
    for catalogue in (FIRST, SECOND, FIRST):
        with lake.change() as change:
            store_catalogue(lake, change, catalogue)
            change.commit()
        assert load_catalogue_of(lake) == catalogue
    assert load_catalogue_of(lake, SECOND.version) == SECOND
    assert load_catalogue_of(lake, "no such version") is None
    assert len(lake.files("catalogue")) == 2
