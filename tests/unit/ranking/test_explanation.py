"""A reason must be true of the subscriber and lie on the side of the model: both are worked out here by other means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.frames import AS_OF, OFFERS, REGIONS, events, profiles, random_events, random_pairs, random_profiles

from mia.domain.offer import Language
from mia.frames import Profiles
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import USAGE_MEASURES
from mia.ranking.explanation import MOST, TEMPLATES, explain
from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, Pairs, build_pairs

TABLE = OfferTable.build(OFFERS)
TOLD = random_events(600, 21)
TOLD_ROWS = TOLD.to_pylist()


class Told:
    """A model whose contributions are given."""

    def __init__(self, pairs: Pairs, values: np.ndarray) -> None:
        self.names = (*pairs.profiles.names, *pairs.names)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.values = values

    def contributions(self, pairs: Pairs) -> np.ndarray:
        return self.values


def build(people: Profiles, told=TOLD) -> Pairs:
    rows, cols = np.divmod(np.arange(len(people) * len(TABLE)), len(TABLE))
    rates = OfferRates.build(build_history(told, TABLE, np.unique(people.as_of)), TABLE)
    return build_pairs(people, TABLE, rates, rows, cols, Context.constant(len(rows), "app"))


def uses(people: Profiles, row: int, keys: list[str], measure: str) -> float:
    block = people.usage
    mine = range(block.indptr[row], block.indptr[row + 1])
    place = USAGE_MEASURES.index(measure)
    return sum(block.values[entry, place] for entry in mine if block.vocabulary[block.codes[entry]] in keys)


def truth(pairs: Pairs, place: int) -> dict[str, float]:
    """Every reason that is true of this pair, with its figure."""
    people, row, one = pairs.profiles, int(pairs.rows[place]), OFFERS[int(pairs.cols[place])]
    values = dict(zip(FEATURE_NAMES, people.numeric[row].tolist(), strict=True))
    data, allowance = values["data_mb_30d"], people.attributes.get("tariff_data_mb", [None] * len(people))[row]
    calls, minutes = values["voice_out_minutes_30d"], people.attributes.get("tariff_voice_minutes", [None] * 99)[row]
    found: dict[str, float] = {}
    if "data_mb" in one.gives:
        if allowance is not None and data / allowance >= 0.8:
            found["data_above_tariff"] = 100 * data / allowance
        if data >= 2048:
            found["heavy_data"] = data / 1024
    if "voice_minutes" in one.gives:
        if minutes is not None and calls / minutes >= 0.8:
            found["voice_above_tariff"] = 100 * calls / minutes
        if calls >= 100:
            found["heavy_voice"] = calls
    if (often := uses(people, row, [f"category:{name}" for name in (*one.tags, one.category)], "records_30d")) >= 5:
        found["uses_category"] = often
    if (chosen := uses(people, row, [f"item:{name}" for name in one.items], "records_90d")) >= 2:
        found["uses_item"] = chosen
    if {"travel", "roaming"} & set(one.tags) and values["roaming_data_mb_90d"] >= 50:
        found["roaming"] = values["roaming_data_mb_90d"]
    block = people.responses
    for entry in range(block.indptr[row], block.indptr[row + 1]):
        if block.vocabulary[block.codes[entry]] == f"offer_category:{one.category}" and block.values[entry, 1] >= 1:
            found["liked_category"] = block.values[entry, 1]
    before = [told for told in TOLD_ROWS if told["local_day"] < people.as_of[row] and told["offer_id"] == one.id]
    connected = [told["region"] for told in before if told["kind"] == "connection"]
    if connected:
        found["popular"] = 0.0
    if people.attributes["region"][row] in connected:
        found["popular_in_region"] = 0.0
    return found


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), language=st.sampled_from(list(Language)))
def test_every_reason_is_true_and_on_the_side_of_the_model(seed, language):
    pairs = build(random_profiles(4, seed))
    rng = np.random.default_rng(seed)
    width = len(pairs.profiles.names) + len(pairs.names)
    model = Told(pairs, rng.normal(0.0, 1.0, (len(pairs), width)))
    by_code = {template.code: template for template in TEMPLATES}
    for place, reasons in enumerate(explain(model, pairs, language)):
        assert len(reasons) <= MOST == 3
        true, weights = truth(pairs, place), []
        for reason in reasons:
            template = by_code[reason.code]
            assert reason.code in true
            assert reason.text == template.text.in_language(language).format(value=true[reason.code])
            columns = [name for name in template.columns if name in model.places]
            weights.append(sum(model.values[place, model.places[name]] for name in columns))
        assert all(weight > 0 for weight in weights)
        assert weights == sorted(weights, reverse=True)
        assert len({reason.code for reason in reasons}) == len(reasons)
        assert {"popular", "popular_in_region"} - {reason.code for reason in reasons}


def test_the_strongest_true_facts_are_told():
    people = profiles(
        numeric={"data_mb_30d": [4096.0], "roaming_data_mb_90d": [80.0]},
        attributes={"region": ["Kurgan"], "tariff_data_mb": [4096.0]},
        usage=[{"category:video": [7, 7, 7, 7, 0, 5.0]}],
        responses=[{"offer_category:data": [2, 1, 0, 1.0]}],
    )
    pairs = build(people, events([]))
    weight = {"data_mb_30d": 1.0, "tag_records_30d": 3.0, "data_used_share": 2.0, "prior_category_connections": 0.5}
    values = np.zeros((len(pairs), len(pairs.profiles.names) + len(pairs.names)))
    model = Told(pairs, values)
    for name, contribution in weight.items():
        values[:, model.places[name]] = contribution
    data_10, minutes = TABLE.places["data_10"], TABLE.places["minutes"]
    russian, english = explain(model, pairs, Language.RU), explain(model, pairs, Language.EN)
    assert [reason.code for reason in russian[data_10]] == ["uses_category", "data_above_tariff", "heavy_data"]
    assert [reason.text for reason in russian[data_10]] == [
        "Вы часто этим пользуетесь (за месяц: 7)",
        "За месяц израсходовано 100 % пакета интернета",
        "За месяц вы израсходовали 4.0 ГБ",
    ]
    assert [reason.text for reason in english[data_10]] == [
        "You use this often: 7 times in a month",
        "100 % of the data package used in a month",
        "You used 4.0 GB in a month",
    ]
    assert russian[minutes] == ()


def test_a_fact_against_which_the_model_speaks_is_not_told():
    people = profiles(numeric={"data_mb_30d": [9_000.0]}, attributes={"region": ["Kurgan"]})
    pairs = build(people, events([]))
    values = np.full((len(pairs), len(pairs.profiles.names) + len(pairs.names)), -1.0)
    assert set(explain(Told(pairs, values), pairs, Language.RU)) == {()}


@pytest.mark.parametrize("region", [*REGIONS, "Elsewhere", None])
def test_nothing_is_popular_that_nobody_connected(region):
    shown = [{"local_day": AS_OF - 1, "offer_id": one.id, "region": "Kurgan"} for one in OFFERS for _ in range(200)]
    taken = [{"local_day": AS_OF - 1, "offer_id": "data_10", "kind": "connection"} for _ in range(60)]
    pairs = build(profiles(attributes={"region": [region]}), events(shown + taken))
    values = np.ones((len(pairs), len(pairs.profiles.names) + len(pairs.names)))
    for place, reasons in enumerate(explain(Told(pairs, values), pairs, Language.EN)):
        expected = (
            {"popular_in_region" if region == "Kurgan" else "popular"} if place == TABLE.places["data_10"] else set()
        )
        assert {reason.code for reason in reasons} == expected


def test_both_languages_say_every_template():
    for template in TEMPLATES:
        for language in Language:
            text = template.text.in_language(language).format(value=3.0)
            assert text
            assert "{" not in text
        assert any("а" <= letter <= "я" for letter in template.text.ru)
        assert not any("а" <= letter <= "я" for letter in template.text.en)


def test_the_columns_of_the_templates_exist():
    pairs, _ = random_pairs(3, 5, seed=2)
    known = {*pairs.profiles.names, *pairs.names}
    for template in TEMPLATES:
        assert set(template.columns) <= known, template.code
