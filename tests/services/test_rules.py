"""Rules on whole decisions: consent, quiet hours, caps of every scope, mandatory offers, and who opted out."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.fakes.policies import put_policy
from tests.fakes.world import AS_OF, NOON, World

from mia.bootstrap import Workspace, open_workspace
from mia.domain.decision import Decision, DecisionRequest, Fallback, Rule
from mia.domain.event import Event, EventKind
from mia.offers.catalogue import Catalogue
from mia.ranking.offer_table import OfferTable
from mia.services.decide import DecisionMaker, LiveLoader, Rehearsal
from mia.services.train.examples import build_examples
from mia.timeline import DAY_SECONDS, MICROSECONDS

DAY = DAY_SECONDS * MICROSECONDS
HOUR = 3_600 * MICROSECONDS
DAYLIGHT, NIGHT = NOON - 4 * HOUR, NOON + 8 * HOUR
"""8:00 and 20:00 UTC: day and night from Kaliningrad, 2 hours ahead, to Vladivostok, 10 hours ahead."""


@pytest.fixture(scope="module")
def opened(world: World, tmp_path_factory: pytest.TempPathFactory):
    found = open_workspace(world.settings(world.copy(tmp_path_factory.mktemp("rules"))))
    yield found
    found.close()


@pytest.fixture(scope="module")
def people(opened: Workspace) -> list[dict[str, Any]]:
    """Subscribers with a profile who are answered personally."""
    rows = pq.read_table(opened.lake.paths("subscribers")).to_pylist()
    known = [row for row in rows if opened.profiles.find(str(opened.profiles.current()), row["subscriber_id"])]
    return [row for row in known if row["personalisation"] and str(opened.arms.arm_of(row["subscriber_id"])) == "mia"]


def maker_of(opened: Workspace, folder: Path, *, mandatory: tuple[str, ...] = (), **sections: Any) -> DecisionMaker:
    """Decisions under a policy of its own, with some offers made mandatory."""
    policy = put_policy(opened, folder, **sections)
    catalogue = opened.catalogue()
    offers = tuple(replace(offer, mandatory=offer.id in mandatory) for offer in catalogue.offers)
    numbers = iter(range(10**6))
    return DecisionMaker(
        ledger=opened.ledger,
        loader=LiveLoader(
            lambda _: Catalogue(catalogue.version, offers), lambda _: opened.ranker("1"), opened.profiles, opened.policy
        ),
        newest=lambda: replace(opened.newest_versions(), policy=policy.version),
        arms=opened.arms,
        regions=opened.regions,
        default_timezone="UTC",
        clock=lambda: NOON,
        new_id=lambda: f"d{next(numbers)}",
        reservation=0,
    )


def decide(maker: DecisionMaker, subscriber_id: str, channel: str = "app", **fields: Any) -> Decision:
    return maker.decide(DecisionRequest(subscriber_id, channel, fields.pop("at", NOON), **fields))


def stage(decision: Decision, name: str) -> tuple[int, int]:
    (found,) = (one for one in decision.stages if one.name == name)
    return found.entered, found.passed


def test_outbound_needs_consent_and_daylight(opened: Workspace, people: list[dict[str, Any]], tmp_path: Path) -> None:
    maker = maker_of(opened, tmp_path, exploration={"epsilon": 0.0})
    for row in people[:30]:
        agreed = "vk" in (row["consent_channels"] or ())
        found = decide(maker, row["subscriber_id"], "vk", at=DAYLIGHT)
        entered, passed = stage(found, "consent")
        assert (bool(found.offers), passed) == (agreed, entered if agreed else 0)
        assert agreed == (str(Rule.CONSENT) not in found.dropped.values())
        night = decide(maker, row["subscriber_id"], "vk", at=NIGHT)
        assert night.offers == ()
        assert (str(Rule.QUIET_HOURS) in night.dropped.values()) == agreed
        assert decide(maker, row["subscriber_id"], "app", at=NIGHT).offers
    assert {"vk" in (row["consent_channels"] or ()) for row in people[:30]} == {True, False}
    stranger = decide(maker, "nobody", "call_centre")
    assert (stranger.offers, stranger.fallback) == ((), Fallback.UNKNOWN_SUBSCRIBER)
    assert decide(maker, "nobody", "web").offers


TIGHT = [
    {"per": "offer", "at_most": 1, "within_days": 30},
    {"per": "category", "at_most": 1, "within_days": 30},
    {"per": "channel", "at_most": 4, "within_days": 30},
    {"per": "all", "at_most": 6, "within_days": 30},
]


def test_a_whole_answer_fits_the_caps(opened: Workspace, tmp_path: Path) -> None:
    unanswered = {"impressions": 2, "within_days": 60, "rest_days": 30}
    maker = maker_of(
        opened,
        tmp_path,
        exploration={"epsilon": 0.5},
        caps=TIGHT,
        cooldowns={"after_connection_days": 9, "after_unanswered": unanswered},
    )
    rehearsal = Rehearsal.build(maker, opened.ledger, 120)
    sizes, rules = [], set[str]()
    for request in rehearsal.requests():
        found = maker.decide(replace(request, limit=5))
        assert rehearsal.violations(found) == []
        categories = [maker.catalogue.offer(one.offer_id).category for one in found.offers]
        assert len(set(categories)) == len(categories)
        sizes.append(len(found.offers))
        rules |= set(found.dropped.values())
    assert {0, 4} <= set(sizes) <= set(range(5))
    assert {Rule.CATEGORY_CAP, Rule.SEEN_TOO_OFTEN, Rule.TOTAL_CAP, Rule.UNANSWERED} <= {*map(Rule, rules)}
    # The check is one: it notices an answer that does not fit.
    whole = maker_of(opened, tmp_path, exploration={"epsilon": 0.0})
    strict = Rehearsal(maker, opened.ledger, rehearsal.subscriber_ids, rehearsal.at)
    lines = [
        line for request in rehearsal.requests() for line in strict.violations(whole.decide(replace(request, limit=5)))
    ]
    assert any(Rule.CATEGORY_CAP in line for line in lines)


def test_what_a_cap_of_categories_keeps_out_is_counted_there(
    opened: Workspace, people: list[dict[str, Any]], tmp_path: Path
) -> None:
    maker = maker_of(opened, tmp_path, exploration={"epsilon": 0.0}, caps=TIGHT[1:2])
    fresh = maker_of(opened, tmp_path, exploration={"epsilon": 0.0}, caps=[])
    met = 0
    for row in people[:20]:
        found, free = decide(maker, row["subscriber_id"]), decide(fresh, row["subscriber_id"], limit=50)
        kept: dict[str, str] = {}
        for one in free.offers:
            kept.setdefault(maker.catalogue.offer(one.offer_id).category, one.offer_id)
        crowded = [offer_id for offer_id, rule in found.dropped.items() if rule == Rule.CATEGORY_CAP]
        declined = [rule for rule in found.dropped.values() if rule == Rule.DECLINED]
        entered, passed = stage(found, "contact")
        assert entered - passed == len(crowded) + len(declined)
        if found.offers:
            assert found.offers[0].offer_id in kept.values()
        met += bool(crowded)
    assert met


def test_mandatory_offers_come_first_with_certainty(
    opened: Workspace, people: list[dict[str, Any]], tmp_path: Path
) -> None:
    plain = maker_of(opened, tmp_path, exploration={"epsilon": 0.0})
    usual = {row["subscriber_id"]: decide(plain, row["subscriber_id"], limit=50) for row in people[:25]}
    last = [found.offers[-1].offer_id for found in usual.values()]
    chosen = max(set(last), key=last.count)
    maker = maker_of(opened, tmp_path, exploration={"epsilon": 0.6}, mandatory=(chosen,))
    moved = 0
    for subscriber_id, before in usual.items():
        found = decide(maker, subscriber_id)
        if chosen not in {one.offer_id for one in before.offers}:
            assert found.dropped[chosen] == before.dropped[chosen]
            continue
        assert (found.offers[0].offer_id, found.offers[0].propensity) == (chosen, 1.0)
        others = len(before.offers) - 1
        best = [one.offer_id for one in before.offers if one.offer_id != chosen]
        for place, one in enumerate(found.offers[1:]):
            expected = 0.6 / others + 0.4 * (best[place] == one.offer_id)
            assert one.propensity == pytest.approx(expected)
        moved += 1
    assert moved > 5
    shown = [
        Event(f"seen {number}", NOON - number * HOUR, "s0000001", chosen, EventKind.IMPRESSION, "app", AS_OF, "mia")
        for number in range(12)
    ]
    opened.ledger.append_events([*shown, replace(shown[0], event_id="no", kind=EventKind.DECLINE)])
    assert decide(plain, "s0000001").dropped[chosen] == Rule.DECLINED
    assert decide(maker, "s0000001").offers[0].offer_id == chosen
    assert decide(maker, "s0000001", limit=1).offers[0].propensity == 1.0


def planted(opened: Workspace, folder: Path, subscriber_id: str, personalisation: bool) -> None:
    """A subscriber who was shown one offer a hundred times and connected it each time."""
    table = folder / "subscribers.csv"
    table.write_text(
        "subscriber_id,region,activated_on,personalisation\n"
        f"{subscriber_id},Sverdlovsk,2021-01-02,{str(personalisation).lower()}\n"
    )
    opened.ingest(table)
    offer_id = opened.catalogue().offers[0].id
    kinds = (EventKind.IMPRESSION, EventKind.CONNECTION, EventKind.DISCONNECTION)
    opened.ledger.append_events(
        [
            Event(
                f"{subscriber_id} {number} {kind}",
                NOON - 60 * DAY + number * HOUR + place,
                subscriber_id,
                offer_id,
                kind,
                "app",
                AS_OF - 60 + number // 24,
                "mia",
                "Sverdlovsk",
            )
            for number in range(100)
            for place, kind in enumerate(kinds)
        ]
    )


def learnt_from(opened: Workspace) -> tuple[set[str], np.ndarray, float]:
    """Whose impressions are learnt from, the rates of a snapshot, and the rate that pairs are scored with."""
    examples = build_examples(
        opened.learning_log,
        opened.build_profiles,
        opened.current_offers(),
        zones=opened.zones,
        attribution_days=14,
        until=NOON,
    )
    history = opened.profiles.history(opened.refresh(AS_OF).snapshot)
    rates = examples.moment.rates(examples.pairs.profiles)
    assert OfferTable.build(opened.current_offers()).places[opened.catalogue().offers[0].id] == 0
    return set(examples.impressions.subscriber_ids.tolist()), history.impressions.sum(axis=(0, 1)), rates.offer[-1][0]


def test_nothing_is_learnt_from_who_opted_out(world: World, tmp_path: Path) -> None:
    opened = open_workspace(world.settings(world.copy(tmp_path)))
    before, shown, rate = learnt_from(opened)
    refused = set(opened.learning_log.opted_out().to_pylist())
    everybody = set(opened.ledger.events()["subscriber_id"].to_pylist())
    assert refused & everybody
    assert not refused & before
    planted(opened, tmp_path, "refuses", False)
    planted(opened, tmp_path, "agrees", True)
    after, more, higher = learnt_from(opened)
    assert after - before == {"agrees"}
    assert (more - shown).tolist() == [100.0, *[0.0] * (len(shown) - 1)]
    assert higher > rate
    # Who changes their mind takes what was learnt along.
    planted(opened, tmp_path, "agrees", False)
    assert not {"agrees", "refuses"} & set(opened.learning_log.events()["subscriber_id"].to_pylist())
    assert {"agrees", "refuses"} <= set(opened.ledger.events()["subscriber_id"].to_pylist())
    found = opened.decisions.decide(DecisionRequest("refuses", "app", NOON))
    assert found.fallback is Fallback.OPTED_OUT
    opened.close()
