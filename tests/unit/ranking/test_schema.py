import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.frames import OFFERS, objects, random_pairs

from mia.errors import FeatureMismatch
from mia.frames import Profiles
from mia.ranking.encoding import Encoding, rates_before
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context
from mia.ranking.schema import FeatureSchema


@pytest.fixture(scope="module")
def given_pairs():
    return random_pairs(60, 400, seed=5)


def with_attributes(pairs, **attributes):
    profiles = pairs.profiles
    merged = {**profiles.attributes, **{name: objects(values) for name, values in attributes.items()}}
    return replace(pairs, profiles=replace(profiles, attributes=merged))


def test_every_column_has_its_place(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    matrix = schema.matrix(pairs)
    assert matrix.shape == (len(pairs), len(schema.names))
    assert len(set(schema.names)) == len(schema.names)
    column = dict(zip(schema.names, matrix.T, strict=True))
    np.testing.assert_allclose(column["data_mb_30d"], pairs.profiles.column("data_mb_30d")[pairs.rows], rtol=1e-6)
    np.testing.assert_array_equal(column["offer_price"], pairs.offers.column("offer_price")[pairs.cols].astype("f4"))
    np.testing.assert_array_equal(column["tag_share"], pairs.feature("tag_share"))
    np.testing.assert_array_equal(column["position"], pairs.context.position)
    allowance = [np.nan if value is None else value for value in pairs.profiles.attributes["tariff_data_mb"]]
    np.testing.assert_array_equal(column["tariff_data_mb"], np.asarray(allowance, "f4")[pairs.rows])
    of_app = [value == "app" for value in pairs.context.channel]
    smoothed = (labels[of_app].sum() + 50 * labels.mean()) / (sum(of_app) + 50)
    np.testing.assert_allclose(column["channel"][of_app], smoothed, rtol=1e-6)
    of_zebra = pairs.cols == pairs.offers.places["phone"]
    smoothed = (labels[of_zebra].sum() + 50 * labels.mean()) / (of_zebra.sum() + 50)
    np.testing.assert_allclose(column["offer_brand"][of_zebra], smoothed, rtol=1e-6)
    assert "personalisation" not in schema.names
    for name, place in schema.places.items():
        assert schema.names[place] == name


def test_it_comes_back_from_json(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    again = FeatureSchema.from_json(schema.to_json())
    assert again == schema
    assert np.array_equal(again.matrix(pairs), schema.matrix(pairs), equal_nan=True)


def test_the_order_of_attributes_and_features_does_not_matter(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    profiles = pairs.profiles
    turned: Profiles = replace(
        profiles,
        names=profiles.names[::-1],
        numeric=profiles.numeric[:, ::-1],
        attributes=dict(reversed(profiles.attributes.items())),
    )
    other = replace(pairs, profiles=turned, names=pairs.names[::-1], features=pairs.features[:, ::-1])
    assert np.array_equal(schema.matrix(other), schema.matrix(pairs), equal_nan=True)


def test_what_is_not_there_is_missing_or_average(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    bare = replace(
        pairs, profiles=replace(pairs.profiles, attributes={}), offers=OfferTable.build(OFFERS[:5] + OFFERS[6:])
    )
    bare = replace(bare, cols=np.zeros(len(bare), np.int64))
    column = dict(zip(schema.names, schema.matrix(bare).T, strict=True))
    assert np.isnan(column["tariff_data_mb"]).all()
    np.testing.assert_allclose(column["tariff"], labels.mean(), rtol=1e-6)
    new = with_attributes(pairs, tariff=["unheard of"] * len(pairs.profiles))
    np.testing.assert_allclose(
        dict(zip(schema.names, schema.matrix(new).T, strict=True))["tariff"], labels.mean(), rtol=1e-6
    )


def test_a_number_where_words_were_is_an_unknown_word(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    changed = with_attributes(pairs, tariff=[5.0] * len(pairs.profiles))
    np.testing.assert_allclose(
        dict(zip(schema.names, schema.matrix(changed).T, strict=True))["tariff"], labels.mean(), rtol=1e-6
    )


def test_an_attribute_without_values_is_left_out(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(with_attributes(pairs, hollow=[None] * len(pairs.profiles)), labels, "f1")
    assert "hollow" not in schema.names
    filled = with_attributes(pairs, hollow=[1.0] * len(pairs.profiles))
    assert np.array_equal(schema.matrix(filled), schema.matrix(pairs), equal_nan=True)


@pytest.mark.parametrize("name", ["position", "channel", "offer_rate", "offer_price", "tag_share"])
@pytest.mark.parametrize("values", [[1.0, None, 7.0], ["a", "b", None]], ids=["numbers", "words"])
def test_an_attribute_may_bear_the_name_of_another_column(given_pairs, name, values):
    pairs, labels = given_pairs
    plain = FeatureSchema.fit(pairs, labels, "f1")
    named = with_attributes(pairs, **{name: [values[row % 3] for row in range(len(pairs.profiles))]})
    schema = FeatureSchema.fit(named, labels, "f1")
    matrix, expected = schema.matrix(named), plain.matrix(pairs)
    assert matrix.shape[1] == expected.shape[1] + 1
    for feature, place in schema.places.items():
        np.testing.assert_array_equal(matrix[:, place], expected[:, plain.places[feature]])
    np.testing.assert_array_equal(matrix[:, -2:], expected[:, -2:])
    assert len(set(schema.columns)) == len(schema.columns) == len(schema.names)
    assert sum(one != other for one, other in zip(schema.columns, schema.names, strict=True)) == 1


@pytest.mark.parametrize("part", ["profile", "pair"])
def test_a_missing_feature_is_refused(given_pairs, part):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    wanting = replace(schema, **{part: (*getattr(schema, part), "feature_of_tomorrow")})
    with pytest.raises(FeatureMismatch, match="no feature_of_tomorrow"):
        wanting.matrix(pairs)


def test_the_context_is_learnt_and_what_is_missing_stands_as_the_fit_saw_it(given_pairs):
    pairs, labels = given_pairs
    empty = {"context_hollow": np.full(len(pairs), np.nan)}
    told = replace(pairs, context=replace(pairs.context, numbers={**pairs.context.numbers, **empty}))
    schema = FeatureSchema.fit(told, labels, "f1")
    assert schema.shown == ("context_balance", "hour", "weekday", "placement", "channel", "position")
    column = dict(zip(schema.names, schema.matrix(told).T, strict=True))
    for name in ("hour", "weekday", "context_balance"):
        np.testing.assert_array_equal(column[name], pairs.context.numbers[name])
    at_top = pairs.context.placement == "top"
    np.testing.assert_allclose(
        column["placement"][at_top], (labels[at_top].sum() + 50 * labels.mean()) / (at_top.sum() + 50)
    )
    bare = schema.matrix(replace(pairs, context=Context.constant(len(pairs), "app")))
    column = dict(zip(schema.names, bare.T, strict=True))
    # Every pair had an hour: the middle one stands for it. Some had no balance: that one is known as missing.
    assert set(column["hour"]) == {np.median(pairs.context.numbers["hour"])}
    assert np.isnan(column["context_balance"]).all()
    nowhere = np.equal(pairs.context.placement, None)
    smoothed = (labels[nowhere].sum() + 50 * labels.mean()) / (nowhere.sum() + 50)
    np.testing.assert_allclose(column["placement"], smoothed)
    assert FeatureSchema.from_json(json.loads(json.dumps(schema.to_json()))).shown == schema.shown


def test_a_model_without_context_has_no_columns_of_it(given_pairs):
    pairs, labels = given_pairs
    bare = replace(pairs, context=Context(pairs.context.channel, pairs.context.position))
    schema = FeatureSchema.fit(bare, labels, "f1")
    assert schema.shown == ("channel", "position")
    assert np.array_equal(schema.matrix(pairs), schema.matrix(bare), equal_nan=True)


def test_an_axis_of_tags_that_the_catalogue_lost_is_unknown(given_pairs):
    pairs, labels = given_pairs
    schema = FeatureSchema.fit(pairs, labels, "f1")
    wanting = replace(schema, pair=("axis_maker_fresh", *schema.pair))
    matrix = wanting.matrix(pairs)
    place = wanting.places["axis_maker_fresh"]
    assert np.isnan(matrix[:, place]).all()
    np.testing.assert_array_equal(np.delete(matrix, place, axis=1), schema.matrix(pairs))


def test_the_fit_does_not_see_the_label_of_a_row_in_its_own_category(given_pairs):
    pairs, labels = given_pairs
    names = [f"person {row}" for row in range(len(pairs.profiles))]
    pairs = with_attributes(pairs, person=names)
    schema = FeatureSchema.fit(pairs, labels, "f1")
    before = schema.training_matrix(pairs, labels)
    flipped = labels.copy()
    flipped[-1] = 1 - flipped[-1]
    after = FeatureSchema.fit(pairs, flipped, "f1").training_matrix(pairs, flipped)
    # Of the last label its row may know no more than everybody's average does.
    assert np.abs(after[-1] - before[-1])[~np.isnan(before[-1])].max() < 1.5 / len(labels)
    other = [place for place, name in enumerate(schema.names) if name in schema.places]
    assert np.array_equal(before[:, other], schema.matrix(pairs)[:, other], equal_nan=True)


ROWS = st.lists(st.tuples(st.sampled_from(["a", "b", "", None]), st.booleans()), min_size=1, max_size=20)


@given(ROWS)
def test_rates_before_are_those_counted_row_by_row(rows):
    values, labels = objects([value for value, _ in rows]), np.asarray([label for _, label in rows], float)
    overall, expected = labels.mean(), []
    for row, value in enumerate(values):
        earlier = [labels[other] for other in range(row) if (values[other] or "") == (value or "")]
        expected.append((sum(earlier) + 50 * overall) / (len(earlier) + 50))
    np.testing.assert_allclose(rates_before(values, labels), expected)
    coding = Encoding.fit(values, labels)
    same = [(values[other] or "") == (values[0] or "") for other in range(len(rows))]
    np.testing.assert_allclose(coding.encode(values[:1]), (labels[same].sum() + 50 * overall) / (sum(same) + 50))
    assert coding.encode(["never seen"]).tolist() == [coding.other]
