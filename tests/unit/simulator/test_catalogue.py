import re

import numpy as np

from mia.domain.event import Channel
from mia.domain.offer import Op
from mia.domain.region import REGIONS
from mia.simulator.catalogue import arrange_offers, load_catalogue
from mia.simulator.needs import find_columns, find_needs
from mia.simulator.usage import CATEGORIES, ITEMS

OFFERS = load_catalogue()


def test_there_is_enough_to_choose_from():
    assert len(OFFERS) >= 42
    assert len({offer["category"] for offer in OFFERS}) >= 20
    assert len({offer["id"] for offer in OFFERS}) == len(OFFERS)


def test_every_offer_speaks_both_languages():
    for offer in OFFERS:
        for field in ("name", "description"):
            assert re.search("[а-яА-Я]", offer[field]["ru"]), offer["id"]
            assert re.search("[a-zA-Z]", offer[field]["en"]), offer["id"]
            assert not re.search("[а-яА-Я]", offer[field]["en"]), offer["id"]
    for language in ("ru", "en"):
        assert len({offer["name"][language] for offer in OFFERS}) == len(OFFERS)


def test_references_lead_somewhere():
    ids = {offer["id"] for offer in OFFERS}
    for offer in OFFERS:
        assert set(offer.get("requires", ())) | set(offer.get("excludes", ())) <= ids - {offer["id"]}
        assert set(offer.get("channels", ())) <= set(Channel)
        assert set(offer.get("regions", ())) <= set(REGIONS)
        assert set(offer.get("items", ())) <= set(ITEMS)
        assert set(offer.get("gives", ())) <= {"data_mb", "voice_minutes", "sms_count"}
        assert offer["valid_from"] < offer["valid_to"]
        assert offer["value"] > 0
        assert offer["price"] >= 0


def test_tags_meet_the_categories_of_usage():
    tags = {tag for offer in OFFERS for tag in offer["tags"]}
    assert {"video", "social", "music", "games", "maps", "messenger", "news", "work", "films", "books"} <= tags
    assert len(tags & set(CATEGORIES)) >= 10


def test_conditions_speak_of_known_columns(world):
    rows = np.arange(3)
    needs = find_needs(world.scenario, world.people, rows, np.full(3, world.scenario.first_day))
    columns = find_columns(world.people, rows, needs)
    for conditions in arrange_offers(OFFERS).conditions:
        for column, op, _ in conditions:
            assert column in columns
            assert op in set(Op)


def test_arrays_hold_what_the_rows_say():
    offers = arrange_offers(OFFERS)
    data_5, tracker = offers.ids.index("data_5"), offers.ids.index("child_tracker")
    assert offers.data_mb[data_5] == 5_120
    assert offers.channels[data_5].all()
    assert offers.requires[tracker] == (offers.ids.index("family_group"),)
    assert not offers.regions[offers.ids.index("smart_home")].all()
    assert offers.once[offers.ids.index("trade_in")]
