import numpy as np
from tests.fakes.frames import (
    AS_OF,
    OFFERS,
    events,
    objects,
    offer,
    profiles,
    random_events,
    random_pairs,
    random_profiles,
)

from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, build_pairs

TABLE = OfferTable.build(OFFERS)
DATA_10, MINUTES, MUSIC = (TABLE.places[name] for name in ("data_10", "minutes", "music"))


def pairs_of(people, *cols, rates=None):
    rows = np.repeat(np.arange(len(people)), len(cols))
    chosen = np.tile(np.asarray(cols, np.int64), len(people))
    if rates is None:
        rates = OfferRates.build(build_history(events([]), TABLE, np.unique(people.as_of)), TABLE)
    return build_pairs(people, TABLE, rates, rows, chosen, Context.constant(len(rows), "app"))


def same(found, expected):
    """Equal as far as single precision goes."""
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_affinity_is_what_is_used_against_what_is_given():
    usage = {
        "category:video": [3, 6, 9, 5, 70, 4.5],
        "category:data": [1, 1, 1, 1, 0, 0.5],
        "item:tune": [2, 2, 2, 2, 10, 1.0],
        "category:unheard": [9, 9, 9, 9, 9, 3.0],
    }
    found = pairs_of(profiles(usage=[usage]), DATA_10, MUSIC)
    assert found.feature("tag_records_30d").tolist() == [4.0, 0.0]
    assert found.feature("tag_charge_365d").tolist() == [70.0, 0.0]
    assert found.feature("tag_matched").tolist() == [2.0, 0.0]
    assert found.feature("tag_coverage").tolist() == [1.0, 0.0]
    same(found.feature("tag_share"), [5.0 / 9.0, 0.0])
    assert found.feature("item_records_90d").tolist() == [0.0, 2.0]
    assert found.feature("item_coverage").tolist() == [0.0, 0.5]
    assert found.feature("item_within_tag")[1] == 2.0


def test_each_axis_of_tags_speaks_for_itself():
    table = OfferTable.build([offer("a", items=("tune",), tags=("genre:rock", "label:x")), offer("b")])
    usage = {
        "category:genre:rock": [3, 6, 9, 5, 70, 4.0],
        "category:genre:pop": [1, 1, 1, 1, 9, 4.0],
        "category:label:x": [2, 2, 2, 1, 30, 1.0],
        "item:tune": [1, 1, 1, 1, 10, 1.0],
    }
    people = profiles(usage=[usage])
    rates = OfferRates.build(build_history(events([]), table, np.unique(people.as_of)), table)
    found = build_pairs(people, table, rates, np.zeros(2, np.int64), np.arange(2), Context.constant(2, "app"))
    assert found.feature("tag_records_365d").tolist() == [11.0, 0.0]
    assert found.feature("axis_genre_records_365d").tolist() == [9.0, 0.0]
    same(found.feature("axis_genre_share"), [0.4, 0.0])
    assert found.feature("axis_label_charge_365d").tolist() == [30.0, 0.0]
    assert found.feature("axis_label_coverage").tolist() == [1.0, 0.0]
    same(found.feature("axis_genre_item_share"), [0.1, 0.0])
    assert not [name for name in pairs_of(people, DATA_10).names if name.startswith("axis_")]


def test_discounts_of_every_kind_are_added_up_and_are_no_use_of_anything():
    usage = {
        "category:video": [3, 6, 9, 5, 70, 4.5],
        "discount:content": [1, 1, 2, 2, 9, 0.5],
        "discount:purchase": [0, 1, 4, 3, 5, 1.0],
    }
    found = pairs_of(profiles(2, usage=[usage, {}]), DATA_10)
    assert found.feature("discount_records_365d").tolist() == [6.0, 0.0]
    assert found.feature("discount_days_365d").tolist() == [5.0, 0.0]
    assert found.feature("discount_fresh").tolist() == [1.5, 0.0]
    assert found.feature("tag_share").tolist()[0] == 1.0


