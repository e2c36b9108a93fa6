"""`mia train`, `mia evaluate`, `mia promote`, `mia models`: the analyst's loop."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mia.cli.console import console
from mia.cli.progress import progress_bar
from mia.cli.recipe import load_recipe
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import NotEnoughData
from mia.evaluation.measures import Measures
from mia.evaluation.off_policy import OffPolicy
from mia.ports import Ledger
from mia.profiles.features import feature_fingerprint
from mia.services.promote import promote as promote_version
from mia.services.train import TrainingPlan
from mia.timeline import DAY_SECONDS, MICROSECONDS

Attribution = Annotated[
    int | None, typer.Option(min=1, help="Days after an impression within which a connection counts as its answer.")
]
Until = Annotated[str | None, typer.Option(help="Use events before this date only. Default: all.")]


def train(
    until: Until = None,
    attribution_days: Attribution = None,
    recipe: Annotated[
        Path | None, typer.Option(help="TOML file with parameters of the fit; see models/.", dir_okay=False)
    ] = None,
    home: Home = None,
) -> None:
    """Build the training set, fit, evaluate on later days, register a candidate in MLflow."""
    with workspace(home) as opened, progress_bar() as progress:
        catalogue, training = opened.catalogue(), opened.settings.training
        opened.builder.fold(progress)
        done = opened.trainer().train(
            TrainingPlan(
                catalogue.offers,
                catalogue.version,
                _until(until, opened.ledger),
                attribution_days or training.attribution_days,
                training.holdout_share,
                opened.fit_options() if recipe is None else replace(opened.fit_options(), **load_recipe(recipe)),
            ),
            progress,
        )
    _print_measures(
        done.table,
        f"{done.test_rows:,} impressions {' to '.join(done.test_window)}, {done.test_positives:,} connections",
    )
    typer.echo(f"AUC gain over popular: {done.gain_over_popular}")
    typer.echo(
        f"candidate {done.version}, fitted on {done.train_rows:,} impressions; go live: mia promote {done.version}"
    )


def evaluate(
    model: Annotated[str, typer.Argument(help="Version of the model, or `champion`.")],
    policy: Annotated[
        list[str] | None, typer.Option(help="Value this policy from the log: mia, popular, popular_by_region.")
    ] = None,
    until: Until = None,
    attribution_days: Attribution = None,
    home: Home = None,
) -> None:
    """Figures of a model with intervals, and what it would have earned, against the baselines."""
    with workspace(home) as opened:
        found = opened.evaluator().evaluate(
            opened.version(model),
            opened.catalogue().offers,
            until=_until(until, opened.ledger),
            attribution_days=attribution_days or opened.settings.training.attribution_days,
            policies=tuple(policy or ()),
        )
    source = "impressions after its training" if found.fresh else "the later window of its training"
    _print_measures(
        found.table,
        f"model {found.version} on {source}: {found.rows:,} impressions {found.window[0]} to {found.window[1]}, "
        f"{found.positives:,} connections",
    )
    _print_policies(found.policies)


def promote(version: Annotated[str, typer.Argument(help="Version of the candidate.")], home: Home = None) -> None:
    """Run the gate on a candidate and make it the champion, or refuse it and say why."""
    with workspace(home) as opened:
        verdict = promote_version(
            version, registry=opened.registry, thresholds=opened.thresholds, fingerprint=feature_fingerprint()
        )
    for check in verdict.checks:
        typer.echo(f"passed: {check}")
    typer.echo(f"model {version} is champion")


def models(home: Home = None) -> None:
    """List the registered models, newest first."""
    table = Table("version", "made (UTC)", "champion", "gate", "AUC", "NDCG@3", "calibration error", "trained until")
    with workspace(home) as opened:
        for model in opened.registry.versions():
            made = datetime.fromtimestamp(model.created_at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
            figures = (
                f"{model.metrics.get(name, float('nan')):.4f}" for name in ("auc", "ndcg_at_3", "calibration_error")
            )
            table.add_row(
                model.version,
                made,
                "yes" if model.champion else "",
                model.tags.get("gate", "not run"),
                *figures,
                model.tags.get("trained_until", ""),
            )
    console.print(table)


def _until(text: str | None, ledger: Ledger) -> int:
    if text is not None:
        return parse_day(text, "--until") * DAY_SECONDS * MICROSECONDS
    times = ledger.events()["occurred_at"]
    if not len(times):
        raise NotEnoughData("the ledger holds no events; `mia ingest` loads them")
    return int(times.to_numpy().max()) + 1


def _print_measures(table: Mapping[str, Measures], title: str) -> None:
    shown = Table("ranker", "AUC [95 %]", "log loss", "NDCG@3", "calibration error", title=title)
    for name, found in table.items():
        shown.add_row(
            name,
            str(found.auc),
            f"{found.log_loss:.4f}",
            f"{found.ndcg_at_3:.4f}",
            f"{found.calibration_error:.4f}",
        )
    console.print(shown)


def _print_policies(policies: Mapping[str, OffPolicy]) -> None:
    if not policies:
        typer.echo("no off-policy value: the log carries no propensities for first positions")
        return
    shown = Table(
        "policy",
        "IPS [95 %]",
        "SNIPS [95 %]",
        "effective size",
        "matched",
        title="Connections an impression in first place",
    )
    for name, found in policies.items():
        shown.add_row(name, str(found.ips), str(found.snips), f"{found.effective_size:.0f}", f"{found.matched:.1%}")
    console.print(shown)
