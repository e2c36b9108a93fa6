"""`mia train` and `mia evaluate`: candidates and their figures."""

from pathlib import Path
from typing import Annotated

import typer

from mia.cli.figures import print_measures, print_policies
from mia.cli.knock_out import Format, print_knocked
from mia.cli.progress import progress_bar
from mia.cli.recipe import load_recipe
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import InvalidInput
from mia.services.train import Budget
from mia.settings import ObjectiveName, RankerName
from mia.timeline import DAY_SECONDS, MICROSECONDS

Attribution = Annotated[
    int | None, typer.Option(min=1, help="Days after an impression within which a connection counts as its answer.")
]
Until = Annotated[str | None, typer.Option(help="Use events before this date only. Default: all.")]
Since = Annotated[str | None, typer.Option(help="Learn from impressions of this date and later only. Default: all.")]


def train(
    since: Since = None,
    until: Until = None,
    attribution_days: Attribution = None,
    recipe: Annotated[
        Path | None, typer.Option(help="TOML file with parameters of the fit; see models/.", dir_okay=False)
    ] = None,
    ranker: Annotated[
        RankerName | None, typer.Option(help="Kind of ranker. Default: the setting `ranker` in [training].")
    ] = None,
    objective: Annotated[
        ObjectiveName | None,
        typer.Option(help="What offers are ordered by. Default: the setting `objective` in [training]."),
    ] = None,
    tune: Annotated[
        float | None, typer.Option(min=0, help="Look for better parameters for this many minutes first.")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Look no further once so many were tried; goes with --tune.")
    ] = None,
    home: Home = None,
) -> None:
    """Build the training set, fit, evaluate on later days, register a candidate in MLflow."""
    if trials is not None and tune is None:
        raise InvalidInput("only goes with --tune", option="--trials")
    with workspace(home) as opened, progress_bar() as progress:
        done = opened.train(
            until=_until(until),
            since_day=None if since is None else parse_day(since, "--since"),
            attribution_days=attribution_days,
            fit=None if recipe is None else load_recipe(recipe),
            ranker=ranker,
            objective=objective,
            tune=None if tune is None else Budget(60 * tune, trials),
            progress=progress,
        )
    print_measures(
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
        list[str] | None,
        typer.Option(
            help="Value this policy from the log: mia, popular, popular_by_region (greedy), or plackett-luce:0.5, "
            "optimistic:0.5,1, epsilon-uniform (exploring throughout), or the stored name of a live policy."
        ),
    ] = None,
    until: Until = None,
    attribution_days: Attribution = None,
    knock_out: Annotated[
        bool,
        typer.Option(
            "--knock-out", help="Instead: how the ranking would change without each factor (acceptance, value, ...)."
        ),
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print a knock-out.")] = Format.TABLE,
    home: Home = None,
) -> None:
    """Figures of a model with intervals, and what it would have earned, against the baselines."""
    for option, given in (("--policy", policy), ("--until", until), ("--attribution-days", attribution_days)):
        if knock_out and given:
            raise InvalidInput("does not go with --knock-out", option=option)
    if form is not Format.TABLE and not knock_out:
        raise InvalidInput("only goes with --knock-out", option="--format")
    with workspace(home) as opened, progress_bar() as progress:
        progress("model", 0, 1)
        version = opened.version(model)
        progress("model", 1, 1)
        if knock_out:
            print_knocked(opened.knock_out(version, progress=progress), form)
            return
        allowed = opened.policy().exploration.epsilon
        found = opened.evaluator().evaluate(
            version,
            opened.catalogue().offers,
            until=_until(until) or opened.end_of_events(),
            attribution_days=attribution_days or opened.settings.training.attribution_days,
            policies=tuple(policy or ()),
            progress=progress,
        )
    source = "impressions after its training" if found.fresh else "the later window of its training"
    print_measures(
        found.table,
        f"model {found.version} on {source}: {found.rows:,} impressions {found.window[0]} to {found.window[1]}, "
        f"{found.positives:,} connections",
    )
    print_policies(found.policies, found.warnings)
    if found.decided:
        typer.echo(
            f"learning: {found.explored:,} of {found.decided:,} impressions of decisions "
            f"({found.explored / found.decided:.1%}) explored; epsilon of the policy allows {allowed:.0%}"
        )


def _until(text: str | None) -> int | None:
    return None if text is None else parse_day(text, "--until") * DAY_SECONDS * MICROSECONDS
