"""`mia backup`: one archive of the workspace."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from mia.cli.progress import progress_bar
from mia.cli.workspace import Home, workspace


def backup(
    out: Annotated[Path, typer.Argument(help="The .tar file to write, outside of the workspace.")],
    home: Home = None,
) -> None:
    """Write one archive of the workspace while it serves: ledger, lake, profiles, models, all of one moment.

    Unpacked into an empty folder it is that workspace again. A load or refresh at the same time is refused.
    """
    with workspace(home) as opened, progress_bar() as progress:
        done = opened.back_up(out, progress=progress)
    Console().print(f"{done.files:,} files, {done.size / 2**20:,.1f} MiB: {escape(str(out))}", soft_wrap=True)
    if not done.has_ledger:
        Console().print("the ledger is a database of its own (ledger_url): back it up with pg_dump", soft_wrap=True)
