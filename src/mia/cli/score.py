"""`mia score`: acceptance of given pairs, or the best offers of everyone."""

from pathlib import Path
from typing import Annotated

import typer

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, parse_day, workspace
from mia.errors import InvalidInput, UnknownSnapshot
from mia.storage.files import require_writable, write_table


def score(
    out: Annotated[Path, typer.Option(help="Result file, .parquet or .csv.")],
    pairs: Annotated[
        Path | None,
        typer.Option(help="File with subscriber_id, offer_id, occurred_at[, channel]: score each as of then."),
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="The best K offers of every subscriber.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Day for --top. Default: that of the newest profile snapshot.")
    ] = None,
    model: Annotated[str, typer.Option(help="Version of the model, or `champion`.")] = "champion",
    home: Home = None,
) -> None:
    """Score pairs as of their own time, or the best K offers of every subscriber."""
    if (pairs is None) == (top is None):
        raise InvalidInput("give either --pairs FILE or --top K")
    require_writable(out)
    with workspace(home) as opened, progress_bar() as progress:
        scorer = opened.scorer(opened.version(model))
        opened.builder.fold(progress)
        if pairs is not None:
            table = scorer.score_pairs(pairs, progress)
        else:
            snapshot = opened.profiles.current()
            if as_of is None and snapshot is None:
                raise UnknownSnapshot("newest")
            day = parse_day(as_of or str(snapshot).partition(".")[0], "--as-of")
            table = scorer.best(top or 1, as_of=day, contact=opened.contact, progress=progress)
        write_table(table, out)
    typer.echo(f"{out}: {len(table):,} rows")
