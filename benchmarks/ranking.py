"""MIA on a simulated operator that it was not developed on, beside the truth: `make bench-ranking`.

Simulate, ingest, train on what had happened before the last month, then rank in that month: every impression of it as
it was shown, and all offers that the rules allow in a sample of its visits. The world of the benchmark has a seed that
no feature, parameter or default was chosen on.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from ceiling import from_records, untraceable
from mia.bootstrap import Workspace, open_workspace
from mia.domain.offer import Offer
from mia.evaluation.metrics import auc, calibration_error, log_loss, ndcg
from mia.frames import Floats, Objects, Profiles
from mia.offers.contact import no_history
from mia.offers.eligibility import Eligibility
from mia.ranking.offer_table import OfferTable
from mia.ranking.pairs import Context, build_pairs
from mia.ranking.point_in_time import PointInTime
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.ranking.training_set import build_impressions
from mia.services.simulate import simulate
from mia.settings import load_settings
from mia.simulator.scenario import Scenario
from mia.simulator.world import World, build_world
from mia.timeline import DAY_SECONDS, MICROSECONDS, date_of, month_start
from truth import Slates, acceptance_of, places_of

SEED = 31_337
VISITS = 10_000
MOST_IMPRESSIONS = 200_000
LOT = 2_000


def main() -> None:
    """Print the figures of a world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=50_000)
    parser.add_argument("--months", type=int, default=6)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    scenario = Scenario(given.subscribers, given.months, given.seed)
    started = time.perf_counter()

    def tell(text: str) -> None:
        print(f"[{time.perf_counter() - started:6.0f} s] {text}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        files, home = Path(name) / "files", Path(name) / "home"
        done = simulate(scenario, files, lambda *_: None)
        tell(f"simulated: {done}")
        workspace = open_workspace(load_settings(home))
        workspace.ingest(files)
        tell("ingested")
        first = month_start(scenario.start + scenario.months - 1)
        trained = workspace.train(until=first * DAY_SECONDS * MICROSECONDS)
        tell(f"trained on {trained.train_rows:,} impressions before {date_of(first)}")
        world = build_world(scenario)
        model = workspace.ranker(trained.version)
        compare(workspace, world, model, files / "subscribers.parquet", first)
        tell("done")
        workspace.close()


def compare(workspace: Workspace, world: World, model: LightGBMRanker, subscribers: Path, first: int) -> None:
    """Print MIA beside the truth in the days from `first` on."""
    offers = workspace.catalogue().offers
    events = workspace.learning_log.events()
    attribution = workspace.settings.training.attribution_days
    shown = build_impressions(events, attribution_days=attribution, until=workspace.end_of_events())
    shown = shown.take(np.flatnonzero(shown.local_day >= first))
    visits = shown.take(_sample(np.flatnonzero(shown.position == 1), VISITS))
    shown = shown.take(_sample(np.arange(len(shown)), MOST_IMPRESSIONS))
    moment = PointInTime(OfferTable.build(offers), events, workspace.build_profiles)
    cols = np.array([moment.table.places[offer] for offer in shown.offer_ids])
    context = Context(shown.channel, shown.position)
    profiles, rows = moment.profiles(shown.subscriber_ids, shown.local_day)
    pairs = build_pairs(profiles, moment.table, moment.rates(profiles), rows, cols, context)
    truth = acceptance_of(world, places_of(subscribers, shown.subscriber_ids), offers, cols, shown)
    print(f"{len(shown):,} impressions from {date_of(first)} on, {shown.labels.sum():,.0f} connections")
    print(f"{'':<12}{'AUC':>8}{'log loss':>10}{'NDCG@3':>8}{'ECE':>8}")
    for name, scores in (("MIA", model.score(pairs)), ("popular", pairs.feature("offer_rate")), ("truth", truth)):
        figures = (auc(scores, shown.labels), log_loss(scores, shown.labels))
        quality = (ndcg(scores, shown.labels, shown.slate, 3), calibration_error(scores, shown.labels))
        print(f"{name:<12}{figures[0]:8.4f}{figures[1]:10.4f}{quality[0]:8.4f}{quality[1]:8.4f}")
    profiles, rows = moment.profiles(visits.subscriber_ids, visits.local_day)
    profiles = profiles.take(rows)
    people = places_of(subscribers, visits.subscriber_ids)
    allowed = _allowed(workspace, offers, profiles, visits.channel)
    slates = Slates.of(world, people, visits.local_day, visits.channel, offers, allowed)
    where = (people, visits.local_day, visits.channel, offers)
    orders = {
        "best for all": slates.best_for_all(),
        "MIA": _scores(model, moment, profiles, visits.channel, allowed),
        "from records": from_records(world, profiles, *where),
        "untraceable": untraceable(world, *where),
        "oracle": slates.chance,
    }
    print(
        f"{len(visits):,} visits, {allowed.sum(axis=1).mean():.0f} offers each: true value of the first three, captured"
    )
    for name, chance in orders.items():
        print(f"{name:<14}{slates.worth(chance):8.3f}{slates.captured(chance):8.1%}")


def _sample(rows: np.ndarray, most: int) -> np.ndarray:
    return rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)]


def _allowed(workspace: Workspace, offers: tuple[Offer, ...], profiles: Profiles, channel: Objects) -> np.ndarray:
    """Which offers the rules of the catalogue allow in each visit, k x m."""
    eligibility = Eligibility(offers, workspace.policy().contact)
    allowed = np.array([[not offer.channels or name in offer.channels for offer in offers] for name in channel])
    for day in np.unique(profiles.as_of):
        rows = np.flatnonzero(profiles.as_of == day)
        history = no_history(len(rows), eligibility.book, {})
        verdicts = eligibility.check(profiles.take(rows), history, channel=None, on=date_of(int(day)))
        allowed[rows] &= verdicts.passed
    return allowed


def _scores(
    model: LightGBMRanker, moment: PointInTime, profiles: Profiles, channel: Objects, allowed: np.ndarray
) -> Floats:
    """Acceptance of the allowed offers in each visit, k x m."""
    rates = moment.rates(profiles)
    out = np.zeros(allowed.shape)
    for start in range(0, len(profiles), LOT):
        part = np.arange(start, min(start + LOT, len(profiles)))
        rows, cols = np.nonzero(allowed[part])
        context = Context(channel[part][rows], np.ones(len(rows)))
        pairs = build_pairs(profiles.take(part), moment.table, rates, rows, cols, context)
        out[part[rows], cols] = model.score(pairs)
    return out


if __name__ == "__main__":
    main()
