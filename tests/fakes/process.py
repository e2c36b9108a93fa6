"""Commands of `mia` as processes of their own that need not wait for the interpreter to start."""

import os
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from os import devnull
from pathlib import Path
from types import MappingProxyType


def start_mia(
    *words: str, variables: Mapping[str, str] = MappingProxyType({}), log: Path | None = None
) -> ForkServerProcess:
    """Start a command: the process is forked off one that has imported MIA and done nothing else.

    It gets further environment variables, and its standard error goes to the end of the file `log`.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload(["mia.cli.main"])
    process = context.Process(target=_run, args=(words, dict(variables), log))
    process.start()
    return process


def _run(words: tuple[str, ...], variables: dict[str, str], log: Path | None) -> None:
    # Imported by the server already; this process is told apart from the tests that import this file.
    from mia.cli.main import main

    sys.argv = ["mia", *words]
    os.environ.update(variables)
    if log is not None:
        with log.open("ab") as said:
            os.dup2(said.fileno(), sys.stderr.fileno())
    with Path(devnull).open("w") as nowhere:
        sys.stdout = nowhere
        main()
