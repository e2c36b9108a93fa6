"""Commands of `mia` as processes of their own that need not wait for the interpreter to start."""

import sys
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from os import devnull
from pathlib import Path


def start_mia(*words: str) -> ForkServerProcess:
    """Start a command: the process is forked off one that has imported MIA and done nothing else."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["mia.cli.main"])
    process = context.Process(target=_run, args=(words,))
    process.start()
    return process


def _run(words: tuple[str, ...]) -> None:
    # Imported by the server already; this process is told apart from the tests that import this file.
    from mia.cli.main import main

    sys.argv = ["mia", *words]
    with Path(devnull).open("w") as nowhere:
        sys.stdout = nowhere
        main()
