from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.fakes.ledger import FakeLedger
from tests.fakes.population import FakePopulation
from tests.unit.uptake.reference import an_event, counted

from mia.domain.event import Event, EventKind
from mia.domain.offer import Offer, Text
from mia.domain.region import Region
from mia.domain.subscriber import Arm, ArmSplit
from mia.errors import InvalidInput, NotEnoughData
from mia.services.lift import LiftMeter, PopulationReader
from mia.storage.lake import ParquetLake
from mia.uptake.lift.rules import LiftRules

START = 18_659
"""2021-02-01."""
OFFERS = {
    name: Offer(name, Text(name, name), Text("", ""), category, "pack", value=value)
    for name, category, value in (("music", "fun", 10.0), ("video", "fun", 30.0), ("data", "net", 50.0))
}
RULES = LiftRules(minimum_connections=5)


def make_events(seed: int = 1, people: int = 400) -> list[Event]:
    """January without decisions, February with; arm mia connects more in February."""
    rng = np.random.default_rng(seed)
    events = []
    for number in range(people):
        arm = "control" if number % 4 == 0 else "mia"
        region = (None, "Kurgan", "Rostov", "Moscow")[number // 4 % 4]
        for place in range(rng.poisson(1.5 if arm == "mia" else 1.0) + rng.poisson(0.8)):
            day = int(rng.integers(START - 31, START + 28))
            kind = EventKind.CONNECTION if rng.random() < 0.5 else EventKind.IMPRESSION
            if rng.random() < 0.1:
                kind = EventKind.DISCONNECTION
            events.append(
                an_event(
                    f"{number}-{place}",
                    kind,
                    day,
                    subscriber_id=f"s{number:03d}",
                    offer_id=str(rng.choice(["music", "video", "data", "gone"])),
                    channel=str(rng.choice(["app", "web"])),
                    region=region,
                    arm=arm,
                    decision_id="d" if day >= START else None,
                )
            )
    return [*events, an_event("first", EventKind.IMPRESSION, START, subscriber_id="s001", decision_id="d")]


def population(people: int = 400) -> FakePopulation:
    regions = (None, "Kurgan", "Rostov", "Moscow")
    return FakePopulation(
        [
            (f"s{n:03d}", regions[n // 4 % 4], "Urals", 18_000, "control" if n % 4 == 0 else "mia")
            for n in range(people)
        ],
        share=0.25,
    )


def meter(events: list[Event], who: FakePopulation | None = None, rules: LiftRules = RULES) -> LiftMeter:
    ledger = FakeLedger()
    ledger.append_events(events)
    return LiftMeter(ledger, who or population(), lambda: OFFERS, duckdb.connect, rules)  # type: ignore[arg-type]


EVENTS = make_events()
CONNECTED = [event for event in counted(EVENTS) if event.kind is EventKind.CONNECTION]


@pytest.mark.parametrize("by", [None, "region", "macro_region", "category", "channel"])
def test_sums_are_those_of_plain_counting(by: str | None) -> None:
    report = meter(EVENTS).report(by)
    inside = [event for event in CONNECTED if event.local_day >= START]

    def name(event: Event) -> str | None:
        if by == "category":
            return OFFERS[event.offer_id].category if event.offer_id in OFFERS else None
        return getattr(event, by) if by else None

    assert (report.began, report.start, report.pre_start, report.pre_end) == (START, START, START - 90, START)
    for group in (report.total, *report.groups):
        own = [event for event in inside if group is report.total or name(event) == group.group]
        for arm in Arm:
            mine = [event for event in own if event.arm == arm]
            assert group.arms[arm].connections == len(mine)
            worth = sum(OFFERS[event.offer_id].value for event in mine if event.offer_id in OFFERS)
            assert group.arms[arm].value == pytest.approx(worth)
    if by is not None:
        for arm in Arm:
            assert sum(group.arms[arm].connections for group in report.groups) == report.total.arms[arm].connections
    assert report.unvalued == sum(event.offer_id == "gone" for event in inside)
    assert report.notes == ("unvalued",)


@pytest.mark.parametrize("by", ["category", "channel"])
def test_where_nobody_connected_there_are_no_groups(by: str) -> None:
    report = meter([event for event in EVENTS if event.kind is EventKind.IMPRESSION]).report(by)
    assert report.groups == ()
    assert report.total.arms["mia"].connections == 0


def test_subscribers_without_any_event_count_as_zeros() -> None:
    report = meter(EVENTS, population(600)).report()
    assert report.total.arms["control"].subscribers == 150
    assert report.total.connections.control == pytest.approx(report.total.arms["control"].connections / 150, abs=0.05)
    assert report.total.arms["mia"].reached < report.total.arms["mia"].subscribers


def test_the_variance_is_reduced_by_what_was_connected_before_the_first_decision() -> None:
    ids, before, after = (np.array(column) for column in zip(*_per_subscriber(), strict=True))
    control = np.array([int(name[1:]) % 4 == 0 for name in ids])
    found = meter(EVENTS).report().total.connections
    weights = {True: 1 / control.sum(), False: 1 / (~control).sum()}
    arms = [(arm, control == arm) for arm in (True, False)]
    shared = sum(np.cov(before[own], after[own])[0, 1] * weights[arm] for arm, own in arms)
    spread = sum(before[own].var(ddof=1) * weights[arm] for arm, own in arms)
    left = after - shared / spread * before
    assert found.difference == pytest.approx(left[~control].mean() - left[control].mean())
    assert found.standard_error**2 == pytest.approx(sum(left[own].var(ddof=1) * weights[arm] for arm, own in arms))


def _per_subscriber() -> list[tuple[str, int, int]]:
    return [
        (
            f"s{number:03d}",
            sum(event.subscriber_id == f"s{number:03d}" and event.local_day < START for event in CONNECTED),
            sum(event.subscriber_id == f"s{number:03d}" and event.local_day >= START for event in CONNECTED),
        )
        for number in range(400)
    ]


def test_a_later_period_is_still_adjusted_by_days_before_mia_only() -> None:
    report = meter(EVENTS).report(start="2021-02-15", end="2021-02", baseline="2021-01")
    assert (report.start, report.end, report.pre_end, report.baseline) == (START + 14, START + 27, START, START - 1)
    assert report.total.incremental.baseline_connections == sum(event.local_day < START for event in CONNECTED)


def test_arrival_in_parts_and_in_any_order_changes_nothing() -> None:
    whole = meter(EVENTS).report("category").to_json()
    ledger = FakeLedger()
    late = LiftMeter(ledger, population(), lambda: OFFERS, duckdb.connect, RULES)  # type: ignore[arg-type]
    shuffled = [EVENTS[place] for place in np.random.default_rng(2).permutation(len(EVENTS))]
    for part in range(0, len(shuffled), 150):
        ledger.append_events([*shuffled[part : part + 150], *shuffled[:5]])
        late.report("category", start="2021-01")
    assert late.report("category").to_json() == whole


def test_what_speaks_against_the_figures_is_told() -> None:
    strangers = [an_event("x", EventKind.CONNECTION, START + 1, subscriber_id="nobody")]
    moved = [an_event("y", EventKind.IMPRESSION, START + 1, subscriber_id="s001", arm="control")]
    report = meter([*EVENTS, *strangers, *moved]).report(start="2021-01")
    assert (report.outside, report.crossed) == (1, 1)
    assert report.crossed_share == pytest.approx(1 / len({event.subscriber_id for event in EVENTS}))
    assert set(report.notes) == {"outside", "crossed", "unvalued", "before_decisions"}
    undecided = [event for event in EVENTS if event.decision_id is None]
    assert "no_decisions" in meter(undecided).report().notes
    assert "small_base" in meter(EVENTS, rules=LiftRules(minimum_connections=9_999)).report().notes
    uneven = FakePopulation(population()._rows, share=0.5)
    assert "sizes" in meter(EVENTS, uneven).report().notes


def test_aa_draws_arms_anew_whatever_was_shown() -> None:
    found = meter(EVENTS)
    drawn = {seed: found.report(aa=seed) for seed in (1, 2)}
    assert drawn[1].total.arms != drawn[2].total.arms
    for report in drawn.values():
        every = sum(figures.connections for figures in report.total.arms.values())
        assert every == sum(event.local_day >= START for event in CONNECTED)
        assert (report.crossed, report.notes) == (0, ("unvalued",))
    assert found.report(aa=1).to_json() == drawn[1].to_json()


def test_a_plan_is_made_from_arm_control_after_the_first_decision() -> None:
    plan = meter(EVENTS).plan(lift=0.5, days=60, power=0.8)
    own = sum(event.arm == "control" for event in CONNECTED)
    days = max(event.local_day for event in EVENTS) - min(event.local_day for event in EVENTS) + 1
    assert plan.connections_per_month == pytest.approx(own / 100 / days * 30)
    assert (plan.control, plan.mia) == (100, 300)
    assert meter(EVENTS).plan(lift=0.5, days=60, power=0.8, share=0.5).control == 200
    with pytest.raises(InvalidInput, match="--share"):
        meter(EVENTS).plan(lift=0.5, days=60, power=0.8, share=1.0)


@pytest.mark.parametrize(
    ("arguments", "parameter"),
    [
        ({"by": "colour"}, "by"),
        ({"start": "soon"}, "from"),
        ({"end": "2021-02-30"}, "to"),
        ({"baseline": "2021"}, "baseline"),
        ({"start": "2021-03", "end": "2021-02"}, "from"),
        ({"start": "2030-01", "end": "2030-02"}, "from"),
    ],
)
def test_a_bad_parameter_is_named(arguments: dict[str, str], parameter: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        meter(EVENTS).report(**arguments)
    assert caught.value.parameter == parameter


def test_nothing_to_measure_is_said() -> None:
    with pytest.raises(NotEnoughData, match="no events"):
        meter([]).report()
    with pytest.raises(NotEnoughData, match="no subscribers"):
        meter(EVENTS, FakePopulation([])).report()


def test_the_lake_tells_who_takes_part(tmp_path) -> None:
    lake, arms = ParquetLake(tmp_path / "lake"), ArmSplit("salt", 0.3)
    ids = [f"s{number}" for number in range(500)]
    people = pa.table(
        {
            "subscriber_id": ids[::-1],
            "region": ["Kurgan", "Mars"] * 250,
            "activated_on": [date(1970, 1, 11)] * 500,
        }
    )
    reader = PopulationReader(lake, duckdb.connect, {"Kurgan": Region("Kurgan", "Urals", "UTC")}, arms)
    assert len(reader.read()) == 0
    with lake.change() as change:
        path = change.folder() / "people.parquet"
        pq.write_table(people, path)
        change.add("subscribers", path, rows=500, load="x")
        change.commit()
    found = reader.read()
    assert found.people["subscriber_id"].to_pylist() == sorted(ids)
    assert found.control.tolist() == [arms.arm_of(name) is Arm.CONTROL for name in sorted(ids)]
    assert set(zip(*(found.people[name].to_pylist() for name in ("region", "macro_region")), strict=True)) == {
        ("Kurgan", "Urals"),
        ("Mars", None),
    }
    assert set(found.activated.tolist()) == {10}
    assert reader.read() is found
    drawn = reader.redrawn(1)
    assert 0.2 < drawn.control.mean() < 0.4
    assert (drawn.control != found.control).any()
