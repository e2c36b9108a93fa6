"""What training costs beside bare LightGBM, and what quality costs at serving: `make bench-training`.

A simulated operator of about a million impressions. One process makes the training set, the matrix and a fit; the same
parameters and the finished matrix then go to `lightgbm.train` alone. With `--curve` models of several sizes are fitted
and measured on the later days instead, and drawn.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import altair as alt
import lightgbm
import numpy as np

from measuring import Clock, measure_command
from mia.bootstrap import Workspace, open_workspace
from mia.drawing import THEMES, dress, render
from mia.evaluation.metrics import auc, ndcg
from mia.evaluation.splits import split_by_time
from mia.frames import Floats
from mia.profiles.features import feature_fingerprint
from mia.ranking.calibration import Calibration
from mia.ranking.pairs import Pairs
from mia.ranking.rankers.base import FitOptions
from mia.ranking.rankers.lightgbm import LightGBMRanker, parameters
from mia.ranking.schema import FeatureSchema
from mia.services.simulate import simulate
from mia.services.train.examples import Examples, build_examples
from mia.settings import load_settings
from mia.simulator.scenario import Scenario

SUBSCRIBERS, MONTHS, SEED = 28_000, 6, 4_711
IMPRESSIONS = 1_000_000
TREES, LEAVES = (25, 50, 100, 200, 400, 800), (7, 15, 31, 63)
REQUEST_ROWS, REQUESTS = 40, 200
LARGE = {"trees": 300, "leaves": 63}


def main() -> None:
    """Make the operator, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subscribers", type=int, default=SUBSCRIBERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--curve", type=Path, metavar="SVG", help="quality against cost, drawn into this file")
    parser.add_argument("--home", type=Path, help="a workspace that was made before; else one is made")
    parser.add_argument("--measure", action="store_true", help="time one training in this process (inner use)")
    given = parser.parse_args()
    if given.measure:
        time_training(open_workspace(load_settings(given.home)), given.repeats)
        return
    with tempfile.TemporaryDirectory() as name:
        home = given.home or Path(name) / "home"
        if given.home is None:
            make_home(home, given.subscribers, Path(name) / "files")
        if given.curve:
            draw_curve(open_workspace(load_settings(home)), given.curve)
            return
        command = [sys.executable, __file__, "--measure", "--home", str(home), "--repeats", str(given.repeats)]
        measured = measure_command(command)
        print(measured.output, end="")
        print(f"peak memory of all of it, the bare fit too: {measured.peak_mib:,.0f} MiB")


def make_home(home: Path, subscribers: int, files: Path) -> None:
    """A workspace with records, events and catalogue, folded."""
    simulate(Scenario(subscribers, MONTHS, SEED), files, lambda *_: None)
    command = [sys.executable, "-c", "from mia.cli.main import main; main()", "ingest", str(files), "--home", str(home)]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    open_workspace(load_settings(home)).builder.fold()


def examples_of(workspace: Workspace) -> Examples:
    """The training set, at most IMPRESSIONS of the latest."""
    return build_examples(
        workspace.ledger,
        workspace.build_profiles,
        workspace.catalogue().offers,
        zones=workspace.zones,
        attribution_days=workspace.settings.training.attribution_days,
        until=workspace.end_of_events(),
        choose=lambda impressions: np.arange(max(0, len(impressions) - IMPRESSIONS), len(impressions)),
    )


def learnt(pairs: Pairs, labels: Floats) -> tuple[FeatureSchema, Floats]:
    """The schema with its lines, and the matrix to fit on."""
    schema, unseen = FeatureSchema.fit(pairs, labels, feature_fingerprint()).with_affinity(pairs, labels)
    return schema, schema.training_matrix(pairs, labels, unseen)


def time_training(workspace: Workspace, repeats: int) -> None:
    """Print the parts of a training and its ratio to the bare fit, for the default and for the large model."""
    clock = Clock()
    for _ in range(repeats):
        made: list[Examples] = []
        clock.time("set", lambda made=made: made.append(examples_of(workspace)))
        examples = made.pop()
        labels, pairs = examples.impressions.labels, examples.pairs
        matrices: list[Floats] = []
        clock.time("matrix", lambda m=matrices, p=pairs, y=labels: m.append(learnt(p, y)[1]))
        matrix = matrices.pop()
        rows, columns = matrix.shape
        for name, options in models().items():
            clock.time(
                name,
                lambda x=matrix, y=labels, o=options: lightgbm.train(
                    parameters(LightGBMRanker.loss, o), lightgbm.Dataset(x, y), o.trees
                ),
            )
        del matrix, examples, pairs
    print(f"{rows:,} impressions x {columns} columns, {labels.sum():,.0f} connections; medians of {repeats}")
    print(f"training set {clock.of('set')}, lines and matrix {clock.of('matrix')}")
    for name in models():
        whole, cpu = (
            sum(parts) for parts in zip(*(clock.medians(part) for part in ("set", "matrix", name)), strict=True)
        )
        bare, bare_cpu = clock.medians(name)
        print(
            f"{name}: bare lightgbm.train {clock.of(name)}; "
            f"with the making {whole / bare:.2f} x (processor {cpu / bare_cpu:.2f} x)"
        )