def test_history_is_by_all_in_the_region_and_by_the_subscriber():
    told = [{"kind": kind, "local_day": AS_OF - 1} for kind in ["impression"] * 50 + ["connection"] * 10]
    rates = OfferRates.build(build_history(events(told), TABLE, np.asarray([AS_OF])), TABLE)
    people = profiles(
        2,
        attributes={"region": ["Kurgan", "Rostov"]},
        responses=[
            {"offer:data_50": [8, 2, 1, 1.5], "offer_category:data": [8, 2, 1, 1.5], "offer:gone": [12, 1, 0, 0.5]},
            {},
        ],
    )
    found = pairs_of(people, DATA_10, rates=rates)
    # All: (10 + 1.5) / 100 = 0.115. Category and offer: (10 + 50 x) / 100, and the region once more.
    broad = (10 + 50 * 0.115) / 100
    own = (10 + 50 * broad) / 100
    same(found.feature("category_rate"), broad)
    same(found.feature("offer_rate"), own)
    same(found.feature("offer_region_rate"), [(10 + 50 * own) / 100, own])
    assert found.feature("offer_impressions").tolist() == [50.0, 50.0]
    assert found.feature("subscriber_impressions").tolist() == [20.0, 0.0]
    assert found.feature("subscriber_connections").tolist() == [3.0, 0.0]
    assert found.feature("subscriber_fresh_connections").tolist() == [2.0, 0.0]
    same(found.feature("subscriber_rate"), [(3 + 20 * 0.115) / 40, 0.115])
    same(found.feature("subscriber_category_rate"), [(2 + 20 * broad) / 28, broad])
    assert found.feature("prior_impressions").tolist() == [0.0, 0.0]
    assert found.feature("prior_category_connections").tolist() == [2.0, 0.0]


def test_needs_are_what_is_used_against_the_tariff_and_the_offer():
    people = profiles(
        2,
        numeric={"data_mb_30d": [3_000.0, 0.0], "charge_sum_30d": [500.0, 0.0]},
        attributes={"tariff_data_mb": [2_000.0, None]},
    )
    found = pairs_of(people, DATA_10, MINUTES)
    same(found.feature("data_used_share"), [1.5, 1.5, np.nan, np.nan])
    same(found.feature("data_need_above"), [1_000.0, 1_000.0, np.nan, np.nan])
    expected = [np.log1p(3_000.0) - np.log1p(10_240.0), np.nan, -np.log1p(10_240.0), np.nan]
    same(found.feature("data_use_to_offer"), expected)
    same(found.feature("price_to_charge"), [0.5, 0.3, np.nan, np.nan])
    # The package lacks 1,000 MiB, the offer gives 10,240; what more than eightfold does not fit at all.
    same(found.feature("data_misfit"), [3.0, np.nan, np.nan, np.nan])
    heavy = profiles(numeric={"data_mb_30d": [7_120.0]}, attributes={"tariff_data_mb": [2_000.0]})
    same(pairs_of(heavy, DATA_10).feature("data_misfit"), [1.0])


def test_the_volume_of_tags_is_that_of_their_data():
    people = profiles(2, numeric={"data_mb_video_30d": [np.expm1(4.0), 0.0], "data_mb_games_30d": [np.expm1(2.0), 0.0]})
    found = pairs_of(people, DATA_10, TABLE.places["data_50"], TABLE.places["trip"])
    same(found.feature("tag_volume"), [4.0, 6.0 / np.sqrt(2.0), np.nan, 0.0, 0.0, np.nan])


def test_one_pair_alone_has_the_bits_it_has_among_many():
    people = random_profiles(40, seed=3)
    rates = OfferRates.build(build_history(random_events(500, 3), TABLE, np.unique(people.as_of)), TABLE)
    rows, cols = np.divmod(np.random.default_rng(3).permutation(40 * len(TABLE)), len(TABLE))
    many = build_pairs(people, TABLE, rates, rows, cols, Context.constant(len(rows), "app"))
    for row in range(40):
        own = np.flatnonzero(rows == row)
        alone = people.take(np.asarray([row]))
        at_once = build_pairs(
            alone, TABLE, rates, np.zeros(len(own), np.int64), cols[own], Context.constant(len(own), "app")
        )
        assert at_once.names == many.names
        assert np.array_equal(at_once.features, many.features[own], equal_nan=True)


def test_taking_pairs_and_holding_the_position_change_nothing_else():
    pairs, _ = random_pairs(10, 30, seed=1)
    which = np.asarray([7, 7, 2])
    taken = pairs.take(which)
    assert np.array_equal(taken.features, pairs.features[which], equal_nan=True)
    assert taken.context.channel.tolist() == pairs.context.channel[which].tolist()
    first = pairs.at_first_position()
    assert set(first.context.position) == {1.0}
    assert first.features is pairs.features
    assert pairs.context.position.max() == 3.0


def test_no_pairs_are_no_rows():
    none = pairs_of(profiles(1))
    assert (len(none), none.features.shape[0]) == (0, 0)
    assert Context.constant(2, None).channel.tolist() == objects([None, None]).tolist()
