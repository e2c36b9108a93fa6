import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.fakes.frames import AS_OF, OFFERS, events, offer

from mia.ranking.history import OfferRates, build_history, no_offer_history
from mia.ranking.offer_table import OfferTable

TABLE = OfferTable.build(OFFERS)
DAYS = np.asarray([AS_OF - 1, AS_OF, AS_OF + 3], np.int64)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "local_day": st.integers(AS_OF - 4, AS_OF + 4),
            "offer_id": st.sampled_from([*(one.id for one in OFFERS[:4]), "gone"]),
            "kind": st.sampled_from(["impression", "connection", "decline", "click"]),
            "region": st.sampled_from(["Kurgan", "Rostov", None]),
        }
    ),
    max_size=30,
)


def count(rows, kind, before, offer_id=None, region=...):
    return sum(
        row["kind"] == kind
        and row["local_day"] < before
        and (offer_id is None or row["offer_id"] == offer_id)
        and (region is ... or row["region"] == region)
        for row in rows
    )


def smoothed(taken, shown, broader):
    return min((taken + 50 * broader) / (shown + 50), 1.0)


def rate_by_hand(rows, day, offer_id, region):
    """The four averages of the module's docstring, one after the other, in plain numbers."""
    category = {one.id: one.category for one in OFFERS}
    ours = [row for row in rows if row["offer_id"] in category]
    shown, taken = count(ours, "impression", day), count(ours, "connection", day)
    overall = smoothed(taken, shown, 0.03)
    alike = [row for row in ours if category[row["offer_id"]] == category[offer_id]]
    shown, taken = count(alike, "impression", day), count(alike, "connection", day)
    broad = smoothed(taken, shown, overall)
    shown, taken = count(ours, "impression", day, offer_id), count(ours, "connection", day, offer_id)
    own = smoothed(taken, shown, broad)
    if region not in {row["region"] for row in rows}:
        return overall, broad, own, own
    shown = count(ours, "impression", day, offer_id, region)
    taken = count(ours, "connection", day, offer_id, region)
    return overall, broad, own, smoothed(taken, shown, own)


@given(ROWS)
def test_counts_are_of_the_days_before(rows):
    history = build_history(events(rows), TABLE, DAYS)
    for day, shown, taken in zip(DAYS, history.impressions, history.connections, strict=True):
        for place, one in enumerate(OFFERS):
            for region_place, region in enumerate(history.regions):
                known = region or None
                assert shown[region_place, place] == count(rows, "impression", day, one.id, known)
                assert taken[region_place, place] == count(rows, "connection", day, one.id, known)


@given(ROWS)
def test_rates_are_those_worked_out_by_hand(rows):
    rates = OfferRates.build(build_history(events(rows), TABLE, DAYS), TABLE)
    regions = np.asarray(["Kurgan", "Rostov", "Elsewhere"], object)
    places = rates.region_places(regions, 3)
    for day_place, day in enumerate(DAYS):
        for place, one in enumerate(OFFERS):
            for region, region_place in zip(regions, places, strict=True):
                found = (
                    rates.overall[day_place],
                    rates.category[day_place, place],
                    rates.offer[day_place, place],
                    rates.region[day_place, region_place, place],
                )
                np.testing.assert_allclose(found, rate_by_hand(rows, day, one.id, region), rtol=1e-12)


@given(ROWS, st.lists(st.sampled_from(["impression", "connection"]), min_size=1, max_size=10))
def test_the_day_itself_and_what_follows_is_never_seen(rows, kinds):
    later = [{"local_day": AS_OF + day, "kind": kind} for day, kind in enumerate(kinds)]
    day = np.asarray([AS_OF], np.int64)
    before = OfferRates.build(build_history(events(rows), TABLE, day), TABLE)
    after = OfferRates.build(build_history(events(rows + later), TABLE, day), TABLE)
    for name in ("overall", "category", "offer", "impressions"):
        assert np.array_equal(getattr(before, name), getattr(after, name))
    places = [rates.region_places(np.asarray(["Kurgan"], object), 1)[0] for rates in (before, after)]
    np.testing.assert_allclose(before.region[0, places[0]], after.region[0, places[1]], rtol=1e-12)


def test_one_day_of_many_is_that_day_alone():
    rows = [
        {"local_day": AS_OF + day % 7 - 5, "kind": kind} for day in range(30) for kind in ("impression", "connection")
    ]
    many = OfferRates.build(build_history(events(rows), TABLE, DAYS), TABLE)
    for place, day in enumerate(DAYS):
        one = OfferRates.build(build_history(events(rows), TABLE, np.asarray([day])), TABLE)
        for name in ("overall", "category", "offer", "region", "impressions"):
            assert np.array_equal(getattr(many, name)[place], getattr(one, name)[0])


def test_offers_that_the_history_does_not_know_start_from_their_category():
    rows = [{"kind": kind, "local_day": AS_OF - 1} for kind in ["impression"] * 50 + ["connection"] * 20]
    history = build_history(events(rows), TABLE, DAYS[1:2])
    bigger = OfferTable.build([*OFFERS, offer("data_99", "data"), offer("first", "unheard")])
    rates = OfferRates.build(history, bigger)
    assert rates.offer[0, bigger.places["data_99"]] == rates.category[0, bigger.places["data_10"]]
    assert rates.offer[0, bigger.places["first"]] == rates.overall[0]
    smaller = OfferRates.build(history, OfferTable.build(OFFERS[2:]))
    assert np.allclose(smaller.offer, 0.03)


def test_connections_without_impressions_are_no_chance_above_one():
    rows = [{"kind": "connection", "local_day": AS_OF - 1}] * 500
    rates = OfferRates.build(build_history(events(rows), TABLE, DAYS), TABLE)
    assert rates.offer.max() == rates.region.max() == 1.0


def test_before_anything_was_shown_every_rate_is_the_prior():
    rates = OfferRates.build(no_offer_history(), TABLE)
    assert np.allclose(rates.region, 0.03)
    assert rates.region_places(None, 2).tolist() == [0, 0]
    assert rates.day_places(np.asarray([0, AS_OF])).tolist() == [0, 0]


def test_a_day_between_is_answered_from_the_one_before():
    rates = OfferRates.build(build_history(events([]), TABLE, DAYS), TABLE)
    asked = np.asarray([AS_OF - 9, AS_OF - 1, AS_OF, AS_OF + 2, AS_OF + 3, AS_OF + 99])
    assert rates.day_places(asked).tolist() == [0, 0, 1, 1, 2, 2]


def test_doubt_is_the_spread_of_the_posterior_and_falls_with_impressions():
    rows = [{"local_day": AS_OF - 2, "offer_id": OFFERS[0].id, "kind": "impression", "region": None}] * 400
    rows += [{"local_day": AS_OF - 2, "offer_id": OFFERS[0].id, "kind": "connection", "region": None}] * 40
    rates = OfferRates.build(build_history(events(rows), TABLE, DAYS), TABLE)
    rate, shown = rates.offer[-1, 0], 400 + 50
    posterior = stats.beta(rate * shown, (1 - rate) * shown)
    assert rates.doubt[-1, 0] == pytest.approx(posterior.std() / posterior.mean())
    assert rates.doubt[-1, 0] < 0.5 * rates.doubt[-1, 1:].min()
    assert np.isfinite(OfferRates.build(no_offer_history(), TABLE).doubt).all()