def models() -> dict[str, FitOptions]:
    """The default model and the large one."""
    default = FitOptions(feature_fingerprint())
    return {
        f"{one.trees} trees x {one.leaves} leaves": one
        for one in (default, replace(default, **LARGE, feature_share=1.0, extra_trees=False))
    }


def draw_curve(workspace: Workspace, out: Path) -> None:
    """Print and draw what models of several sizes tell on the later days, and what 40 rows cost them."""
    examples = examples_of(workspace)
    settings, impressions = workspace.settings.training, examples.impressions
    earlier, later = split_by_time(impressions.local_day, settings.holdout_share, gap=settings.attribution_days)
    pairs, labels = examples.pairs.take(earlier), impressions.labels[earlier]
    schema, matrix = learnt(pairs, labels)
    held_out = examples.pairs.take(later).at_first_position()
    answers, slates = impressions.labels[later], impressions.slate[later]
    requests = [
        alone(held_out.take(np.arange(place, place + REQUEST_ROWS)))
        for place in range(0, REQUESTS * REQUEST_ROWS, REQUEST_ROWS)
    ]
    rows: list[dict[str, float]] = []
    print(f"{len(earlier):,} impressions to learn from, {len(later):,} to measure on\n")
    print("| leaves | trees | AUC | NDCG@3 | microseconds for 40 rows |\n|---|---|---|---|---|")
    for leaves in LEAVES:
        options = FitOptions(feature_fingerprint(), leaves=leaves, trees=max(TREES))
        whole = lightgbm.train(
            parameters(LightGBMRanker.loss, options), lightgbm.Dataset(matrix, labels), options.trees
        )
        for trees in TREES:
            part = lightgbm.Booster(model_str=whole.model_to_string(num_iteration=trees))
            model = LightGBMRanker([part], schema, Calibration(0.0, 1.0))
            scores = model.score(held_out)
            figures = {
                "leaves": leaves,
                "trees": trees,
                "auc": auc(scores, answers),
                "ndcg": ndcg(scores, answers, slates, 3),
                "cost": cost(model, requests),
            }
            rows.append(figures)
            print("| {leaves} | {trees} | {auc:.4f} | {ndcg:.4f} | {cost:.0f} |".format(**figures), flush=True)
    out.write_text(drawn(rows))
    print(json.dumps(rows))


def alone(pairs: Pairs) -> Pairs:
    """The same pairs with no profiles but their own, as a request has them."""
    mine, rows = np.unique(pairs.rows, return_inverse=True)
    return replace(pairs, profiles=pairs.profiles.take(mine), rows=rows)


def cost(model: LightGBMRanker, requests: list[Pairs]) -> float:
    """Microseconds for the rows of one request, the median."""
    taken = []
    for pairs in requests:
        started = perf_counter()
        model.score(pairs)
        taken.append(perf_counter() - started)
    return median(taken) * 1e6


def drawn(rows: list[dict[str, float]]) -> str:
    """The curve as SVG: cost along, quality up, one line for each number of leaves."""
    chart = alt.Chart(alt.Data(values=[{**row, "leaves": str(int(row["leaves"]))} for row in rows])).encode(
        x=alt.X("cost:Q", title="microseconds for 40 rows", scale=alt.Scale(zero=False)),
        y=alt.Y("auc:Q", title="AUC on later days", scale=alt.Scale(zero=False)),
        color=alt.Color(
            "leaves:N",
            title="leaves",
            sort=[str(one) for one in LEAVES],
            scale=alt.Scale(range=list(THEMES["light"].lines)),
        ),
        order="trees:Q",
    )
    labels = chart.mark_text(dy=-9, fontSize=10).encode(text="trees:Q")
    return render(dress((chart.mark_line(point=True) + labels).properties(width=620, height=360), THEMES["light"]))


if __name__ == "__main__":
    main()
