"""A catalogue held against the lake: whom offers reach, what always loses; and what it reads and leaves alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from tests.fakes.intake import write_csv
from tests.fakes.world import AS_OF, World

from mia.bootstrap import check_catalogue_file, open_workspace
from mia.domain.offer import Offer
from mia.domain.policy import ContactPolicy
from mia.errors import InvalidInput
from mia.offers.contact import no_history
from mia.offers.eligibility import Eligibility
from mia.quality.catalogue import CatalogueReport
from mia.settings import Settings
from mia.timeline import date_of

TEXT = {"ru": "Слова", "en": "Words"}


def an_offer(offer_id: str, **fields: Any) -> dict[str, Any]:
    return {"id": offer_id, "name": TEXT, "description": TEXT, "category": "c", "value": 10, **fields}


def write(folder: Path, *offers: dict[str, Any]) -> Path:
    path = folder / "catalogue.yaml"
    path.write_text(yaml.safe_dump({"offers": list(offers)}, allow_unicode=True), "utf-8")
    return path


def check(world: World, path: Path, **changes: Any) -> CatalogueReport:
    return check_catalogue_file(world.settings().model_copy(update=changes), path, AS_OF)


def found(name: str, report: CatalogueReport) -> list[str]:
    return [str(example) for one in report.checks if one.name == name for example in one.examples]


def test_reach_is_what_the_rules_let_through(world: World) -> None:
    report = check(world, world.source / "catalogue.yaml")
    opened = open_workspace(world.settings())
    offers = opened.catalogue().offers
    ids = opened.lake.paths("subscribers")
    people, _ = opened.profiles.find_many(str(opened.profiles.current()), sorted(_ids(ids)))
    bare = tuple(
        Offer(one.id, one.name, one.description, "c", "k", regions=one.regions, eligible_if=one.eligible_if)
        for one in offers
    )
    rules = Eligibility(bare, ContactPolicy())
    allowed = rules.check(people, no_history(len(people), rules.book, {}), channel=None, on=date_of(AS_OF))
    counts = dict(zip([offer.id for offer in bare], allowed.passed.sum(axis=0).tolist(), strict=True))
    assert report.facts.reach is not None
    assert dict(report.facts.reach.offers) == counts
    assert report.facts.reach.sampled == len(people) == 250
    assert report.facts.version == opened.catalogue().version
    assert found("unknown_columns", report) == []
    opened.close()


def test_the_champion_says_what_always_loses(world: World) -> None:
    report = check(world, world.source / "catalogue.yaml")
    wins = report.facts.wins
    assert wins is not None
    assert wins.by == "model 1"
    assert sum(wins.first.values()) == wins.subscribers == 250
    assert sum(wins.shown.values()) == 750
    assert all(wins.shown[offer_id] <= wins.allowed[offer_id] for offer_id in wins.shown)


def test_without_a_model_value_decides(tiny_home: Path, tmp_path: Path) -> None:
    offers = [an_offer(name, value=value) for name, value in (("a", 9), ("b", 8), ("c", 8), ("d", 7))]
    path = write(
        tmp_path, *offers, an_offer("e", value=99, regions=["Kurgan"]), an_offer("f", value=50, requires=["a"])
    )
    settings = Settings(home=tiny_home, threads=1)
    limited = settings.model_copy(
        update={"catalogue": type(settings.catalogue)(places=2, minimum_allowed=1)},
    )
    report = check_catalogue_file(limited, path, AS_OF)
    wins = report.facts.wins
    assert wins is not None
    assert wins.by == "value x priority"
    assert wins.allowed == {"a": 3, "b": 3, "c": 3, "d": 3, "e": 1}
    assert wins.first == {"a": 2, "b": 0, "c": 0, "d": 0, "e": 1}
    # Who is level with the last place is in: nothing but chance decides between b and c.
    assert wins.shown == {"a": 3, "b": 2, "c": 2, "d": 0, "e": 1}
    assert found("always_loses", report) == ["d: not among the first 2 of any of 3 who may see it"]


def test_rules_that_shut_everybody_out_are_named(world: World, tmp_path: Path) -> None:
    report = check(
        world,
        write(
            tmp_path,
            an_offer("a", eligible_if=[{"data_mb_30d": {"gt": 1e12}}, {"tenure_days": {"ge": 0}}]),
            an_offer("b", regions=["Atlantis"]),
            an_offer("c", eligible_if=[{"shoe_size": {"gt": 40}}]),
            an_offer("d", eligible_if=[{"data_mb_30d": {"gt": 10, "lt": 5}}]),
            an_offer("e"),
        ),
    )
    assert found("unreachable", report)[:3] == [
        "a: nobody satisfies data_mb_30d gt 1000000000000.0",
        "b: nobody satisfies region in Atlantis",
        "c: nobody satisfies shoe_size gt 40",
    ]
    assert found("unknown_columns", report) == ["c: no subscriber has a column 'shoe_size'"]
    assert found("unknown_regions", report) == ["b: nobody lives in Atlantis"]
    assert found("contradictions", report) == ["d: data_mb_30d gt 10 and data_mb_30d lt 5"]


def test_a_sample_of_a_large_lake_is_always_the_same(world: World) -> None:
    limits = world.settings().catalogue
    few = type(limits)(sample=60, arbitrated=25)
    reports = [check(world, world.source / "catalogue.yaml", catalogue=few) for _ in range(2)]
    reach = reports[0].facts.reach
    assert reach is not None
    assert 40 <= reach.sampled <= 60
    assert reach.subscribers == 250
    assert reports[0].to_json() == reports[1].to_json()
    assert reports[0].facts.wins is not None
    assert reports[0].facts.wins.subscribers <= 25


def test_nothing_is_made_where_no_workspace_is(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    report = check_catalogue_file(settings, write(tmp_path, an_offer("a")), AS_OF)
    assert (report.facts.reach, report.facts.wins) == (None, None)
    assert not (tmp_path / "home").exists()


def test_tables_are_checked_like_yaml(tmp_path: Path) -> None:
    row = {"id": "a", "name_ru": "Имя", "name_en": "Name", "category": "c", "price": "5"}
    path = write_csv(tmp_path / "offers.csv", [row, row | {"name_en": ""}, row | {"id": "b", "price": "much"}])
    report = check_catalogue_file(Settings(home=tmp_path / "home"), path, AS_OF)
    assert found("duplicate_ids", report) == ["offers.csv, row 2, id, a: the id 'a' comes twice"]
    assert found("missing_translations", report) == ["offers.csv, row 2, name.en, a: missing value"]
    assert found("unreadable", report) == ["offers.csv, row 3, price, b: not a number: 'much'"]
    assert report.facts.version is None


@pytest.mark.parametrize("text", ["", "offers: 5", "offers: []", "{", "[1, 2]"])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidInput, match=r"catalogue\.yaml"):
        check_catalogue_file(Settings(home=tmp_path / "home"), path, AS_OF)


def test_a_broken_version_is_refused_and_the_old_one_stays(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    before, offers = opened.catalogue().version, opened.catalogue()
    for broken in (
        [an_offer("a"), an_offer("a")],
        [an_offer("a", name={"ru": "Имя"})],
        [an_offer("a", price="much")],
        [an_offer("a", requires=["b"])],
    ):
        with pytest.raises(InvalidInput):
            opened.ingest(write(tmp_path, *broken))
        assert opened.catalogue() == offers
        opened.decisions.reload()
        assert opened.decisions.catalogue.version == before
    opened.ingest(write(tmp_path, an_offer("a")))
    opened.decisions.reload()
    assert [offer.id for offer in opened.decisions.catalogue.offers] == ["a"]
    opened.close()


def _ids(paths: list[str]) -> list[str]:
    return list(np.concatenate([pq.read_table(path)["subscriber_id"].to_numpy(zero_copy_only=False) for path in paths]))
