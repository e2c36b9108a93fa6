"""A reason must be true of the subscriber and lie on the side of the model: both are worked out here by other means."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.frames import (
    AS_OF,
    REGIONS,
    events,
    objects,
    offer,
    profiles,
    random_events,
    random_pairs,
    random_profiles,
)
from tests.fakes.frames import OFFERS as KNOWN

from mia.domain.offer import Language
from mia.frames import Profiles
from mia.profiles.features import FEATURE_NAMES
from mia.profiles.keys import USAGE_MEASURES
from mia.ranking.explanation import MOST, TEMPLATES, explain
from mia.ranking.explanation.wording import Number
from mia.ranking.history import OfferRates, build_history
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, Pairs, build_pairs

OFFERS = (
    *KNOWN,
    offer("night", "data_night", gives={"data_mb": 1024.0}, discount=0.2),
    offer("messages", "sms", gives={"sms_count": 100.0}, discount=0.5),
    offer("all", "apps", tags=("social", "music", "games", "maps", "messenger", "news", "work")),
)
TABLE = OfferTable.build(OFFERS)
TOLD = random_events(600, 21)
TOLD_ROWS = TOLD.to_pylist()


class Told:
    """A model whose contributions are given."""

    def __init__(self, pairs: Pairs, values: np.ndarray) -> None:
        self.names = (*pairs.profiles.names, *pairs.names)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.values = values

    def contributions(self, pairs: Pairs, which: np.ndarray) -> np.ndarray:
        return self.values[which]


def build(people: Profiles, told=TOLD) -> Pairs:
    rows, cols = np.divmod(np.arange(len(people) * len(TABLE)), len(TABLE))
    rates = OfferRates.build(build_history(told, TABLE, np.unique(people.as_of)), TABLE)
    return build_pairs(people, TABLE, rates, rows, cols, Context.constant(len(rows), "app"))


def uses(people: Profiles, row: int, keys: list[str], measure: str) -> float:
    block = people.usage
    mine = range(block.indptr[row], block.indptr[row + 1])
    place = USAGE_MEASURES.index(measure)
    return sum(block.values[entry, place] for entry in mine if block.vocabulary[block.codes[entry]] in keys)


def number(value: float, decimals: int = 0) -> dict[str, str]:
    """The number as a Russian and as an English reader writes it."""
    english = f"{value:,.{decimals}f}"
    english = english[:-2] if english.endswith(".0") else english
    return {"en": english, "ru": english.replace(",", "\xa0").replace(".", ",")}


def truth(pairs: Pairs, place: int) -> dict[str, list[float | tuple[float, int]]]:
    """Every reason that is true of this pair, with the numbers that its text names, in their order."""
    people, row, one = pairs.profiles, int(pairs.rows[place]), OFFERS[int(pairs.cols[place])]
    values = dict(zip(FEATURE_NAMES, np.asarray(people.numeric[row], float).tolist(), strict=True))
    given = {name: column[row] for name, column in people.attributes.items()}
    found: dict[str, list[float | tuple[float, int]]] = {}
    about = {*one.tags, one.category}
    data, allowance = values["data_mb_30d"] / 1024, (given.get("tariff_data_mb") or 0.0) / 1024
    calls, minutes = values["voice_out_minutes_30d"], given.get("tariff_voice_minutes") or 0.0
    if "data_mb" in one.gives:
        if allowance >= 1 and data >= 0.8 * allowance:
            found["data_above_tariff"] = [(data, 1), (allowance, 1)]
        if data >= 2:
            found["heavy_data"] = [(data, 1)]
        if 1 <= values["data_package_lasts_7d"] <= 25:
            found["package_runs_out"] = [values["data_package_lasts_7d"]]
        if values["data_trend_30d"] >= 1.2:
            found["data_grows"] = [100 * (values["data_trend_30d"] - 1)]
    if "voice_minutes" in one.gives:
        if minutes >= 1 and calls >= 0.8 * minutes:
            found["voice_above_tariff"] = [calls, minutes]
        if calls >= 100:
            found["heavy_voice"] = [calls]
    if "sms_count" in one.gives:
        sent, messages = values["sms_out_count_30d"], given.get("tariff_sms") or 0.0
        if messages >= 1 and sent >= 0.8 * messages:
            found["sms_above_tariff"] = [sent, messages]
    if one.gives and values["over_package_charge_30d"] >= 1:
        found["paid_beyond_package"] = []
    if {"night", "data_night"} & about and values["data_night_share_30d"] >= 0.15:
        found["night_data"] = [100 * values["data_night_share_30d"]]
    for name in ("video", "social", "music", "games", "maps", "messenger", "news", "work"):
        if name in about and (spent := values[f"data_mb_{name}_30d"] / 1024) >= 1:
            found[f"data_for_{name}"] = [(spent, 1)]
    if {"travel", "roaming"} & about:
        for code, name, least in (
            ("roaming", "roaming_data_mb_90d", 50),
            ("roaming_calls", "roaming_voice_minutes_90d", 10),
            ("abroad", "abroad_data_mb_30d", 20),
        ):
            if values[name] >= least:
                found[code] = [values[name]]
    if (often := uses(people, row, [f"category:{name}" for name in about], "records_30d")) >= 5:
        found["uses_category"] = [often]
    if (chosen := uses(people, row, [f"item:{name}" for name in one.items], "records_90d")) >= 2:
        found["uses_item"] = [chosen]
    if one.discount > 0 and values["discounted_records_90d"] >= 3:
        found["likes_discounts"] = [values["discounted_records_90d"]]
    block = people.responses
    for entry in range(block.indptr[row], block.indptr[row + 1]):
        if block.vocabulary[block.codes[entry]] == f"offer_category:{one.category}" and block.values[entry, 1] >= 1:
            found["liked_category"] = []
    before = [told for told in TOLD_ROWS if told["local_day"] < people.as_of[row] and told["offer_id"] == one.id]
    connected = [told["region"] for told in before if told["kind"] == "connection"]
    if connected:
        found["popular"] = []
    if people.attributes["region"][row] in connected:
        found["popular_in_region"] = []
    return found


def numbers_in(text: str, language: Language) -> list[str]:
    """The numbers of a text as they are written, thousands and decimals included."""
    return re.findall(r"\d[\d\xa0]*(?:,\d)?(?<!\xa0)" if language is Language.RU else r"\d[\d,]*(?:\.\d)?", text)


def told(rows: int, seed: int) -> Profiles:
    """Subscribers about whom much can be said: amounts of all sizes, shares and ratios among them."""
    rng, people = np.random.default_rng(seed), random_profiles(rows, seed)
    numeric = people.numeric * rng.choice([0.01, 1.0, 30.0], people.numeric.shape)
    for name in ("data_night_share_30d",):
        numeric[:, FEATURE_NAMES.index(name)] = rng.choice([0.0, 0.1, 0.4, np.nan], rows)
    numeric[:, FEATURE_NAMES.index("data_trend_30d")] = rng.choice([0.5, 1.1, 1.7, np.nan], rows)
    numeric[:, FEATURE_NAMES.index("data_package_lasts_7d")] = rng.choice([0.2, 1.0, 22.4, 40.0, np.nan], rows)
    more = {"tariff_sms": objects([[50.0, 0.0, None][place] for place in rng.integers(0, 3, rows)])}
    return replace(people, numeric=numeric, attributes={**people.attributes, **more})


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), language=st.sampled_from(list(Language)))
def test_every_reason_is_true_and_on_the_side_of_the_model(seed, language):
    pairs = build(told(4, seed))
    rng = np.random.default_rng(seed)
    width = len(pairs.profiles.names) + len(pairs.names)
    model = Told(pairs, rng.normal(0.0, 1.0, (len(pairs), width)))
    by_code = {template.code: template for template in TEMPLATES}
    for place, reasons in enumerate(explain(model, pairs, np.arange(len(pairs)), language)):
        assert len(reasons) <= MOST == 3
        true, weights = truth(pairs, place), []
        for reason in reasons:
            template = by_code[reason.code]
            assert reason.code in true
            expected = [number(*one) if isinstance(one, tuple) else number(one) for one in true[reason.code]]
            assert numbers_in(reason.text, language) == [one[language] for one in expected]
            assert "{" not in reason.text
            columns = [name for name in template.columns if name in model.places]
            weights.append(sum(model.values[place, model.places[name]] for name in columns))
        assert all(weight > 0 for weight in weights)
        assert weights == sorted(weights, reverse=True)
        assert len({reason.code for reason in reasons}) == len(reasons)
        assert {"popular", "popular_in_region"} - {reason.code for reason in reasons}


def test_every_reason_is_true_of_somebody():
    pairs = build(told(60, 5))
    true = [truth(pairs, place).keys() for place in range(len(pairs))]
    assert set().union(*true) == {template.code for template in TEMPLATES}
    for template in TEMPLATES:
        spoken_of = [template.subject(pairs.offers.offers[place]) for place in pairs.cols.tolist()]
        holds = {place for place, speaks in enumerate(spoken_of) if speaks and template.told(pairs, place) is not None}
        expected = {place for place, codes in enumerate(true) if template.code in codes}
        # The rates of what is popular are smoothed: not everything that was connected is.
        assert holds <= expected if template.code.startswith("popular") else holds == expected, template.code


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
    russian, english = (
        explain(model, pairs, np.arange(len(pairs)), Language.RU),
        explain(model, pairs, np.arange(len(pairs)), Language.EN),
    )
    assert [reason.code for reason in russian[data_10]] == ["uses_category", "data_above_tariff", "heavy_data"]
    assert [reason.text for reason in russian[data_10]] == [
        "Вы часто этим пользуетесь: 7\xa0раз за месяц",
        "За месяц вы израсходовали 4 ГБ из 4",
        "За месяц вы израсходовали 4 ГБ",
    ]
    assert [reason.text for reason in english[data_10]] == [
        "You use this often: 7\xa0times in a month",
        "You used 4 of 4 GB in a month",
        "You used 4 GB in a month",
    ]
    assert russian[minutes] == ()


def test_a_fact_against_which_the_model_speaks_is_not_told():
    people = profiles(numeric={"data_mb_30d": [9_000.0]}, attributes={"region": ["Kurgan"]})
    pairs = build(people, events([]))
    values = np.full((len(pairs), len(pairs.profiles.names) + len(pairs.names)), -1.0)
    assert set(explain(Told(pairs, values), pairs, np.arange(len(pairs)), Language.RU)) == {()}


@pytest.mark.parametrize("region", [*REGIONS, "Elsewhere", None])
def test_nothing_is_popular_that_nobody_connected(region):
    shown = [{"local_day": AS_OF - 1, "offer_id": one.id, "region": "Kurgan"} for one in OFFERS for _ in range(200)]
    taken = [{"local_day": AS_OF - 1, "offer_id": "data_10", "kind": "connection"} for _ in range(60)]
    pairs = build(profiles(attributes={"region": [region]}), events(shown + taken))
    values = np.ones((len(pairs), len(pairs.profiles.names) + len(pairs.names)))
    for place, reasons in enumerate(explain(Told(pairs, values), pairs, np.arange(len(pairs)), Language.EN)):
        expected = (
            {"popular_in_region" if region == "Kurgan" else "popular"} if place == TABLE.places["data_10"] else set()
        )
        assert {reason.code for reason in reasons} == expected


def test_both_languages_say_every_template():
    for template in TEMPLATES:
        for language in Language:
            numbers = dict.fromkeys(("value", "used", "of", "more", "share"), Number(3.0, language))
            text = template.text.in_language(language).format(**numbers)
            assert text
            assert "{" not in text
            assert "|" not in text
        assert any("а" <= letter <= "я" for letter in template.text.ru)
        assert not any("а" <= letter <= "я" for letter in template.text.en)
    assert len({template.code for template in TEMPLATES}) == len(TEMPLATES)


@pytest.mark.parametrize(
    ("used", "russian", "english"),
    [
        (241.0, "За месяц вы проговорили 241\xa0минуту из 300", "You called for 241 of 300\xa0minutes in a month"),
        (252.2, "За месяц вы проговорили 252\xa0минуты из 300", "You called for 252 of 300\xa0minutes in a month"),
        (
            1311.0,
            "За месяц вы проговорили 1\xa0311\xa0минут из 300",
            "You called for 1,311 of 300\xa0minutes in a month",
        ),
    ],
)
def test_a_noun_goes_with_its_number(used, russian, english):
    people = profiles(numeric={"voice_out_minutes_30d": [used]}, attributes={"tariff_voice_minutes": [300.0]})
    pairs = build(people, events([])).take(np.asarray([TABLE.places["minutes"]]))
    values = np.zeros((1, len(pairs.profiles.names) + len(pairs.names)))
    model = Told(pairs, values)
    values[:, model.places["voice_used_share"]] = 1.0
    for language, text in ((Language.RU, russian), (Language.EN, english)):
        (reasons,) = explain(model, pairs, np.arange(len(pairs)), language)
        assert [reason.text for reason in reasons] == [text]


def test_the_columns_of_the_templates_exist():
    pairs, _ = random_pairs(3, 5, seed=2)
    known = {*pairs.profiles.names, *pairs.names}
    for template in TEMPLATES:
        assert set(template.columns) <= known, template.code
