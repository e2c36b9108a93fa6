"""What scoring costs: a decision's stages, a request of 40 rows, its reasons, and the best offers of everybody.

`make bench-scoring` runs the demo into a scratch workspace first; `--home HOME` reads one that is there. LightGBM's own
prediction is measured beside, in turns, on the matrix ready made. The people of the batch are those of the workspace
many times over, each with amounts and an id of their own.
"""

import argparse
import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import lightgbm
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from measuring import measure_command
from mia.bootstrap import EVENTS_OF_CONTACT, Workspace, open_workspace
from mia.domain.decision import DecisionRequest
from mia.domain.offer import Language
from mia.frames import Objects, Profiles
from mia.offers.contact import history_of, no_history
from mia.ranking.arbitration import greedy_order
from mia.ranking.explanation import explain
from mia.ranking.forest import Block, Ensemble
from mia.ranking.pairs import Context, Pairs, build_pairs
from mia.ranking.rankers.lightgbm import LightGBMRanker
from mia.services.decide.live import Live
from mia.services.score import BestOffers
from mia.services.score.best import RESULT
from mia.settings import Settings
from mia.storage.files import table_writer

REQUESTS, OFFERS, TOP, THREADS, PART, REPEATS = 300, 50, 3, 2, 20_000, 3
MIA = (sys.executable, "-c", "from mia.cli.main import main; main()")
LARGE = {"objective": "binary", "num_leaves": 63, "min_data_in_leaf": 20, "learning_rate": 0.05, "verbosity": -1}
LARGE_TREES = 300


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="workspace with offers, profiles and a champion; else the demo's")
    parser.add_argument("--subscribers", type=int, default=200_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = chosen.home or Path(scratch) / "home"
        if chosen.home is None:
            mia("demo", "--no-serve", "--home", str(home))
        with opened(home) as workspace:
            live = workspace.decisions.live
            ids = pa.concat_tables([pq.read_table(path) for path in workspace.lake.paths("subscribers")])
            people, _ = workspace.profiles.find_many(live.versions.profile, ids["subscriber_id"].to_pylist())
            ranker = workspace.ranker(workspace.version("champion"))
            pairs = eligible_pairs(live, people)
            large = larger(ranker, pairs)
            measure_request("champion", ranker, pairs)
            measure_request(f"{LARGE_TREES} trees x 63 leaves", large, pairs)
            measure_decision(workspace, live, people)
            measure_batch(workspace, people, ranker, chosen.subscribers, Path(scratch))
        started = measure_command(
            [*MIA, "score", "--top", str(TOP), "--home", str(home), "--out", str(Path(scratch) / "best.parquet")]
        )
        print(
            f"\nthe whole command for {len(people):,} subscribers: {started.seconds:.1f} s, {started.peak_mib:,.0f} MiB"
        )


def mia(*arguments: str) -> None:
    subprocess.run([*MIA, *arguments], stdout=subprocess.DEVNULL, check=True)


@contextmanager
def opened(home: Path) -> Iterator[Workspace]:
    workspace = open_workspace(Settings(home=home))
    yield workspace
    workspace.close()


def turns(repeats: int, **works: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each work, done in turns so that whatever else the machine does falls on all alike."""
    for work in works.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(repeats):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - started)
    return {name: median(seconds) for name, seconds in taken.items()}


def eligible_pairs(live: Live, people: Profiles) -> Pairs:
    """The pairs that some requests would score."""
    some = people.take(np.arange(min(REQUESTS, len(people))))
    history = live.eligibility.check(
        some, no_history(len(some), live.eligibility.book, {}), channel="app", on=_moment(people).date()
    )
    rows, cols = (found.astype(np.int64) for found in np.nonzero(history.passed))
    return build_pairs(some, live.table, live.rates, rows, cols, Context.constant(len(rows), "app"))


def _moment(people: Profiles) -> datetime:
    return datetime.fromtimestamp(int(people.as_of[0]) * 86_400 + 43_200, UTC)


def larger(ranker: LightGBMRanker, pairs: Pairs) -> LightGBMRanker:
    """A model of the size that serving is asked to carry, boosted on what the champion answers."""
    matrix, rng = ranker.matrix(pairs), np.random.default_rng(1)
    labels = (rng.random(len(matrix)) < np.minimum(3 * ranker.score(pairs), 1.0)).astype(float)
    booster = lightgbm.train({**LARGE, "num_threads": THREADS}, lightgbm.Dataset(matrix, labels), LARGE_TREES)
    return LightGBMRanker([booster], ranker.schema, ranker.calibration)


def measure_request(name: str, ranker: LightGBMRanker, pairs: Pairs) -> None:
    """40 rows of one subscriber and the reasons of three, and many rows at once."""
    (booster, *_), ensemble = ranker._boosters, Ensemble(ranker._boosters)
    firsts = np.flatnonzero(np.diff(pairs.rows, prepend=-1))
    sizes = np.diff([*firsts, len(pairs)])
    first = firsts[np.argmin(np.abs(sizes - 40))]
    mine = pairs.take(np.arange(first, first + 40))
    one = dataclasses.replace(mine, profiles=pairs.profiles.take(mine.rows[:1]), rows=np.zeros(len(mine), np.int64))
    matrix, three = ranker.matrix(one), np.arange(3)
    blocks = ranker.schema.blocks(one, ranker._offer_side_of(one.offers))
    seconds = turns(
        200,
        native=lambda: booster.predict(matrix, num_threads=1),
        joined=lambda: ensemble.predict(len(matrix), [Block(matrix, np.arange(matrix.shape[1]))]),
        shared=lambda: ensemble.predict(len(matrix), blocks),
    )
    reasons = turns(
        40,
        native=lambda: booster.predict(matrix[:3], pred_contrib=True, num_threads=1),
        compiled=lambda: ensemble.contributions(matrix[:3]),
        explain=lambda: explain(ranker, one, three, Language.RU),
    )
    whole = ranker.matrix(pairs)
    everything = ranker.schema.blocks(pairs, ranker._offer_side_of(pairs.offers))
    many = turns(
        3,
        native=lambda: booster.predict(whole, num_threads=1),
        compiled=lambda: [forest.predict(len(pairs), everything) for forest in ensemble._forests or ()],
    )
    exact = np.asarray(booster.predict(whole[:3_000], pred_contrib=True))[:, :-1]
    agree, told = agreement(ranker, pairs.take(np.arange(min(3_000, len(pairs)))), exact)
    equal = np.array_equal(ensemble.predict(len(pairs), everything), booster.predict(whole))
    print(f"\n{name}: {booster.num_trees()} trees, compiled {ensemble.is_compiled}, equal bits {equal}")
    print(f"  40 rows of one subscriber, us: LightGBM {1e6 * seconds['native']:.0f}, ", end="")
    print(f"compiled {1e6 * seconds['joined']:.0f}, in pieces that rows share {1e6 * seconds['shared']:.0f}")
    print(f"  many rows, us a row, one thread: LightGBM {1e6 * many['native'] / len(pairs):.2f}, ", end="")
    print(f"compiled {1e6 * many['compiled'] / len(pairs):.2f}")
    print(f"  SHAP values of 3 rows, us: LightGBM {1e6 * reasons['native']:.0f}, ", end="")
    print(f"compiled {1e6 * reasons['compiled']:.0f}, with features and texts {1e6 * reasons['explain']:.0f}")
    print(f"  first reason as by LightGBM's exact SHAP values: {agree:.1%} of {told:,}")


def agreement(ranker: LightGBMRanker, pairs: Pairs, exact: np.ndarray) -> tuple[float, int]:
    """Share of the pairs with a reason whose first one is that of the exact values, and their number."""

    class Exact:
        places = ranker.places

        def contributions(self, _: Pairs, which: np.ndarray) -> np.ndarray:
            return exact[which]

    every = np.arange(len(pairs))
    both = zip(*(explain(one, pairs, every, Language.RU) for one in (ranker, Exact())), strict=True)
    same = [one[:1] == other[:1] for one, other in both if one or other]
    return float(np.mean(same)), len(same)


def measure_decision(workspace: Workspace, live: Live, people: Profiles) -> None:
    """The stages of a decision one by one, and decisions as a whole."""
    maker, moment = workspace.decisions, _moment(people)
    taken: dict[str, list[float]] = {}

    def timed(stage: str, work: Callable[[], object]):
        started = time.perf_counter()
        found = work()
        taken.setdefault(stage, []).append(1e3 * (time.perf_counter() - started))
        return found

    at = int(moment.timestamp() * 1_000_000)

    def decide(subscriber_id: str) -> None:
        request = DecisionRequest(subscriber_id, "app", at)
        profile = timed("profile", lambda: live.find(subscriber_id))
        responses = timed("history, reading", lambda: workspace.ledger.responses(subscriber_id))
        history = timed("history", lambda: history_of(responses, {}, live.eligibility.book, at=at))
        checked = timed(
            "eligibility", lambda: live.eligibility.check(profile, history, channel="app", on=moment.date())
        )
        cols = np.flatnonzero(checked.passed[0])
        rows, context = np.zeros(len(cols), np.int64), Context.constant(len(cols), "app")
        pairs = timed("features", lambda: build_pairs(profile, live.table, live.rates, rows, cols, context))
        acceptance = timed("scoring", lambda: live.model.score(pairs))
        worth = live.arbitration.worth(acceptance, cols, "app")
        top = greedy_order(worth, acceptance)[:TOP]
        timed("reasons", lambda: explain(live.model, pairs, top, Language.RU))
        timed("whole decision", lambda: maker.decide(request))

    for subscriber_id in people.subscriber_ids[:REQUESTS].tolist():
        decide(subscriber_id)
    print("\nstages of a decision, ms, median")
    for stage, times in taken.items():
        print(f"  {stage:<20}{median(times):.3f}")
    print(f"  reasons take {median(taken['reasons']) / median(taken['whole decision']):.1%} of it")


def measure_batch(workspace: Workspace, people: Profiles, ranker: LightGBMRanker, count: int, scratch: Path) -> None:
    """The best offers of many subscribers from their profiles in memory, beside LightGBM on the matrix of a part."""
    offers, events = workspace.catalogue().offers[:OFFERS], workspace.ledger.events()
    as_of = int(people.as_of[0])
    best = BestOffers.build(ranker, offers, events, events, workspace.policy(), as_of, TOP, THREADS)
    parts = max(1, count // PART)
    crowd, told = crowded(people, events.select(list(EVENTS_OF_CONTACT)), min(PART, count))
    matrix = _matrix_of(best, crowd, told)
    (booster, *_), process, rows = ranker._boosters, psutil.Process(), 0
    native, mine, peak = [], [], 0

    def predict() -> float:
        started = time.perf_counter()
        booster.predict(matrix, num_threads=THREADS)
        return time.perf_counter() - started

    predict()
    best.rank(crowd, told)
    for repeat in range(REPEATS):
        seconds = 0.0
        with table_writer(scratch / f"best-{repeat}.parquet") as write:
            write(RESULT.empty_table())
            for part in range(parts):
                # Half of LightGBM's runs come before and half after: the machine's moods fall on both.
                native.append(predict())
                started = time.perf_counter()
                found = best.rank(crowd, told)
                write(found)
                seconds += time.perf_counter() - started
                rows += len(found) if not repeat and not part else 0
                peak = max(peak, process.memory_info().rss)
        mine.append(seconds)
    pairs, scored = len(crowd) * len(offers), len(matrix)
    bare, whole = median(native), median(mine) / parts
    print(f"\nbest {TOP} of {len(offers)} offers for {parts * len(crowd):,} subscribers, {THREADS} threads")
    print(
        f"  {scored / pairs:.0%} of the pairs are eligible; peak memory {peak / 2**20:,.0f} MiB with LightGBM's matrix"
    )
    print(f"  LightGBM on the ready matrix of the eligible pairs: {scored / bare:,.0f} rows/s")
    print(f"  eligibility, features, scoring, ordering, writing:  {scored / whole:,.0f} eligible pairs/s, ", end="")
    print(f"{scored / whole / (scored / bare):.2f} x")
    print(f"  all pairs looked at: {pairs / whole:,.0f} pairs/s, {pairs / whole / (scored / bare):.2f} x")


def crowded(people: Profiles, events: pa.Table, count: int) -> tuple[Profiles, pa.Table]:
    """Many more people: copies with amounts and an id of their own, and the events of each."""
    rng = np.random.default_rng(5)
    taken = rng.integers(0, len(people), count)
    found = people.take(taken)
    ids = _ids(count)
    numeric = (found.numeric * rng.lognormal(0.0, 0.1, (count, 1))).astype(np.float32)
    copies = pa.table({"subscriber_id": pa.array(people.subscriber_ids[taken], pa.string()), "copy": pa.array(ids)})
    joined = events.set_column(
        events.column_names.index("subscriber_id"), "subscriber_id", events["subscriber_id"].cast(pa.string())
    ).join(copies, "subscriber_id", join_type="inner")
    names = ["copy" if name == "subscriber_id" else name for name in events.column_names]
    told = joined.select(names).rename_columns(events.column_names)
    return dataclasses.replace(found, subscriber_ids=ids, numeric=numeric), told


def _ids(count: int) -> Objects:
    out = np.empty(count, object)
    out[:] = [f"c{number:08d}" for number in range(count)]
    return out


def _matrix_of(best: BestOffers, people: Profiles, events: pa.Table) -> np.ndarray:
    """The matrix of the pairs that the batch scores, caught on the way to the model."""

    class Catcher:
        objective = best.ranker.objective

        def __init__(self) -> None:
            self.parts: list[np.ndarray] = []

        def score(self, pairs: Pairs) -> np.ndarray:
            self.parts.append(best.ranker.matrix(pairs))
            return np.zeros(len(pairs))

    catcher = Catcher()
    dataclasses.replace(best, ranker=catcher, threads=1).rank(people, events)
    return np.concatenate(catcher.parts)


if __name__ == "__main__":
    main()
