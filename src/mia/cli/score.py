"""`mia score`: acceptance of given pairs, or the best offers of everyone."""

from pathlib import Path
from typing import Annotated

import typer

from mia.cli.progress import progress_bar
from mia.cli.workspace import Engine, Home, SparkMaster, parse_day, workspace
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
    engine: Engine = None,
    spark_master: SparkMaster = None,
    home: Home = None,
) -> None:
    """Score pairs as of their own time, or the best K offers of every subscriber."""
    if (pairs is None) == (top is None):
        raise InvalidInput("give either --pairs FILE or --top K")
    require_writable(out)
    with workspace(home, engine=engine, spark_master=spark_master) as opened, progress_bar() as progress:
        version = opened.version(model)
        opened.builder.fold(progress)
        if pairs is not None:
            table = opened.pair_scorer(version).score(pairs, progress)
            write_table(table, out)
            rows = len(table)
        else:
            snapshot = opened.profiles.current()
            if as_of is None and snapshot is None:
                raise UnknownSnapshot("newest")
            day = parse_day(as_of or str(snapshot).partition(".")[0], "--as-of")
            rows = opened.score_best(version, top or 1, as_of=day, out=out, progress=progress)
    typer.echo(f"{out}: {rows:,} rows")
