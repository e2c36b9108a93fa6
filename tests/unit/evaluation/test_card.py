"""The card: it stands alone, holds what it must, and trusts no name."""

import re

import pytest
from tests.unit.evaluation.gate.evidence import SLICE, TRIAL, evaluation, evidence

from mia.evaluation.card import UNFIT_FOR, render_card
from mia.evaluation.gate import GateLimits, judge

HOSTILE = "<script>alert('x')</script>"


def verdict(**changes):
    found = judge(evidence(TRIAL, **changes), GateLimits()).to_json()
    return {**found, "by": "ana", "at": 1_625_140_800_000_000, "override": None}


def test_it_needs_nothing_from_anywhere_else() -> None:
    page = render_card("7", evaluation(), verdict())
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert page.count("<svg") == 3


def test_it_holds_what_it_must() -> None:
    page = render_card("7", evaluation(discount_given_anyway=ESTIMATE), verdict())
    for words in (
        "Model 7",
        "2021-01-01 to 2021-06-17",
        "2021-05-17 to 2021-06-17",
        "data_mb_30d",
        "region Kurgan",
        "new offers (under 200 impressions of the offer before)",
        "Off-policy value",
        "0.7000 [0.6500, 0.7500]",
        "Discounts given to those who would have connected anyway",
        "offers shown against a rule",
        "data fingerprint",
        "trees",
        "Run by ana on 2021-07-01 12:00 UTC",
        UNFIT_FOR[2],
    ):
        assert words in page, words


ESTIMATE = {"value": 12.5, "low": 10.0, "high": 15.0}


def test_before_the_gate_and_for_models_of_old_it_is_a_page_too() -> None:
    old = {
        name: value
        for name, value in evaluation().items()
        if name in ("window", "rows", "positives", "table", "policies", "champion", "trained_until", "trained_from")
        or name in ("trained_rows", "fingerprint", "catalogue", "auc_gain_over_popular")
    }
    page = render_card("1", old, None)
    assert "It was not run yet." in page
    assert "Gain by slice" not in page
    assert "Discounts given" not in render_card("1", evaluation(), None)


@pytest.mark.parametrize("colour", ["red", "amber", "green"])
def test_the_colour_of_the_verdict_is_shown(colour: str) -> None:
    changes = {"red": {"positives": 1.0}, "amber": {"positives": 300.0}, "green": {}}[colour]
    assert f"<title>Model 7: {colour}</title>" in render_card("7", evaluation(), verdict(**changes))


def test_an_override_is_told_with_its_reason() -> None:
    page = render_card("7", evaluation(), {**verdict(positives=1.0), "override": f"because {HOSTILE}"})
    assert "Live against the gate" in page
    assert "because &lt;script&gt;" in page


def test_names_are_not_trusted() -> None:
    page = render_card("7", evaluation(slices=[SLICE | {"name": HOSTILE}], gains={HOSTILE: 1.0}), verdict())
    assert "<script" not in page
