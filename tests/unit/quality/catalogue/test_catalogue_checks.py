"""Each check of a catalogue finds what it is named after, and nothing else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia.domain.offer import Offer, Text
from mia.quality.catalogue import (
    CatalogueFacts,
    CatalogueLimits,
    CatalogueReport,
    Reach,
    Wins,
    check_catalogue,
)
from mia.quality.catalogue.links import circles
from mia.quality.catalogue.page import render_catalogue
from mia.quality.check import Status
from mia.timeline import day_of_text

AS_OF = day_of_text("2021-07-01")
LIMITS = CatalogueLimits()
WORDS = Text("Слова", "Words")


def an_offer(offer_id: str, **fields: Any) -> Offer:
    named = {"name": WORDS, "description": WORDS, "category": "c", "kind": "k", "price": 100.0, "value": 40.0}
    return Offer(offer_id, **(named | {"gives": {}} | fields))


def linked(**links: str) -> list[Offer]:
    """Offers of one letter each: `a="bc"` requires b and c; `a="-b"` excludes b."""
    return [
        an_offer(
            name,
            requires=frozenset() if text.startswith("-") else frozenset(text),
            excludes=frozenset(text[1:]) if text.startswith("-") else frozenset(),
        )
        for name, text in links.items()
    ]


def report(*offers: Offer, **changes: Any) -> CatalogueReport:
    facts = CatalogueFacts("c.yaml", "v1", AS_OF, len(offers), tuple(offers), (), {}, without="no lake")
    return check_catalogue(replace(facts, **changes), replace(LIMITS, examples=50))


def found(name: str, told: CatalogueReport) -> list[str]:
    check = next(check for check in told.checks if check.name == name)
    return [str(example) for example in check.examples]


def test_a_sound_catalogue_passes_and_says_what_it_could_not_judge() -> None:
    told = report(an_offer("a"), an_offer("b", price=120.0))
    assert told.status is Status.PASS
    skipped = {check.name: check.note for check in told.checks if check.status is Status.SKIP}
    assert skipped == dict.fromkeys(("unknown_columns", "unknown_regions", "unreachable", "always_loses"), "no lake")


FIRST_BARS = "the one connected first bars the others"
NONE_FIRST = "none of them can be connected first"


@pytest.mark.parametrize(
    ("links", "name", "examples"),
    [
        ({"a": "b", "b": "c", "c": "a", "d": ""}, "requires_circles", [f"a: {NONE_FIRST}: a -> b -> c -> a"]),
        ({"a": "b", "b": "c", "c": ""}, "requires_circles", []),
        ({"a": "-b", "b": "-a"}, "exclusion_circles", [f"a: {FIRST_BARS}: a -> b -> a"]),
        ({"a": "-b", "b": "-c", "c": "-a"}, "exclusion_circles", [f"a: {FIRST_BARS}: a -> b -> c -> a"]),
        ({"a": "-b", "b": "-c", "c": ""}, "exclusion_circles", []),
        ({"a": "bc", "b": "-c", "c": "-b"}, "impossible_requires", ["a: requires b and c, which exclude each other"]),
        ({"a": "bc", "b": "-c", "c": ""}, "impossible_requires", []),
        ({"a": "b", "b": "b", "c": "c"}, "impossible_requires", []),
        ({"a": "b", "b": "c", "c": "b"}, "impossible_requires", [
            "a: requires b, which requires itself",
            "b: requires c, which requires itself",
            "c: requires b, which requires itself",
        ]),
    ],
)  # fmt: skip
def test_links(links: dict[str, str], name: str, examples: list[str]) -> None:
    assert found(name, report(*linked(**links))) == examples


def test_what_is_required_must_be_there_to_connect() -> None:
    both = an_offer("a", requires=frozenset({"b"}), excludes=frozenset({"c"}))
    through = an_offer("b", requires=frozenset({"c"}))
    assert found("impossible_requires", report(both, through, an_offer("c"))) == ["a: requires c and excludes it"]
    dead = report(through, an_offer("c"), contradictions={"c": "x gt 1 and x lt 0"})
    assert found("impossible_requires", dead) == ["b: requires c, whose conditions contradict each other"]
    assert found("contradictions", dead) == ["c: x gt 1 and x lt 0"]
    over = an_offer("c", valid_to=date(2021, 6, 30))
    assert found("expired_requires", report(through, over)) == ["b: requires c, whose last day is over"]


@given(st.dictionaries(st.sampled_from("abcde"), st.sets(st.sampled_from("abcde")), max_size=5))
def test_circles_are_closed_and_every_node_of_one_is_found(drawn: dict[str, set[str]]) -> None:
    graph = {node: sorted(drawn.get(node, set()) - {node}) for node in "abcde"}
    rounds = circles(graph)
    for circle in rounds:
        assert all(after in graph[node] for node, after in zip(circle, (*circle[1:], circle[0]), strict=True))
        assert circle[0] == min(circle)
    reach = {node: set(after) for node, after in graph.items()}
    for _ in graph:
        reach = {node: after.union(*(reach[other] for other in after)) for node, after in reach.items()}
    assert {node for circle in rounds for node in circle} == {node for node in graph if node in reach[node]}


def test_dates() -> None:
    over, last = an_offer("a", valid_to=date(2021, 6, 30)), an_offer("b", valid_to=date(2021, 7, 1))
    coming = an_offer("c", valid_from=date(2021, 7, 2))
    told = report(over, last, coming)
    assert found("expired", told) == ["a: its last day was 2021-06-30"]
    assert [row["valid"] for row in told.offers] == ["no", "yes", "no"]
    assert {check.name: check.status for check in report(over, coming).checks}["none_valid"] is Status.FAIL


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"discount": 1.0}, "costs 100, and all of it is discounted"),
        ({"value": -5.0}, "each connection loses 5"),
        ({"value": 101.0}, "earns 101, more than its price of 100"),
        ({"priority": 0.0}, "a priority of 0 puts it behind all others"),
        ({"price": 2_001.0}, "costs 2001, where 100 is usual in c"),
    ],
)
def test_odd_prices(fields: dict[str, Any], what: str) -> None:
    usual = [an_offer(name) for name in ("b", "c", "d")]
    assert found("odd_prices", report(an_offer("a", **fields), *usual)) == [f"a: {what}"]
    assert found("odd_prices", report(*usual, an_offer("gift", price=0.0))) == []


def test_an_offer_that_another_one_beats() -> None:
    dear, cheap = an_offer("a", price=300.0, gives={"data_mb": 5.0}), an_offer("b", gives={"data_mb": 9.0, "sms": 1.0})
    assert found("overpriced", report(dear, cheap)) == ["a: b gives no less for 100, not 300"]
    assert found("overpriced", report(dear, replace(cheap, category="d"))) == []
    assert found("overpriced", report(cheap, replace(cheap, id="c"))) == []


def test_texts_in_the_other_alphabet() -> None:
    told = report(
        an_offer("a", name=Text("Музыка", "Музыка")),
        an_offer("b", description=Text("Music", "Music")),
        an_offer("c", name=Text("YouTube", "YouTube")),
        an_offer("d", description=Text("", "")),
    )
    assert found("doubtful_translations", told) == [
        "a, name: the English is written in Cyrillic",
        "b, description: the Russian has no Cyrillic letter",
    ]
    assert found("no_description", told) == ["d: has none"]


def test_reach_and_wins() -> None:
    offers = [an_offer(name) for name in "abcd"]
    reach = Reach(
        1_000,
        500,
        {"a": 500, "b": 0, "c": 40, "d": 0},
        {"b": {"x gt 9": 0, "y lt 3": 100}, "d": {"x gt 1": 4, "x lt 2": 7}},
        {"b": ("x",)},
        {"c": ("Kurgann",)},
    )
    wins = Wins("model 3", 3, 50, {"a": 50, "b": 0, "c": 10, "d": 9}, {"a": 50}, {"a": 50})
    told = report(*offers, reach=reach, wins=wins)
    assert found("unreachable", told) == [
        "b: nobody satisfies x gt 9",
        "d: nobody satisfies all of x gt 1, x lt 2",
    ]
    assert found("unknown_columns", told) == ["b: no subscriber has a column 'x'"]
    assert found("unknown_regions", told) == ["c: nobody lives in Kurgann"]
    assert found("always_loses", told) == ["c: not among the first 3 of any of 10 who may see it"]
    notes = {check.name: check.note for check in told.checks}
    assert notes["unreachable"] == "among 500 of 1,000 subscribers"
    assert notes["always_loses"] == "of 2 judged by model 3 for 50 subscribers"
    rows = told.to_json()["offers"]
    assert (rows[2]["reach"], rows[2]["reach_share"], rows[2]["shown"]) == (40, 0.08, 0)
    page = render_catalogue(told)
    assert "<title>FAIL: the catalogue c.yaml</title>" in page
    assert page.count('role="img"') == 2
    assert "warns above 0, fails above -" in page


def test_limits_that_cannot_be_are_refused() -> None:
    for wrong in ({"places": 0}, {"sample": 0}, {"price_factor": 1.0}, {"examples": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            CatalogueLimits(**wrong)  # type: ignore[arg-type]
